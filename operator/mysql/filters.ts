/** Row filters of a task, tried on the server before a task starts. In: plans. Out: the filters that it refuses. Reads no row. */
import { SyncError } from '../base/errors.js';
import type { RefusedFilter } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import type { TablePlan } from '../model/table-plan.js';
import { quoteTable } from './quote.js';
import type { Session } from './session.js';

export async function refusedFilters(session: Session, plans: readonly TablePlan[]): Promise<RefusedFilter[]> {
  const refused: RefusedFilter[] = [];
  for (const { source, where } of plans) {
    if (where === null) continue;
    try {
      // The words of readRows; LIMIT 0 resolves names and types, and no more.
      await session.query(`SELECT 1 FROM ${quoteTable(source)} WHERE (${where}\n) LIMIT 0`, {
        doing: 'trying the row filter',
        table: tableKey(source),
      });
    } catch (error) {
      // A table that may not be read is a finding of its own.
      if (error instanceof SyncError && error.code === 'SOURCE_PRIVILEGE_MISSING') continue;
      if (!(error instanceof SyncError) || error.code !== 'SOURCE_QUERY_FAILED') throw error;
      refused.push({ table: source, reason: error.seen });
    }
  }
  return refused;
}
