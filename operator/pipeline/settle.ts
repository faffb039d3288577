/**
 * Brings one upload session that a stored intent names to its end. In: the session, and an intent that was confirmed a moment
 * ago. Out: whether its rows are in the table. Only the server's own word decides: an answer to a commit other than success
 * tells nothing, an undecided session is never counted, one with other blocks than were saved is never committed.
 */
import type { Clock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import type { UploadRef, UploadState, Warehouse } from '../model/ports.js';
import { type BlockCount, decideSession } from '../model/recovery.js';
import type { Reporter } from './task-documents.js';

export interface NamedSession {
  readonly ref: UploadRef;
  /** Key of the source table, for messages. */
  readonly source: string;
  /** As the intent has them. */
  readonly blocks: readonly BlockCount[];
  readonly rows: number;
  /** How many rows of the session stand in the table. */
  readonly countRows: () => Promise<number>;
  /** Where a person finds these rows. */
  readonly where: string;
  /** Saves a new intent with what the session lists now, where that is as good; null where it is not. Absent: never is. */
  readonly adopt?: (state: UploadState) => Promise<NamedSession | null>;
}

export interface SettleContext {
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  /** Ends the waits. */
  readonly signal: AbortSignal;
  readonly report: Reporter;
  /** Reads the intent back and proves it ours; asked after each wait, before anything else. */
  readonly confirmIntent: () => Promise<void>;
}

/** An answer that took longer may find another writer at work: the intent is confirmed again before anything follows from it. */
const promptAnswerMs = 5_000;
/** How long an undecided session is asked before the worker ends with exit 75 and is started again. */
const undecidedMsMax = 10 * 60_000;
const undecidedDelayMsMax = 15_000;
/** A session with other blocks than were saved is waited for until it must have expired: its 24 hours and one more. */
const changedMsMax = 25 * 3_600_000;
const changedDelayMsMax = 5 * 60_000;
/** A request that was sent before the session was forgotten may still land; counts stand this far apart. */
const recountDelayMs = 10 * 60_000;
/** Counts that still move after an hour are not settling. */
const countsMax = 7;

export async function settleSession(named: NamedSession, context: SettleContext): Promise<'done' | 'missing'> {
  const { warehouse, clock, signal, report } = context;
  const startedMs = clock.monotonicMs();
  let session = named;
  for (let attempt = 0; ; attempt += 1) {
    const askedMs = clock.monotonicMs();
    const state = await warehouse.uploadState(session.ref);
    const decision = decideSession(session, state);
    if (decision === 'done') return 'done';
    if (clock.monotonicMs() - askedMs > promptAnswerMs) await context.confirmIntent();
    if (decision === 'count') {
      const outcome = await countForgotten(session, state, context);
      if (outcome !== 'known again') return outcome;
    }
    if (decision === 'commit') {
      const answer = await warehouse.commitUpload(session.ref);
      if (answer.kind === 'committed') return 'done';
      const { table, uploadId } = session.ref;
      report.warn('commit not confirmed', { table, uploadId, reason: answer.reason });
    }
    const isChanged = decision === 'changed';
    const adopted = isChanged ? await session.adopt?.(state) : null;
    if (adopted) {
      session = adopted;
      continue;
    }
    const waitedMs = clock.monotonicMs() - startedMs;
    const delayMs = Math.min(250 * 2 ** attempt, isChanged ? changedDelayMsMax : undecidedDelayMsMax);
    const trouble = isChanged ? changed(session, state) : uncertain(session, state);
    if (waitedMs > (isChanged ? changedMsMax : undecidedMsMax)) throw trouble;
    if (isChanged) report.retrying(trouble, attempt + 1, delayMs);
    await clock.sleep(delayMs, signal);
    await context.confirmIntent();
  }
}

/** Two counts in a row must agree, ten minutes apart unless they are what was sent; and it must still be forgotten then. */
async function countForgotten(
  session: NamedSession,
  state: UploadState,
  context: SettleContext,
): Promise<'done' | 'missing' | 'known again'> {
  const { table, uploadId } = session.ref;
  let count = await session.countRows();
  for (let counts = 2; counts <= countsMax; counts += 1) {
    if (count !== session.rows) await context.clock.sleep(recountDelayMs, context.signal);
    const before = count;
    count = await session.countRows();
    if (count !== before) continue;
    context.report.warn('session counted', { table, uploadId, status: state.status, rows: session.rows, count });
    if (count === session.rows) return 'done';
    const now = await context.warehouse.uploadState(session.ref);
    if (decideSession(session, now) !== 'count') return 'known again';
    if (count === 0) return 'missing';
    // Where another writer has taken over meanwhile, what is counted may be its doing.
    await context.confirmIntent();
    throw partial(session, state, count);
  }
  throw uncertain(session, state);
}

function partial(session: NamedSession, state: UploadState, count: number): SyncError {
  return new SyncError('COMMIT_PARTIAL', {
    seen: `session ${session.ref.uploadId} is ${state.status}; ${count} of its rows are in ${session.where}`,
    wanted: `all ${session.rows} of them, or none`,
    fix: `Look at ${session.where}; then take the table again: mcsync resnapshot -f FILE ${session.source}`,
    table: session.source,
  });
}

function changed(session: NamedSession, state: UploadState): SyncError {
  return new SyncError('UPLOAD_SESSION_CHANGED', {
    seen: `session ${session.ref.uploadId} holds ${state.blocks.length} blocks, not as saved`,
    wanted: `the ${session.blocks.length} blocks of the intent`,
    fix: 'Nothing: it is asked again, and not committed. It expires 24 hours after it was opened; then its rows are counted, and sent again if they are missing.',
    table: session.source,
  });
}

function uncertain(session: NamedSession, state: UploadState): SyncError {
  return new SyncError('COMMIT_UNCERTAIN', {
    seen: `session ${session.ref.uploadId} is ${state.status}, and what became of it is still moving`,
    wanted: 'CLOSED, or NORMAL; or a table whose rows stand still',
    fix: 'The worker asks again by itself. If it lasts, ask MaxCompute support about this upload session.',
    table: session.source,
  });
}
