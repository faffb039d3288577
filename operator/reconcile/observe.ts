/** What the workers of a task have written, read and parsed. Nothing is judged here, and nothing is written. */
import { SyncError } from '../base/errors.js';
import { documentNames } from '../model/document-names.js';
import {
  type CheckpointDocument,
  type ConfigDocument,
  type Envelope,
  type PlanDocument,
  type PrecheckDocument,
  parseDocument,
  type ShardDocument,
} from '../model/documents.js';
import type { CheckpointStore, ObservedWorker } from '../model/ports.js';
import type { Restarts } from './restarts.js';

export interface ObservedDocuments {
  readonly config: ConfigDocument | null;
  readonly precheck: PrecheckDocument | null;
  readonly plan: PlanDocument | null;
  readonly shards: readonly ShardDocument[];
  readonly checkpoint: CheckpointDocument | null;
}

export interface Observed extends ObservedDocuments {
  readonly workers: readonly ObservedWorker[];
  readonly restarts: Restarts;
  /** The checkpoint was written by a worker started since this control plane began: its `caughtUp` speaks of now. */
  readonly isCheckpointCurrent: boolean;
}

const nothing: ObservedDocuments = { config: null, precheck: null, plan: null, shards: [], checkpoint: null };

export async function observeDocuments(
  store: CheckpointStore,
  task: string,
  shardCount: number,
): Promise<ObservedDocuments> {
  const config = await loadConfig(store, task);
  if (!config) return nothing;
  const load = <T extends Envelope>(name: string): Promise<T | null> => loadDocument<T>(store, name, config.taskId);
  const shards: (ShardDocument | null)[] = [];
  for (let shard = 0; shard < shardCount; shard += 1) shards.push(await load(documentNames.shard(task, shard)));
  // The checkpoint last: what it says of a table is never older than what the other documents said.
  return {
    config,
    precheck: await load(documentNames.precheck(task)),
    plan: await load(documentNames.plan(task)),
    shards: shards.filter((shard) => shard !== null),
    checkpoint: await load(documentNames.checkpoint(task)),
  };
}

/** The config document names the task that all others must belong to. */
export async function loadConfig(store: CheckpointStore, task: string): Promise<ConfigDocument | null> {
  const name = documentNames.config(task);
  const stored = await store.load(name);
  return stored && parseDocument<ConfigDocument>(name, stored.body, taskIdOf(stored.body));
}

export async function loadDocument<T extends Envelope>(
  store: CheckpointStore,
  name: string,
  taskId: string,
): Promise<T | null> {
  const stored = await store.load(name);
  return stored && parseDocument<T>(name, stored.body, taskId);
}

/** Empty where the text is no document; `parseDocument` then says what is wrong with it. */
function taskIdOf(body: string): string {
  try {
    return (JSON.parse(body) as Partial<Envelope> | null)?.taskId ?? '';
  } catch (error) {
    if (error instanceof SyntaxError) return '';
    throw error;
  }
}

/** For those who need a task that has been started. `place` is where it was looked for. */
export function requireStarted(config: ConfigDocument | null, task: string, place: string): ConfigDocument {
  if (config) return config;
  throw new SyncError('TASK_NOT_STARTED', {
    task,
    seen: `no documents of this task in ${place}`,
    wanted: 'a task that was started here',
    fix: 'Start it with `mcsync run -f FILE`, or name the folder that `run` was given with --state.',
  });
}
