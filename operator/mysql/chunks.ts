/**
 * Splits a table into key ranges. In: a plan and a wanted size. Out: ranges that meet without gap, from before the first row
 * to the last one. Rows that come behind it later are in the log: a table that grows while it waits its turn must not
 * make the last range, which is held in memory as a whole, larger than the others. Rows are not read here.
 */
import type { ChunkRange, ChunkSize } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import type { TablePlan } from '../model/table-plan.js';
import { RangeColumns } from './key-range.js';
import { quoteTable, quoteText } from './quote.js';
import type { Session } from './session.js';

/** An estimate of the server may be wildly off. */
const chunkRowsMin = 10;
/** Ranges stand in the plan document: some megabytes for a table of a terabyte, whose chunks are no larger than others. */
const chunksMax = 40_000;

export async function splitTable(session: Session, plan: TablePlan, size: ChunkSize): Promise<ChunkRange[]> {
  const columns = new RangeColumns(plan);
  if (columns.names.length === 0) return [{ after: null, upTo: null }];
  const rows = await rowsPerChunk(session, plan, size);
  const ranges: ChunkRange[] = [];
  let after: readonly string[] | null = null;
  for (;;) {
    const upTo: readonly string[] | null = await findBound(session, plan, columns, after, rows - 1, 'ASC');
    if (upTo === null) break;
    ranges.push({ after, upTo });
    after = upTo;
  }
  // One range is read in one go, in bounded memory.
  if (after === null) return [{ after: null, upTo: null }];
  const last = await findBound(session, plan, columns, after, 0, 'DESC');
  return last === null ? ranges : [...ranges, { after, upTo: last }];
}

/** As many as asked for, fewer where rows are wide, more where the table would fall into too many pieces. */
async function rowsPerChunk(session: Session, plan: TablePlan, size: ChunkSize): Promise<number> {
  const { database, table } = plan.source;
  const [row] = await session.query(
    `SELECT table_rows, data_length FROM information_schema.tables
      WHERE table_schema = ${quoteText(database)} AND table_name = ${quoteText(table)}`,
    { doing: 'reading the size of the table', table: tableKey(plan.source) },
  );
  const rows = Number(row?.[0] ?? 0);
  const rowBytes = rows > 0 ? Number(row?.[1] ?? 0) / rows : 0;
  const rowsByBytes = rowBytes > 0 ? Math.max(chunkRowsMin, Math.floor(size.bytes / rowBytes)) : size.rows;
  return Math.max(1, Math.min(size.rows, rowsByBytes), Math.ceil(rows / chunksMax));
}

/** The key of a row behind `after`, this many rows after the first or before the last one; null when there is none. */
async function findBound(
  session: Session,
  plan: TablePlan,
  columns: RangeColumns,
  after: readonly string[] | null,
  offset: number,
  direction: 'ASC' | 'DESC',
): Promise<readonly string[] | null> {
  const condition = columns.condition({ after, upTo: null });
  const sql = `SELECT ${columns.selection} FROM ${quoteTable(plan.source)}${condition ? ` WHERE ${condition}` : ''}
    ORDER BY ${columns.names.map((name) => `${name} ${direction}`).join(', ')} LIMIT 1 OFFSET ${offset}`;
  const [row] = await session.query(sql, { doing: 'splitting the table by its key', table: tableKey(plan.source) });
  return row ? row.map((text) => text ?? '') : null;
}
