import type { TaskStatus } from '../reconcile/status.js';

interface Sample {
  readonly atMs: number;
  readonly rows: number;
}

/** A rate over the last seconds follows a source that slows down; over the whole run it would not. */
const windowMs = 15_000;

/** Rows per second, by table and over all (null), from the statuses seen. */
export class Rates {
  readonly #samples = new Map<string | null, Sample[]>();

  add(status: TaskStatus, nowMs: number): void {
    let sum = 0;
    for (const { table, rowsCopied } of status.tables) {
      this.#push(table, { atMs: nowMs, rows: rowsCopied });
      sum += rowsCopied;
    }
    this.#push(null, { atMs: nowMs, rows: sum });
  }

  /** Null before there is anything to compare. */
  rowsPerSecond(table: string | null): number | null {
    const samples = this.#samples.get(table);
    const first = samples?.[0];
    const last = samples?.at(-1);
    if (!first || !last || last.atMs - first.atMs < 1_000) return null;
    return Math.max(0, ((last.rows - first.rows) * 1000) / (last.atMs - first.atMs));
  }

  #push(table: string | null, sample: Sample): void {
    const samples = this.#samples.get(table) ?? [];
    samples.push(sample);
    while (samples.length > 2 && sample.atMs - (samples[0]?.atMs ?? 0) > windowMs) samples.shift();
    this.#samples.set(table, samples);
  }
}
