/**
 * Rows events as `RowBatch`: nothing is decoded before `drive`, which walks the bytes once. One closure per column is
 * compiled for a (plan, table map shape) and kept by the caller; no object is made per row or cell.
 */
import type { SyncError } from '../../base/errors.js';
import { type RowBatch, type RowSink, rowKind } from '../../model/change.js';
import type { SourceColumn } from '../../model/source-table.js';
import { tableKey } from '../../model/source-table.js';
import type { TablePlan } from '../../model/table-plan.js';
import { type BinaryCellReader, compileBinaryCell } from '../cells/binary-cell.js';
import type { CellContext } from '../cells/context.js';
import { corruptEvent } from './event.js';
import type { TableMap } from './table-map.js';

/** Walks one row image: returns the offset after it. */
export interface RowReader {
  readonly plan: TablePlan;
  /** Columns of the event, the hidden one included. */
  readonly columnCount: number;
  read(bytes: Buffer, at: number, sink: RowSink): number;
}

const hiddenColumn: SourceColumn = {
  name: '',
  type: { kind: 'int', bytes: 8, unsigned: false },
  typeText: 'bigint',
  nullable: false,
  defaultText: null,
  generated: null,
};

export function compileRowReader(
  plan: TablePlan,
  map: TableMap,
  hasHiddenKey: boolean,
  onNulled: (columnName: string) => void,
): RowReader {
  const context: CellContext = { table: plan.source, timeZone: plan.timeZone, onNulled };
  const sourceColumns = hasHiddenKey ? [...plan.sourceColumns, hiddenColumn] : plan.sourceColumns;
  const indexInPlan = new Map(plan.columns.map((column, index) => [column.sourceIndex, index]));
  const compile = (sourceIndex: number, isWanted: boolean): BinaryCellReader => {
    const index = isWanted ? (indexInPlan.get(sourceIndex) ?? -1) : -1;
    const wire = { typeCode: map.types[sourceIndex] as number, metadata: map.metadata[sourceIndex] as number };
    const source = sourceColumns[sourceIndex] as SourceColumn;
    return compileBinaryCell(source, wire, plan.columns[index] ?? null, Math.max(index, 0), context);
  };
  const inSourceOrder = sourceColumns.map((_, index) => compile(index, true));
  const isOrdered = plan.columns.every(
    (column, index) => index === 0 || (plan.columns[index - 1]?.sourceIndex ?? -1) < column.sourceIndex,
  );
  const read = isOrdered
    ? readInOrder(inSourceOrder)
    : readReordered(
        sourceColumns.map((_, index) => compile(index, false)),
        plan.columns.map((column) => column.sourceIndex),
        inSourceOrder,
      );
  return { plan, columnCount: sourceColumns.length, read };
}

function readInOrder(cells: readonly BinaryCellReader[]): RowReader['read'] {
  const count = cells.length;
  const nullBytes = (count + 7) >> 3;
  return (bytes, from, sink) => {
    let at = from + nullBytes;
    for (let column = 0; column < count; column += 1) {
      const isNull = ((bytes[from + (column >> 3)] as number) >> (column & 7)) & 1;
      if (isNull === 0) at = (cells[column] as BinaryCellReader)(bytes, at, sink);
    }
    return at;
  };
}

/** Columns added with AFTER stand earlier in the row than in the target: find all cells first, then send them in target order. */
function readReordered(
  skip: readonly BinaryCellReader[],
  targetOrder: readonly number[],
  cells: readonly BinaryCellReader[],
): RowReader['read'] {
  const count = skip.length;
  const nullBytes = (count + 7) >> 3;
  const offsets = new Int32Array(count);
  return (bytes, from, sink) => {
    let at = from + nullBytes;
    for (let column = 0; column < count; column += 1) {
      const isNull = ((bytes[from + (column >> 3)] as number) >> (column & 7)) & 1;
      offsets[column] = isNull ? -1 : at;
      if (!isNull) at = (skip[column] as BinaryCellReader)(bytes, at, sink);
    }
    for (const column of targetOrder) {
      const offset = offsets[column] as number;
      if (offset >= 0) (cells[column] as BinaryCellReader)(bytes, offset, sink);
    }
    return at;
  };
}

export interface RowsEvent {
  readonly reader: RowReader;
  readonly kind: 'insert' | 'update' | 'delete';
  readonly utcSeconds: number;
  /** Row images: `bytes[from..to)`. */
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  /** Where the event ends, for errors. */
  readonly file: string;
  readonly offset: number;
}

export class BinlogRowBatch implements RowBatch {
  readonly plan: TablePlan;
  readonly utcSeconds: number;
  readonly kind: 'insert' | 'update' | 'delete';
  readonly #event: RowsEvent;

  constructor(event: RowsEvent) {
    this.plan = event.reader.plan;
    this.utcSeconds = event.utcSeconds;
    this.kind = event.kind;
    this.#event = event;
  }

  drive(sink: RowSink): number {
    const { bytes, from, to, reader } = this.#event;
    const isUpdate = this.kind === 'update';
    const first = isUpdate ? rowKind.before : this.kind === 'insert' ? rowKind.insert : rowKind.delete;
    let at = from;
    let changes = 0;
    while (at < to) {
      sink.beginRow(first);
      at = reader.read(bytes, at, sink);
      sink.endRow();
      if (isUpdate && at < to) {
        sink.beginRow(rowKind.after);
        at = reader.read(bytes, at, sink);
        sink.endRow();
      } else if (isUpdate) {
        throw this.#corrupt('an update without its after image');
      }
      changes += 1;
    }
    if (at !== to) throw this.#corrupt(`row images that end ${at - to} bytes after the event`);
    return changes;
  }

  #corrupt(seen: string): SyncError {
    const { file, offset } = this.#event;
    return corruptEvent(`a rows event of ${tableKey(this.plan.source)} with ${seen}`, `${file}:${offset}`);
  }
}
