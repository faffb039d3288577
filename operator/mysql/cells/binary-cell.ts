/**
 * Cells of a rows event into sink calls.
 * In: a column as the source and the TABLE_MAP describe it, and what the plan makes of it. Out: one closure per column that
 * reads a cell, tells the sink, and returns the offset after the cell. NULL cells never come here: they have no bytes.
 * It must give the same sink call as `text-cell.ts` does for the same value, and allocate nothing per cell
 * (exceptions: JSON, and STRING made of FLOAT or DOUBLE).
 */
import { SyncError } from '../../base/errors.js';
import type { RowSink } from '../../model/change.js';
import { type SourceColumn, tableKey } from '../../model/source-table.js';
import type { ColumnPlan } from '../../model/table-plan.js';
import { compileBinaryBytes, compileBinaryText } from './binary-bytes.js';
import { compileBinaryLabel } from './binary-label.js';
import { compileBinaryBit, compileBinaryDecimal, compileBinaryInt, compileBinaryReal } from './binary-number.js';
import {
  compileBinaryDate,
  compileBinaryDateTime,
  compileBinaryTime,
  compileBinaryTimestamp,
} from './binary-temporal.js';
import { compileBinaryYear } from './binary-year.js';
import type { CellContext } from './context.js';
import { type CellLayout, type CellWire, layoutOf, readPrefix, wireType } from './wire.js';

/** Returns the offset after the cell. */
export type BinaryCellReader = (bytes: Buffer, at: number, sink: RowSink) => number;

/** Everything that a reader of one column is made of. */
export interface BinaryCellPlan {
  readonly source: SourceColumn;
  readonly layout: CellLayout;
  readonly column: ColumnPlan;
  readonly index: number;
  readonly context: CellContext;
  /** The cell does not fit the schema: what to throw. */
  readonly mismatch: () => SyncError;
  /** The bytes are not such as the type has: what to throw. */
  readonly garbled: (cause: unknown) => SyncError;
}

/** `column` null: the cell is only stepped over. */
export function compileBinaryCell(
  source: SourceColumn,
  wire: CellWire,
  column: ColumnPlan | null,
  columnIndex: number,
  context: CellContext,
): BinaryCellReader {
  const layout = layoutOf(wire, 'fsp' in source.type ? source.type.fsp : 0);
  if (layout === null) throw typeUnknown(source, wire, context);
  if (column === null) return compileSkip(layout);
  const mismatch = (): SyncError => typeMismatch(source, wire, context);
  const garbled = (cause: unknown): SyncError => cellGarbled(source, context, cause);
  const reader = compileReader({ source, layout, column, index: columnIndex, context, mismatch, garbled });
  if (reader === null) throw mismatch();
  return reader;
}

/** Null where the wire type is not one that the source type travels as. */
function compileReader(plan: BinaryCellPlan): BinaryCellReader | null {
  const { layout } = plan;
  const { type } = plan.source;
  switch (type.kind) {
    case 'int':
      return isIntType(layout.typeCode) && layout.fixedBytes === type.bytes
        ? compileBinaryInt(plan, type.bytes, type.unsigned)
        : null;
    case 'year':
      return layout.typeCode === wireType.year ? compileBinaryYear(plan) : null;
    case 'bit':
      return layout.typeCode === wireType.bit ? compileBinaryBit(plan) : null;
    case 'decimal':
      return layout.typeCode === wireType.newDecimal ? compileBinaryDecimal(plan) : null;
    case 'float':
      return layout.typeCode === wireType.float ? compileBinaryReal(plan) : null;
    case 'double':
      return layout.typeCode === wireType.double ? compileBinaryReal(plan) : null;
    case 'date':
      return layout.typeCode === wireType.date || layout.typeCode === wireType.newDate ? compileBinaryDate(plan) : null;
    case 'datetime':
      return compileBinaryDateTime(plan, type.fsp);
    case 'timestamp':
      return compileBinaryTimestamp(plan, type.fsp);
    case 'time':
      return compileBinaryTime(plan, type.fsp);
    case 'enum':
    case 'set':
      return compileBinaryLabel(plan, type);
    case 'text':
      return compileBinaryText(plan, type.charset);
    default:
      return compileBinaryBytes(plan, type);
  }
}

function isIntType(code: number): boolean {
  return (
    code === wireType.tiny ||
    code === wireType.short ||
    code === wireType.int24 ||
    code === wireType.long ||
    code === wireType.longLong
  );
}

function compileSkip(layout: CellLayout): BinaryCellReader {
  const { fixedBytes, prefixBytes } = layout;
  if (fixedBytes !== null) return (_bytes, at) => at + fixedBytes;
  return (bytes, at) => at + prefixBytes + readPrefix(bytes, at, prefixBytes);
}

function typeUnknown(source: SourceColumn, wire: CellWire, context: CellContext): SyncError {
  return new SyncError('VALUE_UNDECODABLE', {
    table: tableKey(context.table),
    seen: `column ${source.name} (${source.typeText}) travels as type ${wire.typeCode} with metadata ${wire.metadata}`,
    wanted: 'a type that mcsync reads',
    fix: 'Take the table out of the task, and report the server version and the column type.',
  });
}

function typeMismatch(source: SourceColumn, wire: CellWire, context: CellContext): SyncError {
  return new SyncError('BINLOG_SCHEMA_MISMATCH', {
    table: tableKey(context.table),
    seen: `column ${source.name} is known as ${source.typeText}, but travels as type ${wire.typeCode} with metadata ${wire.metadata}`,
    wanted: 'the column as its schema describes it',
    fix: 'The schema changed without a statement in the binary log. Take the table again with mcsync resnapshot.',
  });
}

function cellGarbled(source: SourceColumn, context: CellContext, cause: unknown): SyncError {
  return new SyncError('VALUE_UNDECODABLE', {
    table: tableKey(context.table),
    seen: `a cell of column ${source.name} (${source.typeText}) that is not one of its type`,
    wanted: 'the bytes that MySQL and MariaDB write for the type',
    fix: `Exclude the column (excludeColumns: [${source.name}]) or the table, and report the server version.`,
    cause,
  });
}
