/**
 * The metadata columns of a change log behind record_id: operation_flag, utc_timestamp, before_flag, after_flag. They are the
 * same for all rows of one kind and second, so their wire bytes and what they do to the CRC are made once for each.
 */
import { type RowKind, rowKind } from '../model/change.js';
import { crcByte, crcInt32, crcInt64, crcZeros, makeZerosTable } from './records/crc32c.js';

/** CRC input: two flags, a timestamp, a flag, each with its column index. */
const tailZeros = makeZerosTable(5 + 12 + 5 + 5);
/** Two flags and their lengths and tags, a timestamp of ten bytes at most, in words of four bytes. */
export const tailWords = (3 + 11 + 3 + 3) / 4;

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

  /** The state of a record's CRC behind the metadata, from that behind record_id. */
  crcAfter(state: number, kind: RowKind): number {
    return crcZeros(tailZeros, state) ^ this.crcs[kind]!;
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
    this.crcs[kind] = crcByte(crcInt32(crc, 5), afterByte);
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
