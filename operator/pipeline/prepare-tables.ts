/** Initial schema synchronization: makes the two target tables of each plan, marked as the task's. */
import type { PlannedTable } from '../model/documents.js';
import type { TableSpec, TargetColumn, TargetTable, Warehouse } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import { baseTableSpec, logTableSpec, parseMark, type TableMark } from '../model/target-table.js';
import type { PrepareInput } from './prepare.js';

export async function makeTables(planned: readonly PlannedTable[], input: PrepareInput): Promise<void> {
  const { warehouse, mark, report } = input;
  for (const { plan, generation, isMade } of planned) {
    if (isMade) continue;
    if (plan.baseTable) await makeBase(baseTableSpec(plan, mark), generation > 1, warehouse, mark);
    if (plan.logTable) await makeLog(logTableSpec(plan, mark), warehouse, mark);
    report.info('target tables ready', { table: tableKey(plan.source) });
  }
}

/** A baseline that is taken anew is made anew: its rows come from the source again. Only our own is ever dropped. */
async function makeBase(spec: TableSpec, isAnew: boolean, warehouse: Warehouse, mark: TableMark): Promise<void> {
  const existing = await warehouse.describeTable(spec.table);
  if (existing && isAnew && isOurs(existing, mark)) {
    await warehouse.dropTable(spec.table);
    return await warehouse.createTable(spec);
  }
  if (!existing) await warehouse.createTable(spec);
}

/** A log is history: it is kept. One whose columns no longer fit steps aside under another name. */
async function makeLog(spec: TableSpec, warehouse: Warehouse, mark: TableMark): Promise<void> {
  const existing = await warehouse.describeTable(spec.table);
  if (!existing) return await warehouse.createTable(spec);
  if (!isOurs(existing, mark)) return;
  if (isPrefix(existing.columns, spec.columns) && isPrefix(existing.partitionColumns, spec.partitionColumns)) {
    const missing = spec.columns.slice(existing.columns.length);
    if (missing.length > 0) await warehouse.addColumns(spec.table, missing);
    return;
  }
  await warehouse.query(`ALTER TABLE \`${spec.table}\` RENAME TO \`${await freeName(spec.table, warehouse)}\``);
  await warehouse.createTable(spec);
}

/** The tunnel knows columns by their place: those that exist must be the first ones that are wanted, in order. */
function isPrefix(existing: readonly TargetColumn[], wanted: readonly TargetColumn[]): boolean {
  return existing.every((column, index) => {
    const same = wanted[index];
    return (
      same?.name.toLowerCase() === column.name.toLowerCase() && same.type.toUpperCase() === column.type.toUpperCase()
    );
  });
}

async function freeName(table: string, warehouse: Warehouse): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = `${table}_old${number}`;
    if ((await warehouse.describeTable(name)) === null) return name;
  }
}

function isOurs(table: TargetTable, mark: TableMark): boolean {
  const found = parseMark(table.comment);
  return (
    found !== null && found.namespace === mark.namespace && found.name === mark.name && found.taskId === mark.taskId
  );
}
