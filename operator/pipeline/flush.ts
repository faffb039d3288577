/**
 * One flush: seal the sessions, save the intent, commit, save the checkpoint. At most one is under way; reading goes on
 * meanwhile into new sessions. After a failure nothing is repaired here: the worker ends, and the next start recovers
 * from what is stored.
 */
import { assert } from '../base/assert.js';
import { SyncError } from '../base/errors.js';
import type { CheckpointDocument, Intent, IntentSession, UpTo } from '../model/documents.js';
import type { FencedDocument } from '../model/fenced-document.js';
import type { Batcher } from './batcher.js';
import { type CommitContext, settleIntent } from './commit.js';
import { addCounts } from './nulled-counts.js';

/** A document of a cluster holds 1 MiB. The batcher ends a flush well before this. */
const intentBytesMax = 700 * 1024;

/** What the checkpoint takes over with a flush, beside where it stands. */
export interface FlushNews {
  readonly caughtUp: boolean;
  readonly nulled: ReadonlyMap<string, number>;
}

export interface FlushResult {
  readonly sessions: number;
  readonly rows: number;
}

export async function flush(
  checkpoint: FencedDocument<CheckpointDocument>,
  batcher: Batcher,
  upTo: UpTo,
  news: FlushNews,
  context: Omit<CommitContext, 'confirmIntent'>,
): Promise<FlushResult> {
  const sessions = await batcher.seal();
  if (sessions.length > 0) {
    await checkpoint.update((value) => ({ ...value, intent: checkedIntent({ upTo, sessions }) }));
    const missing = await settleIntent(sessions, { ...context, confirmIntent: () => checkpoint.confirm() });
    if (missing.length > 0) throw missingSessions(missing);
  }
  await saveUpTo(checkpoint, upTo, news, context.clock.nowMs());
  return { sessions: sessions.length, rows: sessions.reduce((sum, session) => sum + session.rows, 0) };
}

/** The stream stands at `upTo`, and nothing before it is open. */
export async function saveUpTo(
  checkpoint: FencedDocument<CheckpointDocument>,
  upTo: UpTo,
  { caughtUp, nulled }: FlushNews,
  nowMs: number,
): Promise<void> {
  await checkpoint.update((value) => ({
    ...value,
    position: upTo.position,
    recordId: upTo.recordId,
    utcSeconds: Math.max(upTo.utcSeconds, value.utcSeconds),
    intent: null,
    partial: upTo.partial ?? null,
    caughtUp,
    counts: {
      ...value.counts,
      changes: value.counts.changes + (upTo.recordId - value.recordId),
      flushes: value.counts.flushes + 1,
      nulled: addCounts(value.counts.nulled, nulled),
    },
    savedAtMs: nowMs,
  }));
}

export function checkedIntent(intent: Intent): Intent {
  const bytes = Buffer.byteLength(JSON.stringify(intent));
  assert(
    bytes <= intentBytesMax,
    `an intent of ${intent.sessions.length} sessions fits one document, not ${bytes} bytes`,
  );
  return intent;
}

/** Between our own intent and commit a session can only vanish by the server's doing; the next start sends its rows again. */
function missingSessions(missing: readonly IntentSession[]): SyncError {
  const first = missing[0] as IntentSession;
  return new SyncError('UPLOAD_SESSION_LOST', {
    seen: `${missing.length} upload sessions of a saved intent are gone, the first is ${first.uploadId}`,
    wanted: 'sessions that live until they are committed',
    fix: 'The worker starts again, reads their rows once more and sends them under the same record ids.',
    table: first.source,
  });
}
