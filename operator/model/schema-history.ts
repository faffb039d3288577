/**
 * Schema versions as a pure fold: a plan and a change give the next plan. Nothing here knows a server or a statement.
 */
import { SyncError } from '../base/errors.js';
import type { SchemaChange } from './change.js';
import { type SourceColumn, type TableName, tableKey } from './source-table.js';
import { type AddedColumn, type ColumnPlan, logColumnNames, type TablePlan } from './table-plan.js';

export type AddColumns = Extract<SchemaChange, { kind: 'addColumns' }>;

/** How a column is carried over; null for one that the task leaves out. */
export type ColumnDecider = (table: TableName, column: SourceColumn) => Omit<ColumnPlan, 'sourceIndex'> | null;

/**
 * The next version of the plan. Columns take their place in the source order (AFTER, FIRST), and the end of the target.
 * A column that is there already (`IF NOT EXISTS`, or the statement comes again) changes nothing; where none is new,
 * the plan itself comes back. `recordId` is the last one written before the statement.
 */
export function applyAddColumns(
  plan: TablePlan,
  change: AddColumns,
  decideColumn: ColumnDecider,
  recordId: number,
): TablePlan {
  const sourceColumns = [...plan.sourceColumns];
  const targets: { readonly column: SourceColumn; readonly target: Omit<ColumnPlan, 'sourceIndex'> }[] = [];
  for (const { column, after } of change.columns) {
    if (findColumn(sourceColumns, column.name) >= 0) continue;
    sourceColumns.splice(placeOf(sourceColumns, after), 0, column);
    const target = decideColumn(plan.source, column);
    if (target === null) continue;
    if (namesTaken(plan, targets).includes(target.targetName)) throw nameClash(plan, column, target.targetName);
    targets.push({ column, target });
  }
  if (sourceColumns.length === plan.sourceColumns.length) return plan;
  const indexOf = (column: SourceColumn | undefined): number => sourceColumns.indexOf(column as SourceColumn);
  const kept = plan.columns.map((column) => ({
    ...column,
    sourceIndex: indexOf(plan.sourceColumns[column.sourceIndex]),
  }));
  const added = targets.map(({ column, target }) => ({ ...target, sourceIndex: indexOf(column) }));
  const fills = targets.map(
    ({ column, target }): AddedColumn => ({
      targetName: target.targetName,
      defaultText: fillText(column),
      afterRecordId: recordId,
    }),
  );
  return {
    ...plan,
    schemaVersion: plan.schemaVersion + 1,
    sourceColumns,
    columns: [...kept, ...added],
    addedColumns: [...plan.addedColumns, ...fills],
  };
}

/** Names are made to fit the target, so two may meet that differ in the source; and the log has columns of ours. */
function namesTaken(plan: TablePlan, added: readonly { readonly target: { readonly targetName: string } }[]): string[] {
  const { partitions, ...metadata } = logColumnNames(plan.columnNaming, plan.partitionKeys);
  const ours = plan.logTable === null ? [] : [...Object.values(metadata), ...partitions];
  return [...ours, ...plan.columns.map((each) => each.targetName), ...added.map(({ target }) => target.targetName)];
}

function nameClash(plan: TablePlan, column: SourceColumn, targetName: string): SyncError {
  return new SyncError('DDL_INCOMPATIBLE', {
    table: tableKey(plan.source),
    seen: `the added column ${column.name} becomes ${targetName}, a name that is taken in the target`,
    wanted: 'a target name of its own for each column',
    fix: `Set columnNames: {${JSON.stringify(column.name)}: ${targetName}_2} in the rule of the table, then run again.`,
  });
}

/** Two columns of a table never differ in case alone. */
function findColumn(columns: readonly SourceColumn[], name: string): number {
  return columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase());
}

/** An AFTER of a column that is not known cannot come from a statement that succeeded; the next table map would tell. */
function placeOf(columns: readonly SourceColumn[], after: string | null): number {
  if (after === '') return 0;
  const index = after === null ? -1 : findColumn(columns, after);
  return index < 0 ? columns.length : index + 1;
}

/**
 * What rows that were there before hold in a new column: its default; for NOT NULL without one the type's own zero
 * (MySQL manual, data type default values). Zero dates have no text that a target could hold: null.
 */
export function fillText(column: SourceColumn): string | null {
  if (column.defaultText !== null || column.nullable) return column.defaultText;
  const { type } = column;
  switch (type.kind) {
    case 'int':
    case 'decimal':
    case 'float':
    case 'double':
    case 'bit':
      return '0';
    case 'text':
    case 'set':
    case 'geometry':
    case 'vector':
      return '';
    case 'bytes':
      return '\0'.repeat(type.fixedBytes ?? 0);
    case 'enum':
      return type.labels[0] ?? '';
    case 'json':
      return 'null';
    case 'time':
      return `00:00:00${type.fsp > 0 ? `.${'0'.repeat(type.fsp)}` : ''}`;
    case 'year':
      return '0000';
    case 'inet4':
      return '0.0.0.0';
    case 'inet6':
      return '::';
    case 'uuid':
      return '00000000-0000-0000-0000-000000000000';
    case 'date':
    case 'datetime':
    case 'timestamp':
      return null;
  }
}
