/** Casts as MaxCompute makes them: what cannot be cast is NULL, see macros.ts for the shapes. */
import type { Column } from '../store/catalog.js';
import { columnType } from './column-types.js';

export function castTo(value: string, type: { readonly name: string; readonly duck: string }): string {
  const kind = type.name.replace(/\(.*/, '');
  switch (kind) {
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return `TRY_CAST(mc_whole(${value}) AS ${type.duck})`;
    case 'varchar':
      return `left(mc_text(${value}), ${type.name.replace(/\D/g, '')})`;
    case 'string':
      return `mc_text(${value})`;
    case 'float':
    case 'double':
    case 'decimal':
      return `TRY_CAST(mc_numeric(${value}) AS ${type.duck})`;
    case 'boolean':
      return `TRY_CAST(mc_truth(${value}) AS BOOLEAN)`;
    case 'date':
    case 'datetime':
    case 'timestamp':
    case 'timestamp_ntz':
      return `TRY_CAST(mc_moment(${value}) AS ${type.duck})`;
    case 'binary':
      return `mc_bytes(${value})`;
    case 'json':
      return `CAST(mc_text(${value}) AS JSON)`;
    default:
      return `error('cast to ${kind} is not supported by this emulator')`;
  }
}

/** How a value of a query goes into a column: as it is, widened, or cast as MaxCompute casts. */
export function castForInsert(column: Column, duck: string, value: string): string {
  const type = columnType(column.type);
  if (type === null) throw new Error(`the catalog holds no type ${column.type}`);
  if (type.duck === duck && !/^(varchar|char)/.test(column.type)) return value;
  const isNumber = /^(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|FLOAT|DOUBLE|DECIMAL)/;
  if (isNumber.test(duck) && isNumber.test(type.duck)) {
    // A number that does not fit is an error, not NULL.
    const isCut = /^(FLOAT|DOUBLE|DECIMAL)/.test(duck) && /INT/.test(type.duck);
    return `CAST(${isCut ? `mc_whole(${value})` : value} AS ${type.duck})`;
  }
  return castTo(value, type);
}
