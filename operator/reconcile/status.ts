/** Where a task stands, for people and scripts: what `mcsync status -o json` prints. Field names are a contract. */
import type { WorkerFailure } from '../model/ports.js';
import { renderPosition } from '../model/position.js';
import { tableKey } from '../model/source-table.js';
import { areBaselinesCommitted, completeSinceSeconds, isPrepared, type Phase, type Ruling, type View } from './view.js';

export interface Condition {
  readonly type: ConditionType;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

export type ConditionType =
  | 'Ready'
  | 'Reconciling'
  | 'Stalled'
  | 'PrecheckPassed'
  | 'SnapshotComplete'
  | 'Streaming'
  | 'LagWithinThreshold'
  | 'CredentialsValid';

export interface TaskStatus {
  readonly phase: Phase;
  /** Why the task is not further, or what it waits for; empty where all is well. */
  readonly message: string;
  readonly failure: WorkerFailure | null;
  readonly conditions: readonly Condition[];
  readonly precheck: { readonly errors: number; readonly warnings: number; readonly ignored: number } | null;
  readonly tables: readonly TableStatus[];
  readonly position: string | null;
  readonly recordId: number | null;
  /** How far the change logs are behind the source's clock; null while nothing is streamed. */
  readonly lagMs: number | null;
  readonly changes: number;
  readonly caughtUp: boolean;
  /** Values that became NULL by `types.onUnrepresentable`, by `database.table.column`. */
  readonly nulled: Readonly<Record<string, number>>;
  readonly restarts: number;
  readonly savedAt: string | null;
}

export interface TableStatus {
  /** `database.table` of the source. */
  readonly table: string;
  readonly baseTable: string | null;
  readonly logTable: string | null;
  readonly phase: 'Pending' | 'Copying' | 'CatchingUp' | 'Synchronizing' | 'Completed';
  readonly rowsCopied: number;
  /** The server's estimate when the copy was planned; null where no copy is taken. */
  readonly rowsEstimate: number | null;
  /** Of the copy, by chunks; by rows where there is one chunk. Below 100 until it is committed. */
  readonly percent: number;
  /** From this moment on a merge can show the table. */
  readonly completeSince: string | null;
}

export function describeTask(view: View, ruling: Ruling): TaskStatus {
  const { checkpoint, precheck, restarts } = view.observed;
  const count = (isCounted: (finding: { severity: string; ignored?: boolean }) => boolean): number =>
    precheck?.findings.filter(isCounted).length ?? 0;
  return {
    phase: ruling.phase,
    message: ruling.message ?? '',
    failure: ruling.failure ?? null,
    conditions: conditionsOf(view, ruling),
    precheck: precheck && {
      errors: count((finding) => finding.severity === 'error' && !finding.ignored),
      warnings: count((finding) => finding.severity === 'warning'),
      ignored: count((finding) => finding.ignored === true),
    },
    tables: tablesOf(view),
    position: checkpoint && renderPosition(checkpoint.position),
    recordId: checkpoint?.recordId ?? null,
    lagMs: lagMsOf(view),
    changes: checkpoint?.counts.changes ?? 0,
    caughtUp: checkpoint?.caughtUp ?? false,
    nulled: nulledOf(view),
    restarts: restarts.prepare.total + restarts.snapshot.total + restarts.stream.total,
    savedAt: checkpoint && new Date(checkpoint.savedAtMs).toISOString(),
  };
}

function lagMsOf({ observed, nowMs }: View): number | null {
  const seconds = observed.checkpoint?.utcSeconds ?? 0;
  return seconds === 0 ? null : Math.max(0, nowMs - seconds * 1000);
}

function nulledOf({ observed }: View): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of [observed.checkpoint?.counts.nulled, ...observed.shards.map((shard) => shard.nulled)]) {
    for (const [column, count] of Object.entries(counts ?? {})) sum[column] = (sum[column] ?? 0) + count;
  }
  return sum;
}

function tablesOf(view: View): TableStatus[] {
  const { plan: planned, shards, checkpoint } = view.observed;
  return (planned?.tables ?? []).map(({ plan: table, generation, snapshot }) => {
    const key = tableKey(table.source);
    const told = shards.map((shard) => shard.tables[key]).find((each) => each?.generation === generation);
    const known = checkpoint?.tables[key];
    const isCurrent = known !== undefined && known.generation >= generation;
    const isCopied = snapshot === null || (told?.committed ?? false);
    const completeSeconds = completeSinceSeconds(view.observed, key);
    return {
      table: key,
      baseTable: table.baseTable,
      logTable: table.logTable,
      phase: tablePhase(view, isCopied, told !== undefined, isCurrent && known.state === 'complete'),
      rowsCopied: told?.rowsRead ?? 0,
      rowsEstimate: snapshot?.rowsEstimate ?? null,
      percent: isCopied ? 100 : percentOf(told, snapshot?.rowsEstimate ?? 0),
      completeSince: completeSeconds ? new Date(completeSeconds * 1000).toISOString() : null,
    };
  });
}

function tablePhase(view: View, isCopied: boolean, isStarted: boolean, isComplete: boolean): TableStatus['phase'] {
  if (isCopied && view.task.mode === 'FullOnly') return 'Completed';
  if (isComplete) return 'Synchronizing';
  if (isCopied) return 'CatchingUp';
  return isStarted ? 'Copying' : 'Pending';
}

/** An estimate is never a hundred: only the commit is. */
function percentOf(
  told: { chunks: number; chunksDone: number; rowsRead: number } | undefined,
  rowsEstimate: number,
): number {
  if (!told) return 0;
  const part =
    told.chunks > 1 ? told.chunksDone / told.chunks : told.rowsRead / Math.max(rowsEstimate, told.rowsRead, 1);
  return Math.min(99, Math.floor(part * 100));
}

function conditionsOf(view: View, ruling: Ruling): Condition[] {
  const { precheck, workers } = view.observed;
  const { phase, failure } = ruling;
  const isStalled = phase === 'PrecheckFailed' || phase === 'Failed' || phase === 'PositionLost';
  const isReady = phase === 'Synchronizing' || phase === 'Completed';
  const lagMs = lagMsOf(view);
  const streams = view.task.mode !== 'FullOnly';
  const isStreaming = workers.some((worker) => worker.role === 'stream' && worker.state === 'running');
  const why = ruling.message ?? failure?.seen ?? '';
  const conditions: (Condition | null)[] = [
    condition('Ready', isReady && !failure, isReady ? phase : 'NotYet', why),
    condition('Reconciling', !isReady && !isStalled && phase !== 'Suspended', phase, why),
    condition(
      'Stalled',
      isStalled,
      isStalled ? (failure?.code ?? phase) : 'Moving',
      isStalled ? (failure?.seen ?? why) : '',
    ),
    precheck && condition('PrecheckPassed', precheck.result !== 'Failed', precheck.result, ''),
    condition('SnapshotComplete', isPrepared(view) && areBaselinesCommitted(view), phase, ''),
    streams ? condition('Streaming', isStreaming, isStreaming ? 'Running' : 'NotRunning', '') : null,
    streams && lagMs !== null
      ? condition('LagWithinThreshold', lagMs <= view.task.lagThresholdMs, 'Measured', `${Math.round(lagMs / 1000)} s`)
      : null,
    isCredentialsFailure(failure)
      ? condition('CredentialsValid', false, failure?.code ?? '', failure?.seen ?? '')
      : condition('CredentialsValid', true, 'NotRejected', ''),
  ];
  return conditions.filter((each) => each !== null);
}

function condition(type: ConditionType, isTrue: boolean, reason: string, message: string): Condition {
  return { type, status: isTrue ? 'True' : 'False', reason, message };
}

function isCredentialsFailure(failure: WorkerFailure | undefined): boolean {
  return failure?.code === 'SOURCE_CREDENTIALS_REJECTED' || failure?.code === 'TARGET_CREDENTIALS_REJECTED';
}
