import { SyncError } from '../base/errors.js';
import type { PlanDocument } from '../model/documents.js';
import type { Warehouse } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import { logColumnNames, type TablePlan } from '../model/table-plan.js';

/** One statement asks this many tables: far below what a MaxCompute statement may name. */
const tablesPerQuery = 40;

/**
 * Proves that no log of the task holds a record id beyond the checkpoint's: one that does was written after the
 * checkpoint at hand, so an old checkpoint was restored, and its ids would be given twice.
 */
export async function guardLogs(warehouse: Warehouse, plan: PlanDocument, recordId: number): Promise<void> {
  const largest = await largestRecordId(
    warehouse,
    plan.tables.map((planned) => planned.plan),
  );
  if (largest === null || largest.recordId <= recordId) return;
  throw new SyncError('CHECKPOINT_BEHIND_LOG', {
    seen: `record_id ${largest.recordId} in ${largest.plan.logTable}`,
    wanted: `at most ${recordId}, the last one that the checkpoint knows`,
    fix: 'Bring back the newest checkpoint. If it is gone, take all tables again into new target tables.',
    table: tableKey(largest.plan.source),
  });
}

/** Largest record id in the newest partitions of the logs; null when they are all empty. */
export async function largestRecordId(
  warehouse: Warehouse,
  plans: readonly TablePlan[],
): Promise<{ readonly plan: TablePlan; readonly recordId: number } | null> {
  let largest: { plan: TablePlan; recordId: number } | null = null;
  const logs = plans.filter((plan) => plan.logTable !== null);
  for (let at = 0; at < logs.length; at += tablesPerQuery) {
    const part = logs.slice(at, at + tablesPerQuery);
    const queries = await Promise.all(part.map((plan, index) => newestPartitionQuery(warehouse, plan, index)));
    const sql = queries.filter((query) => query !== null).join('\nUNION ALL\n');
    if (sql === '') continue;
    const result = await warehouse.query(sql);
    for (const row of result.rows) {
      const recordId = row[1] === null || row[1] === undefined ? 0 : Number(row[1]);
      if (recordId > (largest?.recordId ?? 0)) largest = { plan: part[Number(row[0])] as TablePlan, recordId };
    }
  }
  return largest;
}

async function newestPartitionQuery(warehouse: Warehouse, plan: TablePlan, index: number): Promise<string | null> {
  const partitions = await warehouse.listPartitions(plan.logTable as string);
  const newest = partitions.toSorted().at(-1);
  if (newest === undefined) return null;
  const names = logColumnNames(plan.columnNaming, plan.partitionKeys);
  return `SELECT ${index} AS i, MAX(\`${names.recordId}\`) AS n FROM \`${plan.logTable}\` WHERE ${partitionFilter(newest)}`;
}

/** `a=1,b=2` as a condition. The values are ours: digits only. */
export function partitionFilter(partition: string): string {
  return partition
    .split(',')
    .map((part) => {
      const [name, value] = part.split('=') as [string, string];
      return `\`${name}\` = '${value.replaceAll("'", '')}'`;
    })
    .join(' AND ');
}
