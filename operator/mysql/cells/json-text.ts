/**
 * JSON of MySQL 5.7 and later: the binary form of the binary log into the text that the server prints for it.
 * Members stand in stored order, `, ` and `: ` between them; decimals stay decimals, dates and times are strings with six
 * decimals, and other values are `base64:type<code>:...` (sql-common/json_binary.h, `Json_wrapper::to_string`).
 */
import { decimalBytes, decimalTextWriter } from './decimal-text.js';
import { writeHalves, writeInteger } from './digits.js';
import type { JsonOutput } from './json-output.js';
import { realTextBytesMax, writeDouble } from './real-text.js';
import { temporalTextBytesMax, writeDateText, writeDateTimeText, writeTimeText } from './temporal-text.js';
import { wireType } from './wire.js';

const jsonType = {
  smallObject: 0,
  largeObject: 1,
  smallArray: 2,
  largeArray: 3,
  literal: 4,
  int16: 5,
  uint16: 6,
  int32: 7,
  uint32: 8,
  int64: 9,
  uint64: 10,
  double: 11,
  string: 12,
  opaque: 15,
} as const;

const literals = ['null', 'true', 'false'] as const;

/** JSON_DOCUMENT_MAX_DEPTH of the server; deeper is garbled. */
const depthMax = 100;

/** Writes the value in `bytes[from..to)`. Bytes that no server writes are a RangeError, sooner or later. */
export function writeJson(bytes: Buffer, from: number, to: number, out: JsonOutput): void {
  // INSERT IGNORE of nothing into NOT NULL leaves an empty value, which the server reads as null.
  if (from === to) out.ascii('null');
  else writeValue(bytes[from] as number, bytes, from + 1, out, 1);
}

function writeValue(type: number, bytes: Buffer, at: number, out: JsonOutput, depth: number): void {
  switch (type) {
    case jsonType.smallObject:
    case jsonType.largeObject:
      writeContainer(bytes, at, type === jsonType.largeObject, true, out, depth);
      break;
    case jsonType.smallArray:
    case jsonType.largeArray:
      writeContainer(bytes, at, type === jsonType.largeArray, false, out, depth);
      break;
    case jsonType.literal:
      out.ascii(literals[bytes[at] as number] ?? 'null');
      break;
    case jsonType.int16:
      writeNumber(bytes.readInt16LE(at), out);
      break;
    case jsonType.uint16:
      writeNumber(bytes.readUInt16LE(at), out);
      break;
    case jsonType.int32:
      writeNumber(bytes.readInt32LE(at), out);
      break;
    case jsonType.uint32:
      writeNumber(bytes.readUInt32LE(at), out);
      break;
    case jsonType.int64:
    case jsonType.uint64: {
      const target = out.room(realTextBytesMax);
      const isUnsigned = type === jsonType.uint64;
      out.end(writeHalves(target, out.length, bytes.readInt32LE(at + 4), bytes.readInt32LE(at), isUnsigned));
      break;
    }
    case jsonType.double:
      writeReal(bytes.readDoubleLE(at), out);
      break;
    case jsonType.string: {
      const length = readLength(bytes, at);
      const start = at + lengthBytes(bytes, at);
      out.quoted(bytes, start, start + length);
      break;
    }
    case jsonType.opaque:
      writeOpaque(bytes, at, out);
      break;
    default:
      throw new RangeError(`type ${type} within JSON`);
  }
}

/** Count, size, then for objects the keys' offsets and lengths, then the values: a type and an offset, or the value itself. */
function writeContainer(
  bytes: Buffer,
  base: number,
  isLarge: boolean,
  isObject: boolean,
  out: JsonOutput,
  depth: number,
): void {
  if (depth > depthMax) throw new RangeError(`JSON deeper than ${depthMax}`);
  const width = isLarge ? 4 : 2;
  const count = bytes.readUIntLE(base, width);
  const keys = base + 2 * width;
  const values = isObject ? keys + count * (width + 2) : keys;
  out.ascii(isObject ? '{' : '[');
  for (let index = 0; index < count; index += 1) {
    if (index > 0) out.ascii(', ');
    if (isObject) {
      const key = keys + index * (width + 2);
      const start = base + bytes.readUIntLE(key, width);
      out.quoted(bytes, start, start + bytes.readUInt16LE(key + width));
      out.ascii(': ');
    }
    const entry = values + index * (width + 1);
    const type = bytes[entry] as number;
    const at = isInlined(type, isLarge) ? entry + 1 : base + bytes.readUIntLE(entry + 1, width);
    writeValue(type, bytes, at, out, depth + 1);
  }
  out.ascii(isObject ? '}' : ']');
}

function isInlined(type: number, isLarge: boolean): boolean {
  if (type === jsonType.literal || type === jsonType.int16 || type === jsonType.uint16) return true;
  return isLarge && (type === jsonType.int32 || type === jsonType.uint32);
}

function writeNumber(value: number, out: JsonOutput): void {
  const target = out.room(realTextBytesMax);
  out.end(writeInteger(target, out.length, value));
}

/** A double always shows that it is one: `1.0`. */
function writeReal(value: number, out: JsonOutput): void {
  const target = out.room(realTextBytesMax);
  const start = out.length;
  const end = writeDouble(target, start, value);
  let isPlain = true;
  for (let index = start; index < end; index += 1)
    if (target[index] === 0x2e || target[index] === 0x65) isPlain = false;
  out.end(end);
  if (isPlain) out.ascii('.0');
}

/** Field type, length, and the value as its column would hold it, dates and times packed into eight bytes. */
function writeOpaque(bytes: Buffer, at: number, out: JsonOutput): void {
  const type = bytes[at] as number;
  const length = readLength(bytes, at + 1);
  const start = at + 1 + lengthBytes(bytes, at + 1);
  switch (type) {
    case wireType.newDecimal: {
      const precision = bytes[start] as number;
      const scale = bytes[start + 1] as number;
      if (scale > precision || decimalBytes(precision, scale) !== length - 2)
        throw new RangeError('decimal within JSON');
      const text = Buffer.alloc(precision + 3);
      const writer = decimalTextWriter(precision, scale);
      out.ascii(text.toString('latin1', writer.write(bytes, start + 2, text), writer.end));
      break;
    }
    case wireType.date:
    case wireType.time:
    case wireType.dateTime:
    case wireType.timestamp:
      writeTemporal(type, bytes.readBigInt64LE(start), out);
      break;
    default: {
      // The server's base64 breaks its lines after 76 characters.
      const lines = bytes.toString('base64', start, start + length).match(/.{1,76}/g) ?? [];
      out.ascii(`"base64:type${type}:${lines.join('\\n')}"`);
    }
  }
}

/** Seconds and their fractions in the packing of DATETIME and TIME, microseconds in the last 24 bits. */
function writeTemporal(type: number, packed: bigint, out: JsonOutput): void {
  const size = packed < 0n ? -packed : packed;
  const micros = Number(size & 0xffffffn);
  const whole = Number(size >> 24n);
  const clock = whole % 0x20000;
  const date = Math.floor(whole / 0x20000);
  const yearMonth = date >> 5;
  const year = Math.floor(yearMonth / 13);
  const month = yearMonth % 13;
  const text = Buffer.alloc(temporalTextBytesMax);
  const seconds = ((clock >> 12) & 0x1f) * 3600 + ((clock >> 6) & 63) * 60 + (clock & 63);
  let end: number;
  if (type === wireType.time) {
    const allSeconds = ((whole >> 12) & 0x3ff) * 3600 + ((clock >> 6) & 63) * 60 + (clock & 63);
    end = writeTimeText(text, 0, packed < 0n, allSeconds, micros, 6);
  } else if (type === wireType.date) end = writeDateText(text, 0, year, month, date & 31);
  else end = writeDateTimeText(text, 0, year, month, date & 31, seconds, micros, 6);
  out.ascii(`"${text.toString('latin1', 0, end)}"`);
}

/** Seven bits a byte, the lowest first; the top bit says that more follows. */
function readLength(bytes: Buffer, at: number): number {
  let length = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = bytes[at + index] as number;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) break;
  }
  return length;
}

function lengthBytes(bytes: Buffer, at: number): number {
  let count = 1;
  while (count < 5 && (bytes[at + count - 1] as number) >= 0x80) count += 1;
  return count;
}
