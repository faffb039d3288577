import { logColumnNames, type PartitionKey, partitionKeyNames, type TablePlan } from '../model/table-plan.js';

/**
 * A predicate over partition columns alone, true for every partition that can hold a row of second `lastUtcSeconds` or
 * earlier; null where the keys allow none. Only keys that follow each other from `year` on order partitions in time: with
 * [year, day], the 3rd of a later month sorts before the 5th of an earlier one.
 */
export function earlierPartitions(
  plan: Pick<TablePlan, 'columnNaming' | 'partitionKeys'>,
  lastUtcSeconds: number,
): string | null {
  const names = logColumnNames(plan.columnNaming, plan.partitionKeys).partitions;
  const last = partitionValues(lastUtcSeconds);
  const ordered = plan.partitionKeys.filter((key, index) => key === partitionKeyNames[index]);
  const levels = ordered.map((key, index) => ({ name: `${names[index]}`, value: last[key] }));
  return levels.reduceRight<string | null>(
    (inner, { name, value }) =>
      inner === null ? `${name} <= '${value}'` : `${name} < '${value}' OR (${name} = '${value}' AND (${inner}))`,
    null,
  );
}

function partitionValues(utcSeconds: number): Record<PartitionKey, string> {
  const iso = new Date(utcSeconds * 1000).toISOString();
  return {
    year: iso.slice(0, 4),
    month: iso.slice(5, 7),
    day: iso.slice(8, 10),
    hour: iso.slice(11, 13),
    minute: iso.slice(14, 16),
  };
}
