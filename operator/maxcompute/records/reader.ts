/**
 * Reads the tunnel's record stream. In: the column types of the schema, and bytes in pieces of any size. Out: rows, and at
 * the end the totals. It must never give a row whose checksum is wrong, nor end well on a stream that was cut, though
 * the official clients' readers do: a cut download would be a silent loss.
 */
import { isUtf8 } from 'node:buffer';
import { assert, unreachable } from '../../base/assert.js';
import { SyncError } from '../../base/errors.js';
import { crcByte, crcInt32, crcInt64, crcRange, crcStart, crcValue } from './crc32c.js';
import { formatRecordType, type RecordType, wireTypeOf } from './types.js';
import type { RecordValue } from './values.js';
import { fieldNumbers, readCellBytesMax, tagOf, wireTypes } from './wire.js';

export interface RecordTotals {
  readonly rows: number;
  /** META_CHECKSUM: CRC-32C over the record CRCs. */
  readonly crc: number;
}

/** One record may take this much before it counts as damage: the buffer below grows no further. */
const recordBytesMax = 256 * 1024 * 1024;

const endRecordTag = tagOf(fieldNumbers.endRecord, wireTypes.varint);
const endMetricsTag = tagOf(fieldNumbers.endMetrics, wireTypes.varint);
const metaCountTag = tagOf(fieldNumbers.metaCount, wireTypes.varint);
const metaChecksumTag = tagOf(fieldNumbers.metaChecksum, wireTypes.varint);
const metricsTag = tagOf(fieldNumbers.metrics, wireTypes.bytes);

/** Thrown where the bytes at hand end inside a record; the record is read again when there are more. */
const underflow = new Error('more bytes are needed');

/** `onRow` gets one array that is used again for the next row; with null the stream is only verified. */
export class RecordReader {
  private readonly tags: readonly number[];
  private readonly row: RecordValue[];
  private bytes: Buffer = Buffer.alloc(0);
  private view = viewOf(this.bytes);
  private at = 0;
  private limit = 0;
  /** Below this many bytes another try is pointless; doubles, so that a large record is not parsed once per piece. */
  private wantedBytes = 1;
  private ended = false;
  private rows = 0;
  private recordCrc = crcStart;
  private totalCrc = crcStart;
  private high = 0;
  private low = 0;

  private readonly types: readonly RecordType[];
  private readonly onRow: ((row: readonly RecordValue[]) => void) | null;

  constructor(types: readonly RecordType[], onRow: ((row: readonly RecordValue[]) => void) | null) {
    this.types = types;
    this.onRow = onRow;
    this.tags = types.map((type, index) => tagOf(index + 1, wireTypeOf(type)));
    this.row = new Array<RecordValue>(types.length).fill(null);
  }

  push(chunk: Uint8Array): void {
    this.append(chunk);
    while (this.limit - this.at >= this.wantedBytes && this.step()) {}
  }

  /** Call after the last piece. */
  end(): RecordTotals {
    while (this.step()) {}
    if (!this.ended) throw corrupt(`the stream ends after ${this.rows} records without its trailer`);
    return { rows: this.rows, crc: crcValue(this.totalCrc) };
  }

  private append(chunk: Uint8Array): void {
    const rest = this.limit - this.at;
    if (rest + chunk.length > recordBytesMax) throw corrupt(`a record of more than ${recordBytesMax} bytes`);
    if (rest === 0) {
      this.bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      this.view = viewOf(this.bytes);
      this.at = 0;
      this.limit = chunk.length;
      return;
    }
    const joined = Buffer.allocUnsafe(rest + chunk.length);
    this.bytes.copy(joined, 0, this.at, this.limit);
    joined.set(chunk, rest);
    this.bytes = joined;
    this.view = viewOf(joined);
    this.at = 0;
    this.limit = joined.length;
  }

  /** Reads one record or the trailer. False when bytes are missing or the stream is over. */
  private step(): boolean {
    if (this.ended) {
      if (this.at < this.limit) throw corrupt('bytes follow the trailer');
      return false;
    }
    if (this.at === this.limit) return false;
    const begin = this.at;
    try {
      if (this.tag() === metaCountTag) this.trailer();
      else {
        this.at = begin;
        this.record();
      }
    } catch (error) {
      if (error !== underflow) throw error;
      this.at = begin;
      this.wantedBytes = (this.limit - begin) * 2;
      return false;
    }
    this.wantedBytes = 1;
    return true;
  }

  private record(): void {
    this.recordCrc = crcStart;
    this.row.fill(null);
    let nextColumn = 0;
    for (;;) {
      const tag = this.tag();
      if (tag === endRecordTag) break;
      const column = (tag >>> 3) - 1;
      // Every client writes columns in order, each at most once.
      if (column < nextColumn || this.tags[column] !== tag) {
        throw corrupt(`tag ${tag} in record ${this.rows + 1} (${this.types.length} columns)`);
      }
      nextColumn = column + 1;
      this.recordCrc = crcInt32(this.recordCrc, column + 1);
      this.row[column] = this.value(this.types[column] as RecordType);
    }
    const crc = crcValue(this.recordCrc);
    const wanted = this.storedCrc();
    if (crc !== wanted) throw corrupt(`record ${this.rows + 1} has CRC ${hex(crc)}, its own says ${hex(wanted)}`);
    this.totalCrc = crcInt32(this.totalCrc, crc);
    this.rows += 1;
    this.onRow?.(this.row);
  }

  private trailer(): void {
    this.zigzag();
    const count = toNumber(this.high, this.low);
    if (count !== this.rows) throw corrupt(`the trailer counts ${count} records, the stream has ${this.rows}`);
    let tag = this.tag();
    if (tag === metricsTag) {
      this.metrics();
      tag = this.tag();
    }
    if (tag !== metaChecksumTag) throw corrupt(`tag ${tag} in the trailer`);
    const wanted = this.storedCrc();
    const crc = crcValue(this.totalCrc);
    if (crc !== wanted) throw corrupt(`the stream has CRC ${hex(crc)}, its trailer says ${hex(wanted)}`);
    this.ended = true;
  }

  private metrics(): void {
    const to = this.lengthEnd();
    const crc = crcRange(crcInt32(crcStart, fieldNumbers.metrics), this.view, this.at, to);
    this.at = to;
    if (this.tag() !== endMetricsTag || this.storedCrc() !== crcValue(crc))
      throw corrupt('the metrics block is damaged');
  }

  private value(type: RecordType): RecordValue {
    switch (type.kind) {
      case 'tinyint':
        return this.integer(type, -0x80, 0x7f);
      case 'smallint':
        return this.integer(type, -0x8000, 0x7fff);
      case 'int':
        return this.integer(type, -0x8000_0000, 0x7fff_ffff);
      case 'date':
      case 'datetime':
      case 'interval_year_month':
        return this.integer(type, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
      case 'bigint':
        this.zigzag();
        this.recordCrc = crcInt64(this.recordCrc, this.high, this.low);
        return this.onRow === null ? null : toBigInt(this.high, this.low);
      case 'boolean': {
        const byte = this.byte();
        if (byte > 1) throw corrupt(`a BOOLEAN of ${byte} in record ${this.rows + 1}`);
        this.recordCrc = crcByte(this.recordCrc, byte);
        return byte === 1;
      }
      case 'float':
        return this.fixed(4).readFloatLE(this.at - 4);
      case 'double':
        return this.fixed(8).readDoubleLE(this.at - 8);
      case 'string':
      case 'varchar':
      case 'char':
      case 'json':
      case 'decimal':
        return this.text(type);
      case 'binary': {
        const from = this.range();
        return this.onRow === null ? null : Uint8Array.prototype.slice.call(this.bytes, from, this.at);
      }
      case 'timestamp':
      case 'timestamp_ntz':
      case 'interval_day_time':
        return this.secondsAndNanos(type);
      case 'array':
        return this.elements(type.element);
      case 'map': {
        const keys = this.elements(type.key);
        const values = this.elements(type.value);
        if (keys.length !== values.length) throw corrupt(`a MAP of ${keys.length} keys and ${values.length} values`);
        return keys.map((key, index) => [key, values[index] as RecordValue]);
      }
      case 'struct':
        return type.fields.map((field) => this.nullable(field.type));
      default:
        return unreachable(type);
    }
  }

  private integer(type: RecordType, min: number, max: number): number {
    this.zigzag();
    this.recordCrc = crcInt64(this.recordCrc, this.high, this.low);
    const value = toNumber(this.high, this.low);
    if (value < min || value > max) {
      throw corrupt(`an integer outside ${formatRecordType(type)} in record ${this.rows + 1}`);
    }
    return value;
  }

  /** Takes bytes in, feeds the CRC, and leaves `at` behind them. */
  private fixed(bytes: number): Buffer {
    if (this.at + bytes > this.limit) throw underflow;
    this.recordCrc = crcRange(this.recordCrc, this.view, this.at, this.at + bytes);
    this.at += bytes;
    return this.bytes;
  }

  /** A length and its bytes, fed to the CRC; answers where they begin, and leaves `at` behind them. */
  private range(): number {
    const to = this.lengthEnd();
    const from = this.at;
    this.recordCrc = crcRange(this.recordCrc, this.view, from, to);
    this.at = to;
    return from;
  }

  private text(type: RecordType): string | null {
    const from = this.range();
    if (this.onRow === null) return null;
    const text = this.bytes.toString('utf8', from, this.at);
    if (text.includes('�') && !isUtf8(this.bytes.subarray(from, this.at))) {
      throw corrupt(`a ${formatRecordType(type)} in record ${this.rows + 1} is not UTF-8`);
    }
    return text;
  }

  private secondsAndNanos(type: RecordType): RecordValue {
    this.zigzag();
    this.recordCrc = crcInt64(this.recordCrc, this.high, this.low);
    const seconds = toNumber(this.high, this.low);
    this.zigzag();
    const nanos = toNumber(this.high, this.low);
    const nanosMin = type.kind === 'interval_day_time' ? -999_999_999 : 0;
    if (!Number.isSafeInteger(seconds) || nanos < nanosMin || nanos > 999_999_999) {
      throw corrupt(`a ${formatRecordType(type)} out of range in record ${this.rows + 1}`);
    }
    this.recordCrc = crcInt32(this.recordCrc, nanos);
    return this.onRow === null ? null : { seconds, nanos };
  }

  private elements(type: RecordType): RecordValue[] {
    const count = this.length();
    const values: RecordValue[] = [];
    for (let index = 0; index < count; index += 1) values.push(this.nullable(type));
    return values;
  }

  private nullable(type: RecordType): RecordValue {
    const flag = this.byte();
    if (flag > 1) throw corrupt(`a null flag of ${flag} in record ${this.rows + 1}`);
    return flag === 1 ? null : this.value(type);
  }

  private lengthEnd(): number {
    const to = this.length() + this.at;
    if (to > this.limit) throw underflow;
    return to;
  }

  private length(): number {
    this.varint();
    if (this.high !== 0 || this.low < 0 || this.low > readCellBytesMax) {
      throw corrupt(`a cell of more than ${readCellBytesMax} bytes in record ${this.rows + 1}`);
    }
    return this.low;
  }

  /** PyODPS's compiled writer sign-extends a CRC to ten bytes; the low 32 bits count. */
  private storedCrc(): number {
    this.varint();
    if (this.high !== 0 && this.high !== -1) throw corrupt('a CRC of more than 32 bits');
    return this.low >>> 0;
  }

  private tag(): number {
    this.varint();
    if (this.high !== 0) throw corrupt('a tag of more than 32 bits');
    return this.low >>> 0;
  }

  private zigzag(): void {
    this.varint();
    const sign = -(this.low & 1);
    this.low = ((this.low >>> 1) | (this.high << 31)) ^ sign;
    this.high = (this.high >>> 1) ^ sign;
  }

  /** Reads an unsigned varint into `high` and `low`, both as int32. */
  private varint(): void {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.high = 0;
        this.low = low;
        return;
      }
    }
    let byte = this.byte();
    low |= byte << 28;
    let high = (byte & 0x7f) >>> 4;
    for (let shift = 3; byte >= 0x80; shift += 7) {
      byte = this.byte();
      if (shift === 31 && byte > 1) throw corrupt('a varint of more than 64 bits');
      high |= (byte & 0x7f) << shift;
    }
    this.high = high;
    this.low = low;
  }

  private byte(): number {
    if (this.at >= this.limit) throw underflow;
    const byte = this.bytes[this.at] as number;
    this.at += 1;
    return byte;
  }
}

/** All rows of a stream that is at hand as a whole. */
export function readRecords(types: readonly RecordType[], body: Uint8Array): RecordValue[][] {
  const rows: RecordValue[][] = [];
  const reader = new RecordReader(types, (row) => rows.push([...row]));
  reader.push(body);
  const totals = reader.end();
  assert(totals.rows === rows.length, 'each record gave a row');
  return rows;
}

/** Checks lengths, checksums and the trailer, without making values. */
export function verifyRecords(types: readonly RecordType[], body: Uint8Array): RecordTotals {
  const reader = new RecordReader(types, null);
  reader.push(body);
  return reader.end();
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function toNumber(high: number, low: number): number {
  return high * 0x1_0000_0000 + (low >>> 0);
}

function toBigInt(high: number, low: number): bigint {
  const value = toNumber(high, low);
  return Number.isSafeInteger(value) ? BigInt(value) : (BigInt(high) << 32n) | BigInt(low >>> 0);
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}

function corrupt(seen: string): SyncError {
  return new SyncError('DOWNLOAD_CORRUPT', {
    seen,
    wanted: 'a whole record stream whose checksums hold',
    fix: 'Nothing to do: it is asked for again. If it stays, look for a proxy that changes or cuts answers.',
  });
}
