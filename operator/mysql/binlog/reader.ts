/**
 * Events of the binary log to `ChangeEvent`s. In: event bytes in order. Out: rows, commits, rollbacks and schema changes of
 * the selected tables, lazily: the plan of a table is asked for when its table map comes. It knows no transport, and must
 * never pass over an event that may have changed a selected table.
 */
import { SyncError } from '../../base/errors.js';
import type { ChangeEvent, SchemaChange } from '../../model/change.js';
import { MariadbGtidPosition, MysqlGtidSet } from '../../model/gtid-set.js';
import type { BinlogPosition } from '../../model/position.js';
import type { TableName } from '../../model/source-table.js';
import { inflatePayload, readTransactionPayload } from './compressed.js';
import { startsInsideTransaction } from './damage.js';
import {
  checksumBytes,
  corruptEvent,
  eventType,
  hasValidChecksum,
  headerBytes,
  ignorableFlag,
  readServerVersion,
  readUint32,
  readUint48,
} from './event.js';
import { unsupportedEvent } from './failures.js';
import { readGtid, readMariadbGtid } from './gtid-event.js';
import { KnownTables, type Place, renderPlace } from './known-tables.js';
import { LogProgress } from './progress.js';
import { type QueryEvent, statementOffset } from './query-event.js';
import { BinlogRowBatch, type RowsEvent } from './row-batch.js';
import { changesOf, loadQueryBytes, readStatementEvent, type StatementOptions } from './statement-effect.js';
import type { Arrival } from './transport.js';

export interface ReaderOptions extends StatementOptions {
  readonly from: BinlogPosition;
  /** Whose log it is, by `serverKey`; absent where nobody asks. */
  readonly server?: string;
  readonly rolledBack: ReadonlySet<string>;
  /** Whether events carry checksums before the first format description says so. */
  readonly hasChecksums: boolean;
  readonly onNulled: (table: TableName, columnName: string) => void;
  /** Told an event that cannot be read (`BINLOG_CORRUPT`), which ends the arrival. Absent: it is thrown. */
  readonly onCorrupt?: (error: SyncError) => void;
}

export class BinlogReader {
  readonly #options: ReaderOptions;
  readonly #progress: LogProgress;
  readonly #tables: KnownTables;
  #hasChecksums: boolean;
  #version = 0;
  #bornSeconds: number | null = null;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#progress = new LogProgress(options);
    this.#tables = new KnownTables(options.planOf, options.onNulled);
    this.#hasChecksums = options.hasChecksums;
  }

  /** Where a checkpoint may stand: after the last transaction that has ended. */
  get position(): BinlogPosition {
    return this.#progress.position;
  }

  /** End of the event read last. */
  get place(): Place {
    return { file: this.#progress.file, offset: this.#progress.offset };
  }

  /** When the server began the file that is being read, to the second; null before its first event. */
  get bornSeconds(): number | null {
    return this.#bornSeconds;
  }

  *read(arrival: Arrival): Generator<ChangeEvent, void, undefined> {
    const { buffers, froms, tos } = arrival;
    const { out } = this.#progress;
    try {
      for (let index = 0; index < tos.length; index += 1) {
        this.#take(buffers[index] as Buffer, froms[index] as number, tos[index] as number);
        if (out.length === 0) continue;
        yield* out;
        out.length = 0;
      }
    } catch (error) {
      const { onCorrupt } = this.#options;
      if (onCorrupt === undefined || !(error instanceof SyncError) || error.code !== 'BINLOG_CORRUPT') throw error;
      onCorrupt(error);
      return;
    }
    if (this.#progress.group === 'none') this.#tables.trim();
    this.#progress.flushMove();
    yield* out;
    out.length = 0;
  }

  #take(bytes: Buffer, from: number, to: number): void {
    const progress = this.#progress;
    if (to - from < headerBytes || readUint32(bytes, from + 9) !== to - from) {
      throw corruptEvent(`an event of ${to - from} bytes that says it has ${readUint32(bytes, from + 9)}`, this.#place);
    }
    const type = bytes[from + 4] as number;
    if (type === eventType.rotate) {
      // The server makes some of these itself, when it is not yet sure whether the file has checksums.
      const isSummed = hasValidChecksum(bytes, from, to);
      progress.rotate(bytes, from + headerBytes, isSummed ? to - checksumBytes : to);
      return;
    }
    if (type === eventType.formatDescription) {
      this.#hasChecksums = bytes[to - checksumBytes - 1] === 1;
      this.#version = readServerVersion(bytes, from);
      this.#bornSeconds = readUint32(bytes, from);
      progress.endBroken();
      progress.describeFile(this.#bornSeconds);
    }
    let end = to;
    if (this.#hasChecksums) {
      end = to - checksumBytes;
      if (!hasValidChecksum(bytes, from, to)) throw corruptEvent('an event whose checksum is wrong', this.#place);
    }
    if (type === eventType.heartbeat || type === eventType.heartbeatV2) {
      progress.heartbeat(type, bytes, from, end);
      return;
    }
    const start = progress.offset;
    progress.advance(readUint32(bytes, from + 13), to - from);
    this.#walk(bytes, from, end, start);
    progress.passBetweenGroups();
  }

  /** `start` is where the event begins in its file. */
  #walk(bytes: Buffer, from: number, end: number, start: number): void {
    const body = from + headerBytes;
    const type = bytes[from + 4] as number;
    switch (type) {
      case eventType.tableMap:
        if (!this.#progress.hasBegun) throw startsInsideTransaction(this.#place);
        this.#tables.learn(bytes, body, end, this.#progress);
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
        if (!this.#progress.hasBegun) throw startsInsideTransaction(this.#place);
        this.#progress.commit(readUint32(bytes, from));
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
        throw unsupportedEvent(
          'an incident event: the server lost changes before it could log them',
          this.#place,
          null,
        );
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
        throw unsupportedEvent(`an event of type ${type}`, this.#place, null);
    }
  }

  #gtid(type: number, bytes: Buffer, from: number, end: number, start: number): void {
    const body = from + headerBytes;
    if (type === eventType.mariadbGtid) {
      const gtid = readMariadbGtid(bytes, body, end);
      this.#progress.begin(gtid.isStandalone ? 'standalone' : 'transaction', start);
      this.#progress.isWithoutEffect = gtid.isWithoutEffect;
      const serverId = readUint32(bytes, from + 5);
      const { domain, sequence } = gtid;
      this.#progress.pendingGtid = () => {
        if (this.#progress.gtids instanceof MariadbGtidPosition) this.#progress.gtids.add(domain, serverId, sequence);
      };
      return;
    }
    this.#progress.begin('open', start);
    if (type === eventType.anonymousGtid) this.#progress.forgetGtids();
    if (this.#progress.gtids === null) return;
    const { source, number } = readGtid(type === eventType.gtidTagged, bytes, body, end);
    if (!Number.isSafeInteger(number)) throw unsupportedEvent('a GTID number beyond 2^53', this.#place, null);
    this.#progress.pendingGtid = () => {
      if (this.#progress.gtids instanceof MysqlGtidSet) this.#progress.gtids.add(source, number);
    };
  }

  #query(type: number, bytes: Buffer, from: number, end: number, start: number): void {
    const body = from + headerBytes;
    const utcSeconds = readUint32(bytes, from);
    const textAt = statementOffset(bytes, body, type === eventType.executeLoadQuery ? loadQueryBytes : 0);
    if (type === eventType.query) {
      if (isWord(bytes, textAt, end, 'BEGIN')) {
        if (this.#progress.group === 'none') this.#progress.begin('transaction', start);
        this.#progress.group = 'transaction';
        return;
      }
      if (isWord(bytes, textAt, end, 'COMMIT')) {
        this.#progress.commit(utcSeconds);
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
      this.#progress.group = 'transaction';
      return;
    }
    if (first === 'ROLLBACK' && second !== 'TO') {
      this.#progress.rollback(utcSeconds);
      return;
    }
    if (first === 'ROLLBACK' && this.#progress.hasRows) {
      throw unsupportedEvent('a ROLLBACK TO SAVEPOINT after rows of selected tables', this.#place, null);
    }
    const isInTransaction = this.#progress.group === 'transaction';
    const isIdle = this.#progress.isWithoutEffect || first === 'ROLLBACK' || first === 'SAVEPOINT';
    const changes = isIdle
      ? []
      : changesOf(query, { utcSeconds, version: this.#version, place: this.#place }, this.#options);
    if (isInTransaction && changes.length === 0) return;
    if (isInTransaction) {
      throw unsupportedEvent(
        'a schema statement inside a transaction',
        this.#place,
        (changes[0] as SchemaChange).table,
      );
    }
    if (changes.length === 0) {
      this.#progress.commit(utcSeconds);
      return;
    }
    this.#progress.schema(changes, text, utcSeconds);
  }

  #xaPrepare(isOnePhase: boolean, utcSeconds: number): void {
    if (this.#progress.hasRows && !isOnePhase) {
      throw unsupportedEvent('a prepared XA transaction, which may still be rolled back', this.#place, null);
    }
    this.#progress.commit(utcSeconds);
  }

  #payload(bytes: Buffer, body: number, end: number, start: number): void {
    const payload = readTransactionPayload(bytes, body, end);
    if (typeof payload.compression === 'number') {
      throw unsupportedEvent(`a transaction compressed by algorithm ${payload.compression}`, this.#place, null);
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

  #rows(kind: RowsEvent['kind'], bytes: Buffer, from: number, end: number): void {
    const progress = this.#progress;
    if (progress.isSkipped) return;
    const event = this.#tables.read(kind, bytes, from, end, progress);
    if (event === null) return;
    progress.flushMove();
    progress.hasRows = true;
    progress.out.push({ kind: 'rows', batch: new BinlogRowBatch(event) });
  }

  #partialUpdate(bytes: Buffer, body: number): void {
    const selected = this.#tables.selected(readUint48(bytes, body));
    if (selected === null) return;
    const seen = 'an update that holds parts of JSON values (binlog_row_value_options=PARTIAL_JSON)';
    throw unsupportedEvent(seen, this.#place, selected.name);
  }

  get #place(): string {
    return renderPlace(this.#progress);
  }
}

function isWord(bytes: Buffer, at: number, end: number, word: 'BEGIN' | 'COMMIT'): boolean {
  if (end - at !== word.length) return false;
  for (let index = 0; index < word.length; index += 1) {
    if ((bytes[at + index] as number) !== word.charCodeAt(index)) return false;
  }
  return true;
}
