/** How the values of a column are read from a block, and which of them it can hold. */
import type { Cell } from './cells.js';

export const wireKinds = { integer: 0, boolean: 1, float: 2, double: 3, text: 4, binary: 5, timestamp: 6 } as const;

export function kindOf(cell: Cell): number {
  switch (cell.type.kind) {
    case 'boolean':
    case 'float':
    case 'double':
    case 'binary':
      return wireKinds[cell.type.kind];
    case 'timestamp':
    case 'timestamp_ntz':
      return wireKinds.timestamp;
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'date':
    case 'datetime':
      return wireKinds.integer;
    default:
      return wireKinds.text;
  }
}

/** 2^(bits - 1) of the column's integers; dates and times: the years 0001 to 9999 and some more. */
export function rangeOf(cell: Cell): number {
  switch (cell.type.kind) {
    case 'tinyint':
      return 2 ** 7;
    case 'smallint':
      return 2 ** 15;
    case 'int':
      return 2 ** 31;
    case 'date':
      return 2_932_897;
    case 'datetime':
      return 253_402_300_800_000;
    default:
      return Number.POSITIVE_INFINITY;
  }
}
