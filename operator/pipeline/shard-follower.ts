import type { Clock } from '../base/clock.js';
import type { CheckpointDocument, ShardDocument } from '../model/documents.js';
import type { FencedDocument } from '../model/fenced-document.js';
import type { BinlogPosition } from '../model/position.js';
import { foldProgress, foldShards } from './table-states.js';
import { loadShard, type TaskDocuments } from './task-documents.js';
import type { Watches } from './watches.js';

export interface ShardFollowing {
  readonly documents: TaskDocuments;
  readonly checkpoint: FencedDocument<CheckpointDocument>;
  readonly clock: Clock;
  readonly settings: { readonly shards: number };
}

/**
 * Takes over what the snapshot workers tell and answers what they ask, as long as a table is being copied. Saves the
 * checkpoint only when a table's state changed. `at` is the last transaction end that was read.
 */
export async function followShards(
  following: ShardFollowing,
  watches: Watches,
  at: { readonly position: BinlogPosition; readonly recordId: number },
): Promise<void> {
  const { checkpoint, documents, settings, clock } = following;
  if (Object.values(checkpoint.value.tables).every((table) => table.state === 'complete')) return;
  const shards: ShardDocument[] = [];
  for (let shard = 0; shard < settings.shards; shard += 1) {
    const document = await loadShard(documents, shard);
    if (document) shards.push(document);
  }
  const fold = (value: CheckpointDocument): CheckpointDocument['tables'] => {
    const answered = watches.answer(value.tables, shards, at);
    const told = foldShards(answered, shards);
    // A source that has been silent since the start tells no time of its own.
    return foldProgress(told, value.position, value.utcSeconds || Math.floor(clock.nowMs() / 1000));
  };
  if (fold(checkpoint.value) === checkpoint.value.tables) return;
  await checkpoint.update((value) => ({ ...value, tables: fold(value) }));
}
