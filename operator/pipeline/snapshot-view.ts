/**
 * Copies a table without a key: its rows have no identity, so they are read in one view, and the log's rows up to the
 * view are left out of every merge. A new start means a new view, a new session and a new watermark.
 */
import { randomUUID } from 'node:crypto';
import { SyncError } from '../base/errors.js';
import type { WatchAnswer } from '../model/documents.js';
import { tableKey } from '../model/source-table.js';
import type { TableCopy } from './snapshot.js';
import { commitBase, recoverBase } from './snapshot-commit.js';
import { sendRows } from './snapshot-rows.js';
import { newBaseSession } from './snapshot-session.js';
import { loadCheckpoint } from './task-documents.js';

/** A stream that fell behind forgets a view after 100,000 transactions; five views in a row mean that it cannot keep up. */
const viewsMax = 5;

export async function copyView(copy: TableCopy): Promise<void> {
  if (await recoverBase(copy)) return;
  for (let view = 1; view <= viewsMax; view += 1) {
    if (await copyOnce(copy)) return;
    copy.report.warn('view lost, taking another', { table: tableKey(copy.planned.plan.source), view });
  }
  throw new SyncError('SNAPSHOT_VIEW_LOST', {
    seen: `${viewsMax} views were taken, and each was forgotten by the stream before the table was read`,
    wanted: 'a stream that reaches the view within 100,000 transactions of the table',
    fix: 'Give the table a primary key, or take it while fewer transactions write to it.',
    table: tableKey(copy.planned.plan.source),
  });
}

async function copyOnce(copy: TableCopy): Promise<boolean> {
  const { planned, progress, source, settings, stop } = copy;
  const key = tableKey(planned.plan.source);
  const watchId = randomUUID();
  if (settings.hasStream) {
    await progress.set(key, { watch: { id: watchId, view: null } });
    await answerOf(copy, watchId, () => true);
  }
  const { ref } = await newBaseSession(copy);
  const rows = source.readView(planned.plan, (view) => progress.set(key, { watch: { id: watchId, view } }), stop);
  const blocks = await sendRows(copy, ref, rows, stop);
  if (settings.hasStream) {
    const answer = await answerOf(copy, watchId, (told) => told.watermark !== null || told.isLost);
    if (answer.isLost) return false;
  }
  await progress.count(key, 0, 1);
  await commitBase(copy, ref, blocks);
  return true;
}

/** Waits until the stream has answered this watch, and the answer says what is wanted. */
async function answerOf(
  copy: TableCopy,
  watchId: string,
  isWanted: (answer: WatchAnswer) => boolean,
): Promise<WatchAnswer> {
  const key = tableKey(copy.planned.plan.source);
  for (;;) {
    const checkpoint = await loadCheckpoint(copy.documents);
    const answer = checkpoint?.tables[key]?.watch;
    if (answer?.id === watchId && isWanted(answer)) return answer;
    await copy.clock.sleep(copy.settings.pollMs, copy.stop);
  }
}
