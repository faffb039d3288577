/**
 * How cells lie in a rows event: MySQL source, sql/rpl_utility.cc `calc_field_size` and
 * libbinlogevents `Table_map_event` (metadata per type).
 */
import { decimalBytes } from './decimal-text.js';

/** enum_field_types, as far as a TABLE_MAP can name them; the last two are MariaDB's. */
export const wireType = {
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  timestamp: 7,
  longLong: 8,
  int24: 9,
  date: 10,
  time: 11,
  dateTime: 12,
  year: 13,
  newDate: 14,
  varchar: 15,
  bit: 16,
  timestamp2: 17,
  dateTime2: 18,
  time2: 19,
  vector: 242,
  json: 245,
  newDecimal: 246,
  enum: 247,
  set: 248,
  tinyBlob: 249,
  mediumBlob: 250,
  longBlob: 251,
  blob: 252,
  varString: 253,
  string: 254,
  geometry: 255,
  blobCompressed: 140,
  varcharCompressed: 141,
} as const;

/**
 * Type code and metadata of one column of a TABLE_MAP. Two bytes of metadata are `first | second << 8` for every type
 * (the server itself swaps them for STRING and NEWDECIMAL), one byte is itself, none is 0.
 */
export interface CellWire {
  readonly typeCode: number;
  readonly metadata: number;
}

/** What the cell really is: ENUM and SET travel as STRING, and a CHAR of over 255 bytes has two length bits in its type. */
export interface CellLayout {
  readonly typeCode: number;
  readonly metadata: number;
  /** Bytes of a cell, or null where a length stands in front. */
  readonly fixedBytes: number | null;
  /** Bytes of the length in front; 0 for a fixed cell. */
  readonly prefixBytes: number;
}

/** Bytes of MariaDB's own layouts, by decimals: `hires_bytes` of sql/sql_type.h. They share type codes with the oldest ones. */
const oldTimeBytes = [3, 4, 4, 5, 5, 5, 6] as const;
const oldDateTimeBytes = [8, 6, 6, 7, 7, 7, 8] as const;
const oldTimestampBytes = [4, 5, 5, 6, 6, 7, 7] as const;

/** `fsp`: decimals of the column, which the old temporal types do not tell. Null for what no server writes. */
export function layoutOf(wire: CellWire, fsp: number): CellLayout | null {
  const { typeCode, metadata } = wire;
  const fixed = (fixedBytes: number, code = typeCode, meta = metadata): CellLayout => ({
    typeCode: code,
    metadata: meta,
    fixedBytes,
    prefixBytes: 0,
  });
  const prefixed = (prefixBytes: number, meta = metadata): CellLayout | null =>
    prefixBytes < 1 || prefixBytes > 4 ? null : { typeCode, metadata: meta, fixedBytes: null, prefixBytes };
  switch (typeCode) {
    case wireType.tiny:
    case wireType.year:
      return fixed(1);
    case wireType.short:
      return fixed(2);
    case wireType.int24:
    case wireType.date:
    case wireType.newDate:
      return fixed(3);
    case wireType.long:
    case wireType.float:
      return fixed(4);
    case wireType.longLong:
    case wireType.double:
      return fixed(8);
    case wireType.time:
      return fixed(oldTimeBytes[fsp] ?? 3);
    case wireType.timestamp:
      return fixed(oldTimestampBytes[fsp] ?? 4);
    case wireType.dateTime:
      return fixed(oldDateTimeBytes[fsp] ?? 8);
    case wireType.time2:
      return metadata > 6 ? null : fixed(3 + ((metadata + 1) >> 1));
    case wireType.timestamp2:
      return metadata > 6 ? null : fixed(4 + ((metadata + 1) >> 1));
    case wireType.dateTime2:
      return metadata > 6 ? null : fixed(5 + ((metadata + 1) >> 1));
    case wireType.bit: {
      const bytes = (metadata >> 8) + ((metadata & 0xff) > 0 ? 1 : 0);
      return bytes < 1 || bytes > 8 ? null : fixed(bytes);
    }
    case wireType.newDecimal: {
      const precision = metadata & 0xff;
      const scale = metadata >> 8;
      return precision < 1 || precision > 65 || scale > precision ? null : fixed(decimalBytes(precision, scale));
    }
    case wireType.enum:
    case wireType.set:
      return fixed(metadata >> 8);
    case wireType.varchar:
    case wireType.varString:
    case wireType.varcharCompressed:
      return prefixed(metadata > 255 ? 2 : 1);
    case wireType.blob:
    case wireType.blobCompressed:
    case wireType.json:
    case wireType.geometry:
    case wireType.vector:
      return prefixed(metadata);
    case wireType.string: {
      const first = metadata & 0xff;
      const last = metadata >> 8;
      if (first === wireType.enum || first === wireType.set) return fixed(last, first);
      const length = last | (((first & 0x30) ^ 0x30) << 4);
      return prefixed(length > 255 ? 2 : 1, length);
    }
    default:
      return null;
  }
}

/** Reads the length in front of a cell. */
export function readPrefix(bytes: Buffer, at: number, prefixBytes: number): number {
  let length = bytes[at] as number;
  if (prefixBytes === 1) return length;
  length |= (bytes[at + 1] as number) << 8;
  if (prefixBytes === 2) return length;
  length |= (bytes[at + 2] as number) << 16;
  return prefixBytes === 3 ? length : length + (bytes[at + 3] as number) * 0x1000000;
}
