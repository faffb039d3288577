import { type TableName, tableKey } from '../model/source-table.js';

/** Values that became NULL by policy, by column, since they were last taken: what is dropped and read again counts once. */
export class NulledCounts {
  #counts = new Map<string, number>();

  readonly count = (table: TableName, columnName: string): void => {
    const key = `${tableKey(table)}.${columnName}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  };

  /** The counts up to now; from here on it counts anew. */
  take(): ReadonlyMap<string, number> {
    const taken = this.#counts;
    this.#counts = new Map();
    return taken;
  }
}

export function addCounts(
  total: Readonly<Record<string, number>>,
  more: ReadonlyMap<string, number>,
): Readonly<Record<string, number>> {
  if (more.size === 0) return total;
  const sum: Record<string, number> = { ...total };
  for (const [key, count] of more) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}
