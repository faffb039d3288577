/**
 * What lives from one start of the server to its end: the store, what works with it, and what is under way. A restart ends
 * one life and opens the next from the same folder.
 */
import type { Context, Project } from './context.js';
import type { EmulatorOptions } from './emulator.js';
import { LateWork } from './faults/late-work.js';
import type { Answer, Request } from './http.js';
import { Instances } from './instances.js';
import { QuotaCounter, serviceQuotas } from './quotas.js';
import { route } from './routes.js';
import type { SkewedClock } from './skewed-clock.js';
import { Engine } from './sql/engine.js';
import { openStore, type Store, type StoreOptions } from './store/store.js';
import { Downloads } from './tunnel-download.js';

export interface LifeOptions
  extends Pick<EmulatorOptions, 'project' | 'projects' | 'isThreeLevel' | 'quotas'>,
    Pick<Context, 'address' | 'secondCommit'>,
    StoreOptions {
  readonly clock: SkewedClock;
  readonly log: (line: string) => void;
  readonly forgetSessions: boolean;
}

export interface Life {
  readonly store: Store;
  readonly late: LateWork;
  /** Aborted by `end`. */
  readonly ending: AbortSignal;
  readonly handle: (request: Request) => Promise<Answer>;
  /** Ends waits, and lets nothing land any more. */
  end(): void;
  /** After the last handler. */
  close(): Promise<void>;
}

export async function openLife(options: LifeOptions): Promise<Life> {
  const { clock, log } = options;
  const store = await openStore(options);
  if (options.forgetSessions) await store.uploads.forgetAll();
  const ending = new AbortController();
  const engine = new Engine({ ...store, clock });
  const context: Context = {
    ...store,
    engine,
    clock,
    instances: new Instances(engine, clock, log),
    quotas: new QuotaCounter(options.quotas === undefined ? serviceQuotas : options.quotas, clock),
    projects: new Map(
      [{ name: options.project, isThreeLevel: options.isThreeLevel ?? false }, ...(options.projects ?? [])].map(byName),
    ),
    owner: 'ALIYUN$local',
    startedMs: clock.nowMs(),
    address: options.address,
    secondCommit: options.secondCommit,
  };
  const downloads = new Downloads(context);
  const late = new LateWork(clock, ending.signal, log);
  return {
    store,
    late,
    ending: ending.signal,
    handle: (request) => route(context, downloads, request),
    end: () => ending.abort(new Error('the emulator ends')),
    async close() {
      ending.abort(new Error('the emulator ends'));
      await late.idle();
      await store.close();
    },
  };
}

const byName = (project: Project): [string, Project] => {
  const name = project.name.toLowerCase();
  return [name, { ...project, name }];
};
