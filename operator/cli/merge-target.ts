/** The table that a merge writes: its name, its mark, and whether it may be written. */
import type { SyncTask } from '../api/sync-task.js';
import { SyncError } from '../base/errors.js';
import type { MergeInput } from '../merge/merge-sql.js';
import type { Warehouse } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import type { TablePlan } from '../model/table-plan.js';
import type { Cut } from './merge-cut.js';

const commentStart = 'mcsync-merge:';
const nameBytesMax = 128;

/** Not the mark of a baseline or log: a result may be replaced, those may not. */
export function mergeComment({ metadata }: SyncTask, taskId: string, table: string): string {
  return `${commentStart}${metadata.namespace}/${metadata.name}:${taskId} of ${table}`;
}

/** As in DTS's own document: the table's name and the seconds of the moment. */
export function resultName(plan: TablePlan, cut: Cut, flags: { readonly at?: number; readonly into?: string }): string {
  const body = plan.baseTable?.replace(/_base$/, '') ?? plan.logTable?.replace(/_log$/, '') ?? '';
  const name = (flags.into ?? `${body}_${flags.at ?? cut.namedSeconds}`).toLowerCase();
  if (!/^[a-z]\w*$/.test(name) || name.length > nameBytesMax) {
    throw new SyncError('USAGE', {
      seen: `${name} as the name of the result`,
      wanted: `letters, digits and _, a letter first, up to ${nameBytesMax} bytes`,
      fix: 'Name the result with --into.',
    });
  }
  const owner = cut.plan.tables.find(({ plan: each }) => each.baseTable === name || each.logTable === name);
  if (owner) {
    throw new SyncError('USAGE', {
      seen: `--into ${name}, which holds the data of ${tableKey(owner.plan.source)}`,
      wanted: 'a table that nothing else is kept in',
      fix: 'Name another table.',
    });
  }
  return name;
}

/** INSERT OVERWRITE replaces what is there: only the result of an earlier merge may be. */
export async function refuseForeignTable(warehouse: Warehouse, { into, plan }: MergeInput): Promise<void> {
  const existing = await warehouse.describeTable(into);
  if (!existing) return;
  if (!existing.comment.startsWith(commentStart)) {
    throw new SyncError('TARGET_TABLE_EXISTS', {
      seen: `${into} exists and is not the result of a merge`,
      wanted: 'a new table, or the result of an earlier merge',
      fix: 'Name another table with --into.',
      table: into,
    });
  }
  const show = (columns: readonly { readonly name: string; readonly type: string }[]): string =>
    columns.map(({ name, type }) => `${name} ${type}`.toLowerCase()).join(', ');
  const wanted = show(plan.columns.map(({ targetName, targetType }) => ({ name: targetName, type: targetType })));
  if (show(existing.columns) === wanted) return;
  throw new SyncError('TARGET_SCHEMA_MISMATCH', {
    seen: `${into}, the result of an earlier merge, has the columns ${show(existing.columns)}`,
    wanted,
    fix: `DROP TABLE \`${into}\`; or name another table with --into.`,
    table: into,
  });
}
