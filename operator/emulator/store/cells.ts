/** Cells between the tunnel's records and DuckDB, by column type. */
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  type DuckDBBlobValue,
  type DuckDBDateValue,
  type DuckDBDecimalValue,
  type DuckDBTimestampMillisecondsValue,
  type DuckDBTimestampTZValue,
  type DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  FLOAT,
  INTEGER,
  SMALLINT,
  TIMESTAMP,
  TIMESTAMP_MS,
  TIMESTAMPTZ,
  TINYINT,
  VARCHAR,
} from '@duckdb/node-api';
import { assert } from '../../base/assert.js';
import { parseRecordType, type RecordType } from '../../maxcompute/records/types.js';
import type { RecordValue, SecondsAndNanos } from '../../maxcompute/records/values.js';

export interface Cell {
  readonly type: RecordType;
  readonly duck: DuckDBType;
  readonly fromDuck: (value: Exclude<DuckDBValue, null>) => RecordValue;
  /** What is wrong with a value that the column cannot hold as it is; null where any value of the wire type fits. */
  readonly fault: ((value: Exclude<RecordValue, null>) => string | null) | null;
}

const same = (value: unknown): never => value as never;

export function cellOf(columnType: string): Cell {
  const type = parseRecordType(columnType);
  const plain = (duck: DuckDBType): Cell => ({ type, duck, fromDuck: same, fault: null });
  assert('parameters' in type, 'the catalog holds scalar types only');
  switch (type.kind) {
    case 'tinyint':
      return plain(TINYINT);
    case 'smallint':
      return plain(SMALLINT);
    case 'int':
      return plain(INTEGER);
    case 'bigint':
      return { ...plain(BIGINT), fromDuck: (value) => BigInt(value as bigint), fault: bigintFault };
    case 'boolean':
      return plain(BOOLEAN);
    case 'float':
      return plain(FLOAT);
    case 'double':
      return plain(DOUBLE);
    case 'string':
      return plain(VARCHAR);
    case 'json':
      return { ...plain(VARCHAR), fault: jsonFault };
    case 'varchar':
    case 'char': {
      const lengthMax = type.parameters[0] as number;
      return {
        ...plain(VARCHAR),
        fault: (value) => ([...(value as string)].length > lengthMax ? `longer than ${lengthMax} characters` : null),
      };
    }
    case 'binary':
      return {
        ...plain(BLOB),
        fromDuck: (value) => (value as DuckDBBlobValue).bytes,
      };
    case 'date':
      return {
        ...plain(DATE),
        fromDuck: (value) => (value as DuckDBDateValue).days,
      };
    case 'datetime':
      return {
        ...plain(TIMESTAMP_MS),
        fromDuck: (value) => Number((value as DuckDBTimestampMillisecondsValue).millis),
      };
    case 'timestamp':
      return {
        ...plain(TIMESTAMPTZ),
        fromDuck: (value) => fromMicros((value as DuckDBTimestampTZValue).micros),
        fault: timestampFault,
      };
    case 'timestamp_ntz':
      return {
        ...plain(TIMESTAMP),
        fromDuck: (value) => fromMicros((value as DuckDBTimestampValue).micros),
        fault: timestampFault,
      };
    case 'decimal': {
      const [precision, scale] = type.parameters as [number, number];
      return {
        ...plain(DECIMAL(precision, scale)),
        fromDuck: (value) => (value as DuckDBDecimalValue).toString(),
        fault: (value) => decimalFault(value as string, precision, scale),
      };
    }
    default:
      throw new Error(`no cells of type ${columnType}`);
  }
}

function bigintFault(value: unknown): string | null {
  return value === -(2n ** 63n) ? 'below the smallest BIGINT' : null;
}

function jsonFault(value: unknown): string | null {
  try {
    JSON.parse(value as string);
    return null;
  } catch {
    return 'not JSON';
  }
}

function timestampFault(value: unknown): string | null {
  const { seconds, nanos } = value as SecondsAndNanos;
  if (nanos % 1000 !== 0) return 'finer than a microsecond, which this emulator does not keep';
  // 0001-01-01 to 9999-12-31
  return seconds < -62_135_596_800 || seconds > 253_402_300_799 ? 'outside the years 0001 to 9999' : null;
}

function fromMicros(micros: bigint): SecondsAndNanos {
  const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  return { seconds: Number((micros - rest) / 1_000_000n), nanos: Number(rest) * 1000 };
}

function decimalFault(text: string, precision: number, scale: number): string | null {
  const value = unscaled(text, scale);
  if (value === null) return `not a decimal of ${scale} fraction digits`;
  const bound = 10n ** BigInt(precision);
  return value >= bound || value <= -bound ? `more than ${precision} digits` : null;
}

/** `-1.50`, and `15E-1` as PyODPS may send it, as an integer of 1/10^scale; null where digits would be lost. */
export function unscaled(text: string, scale: number): bigint | null {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text);
  if (match === null || `${match[2]}${match[3] ?? ''}` === '') return null;
  const fraction = match[3] ?? '';
  const digits = `${match[2]}${fraction}`;
  const shift = scale - fraction.length + Number(match[4] ?? 0);
  const magnitude = BigInt(digits);
  const sign = match[1] === '-' ? -1n : 1n;
  if (shift >= 0)
    return shift > 100 && magnitude !== 0n ? null : sign * magnitude * 10n ** BigInt(Math.min(shift, 100));
  const divisor = 10n ** BigInt(-shift);
  return magnitude % divisor === 0n ? sign * (magnitude / divisor) : null;
}
