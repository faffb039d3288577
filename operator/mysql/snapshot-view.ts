/**
 * One view of a whole table, and the position in the binary log that it stands at: every transaction on the table at or
 * below the position is in the view, none beyond it. Tables without a key need this, since a replay cannot be told from
 * a second row there.
 */
import { SyncError } from '../base/errors.js';
import type { BinlogPosition } from '../model/position.js';
import type { SourceIdentity } from '../model/source-facts.js';
import { type TableName, tableKey } from '../model/source-table.js';
import { quoteTable, quoteText } from './quote.js';
import { readBinlogStatus } from './server-state.js';
import type { Session } from './session.js';
import { openSnapshot, withGlobalLock } from './start-position.js';

/** Writers of the table wait while we wait for the lock. */
const tableLockWaitSeconds = 5;
/** A task that takes a baseline only asks for no rights on the binary log: its views stand nowhere. */
const nowhere: BinlogPosition = { file: '', offset: 0, gtidSet: null };

/**
 * Opens the view in `reader`, which holds it until it ends its transaction and its locks (`closeView`). `helper` is a second
 * session, for the instant of the opening.
 */
export async function openView(
  reader: Session,
  helper: Session,
  table: TableName,
  identity: SourceIdentity,
): Promise<BinlogPosition> {
  if (!(await maySeeBinlog(helper))) {
    await reader.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    return nowhere;
  }
  if (!(await hasReadViews(helper, table))) return lockForTheWholeRead(reader, table);
  const position =
    (identity.flavor === 'mariadb' ? await openSnapshot(reader) : null) ??
    (await withGlobalLock(helper, () => openWhileLocked(reader, helper))) ??
    (await openUnderTableLock(reader, helper, table));
  if (position === null) throw lockRefused(table);
  return position;
}

export async function closeView(reader: Session): Promise<void> {
  await reader.query('UNLOCK TABLES');
  await reader.query('COMMIT');
}

async function maySeeBinlog(session: Session): Promise<boolean> {
  try {
    return (await readBinlogStatus(session)) !== null;
  } catch (error) {
    if (error instanceof SyncError && error.code === 'SOURCE_PRIVILEGE_MISSING') return false;
    throw error;
  }
}

async function hasReadViews(session: Session, { database, table }: TableName): Promise<boolean> {
  const engine = await session.value(
    `SELECT engine FROM information_schema.tables
      WHERE table_schema = ${quoteText(database)} AND table_name = ${quoteText(table)}`,
  );
  return /^(InnoDB|XtraDB|ROCKSDB|TokuDB)$/i.test(engine ?? '');
}

/** While no commit can happen, or none on this table: the view that opens now and the position read now are one moment. */
async function openWhileLocked(reader: Session, helper: Session): Promise<BinlogPosition | null> {
  await reader.query('START TRANSACTION WITH CONSISTENT SNAPSHOT', { doing: 'opening a consistent snapshot' });
  return (await readBinlogStatus(helper))?.position ?? null;
}

/**
 * InnoDB's own table lock waits for every transaction that wrote to the table, until its commit shows. LOCK TABLES takes
 * it only without autocommit; the server's lock alone is granted while commits are under way (seen on 5.6: views missed
 * up to 15 rows below their position). See "LOCK TABLES and UNLOCK TABLES Statements", Interaction with Transactions.
 */
async function openUnderTableLock(reader: Session, helper: Session, table: TableName): Promise<BinlogPosition | null> {
  await helper.query(
    `SET SESSION autocommit = 0, innodb_table_locks = 1, innodb_lock_wait_timeout = ${tableLockWaitSeconds}`,
  );
  try {
    return (await lockTable(helper, table)) ? await openWhileLocked(reader, helper) : null;
  } finally {
    await helper.query('COMMIT');
    await helper.query('UNLOCK TABLES');
    await helper.query('SET SESSION autocommit = 1');
  }
}

/** An engine without read views (MyISAM, Aria) shows one state of the table only as long as nobody may write to it. */
async function lockForTheWholeRead(reader: Session, table: TableName): Promise<BinlogPosition> {
  if (!(await lockTable(reader, table))) throw lockRefused(table);
  return (await readBinlogStatus(reader))?.position ?? nowhere;
}

async function lockTable(session: Session, table: TableName): Promise<boolean> {
  await session.query(`SET SESSION lock_wait_timeout = ${tableLockWaitSeconds}`);
  // 1044, 1142: LOCK TABLES is missing on the database.
  const granted = await session.queryUnless([1044, 1142, 1227], `LOCK TABLES ${quoteTable(table)} READ`, {
    doing: 'locking the table against writes',
    table: tableKey(table),
  });
  return granted !== null;
}

function lockRefused(table: TableName): SyncError {
  return new SyncError('NO_KEY_NEEDS_LOCK', {
    seen: 'a table without a key, and an account that may take no read lock',
    wanted: 'RELOAD (all tables for an instant) or LOCK TABLES (this table for an instant)',
    fix: `GRANT LOCK TABLES ON \`${table.database.replaceAll('`', '``')}\`.* TO the account of the task, or give the table a primary key.`,
    table: tableKey(table),
  });
}
