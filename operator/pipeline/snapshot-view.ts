/**
 * Copies a table without a key: its rows have no identity, so they are read in one view, and the log's rows up to the
 * view are left out of every merge. A new start means a new view, a new session and a new watermark.
 */
import { randomUUID } from 'node:crypto';
import { SyncError } from '../base/errors.js';
import type { CheckpointTable, WatchAnswer } from '../model/documents.js';
import { tableKey } from '../model/source-table.js';
import type { TableCopy } from './snapshot.js';
import { commitBase, recoverBase } from './snapshot-commit.js';
import { sendRows } from './snapshot-rows.js';
import { newBaseSession } from './snapshot-session.js';
import { loadCheckpoint, loadSchema } from './task-documents.js';

/** A stream that fell behind forgets a view after 100,000 transactions; five views in a row mean that it cannot keep up. */
const viewsMax = 5;

export async function copyView(copy: TableCopy): Promise<void> {
  await recoverBase(copy);
  if (copy.progress.table(tableKey(copy.planned.plan.source)).committed) return;
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
    const table = await answerOf(copy, watchId, (told) => told.watermark !== null || told.isLost);
    if (table.watch.isLost) return false;
    await refuseAlteredView(copy, table.schemaVersion, table.watch.watermark ?? 0);
  }
  await progress.count(key, 0, 1);
  await commitBase(copy, ref, blocks, 1);
  return true;
}

/**
 * The view is read with the columns of the start. Rows that were written with a column added since are in it without that
 * column's value, and the log's rows up to the view, which have the value, are left out of every merge.
 */
async function refuseAlteredView(copy: TableCopy, schemaVersion: number, watermark: number): Promise<void> {
  const { plan } = copy.planned;
  if (schemaVersion === plan.schemaVersion) return;
  const key = tableKey(plan.source);
  const versions = (await loadSchema(copy.documents))?.versions ?? [];
  const current = versions.find((each) => tableKey(each.source) === key && each.schemaVersion === schemaVersion);
  const known = new Set(plan.columns.map((column) => column.targetName));
  const missed = current?.addedColumns.find((added) => !known.has(added.targetName) && added.afterRecordId < watermark);
  if (!missed) return;
  throw new SyncError('DDL_INCOMPATIBLE', {
    seen: `the column ${missed.targetName} was added before the one view of the table was taken`,
    wanted: 'a table without a key whose columns stay as they are until it has been read',
    fix: `Take the table again with its new schema: mcsync resnapshot -f FILE ${key}`,
    table: key,
  });
}

/** Waits until the stream has answered this watch, and the answer says what is wanted. */
async function answerOf(
  copy: TableCopy,
  watchId: string,
  isWanted: (answer: WatchAnswer) => boolean,
): Promise<CheckpointTable & { readonly watch: WatchAnswer }> {
  const key = tableKey(copy.planned.plan.source);
  for (;;) {
    const checkpoint = await loadCheckpoint(copy.documents);
    const table = checkpoint?.tables[key];
    const watch = table?.watch;
    if (table && watch?.id === watchId && isWanted(watch)) return { ...table, watch };
    await copy.clock.sleep(copy.settings.pollMs, copy.stop);
  }
}
