/** How far a task's tables can be merged, from its documents; and why a moment cannot be shown, where it cannot. */
import { assert } from '../base/assert.js';
import { SyncError } from '../base/errors.js';
import { documentNames } from '../model/document-names.js';
import type { CheckpointDocument, PlanDocument, SchemaDocument, ShardDocument } from '../model/documents.js';
import { renderPosition } from '../model/position.js';
import { tableKey } from '../model/source-table.js';
import type { TablePlan } from '../model/table-plan.js';
import { loadDocument, observeDocuments, requireStarted } from '../reconcile/observe.js';
import { completeSinceSeconds } from '../reconcile/view.js';
import { renderDuration } from './tables.js';
import type { TaskContext } from './task-context.js';

/** One look at the documents, so that several tables are cut at the same place. */
export interface Cut {
  readonly taskId: string;
  readonly plan: PlanDocument;
  readonly checkpoint: CheckpointDocument | null;
  readonly shards: readonly ShardDocument[];
  readonly versions: readonly TablePlan[];
  readonly recordId: number;
  /** Null where nothing is streamed. */
  readonly position: string | null;
  readonly utcSeconds: number;
  /** For the name of a result: of the last event, or of now where there was none. */
  readonly namedSeconds: number;
}

export async function loadCut({ store, name, stateDir }: TaskContext, nowMs: number): Promise<Cut> {
  const { config, plan, checkpoint, shards } = await observeDocuments(store, name, 1);
  const { taskId } = requireStarted(config, name, stateDir);
  if (plan?.stage !== 'done') throw tooEarly('the task has no plan yet: its precheck has not passed');
  // Versions stand in the schema document before a checkpoint names them, so it is read after the checkpoint.
  const schema = await loadDocument<SchemaDocument>(store, documentNames.schema(name), taskId);
  return {
    taskId,
    plan,
    checkpoint,
    shards,
    versions: [...plan.tables.map((planned) => planned.plan), ...(schema?.versions ?? [])],
    recordId: checkpoint?.recordId ?? 0,
    position: checkpoint && renderPosition(checkpoint.position),
    utcSeconds: checkpoint?.utcSeconds ?? 0,
    namedSeconds: checkpoint?.utcSeconds || Math.floor(nowMs / 1000),
  };
}

/** The schema and watermark to merge a table with; throws where `beforeUtcSeconds` cannot be shown. */
export function planMerge(
  table: string,
  cut: Cut,
  beforeUtcSeconds: number | null,
  nowMs: number,
): { readonly plan: TablePlan; readonly baseWatermark: number } {
  const planned = cut.plan.tables.find((each) => tableKey(each.plan.source) === table);
  assert(planned, `${table} is in the plan`);
  if (planned.plan.logTable === null) {
    const isCopied = cut.shards.some(({ tables }) => {
      const told = tables[table];
      return told?.generation === planned.generation && told.committed;
    });
    if (!isCopied) throw tooEarly('its baseline is not committed yet', table);
    if (beforeUtcSeconds !== null) throw noLog(table);
    return { plan: planned.plan, baseWatermark: 0 };
  }
  const known = cut.checkpoint?.tables[table];
  const completeSeconds = completeSinceSeconds(cut, table);
  // Between a new plan and the stream that takes it over, the base table is another one than the checkpoint speaks of.
  if (!known || completeSeconds === null || known.generation !== planned.generation) {
    throw tooEarly('its baseline is not committed, or the stream has not passed the end of its copy', table);
  }
  if (beforeUtcSeconds !== null) refuseMoment(table, cut, completeSeconds, beforeUtcSeconds, nowMs);
  const plan = cut.versions.find(
    (version) => tableKey(version.source) === table && version.schemaVersion === known.schemaVersion,
  );
  assert(plan, `schema version ${known.schemaVersion} of ${table} was stored before it was named`);
  return { plan, baseWatermark: known.baseWatermark };
}

function refuseMoment(table: string, cut: Cut, completeSeconds: number, beforeUtcSeconds: number, nowMs: number): void {
  if (beforeUtcSeconds <= completeSeconds) {
    throw new SyncError('MERGE_TOO_EARLY', {
      table,
      seen: `--at ${iso(beforeUtcSeconds)}`,
      wanted: `a moment after ${iso(completeSeconds)}: the baseline was read until then, and holds later values than an earlier moment had`,
      fix: `Ask for --at ${iso(completeSeconds + 1)} or later, or leave --at out for the newest.`,
    });
  }
  if (beforeUtcSeconds > cut.utcSeconds) {
    const lag = renderDuration(nowMs - cut.utcSeconds * 1000);
    throw new SyncError('MERGE_TOO_LATE', {
      table,
      seen: `--at ${iso(beforeUtcSeconds)}, and the stream has committed up to ${iso(cut.utcSeconds)} (lag ${lag})`,
      wanted: 'a moment that the stream has passed',
      fix: 'Wait until the stream has passed it (`mcsync status --watch`), or leave --at out for the newest.',
    });
  }
}

function tooEarly(seen: string, table?: string): SyncError {
  return new SyncError('MERGE_TOO_EARLY', {
    ...(table === undefined ? {} : { table }),
    seen,
    wanted: 'a table that is complete: before that, base and log together show a moment that never was',
    fix: 'Let `mcsync run` work until `mcsync status` shows the table as Synchronizing, then merge again.',
  });
}

function noLog(table: string): SyncError {
  return new SyncError('USAGE', {
    table,
    seen: '--at, and the task has mode FullOnly: there is no change log to look back in',
    wanted: 'no --at',
    fix: 'Leave --at out, or run the task with mode FullAndIncremental.',
  });
}

function iso(utcSeconds: number): string {
  return new Date(utcSeconds * 1000).toISOString().replace('.000Z', 'Z');
}
