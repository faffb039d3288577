/**
 * Where the reader stands, and in what: the position (never inside a transaction), the group of events that is open, the GTIDs
 * of those that have ended. In: beginnings, ends and places of events. Out: `commit`, `rollback` and `alive` events.
 */
import { SyncError } from '../../base/errors.js';
import type { ChangeEvent, SchemaChange } from '../../model/change.js';
import { MariadbGtidPosition, MysqlGtidSet } from '../../model/gtid-set.js';
import { type BinlogPosition, placeKey } from '../../model/position.js';
import { corruptEvent, eventType, headerBytes, readUint32, readUint64 } from './event.js';
import { begunAnew } from './failures.js';
import { renderPlace } from './known-tables.js';

/**
 * `open`: a GTID was read and what follows decides; `transaction`: ends with a commit or rollback; `standalone`: one
 * statement (MariaDB says so in the GTID event).
 */
export type Group = 'none' | 'open' | 'transaction' | 'standalone';

export interface ProgressOptions {
  readonly flavor: 'mysql' | 'mariadb';
  readonly from: BinlogPosition;
  readonly rolledBack: ReadonlySet<string>;
  /** Whose log it is, by `serverKey`; absent where nobody asks. */
  readonly server?: string;
}

export class LogProgress {
  /** Events to hand out, in order. */
  readonly out: ChangeEvent[] = [];
  gtids: MysqlGtidSet | MariadbGtidPosition | null;
  file: string;
  /** End of the event read last. */
  offset: number;
  group: Group = 'none';
  /** The open transaction was rolled back later: its rows are not handed out. */
  isSkipped = false;
  /** MariaDB logs an ALTER in two phases: this is the first one, or one that failed. */
  isWithoutEffect = false;
  /** A group has begun, or a file, since the start. */
  hasBegun = false;
  /** Rows of the open transaction have been handed out. */
  hasRows = false;
  /** Adds the open group's GTID, when it has ended. */
  pendingGtid: (() => void) | null = null;

  readonly #startsByGtid: boolean;
  readonly #rolledBack: ReadonlySet<string>;
  readonly #server: { readonly server?: string };
  #begin = { file: '', offset: 0 };
  /** Where a checkpoint may stand: after the last group that has ended. On the server before, until the first move. */
  #committed: { file: string; offset: number; gtidSet: string | null; server?: string; bornSeconds?: number };
  readonly #from: BinlogPosition;
  /** When the server began the file; null between a rotation and its format description. */
  #bornSeconds: number | null = null;
  #hasMoved = false;
  #utcSeconds = 0;

  constructor({ flavor, from, rolledBack, server }: ProgressOptions) {
    this.#server = server === undefined ? {} : { server };
    this.file = from.file;
    this.offset = from.offset;
    this.#committed = { ...from };
    this.#from = from;
    this.#startsByGtid = from.gtidSet !== null;
    this.#rolledBack = rolledBack;
    this.gtids = from.gtidSet === null ? null : parseGtids(flavor, from.gtidSet);
  }

  /** After the last group that has ended. */
  get position(): BinlogPosition {
    return { ...this.#committed };
  }

  /** end_log_pos is 0 inside MariaDB's transactions, and wraps at 4 GiB in a file that one transaction made larger. */
  advance(endLogPos: number, eventBytes: number): void {
    if (endLogPos === 0) {
      if (this.group !== 'none') this.offset += eventBytes;
      return;
    }
    const wrap = 0x1_0000_0000;
    let end = endLogPos + Math.floor(this.offset / wrap) * wrap;
    if (end < this.offset - wrap / 2) end += wrap;
    // A format description that is sent again in the middle of a file tells its place at the beginning.
    this.offset = Math.max(this.offset, end);
  }

  /** A start by GTID set is sent the file that may hold its first transaction: until that one comes, `from` stands. */
  get #isSearching(): boolean {
    return this.#startsByGtid && this.#utcSeconds === 0;
  }

  /**
   * A dump cannot be asked to begin beyond 4 GiB (COM_BINLOG_DUMP, position u32). The server changes files after the
   * transaction that made one so large: its commit is told with the place in the next file.
   */
  get #isBeyondReach(): boolean {
    return this.gtids === null && this.#committed.offset > 0xffff_ffff;
  }

  #moveTo(): void {
    this.#committed.file = this.file;
    this.#committed.offset = this.offset;
    Object.assign(this.#committed, this.#server);
    if (this.#bornSeconds === null) delete this.#committed.bornSeconds;
    else this.#committed.bornSeconds = this.#bornSeconds;
    this.#hasMoved = true;
  }

  /** What stands at `from` may be the place in another server's log, which is no place in this one. */
  get #isElsewhere(): boolean {
    const { file, offset, server } = this.#committed;
    const isOther = server !== undefined && this.#server.server !== undefined && server !== this.#server.server;
    return isOther || file !== this.file || offset < this.offset;
  }

  rotate(bytes: Buffer, body: number, end: number): void {
    this.endBroken();
    if (readUint64(bytes, body) === 4) this.hasBegun = true;
    this.file = bytes.toString('utf8', body + 8, end);
    this.offset = readUint64(bytes, body);
    this.#bornSeconds = null;
    if (!this.#isSearching && this.#isElsewhere) this.#moveTo();
  }

  /** A format description, also sent when a dump begins within a file. Throws `POSITION_LOST` for another file than was read. */
  describeFile(bornSeconds: number): void {
    const { file, server, bornSeconds: before } = this.#from;
    const isSameName = file === this.file && (server === undefined || server === (this.#server.server ?? server));
    if (isSameName && before !== undefined && before !== bornSeconds) throw begunAnew(this.#from, bornSeconds);
    this.#bornSeconds = bornSeconds;
  }

  /** Sent at the end of the log, with its place: what a start by GTID set has skipped is behind us then. */
  heartbeat(type: number, bytes: Buffer, from: number, end: number): void {
    const endLogPos = readUint32(bytes, from + 13);
    if (type === eventType.heartbeat && this.#isSearching && this.group === 'none' && endLogPos > 0) {
      this.file = bytes.toString('utf8', from + headerBytes, end);
      this.offset = endLogPos;
      if (this.#isElsewhere) this.#moveTo();
    }
    this.flushMove();
    if (!this.#isBeyondReach) this.out.push({ kind: 'alive', position: this.position });
  }

  #end(utcSeconds: number): void {
    this.pendingGtid?.();
    this.pendingGtid = null;
    this.group = 'none';
    this.hasRows = false;
    this.isSkipped = false;
    this.isWithoutEffect = false;
    this.#utcSeconds = utcSeconds;
    this.#moveTo();
  }

  begin(group: Group, start: number): void {
    if (this.hasRows) throw corruptEvent('a transaction without an end', renderPlace(this));
    if (this.group === 'open' || this.group === 'standalone') this.pendingGtid?.();
    this.pendingGtid = null;
    this.group = group;
    this.hasBegun = true;
    this.#begin.file = this.file;
    this.#begin.offset = start;
    this.isSkipped = this.#rolledBack.size > 0 && this.#rolledBack.has(placeKey({ ...this.#begin, ...this.#server }));
  }

  commit(utcSeconds: number): void {
    const hadRows = this.hasRows;
    this.#end(utcSeconds);
    if (!hadRows || this.#isBeyondReach) return;
    this.#hasMoved = false;
    this.out.push({ kind: 'commit', position: this.#moved(), utcSeconds });
  }

  rollback(utcSeconds: number): void {
    const hadRows = this.hasRows;
    const begin = { ...this.#begin, ...this.#server, gtidSet: this.#committed.gtidSet };
    this.#end(utcSeconds);
    if (!hadRows) return;
    this.#hasMoved = false;
    this.out.push({ kind: 'rollback', begin, position: this.#moved() });
  }

  /** A file that ends inside a transaction: the server crashed while writing it, and has undone it since. */
  endBroken(): void {
    const hadRows = this.hasRows;
    this.pendingGtid = null;
    this.group = 'none';
    this.hasRows = false;
    this.isSkipped = false;
    if (!hadRows) return;
    const begin = { ...this.#begin, ...this.#server, gtidSet: this.#committed.gtidSet };
    this.out.push({ kind: 'rollback', begin, position: this.position });
  }

  /** GTIDs were switched off: a set says no longer what was read, but file and offset do. */
  forgetGtids(): void {
    this.gtids = null;
    this.#committed.gtidSet = null;
  }

  /** Groups without selected rows are told once, before the next thing that matters or at the end of an arrival. */
  flushMove(): void {
    if (!this.#hasMoved || this.#isBeyondReach) return;
    this.#hasMoved = false;
    this.out.push({ kind: 'commit', position: this.#moved(), utcSeconds: this.#utcSeconds });
  }

  #moved(): BinlogPosition {
    if (this.gtids !== null) this.#committed.gtidSet = this.gtids.toString();
    return this.position;
  }

  /** What stands between groups (file headers, checkpoints) is behind us as well. */
  passBetweenGroups(): void {
    if (this.group === 'none' && !this.#isSearching && this.offset > this.#committed.offset) this.#moveTo();
  }

  schema(changes: readonly SchemaChange[], statement: string, utcSeconds: number): void {
    this.flushMove();
    this.#end(utcSeconds);
    this.#hasMoved = false;
    this.out.push({ kind: 'schema', changes, statement, position: this.#moved(), utcSeconds });
  }
}

function parseGtids(flavor: 'mysql' | 'mariadb', text: string): MysqlGtidSet | MariadbGtidPosition {
  const set = flavor === 'mysql' ? MysqlGtidSet.parse(text) : MariadbGtidPosition.parse(text);
  if (set !== null) return set;
  throw new SyncError('POSITION_LOST', {
    seen: `the checkpoint's GTID set ${text}`,
    wanted: flavor === 'mysql' ? 'a set like 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5' : 'a position like 0-1-100',
    fix: 'The checkpoint was taken on a server of another kind. Take the tables again (mcsync resnapshot).',
  });
}
