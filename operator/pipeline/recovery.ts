/**
 * What a start does with an intent that its predecessor left: ask for each session, commit what is open and unchanged,
 * count what the server has forgotten, and send again exactly the rows that are missing. In: the stored checkpoint. Out:
 * the checkpoint at the intent's end, with every row of it in the logs once.
 */
import { SyncError } from '../base/errors.js';
import type { CheckpointDocument, IntentSession, UpTo } from '../model/documents.js';
import type { FencedDocument } from '../model/fenced-document.js';
import { type BinlogPosition, hasReached, placeKey, renderPosition } from '../model/position.js';
import { rowChecksum } from '../model/row-checksum.js';
import { tableKey } from '../model/source-table.js';
import { partitionSpec } from '../model/table-plan.js';
import { Batcher, type BatcherContext } from './batcher.js';
import { settleIntent } from './commit.js';
import { checkedIntent, saveUpTo } from './flush.js';
import { historyOf, refuseOtherHistory } from './history.js';
import { countChanges } from './null-sink.js';
import type { PlanBook } from './plan-book.js';
import { diverged, skipDone } from './replay.js';
import type { StreamInput } from './stream.js';

export interface RecoveryInput
  extends BatcherContext,
    Pick<StreamInput, 'source' | 'report' | 'nulled' | 'stop' | 'deadline'> {
  readonly checkpoint: FencedDocument<CheckpointDocument>;
  readonly book: PlanBook;
}

/** Sessions sent again may be lost again; three times in a row is not bad luck. */
const roundsMax = 3;

export async function recoverIntent(input: RecoveryInput): Promise<void> {
  const { checkpoint, report, clock, warehouse, book, deadline, nulled } = input;
  for (let round = 1; ; round += 1) {
    const { intent } = checkpoint.value;
    if (intent === null) return;
    report.info('recovering', { sessions: intent.sessions.length, upTo: renderPosition(intent.upTo.position) });
    const missing = await settleIntent(intent.sessions, {
      warehouse,
      clock,
      report,
      signal: deadline,
      planOf: (source, version) => book.versionOf(source, version),
      confirmIntent: () => checkpoint.confirm(),
    });
    if (missing.length === 0)
      return await saveUpTo(checkpoint, intent.upTo, { caughtUp: false, nulled: nulled.take() }, clock.nowMs());
    if (round === roundsMax) throw lostAgain(missing);
    const sessions = await sendAgain(missing, intent.upTo, input);
    await checkpoint.update((value) => ({ ...value, intent: checkedIntent({ upTo: intent.upTo, sessions }) }));
  }
}

/** Reads from the checkpoint to the intent's end, with the stored plans, and keeps only the rows of the missing sessions. */
async function sendAgain(
  missing: readonly IntentSession[],
  upTo: UpTo,
  input: RecoveryInput,
  rolledBack: ReadonlySet<string> = new Set(),
): Promise<IntentSession[]> {
  const { checkpoint, source, book, stop } = input;
  refuseOtherHistory(await historyOf(source, upTo.position));
  book.rewindTo(checkpoint.value.position);
  const counter = { next: checkpoint.value.recordId + 1 };
  const { partial, recordId } = checkpoint.value;
  const lastId = upTo.partial?.done ?? upTo.recordId;
  const batcher = new Batcher(input, counter);
  const wanted = new Set(missing.map((session) => groupKey(session.source, session.schemaVersion, session.partition)));
  const reading = new AbortController();
  const signal = AbortSignal.any([stop, reading.signal]);
  const options = { serverId: checkpoint.value.serverId, signal, rolledBack };
  try {
    arrivals: for await (const arrival of source.stream(
      checkpoint.value.position,
      (name) => book.planOf(name),
      options,
    )) {
      for (const event of arrival) {
        if (event.kind === 'rows') {
          if (upTo.partial && counter.next > lastId) break arrivals;
          const { plan, utcSeconds } = event.batch;
          if (partial && counter.next <= partial.done)
            skipDone(event.batch, counter, partial, counter.next === recordId + 1);
          else if (!wanted.has(groupKey(tableKey(plan.source), plan.schemaVersion, partitionSpec(plan, utcSeconds)))) {
            counter.next += countChanges(event.batch);
          } else if (batcher.add(event.batch)) await batcher.relieve();
        } else if (event.kind === 'commit') {
          book.moveTo(event.position);
          if (isPast(event.position, upTo)) break arrivals;
        } else if (event.kind === 'rollback') {
          const begin = placeKey(event.begin);
          return await sendAgain(missing, upTo, input, new Set([...rolledBack, begin]));
        }
      }
    }
    stop.throwIfAborted();
    const sessions = await batcher.seal();
    prove(sessions, missing, counter.next - 1, lastId);
    return sessions;
  } finally {
    reading.abort();
    batcher.discard();
  }
}

/** The transaction that is committed in parts begins at the intent's end, and is not read to its own. */
function isPast(position: BinlogPosition, upTo: UpTo): boolean {
  return hasReached(position, upTo.position) && !(upTo.partial && hasReached(upTo.position, position));
}

/** Same ids, same rows in the same order: a replica that logged its transactions in another order is found out here. */
function prove(
  sent: readonly IntentSession[],
  missing: readonly IntentSession[],
  recordId: number,
  wantedId: number,
): void {
  const rowsOf = (sessions: readonly IntentSession[]): string =>
    sessions
      .map(({ source, schemaVersion, partition, lo, hi, rows, blocks }) => {
        const group = groupKey(source, schemaVersion, partition);
        return `${group}: record_id ${lo} to ${hi}, ${rows} rows, checksum ${rowChecksum(blocks)}`;
      })
      .toSorted()
      .join('; ');
  const [seen, wanted] = [rowsOf(sent), rowsOf(missing)];
  if (recordId !== wantedId) throw diverged(`the last record_id is ${recordId}`, `${wantedId}`);
  if (seen !== wanted) throw diverged(seen, wanted);
}

const groupKey = (source: string, schemaVersion: number, partition: string): string =>
  `${source}/${schemaVersion}/${partition}`;

function lostAgain(missing: readonly IntentSession[]): SyncError {
  const first = missing[0] as IntentSession;
  return new SyncError('UPLOAD_SESSION_LOST', {
    seen: `${missing.length} upload sessions were lost ${roundsMax} times in a row, the last is ${first.uploadId}`,
    wanted: 'sessions that live until they are committed',
    fix: 'Look at the health of the MaxCompute tunnel; the worker tries again by itself.',
    table: first.source,
  });
}
