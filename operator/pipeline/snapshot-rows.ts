import type { RowBatch } from '../model/change.js';
import type { UploadRef } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import type { TableCopy } from './snapshot.js';
import { type SentBlock, Upload } from './upload.js';

/** Sends rows that are read in one go as the blocks of a session of their own, in bounded memory. */
export async function sendRows(
  copy: TableCopy,
  ref: UploadRef,
  rows: AsyncIterable<RowBatch>,
  signal: AbortSignal,
): Promise<readonly SentBlock[]> {
  const { planned, progress, settings, clock } = copy;
  const session = { ...ref, initiatedMs: clock.nowMs() };
  const upload = new Upload(copy.warehouse, planned.plan, { kind: 'base' }, async () => session);
  try {
    for await (const batch of rows) {
      const count = upload.write(batch);
      await upload.drained();
      if (upload.currentBlockBytes >= settings.blockBytesMax) await upload.cut();
      await progress.count(tableKey(planned.plan.source), count);
    }
    signal.throwIfAborted();
    return (await upload.seal()).blocks;
  } finally {
    upload.discard();
  }
}
