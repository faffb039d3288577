import { type RowKind, type RowSink, rowKind } from '../../operator/model/change.js';

/** Keeps each call as text, `float64(3, 1.5)`, so that two ways of reading a value can be compared; bytes as latin1. */
export class CollectingSink implements RowSink {
  /** One list of calls per row. Cells that come without `beginRow` are collected in a first row. */
  readonly rows: { readonly kind: RowKind; readonly cells: string[] }[] = [];

  beginRow(kind: RowKind): void {
    this.rows.push({ kind, cells: [] });
  }
  int32(column: number, value: number): void {
    if ((value | 0) !== value || Object.is(value, -0)) throw new Error(`not a 32-bit integer: ${value}`);
    this.#add(`int32(${column}, ${value})`);
  }
  int64(column: number, high: number, low: number): void {
    if ((high | 0) !== high || (low | 0) !== low) throw new Error(`not halves: ${high}, ${low}`);
    this.#add(`int64(${column}, ${BigInt(high) * 0x1_0000_0000n + BigInt(low >>> 0)})`);
  }
  boolean(column: number, value: 0 | 1): void {
    this.#add(`boolean(${column}, ${value})`);
  }
  float32(column: number, value: number): void {
    if (!Object.is(Math.fround(value), value)) throw new Error(`not a single: ${value}`);
    this.#add(`float32(${column}, ${Object.is(value, -0) ? '-0' : value})`);
  }
  float64(column: number, value: number): void {
    this.#add(`float64(${column}, ${Object.is(value, -0) ? '-0' : value})`);
  }
  bytes(column: number, source: Uint8Array, from: number, to: number): void {
    if (from < 0 || to < from || to > source.length) throw new Error(`not a range: ${from}..${to} of ${source.length}`);
    this.#add(`bytes(${column}, ${Buffer.from(source.subarray(from, to)).toString('latin1')})`);
  }
  date(column: number, days: number): void {
    if (!Number.isSafeInteger(days)) throw new Error(`not days: ${days}`);
    this.#add(`date(${column}, ${days})`);
  }
  datetime(column: number, epochMs: number): void {
    if (!Number.isSafeInteger(epochMs)) throw new Error(`not milliseconds: ${epochMs}`);
    this.#add(`datetime(${column}, ${epochMs})`);
  }
  timestamp(column: number, seconds: number, nanos: number): void {
    if (!Number.isSafeInteger(seconds) || !(nanos >= 0 && nanos < 1e9))
      throw new Error(`no instant: ${seconds} ${nanos}`);
    this.#add(`timestamp(${column}, ${seconds}, ${nanos})`);
  }
  endRow(): void {}

  /** All calls, in order. */
  get calls(): string[] {
    return this.rows.flatMap((row) => row.cells);
  }

  #add(call: string): void {
    if (this.rows.length === 0) this.beginRow(rowKind.base);
    this.rows.at(-1)?.cells.push(call);
  }
}
