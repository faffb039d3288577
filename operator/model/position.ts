/**
 * Where in a binary log. A file and an offset mean something on one server only: positions of one server are ordered by
 * them, positions of two servers by their GTID sets. Where neither can decide there is no order, and a coded error says so.
 */
import { SyncError } from '../base/errors.js';
import { gtidFlavorOf, gtidSetContains } from './gtid-set.js';
import type { SourceIdentity } from './source-facts.js';

export interface BinlogPosition {
  readonly file: string;
  /** Byte offset of the next event to read, as `end_log_pos` gives it. */
  readonly offset: number;
  /** Executed GTIDs up to here: MySQL `uuid:1-9,...` or MariaDB `0-1-9,...`; null where the server keeps none. */
  readonly gtidSet: string | null;
  /**
   * Whose log `file` and `offset` are a place in, by `serverKey`. Absent in documents of earlier versions, which know one
   * server only (`onServer` adds it), and then the same as any other.
   */
  readonly server?: string;
  /** When the server began the file (seconds, UTC): one of the same name that it began later is another file. */
  readonly bornSeconds?: number;
}

/** `server_uuid`; MariaDB has none, but wants a `server_id` of its own from each server of a replication. */
export function serverKey(identity: Pick<SourceIdentity, 'serverUuid' | 'serverId'>): string {
  return identity.serverUuid ?? String(identity.serverId);
}

export function onServer(position: BinlogPosition, identity: SourceIdentity): BinlogPosition {
  return position.server === undefined ? { ...position, server: serverKey(identity) } : position;
}

export function isSameServer(a: BinlogPosition, b: BinlogPosition): boolean {
  return a.server === undefined || b.server === undefined || a.server === b.server;
}

/**
 * Orders two positions of one server; negative when `a` is earlier. File names are compared by their number, since
 * `binlog.999999` is followed by `binlog.1000000`. Throws `SOURCE_IDENTITY_CHANGED` for positions of two servers.
 */
export function comparePositions(a: BinlogPosition, b: BinlogPosition): number {
  if (!isSameServer(a, b)) throw noOrder(a, b);
  const byFile = binlogFileNumber(a.file) - binlogFileNumber(b.file);
  return byFile !== 0 ? byFile : a.offset - b.offset;
}

/**
 * At the target or past it. Of two servers: every transaction of the target is in the position's set, whose server is
 * known to hold the target's history. Throws `SOURCE_IDENTITY_CHANGED` where one of the two has no GTIDs.
 */
export function hasReached(position: BinlogPosition, target: BinlogPosition): boolean {
  if (isSameServer(position, target)) return comparePositions(position, target) >= 0;
  if (position.gtidSet === null || target.gtidSet === null) throw noOrder(position, target);
  const contains = gtidSetContains(gtidFlavorOf(target.gtidSet), position.gtidSet, target.gtidSet);
  if (contains === null) throw noOrder(position, target);
  return contains;
}

/** `from` is a place on a server that is not known to have all of what was read up to `position`, on another one. */
export function isOtherHistory(from: BinlogPosition, position: BinlogPosition): boolean {
  if (isSameServer(from, position)) return false;
  return from.gtidSet === null || position.gtidSet === null || !hasReached(from, position);
}

/** Names the place in the log of its server: what was rolled back there was not rolled back elsewhere. */
export function placeKey({ file, offset, server }: Omit<BinlogPosition, 'gtidSet'>): string {
  return server === undefined ? `${file}:${offset}` : `${server}/${file}:${offset}`;
}

export function binlogFileNumber(file: string): number {
  return Number(/(\d+)$/.exec(file)?.[1] ?? Number.NaN);
}

export function renderPosition(position: BinlogPosition): string {
  const place = `${position.file}:${position.offset}`;
  return position.gtidSet ? `${place} (GTID ${position.gtidSet})` : place;
}

function noOrder(a: BinlogPosition, b: BinlogPosition): SyncError {
  return new SyncError('SOURCE_IDENTITY_CHANGED', {
    seen: `${renderPosition(a)} of server ${a.server} and ${renderPosition(b)} of server ${b.server}`,
    wanted: 'positions of one server, or GTID sets of one kind at both',
    fix: 'Point the task at the server it was taken on, or take all tables again (mcsync resnapshot).',
  });
}
