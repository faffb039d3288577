/** Reading a part of the binary log again: what is in the logs already is counted, and what differs is a stop. */
import { SyncError } from '../base/errors.js';
import type { RowBatch } from '../model/change.js';
import type { PartialTransaction } from '../model/documents.js';
import { countChanges } from './null-sink.js';

/**
 * The ids of a batch that an earlier part of its transaction has brought; `isFirst`: it begins the transaction. Parts end where
 * batches end.
 */
export function skipDone(
  batch: RowBatch,
  counter: { next: number },
  { done, beganSeconds }: PartialTransaction,
  isFirst: boolean,
): void {
  if (isFirst && batch.utcSeconds !== beganSeconds)
    throw diverged(`a transaction that began at ${batch.utcSeconds}`, `one that began at ${beganSeconds}`);
  counter.next += countChanges(batch);
  if (counter.next - 1 > done)
    throw diverged(`rows up to record_id ${counter.next - 1} in one event`, `an event that ends at ${done}`);
}

export function diverged(seen: string, wanted: string): SyncError {
  return new SyncError('REPLAY_DIVERGED', {
    seen: `reading again: ${seen}`,
    wanted: `what was read the first time: ${wanted}`,
    fix: 'Point the task at the server that it was on before, if there is one: a replica may log transactions in another order. Otherwise take the tables again: mcsync resnapshot.',
  });
}
