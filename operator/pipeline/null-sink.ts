import type { RowBatch, RowSink } from '../model/change.js';

/** Counts the row changes of a batch whose rows are in the target already: record ids go on, bytes go nowhere. */
export function countChanges(batch: RowBatch): number {
  return batch.drive(nullSink);
}

const nullSink: RowSink = {
  beginRow() {},
  int32() {},
  int64() {},
  boolean() {},
  float32() {},
  float64() {},
  bytes() {},
  date() {},
  datetime() {},
  timestamp() {},
  endRow() {},
};
