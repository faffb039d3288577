/**
 * What the checkpoint says of each table, as pure folds: over the plan when a stream starts, over the shards' documents
 * and the stream's own progress while it runs.
 */
import { assert } from '../base/assert.js';
import type { CheckpointDocument, CheckpointTable, PlanDocument, ShardDocument } from '../model/documents.js';
import { type BinlogPosition, hasReached, isOtherHistory } from '../model/position.js';
import { tableKey } from '../model/source-table.js';

export type Tables = CheckpointDocument['tables'];

/**
 * Tables of the plan, known ones as they stood, new ones and new snapshots from their own start on. `at` is where the
 * stream stands: what it has read of a new table before is not in the log, so the plan must not start earlier.
 */
export function foldPlan(
  tables: Tables,
  plan: PlanDocument,
  at: { readonly position: BinlogPosition; readonly recordId: number },
): Tables {
  const folded: Record<string, CheckpointTable> = {};
  for (const planned of plan.tables) {
    const key = tableKey(planned.plan.source);
    const known = tables[key];
    if (known && known.generation >= planned.generation) {
      folded[key] = known;
      continue;
    }
    assert(hasReached(planned.from, at.position), `${key} is taken from a place that the stream has not passed`);
    folded[key] = {
      schemaVersion: planned.plan.schemaVersion,
      generation: planned.generation,
      state: planned.snapshot === null ? 'complete' : 'copying',
      from: planned.from,
      baseWatermark: at.recordId,
      completeAfter: null,
      completeSinceSeconds: planned.snapshot === null ? 0 : null,
      watch: null,
    };
  }
  return folded;
}

/**
 * Where the stream goes on. When every table is taken anew from a later place, nothing before that place is wanted: it is
 * the way out where the log up to there is gone, or holds what cannot be read, and the one to a server of another history.
 */
export function streamFrom(tables: Tables, plan: PlanDocument, position: BinlogPosition): BinlogPosition {
  const wanted = plan.tables.map((planned) => {
    const known = tables[tableKey(planned.plan.source)];
    const isNew = !known || known.generation < planned.generation;
    return { from: isNew ? planned.from : known.from, isNew };
  });
  // A new table begins before the place of the stream only where the server has another history than the one that was read.
  const isElsewhere = ({ from, isNew }: (typeof wanted)[number]): boolean =>
    (isNew && (isOtherHistory(from, position) || !hasReached(from, position))) || !hasReached(position, from);
  if (!wanted.every(isElsewhere)) return position;
  const earliest = wanted.find(({ from }) => wanted.every((other) => hasReached(other.from, from)));
  return earliest?.from ?? position;
}

/** Takes over what the snapshot workers say; the same object when nothing is new. */
export function foldShards(tables: Tables, shards: readonly ShardDocument[]): Tables {
  let folded = tables;
  for (const shard of shards) {
    for (const [key, told] of Object.entries(shard.tables)) {
      const table = folded[key];
      if (table?.state !== 'copying' || told.generation !== table.generation || !told.completeAfter) continue;
      if (table.completeAfter !== null) continue;
      const baseWatermark = Math.max(table.baseWatermark, table.watch?.watermark ?? 0);
      folded = { ...folded, [key]: { ...table, completeAfter: told.completeAfter, baseWatermark } };
    }
  }
  return folded;
}

/** A table is complete at the first checkpoint at or past the source position read after its commit was answered. */
export function foldProgress(tables: Tables, position: BinlogPosition, sourceSeconds: number): Tables {
  let folded = tables;
  for (const [key, table] of Object.entries(tables)) {
    if (table.state !== 'copying' || !table.completeAfter) continue;
    if (!hasReached(position, table.completeAfter)) continue;
    folded = { ...folded, [key]: { ...table, state: 'complete', completeSinceSeconds: sourceSeconds, watch: null } };
  }
  return folded;
}
