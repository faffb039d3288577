/** Copies tables with a key: chunk by chunk, read by whichever connection is free. */
import type { BlockWriter } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import type { TableCopy } from './snapshot.js';
import { saveReadUpTo } from './snapshot-commit.js';
import { type Chunk, commitPart, isWhole, openPart, type Part, takeChunk, takePiece } from './snapshot-parts.js';
import { sendRows } from './snapshot-rows.js';

/** Tables whose sessions are open at a time: enough to keep the connections busy across small tables. */
const openTablesMax = 8;

export async function copyChunks(copies: readonly TableCopy[]): Promise<void> {
  const first = copies[0];
  if (!first) return;
  const queue = new ChunkQueue(copies);
  const failure = new AbortController();
  const signal = AbortSignal.any([first.stop, failure.signal]);
  const readers = Array.from({ length: first.settings.parallelism }, async () => {
    try {
      for (let chunk = await queue.next(signal); chunk !== null; chunk = await queue.next(signal)) {
        await copyChunk(chunk, signal);
        await queue.ended(chunk);
      }
    } catch (error) {
      if (!failure.signal.aborted) failure.abort(error);
      queue.wake();
      throw error;
    }
  });
  const outcomes = await Promise.allSettled(readers);
  if (failure.signal.aborted) throw failure.signal.reason;
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/** Hands out the chunks that no session lists yet, table after table, and commits each part behind its last chunk. */
class ChunkQueue {
  readonly #waiting: TableCopy[];
  readonly #open = new Set<Part>();
  #committing = 0;
  #opening: Promise<void> = Promise.resolve();
  #sleepers: (() => void)[] = [];

  constructor(copies: readonly TableCopy[]) {
    this.#waiting = [...copies];
  }

  /** Null when everything is copied. */
  async next(signal: AbortSignal): Promise<Chunk | null> {
    for (;;) {
      signal.throwIfAborted();
      const chunk = this.#take();
      if (chunk !== null) return chunk;
      const whole = [...this.#open].find(isWhole);
      if (whole) await this.#close(whole);
      else if (this.#waiting.length > 0) await this.#openMore();
      else if (this.#open.size === 0 && this.#committing === 0) return null;
      // What is still being read or committed may be followed by another part.
      else await new Promise<void>((resolve) => this.#sleepers.push(resolve));
    }
  }

  async ended({ part }: Chunk): Promise<void> {
    part.reading -= 1;
    if (isWhole(part)) await this.#close(part);
  }

  wake(): void {
    for (const resolve of this.#sleepers.splice(0)) resolve();
  }

  #take(): Chunk | null {
    for (const part of this.#open) {
      const chunk = takeChunk(part);
      if (chunk === 'stale') {
        this.#open.delete(part);
        this.#waiting.unshift(part.copy);
      } else if (chunk !== null) return chunk;
    }
    return null;
  }

  /** One reader opens tables; the others wait for it and look again. */
  #openMore(): Promise<void> {
    this.#opening = this.#opening.then(async () => {
      if ([...this.#open].some((part) => part.waiting.length > 0)) return;
      const parts = await Promise.all(this.#waiting.splice(0, openTablesMax).map(openPart));
      for (const part of parts) if (part !== null) this.#open.add(part);
      this.wake();
    });
    return this.#opening;
  }

  /** The next part of the same table goes first: its connections are free now. */
  async #close(part: Part): Promise<void> {
    this.#open.delete(part);
    this.#committing += 1;
    await commitPart(part);
    const next = await openPart(part.copy);
    if (next !== null) this.#open.add(next);
    this.#committing -= 1;
    this.wake();
  }
}

async function copyChunk({ part, blockId, range }: Chunk, signal: AbortSignal): Promise<void> {
  const { copy, session, rows } = part;
  const { plan } = copy.planned;
  const key = tableKey(plan.source);
  const batches = copy.source.readChunk(plan, range, signal);
  if (copy.planned.snapshot?.chunks.length === 1) {
    for (const block of await sendRows(copy, session.ref, batches, signal)) rows.set(block.id, block.rows);
    await copy.progress.count(key, 0, 1);
    return;
  }
  const open = (): BlockWriter => copy.warehouse.openBlock(plan, { kind: 'base' });
  const send = async (id: number): Promise<void> => {
    const block = await writer.close();
    await saveReadUpTo(copy);
    await copy.warehouse.putBlock(session.ref, id, block);
    rows.set(id, block.rows);
  };
  let writer = open();
  try {
    for await (const batch of batches) {
      const count = writer.write(batch);
      await writer.drained();
      await copy.progress.count(key, count);
      if (writer.heldBytes < copy.settings.chunkHeldBytesMax) continue;
      await send(await takePiece(part));
      writer = open();
    }
    signal.throwIfAborted();
    if (writer.rows > 0) await send(blockId);
    await copy.progress.count(key, 0, 1);
  } finally {
    writer.discard();
  }
}
