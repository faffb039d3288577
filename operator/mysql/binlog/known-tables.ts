/**
 * Tables of the log by their ids, and rows events cut out of their bytes: which table, which bytes are row images. In: table
 * maps and rows events as they come. Out: what a `BinlogRowBatch` is made of. Rows that are not whole are an error.
 */
import type { TableName } from '../../model/source-table.js';
import type { TablePlan } from '../../model/table-plan.js';
import { inflateMariadb } from './compressed.js';
import {
  corruptEvent,
  eventType,
  headerBytes,
  packedLengthBytes,
  readPackedLength,
  readUint32,
  readUint48,
} from './event.js';
import { unsupportedEvent } from './failures.js';
import { compileRowReader, type RowReader, type RowsEvent } from './row-batch.js';
import { checkTableMap, readTableMap, readTableMapName } from './table-map.js';

/** Where an event ends, for errors. */
export interface Place {
  readonly file: string;
  readonly offset: number;
}

export function renderPlace(place: Place): string {
  return `${place.file}:${place.offset}`;
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

/** A rows event that only ends its statement (MySQL writes it for cleared maps). */
const dummyTableId = 0xff_ffff;

export class KnownTables {
  readonly #planOf: (name: TableName) => TablePlan | null;
  readonly #onNulled: (table: TableName, columnName: string) => void;
  readonly #tables = new Map<number, KnownTable>();

  constructor(planOf: (name: TableName) => TablePlan | null, onNulled: (table: TableName, columnName: string) => void) {
    this.#planOf = planOf;
    this.#onNulled = onNulled;
  }

  /** A table map: the plan is asked for each time, since a schema change may have come between. */
  learn(bytes: Buffer, body: number, end: number, place: Place): void {
    const tableId = readUint48(bytes, body);
    const known = this.#tables.get(tableId);
    const isSame = known !== undefined && isSameBody(known.body, bytes, body, end);
    const name = isSame ? known.name : readTableMapName(bytes, body);
    const plan = this.#planOf(name);
    if (isSame && known.plan === plan) return;
    this.#tables.set(tableId, {
      body: isSame ? known.body : Buffer.from(bytes.subarray(body, end)),
      name,
      plan,
      reader: plan === null ? null : this.#compile(plan, bytes, body, end, place),
    });
  }

  /** Between transactions: a statement's maps stand directly before its rows. */
  trim(): void {
    if (this.#tables.size > knownTablesMax) this.#tables.clear();
  }

  /** The name of the table where it is selected, or not known; null where it is not selected. */
  selected(tableId: number): { readonly name: TableName | null } | null {
    const known = this.#tables.get(tableId);
    return known?.reader === null ? null : { name: known?.name ?? null };
  }

  /** Null where the table is not selected. */
  read(kind: RowsEvent['kind'], bytes: Buffer, from: number, end: number, place: Place): RowsEvent | null {
    const type = bytes[from + 4] as number;
    const body = from + headerBytes;
    const tableId = readUint48(bytes, body);
    const known = this.#tables.get(tableId);
    if (known === undefined) {
      if (tableId === dummyTableId) return null;
      throw corruptEvent(`rows of table id ${tableId} without its table map`, renderPlace(place));
    }
    if (known.reader === null) return null;
    let at = body + 8;
    if (hasExtraData(type)) at += bytes.readUInt16LE(at);
    const columnCount = readPackedLength(bytes, at);
    at += packedLengthBytes(bytes[at] as number);
    const bitmapBytes = (columnCount + 7) >> 3;
    const bitmaps = kind === 'update' ? 2 : 1;
    if (columnCount !== known.reader.columnCount)
      throw corruptEvent('rows of another width than their table map', renderPlace(place));
    for (let image = 0; image < bitmaps; image += 1) {
      if (!areAllPresent(bytes, at, columnCount)) {
        throw unsupportedEvent(
          'rows without all their columns (binlog_row_image is not FULL)',
          renderPlace(place),
          known.name,
        );
      }
      at += bitmapBytes;
    }
    let images = bytes;
    let to = end;
    if (type >= eventType.mariadbWriteRowsCompressedV1) {
      const inflated = inflateMariadb(bytes.subarray(at, end));
      if (inflated === null) throw corruptEvent('compressed rows that cannot be inflated', renderPlace(place));
      images = inflated;
      at = 0;
      to = inflated.length;
    }
    const utcSeconds = readUint32(bytes, from);
    const { file, offset } = place;
    return { reader: known.reader, kind, utcSeconds, bytes: images, from: at, to, file, offset };
  }

  #compile(plan: TablePlan, bytes: Buffer, body: number, end: number, place: Place): RowReader {
    const map = readTableMap(bytes, body, end);
    const hasHiddenKey = checkTableMap(map, plan, renderPlace(place));
    return compileRowReader(plan, map, hasHiddenKey, (columnName) => this.#onNulled(plan.source, columnName));
  }
}

/** A loop: for so few bytes a native comparison costs more. */
function isSameBody(known: Buffer, bytes: Buffer, body: number, end: number): boolean {
  if (known.length !== end - body) return false;
  for (let index = 0; index < known.length; index += 1) {
    if (known[index] !== bytes[body + index]) return false;
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
