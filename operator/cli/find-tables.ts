import { nearest } from '../api/near.js';
import { SyncError } from '../base/errors.js';
import { parseTableKey, type TableName, tableKey } from '../model/source-table.js';

/** The tables a person named, as keys; every name that the task does not know is told at once, with the nearest one. */
export function findTables(names: readonly string[], known: readonly TableName[]): string[] {
  const keys = known.map(tableKey);
  const found: string[] = [];
  const unknown: string[] = [];
  for (const name of new Set(names)) {
    const parsed = parseTableKey(name);
    const key = parsed ? tableKey(parsed) : name;
    if (keys.includes(key)) found.push(key);
    else unknown.push(key);
  }
  if (unknown.length === 0) return found;
  const hints = unknown.map((name) => nearest(name, keys) ?? keys.find((key) => key.endsWith(`.${name}`)) ?? null);
  const meant = hints.filter((hint) => hint !== null);
  throw new SyncError('MERGE_UNKNOWN_TABLE', {
    seen: unknown.join(', '),
    wanted: `tables of the task as database.table${keys.length > 0 && keys.length <= 20 ? `: ${keys.join(', ')}` : ''}`,
    fix:
      meant.length > 0
        ? `Did you mean ${meant.join(', ')}?`
        : 'Name a table that the task selects; `mcsync status` lists them.',
  });
}
