import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import type { ShardDocument, ShardTable } from '../model/documents.js';
import type { FencedDocument } from '../model/fenced-document.js';
import { addCounts, type NulledCounts } from './nulled-counts.js';

/** What this worker tells about its tables: kept in memory, saved at most every `pollMs`, and at once where others wait. */
export class Progress {
  readonly #shard: FencedDocument<ShardDocument>;
  readonly #clock: Clock;
  readonly #saveMs: number;
  readonly #nulled: NulledCounts;
  readonly #tables: Record<string, ShardTable>;
  #savedMs = Number.NEGATIVE_INFINITY;

  constructor(shard: FencedDocument<ShardDocument>, clock: Clock, saveMs: number, nulled: NulledCounts) {
    this.#shard = shard;
    this.#clock = clock;
    this.#saveMs = saveMs;
    this.#nulled = nulled;
    this.#tables = { ...shard.value.tables };
  }

  table(key: string): ShardTable {
    const table = this.#tables[key];
    assert(table !== undefined, `${key} is being copied`);
    return table;
  }

  /** For numbers that only people read. */
  async count(key: string, rowsRead: number, chunksDone = 0): Promise<void> {
    const table = this.table(key);
    this.#tables[key] = { ...table, rowsRead: table.rowsRead + rowsRead, chunksDone: table.chunksDone + chunksDone };
    if (this.#clock.monotonicMs() - this.#savedMs >= this.#saveMs) await this.save();
  }

  /** For what recovery and the stream rely on: saved when this resolves. */
  async set(key: string, change: Partial<ShardTable>): Promise<void> {
    this.#tables[key] = { ...this.table(key), ...change };
    await this.save();
  }

  async save(): Promise<void> {
    this.#savedMs = this.#clock.monotonicMs();
    const tables = { ...this.#tables };
    const nulled = this.#nulled.take();
    await this.#shard.update((value) => ({
      tables,
      nulled: addCounts(value.nulled ?? {}, nulled),
      updatedAtMs: this.#clock.nowMs(),
    }));
  }

  confirm(): Promise<void> {
    return this.#shard.confirm();
  }
}
