/**
 * The metadata columns of a change log. Behind record_id come operation_flag, utc_timestamp, before_flag and after_flag,
 * which are the same for all rows of one kind and second: their wire bytes and what they do to the CRC are made once for
 * each, so that of all five columns only record_id's low word is left to look up for a row.
 */
import { type RowKind, rowKind } from '../model/change.js';
import { crcByte, crcInt32, crcInt64, crcStart, crcZeros, makeZerosTable } from './records/crc32c.js';

/** CRC input: two flags, a timestamp, a flag, each with its column index. */
const tailZeros = makeZerosTable(5 + 12 + 5 + 5);
/** Two flags and their lengths and tags, a timestamp of ten bytes at most, in words of four bytes. */
export const tailWords = (3 + 11 + 3 + 3) / 4;

/** What the bits of record_id's low word add to the CRC behind the metadata (see `makeZerosTable`). */
const lowWordTable = Int32Array.from({ length: 1024 }, (_, index) =>
  crcZeros(tailZeros, crcInt64(0, 0, (index & 0xff) << ((index >>> 8) * 8))),
);
/** The same for a fresh state, the column index, and a record_id of 0. */
const recordIdZero = crcZeros(tailZeros, crcInt64(crcInt32(crcStart, 1), 0, 0));

export class LogMetadata {
  /** `tailWords` little-endian words for each row kind; `tailBytes` of their bytes count. */
  readonly tails = new Int32Array(5 * tailWords);
  tailBytes = 0;
  private readonly crcs = new Int32Array(5);
  private utcSeconds = -1;

  setSeconds(utcSeconds: number): void {
    if (utcSeconds === this.utcSeconds) return;
    this.utcSeconds = utcSeconds;
    this.make(rowKind.insert, 'I', 'N', 'Y');
    this.make(rowKind.before, 'U', 'Y', 'N');
    this.make(rowKind.after, 'U', 'N', 'Y');
    this.make(rowKind.delete, 'D', 'Y', 'N');
  }

  /** The state of a record's CRC behind the metadata; `high` and `low` are the words of its record_id. */
  crcAfter(high: number, low: number, kind: RowKind): number {
    const crc = crcZeros(lowWordTable, low) ^ this.crcs[kind]!;
    return high === 0 ? crc : crc ^ crcZeros(tailZeros, crcInt32(0, high));
  }

  private make(kind: RowKind, operation: string, before: string, after: string): void {
    const operationByte = operation.charCodeAt(0);
    const beforeByte = before.charCodeAt(0);
    const afterByte = after.charCodeAt(0);
    const seconds = zigzagBytes(this.utcSeconds);
    const tail = [0x12, 1, operationByte, 0x18, ...seconds, 0x22, 1, beforeByte, 0x2a, 1, afterByte];
    const bytes = Buffer.alloc(tailWords * 4);
    bytes.set(tail);
    for (let word = 0; word < tailWords; word += 1) this.tails[kind * tailWords + word] = bytes.readInt32LE(word * 4);
    this.tailBytes = tail.length;
    let crc = crcByte(crcInt32(0, 2), operationByte);
    crc = crcInt64(crcInt32(crc, 3), Math.floor(this.utcSeconds / 0x1_0000_0000), this.utcSeconds | 0);
    crc = crcByte(crcInt32(crc, 4), beforeByte);
    this.crcs[kind] = crcByte(crcInt32(crc, 5), afterByte) ^ recordIdZero;
  }
}

/** Seconds since the epoch are not negative, and far below 2^52. */
function zigzagBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
}
