/**
 * Whether the binary log of the server at hand can be read on from a position: nothing that is needed was purged, and at the
 * place itself stands the log that was read, not one that began anew under the same names. In: a session that holds the
 * position's transactions (continuity.ts). Out: nothing, or `POSITION_LOST`.
 */
import { SyncError } from '../base/errors.js';
import { gtidSetContains, MariadbGtidPosition, missingGtids } from '../model/gtid-set.js';
import { type BinlogPosition, binlogFileNumber, renderPosition, serverKey } from '../model/position.js';
import type { SourceIdentity } from '../model/source-facts.js';
import { restored } from './continuity.js';
import { readBinlogFiles, readVariable } from './server-state.js';
import type { Session } from './session.js';

export async function assertReadable(session: Session, identity: SourceIdentity, from: BinlogPosition): Promise<void> {
  if (from.gtidSet !== null) await assertNotPurged(session, identity, from, from.gtidSet);
  if (from.server === undefined || from.server === serverKey(identity)) await assertSameLog(session, identity, from);
}

/** MariaDB has no such set: it says so when the dump begins. */
async function assertNotPurged(
  session: Session,
  { flavor }: SourceIdentity,
  from: BinlogPosition,
  gtidSet: string,
): Promise<void> {
  if (flavor !== 'mysql') return;
  const purged = (await readVariable(session, 'gtid_purged')) ?? '';
  const needed = missingGtids(flavor, gtidSet, purged);
  if (!needed) return;
  const oldest = (await readBinlogFiles(session))?.[0]?.name ?? 'unknown';
  throw new SyncError('POSITION_LOST', {
    seen: `the server has purged the transactions ${needed} from its binary log; its oldest file is ${oldest}`,
    wanted: `every transaction after ${renderPosition(from)}, kept until it is read`,
    fix: 'Take the tables again (mcsync resnapshot), and keep binary logs longer than the longest outage plus the snapshot (expire_logs_days, binlog_expire_logs_seconds, or the retention in the RDS console).',
    position: renderPosition(from),
  });
}

/** A log that was reset begins again with the first file number, and with GTIDs that may pass ours again. */
async function assertSameLog(session: Session, identity: SourceIdentity, from: BinlogPosition): Promise<void> {
  const files = await readBinlogFiles(session);
  const last = files?.at(-1);
  // After a change of `log_bin` the numbers begin anew in good faith.
  if (!files || !last || stem(last.name) !== stem(from.file)) return;
  if (binlogFileNumber(last.name) < binlogFileNumber(from.file)) {
    throw restored(from, `the server's newest file is ${last.name}, and ${from.file} was read from it before`);
  }
  const file = files.find(({ name }) => name === from.file);
  if (!file) return;
  if (file.bytes < from.offset)
    throw restored(from, `${from.file} ends at ${file.bytes}, before the place that was read`);
  if (from.gtidSet !== null && !(await isSameHistory(session, identity, from, from.gtidSet))) {
    throw restored(from, `${from.file} holds other transactions before ${from.offset} than the ones that were read`);
  }
}

function stem(file: string): string {
  return file.replace(/\d+$/, '');
}

async function isSameHistory(
  session: Session,
  { flavor }: SourceIdentity,
  from: BinlogPosition,
  gtidSet: string,
): Promise<boolean> {
  if (flavor === 'mariadb') return await leadsToPlace(session, from, gtidSet);
  const before = await readPreviousGtids(session, from.file);
  if (before !== null && gtidSetContains('mysql', gtidSet, before) === false) return false;
  const next = await readNext(session, from);
  return next !== 'no event' && (next === null || gtidSetContains('mysql', gtidSet, next) !== true);
}

/**
 * MariaDB says what was logged up to a place, and NULL where no event begins. A domain that it does not name may have been
 * deleted from its state (FLUSH BINARY LOGS DELETE_DOMAIN_ID).
 */
async function leadsToPlace(session: Session, { file, offset }: BinlogPosition, gtidSet: string): Promise<boolean> {
  const text = await session.value(`SELECT BINLOG_GTID_POS('${file}', ${offset})`);
  if (text === null) return false;
  const [there, read] = [MariadbGtidPosition.parse(text), MariadbGtidPosition.parse(gtidSet)];
  return there === null || read === null || there.isPartOf(read);
}

/** What stood in the log before the file. 1064, 1227: the account may not ask, or the server spells it otherwise. */
async function readPreviousGtids(session: Session, file: string): Promise<string | null> {
  const events = await session.queryUnless([1064, 1227], `SHOW BINLOG EVENTS IN '${file}' LIMIT 2`);
  return events?.find(([, , type]) => type === 'Previous_gtids')?.[5] ?? null;
}

/** The transaction that begins at a place; null where something else does, or nothing yet. 1220: no event begins there. */
async function readNext(session: Session, { file, offset }: BinlogPosition): Promise<string | 'no event' | null> {
  const statement = `SHOW BINLOG EVENTS IN '${file}' FROM ${offset} LIMIT 1`;
  const events = await session.queryUnless([1064, 1220, 1227], statement);
  if (events === null) return (await mayRead(session, file)) ? 'no event' : null;
  const [, , type = '', , , info = ''] = events[0] ?? [];
  return /^gtid/i.test(type ?? '') ? (/'([^']+)'/.exec(info ?? '')?.[1] ?? null) : null;
}

/** False also for a file that was purged a moment ago. */
async function mayRead(session: Session, file: string): Promise<boolean> {
  return (await session.queryUnless([1064, 1220, 1227], `SHOW BINLOG EVENTS IN '${file}' LIMIT 1`)) !== null;
}
