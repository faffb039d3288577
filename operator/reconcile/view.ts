/** One look at a task, and the plain questions that rules and status ask of it. Pure. */
import type { ExitCode } from '../base/exit-codes.js';
import type { WorkerFailure, WorkerRole, WorkerSpec } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import type { Observed } from './observe.js';

export interface View {
  readonly task: TaskRules;
  readonly observed: Observed;
  readonly nowMs: number;
  /** What the workers of this input are started with; workers of another input are not ours to judge. */
  readonly inputHash: string;
}

export interface TaskRules {
  readonly mode: 'FullAndIncremental' | 'FullOnly' | 'IncrementalOnly';
  readonly suspend: boolean;
  readonly maxRestarts: number;
  readonly lagThresholdMs: number;
  readonly goal: Goal;
}

/** When to end: never, at a point, or now. */
export type Goal = 'stay' | 'synchronizing' | 'caught-up' | 'stop';

export type Action =
  | { readonly kind: 'startWorker'; readonly worker: WorkerSpec }
  | { readonly kind: 'stopWorker'; readonly role: WorkerRole }
  | { readonly kind: 'done'; readonly exitCode: ExitCode; readonly failure: WorkerFailure | null };

/** What a rule decides; `message` says why the task is not further, where that needs saying. */
export interface Ruling {
  readonly phase: Phase;
  readonly actions: readonly Action[];
  readonly message?: string;
  readonly failure?: WorkerFailure;
}

export type Phase =
  | 'Pending'
  | 'Prechecking'
  | 'PrecheckFailed'
  | 'InitialSchema'
  | 'InitialData'
  | 'Synchronizing'
  | 'Suspended'
  | 'Failed'
  | 'PositionLost'
  | 'Completed';

export function isPrepared({ observed }: View): boolean {
  const { plan: planned, config } = observed;
  if (planned?.stage !== 'done' || !config || planned.inputHash !== config.inputHash) return false;
  return config.resnapshot === null || planned.resnapshotNonce === config.resnapshot.nonce;
}

export function areBaselinesCommitted({ observed }: View): boolean {
  return (observed.plan?.tables ?? []).every(({ plan: table, snapshot, generation }) => {
    if (snapshot === null) return true;
    const key = tableKey(table.source);
    return observed.shards.some(({ tables }) => tables[key]?.generation === generation && tables[key].committed);
  });
}

export function phaseOfData(view: View): Phase {
  const { plan: planned, checkpoint } = view.observed;
  if (planned?.stage !== 'done') return 'Pending';
  if (view.task.mode === 'FullOnly') return areBaselinesCommitted(view) ? 'Completed' : 'InitialData';
  const isComplete = planned.tables.every(({ plan: table, generation }) => {
    const known = checkpoint?.tables[tableKey(table.source)];
    return known !== undefined && known.generation >= generation && known.state === 'complete';
  });
  return isComplete ? 'Synchronizing' : 'InitialData';
}

/**
 * From this second on a merge can show the table; null before it is complete. Where the stream had seen no event by then,
 * the moment at which the snapshot worker saved for the last time bounds it from above.
 */
export function completeSinceSeconds(
  { plan: planned, shards, checkpoint }: Pick<Observed, 'plan' | 'shards' | 'checkpoint'>,
  table: string,
): number | null {
  const wanted = planned?.tables.find(({ plan: each }) => tableKey(each.source) === table);
  const known = checkpoint?.tables[table];
  if (!wanted || !known || known.generation < wanted.generation || known.state !== 'complete') return null;
  const copiedMs = wanted.snapshot === null ? 0 : Math.max(0, ...shards.map((shard) => shard.updatedAtMs));
  return known.completeSinceSeconds || Math.ceil(copiedMs / 1000);
}
