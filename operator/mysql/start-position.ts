/**
 * Where the stream begins, and the schemas there.
 * In: the selected tables. Out: a position at or below which everything is visible to any read that begins later, so that
 * what the stream does not bring the snapshot sees; and schemas that hold from that position on.
 * The position that the server shows is not it: the binary log moves before InnoDB shows the commit.
 */
import { SyncError } from '../base/errors.js';
import type { SourceStart } from '../model/ports.js';
import type { BinlogPosition } from '../model/position.js';
import type { SourceIdentity } from '../model/source-facts.js';
import { type SourceTable, type TableName, tableKey } from '../model/source-table.js';
import { quoteTable } from './quote.js';
import { readSchemas } from './schema-reader.js';
import {
  normaliseGtidSet,
  readBinlogStatus,
  readIdentity,
  readMariaDbGtidSet,
  readServerKey,
  readVariable,
} from './server-state.js';
import type { Session } from './session.js';
import { withTableLocks } from './table-lock.js';

/** A busy migration window changes a schema a few times within seconds; more than that is worth waiting outside. */
const attemptsMax = 5;
/** All writers of the server wait while we wait for the lock: a long query of somebody else must not turn into an outage. */
const globalLockWaitSeconds = 2;
/** Our metadata locks wait for a running ALTER only. */
const metadataLockWaitSeconds = 30;
/** Tables locked in one statement. */
const tablesPerStatement = 50;

export async function findStart(session: Session, tables: readonly TableName[]): Promise<SourceStart> {
  const identity = await readIdentity(session);
  let schemas = await readSelected(session, identity, tables);
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const { position, method } = await findVisiblePosition(session, identity, tables);
    const locked = await readUnderMetadataLocks(session, identity, tables);
    // Equal before the position and after it: no schema statement lies between that matters.
    if (JSON.stringify(withoutEstimates(schemas)) === JSON.stringify(withoutEstimates(locked))) {
      return { position, method, tables: locked, identity };
    }
    schemas = locked;
  }
  throw new SyncError('SCHEMA_CHANGED_DURING_START', {
    seen: `the schema of a selected table changed in each of ${attemptsMax} attempts`,
    wanted: 'schemas that hold still for a second',
    fix: 'Nothing: it is tried again. Start the task outside of the migration window if it goes on.',
  });
}

function withoutEstimates(tables: readonly SourceTable[]): unknown {
  return tables.map((table) => ({ ...table, rowsEstimate: 0, bytesEstimate: 0 }));
}

export interface VisiblePosition {
  readonly position: BinlogPosition;
  /** `none`: the server keeps no binary log, or the account may not ask: enough for a task that takes a baseline only. */
  readonly method: 'binlog-snapshot' | 'lock' | 'gtid-executed' | 'table-lock' | 'file-start' | 'none';
}

const noPosition: VisiblePosition = { position: { file: '', offset: 0, gtidSet: null }, method: 'none' };

/** The first way that this server and this account allow. */
export async function findVisiblePosition(
  session: Session,
  identity: SourceIdentity,
  tables: readonly TableName[],
): Promise<VisiblePosition> {
  const beginning = await beginningOfFile(session);
  if (beginning === null) return noPosition;
  return (
    (await positionOfSnapshot(session, identity)) ??
    (await positionUnderLock(session)) ??
    (await positionOfGtids(session, identity, beginning)) ??
    (await positionUnderTableLocks(session, tables)) ??
    beginning
  );
}

/**
 * MariaDB tells the position of a consistent snapshot, and blocks nobody: it comes before the lock for that reason.
 * "START TRANSACTION", WITH CONSISTENT SNAPSHOT; status variables binlog_snapshot_file and binlog_snapshot_position.
 */
async function positionOfSnapshot(session: Session, identity: SourceIdentity): Promise<VisiblePosition | null> {
  if (identity.flavor !== 'mariadb') return null;
  const position = await openSnapshot(session);
  await session.query('ROLLBACK');
  return position && { position, method: 'binlog-snapshot' };
}

/** Opens a read view whose position is known; null, with no view left open, where the server does not tell. MariaDB only. */
export async function openSnapshot(session: Session): Promise<BinlogPosition | null> {
  const doing = { doing: 'opening a consistent snapshot' };
  await session.query('START TRANSACTION WITH CONSISTENT SNAPSHOT', doing);
  const rows = await session.query("SHOW STATUS LIKE 'binlog_snapshot%'", doing);
  const status = new Map(rows.map(([name, value]) => [(name ?? '').toLowerCase(), value]));
  const file = status.get('binlog_snapshot_file');
  if (!file) {
    await session.query('ROLLBACK');
    return null;
  }
  const offset = Number(status.get('binlog_snapshot_position'));
  const gtidSet = await readMariaDbGtidSet(session, file, offset);
  return { file, offset, gtidSet, server: await readServerKey(session) };
}

/** Commits are over when the lock is ours; refused without RELOAD, given up when others hold us off. */
async function positionUnderLock(session: Session): Promise<VisiblePosition | null> {
  return withGlobalLock(session, async () => {
    const status = await readBinlogStatus(session);
    return status && { position: status.position, method: 'lock' };
  });
}

/** Runs `step` while no commit can happen on the server; null, without running it, where the lock is not to be had. */
export async function withGlobalLock<T>(session: Session, step: () => Promise<T>): Promise<T | null> {
  await session.query(`SET SESSION lock_wait_timeout = ${globalLockWaitSeconds}`);
  // 1227, 1045: RELOAD is missing. 1205: others hold us off. 1223: RDS and managed servers refuse in their own ways.
  const granted = await session.queryUnless([1227, 1045, 1205, 1223], 'FLUSH TABLES WITH READ LOCK', {
    doing: 'taking the global read lock',
  });
  await session.query(`SET SESSION lock_wait_timeout = ${metadataLockWaitSeconds}`);
  if (granted === null) return null;
  try {
    return await step();
  } finally {
    await session.query('UNLOCK TABLES');
  }
}

/**
 * From 5.7 on a transaction enters `gtid_executed` after InnoDB shows it. 5.6 enters it when it is written to the log: a
 * test with 16 writers missed rows in most of its probes. File and offset are those of the file's beginning, read
 * before: all transactions of the files before it are in the set.
 */
async function positionOfGtids(
  session: Session,
  identity: SourceIdentity,
  beginning: VisiblePosition,
): Promise<VisiblePosition | null> {
  if (identity.flavor !== 'mysql' || /^5\.[0-6]\./.test(identity.version)) return null;
  if ((await readVariable(session, 'gtid_mode')) !== 'ON') return null;
  const gtidSet = normaliseGtidSet((await readVariable(session, 'gtid_executed')) ?? '');
  return gtidSet === null ? null : { position: { ...beginning.position, gtidSet }, method: 'gtid-executed' };
}

/**
 * Visible as far as the selected tables go, which is all that is read. Better than the beginning of the file: no schema
 * statement of hours ago is replayed. Given up when others hold us off.
 */
async function positionUnderTableLocks(
  session: Session,
  tables: readonly TableName[],
): Promise<VisiblePosition | null> {
  if (tables.length === 0) return null;
  try {
    return await withTableLocks(session, tables, async () => {
      const status = await readBinlogStatus(session);
      return status && { position: status.position, method: 'table-lock' };
    });
  } catch (error) {
    if (error instanceof SyncError && error.code === 'SOURCE_UNREACHABLE') return null;
    throw error;
  }
}

/**
 * Every transaction of the files before this one is visible, since rotation waits for prepared transactions; replaying
 * more than needed is harmless. Null where there is no log, or the account may not ask for it.
 */
async function beginningOfFile(session: Session): Promise<VisiblePosition | null> {
  try {
    const status = await readBinlogStatus(session);
    if (status === null) return null;
    const { file, gtidSet } = status.position;
    const before = gtidSet && (await gtidSetBefore(session, file));
    return {
      position: { ...status.position, offset: firstEventOffset, gtidSet: before },
      method: 'file-start',
    };
  } catch (error) {
    if (error instanceof SyncError && error.code === 'SOURCE_PRIVILEGE_MISSING') return null;
    throw error;
  }
}

/** A file of a server with GTIDs begins with a format event and the set of all transactions before the file. */
async function gtidSetBefore(session: Session, file: string): Promise<string | null> {
  const events = await session.queryUnless([1064], `SHOW BINLOG EVENTS IN '${file}' LIMIT 2`);
  const previous = events?.find(([, , type]) => type === 'Previous_gtids');
  return normaliseGtidSet(previous?.[5] ?? '');
}

/** A binary log file begins with four magic bytes. */
const firstEventOffset = 4;

async function readUnderMetadataLocks(
  session: Session,
  identity: SourceIdentity,
  tables: readonly TableName[],
): Promise<readonly SourceTable[]> {
  await session.query(`SET SESSION lock_wait_timeout = ${metadataLockWaitSeconds}`);
  await session.query('START TRANSACTION');
  try {
    for (let from = 0; from < tables.length; from += tablesPerStatement) {
      const group = tables.slice(from, from + tablesPerStatement);
      const locks = group.map((table) => `(SELECT 1 FROM ${quoteTable(table)} LIMIT 0)`);
      // 1146: dropped since; reading the schemas says which.
      await session.queryUnless([1146, 1049], locks.join(' UNION ALL '), { doing: 'holding the schemas still' });
    }
    return await readSelected(session, identity, tables);
  } finally {
    await session.query('COMMIT');
  }
}

async function readSelected(
  session: Session,
  identity: SourceIdentity,
  tables: readonly TableName[],
): Promise<readonly SourceTable[]> {
  const reading = await readSchemas(session, identity.flavor, tables);
  const [first] = reading.undescribed;
  if (first) throw first.reason;
  const found = new Map(reading.tables.map((table) => [tableKey(table), table]));
  return tables.map((name) => {
    const table = found.get(tableKey(name));
    if (table) return table;
    throw new SyncError('SCHEMA_CHANGED_DURING_START', {
      seen: 'the table is gone, or not visible to the account any more',
      wanted: 'the table that the precheck saw',
      fix: 'Check the table and the SELECT privilege on it, then start again.',
      table: tableKey(name),
    });
  });
}
