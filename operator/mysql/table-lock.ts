import { type TableName, tableKey } from '../model/source-table.js';
import { quoteTable } from './quote.js';
import type { Session } from './session.js';

/** Writers of the tables wait while we wait for the lock. */
const lockWaitSeconds = 5;
/** 1044, 1142, 1227: LOCK TABLES is missing on a database. */
const refusals = [1044, 1142, 1227];

/**
 * Runs `step` while every transaction that wrote to one of the tables has ended and shows; null, without running it, where
 * the account may not lock. InnoDB's own table lock waits for those transactions, and LOCK TABLES takes it only without
 * autocommit; the server's lock alone is granted while commits are under way (seen on 5.6: reads missed up to 15 rows at
 * or below the position). See "LOCK TABLES and UNLOCK TABLES Statements", Interaction of Table Locking and Transactions.
 */
export async function withTableLocks<T>(
  session: Session,
  tables: readonly TableName[],
  step: () => Promise<T>,
): Promise<T | null> {
  await session.query(
    `SET SESSION autocommit = 0, innodb_table_locks = 1, innodb_lock_wait_timeout = ${lockWaitSeconds}`,
  );
  try {
    return (await lockTables(session, tables)) ? await step() : null;
  } finally {
    await session.query('COMMIT');
    await session.query('UNLOCK TABLES');
    await session.query('SET SESSION autocommit = 1');
  }
}

/** False where the account may not; a lock that others hold too long is `SOURCE_UNREACHABLE`, to be tried again. */
export async function lockTables(session: Session, tables: readonly TableName[]): Promise<boolean> {
  await session.query(`SET SESSION lock_wait_timeout = ${lockWaitSeconds}`);
  const list = tables.map((table) => `${quoteTable(table)} READ`).join(', ');
  const granted = await session.queryUnless(refusals, `LOCK TABLES ${list}`, {
    doing: 'locking against writes',
    ...(tables.length === 1 ? { table: tableKey(tables[0] as TableName) } : {}),
  });
  return granted !== null;
}
