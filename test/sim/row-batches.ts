/** Rows of the simulated source as the pipeline takes them: batches that are decoded when they are pulled, and drive a sink. */
import { type ChangeEvent, type RowBatch, type RowKind, rowKind } from '../../operator/model/change.js';
import type { SourceColumn, TableName } from '../../operator/model/source-table.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { type Cells, type Change, database } from './history.js';

export type Raw =
  | ChangeEvent
  | { readonly kind: 'change'; readonly change: Change; readonly columns: readonly SourceColumn[] };

/** Each event is decoded when it is pulled, with the plan of that moment. */
export function* decoded(events: readonly Raw[], planOf: (name: TableName) => TablePlan | null): Iterable<ChangeEvent> {
  for (const event of events) {
    if (event.kind !== 'change') {
      yield event;
      continue;
    }
    const plan = planOf({ database, table: event.change.table });
    if (plan === null) continue;
    const names = (columns: readonly SourceColumn[]): string => columns.map((column) => column.name).join();
    if (names(plan.sourceColumns) !== names(event.columns))
      throw new Error(`rows of ${names(event.columns)} are read with a plan of ${names(plan.sourceColumns)}`);
    yield { kind: 'rows', batch: changeBatch(plan, event.change) };
  }
}

function changeBatch(plan: TablePlan, { before, after, utcSeconds }: Change): RowBatch {
  const kind = before === null ? 'insert' : after === null ? 'delete' : 'update';
  const rows: [RowKind, Cells][] = [];
  if (before !== null) rows.push([kind === 'update' ? rowKind.before : rowKind.delete, before]);
  if (after !== null) rows.push([kind === 'update' ? rowKind.after : rowKind.insert, after]);
  return batchOf(plan, utcSeconds, kind, rows, 1);
}

export function baseBatch(plan: TablePlan, rows: readonly Cells[]): RowBatch {
  const kinds = rows.map((row): [RowKind, Cells] => [rowKind.base, row]);
  return batchOf(plan, 0, 'base', kinds, rows.length);
}

function batchOf(
  plan: TablePlan,
  utcSeconds: number,
  kind: RowBatch['kind'],
  rows: readonly (readonly [RowKind, Cells])[],
  changes: number,
): RowBatch {
  return {
    plan,
    utcSeconds,
    kind,
    drive(sink) {
      for (const [each, cells] of rows) {
        sink.beginRow(each);
        plan.columns.forEach((column, at) => {
          const value = cells[(plan.sourceColumns[column.sourceIndex] as SourceColumn).name] ?? null;
          if (value !== null) sink.int32(at, value);
        });
        sink.endRow();
      }
      return changes;
    },
  };
}
