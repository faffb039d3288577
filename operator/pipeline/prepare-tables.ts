/** Initial schema synchronization: makes the two target tables of each plan, marked as the task's. */
import type { PlannedTable } from '../model/documents.js';
import type { TableSpec, TargetColumn, TargetTable, Warehouse } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import { baseTableSpec, logTableSpec, parseMark, type TableMark } from '../model/target-table.js';
import type { PrepareInput } from './prepare.js';

/**
 * `confirm` proves that the plan is still ours, and is asked before anything is dropped or renamed: a process that stood still
 * meanwhile must not undo what its successor has made.
 */
export async function makeTables(
  planned: readonly PlannedTable[],
  input: PrepareInput,
  confirm: () => Promise<void>,
): Promise<void> {
  const { warehouse, mark, report } = input;
  const making = { warehouse, mark, confirm };
  for (const { plan, generation, isMade } of planned) {
    if (isMade) continue;
    if (plan.baseTable) await makeBase(baseTableSpec(plan, mark), generation > 1, making);
    if (plan.logTable) await makeLog(logTableSpec(plan, mark), making);
    report.info('target tables ready', { table: tableKey(plan.source) });
  }
}

interface Making {
  readonly warehouse: Warehouse;
  readonly mark: TableMark;
  readonly confirm: () => Promise<void>;
}

/** A baseline that is taken anew is made anew: its rows come from the source again. Only our own is ever dropped. */
async function makeBase(spec: TableSpec, isAnew: boolean, { warehouse, mark, confirm }: Making): Promise<void> {
  const existing = await warehouse.describeTable(spec.table);
  if (existing && isAnew && isOurs(existing, mark)) {
    await confirm();
    await warehouse.dropTable(spec.table);
    return await warehouse.createTable(spec);
  }
  if (!existing) await warehouse.createTable(spec);
}

/** A log is history: it is kept. One whose columns no longer fit steps aside under another name. */
async function makeLog(spec: TableSpec, { warehouse, mark, confirm }: Making): Promise<void> {
  const existing = await warehouse.describeTable(spec.table);
  if (!existing) return await warehouse.createTable(spec);
  if (!isOurs(existing, mark)) return;
  if (isPrefix(existing.columns, spec.columns) && isPrefix(existing.partitionColumns, spec.partitionColumns)) {
    const missing = spec.columns.slice(existing.columns.length);
    if (missing.length > 0) await warehouse.addColumns(spec.table, missing);
    return;
  }
  const freed = await freeName(spec.table, warehouse);
  await confirm();
  await warehouse.query(`ALTER TABLE \`${spec.table}\` RENAME TO \`${freed}\``);
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
