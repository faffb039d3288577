/**
 * Commits one baseline. Base rows carry no record id, so an uncertain commit is settled by the table's row count: the
 * intent holds the count before, and an unchanged count means that it was not committed.
 */
import { assert } from '../base/assert.js';
import { SyncError } from '../base/errors.js';
import type { BaseCommitIntent } from '../model/documents.js';
import type { UploadRef, UploadState } from '../model/ports.js';
import { decideCount, decideSession } from '../model/recovery.js';
import { tableKey } from '../model/source-table.js';
import type { TableCopy } from './snapshot.js';

const askAgainMsMax = 10 * 60_000;
const askAgainDelayMsMax = 15_000;
/** A late commit may still land: two counts stand this far apart. */
const recountDelayMs = 10 * 60_000;

/** `blocks` is what the session must list: anything more would be committed with it. */
export async function commitBase(copy: TableCopy, ref: UploadRef, blocks: BaseCommitIntent['blocks']): Promise<void> {
  const rows = blocks.reduce((sum, block) => sum + block.rows, 0);
  const rowsBefore = await countTable(copy);
  const key = tableKey(copy.planned.plan.source);
  await copy.progress.set(key, { commitIntent: { uploadId: ref.uploadId, rowsBefore, blocks, rows } });
  const outcome = await settleBase(copy, ref);
  if (outcome === 'missing') throw sessionLost(copy, ref);
  await finishBase(copy);
}

/** Brings a commit that an earlier start left in doubt to its end. True when the baseline is committed. */
export async function recoverBase(copy: TableCopy): Promise<boolean> {
  const key = tableKey(copy.planned.plan.source);
  const intent = copy.progress.table(key).commitIntent;
  if (!intent) return false;
  const ref: UploadRef = { table: copy.planned.plan.baseTable as string, partition: null, uploadId: intent.uploadId };
  if ((await settleBase(copy, ref)) === 'missing') {
    await copy.progress.set(key, { commitIntent: null, session: null, rowsRead: 0, chunksDone: 0 });
    return false;
  }
  await finishBase(copy);
  return true;
}

async function settleBase(copy: TableCopy, ref: UploadRef): Promise<'done' | 'missing'> {
  const { warehouse, clock, stop, progress, report } = copy;
  const intent = progress.table(tableKey(copy.planned.plan.source)).commitIntent;
  assert(intent !== null, 'an intent is saved before a commit');
  const startedMs = clock.monotonicMs();
  for (let attempt = 0; ; attempt += 1) {
    await progress.confirm();
    const state = await warehouse.uploadState(ref);
    const decision = decideSession(intent, state);
    if (decision === 'done') return 'done';
    if (decision === 'count') return await countBase(copy, intent, state);
    if (decision === 'changed') throw changed(copy, ref);
    if (decision === 'commit') {
      const answer = await warehouse.commitUpload(ref);
      if (answer.kind === 'committed') return 'done';
      report.warn('commit not confirmed', { table: ref.table, uploadId: ref.uploadId, reason: answer.reason });
    }
    if (clock.monotonicMs() - startedMs > askAgainMsMax) throw uncertain(copy, ref, state);
    await clock.sleep(Math.min(250 * 2 ** attempt, askAgainDelayMsMax), stop);
  }
}

async function countBase(copy: TableCopy, intent: BaseCommitIntent, state: UploadState): Promise<'done' | 'missing'> {
  const first = (await countTable(copy)) - intent.rowsBefore;
  if (first !== intent.rows) await copy.clock.sleep(recountDelayMs, copy.stop);
  const second = (await countTable(copy)) - intent.rowsBefore;
  const decision = decideCount(intent.rows, first, second);
  if (decision !== 'partial') return decision;
  throw new SyncError('COMMIT_PARTIAL', {
    seen: `session ${intent.uploadId} is ${state.status}; the table has ${first}, then ${second} rows more than before`,
    wanted: `${intent.rows} rows more, or none`,
    fix: 'Take the table again: mcsync resnapshot.',
    table: tableKey(copy.planned.plan.source),
  });
}

/** The source's position is read after the commit was answered: from there on a merge shows a moment that was. */
async function finishBase(copy: TableCopy): Promise<void> {
  const { planned, progress, source, settings, report } = copy;
  const key = tableKey(planned.plan.source);
  const completeAfter = settings.hasStream ? await source.position() : null;
  const rows = progress.table(key).commitIntent?.rows ?? 0;
  await progress.set(key, { committed: true, completeAfter, rowsRead: rows });
  report.info('baseline committed', { table: key, rows });
}

async function countTable(copy: TableCopy): Promise<number> {
  const result = await copy.warehouse.query(`SELECT COUNT(*) AS n FROM \`${copy.planned.plan.baseTable}\``);
  return Number(result.rows[0]?.[0]);
}

function sessionLost(copy: TableCopy, ref: UploadRef): SyncError {
  return new SyncError('UPLOAD_SESSION_LOST', {
    seen: `session ${ref.uploadId} of the baseline is gone, and its rows are not in the table`,
    wanted: 'a session that lives until it is committed',
    fix: 'The worker starts again and copies the table once more.',
    table: tableKey(copy.planned.plan.source),
  });
}

function changed(copy: TableCopy, ref: UploadRef): SyncError {
  return new SyncError('UPLOAD_SESSION_CHANGED', {
    seen: `session ${ref.uploadId} of the baseline does not hold the blocks of the intent`,
    wanted: 'exactly the blocks that were saved',
    fix: 'The session is not committed. It expires 24 hours after it was opened; then the table is copied again.',
    table: tableKey(copy.planned.plan.source),
  });
}

function uncertain(copy: TableCopy, ref: UploadRef, state: UploadState): SyncError {
  return new SyncError('COMMIT_UNCERTAIN', {
    seen: `session ${ref.uploadId} has been ${state.status} for ${askAgainMsMax / 60_000} minutes`,
    wanted: 'CLOSED, or NORMAL',
    fix: 'The worker asks again by itself. If it lasts, ask MaxCompute support about this upload session.',
    table: tableKey(copy.planned.plan.source),
  });
}
