/** The schema of a table as a fold over the statements of the binary log: each addition gives the next version of its plan. */
import { assert } from '../base/assert.js';
import type { SchemaChange } from './change.js';
import type { SourceColumn, TableName } from './source-table.js';
import type { AddedColumn, ColumnPlan, TablePlan } from './table-plan.js';

/** How a column is carried over; null for one that the task leaves out. */
export type ColumnDecider = (table: TableName, column: SourceColumn) => Omit<ColumnPlan, 'sourceIndex'> | null;

/**
 * The next version of the plan: the source's columns in the order of the binary log, the target's new columns at the end.
 * The same object when every column is there already (ADD COLUMN IF NOT EXISTS, a statement that is read again).
 * `recordId` is the last one that was given before the statement.
 */
export function applyAddColumns(
  plan: TablePlan,
  change: Extract<SchemaChange, { kind: 'addColumns' }>,
  decideColumn: ColumnDecider,
  recordId: number,
): TablePlan {
  let next = plan;
  for (const { column, after } of change.columns) {
    const isKnown = next.sourceColumns.some((each) => each.name.toLowerCase() === column.name.toLowerCase());
    if (!isKnown) next = insertColumn(next, column, after, decideColumn, recordId);
  }
  return next === plan ? plan : { ...next, schemaVersion: plan.schemaVersion + 1 };
}

function insertColumn(plan: TablePlan, column: SourceColumn, after: string | null, decide: ColumnDecider, recordId: number): TablePlan {
  const index = insertionIndex(plan.sourceColumns, after);
  const shifted = plan.columns.map((each) => (each.sourceIndex >= index ? { ...each, sourceIndex: each.sourceIndex + 1 } : each));
  const decided = decide(plan.source, column);
  const added: AddedColumn[] = decided === null ? [] : [{ targetName: decided.targetName, defaultText: column.defaultText, afterRecordId: recordId }];
  return {
    ...plan,
    sourceColumns: plan.sourceColumns.toSpliced(index, 0, column),
    columns: decided === null ? shifted : [...shifted, { ...decided, sourceIndex: index }],
    addedColumns: [...plan.addedColumns, ...added],
  };
}

function insertionIndex(columns: readonly SourceColumn[], after: string | null): number {
  if (after === null) return columns.length;
  if (after === '') return 0;
  const index = columns.findIndex((column) => column.name.toLowerCase() === after.toLowerCase());
  assert(index >= 0, 'a statement that the server ran names a column that exists');
  return index + 1;
}
