import type { RowSink } from '../../model/change.js';
import type { SourceColumn } from '../../model/source-table.js';
import type { ColumnPlan } from '../../model/table-plan.js';
import type { CellContext } from './context.js';
import { writeDigits } from './digits.js';
import { compileIntTarget } from './int-target.js';

export type YearTarget = (sink: RowSink, year: number) => void;

/** YEAR: a number, or its four digits as the server shows them (`0000` is a year of its own). */
export function compileYearTarget(
  source: SourceColumn,
  column: ColumnPlan,
  index: number,
  context: CellContext,
): YearTarget {
  // MariaDB's YEAR(2) shows two digits: 70 to 99 are 1970 to 1999, and 2000 cannot be told from 0000.
  const isShort = /^year\(2\)/i.test(source.typeText);
  const send = compileYear(source, column, index, context);
  if (!isShort) return send;
  return (sink, year) => send(sink, (year % 100) + (year % 100 < 70 ? 2000 : 1900));
}

function compileYear(source: SourceColumn, column: ColumnPlan, index: number, context: CellContext): YearTarget {
  if (column.targetType !== 'STRING') return compileIntTarget(source, column, index, context, true).number;
  const scratch = new Uint8Array(4);
  return (sink, year) => sink.bytes(index, scratch, 0, writeDigits(scratch, 0, year, 4));
}
