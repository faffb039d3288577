/**
 * Walks the record stream of a block. In: bytes in pieces of any size. Out: the number of rows, once every checksum and every
 * value was found right; with a sink, the cells too. It creates no object per row or cell: a block of some million rows is
 * walked when it is uploaded and once more when it is loaded. Written apart from the client's reader and writer, so that a
 * mistake in either shows in the other. Layout: docs of the tunnel's record format, `maxcompute/records/wire.ts`.
 */
import { isUtf8 } from 'node:buffer';
import { crcByte, crcInt32, crcInt64, crcRange, crcStart, crcValue } from '../../maxcompute/records/crc32c.js';
import { wireTypeOf } from '../../maxcompute/records/types.js';
import { cellBytesMax, fieldNumbers, tagOf, wireTypes } from '../../maxcompute/records/wire.js';
import type { Column } from './catalog.js';
import { type Cell, cellOf } from './cells.js';
import { kindOf, wireKinds as kinds, rangeOf } from './wire-kinds.js';

/** Takes the cells of one row after the other; a cell that is not given is NULL. A row may be begun again before `rowEnd`. */
export interface BlockSink {
  rowBegin(): void;
  /** TINYINT to BIGINT, BOOLEAN, DATE, DATETIME: a signed number in two halves. */
  integer(column: number, high: number, low: number): void;
  /** FLOAT and DOUBLE: the bytes are the value; others: a text or bytes. */
  bytes(column: number, bytes: Uint8Array, from: number, to: number): void;
  timestamp(column: number, seconds: number, nanos: number): void;
  rowEnd(): void;
}

/** The block is not what its columns and checksums say. Names a row and a column, never a value. */
export class BlockFault extends Error {
  override readonly name = 'BlockFault';
  readonly kind: 'corrupt' | 'value';

  constructor(kind: 'corrupt' | 'value', why: string) {
    super(why);
    this.kind = kind;
  }
}

const endRecordTag = tagOf(fieldNumbers.endRecord, wireTypes.varint);
const metaCountTag = tagOf(fieldNumbers.metaCount, wireTypes.varint);
const metaChecksumTag = tagOf(fieldNumbers.metaChecksum, wireTypes.varint);
/** Bytes behind the last one that a number may be read from before the end is looked at: the longest varint and more. */
const slackBytes = 32;
/** One record with all its cells at their limit would be larger; nothing that is sent comes near. */
const recordBytesMax = 256 * 1024 * 1024;

export class BlockReader {
  private readonly columns: readonly Column[];
  private readonly sink: BlockSink | null;
  private readonly tags: Int32Array;
  private readonly kinds: Uint8Array;
  /** Smallest and largest value of integer columns that have fewer than 64 bits. */
  private readonly min: Float64Array;
  private readonly max: Float64Array;
  private readonly faults: readonly Cell['fault'][];
  private readonly required: readonly number[];
  private bytes: Buffer = Buffer.alloc(slackBytes);
  /** The same bytes, as the checksum reads them. */
  private view = viewOf(this.bytes);
  private at = 0;
  private limit = 0;
  /** Below this many bytes another try is pointless: a long record is not walked again for each piece of it. */
  private wantedBytes = 1;
  private rows = 0;
  private crc = crcStart;
  private high = 0;
  private low = 0;
  private isEnded = false;

  constructor(columns: readonly Column[], sink: BlockSink | null) {
    const cells = columns.map((column) => cellOf(column.type));
    this.columns = columns;
    this.sink = sink;
    this.tags = Int32Array.from(cells, (cell, index) => tagOf(index + 1, wireTypeOf(cell.type)));
    this.kinds = Uint8Array.from(cells, (cell) => kindOf(cell));
    this.min = Float64Array.from(cells, (cell) => -rangeOf(cell));
    this.max = Float64Array.from(cells, (cell) => rangeOf(cell) - 1);
    // Values are judged when the block comes; when it is loaded they were.
    this.faults = sink === null ? cells.map((cell) => cell.fault) : cells.map(() => null);
    this.required = columns.flatMap((column, index) => (column.isNullable ? [] : [index]));
  }

  push(chunk: Uint8Array): void {
    this.append(chunk);
    while (!this.isEnded && this.limit - this.at >= this.wantedBytes) if (!this.step()) break;
  }

  /** Call after the last piece. */
  end(): { rows: number } {
    while (!this.isEnded && this.at < this.limit && this.step()) {}
    if (!this.isEnded) throw corrupt(`the stream ends after ${this.rows} records without its trailer`);
    if (this.at < this.limit) throw corrupt('bytes follow the trailer');
    return { rows: this.rows };
  }

  private append(chunk: Uint8Array): void {
    const rest = this.limit - this.at;
    const size = rest + chunk.length + slackBytes;
    if (size > recordBytesMax) throw corrupt(`a record of more than ${recordBytesMax} bytes`);
    if (size > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(size, this.bytes.length * 2));
      this.bytes.copy(grown, 0, this.at, this.limit);
      this.bytes = grown;
      this.view = viewOf(grown);
    } else if (rest > 0) this.bytes.copyWithin(0, this.at, this.limit);
    this.bytes.set(chunk, rest);
    this.at = 0;
    this.limit = rest + chunk.length;
    this.bytes.fill(0, this.limit, this.limit + slackBytes);
  }

  /** Walks one record, or the trailer. False, and nothing is taken, when bytes are missing. */
  private step(): boolean {
    const begin = this.at;
    this.sink?.rowBegin();
    let crc = crcStart;
    let next = 0;
    for (;;) {
      const tag = this.tag();
      if (tag === endRecordTag) break;
      if (tag === metaCountTag && next === 0) return this.trailer(begin);
      const column = (tag >>> 3) - 1;
      if (column < next || this.tags[column] !== tag) {
        if (this.at > this.limit) return this.short(begin);
        throw corrupt(`tag ${tag} in record ${this.rows + 1}, which has ${this.columns.length} columns`);
      }
      this.skipNulls(next, column);
      next = column + 1;
      crc = this.cell(column, crcInt32(crc, next));
      if (this.at > this.limit) return this.short(begin);
    }
    this.skipNulls(next, this.columns.length);
    this.checksum();
    if (this.at > this.limit) return this.short(begin);
    if (this.low !== ~crc) throw corrupt(`record ${this.rows + 1} does not have the checksum that stands behind it`);
    this.crc = crcInt32(this.crc, ~crc);
    this.rows += 1;
    this.wantedBytes = 1;
    this.sink?.rowEnd();
    return true;
  }

  /** Reads a cell at `at`, and feeds its bytes to the checksum. */
  private cell(column: number, crc: number): number {
    switch (this.kinds[column]) {
      case kinds.integer:
        this.zigzag();
        if (this.at <= this.limit) this.checkInteger(column);
        this.sink?.integer(column, this.high, this.low);
        return crcInt64(crc, this.high, this.low);
      case kinds.boolean: {
        const byte = this.bytes[this.at] as number;
        this.at += 1;
        if (byte > 1) throw corrupt(`a BOOLEAN of ${byte} in record ${this.rows + 1}`);
        this.sink?.integer(column, 0, byte);
        return crcByte(crc, byte);
      }
      case kinds.float:
        return this.run(column, crc, 4);
      case kinds.double:
        return this.run(column, crc, 8);
      case kinds.timestamp:
        return this.timestamp(column, crc);
      default:
        return this.sized(column, crc);
    }
  }

  private sized(column: number, crc: number): number {
    this.varint();
    const size = this.low;
    if (this.at > this.limit) return crc;
    if (this.high !== 0 || size < 0 || size > cellBytesMax) {
      throw new BlockFault(
        'value',
        `record ${this.rows + 1} has more than ${cellBytesMax} bytes in ${this.nameOf(column)}`,
      );
    }
    if (this.sink === null && this.at + size <= this.limit && this.kinds[column] === kinds.text)
      this.checkText(column, size);
    return this.run(column, crc, size);
  }

  private run(column: number, crc: number, size: number): number {
    const from = this.at;
    const to = from + size;
    this.at = to;
    if (to > this.limit) {
      this.wantedBytes = Math.max(this.wantedBytes, to - from);
      return crc;
    }
    this.sink?.bytes(column, this.bytes, from, to);
    return crcRange(crc, this.view, from, to);
  }

  private timestamp(column: number, crc: number): number {
    this.zigzag();
    const secondsCrc = crcInt64(crc, this.high, this.low);
    const seconds = this.high * 0x1_0000_0000 + (this.low >>> 0);
    this.zigzag();
    const nanos = this.low;
    if (this.at > this.limit) return crc;
    if (nanos < 0 || nanos > 999_999_999 || this.high !== 0)
      throw corrupt(`a wrong TIMESTAMP in record ${this.rows + 1}`);
    this.judge(column, { seconds, nanos });
    this.sink?.timestamp(column, seconds, nanos);
    return crcInt32(secondsCrc, nanos);
  }

  private checkInteger(column: number): void {
    const value = this.high * 0x1_0000_0000 + (this.low >>> 0);
    if (value < (this.min[column] as number) || value > (this.max[column] as number)) {
      throw new BlockFault(
        'value',
        `record ${this.rows + 1} has a value in ${this.nameOf(column)} that is out of range`,
      );
    }
    // -2^63 is no BIGINT of MaxCompute.
    if (this.high === -0x8000_0000 && this.low === 0) this.judge(column, -(2n ** 63n));
  }

  private checkText(column: number, size: number): void {
    const { bytes, at } = this;
    const to = at + size;
    let isAscii = true;
    for (let index = at; index < to; index += 1) {
      if ((bytes[index] as number) >= 0x80) {
        isAscii = false;
        break;
      }
    }
    if (!isAscii && !isUtf8(bytes.subarray(at, to))) {
      throw new BlockFault('value', `record ${this.rows + 1} has bytes in ${this.nameOf(column)} that are not UTF-8`);
    }
    if (this.faults[column] !== null) this.judge(column, bytes.toString('utf8', at, to));
  }

  private judge(column: number, value: Parameters<NonNullable<Cell['fault']>>[0]): void {
    const fault = this.faults[column]?.(value) ?? null;
    if (fault !== null)
      throw new BlockFault('value', `record ${this.rows + 1} has a value in ${this.nameOf(column)} that is ${fault}`);
  }

  private skipNulls(from: number, to: number): void {
    if (this.required.length === 0) return;
    for (const column of this.required) {
      if (column >= from && column < to && this.at <= this.limit) {
        throw new BlockFault('value', `record ${this.rows + 1} has NULL in ${this.nameOf(column)}, which is NOT NULL`);
      }
    }
  }

  private trailer(begin: number): boolean {
    this.zigzag();
    const count = this.high * 0x1_0000_0000 + (this.low >>> 0);
    const tag = this.tag();
    this.checksum();
    if (this.at > this.limit) return this.short(begin);
    if (tag !== metaChecksumTag) throw corrupt(`tag ${tag} in the trailer`);
    if (count !== this.rows) throw corrupt(`the trailer counts ${count} records, the stream has ${this.rows}`);
    if (this.low !== (crcValue(this.crc) | 0)) throw corrupt('the stream does not have the checksum of its trailer');
    this.isEnded = true;
    return true;
  }

  private short(begin: number): false {
    this.at = begin;
    this.wantedBytes = Math.max(this.wantedBytes, (this.limit - begin) * 2, 1);
    return false;
  }

  private tag(): number {
    const { bytes } = this;
    let byte = bytes[this.at] as number;
    this.at += 1;
    let tag = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift <= 28; shift += 7) {
      byte = bytes[this.at] as number;
      this.at += 1;
      tag |= (byte & 0x7f) << shift;
    }
    return tag;
  }

  private zigzag(): void {
    this.varint();
    const sign = -(this.low & 1);
    this.low = ((this.low >>> 1) | (this.high << 31)) ^ sign;
    this.high = (this.high >>> 1) ^ sign;
  }

  /** PyODPS sends a checksum of 2^31 or more with its sign in all 64 bits; others send 32. */
  private checksum(): void {
    this.varint();
    const isSigned = this.high === -1 && this.low < 0;
    if (this.high !== 0 && !isSigned && this.at <= this.limit)
      throw corrupt(`a checksum of more than 32 bits in record ${this.rows + 1}`);
  }

  /** Up to ten bytes. */
  private varint(): void {
    const { bytes } = this;
    let at = this.at;
    let byte = bytes[at++] as number;
    let low = byte & 0x7f;
    let high = 0;
    if (byte >= 0x80) {
      low |= ((byte = bytes[at++] as number) & 0x7f) << 7;
      if (byte >= 0x80) {
        low |= ((byte = bytes[at++] as number) & 0x7f) << 14;
        if (byte >= 0x80) {
          low |= ((byte = bytes[at++] as number) & 0x7f) << 21;
          if (byte >= 0x80) {
            byte = bytes[at++] as number;
            low |= (byte & 0x7f) << 28;
            high = (byte & 0x7f) >>> 4;
            for (let shift = 3; byte >= 0x80; shift += 7) {
              byte = bytes[at++] as number;
              // Of the tenth byte one bit is left.
              if (shift === 31 && byte > 1) throw corrupt(`a number of more than 64 bits in record ${this.rows + 1}`);
              high |= (byte & 0x7f) << shift;
            }
          }
        }
      }
    }
    this.at = at;
    this.low = low;
    this.high = high;
  }

  private nameOf(column: number): string {
    return `column ${this.columns[column]?.name}`;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function corrupt(why: string): BlockFault {
  return new BlockFault('corrupt', why);
}
