/**
 * What the task has read of its source, from its documents: what a server must have that goes on with it, and whose log the
 * positions stand in that an earlier version wrote down without saying so.
 */
import { assert } from '../base/assert.js';
import type { CheckpointDocument, PlanDocument, ShardDocument } from '../model/documents.js';
import { type BinlogPosition, onServer } from '../model/position.js';
import type { KnownSource, SourceIdentity } from '../model/source-facts.js';
import { tableKey } from '../model/source-table.js';
import { streamFrom } from './table-states.js';
import { loadCheckpoint, loadPlan, loadShard, type TaskDocuments } from './task-documents.js';

export async function knownSource(documents: TaskDocuments): Promise<KnownSource> {
  const plan = await loadPlan(documents);
  assert(plan !== null, 'a worker that reads rows starts after prepare');
  const [checkpoint, shard] = [await loadCheckpoint(documents), await loadShard(documents, 0)];
  return { identity: (checkpoint ?? plan.start).identity, positions: positionsRead(plan, checkpoint, shard) };
}

/**
 * A server that lacks one of these would show another history than the one that was read: where the stream stands, what its
 * intent has committed beyond, what rows of baselines show. Of tables taken anew only what belongs to the new generation.
 */
export function positionsRead(
  plan: PlanDocument,
  checkpoint: CheckpointDocument | null,
  shard: ShardDocument | null,
): BinlogPosition[] {
  const stoodAt = checkpoint?.position ?? plan.start.position;
  const goesOnAt = streamFrom(checkpoint?.tables ?? {}, plan, stoodAt);
  const read = goesOnAt === stoodAt && checkpoint?.intent ? [goesOnAt, checkpoint.intent.upTo.position] : [goesOnAt];
  for (const { plan: table, generation, from } of plan.tables) {
    const key = tableKey(table.source);
    const known = checkpoint?.tables[key];
    if (known?.generation === generation && known.state === 'complete') continue;
    read.push(from);
    const copy = shard?.tables[key];
    if (copy?.generation !== generation) continue;
    if (copy.readUpTo) read.push(copy.readUpTo);
    if (copy.completeAfter) read.push(copy.completeAfter);
  }
  const named = read.map((position) => onServer(position, plan.start.identity));
  return [...new Map(named.map((position) => [`${position.server} ${position.gtidSet}`, position])).values()];
}

/** Before failovers were followed, every position stood in the log of the server that the plan names. */
export function nameServers<Document extends PlanDocument | CheckpointDocument>(
  document: Document,
  identity: SourceIdentity,
): Document {
  const named = (position: BinlogPosition): BinlogPosition => onServer(position, identity);
  if ('start' in document) {
    const tables = document.tables.map((table) => ({ ...table, from: named(table.from) }));
    return { ...document, start: { ...document.start, position: named(document.start.position) }, tables };
  }
  const tables = Object.entries(document.tables).map(([key, table]) => {
    const completeAfter = table.completeAfter && named(table.completeAfter);
    return [key, { ...table, from: named(table.from), completeAfter }] as const;
  });
  const intent = document.intent && {
    ...document.intent,
    upTo: { ...document.intent.upTo, position: named(document.intent.upTo.position) },
  };
  return { ...document, position: named(document.position), intent, tables: Object.fromEntries(tables) };
}
