/**
 * Reads the tunnel's record stream. In: the column types of the schema, and bytes in pieces of any size. Out: rows, and at
 * the end the totals. It must never give a row whose checksum is wrong, nor end well on a stream that was cut, though
 * the official clients' readers do: a cut download would be a silent loss.
 */
import { isUtf8 } from 'node:buffer';
import { assert, unreachable } from '../../base/assert.js';
import { ByteCursor, corrupt, underflow } from './byte-cursor.js';
import { crcByte, crcInt32, crcInt64, crcRange, crcStart, crcValue } from './crc32c.js';
import { formatRecordType, type RecordType, wireTypeOf } from './types.js';
import type { RecordValue } from './values.js';
import { fieldNumbers, tagOf, wireTypes } from './wire.js';

export interface RecordTotals {
  readonly rows: number;
  /** META_CHECKSUM: CRC-32C over the record CRCs. */
  readonly crc: number;
}

const endRecordTag = tagOf(fieldNumbers.endRecord, wireTypes.varint);
const endMetricsTag = tagOf(fieldNumbers.endMetrics, wireTypes.varint);
const metaCountTag = tagOf(fieldNumbers.metaCount, wireTypes.varint);
const metaChecksumTag = tagOf(fieldNumbers.metaChecksum, wireTypes.varint);
const metricsTag = tagOf(fieldNumbers.metrics, wireTypes.bytes);

/** `onRow` gets one array that is used again for the next row; with null the stream is only verified. */
export class RecordReader extends ByteCursor {
  private readonly tags: readonly number[];
  private readonly row: RecordValue[];
  /** Below this many bytes another try is pointless; doubles, so that a large record is not parsed once per piece. */
  private wantedBytes = 1;
  private ended = false;
  private rows = 0;
  private recordCrc = crcStart;
  private totalCrc = crcStart;

  private readonly types: readonly RecordType[];
  private readonly onRow: ((row: readonly RecordValue[]) => void) | null;

  constructor(types: readonly RecordType[], onRow: ((row: readonly RecordValue[]) => void) | null) {
    super();
    this.types = types;
    this.onRow = onRow;
    this.tags = types.map((type, index) => tagOf(index + 1, wireTypeOf(type)));
    this.row = new Array<RecordValue>(types.length).fill(null);
  }

  /** The piece is looked at again until its last record is whole: it must not be written over. */
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
