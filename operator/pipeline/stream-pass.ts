/**
 * One pass over the binary log, from the checkpoint until it is stopped or must rewind. Reading and flushing overlap: while
 * one flush is under way, rows go into the sessions of the next. Whatever is not in a saved intent when the pass ends is
 * dropped; the next pass reads it again and gives it the same record ids.
 */
import { assert } from '../base/assert.js';
import { SyncError } from '../base/errors.js';
import type { ChangeEvent, RowBatch } from '../model/change.js';
import type { CheckpointDocument, UpTo } from '../model/documents.js';
import type { FencedDocument } from '../model/fenced-document.js';
import { type BinlogPosition, hasReached, placeKey, renderPosition } from '../model/position.js';
import { tableKey } from '../model/source-table.js';
import { Batcher, type BatcherContext } from './batcher.js';
import { flush } from './flush.js';
import type { PlanBook } from './plan-book.js';
import { diverged, skipDone } from './replay.js';
import { applySchemaEvent } from './schema-change.js';
import { followShards } from './shard-follower.js';
import type { StreamInput } from './stream.js';
import { Watches } from './watches.js';

export interface PassInput extends StreamInput, BatcherContext {
  readonly checkpoint: FencedDocument<CheckpointDocument>;
  readonly book: PlanBook;
  /** The source's position when streaming began. */
  readonly caughtUpAt: BinlogPosition;
  readonly rolledBack: ReadonlySet<string>;
  /** Must be known before the first commit of this process. */
  readonly logsAreBehind: Promise<void>;
}

export type PassEnding = { readonly kind: 'stopped' } | { readonly kind: 'rewind'; readonly begin: string };

/** An idle source's binary logs are purged; the checkpoint follows at least this often while the position moves. */
const idleSaveMsMax = 60_000;
/** Older than this, events are history: a flush per interval would only fill the session quota. */
const catchUpLagSeconds = 120;

export async function readOnce(input: PassInput): Promise<PassEnding> {
  const pass = new Pass(input);
  try {
    return await pass.run();
  } finally {
    pass.drop();
  }
}

class Pass {
  readonly #input: PassInput;
  readonly #counter: { next: number };
  readonly #watches = new Watches();
  readonly #touched = new Set<string>();
  /** Record ids up to here stand in the logs, though the transaction that they belong to has not ended. */
  readonly #done: number;
  #beganSeconds = 0;
  #batcher: Batcher;
  #upTo: UpTo;
  #isInTransaction = false;
  /** Part of the transaction at hand is in the logs, or in an intent. */
  #isInParts = false;
  #flushing: Promise<void> | null = null;
  #failure: unknown = null;
  #flushedMs: number;
  #polledMs = Number.NEGATIVE_INFINITY;
  /** When the arrival at hand had been waited for in vain; null where it was there at once. */
  #quietMs: number | null = null;

  constructor(input: PassInput) {
    const { position, recordId, utcSeconds, partial } = input.checkpoint.value;
    this.#input = input;
    this.#done = partial?.done ?? 0;
    this.#upTo = { position, recordId, utcSeconds, ...(partial && { partial }) };
    this.#counter = { next: recordId + 1 };
    this.#batcher = this.#newBatcher();
    this.#flushedMs = input.clock.monotonicMs();
  }

  async run(): Promise<PassEnding> {
    const { source, book, checkpoint, stop, rolledBack, nulled } = this.#input;
    const ending = new AbortController();
    const options = {
      serverId: checkpoint.value.serverId,
      signal: AbortSignal.any([stop, ending.signal]),
      rolledBack,
      selectedDatabases: book.databases,
    };
    nulled.take();
    const arrivals = source.stream(this.#upTo.position, (name) => book.planOf(name), options)[Symbol.asyncIterator]();
    try {
      let next = arrivals.next();
      next.catch(() => undefined);
      for (;;) {
        const arrived = await this.#nextOrTick(next);
        if (arrived === 'tick') {
          this.#quietMs = this.#input.clock.nowMs();
          continue;
        }
        if (arrived.done) break;
        for (const event of arrived.value) {
          if (event.kind === 'rollback') return await this.#rewind(event.begin);
          const wait = this.#handle(event);
          if (wait !== null) await wait;
        }
        this.#quietMs = null;
        next = arrivals.next();
        next.catch(() => undefined);
      }
    } finally {
      ending.abort();
      await this.#flushing;
      await arrivals.return?.();
    }
    if (!this.#isInTransaction) await this.#flushNow();
    if (this.#failure !== null) throw this.#failure;
    return { kind: 'stopped' };
  }

  drop(): void {
    this.#batcher.discard();
  }

  /** Waits for the next arrival, but wakes for what is due by the clock. */
  async #nextOrTick<T>(next: Promise<T>): Promise<T | 'tick'> {
    await this.#followShards();
    if (!this.#isInTransaction && this.#isFlushDue()) await this.#flushDue();
    const wake = new AbortController();
    const { clock, settings } = this.#input;
    const tick = clock.sleep(Math.min(settings.flushIntervalMs, settings.shardPollMs), wake.signal).then(
      () => 'tick' as const,
      () => 'tick' as const,
    );
    try {
      return await Promise.race([next, tick]);
    } finally {
      // Without a reason of its own an abort makes an error with a stack, for each arrival.
      wake.abort(null);
    }
  }

  /** Returns what must be awaited before the next event; null, without a promise, for nearly all of them. */
  #handle(event: Exclude<ChangeEvent, { kind: 'rollback' }>): Promise<void> | null {
    switch (event.kind) {
      case 'rows':
        if (!this.#isInTransaction) this.#beganSeconds = event.batch.utcSeconds;
        this.#isInTransaction = true;
        if (!this.#watches.isEmpty) this.#touch(tableKey(event.batch.plan.source));
        if (this.#counter.next <= this.#done) return this.#skip(event.batch);
        return this.#batcher.add(event.batch) ? this.#relieve() : null;
      case 'commit':
        if (this.#counter.next <= this.#done) throw endsEarly(this.#counter.next - 1, this.#done);
        this.#moveTo(event.position, event.utcSeconds);
        return this.#isFlushDue() ? this.#flushDue() : null;
      case 'alive':
        if (!this.#isInTransaction) this.#moveTo(event.position, this.#heartbeatSeconds(event.position));
        return null;
      case 'schema':
        return this.#applySchema(event);
    }
  }

  #skip(batch: RowBatch): null {
    const { partial, recordId } = this.#input.checkpoint.value;
    assert(partial, 'only what a checkpoint says to be done is left out');
    skipDone(batch, this.#counter, partial, this.#counter.next === recordId + 1);
    this.#isInParts = true;
    // They were counted when their part was committed.
    this.#input.nulled.take();
    return null;
  }

  /** A transaction too large for one intent is committed in parts; until its end no merge reads them. */
  async #relieve(): Promise<void> {
    await this.#batcher.relieve();
    if (!this.#batcher.isFull(this.#input.clock.monotonicMs())) return;
    this.#isInParts = true;
    const partial = { done: this.#counter.next - 1, beganSeconds: this.#beganSeconds };
    await this.#flushDue({ ...this.#upTo, partial });
  }

  async #rewind(begin: BinlogPosition): Promise<PassEnding> {
    await this.#flushing;
    if (this.#failure !== null) throw this.#failure;
    if (this.#isInParts) throw rolledBackInParts(begin);
    return { kind: 'rewind', begin: placeKey(begin) };
  }

  #moveTo(position: BinlogPosition, utcSeconds: number): void {
    const recordId = this.#counter.next - 1;
    for (const key of this.#touched) this.#watches.remember(key, position, recordId);
    this.#touched.clear();
    this.#isInTransaction = false;
    this.#isInParts = false;
    const { partial } = this.#upTo;
    const isBeforeParts = partial !== undefined && recordId < partial.done;
    const seconds = Math.max(utcSeconds, this.#upTo.utcSeconds);
    this.#upTo = { position, recordId, utcSeconds: seconds, ...(isBeforeParts && { partial }) };
    this.#input.book.moveTo(position);
  }

  #touch(key: string): void {
    if (this.#watches.isWatching(key)) this.#touched.add(key);
  }

  #isFlushDue(): boolean {
    if (this.#failure !== null) return true;
    const { settings, clock, checkpoint, caughtUpAt } = this.#input;
    if (this.#batcher.bytes >= settings.flushBytesMax || this.#batcher.isFull(clock.monotonicMs())) return true;
    if (this.#flushing !== null) return false;
    if (!checkpoint.value.caughtUp && hasReached(this.#upTo.position, caughtUpAt)) return true;
    const waitedMs = clock.monotonicMs() - this.#flushedMs;
    if (waitedMs < settings.flushIntervalMs) return false;
    const lagSeconds = clock.nowMs() / 1000 - this.#upTo.utcSeconds;
    const isHistory = lagSeconds > catchUpLagSeconds && waitedMs < idleSaveMsMax;
    return !isHistory && (!this.#batcher.isEmpty || this.#hasNews());
  }

  /** Starts a flush; waits only for the one before it. */
  async #flushDue(upTo = this.#upTo): Promise<void> {
    await this.#flushing;
    if (this.#failure !== null) throw this.#failure;
    this.#startFlush(upTo);
  }

  /** A silent source moves in time only: its checkpoint says that nothing was written until then. */
  #hasNews(): boolean {
    const { position, utcSeconds } = this.#input.checkpoint.value;
    const hasMoved = this.#upTo.position.offset !== position.offset || this.#upTo.position.file !== position.file;
    return hasMoved || this.#upTo.utcSeconds - utcSeconds >= silenceWorthASaveSeconds;
  }

  /**
   * Before the end of the log a heartbeat only says that the server is still skipping what we have. One that was there at
   * once may have waited while we were busy, with rows of the time since right behind it.
   */
  #heartbeatSeconds(position: BinlogPosition): number {
    if (this.#quietMs === null || !hasReached(position, this.#input.caughtUpAt)) return this.#upTo.utcSeconds;
    return Math.floor(this.#quietMs / 1000) - heartbeatSkewSeconds;
  }

  async #flushNow(): Promise<void> {
    await this.#flushing;
    if (this.#failure !== null) throw this.#failure;
    this.#startFlush(this.#upTo);
    await this.#flushing;
    if (this.#failure !== null) throw this.#failure;
  }

  #startFlush(upTo: UpTo): void {
    const { checkpoint, clock, caughtUpAt, logsAreBehind, book, report, warehouse, deadline, nulled } = this.#input;
    const batcher = this.#batcher;
    const news = { caughtUp: hasReached(upTo.position, caughtUpAt), nulled: nulled.take() };
    this.#batcher = this.#newBatcher();
    this.#flushedMs = clock.monotonicMs();
    const planOf = (source: string, version: number) => book.versionOf(source, version);
    const context = { warehouse, clock, report, planOf, signal: deadline };
    this.#flushing = logsAreBehind
      .then(() => flush(checkpoint, batcher, upTo, news, context))
      .then(
        (result) => {
          if (result.rows > 0) report.info('flushed', { ...result, recordId: upTo.recordId });
        },
        (error: unknown) => {
          batcher.discard();
          this.#failure ??= error;
        },
      )
      .finally(() => {
        this.#flushing = null;
      });
  }

  /** Everything before the statement is committed under the old schema before the target is altered. */
  async #applySchema(event: Extract<ChangeEvent, { kind: 'schema' }>): Promise<void> {
    await this.#flushNow();
    const { documents, checkpoint, warehouse, book, decideColumn, report, clock } = this.#input;
    const recordId = this.#counter.next - 1;
    const nowMs = clock.nowMs();
    await applySchemaEvent(event, { documents, checkpoint, warehouse, book, decideColumn, report, recordId, nowMs });
    this.#moveTo(event.position, event.utcSeconds);
  }

  /** Only between transactions: a watch that began inside one would forget the rows before. */
  async #followShards(): Promise<void> {
    const { clock, settings } = this.#input;
    if (this.#isInTransaction || clock.monotonicMs() - this.#polledMs < settings.shardPollMs) return;
    this.#polledMs = clock.monotonicMs();
    await followShards(this.#input, this.#watches, { position: this.#upTo.position, recordId: this.#upTo.recordId });
  }

  #newBatcher(): Batcher {
    return new Batcher(this.#input, this.#counter);
  }
}

const endsEarly = (recordId: number, done: number): SyncError =>
  diverged(`a transaction that ends at record_id ${recordId}`, `one that goes on behind ${done}`);

function rolledBackInParts(begin: BinlogPosition): SyncError {
  return new SyncError('TRANSACTION_TOO_LARGE', {
    seen: 'a transaction that was rolled back after parts of it had been committed to the change logs',
    wanted: 'a transaction that fits one commit, or that is not undone (it mixes tables with and without transactions)',
    fix: 'Take all tables again: mcsync resnapshot -f FILE TABLE...; merges leave out what their logs hold up to then.',
    position: renderPosition(begin),
  });
}

/** Of the time that lag and merges go by. */
const silenceWorthASaveSeconds = 5;
/** A heartbeat says that nothing was written until now, by the server's clock; ours may be ahead of it by this much. */
const heartbeatSkewSeconds = 2;
