/**
 * Commits one session of a baseline. Base rows carry no record id, so an uncertain commit is settled by the table's row
 * count: the intent holds the count before, and an unchanged count means that it was not committed. Sessions of one table
 * are committed one after the other, so that a count speaks of one commit.
 */
import { assert } from '../base/assert.js';
import { SyncError } from '../base/errors.js';
import type { BaseCommitIntent } from '../model/documents.js';
import type { UploadRef, UploadState } from '../model/ports.js';
import { type BinlogPosition, hasReached } from '../model/position.js';
import type { BlockCount } from '../model/recovery.js';
import { tableKey } from '../model/source-table.js';
import { type NamedSession, settleSession } from './settle.js';
import type { TableCopy } from './snapshot.js';

/**
 * `blocks` is what the session must list: anything more would be committed with it. `chunksAfter` says how many chunks
 * of the table are in it then, this session's included.
 */
export async function commitBase(
  copy: TableCopy,
  ref: UploadRef,
  blocks: readonly BlockCount[],
  chunksAfter: number,
): Promise<void> {
  const rowsBefore = await countTable(copy);
  const { uploadId } = ref;
  const commitIntent = { uploadId, rowsBefore, blocks, rows: rowsOf(blocks), chunksAfter };
  const readUpTo = await newReadUpTo(copy);
  await copy.progress.set(keyOf(copy), { commitIntent, ...(readUpTo && { readUpTo }) });
  if ((await settleBase(copy, commitIntent)) === 'missing') throw sessionLost(copy, ref);
  await finishBase(copy);
}

/**
 * Saved before a block of rows that were read just now is sent: the start after next may find another server behind the
 * address, and one that lacks what these rows show must not be gone on with.
 */
export async function saveReadUpTo(copy: TableCopy): Promise<void> {
  const readUpTo = await newReadUpTo(copy);
  if (readUpTo !== null) await copy.progress.set(keyOf(copy), { readUpTo });
}

/** Null where what is saved says as much, or where there are no GTIDs: then there is no other server to go on with. */
async function newReadUpTo({ source, settings, progress, planned }: TableCopy): Promise<BinlogPosition | null> {
  if (!settings.hasStream) return null;
  const now = await source.position();
  const saved = progress.table(tableKey(planned.plan.source)).readUpTo;
  return now.gtidSet === null || (saved && hasReached(saved, now)) ? null : now;
}

/** Brings a commit that an earlier start left in doubt to its end. */
export async function recoverBase(copy: TableCopy): Promise<void> {
  const { commitIntent: intent, committed: isDone } = copy.progress.table(keyOf(copy));
  if (intent === null || isDone) return;
  if ((await settleBase(copy, intent)) === 'done') return await finishBase(copy);
  const { committedChunks } = copy.progress.table(keyOf(copy));
  await copy.progress.set(keyOf(copy), {
    commitIntent: null,
    session: null,
    rowsRead: intent.rowsBefore,
    chunksDone: committedChunks ?? 0,
  });
}

async function settleBase(copy: TableCopy, intent: BaseCommitIntent): Promise<'done' | 'missing'> {
  const { warehouse, clock, stop: signal, progress, report } = copy;
  const confirmIntent = (): Promise<void> => progress.confirm();
  await confirmIntent();
  return await settleSession(named(copy, intent), { warehouse, clock, signal, report, confirmIntent });
}

function named(copy: TableCopy, intent: BaseCommitIntent): NamedSession {
  const table = copy.planned.plan.baseTable as string;
  return {
    ref: { table, partition: null, uploadId: intent.uploadId },
    source: keyOf(copy),
    blocks: intent.blocks,
    rows: intent.rows,
    countRows: async () => (await countTable(copy)) - intent.rowsBefore,
    where: `${table} beyond the ${intent.rowsBefore} that it had before`,
    adopt: (state) => adoptList(copy, intent, state),
  };
}

/**
 * Of a table in chunks any reading of a chunk is as good as another: where one that was sent by a dead worker came late and
 * took the place of ours, the session holds other rows, and all of them are right.
 */
async function adoptList(
  copy: TableCopy,
  intent: BaseCommitIntent,
  { blocks }: UploadState,
): Promise<NamedSession | null> {
  const isInChunks = (copy.planned.snapshot?.chunks.length ?? 0) > 1;
  const ids = (list: readonly BlockCount[]): string =>
    JSON.stringify(list.map(({ id }) => id).toSorted((a, b) => a - b));
  if (!isInChunks || ids(blocks) !== ids(intent.blocks)) return null;
  const commitIntent = { ...intent, blocks, rows: rowsOf(blocks) };
  await copy.progress.set(keyOf(copy), { commitIntent });
  return named(copy, commitIntent);
}

/** The source's position is read after the commit was answered: from there on a merge shows a moment that was. */
async function finishBase(copy: TableCopy): Promise<void> {
  const { progress, source, settings, report } = copy;
  const table = keyOf(copy);
  const { commitIntent: intent, chunks } = progress.table(table);
  assert(intent !== null, 'an intent is saved before a commit');
  const rows = intent.rowsBefore + intent.rows;
  const chunksAfter = intent.chunksAfter ?? chunks;
  if (chunksAfter < chunks) {
    const committedChunks = chunksAfter;
    await progress.set(table, { committedChunks, session: null, commitIntent: null, chunksDone: chunksAfter });
    return report.info('part of a baseline committed', { table, rows, chunks: `${chunksAfter}/${chunks}` });
  }
  const completeAfter = settings.hasStream ? await source.position() : null;
  await progress.set(table, { committed: true, completeAfter, rowsRead: rows });
  report.info('baseline committed', { table, rows });
}

async function countTable(copy: TableCopy): Promise<number> {
  const result = await copy.warehouse.query(`SELECT COUNT(*) AS n FROM \`${copy.planned.plan.baseTable}\``);
  return Number(result.rows[0]?.[0]);
}

const keyOf = (copy: TableCopy): string => tableKey(copy.planned.plan.source);

const rowsOf = (blocks: readonly BlockCount[]): number => blocks.reduce((sum, { rows }) => sum + rows, 0);

function sessionLost(copy: TableCopy, ref: UploadRef): SyncError {
  return new SyncError('UPLOAD_SESSION_LOST', {
    seen: `session ${ref.uploadId} of the baseline is gone, and its rows are not in the table`,
    wanted: 'a session that lives until it is committed',
    fix: 'The worker starts again and copies its rows once more.',
    table: keyOf(copy),
  });
}
