/**
 * Whether the server at hand goes on where the task has been: the same server, with the history that was read, or another
 * one that has all of it. In: a session, and the positions that the task has read up to. Out: nothing, or a coded error that
 * names what is missing. A server that lacks a transaction of ours is never read: what it holds is another history.
 */
import type { Clock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import { MysqlGtidSet, missingGtids } from '../model/gtid-set.js';
import { type BinlogPosition, hasReached, renderPosition, serverKey } from '../model/position.js';
import type { SourceIdentity } from '../model/source-facts.js';
import { normaliseGtidSet, readMariaDbGtidSet, readVariable, renderIdentity } from './server-state.js';
import type { Session } from './session.js';
import { openSnapshot } from './start-position.js';

export interface Succession {
  /** The server that the task has read so far. */
  readonly before: SourceIdentity;
  readonly clock: Clock;
  /** A replica that was promoted applies what it has received before it takes writes: it is given this long. */
  readonly lagMsMax: number;
  /** Told once before it waits. */
  readonly onWait: (missing: string) => void;
}

const lagPollMs = 500;

/** Throws unless the server has every transaction of each position; what it has is visible to reads that begin later. */
export async function assertHolds(
  session: Session,
  identity: SourceIdentity,
  positions: readonly BinlogPosition[],
  succession: Succession,
): Promise<void> {
  for (const position of positions) {
    const isSame = position.server === undefined || position.server === serverKey(identity);
    if (identity.flavor !== succession.before.flavor) throw refused(identity, position, null, succession);
    if (position.gtidSet === null && isSame) continue;
    if (position.gtidSet === null) throw refused(identity, position, null, succession);
    const missing = await missingAfterWait(session, identity, position, isSame, succession);
    if (missing === '') continue;
    throw isSame && missing !== null
      ? restored(position, `the server has not executed ${missing}, which was read from it before`)
      : refused(identity, position, missing, succession);
  }
}

/** '' when nothing is missing; null where the server keeps no GTIDs of this kind. */
async function missingAfterWait(
  session: Session,
  identity: SourceIdentity,
  position: BinlogPosition,
  isSame: boolean,
  { clock, lagMsMax, onWait }: Succession,
): Promise<string | null> {
  const startedMs = clock.monotonicMs();
  for (let round = 0; ; round += 1) {
    const held = await readHeldGtids(session, identity, isSame);
    if (held === null) return isSame ? '' : null;
    const missing = missingGtids(identity.flavor, held, position.gtidSet ?? '');
    const isVisible = missing !== '' || isSame || (await showsAll(session, identity, position));
    if (missing === null || (missing === '' && isVisible)) return missing;
    if (clock.monotonicMs() - startedMs >= lagMsMax) return missing || (position.gtidSet ?? '');
    if (round === 0) onWait(missing || (position.gtidSet ?? ''));
    await clock.sleep(lagPollMs);
  }
}

/**
 * Transactions that the server has in its log; null where it keeps no GTIDs. A transaction that waits for a semi-synchronous
 * replica is sent to readers of the log before it counts as executed: of the server itself it is owned until then.
 */
async function readHeldGtids(session: Session, identity: SourceIdentity, isSame: boolean): Promise<string | null> {
  if (identity.flavor === 'mariadb') {
    const state = (await readVariable(session, 'gtid_binlog_state')) ?? '';
    // A server made from a backup, and not written to since, has the last transaction in no log of its own.
    const applied = (await readVariable(session, 'gtid_slave_pos')) ?? '';
    return state === '' ? applied : state;
  }
  const executed = await readExecutedGtids(session, identity);
  if (executed === null || !isSame) return executed;
  const owned = ((await readVariable(session, 'gtid_owned')) ?? '').replace(/#\d+/g, '');
  return owned !== '' && MysqlGtidSet.parse(owned) !== null ? `${executed},${owned}` : executed;
}

/** MariaDB's log runs ahead of what InnoDB shows: a consistent snapshot tells which transactions a read sees. */
async function showsAll(session: Session, identity: SourceIdentity, position: BinlogPosition): Promise<boolean> {
  if (identity.flavor !== 'mariadb') return true;
  const view = await openSnapshot(session);
  await session.query('ROLLBACK');
  return view === null || view.gtidSet === null || hasReached(view, position);
}

/** The set of a server that gives every transaction one; null of any other. */
export async function readExecutedGtids(session: Session, identity: SourceIdentity): Promise<string | null> {
  if (identity.flavor === 'mariadb') return normaliseGtidSet((await readVariable(session, 'gtid_binlog_pos')) ?? '');
  if ((await readVariable(session, 'gtid_mode')) !== 'ON') return null;
  return (await readVariable(session, 'gtid_executed')) ?? '';
}

/**
 * MySQL where GTIDs were switched off since: what is logged now is in no set, and the server refuses to begin by one.
 * MariaDB, whose position was taken before the first transaction of all: it tells the set of each place in its own log.
 */
export async function withGtidsOfNow(
  session: Session,
  identity: SourceIdentity,
  from: BinlogPosition,
): Promise<BinlogPosition> {
  if (identity.flavor === 'mariadb') {
    if (from.gtidSet !== null || from.server !== serverKey(identity)) return from;
    return { ...from, gtidSet: await readMariaDbGtidSet(session, from.file, from.offset) };
  }
  return (await readExecutedGtids(session, identity)) === null ? { ...from, gtidSet: null } : from;
}

export function refused(
  seen: SourceIdentity,
  position: BinlogPosition,
  missing: string | null,
  { before, lagMsMax }: Pick<Succession, 'before' | 'lagMsMax'>,
): SyncError {
  const lacks = missing
    ? `which after ${lagMsMax / 1000} s still lacks the transactions ${missing}`
    : 'and there are no GTIDs at both to tell whether it has what was read';
  return new SyncError('SOURCE_IDENTITY_CHANGED', {
    seen: `a connection reached ${renderIdentity(seen)}, ${lacks}`,
    wanted: `${renderIdentity(before)}, which the task has read, or a server that has all its transactions`,
    fix: missing
      ? 'Let the replica catch up, or point spec.source at the server that has these transactions; then run the task again. If they are lost, take all tables again: mcsync resnapshot.'
      : 'Give the address of one server in spec.source, not of a proxy or a name that leads to several. To move the task to this server, take all tables again: mcsync resnapshot.',
    position: renderPosition(position),
  });
}

/** The server is the one that was read, and what it holds is not what was read. */
export function restored(position: BinlogPosition, seen: string): SyncError {
  return new SyncError('POSITION_LOST', {
    seen: `${seen}: it was restored to an older state, or its binary log was reset (RESET MASTER)`,
    wanted: `the history up to ${renderPosition(position)}`,
    fix: 'Nothing of the new history was read. Take the tables again (mcsync resnapshot), or bring the server back to a state that has these transactions.',
    position: renderPosition(position),
  });
}
