/**
 * Cells of the snapshot, which come as text, into sink calls.
 * In: a column, what the plan makes of it, and the text that the server prints for `snapshotExpression` in a session with
 * character_set_results utf8mb4, time_zone '+00:00', and a sql_mode without PAD_CHAR_TO_FULL_LENGTH.
 * It must give the same sink call as `binary-cell.ts` does for the same value, and allocate nothing per cell
 * (exceptions: a DOUBLE of more than 15 digits, and STRING made of FLOAT or DOUBLE).
 *
 * A value's text, for target type STRING, is the one the server prints, less what is display only: no zeros of ZEROFILL,
 * no fixed decimals of FLOAT(M,D) and DOUBLE(M,D), and FLOAT with all its digits instead of six.
 */
import { SyncError } from '../../base/errors.js';
import type { RowSink } from '../../model/change.js';
import { type SourceColumn, tableKey } from '../../model/source-table.js';
import type { ColumnPlan } from '../../model/table-plan.js';
import { compileBinaryTarget, compileTextTarget } from './bytes-target.js';
import type { CellContext } from './context.js';
import { compileTextDecimal, compileTextInt, compileTextReal, compileTextYear } from './text-number.js';
import { compileTextDate, compileTextDateTime, compileTextTime, compileTextTimestamp } from './text-temporal.js';

/** The cell is `bytes[from..to)`. */
export type TextCellReader = (bytes: Buffer, from: number, to: number, sink: RowSink) => void;

/** Everything that a reader of one column is made of. */
export interface TextCellPlan {
  readonly source: SourceColumn;
  readonly column: ColumnPlan;
  readonly index: number;
  readonly context: CellContext;
  /** The text is not one that the server prints for this type: what to throw. */
  readonly garbled: () => SyncError;
}

export function compileTextCell(
  source: SourceColumn,
  column: ColumnPlan,
  columnIndex: number,
  context: CellContext,
): TextCellReader {
  const plan = { source, column, index: columnIndex, context, garbled: () => textGarbled(source, context) };
  const { type } = source;
  switch (type.kind) {
    case 'int':
      return compileTextInt(plan, type.unsigned);
    case 'bit':
      return compileTextInt(plan, true);
    case 'year':
      return compileTextYear(plan);
    case 'decimal':
      return compileTextDecimal(plan, type);
    case 'float':
    case 'double':
      return compileTextReal(plan);
    case 'date':
      return compileTextDate(plan);
    case 'datetime':
      return compileTextDateTime(plan, type.fsp);
    case 'timestamp':
      return compileTextTimestamp(plan, type.fsp);
    case 'time':
      return compileTextTime(plan, type.fsp);
    case 'bytes':
    case 'geometry':
    case 'vector': {
      const send = compileBinaryTarget(source, column, columnIndex, context);
      return (bytes, from, to, sink) => send(sink, bytes, from, to);
    }
    default: {
      const send = compileTextTarget(source, column, columnIndex, context);
      return (bytes, from, to, sink) => send(sink, bytes, from, to);
    }
  }
}

/**
 * What to select for a column so that its text is exact. FLOAT is printed with six digits, and DOUBLE(M,D) rounded: as an
 * expression both are DOUBLE without fixed decimals; `* 1e0` (not `+ 0e0`) keeps -0. BIT is bytes unless it is a number.
 */
export function snapshotExpression(column: SourceColumn, quotedName: string, _flavor: 'mysql' | 'mariadb'): string {
  switch (column.type.kind) {
    case 'float':
    case 'double':
      return `${quotedName}*1e0`;
    case 'bit':
      return `${quotedName}+0`;
    default:
      return quotedName;
  }
}

function textGarbled(source: SourceColumn, context: CellContext): SyncError {
  return new SyncError('VALUE_UNDECODABLE', {
    table: tableKey(context.table),
    seen: `column ${source.name} (${source.typeText}): text that is not one of its type`,
    wanted: 'the text that MySQL prints for the type',
    fix: 'Check whether a proxy between mcsync and the server rewrites answers, and report the server version.',
  });
}
