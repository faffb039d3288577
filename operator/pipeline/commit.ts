/**
 * Brings the sessions of a stored intent to their end. In: an intent known to be stored. Out: the sessions whose rows are
 * not in the table. It commits nothing that the intent does not name, and never counts while the server is undecided.
 */
import type { Clock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import type { IntentSession } from '../model/documents.js';
import type { UploadState, Warehouse } from '../model/ports.js';
import { decideCount, decideSession } from '../model/recovery.js';
import { logColumnNames, type TablePlan } from '../model/table-plan.js';
import { partitionFilter } from './log-guard.js';
import type { Reporter } from './task-documents.js';

export interface CommitContext {
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly report: Reporter;
  /** Reads the intent back and proves it ours; asked before each commit. */
  readonly confirmIntent: () => Promise<void>;
  /** Plan of a source table at a schema version, for the names of the log's columns. */
  readonly planOf: (source: string, schemaVersion: number) => TablePlan;
}

/** Sessions committed side by side; MaxCompute allows 32 per table, and a flush seldom has more tables. */
const commitsAtOnceMax = 16;
/** How long one undecided session is asked before the worker ends with exit 75 and is started again. */
const askAgainMsMax = 10 * 60_000;
const askAgainDelayMsMax = 15_000;
/** Two counts of a young session stand this far apart: a late request may still land. */
const recountDelayMs = 10 * 60_000;
const sessionLifeMs = 24 * 3_600_000;

/** Returns the sessions that are missing and must be sent again under the same intent. */
export async function settleIntent(
  sessions: readonly IntentSession[],
  context: CommitContext,
): Promise<IntentSession[]> {
  const missing: IntentSession[] = [];
  for (let at = 0; at < sessions.length; at += commitsAtOnceMax) {
    await context.confirmIntent();
    const part = sessions.slice(at, at + commitsAtOnceMax);
    const outcomes = await Promise.allSettled(part.map((session) => settleSession(session, context)));
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') throw outcome.reason;
      if (outcome.value === 'missing') missing.push(part[index] as IntentSession);
    }
  }
  return missing;
}

async function settleSession(session: IntentSession, context: CommitContext): Promise<'done' | 'missing'> {
  const { warehouse, clock, signal } = context;
  const startedMs = clock.monotonicMs();
  for (let attempt = 0; ; attempt += 1) {
    const state = await warehouse.uploadState(session);
    switch (decideSession(session, state)) {
      case 'done':
        return 'done';
      case 'count':
        return await countSession(session, state, context);
      case 'changed':
        throw changed(session, state);
      case 'commit': {
        const answer = await warehouse.commitUpload(session);
        if (answer.kind === 'committed') return 'done';
        context.report.warn('commit not confirmed', {
          table: session.table,
          uploadId: session.uploadId,
          reason: answer.reason,
        });
        break;
      }
      case 'ask-again':
        break;
    }
    if (clock.monotonicMs() - startedMs > askAgainMsMax) throw uncertain(session, state);
    await clock.sleep(Math.min(250 * 2 ** attempt, askAgainDelayMsMax), signal);
    await context.confirmIntent();
  }
}

async function countSession(
  session: IntentSession,
  state: UploadState,
  context: CommitContext,
): Promise<'done' | 'missing'> {
  const { clock, signal } = context;
  const isYoung = clock.nowMs() - session.initiatedMs < sessionLifeMs;
  const first = await countRows(session, context);
  if (isYoung && first !== session.rows) await clock.sleep(recountDelayMs, signal);
  const second = await countRows(session, context);
  const decision = decideCount(session.rows, first, second);
  context.report.warn('session counted', {
    table: session.table,
    uploadId: session.uploadId,
    status: state.status,
    first,
    second,
    decision,
  });
  if (decision !== 'partial') return decision;
  throw new SyncError('COMMIT_PARTIAL', {
    seen: `session ${session.uploadId} is ${state.status}; of its ${session.rows} rows ${first}, then ${second}, are in ${session.partition}`,
    wanted: `all ${session.rows} of them, or none`,
    fix: `Look at record_id ${session.lo} to ${session.hi} in ${session.table}, partition ${session.partition}; take the table again with: mcsync resnapshot.`,
    table: session.source,
  });
}

async function countRows(session: IntentSession, context: CommitContext): Promise<number> {
  const plan = context.planOf(session.source, session.schemaVersion);
  const recordId = logColumnNames(plan.columnNaming, plan.partitionKeys).recordId;
  const sql = `SELECT COUNT(*) AS n FROM \`${session.table}\` WHERE ${partitionFilter(session.partition)} AND \`${recordId}\` >= ${session.lo} AND \`${recordId}\` <= ${session.hi}`;
  const result = await context.warehouse.query(sql);
  return Number(result.rows[0]?.[0]);
}

function changed(session: IntentSession, state: UploadState): SyncError {
  return new SyncError('UPLOAD_SESSION_CHANGED', {
    seen: `session ${session.uploadId} holds ${state.blocks.length} blocks, not as saved`,
    wanted: `the ${session.blocks.length} blocks of the intent`,
    fix: 'The session is not committed. It expires 24 hours after it was opened; then its rows are counted and sent again.',
    table: session.source,
  });
}

function uncertain(session: IntentSession, state: UploadState): SyncError {
  return new SyncError('COMMIT_UNCERTAIN', {
    seen: `session ${session.uploadId} has been ${state.status} for ${askAgainMsMax / 60_000} minutes`,
    wanted: 'CLOSED, or NORMAL',
    fix: 'The worker asks again by itself. If it lasts, ask MaxCompute support about this upload session.',
    table: session.source,
  });
}
