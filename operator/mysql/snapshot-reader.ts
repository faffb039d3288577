/**
 * Rows of a table, read for its baseline. In: a plan, and a key range or the wish for one view of the whole table.
 * Out: RowBatches over the bytes from the socket. Nothing more is read while the consumer holds a batch, beyond a bound.
 */
import { SyncError } from '../base/errors.js';
import type { RowBatch } from '../model/change.js';
import type { ChunkRange } from '../model/ports.js';
import type { SourceIdentity } from '../model/source-facts.js';
import { type SourceColumn, type TableName, tableKey } from '../model/source-table.js';
import type { TablePlan } from '../model/table-plan.js';
import { compileTextCell, snapshotExpression } from './cells/text-cell.js';
import { RangeColumns } from './key-range.js';
import { quoteName, quoteTable } from './quote.js';
import { readRuns } from './raw-rows.js';
import type { Session } from './session.js';
import { SnapshotBatch } from './snapshot-batch.js';
import type { IsAtWork } from './statement-watch.js';

export interface SnapshotReading {
  readonly flavor: SourceIdentity['flavor'];
  readonly signal: AbortSignal;
  /** A value of this column became NULL by policy. */
  readonly onNulled: (table: TableName, columnName: string) => void;
  readonly isAtWork: IsAtWork;
  /** Silence after which the server is asked whether it is at work; default 30 s. */
  readonly silenceMs?: number | undefined;
}

/** All rows of the range that the plan's filter lets through, in whatever view the session has. */
export async function* readRows(
  session: Session,
  plan: TablePlan,
  range: ChunkRange,
  reading: SnapshotReading,
): AsyncGenerator<RowBatch, void, undefined> {
  const table = tableKey(plan.source);
  const context = {
    table: plan.source,
    timeZone: plan.timeZone,
    onNulled: (columnName: string) => reading.onNulled(plan.source, columnName),
  };
  const readers = plan.columns.map((column, index) =>
    compileTextCell(plan.sourceColumns[column.sourceIndex] as SourceColumn, column, index, context),
  );
  const statement = selectStatement(plan, range, reading.flavor);
  const { signal, isAtWork, silenceMs } = reading;
  const options = {
    ...{ columns: plan.columns.length, doing: 'reading rows', table, signal, isAtWork },
    ...(silenceMs === undefined ? {} : { silenceMs }),
  };
  for await (const runs of readRuns(session, statement, options)) yield new SnapshotBatch(plan, readers, runs);
}

function selectStatement(plan: TablePlan, range: ChunkRange, flavor: SourceIdentity['flavor']): string {
  const expressions = plan.columns.map((column) => {
    const source = plan.sourceColumns[column.sourceIndex];
    if (source === undefined) throw planMismatch(plan);
    return snapshotExpression(source, quoteName(source.name), flavor);
  });
  const conditions = [
    new RangeColumns(plan).condition(range),
    // On a line of its own: a filter may end with a comment.
    plan.where === null ? null : `(${plan.where}\n)`,
  ].filter((condition) => condition !== null);
  const where = conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : '';
  return `SELECT ${expressions.join(', ')} FROM ${quoteTable(plan.source)}${where}`;
}

function planMismatch(plan: TablePlan): SyncError {
  return new SyncError('STORE_CORRUPT', {
    seen: 'a plan that names a column which its source schema does not have',
    wanted: 'a plan as mcsync wrote it',
    fix: 'Take the table again: mcsync resnapshot.',
    table: tableKey(plan.source),
  });
}
