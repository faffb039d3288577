/**
 * Writes any rows as a record stream. In: column types and JavaScript values. Out: bytes that the official clients read.
 * It is general and plain; rows on their way to MaxCompute take `record-sink`, which must give the same bytes.
 */
import { assert, unreachable } from '../../base/assert.js';
import { crcByte, crcInt32, crcInt64, crcRange, crcStart, crcValue } from './crc32c.js';
import { formatRecordType, type RecordType, wireTypeOf } from './types.js';
import type { RecordValue, SecondsAndNanos } from './values.js';
import { fieldNumbers, tagBytes, tagOf, wireTypes } from './wire.js';

const endRecord = tagBytes(tagOf(fieldNumbers.endRecord, wireTypes.varint));
const metaCount = tagBytes(tagOf(fieldNumbers.metaCount, wireTypes.varint));
const metaChecksum = tagBytes(tagOf(fieldNumbers.metaChecksum, wireTypes.varint));

export class RecordWriter {
  private readonly types: readonly RecordType[];
  private readonly tags: readonly Uint8Array[];
  private buffer: Buffer = Buffer.allocUnsafe(16 * 1024);
  private length = 0;
  private rows = 0;
  private recordCrc = crcStart;
  private totalCrc = crcStart;

  constructor(types: readonly RecordType[]) {
    this.types = types;
    this.tags = types.map((type, index) => tagBytes(tagOf(index + 1, wireTypeOf(type))));
  }

  /** Bytes that `take` would give. */
  get pendingBytes(): number {
    return this.length;
  }

  write(row: readonly RecordValue[]): void {
    assert(row.length <= this.types.length, 'a row has no more values than the schema has columns');
    this.recordCrc = crcStart;
    for (let column = 0; column < row.length; column += 1) {
      const value = row[column] as RecordValue;
      if (value === null) continue;
      this.put(this.tags[column] as Uint8Array);
      this.recordCrc = crcInt32(this.recordCrc, column + 1);
      this.value(this.types[column] as RecordType, value);
    }
    const crc = crcValue(this.recordCrc);
    this.put(endRecord);
    this.varint(0, crc | 0);
    this.totalCrc = crcInt32(this.totalCrc, crc);
    this.rows += 1;
  }

  /** The bytes written since the last call, so that a large stream can be sent in pieces. */
  take(): Uint8Array {
    const taken = this.buffer.subarray(0, this.length);
    this.buffer = Buffer.allocUnsafe(16 * 1024);
    this.length = 0;
    return taken;
  }

  /** Writes the trailer and gives what was not taken yet. */
  finish(): Uint8Array {
    this.put(metaCount);
    this.zigzag(Math.floor(this.rows / 0x1_0000_0000), this.rows | 0);
    this.put(metaChecksum);
    this.varint(0, crcValue(this.totalCrc) | 0);
    return this.take();
  }

  private value(type: RecordType, value: RecordValue): void {
    switch (type.kind) {
      case 'tinyint':
      case 'smallint':
      case 'int':
      case 'bigint':
      case 'date':
      case 'datetime':
      case 'interval_year_month':
        this.integer(type, value);
        return;
      case 'boolean':
        assert(typeof value === 'boolean', 'a BOOLEAN is a boolean');
        this.byte(value ? 1 : 0);
        this.recordCrc = crcByte(this.recordCrc, value ? 1 : 0);
        return;
      case 'float':
        assert(typeof value === 'number', 'a FLOAT is a number');
        this.reserve(4);
        this.buffer.writeFloatLE(value, this.length);
        this.written(4);
        return;
      case 'double':
        assert(typeof value === 'number', 'a DOUBLE is a number');
        this.reserve(8);
        this.buffer.writeDoubleLE(value, this.length);
        this.written(8);
        return;
      case 'string':
      case 'varchar':
      case 'char':
      case 'json':
      case 'decimal':
      case 'binary':
        this.bytes(type, value);
        return;
      case 'timestamp':
      case 'timestamp_ntz':
      case 'interval_day_time':
        this.secondsAndNanos(value);
        return;
      case 'array':
        assert(Array.isArray(value), 'an ARRAY is an array');
        this.elements(type.element, value);
        return;
      case 'map': {
        assert(Array.isArray(value), 'a MAP is an array of pairs');
        const pairs = value as readonly (readonly [RecordValue, RecordValue])[];
        this.elements(
          type.key,
          pairs.map((pair) => pair[0]),
        );
        this.elements(
          type.value,
          pairs.map((pair) => pair[1]),
        );
        return;
      }
      case 'struct':
        assert(Array.isArray(value) && value.length === type.fields.length, 'a STRUCT is an array of its fields');
        for (let index = 0; index < type.fields.length; index += 1) {
          this.nullable((type.fields[index] as { type: RecordType }).type, value[index] as RecordValue);
        }
        return;
      default:
        unreachable(type);
    }
  }

  private integer(type: RecordType, value: RecordValue): void {
    assert(
      typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value)),
      `a ${formatRecordType(type)} is an integer`,
    );
    const high = typeof value === 'bigint' ? Number(BigInt.asIntN(32, value >> 32n)) : Math.floor(value / 2 ** 32) | 0;
    const low = typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : value | 0;
    this.zigzag(high, low);
    this.recordCrc = crcInt64(this.recordCrc, high, low);
  }

  private bytes(type: RecordType, value: RecordValue): void {
    assert(
      typeof value === 'string' || value instanceof Uint8Array,
      `a ${formatRecordType(type)} is a string or bytes`,
    );
    const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
    this.varint(0, bytes.length);
    this.put(bytes);
    this.recordCrc = crcRange(this.recordCrc, viewOf(bytes), 0, bytes.length);
  }

  private secondsAndNanos(value: RecordValue): void {
    assert(typeof value === 'object' && value !== null && 'seconds' in value, 'a TIMESTAMP is seconds and nanos');
    const { seconds, nanos } = value as SecondsAndNanos;
    const high = Math.floor(seconds / 2 ** 32) | 0;
    this.zigzag(high, seconds | 0);
    this.recordCrc = crcInt64(this.recordCrc, high, seconds | 0);
    this.zigzag(nanos < 0 ? -1 : 0, nanos);
    this.recordCrc = crcInt32(this.recordCrc, nanos);
  }

  private elements(type: RecordType, values: readonly RecordValue[]): void {
    this.varint(0, values.length);
    for (const value of values) this.nullable(type, value);
  }

  private nullable(type: RecordType, value: RecordValue): void {
    this.byte(value === null ? 1 : 0);
    if (value !== null) this.value(type, value);
  }

  private zigzag(high: number, low: number): void {
    const sign = high >> 31;
    this.varint(((high << 1) | (low >>> 31)) ^ sign, (low << 1) ^ sign);
  }

  /** An unsigned varint from two int32 halves. */
  private varint(high: number, low: number): void {
    let restHigh = high >>> 0;
    let restLow = low >>> 0;
    while (restHigh !== 0 || restLow >= 0x80) {
      this.byte((restLow & 0x7f) | 0x80);
      restLow = ((restLow >>> 7) | (restHigh << 25)) >>> 0;
      restHigh >>>= 7;
    }
    this.byte(restLow);
  }

  private byte(byte: number): void {
    this.reserve(1);
    this.buffer[this.length] = byte;
    this.length += 1;
  }

  private put(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** `count` bytes were placed at the end: they are the value, and its CRC input. */
  private written(count: number): void {
    this.recordCrc = crcRange(this.recordCrc, viewOf(this.buffer), this.length, this.length + count);
    this.length += count;
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.length + bytes));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A whole stream at once. */
export function writeRecords(types: readonly RecordType[], rows: Iterable<readonly RecordValue[]>): Uint8Array {
  const writer = new RecordWriter(types);
  for (const row of rows) writer.write(row);
  return writer.finish();
}
