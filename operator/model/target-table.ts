/** The two tables of a plan as MaxCompute shall have them. Pure; `maxcompute` writes the SQL. */
import { assert } from '../base/assert.js';
import type { TableSpec, TargetColumn } from './ports.js';
import { logColumnNames, type TablePlan } from './table-plan.js';

/** Who a table belongs to, in the table's COMMENT: readable before any checkpoint. */
export interface TableMark {
  readonly namespace: string;
  readonly name: string;
  readonly taskId: string;
}

export function renderMark(mark: TableMark): string {
  return `mcsync:${mark.namespace}/${mark.name}:${mark.taskId}`;
}

export function parseMark(comment: string): TableMark | null {
  const match = /mcsync:([^/\s]+)\/([^:\s]+):(\S+)/.exec(comment);
  return match ? { namespace: match[1] as string, name: match[2] as string, taskId: match[3] as string } : null;
}

export function baseTableSpec(plan: TablePlan, mark: TableMark): TableSpec {
  assert(plan.baseTable !== null, 'the plan makes a baseline');
  return {
    table: plan.baseTable,
    columns: dataColumns(plan),
    partitionColumns: [],
    comment: renderMark(mark),
    lifecycleDays: null,
  };
}

export function logTableSpec(plan: TablePlan, mark: TableMark): TableSpec {
  assert(plan.logTable !== null, 'the plan makes a change log');
  const names = logColumnNames(plan.columnNaming, plan.partitionKeys);
  return {
    table: plan.logTable,
    columns: logColumns(plan),
    partitionColumns: names.partitions.map((name) => ({ name, type: 'STRING' })),
    comment: renderMark(mark),
    lifecycleDays: plan.lifecycleDays,
  };
}

export function logColumns(plan: TablePlan): TargetColumn[] {
  const names = logColumnNames(plan.columnNaming, plan.partitionKeys);
  return [
    { name: names.recordId, type: 'BIGINT' },
    { name: names.operationFlag, type: 'STRING' },
    { name: names.utcTimestamp, type: 'BIGINT' },
    { name: names.beforeFlag, type: 'STRING' },
    { name: names.afterFlag, type: 'STRING' },
    ...dataColumns(plan),
  ];
}

export function dataColumns(plan: TablePlan): TargetColumn[] {
  return plan.columns.map((column) => ({ name: column.targetName, type: column.targetType }));
}
