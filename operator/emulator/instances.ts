/** SQL instances: submitted, run one after the other, asked about, and remembered for a while. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { ServiceError } from './service-error.js';
import type { Engine, ScriptResult, SqlScope } from './sql/engine.js';
import { SqlError } from './sql/sql-error.js';
import { readSqlJob, type SqlJob } from './xml.js';

export interface Instance {
  readonly id: string;
  readonly project: string;
  readonly job: SqlJob;
  /** The Job as it was sent, for `?source`. */
  readonly source: string;
  readonly startedMs: number;
  endedMs: number | null;
  status: 'Running' | 'Terminated';
  taskStatus: 'Running' | 'Success' | 'Failed';
  result: ScriptResult | null;
  /** What a failed one says. */
  failure: string | null;
  /** Resolves when it has ended, well or not. */
  readonly ended: Promise<void>;
}

/** So many instances are remembered; with their results they are small. */
const instancesMax = 5_000;

export class Instances {
  private readonly engine: Engine;
  private readonly clock: Clock;
  private readonly log: (line: string) => void;
  private readonly instances = new Map<string, Instance>();

  constructor(engine: Engine, clock: Clock, log: (line: string) => void) {
    this.engine = engine;
    this.clock = clock;
    this.log = log;
  }

  submit(body: string, scope: SqlScope): Instance {
    const job = readSqlJob(body);
    const startedMs = this.clock.nowMs();
    const stamp = new Date(startedMs).toISOString().replace(/\D/g, '').slice(0, 17);
    let end: () => void = () => undefined;
    const instance: Instance = {
      id: `${stamp}g${randomBytes(4).toString('hex')}`,
      project: scope.project,
      job,
      source: /<Job>[\s\S]*<\/Job>/.exec(body)?.[0] ?? '<Job/>',
      startedMs,
      endedMs: null,
      status: 'Running',
      taskStatus: 'Running',
      result: null,
      failure: null,
      ended: new Promise((resolve) => {
        end = resolve;
      }),
    };
    this.instances.set(instance.id, instance);
    if (this.instances.size > instancesMax) this.instances.delete(this.instances.keys().next().value as string);
    void this.run(instance, scope).then(end);
    return instance;
  }

  get(project: string, id: string): Instance {
    const instance = this.instances.get(id);
    if (instance === undefined || instance.project !== project) {
      throw new ServiceError(
        404,
        'NoSuchInstance',
        `ODPS-0430104: Instance not found - the specified instance id '${id}' does not exist.`,
      );
    }
    return instance;
  }

  list(project: string): Instance[] {
    return [...this.instances.values()].filter((instance) => instance.project === project);
  }

  private async run(instance: Instance, scope: SqlScope): Promise<void> {
    try {
      instance.result = await this.engine.run(instance.job.query, instance.job.settings, scope);
      instance.taskStatus = 'Success';
    } catch (error) {
      instance.taskStatus = 'Failed';
      instance.failure =
        error instanceof SqlError ? error.message : 'ODPS-0010000:System internal error - see the log of the emulator';
      if (!(error instanceof SqlError))
        this.log(`instance ${instance.id}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    instance.endedMs = this.clock.nowMs();
    instance.status = 'Terminated';
  }
}
