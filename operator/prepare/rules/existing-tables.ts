/**
 * Target tables that are there already: ours, another task's, or nobody's. A mark decides, not a name: without one the
 * task may only be told to append.
 */
import type { Finding } from '../../model/finding.js';
import type { TableSpec, TargetColumn, TargetTable } from '../../model/ports.js';
import { tableKey } from '../../model/source-table.js';
import type { TablePlan } from '../../model/table-plan.js';
import { baseTableSpec, logTableSpec, parseMark } from '../../model/target-table.js';
import { error, warning } from '../finding.js';
import { listNames } from '../statements.js';
import type { TargetRuleInput } from './input.js';

export function existingTablesAreOurs(input: TargetRuleInput): Finding[] {
  return input.plans.flatMap((plan) =>
    specsOf(plan, input).flatMap((spec) => {
      const table = input.target.tables.get(spec.table);
      return table ? judge(table, spec, plan, input) : [];
    }),
  );
}

function judge(table: TargetTable, spec: TableSpec, plan: TablePlan, input: TargetRuleInput): Finding[] {
  if (/VIEW/i.test(table.type)) {
    return error('TARGET_IS_VIEW', spec.table, {
      seen: `${spec.table} is a ${table.type.toLowerCase().replaceAll('_', ' ')}`,
      wanted: `a free name, for the rows of ${tableKey(plan.source)}`,
      fix: `DROP VIEW ${spec.table};\n-- or another targetTable in the rule of ${tableKey(plan.source)}`,
    });
  }
  const mark = parseMark(table.comment);
  if (mark === null) return judgeForeign(table, spec, plan, input);
  const { namespace, name, taskId } = input.mark;
  if (mark.namespace !== namespace || mark.name !== name || mark.taskId !== taskId) {
    const isNamesake = mark.namespace === namespace && mark.name === name;
    return error('TARGET_TABLE_OF_ANOTHER_TASK', spec.table, {
      seen: `made by task ${mark.namespace}/${mark.name} (${mark.taskId})${isNamesake ? ', an earlier one of this name or one with another state folder' : ''}`,
      wanted: `a free name, or a table of task ${namespace}/${name} (${taskId})`,
      fix: isNamesake
        ? `Run with the state folder of that task, or start anew: DROP TABLE ${spec.table};`
        : `Set another targetTable in the rule of ${tableKey(plan.source)}, or take the table out of one of the two tasks.`,
    });
  }
  if (input.hasCheckpoint) return [];
  return error('MARKED_WITHOUT_CHECKPOINT', spec.table, {
    seen: `made by this task (${taskId}), which has no checkpoint: it was lost, or the first start broke off`,
    wanted: 'the checkpoint that belongs to the table: without it rows would be written twice',
    fix: `Bring the state back, or start anew: DROP TABLE ${spec.table};`,
  });
}

function judgeForeign(table: TargetTable, spec: TableSpec, plan: TablePlan, input: TargetRuleInput): Finding[] {
  if (input.spec.target.existingTables !== 'Append') {
    return error('TARGET_TABLE_EXISTS', spec.table, {
      seen: `${spec.table} exists, and mcsync did not make it`,
      wanted: `a free name, for the rows of ${tableKey(plan.source)}`,
      fix: `DROP TABLE ${spec.table};\n-- or another targetTable, or spec.target.existingTables: Append`,
    });
  }
  const differences = compareTables(table, spec);
  if (differences.length > 0) {
    return error('TARGET_SCHEMA_MISMATCH', spec.table, {
      seen: listNames(differences),
      wanted: `the columns ${spec.columns.map(renderColumn).join(', ')}${spec.partitionColumns.length > 0 ? `, partitioned by ${spec.partitionColumns.map(({ name }) => name).join(', ')}` : ''}`,
      fix:
        mendStatement(table, spec) ??
        `DROP TABLE ${spec.table};\n-- or another targetTable in the rule of ${tableKey(plan.source)}`,
    });
  }
  return warning('TARGET_TABLE_APPENDED', spec.table, {
    seen: `${spec.table} exists with the right columns; its rows stay, and new ones are added`,
    wanted: 'to know that a row which is there already will be there twice: MaxCompute has no keys to find it by',
    fix: `Nothing, or empty it first: TRUNCATE TABLE ${spec.table};`,
  });
}

/** Blocks carry columns by their place, so place, name and type must all be the same. */
function compareTables(table: TargetTable, spec: TableSpec): string[] {
  return [
    ...compareColumns(table.columns, spec.columns, 'column'),
    ...compareColumns(table.partitionColumns, spec.partitionColumns, 'partition column'),
  ];
}

function compareColumns(seen: readonly TargetColumn[], wanted: readonly TargetColumn[], what: string): string[] {
  const places = Array.from({ length: Math.max(seen.length, wanted.length) }, (_, index) => index);
  return places.flatMap((index) => {
    const there = seen[index];
    const needed = wanted[index];
    if (!needed) return [`${what} ${index + 1}: ${renderColumn(there as TargetColumn)} is one too many`];
    if (!there) return [`${what} ${index + 1}: ${renderColumn(needed)} is missing`];
    if (isSameColumn(there, needed)) return [];
    return [`${what} ${index + 1}: ${renderColumn(there)} instead of ${renderColumn(needed)}`];
  });
}

/** A statement that mends it, where columns at the end are all that is missing. */
function mendStatement(table: TargetTable, spec: TableSpec): string | null {
  const common = spec.columns.slice(0, table.columns.length);
  const isPrefix = table.columns.length < spec.columns.length && compareColumns(table.columns, common, '').length === 0;
  const arePartitionsEqual = compareColumns(table.partitionColumns, spec.partitionColumns, '').length === 0;
  if (!isPrefix || !arePartitionsEqual) return null;
  const added = spec.columns.slice(table.columns.length).map(({ name, type }) => `\`${name}\` ${type}`);
  return `ALTER TABLE ${spec.table} ADD COLUMNS (${added.join(', ')});`;
}

function isSameColumn(a: TargetColumn, b: TargetColumn): boolean {
  return a.name.toLowerCase() === b.name.toLowerCase() && canonicalType(a.type) === canonicalType(b.type);
}

function canonicalType(type: string): string {
  const compact = type.replaceAll(/\s/g, '').toUpperCase();
  // DECIMAL without digits is DECIMAL(38,18) in the 2.0 type system.
  return compact === 'DECIMAL' ? 'DECIMAL(38,18)' : compact;
}

function renderColumn({ name, type }: TargetColumn): string {
  return `${name} ${type.toUpperCase()}`;
}

function specsOf(plan: TablePlan, input: TargetRuleInput): TableSpec[] {
  return [
    ...(plan.baseTable === null ? [] : [baseTableSpec(plan, input.mark)]),
    ...(plan.logTable === null ? [] : [logTableSpec(plan, input.mark)]),
  ];
}
