/**
 * One view of a whole table, and the position in the binary log that it stands at: every transaction on the table at or
 * below the position is in the view, none beyond it. Tables without a key need this, since a replay cannot be told from
 * a second row there.
 */
import { SyncError } from '../base/errors.js';
import type { BinlogPosition } from '../model/position.js';
import type { SourceIdentity } from '../model/source-facts.js';
import { type TableName, tableKey } from '../model/source-table.js';
import { quoteName, quoteText } from './quote.js';
import { readBinlogStatus } from './server-state.js';
import type { Session } from './session.js';
import { openSnapshot, withGlobalLock } from './start-position.js';
import { lockTables, withTableLocks } from './table-lock.js';

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
    (await withTableLocks(helper, [table], () => openWhileLocked(reader, helper)));
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

/** An engine without read views (MyISAM, Aria) shows one state of the table only as long as nobody may write to it. */
async function lockForTheWholeRead(reader: Session, table: TableName): Promise<BinlogPosition> {
  if (!(await lockTables(reader, [table]))) throw lockRefused(table);
  return (await readBinlogStatus(reader))?.position ?? nowhere;
}

function lockRefused(table: TableName): SyncError {
  return new SyncError('NO_KEY_NEEDS_LOCK', {
    seen: 'a table without a key, and an account that may take no read lock',
    wanted: 'RELOAD (all tables for an instant) or LOCK TABLES (this table for an instant)',
    fix: `GRANT LOCK TABLES ON ${quoteName(table.database)}.* TO the account of the task, or give the table a primary key.`,
    table: tableKey(table),
  });
}
