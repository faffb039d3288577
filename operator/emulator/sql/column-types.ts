/**
 * MaxCompute types and the DuckDB types that hold them.
 * DATETIME is TIMESTAMP_MS (an instant, milliseconds), TIMESTAMP is TIMESTAMPTZ (an instant), TIMESTAMP_NTZ is TIMESTAMP: three
 * types that DuckDB tells apart. The latter two keep microseconds, exact over the years 0001 to 9999 (TIMESTAMP_NS is not);
 * finer values are refused when they are written. The length of VARCHAR and CHAR is known to the catalog alone.
 */
import { parseRecordType, type RecordType } from '../../maxcompute/records/types.js';

/** The type as the catalog and the tunnel's schemas spell it, `decimal(38,18)` for a plain DECIMAL; null for what cannot be a column here. */
export function columnType(text: string): { readonly name: string; readonly duck: string } | null {
  let type: RecordType;
  try {
    type = parseRecordType(text);
  } catch {
    return null;
  }
  const duck = duckType(type);
  return duck === null ? null : { name: canonicalName(type), duck };
}

function canonicalName(type: RecordType): string {
  if (!('parameters' in type)) return type.kind;
  if (type.kind === 'decimal')
    return `decimal(${type.parameters[0] ?? 38},${type.parameters[1] ?? (type.parameters.length > 0 ? 0 : 18)})`;
  return type.parameters.length > 0 ? `${type.kind}(${type.parameters[0]})` : type.kind;
}

const duckTypes: Readonly<Record<string, string>> = {
  tinyint: 'TINYINT',
  smallint: 'SMALLINT',
  int: 'INTEGER',
  bigint: 'BIGINT',
  boolean: 'BOOLEAN',
  float: 'FLOAT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  binary: 'BLOB',
  json: 'JSON',
  date: 'DATE',
  datetime: 'TIMESTAMP_MS',
  timestamp: 'TIMESTAMPTZ',
  timestamp_ntz: 'TIMESTAMP',
};

function duckType(type: RecordType): string | null {
  if (!('parameters' in type)) return null;
  const [first, second] = type.parameters;
  if (type.kind === 'varchar' || type.kind === 'char') {
    const lengthMax = type.kind === 'varchar' ? 65_535 : 255;
    return type.parameters.length === 1 && first !== undefined && first >= 1 && first <= lengthMax ? 'VARCHAR' : null;
  }
  if (type.kind === 'decimal') {
    const precision = first ?? 38;
    const scale = second ?? (type.parameters.length > 0 ? 0 : 18);
    const fits = precision >= 1 && precision <= 38 && scale >= 0 && scale <= Math.min(18, precision);
    return fits && type.parameters.length <= 2 ? `DECIMAL(${precision},${scale})` : null;
  }
  return type.parameters.length === 0 ? (duckTypes[type.kind] ?? null) : null;
}

/** The MaxCompute type of a query's column; null where MaxCompute has no such type. */
export function resultType(duck: string): string | null {
  if (duck === 'HUGEINT' || duck === 'BIGINT' || duck === 'UBIGINT') return 'bigint';
  if (duck === 'TIMESTAMP WITH TIME ZONE') return 'timestamp';
  if (duck === '"NULL"' || duck === 'SQLNULL') return 'string';
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(duck);
  if (decimal) return `decimal(${decimal[1]},${decimal[2]})`;
  return Object.keys(duckTypes).find((name) => duckTypes[name] === duck) ?? null;
}
