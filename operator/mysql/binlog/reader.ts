/**
 * Events of the binary log to `ChangeEvent`s. In: event bytes in order. Out: rows, commits, rollbacks and schema changes of
 * the selected tables, lazily: the plan of a table is asked for when its table map comes. It knows no transport, keeps
 * the position (never inside a transaction), and must never pass over an event that may have changed a selected table.
 */
import { SyncError } from '../../base/errors.js';
import type { ChangeEvent, SchemaChange } from '../../model/change.js';
import { MariadbGtidPosition, MysqlGtidSet } from '../../model/gtid-set.js';
import type { BinlogPosition } from '../../model/position.js';
import { type TableName, tableKey } from '../../model/source-table.js';
import type { TablePlan } from '../../model/table-plan.js';
import { readStatement } from '../ddl/reader.js';
import type { StatementContext } from '../ddl/statement.js';
import { inflateMariadb, inflatePayload, readTransactionPayload } from './compressed.js';
import {
  checksumBytes,
  corruptEvent,
  eventType,
  hasValidChecksum,
  headerBytes,
  ignorableFlag,
  packedLengthBytes,
  readPackedLength,
  readServerVersion,
  readUint32,
  readUint48,
  readUint64,
} from './event.js';
import { readGtid, readMariadbGtid } from './gtid-event.js';
import { type QueryEvent, readQueryEvent, statementOffset } from './query-event.js';
import { BinlogRowBatch, compileRowReader, type RowReader } from './row-batch.js';
import { checkTableMap, readTableMap, readTableMapName } from './table-map.js';
import type { Arrival } from './transport.js';

export interface ReaderOptions {
  readonly flavor: 'mysql' | 'mariadb';
  readonly from: BinlogPosition;
  readonly planOf: (name: TableName) => TablePlan | null;
  readonly rolledBack: ReadonlySet<string>;
  /** Whether events carry checksums before the first format description says so. */
  readonly hasChecksums: boolean;
  /** `lower_case_table_names` is not 0: names in statements are folded before they are compared. */
  readonly foldsNames: boolean;
  /** Databases with selected tables; null where that is not known and each one may have some. */
  readonly selectedDatabases: ReadonlySet<string> | null;
  readonly tableDefaults: StatementContext['tableDefaults'];
  readonly onNulled: (table: TableName, columnName: string) => void;
}

interface KnownTable {
  /** Body of the table map, copied: the same bytes are the same shape. */
  readonly body: Buffer;
  readonly name: TableName;
  readonly plan: TablePlan | null;
  readonly reader: RowReader | null;
}

/** Table ids grow with every reopened table; beyond this many the maps of old ones are forgotten. */
const knownTablesMax = 4_096;

type Group = 'none' | 'open' | 'transaction' | 'standalone';

export class BinlogReader {
  readonly #options: ReaderOptions;
  readonly #out: ChangeEvent[] = [];
  readonly #tables = new Map<number, KnownTable>();
  readonly #gtids: MysqlGtidSet | MariadbGtidPosition | null;

  #file: string;
  /** End of the event read last. */
  #offset: number;
  #hasChecksums: boolean;
  #version = 0;
  /** Where a checkpoint may stand: after the last group that has ended. */
  #committed: { file: string; offset: number; gtidSet: string | null };
  #hasMoved = false;
  #utcSeconds = 0;

  /**
   * `open`: a GTID was read and what follows decides; `transaction`: ends with a commit or rollback; `standalone`: one
   * statement (MariaDB says so in the GTID event).
   */
  #group: Group = 'none';
  #begin = { file: '', offset: 0 };
  #isSkipped = false;
  /** MariaDB logs an ALTER in two phases: this is the first one, or one that failed. */
  #isWithoutEffect = false;
  #hasRows = false;
  #pendingGtid: (() => void) | null = null;

  constructor(options: ReaderOptions) {
    this.#options = options;
    const { from, flavor } = options;
    this.#file = from.file;
    this.#offset = from.offset;
    this.#hasChecksums = options.hasChecksums;
    this.#committed = { ...from };
    this.#gtids = from.gtidSet === null ? null : parseGtids(flavor, from.gtidSet);
  }

  *read(arrival: Arrival): Generator<ChangeEvent, void, undefined> {
    const { buffers, froms, tos } = arrival;
    const out = this.#out;
    for (let index = 0; index < tos.length; index += 1) {
      this.#take(buffers[index] as Buffer, froms[index] as number, tos[index] as number);
      if (out.length === 0) continue;
      yield* out;
      out.length = 0;
    }
    this.#flushMove();
    yield* out;
    out.length = 0;
  }

  // ------------------------------------------------------------------------------------------ one event

  #take(bytes: Buffer, from: number, to: number): void {
    if (to - from < headerBytes || readUint32(bytes, from + 9) !== to - from) {
      throw corruptEvent(`an event of ${to - from} bytes that says it has ${readUint32(bytes, from + 9)}`, this.#place);
    }
    const type = bytes[from + 4] as number;
    if (type === eventType.rotate) {
      // The server makes some of these itself, when it is not yet sure whether the file has checksums.
      const isSummed = hasValidChecksum(bytes, from, to);
      this.#rotate(bytes, from + headerBytes, isSummed ? to - checksumBytes : to);
      return;
    }
    if (type === eventType.formatDescription) {
      this.#hasChecksums = bytes[to - checksumBytes - 1] === 1;
      this.#version = readServerVersion(bytes, from);
      this.#endBrokenGroup();
    }
    let end = to;
    if (this.#hasChecksums) {
      end = to - checksumBytes;
      if (!hasValidChecksum(bytes, from, to)) throw corruptEvent('an event whose checksum is wrong', this.#place);
    }
    if (type === eventType.heartbeat || type === eventType.heartbeatV2) {
      this.#heartbeat(type, bytes, from, end);
      return;
    }
    const start = this.#offset;
    this.#advance(readUint32(bytes, from + 13), to - from);
    this.#walk(bytes, from, end, start);
    // What stands between groups (file headers, checkpoints) is behind us as well.
    if (this.#group === 'none' && this.#offset > this.#committed.offset && !this.#isSearching) this.#moveTo();
  }

  /** `start` is where the event begins in its file. */
  #walk(bytes: Buffer, from: number, end: number, start: number): void {
    const body = from + headerBytes;
    const type = bytes[from + 4] as number;
    switch (type) {
      case eventType.tableMap:
        this.#tableMap(bytes, body, end);
        break;
      case eventType.writeRowsV1:
      case eventType.writeRowsV2:
      case eventType.mariadbWriteRowsCompressedV1:
      case eventType.mariadbWriteRowsCompressed:
        this.#rows('insert', bytes, from, end);
        break;
      case eventType.updateRowsV1:
      case eventType.updateRowsV2:
      case eventType.mariadbUpdateRowsCompressedV1:
      case eventType.mariadbUpdateRowsCompressed:
        this.#rows('update', bytes, from, end);
        break;
      case eventType.deleteRowsV1:
      case eventType.deleteRowsV2:
      case eventType.mariadbDeleteRowsCompressedV1:
      case eventType.mariadbDeleteRowsCompressed:
        this.#rows('delete', bytes, from, end);
        break;
      case eventType.xid:
        this.#commit(readUint32(bytes, from));
        break;
      case eventType.gtid:
      case eventType.gtidTagged:
      case eventType.anonymousGtid:
      case eventType.mariadbGtid:
        this.#gtid(type, bytes, from, end, start);
        break;
      case eventType.query:
      case eventType.mariadbQueryCompressed:
      case eventType.executeLoadQuery:
        this.#query(type, bytes, from, end, start);
        break;
      case eventType.xaPrepare:
        this.#xaPrepare(bytes[body] === 1, readUint32(bytes, from));
        break;
      case eventType.transactionPayload:
        this.#payload(bytes, body, end, start);
        break;
      case eventType.partialUpdateRows:
        this.#partialUpdate(bytes, body);
        break;
      case eventType.incident:
        throw this.#unsupported('an incident event: the server lost changes before it could log them', null);
      case eventType.stop:
      case eventType.intvar:
      case eventType.appendBlock:
      case eventType.deleteFile:
      case eventType.beginLoadQuery:
      case eventType.rand:
      case eventType.userVar:
      case eventType.formatDescription:
      case eventType.ignorable:
      case eventType.rowsQuery:
      case eventType.previousGtids:
      case eventType.transactionContext:
      case eventType.viewChange:
      case eventType.mariadbAnnotateRows:
      case eventType.mariadbBinlogCheckpoint:
      case eventType.mariadbGtidList:
      case eventType.mariadbStartEncryption:
        break;
      default:
        if ((bytes.readUInt16LE(from + 17) & ignorableFlag) !== 0) return;
        throw this.#unsupported(`an event of type ${type}`, null);
    }
  }

  // --------------------------------------------------------------------------------------------- position

  get #place(): string {
    return `${this.#file}:${this.#offset}`;
  }

  #position(): BinlogPosition {
    return { ...this.#committed };
  }

  /** end_log_pos is 0 inside MariaDB's transactions, and wraps at 4 GiB in a file that one transaction made larger. */
  #advance(endLogPos: number, eventBytes: number): void {
    if (endLogPos === 0) {
      if (this.#group !== 'none') this.#offset += eventBytes;
      return;
    }
    const wrap = 0x1_0000_0000;
    let end = endLogPos + Math.floor(this.#offset / wrap) * wrap;
    if (end < this.#offset - wrap / 2) end += wrap;
    // A format description that is sent again in the middle of a file tells its place at the beginning.
    this.#offset = Math.max(this.#offset, end);
  }

  /** A start by GTID set is sent the file that may hold its first transaction: until that one comes, `from` stands. */
  get #isSearching(): boolean {
    return this.#options.from.gtidSet !== null && this.#utcSeconds === 0;
  }

  #moveTo(): void {
    this.#committed.file = this.#file;
    this.#committed.offset = this.#offset;
    this.#hasMoved = true;
  }

  #rotate(bytes: Buffer, body: number, end: number): void {
    this.#endBrokenGroup();
    this.#file = bytes.toString('utf8', body + 8, end);
    this.#offset = readUint64(bytes, body);
    const { file, offset } = this.#committed;
    if (!this.#isSearching && (file !== this.#file || offset < this.#offset)) this.#moveTo();
  }

  /** Sent at the end of the log, with its place: what a start by GTID set has skipped is behind us then. */
  #heartbeat(type: number, bytes: Buffer, from: number, end: number): void {
    const endLogPos = readUint32(bytes, from + 13);
    if (type === eventType.heartbeat && this.#isSearching && this.#group === 'none' && endLogPos > 0) {
      this.#file = bytes.toString('utf8', from + headerBytes, end);
      this.#offset = endLogPos;
      const { file, offset } = this.#committed;
      if (file !== this.#file || offset < this.#offset) this.#moveTo();
    }
    this.#flushMove();
    this.#out.push({ kind: 'alive', position: this.#position() });
  }

  #endGroup(utcSeconds: number): void {
    this.#pendingGtid?.();
    this.#pendingGtid = null;
    this.#group = 'none';
    this.#hasRows = false;
    this.#isSkipped = false;
    this.#isWithoutEffect = false;
    this.#utcSeconds = utcSeconds;
    this.#moveTo();
    if (this.#tables.size > knownTablesMax) this.#tables.clear();
  }

  #beginGroup(group: Group, start: number): void {
    if (this.#hasRows) throw corruptEvent('a transaction without an end', this.#place);
    if (this.#group === 'open' || this.#group === 'standalone') this.#pendingGtid?.();
    this.#pendingGtid = null;
    this.#group = group;
    this.#begin.file = this.#file;
    this.#begin.offset = start;
    this.#isSkipped =
      this.#options.rolledBack.size > 0 && this.#options.rolledBack.has(`${this.#begin.file}:${this.#begin.offset}`);
  }

  #commit(utcSeconds: number): void {
    const hadRows = this.#hasRows;
    this.#endGroup(utcSeconds);
    if (!hadRows) return;
    this.#hasMoved = false;
    this.#out.push({ kind: 'commit', position: this.#moved(), utcSeconds });
  }

  #rollback(utcSeconds: number): void {
    const hadRows = this.#hasRows;
    const begin = { ...this.#begin, gtidSet: this.#committed.gtidSet };
    this.#endGroup(utcSeconds);
    if (!hadRows) return;
    this.#hasMoved = false;
    this.#out.push({ kind: 'rollback', begin, position: this.#moved() });
  }

  /** A file that ends inside a transaction: the server crashed while writing it, and has undone it since. */
  #endBrokenGroup(): void {
    const hadRows = this.#hasRows;
    this.#pendingGtid = null;
    this.#group = 'none';
    this.#hasRows = false;
    this.#isSkipped = false;
    if (!hadRows) return;
    const begin = { ...this.#begin, gtidSet: this.#committed.gtidSet };
    this.#out.push({ kind: 'rollback', begin, position: this.#position() });
  }

  /** Groups without selected rows are told once, before the next thing that matters or at the end of an arrival. */
  #flushMove(): void {
    if (!this.#hasMoved) return;
    this.#hasMoved = false;
    this.#out.push({ kind: 'commit', position: this.#moved(), utcSeconds: this.#utcSeconds });
  }

  #moved(): BinlogPosition {
    if (this.#gtids !== null) this.#committed.gtidSet = this.#gtids.toString();
    return this.#position();
  }

  // ----------------------------------------------------------------------------------------- transactions

  #gtid(type: number, bytes: Buffer, from: number, end: number, start: number): void {
    const body = from + headerBytes;
    if (type === eventType.mariadbGtid) {
      const gtid = readMariadbGtid(bytes, body, end);
      this.#beginGroup(gtid.isStandalone ? 'standalone' : 'transaction', start);
      this.#isWithoutEffect = gtid.isWithoutEffect;
      const serverId = readUint32(bytes, from + 5);
      const { domain, sequence } = gtid;
      this.#pendingGtid = () => {
        if (this.#gtids instanceof MariadbGtidPosition) this.#gtids.add(domain, serverId, sequence);
      };
      return;
    }
    this.#beginGroup('open', start);
    if (type === eventType.anonymousGtid || this.#gtids === null) return;
    const { source, number } = readGtid(type === eventType.gtidTagged, bytes, body, end);
    if (!Number.isSafeInteger(number)) throw this.#unsupported('a GTID number beyond 2^53', null);
    this.#pendingGtid = () => {
      if (this.#gtids instanceof MysqlGtidSet) this.#gtids.add(source, number);
    };
  }

  #query(type: number, bytes: Buffer, from: number, end: number, start: number): void {
    const body = from + headerBytes;
    const utcSeconds = readUint32(bytes, from);
    const textAt = statementOffset(bytes, body, type === eventType.executeLoadQuery ? loadQueryBytes : 0);
    if (type === eventType.query) {
      if (isWord(bytes, textAt, end, 'BEGIN')) {
        if (this.#group === 'none') this.#beginGroup('transaction', start);
        this.#group = 'transaction';
        return;
      }
      if (isWord(bytes, textAt, end, 'COMMIT')) {
        this.#commit(utcSeconds);
        return;
      }
    }
    const query = readStatementEvent(type, bytes, from, end);
    if (query === null) throw corruptEvent('a compressed statement that cannot be inflated', this.#place);
    this.#statement(query, utcSeconds);
  }

  #statement(query: QueryEvent, utcSeconds: number): void {
    const text = query.statement ?? '';
    const verb = /^\s*([a-z]+)(?:\s+([a-z]+))?/i.exec(text);
    const first = verb?.[1]?.toUpperCase() ?? '';
    const second = verb?.[2]?.toUpperCase() ?? '';
    if (first === 'XA' && (second === 'START' || second === 'BEGIN' || second === 'END')) {
      this.#group = 'transaction';
      return;
    }
    if (first === 'ROLLBACK' && second !== 'TO') {
      this.#rollback(utcSeconds);
      return;
    }
    if (first === 'ROLLBACK' && this.#hasRows) {
      throw this.#unsupported('a ROLLBACK TO SAVEPOINT after rows of selected tables', null);
    }
    const isInTransaction = this.#group === 'transaction';
    const isIdle = this.#isWithoutEffect || first === 'ROLLBACK' || first === 'SAVEPOINT';
    const changes = isIdle ? [] : this.#changesOf(query, utcSeconds);
    if (isInTransaction && changes.length === 0) return;
    if (isInTransaction) {
      throw this.#unsupported('a schema statement inside a transaction', (changes[0] as SchemaChange).table);
    }
    if (changes.length === 0) {
      this.#commit(utcSeconds);
      return;
    }
    this.#flushMove();
    this.#endGroup(utcSeconds);
    this.#hasMoved = false;
    this.#out.push({ kind: 'schema', changes, statement: text, position: this.#moved(), utcSeconds });
  }

  #changesOf(query: QueryEvent, utcSeconds: number): SchemaChange[] {
    if (query.statement === null) {
      return [{ kind: 'unreadable', table: null, what: 'a statement in a charset that cannot be decoded' }];
    }
    const { flavor, foldsNames, planOf, selectedDatabases, tableDefaults } = this.#options;
    const fold = (name: TableName): TableName =>
      foldsNames ? { database: name.database.toLowerCase(), table: name.table.toLowerCase() } : name;
    const isSelected = (name: TableName): boolean =>
      name.table === '' ? (selectedDatabases?.has(fold(name).database) ?? true) : planOf(fold(name)) !== null;
    const read = readStatement(query.statement, {
      ...query,
      flavor,
      version: this.#version,
      utcSeconds,
      tableDefaults: (name) => tableDefaults(fold(name)),
    });
    if (read.kind === 'rows') {
      const touched = read.tables === null ? null : read.tables.find(isSelected);
      if (touched === undefined) return [];
      throw this.#dmlAsStatement(touched);
    }
    return read.changes
      .map((change) => (change.table === null ? change : { ...change, table: fold(change.table) }))
      .filter((change) => change.table === null || isSelected(change.table));
  }

  #xaPrepare(isOnePhase: boolean, utcSeconds: number): void {
    if (this.#hasRows && !isOnePhase) {
      throw this.#unsupported('a prepared XA transaction, which may still be rolled back', null);
    }
    this.#commit(utcSeconds);
  }

  #payload(bytes: Buffer, body: number, end: number, start: number): void {
    const payload = readTransactionPayload(bytes, body, end);
    if (typeof payload.compression === 'number') {
      throw this.#unsupported(`a transaction compressed by algorithm ${payload.compression}`, null);
    }
    const events = inflatePayload(payload);
    if (events === null) throw corruptEvent('a compressed transaction that cannot be inflated', this.#place);
    for (let from = 0; from < events.length; ) {
      const to = from + (from + headerBytes <= events.length ? readUint32(events, from + 9) : 0);
      if (to < from + headerBytes || to > events.length) {
        throw corruptEvent('a compressed transaction whose events do not fit', this.#place);
      }
      this.#walk(events, from, to, start);
      from = to;
    }
  }

  // ------------------------------------------------------------------------------------------------- rows

  #tableMap(bytes: Buffer, body: number, end: number): void {
    const tableId = readUint48(bytes, body);
    const known = this.#tables.get(tableId);
    const isSame = known !== undefined && isSameBody(known.body, bytes, body, end);
    const name = isSame ? known.name : readTableMapName(bytes, body);
    const plan = this.#options.planOf(name);
    if (isSame && known.plan === plan) return;
    this.#tables.set(tableId, {
      body: isSame ? known.body : Buffer.from(bytes.subarray(body, end)),
      name,
      plan,
      reader: plan === null ? null : this.#compile(plan, bytes, body, end),
    });
  }

  #compile(plan: TablePlan, bytes: Buffer, body: number, end: number): RowReader {
    const map = readTableMap(bytes, body, end);
    const hasHiddenKey = checkTableMap(map, plan, this.#place);
    const { onNulled } = this.#options;
    return compileRowReader(plan, map, hasHiddenKey, (columnName) => onNulled(plan.source, columnName));
  }

  #rows(kind: 'insert' | 'update' | 'delete', bytes: Buffer, from: number, end: number): void {
    const type = bytes[from + 4] as number;
    const body = from + headerBytes;
    const tableId = readUint48(bytes, body);
    const known = this.#tables.get(tableId);
    if (known === undefined) {
      if (tableId === dummyTableId) return;
      throw corruptEvent(`rows of table id ${tableId} without its table map`, this.#place);
    }
    if (known.reader === null || this.#isSkipped) return;
    let at = body + 8;
    if (hasExtraData(type)) at += bytes.readUInt16LE(at);
    const columnCount = readPackedLength(bytes, at);
    at += packedLengthBytes(bytes[at] as number);
    const bitmapBytes = (columnCount + 7) >> 3;
    const bitmaps = kind === 'update' ? 2 : 1;
    if (columnCount !== known.reader.columnCount)
      throw corruptEvent('rows of another width than their table map', this.#place);
    for (let image = 0; image < bitmaps; image += 1) {
      if (!areAllPresent(bytes, at, columnCount)) {
        throw this.#unsupported('rows without all their columns (binlog_row_image is not FULL)', known.name);
      }
      at += bitmapBytes;
    }
    let images = bytes;
    let to = end;
    if (type >= eventType.mariadbWriteRowsCompressedV1) {
      const inflated = inflateMariadb(bytes.subarray(at, end));
      if (inflated === null) throw corruptEvent('compressed rows that cannot be inflated', this.#place);
      images = inflated;
      at = 0;
      to = inflated.length;
    }
    this.#flushMove();
    this.#hasRows = true;
    const utcSeconds = readUint32(bytes, from);
    const place = { file: this.#file, offset: this.#offset };
    const event = { reader: known.reader, kind, utcSeconds, bytes: images, from: at, to, ...place };
    this.#out.push({ kind: 'rows', batch: new BinlogRowBatch(event) });
  }

  #partialUpdate(bytes: Buffer, body: number): void {
    const known = this.#tables.get(readUint48(bytes, body));
    if (known?.reader === null) return;
    throw this.#unsupported(
      'an update that holds parts of JSON values (binlog_row_value_options=PARTIAL_JSON)',
      known?.name ?? null,
    );
  }

  // ------------------------------------------------------------------------------------------------ errors

  #unsupported(seen: string, table: TableName | null): SyncError {
    return new SyncError('BINLOG_EVENT_UNSUPPORTED', {
      seen,
      wanted:
        'whole rows of committed transactions (binlog_format=ROW, binlog_row_image=FULL, no PARTIAL_JSON, no XA on selected tables)',
      fix: 'Correct the setting on the server and in the sessions that write, then take the table again: mcsync resnapshot.',
      position: this.#place,
      ...(table === null ? {} : { table: tableKey(table) }),
    });
  }

  #dmlAsStatement(table: TableName | null): SyncError {
    return new SyncError('DML_AS_STATEMENT', {
      seen: 'a change logged as a statement',
      wanted: 'changes logged as rows (binlog_format=ROW in every session that writes)',
      fix: 'SET GLOBAL binlog_format = ROW; restart the sessions that write by statement, then take the table again: mcsync resnapshot.',
      position: this.#place,
      ...(table === null ? {} : { table: tableKey(table) }),
    });
  }
}

/** EXECUTE_LOAD_QUERY has file id, offsets of the file name and the duplicate flag before its status variables. */
const loadQueryBytes = 13;
/** A rows event that only ends its statement (MySQL writes it for cleared maps). */
const dummyTableId = 0xff_ffff;

function parseGtids(flavor: 'mysql' | 'mariadb', text: string): MysqlGtidSet | MariadbGtidPosition {
  const set = flavor === 'mysql' ? MysqlGtidSet.parse(text) : MariadbGtidPosition.parse(text);
  if (set !== null) return set;
  throw new SyncError('POSITION_LOST', {
    seen: `the checkpoint's GTID set ${text}`,
    wanted: flavor === 'mysql' ? 'a set like 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5' : 'a position like 0-1-100',
    fix: 'The checkpoint was taken on a server of another kind. Take the tables again (mcsync resnapshot).',
  });
}

/** Query, compressed query and LOAD DATA events; null when the text cannot be inflated. */
export function readStatementEvent(type: number, bytes: Buffer, from: number, end: number): QueryEvent | null {
  const body = from + headerBytes;
  const extraBytes = type === eventType.executeLoadQuery ? loadQueryBytes : 0;
  const text = bytes.subarray(statementOffset(bytes, body, extraBytes), end);
  const statement = type === eventType.mariadbQueryCompressed ? inflateMariadb(text) : text;
  return statement === null ? null : readQueryEvent(bytes, body, statement, extraBytes);
}

/** A loop: for so few bytes a native comparison costs more. */
function isSameBody(known: Buffer, bytes: Buffer, body: number, end: number): boolean {
  if (known.length !== end - body) return false;
  for (let index = 0; index < known.length; index += 1) {
    if (known[index] !== bytes[body + index]) return false;
  }
  return true;
}

function isWord(bytes: Buffer, at: number, end: number, word: 'BEGIN' | 'COMMIT'): boolean {
  if (end - at !== word.length) return false;
  for (let index = 0; index < word.length; index += 1) {
    if ((bytes[at + index] as number) !== word.charCodeAt(index)) return false;
  }
  return true;
}

function hasExtraData(type: number): boolean {
  return (
    (type >= eventType.writeRowsV2 && type <= eventType.deleteRowsV2) || type >= eventType.mariadbWriteRowsCompressed
  );
}

function areAllPresent(bytes: Buffer, at: number, columnCount: number): boolean {
  const whole = columnCount >> 3;
  for (let index = 0; index < whole; index += 1) {
    if (bytes[at + index] !== 0xff) return false;
  }
  const rest = (1 << (columnCount & 7)) - 1;
  return ((bytes[at + whole] as number) & rest) === rest;
}
