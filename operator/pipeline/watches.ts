/**
 * Base watermarks of tables without a key. Such a table is read in one view; what the log held of it when the view was
 * taken must not be added again. Before it takes the view a shard asks the stream to watch the table; from then on the
 * stream remembers where its transactions on the table ended, and answers with the record id of the last one at or below
 * the view.
 */
import type { CheckpointTable, ShardDocument, WatchAnswer } from '../model/documents.js';
import { type BinlogPosition, comparePositions, hasReached, isSameServer, placeKey } from '../model/position.js';
import type { Tables } from './table-states.js';

/** Transactions remembered per table; beyond it the view is given up and taken again, so that memory stays flat. */
const rememberedMax = 100_000;

interface Memory {
  readonly id: string;
  readonly since: BinlogPosition;
  readonly sinceRecordId: number;
  readonly ends: { readonly position: BinlogPosition; readonly recordId: number }[];
}

export class Watches {
  readonly #memories = new Map<string, Memory>();

  get isEmpty(): boolean {
    return this.#memories.size === 0;
  }

  isWatching(key: string): boolean {
    return this.#memories.has(key);
  }

  /** A transaction with rows of this watched table ended. */
  remember(key: string, position: BinlogPosition, recordId: number): void {
    this.#memories.get(key)?.ends.push({ position, recordId });
  }

  /** Answers what the shards ask, as far as the stream has come; the same object when nothing is new. */
  answer(
    tables: Tables,
    shards: readonly ShardDocument[],
    at: { readonly position: BinlogPosition; readonly recordId: number },
  ): Tables {
    let answered = tables;
    for (const shard of shards) {
      for (const [key, told] of Object.entries(shard.tables)) {
        const table = answered[key];
        if (!table || !told.watch || told.generation !== table.generation || table.state !== 'copying') continue;
        const watch = this.#answerOne(key, table, told.watch, at);
        if (watch !== table.watch) answered = { ...answered, [key]: { ...table, watch } };
      }
    }
    return answered;
  }

  #answerOne(
    key: string,
    table: CheckpointTable,
    asked: { readonly id: string; readonly view: BinlogPosition | null },
    at: { readonly position: BinlogPosition; readonly recordId: number },
  ): WatchAnswer | null {
    if (table.watch?.id === asked.id && (table.watch.watermark !== null || table.watch.isLost)) {
      this.#memories.delete(key);
      return table.watch;
    }
    const memory = this.#memoryOf(key, asked.id, at);
    const waiting: WatchAnswer =
      table.watch?.id === asked.id && placeKey(table.watch.since) === placeKey(memory.since)
        ? table.watch
        : { id: asked.id, since: memory.since, watermark: null, isLost: false };
    if (!asked.view) return memory.ends.length > rememberedMax ? { ...waiting, isLost: true } : waiting;
    const view = asked.view;
    if (!hasReached(view, memory.since) || memory.ends.length > rememberedMax) return { ...waiting, isLost: true };
    // Another server may have logged the transactions in another order: no one record id parts those in the view from the rest.
    if (memory.ends.some((end) => !isSameServer(end.position, view))) return { ...waiting, isLost: true };
    if (!hasReached(at.position, view)) return waiting;
    const last = memory.ends.findLast((end) => comparePositions(end.position, view) <= 0);
    return { ...waiting, watermark: last?.recordId ?? memory.sinceRecordId };
  }

  #memoryOf(key: string, id: string, at: { readonly position: BinlogPosition; readonly recordId: number }): Memory {
    const known = this.#memories.get(key);
    if (known?.id === id) return known;
    const memory: Memory = { id, since: at.position, sinceRecordId: at.recordId, ends: [] };
    this.#memories.set(key, memory);
    return memory;
  }
}
