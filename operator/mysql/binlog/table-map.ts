/**
 * TABLE_MAP events: the shape of a table as its rows were written. In: the event's body. Out: ids, names, types,
 * metadata; and the check that the schema we know for this position is the one the rows were written with.
 * Layout: Table_map_event in libs/mysql/binlog/event/rows_event.h; metadata per type in Field::do_save_field_metadata.
 */
import { SyncError } from '../../base/errors.js';
import type { SourceColumn, SourceType, TableName } from '../../model/source-table.js';
import { tableKey } from '../../model/source-table.js';
import type { TablePlan } from '../../model/table-plan.js';
import { wireType } from '../cells/wire.js';
import { packedLengthBytes, readPackedLength, readUint48 } from './event.js';

export interface TableMap {
  readonly tableId: number;
  readonly name: TableName;
  /** Type code and metadata per column. Metadata of two bytes is read little-endian: `first | second << 8`. */
  readonly types: Uint8Array;
  readonly metadata: Uint16Array;
  /** Column names where the server writes full metadata (`binlog_row_metadata=FULL`); else null. */
  readonly columnNames: readonly string[] | null;
  /** Per column whether a number is unsigned, where the server writes it; null for other types. */
  readonly unsigned: readonly (boolean | null)[] | null;
}

/** Bytes of metadata per type; none for types not listed. */
const metadataBytes: Readonly<Record<number, 1 | 2>> = {
  [wireType.float]: 1,
  [wireType.double]: 1,
  [wireType.varchar]: 2,
  [wireType.bit]: 2,
  [wireType.timestamp2]: 1,
  [wireType.dateTime2]: 1,
  [wireType.time2]: 1,
  [wireType.blobCompressed]: 1,
  [wireType.varcharCompressed]: 2,
  [wireType.vector]: 1,
  [wireType.json]: 1,
  [wireType.newDecimal]: 2,
  [wireType.enum]: 2,
  [wireType.set]: 2,
  [wireType.tinyBlob]: 1,
  [wireType.mediumBlob]: 1,
  [wireType.longBlob]: 1,
  [wireType.blob]: 1,
  [wireType.varString]: 2,
  [wireType.string]: 2,
  [wireType.geometry]: 1,
};

export function readTableMapName(bytes: Buffer, body: number): TableName {
  const databaseAt = body + 9;
  const tableAt = databaseAt + (bytes[databaseAt - 1] as number) + 2;
  return {
    database: bytes.toString('utf8', databaseAt, tableAt - 2),
    table: bytes.toString('utf8', tableAt, tableAt + (bytes[tableAt - 1] as number)),
  };
}

export function readTableMap(bytes: Buffer, body: number, to: number): TableMap {
  const name = readTableMapName(bytes, body);
  const databaseEnd = body + 9 + (bytes[body + 8] as number);
  let at = databaseEnd + 2 + (bytes[databaseEnd + 1] as number) + 1;
  const count = readPackedLength(bytes, at);
  at += packedLengthBytes(bytes[at] as number);
  const types = new Uint8Array(bytes.subarray(at, at + count));
  at += count;
  const metadataLength = readPackedLength(bytes, at);
  at += packedLengthBytes(bytes[at] as number);
  const metadataEnd = at + metadataLength;
  const metadata = new Uint16Array(count);
  for (let column = 0; column < count; column += 1) {
    const width = metadataBytes[types[column] as number] ?? 0;
    if (width === 1) metadata[column] = bytes[at] as number;
    else if (width === 2) metadata[column] = bytes.readUInt16LE(at);
    at += width;
  }
  const optional = readOptionalMetadata(bytes, metadataEnd + ((count + 7) >> 3), to, types, metadata);
  return { tableId: readUint48(bytes, body), name, types, metadata, ...optional };
}

/** Fields of the optional metadata that are used (Table_map_event::Optional_metadata_field_type). */
const signednessField = 1;
const columnNameField = 4;

function readOptionalMetadata(
  bytes: Buffer,
  from: number,
  to: number,
  types: Uint8Array,
  metadata: Uint16Array,
): Pick<TableMap, 'columnNames' | 'unsigned'> {
  let columnNames: string[] | null = null;
  let unsigned: (boolean | null)[] | null = null;
  let at = from;
  while (at < to) {
    const field = bytes[at] as number;
    const length = readPackedLength(bytes, at + 1);
    at += 1 + packedLengthBytes(bytes[at + 1] as number);
    const end = at + length;
    if (field === columnNameField) {
      columnNames = [];
      for (let name = at; name < end; ) {
        const nameBytes = readPackedLength(bytes, name);
        name += packedLengthBytes(bytes[name] as number);
        columnNames.push(bytes.toString('utf8', name, name + nameBytes));
        name += nameBytes;
      }
    } else if (field === signednessField) {
      let number = 0;
      unsigned = Array.from(types, (type, column) => {
        if (!isNumeric(realType(type, metadata[column] as number))) return null;
        const bit = ((bytes[at + (number >> 3)] as number) >> (7 - (number & 7))) & 1;
        number += 1;
        return bit === 1;
      });
    }
    at = end;
  }
  return { columnNames, unsigned };
}

/** Types that have a bit in the signedness field (is_numeric_type in sql/log_event.cc); YEAR is one. */
function isNumeric(type: number): boolean {
  return (
    type <= wireType.double ||
    type === wireType.longLong ||
    type === wireType.int24 ||
    type === wireType.year ||
    type === wireType.newDecimal
  );
}

/** ENUM and SET travel as STRING with their own code in the first byte of metadata. */
function realType(type: number, metadata: number): number {
  if (type !== wireType.string) return type;
  const first = metadata & 0xff;
  return first === wireType.enum || first === wireType.set ? first : type;
}

/** The last column of tables without a primary key on Aliyun RDS; information_schema does not show it. */
const hiddenKeyColumn = '__#alibaba_rds_row_id#__';

/**
 * True when the event has one column more than the plan, and it is RDS's hidden key. Throws `BINLOG_SCHEMA_MISMATCH`,
 * naming both sides, when the rows were written with another schema.
 */
export function checkTableMap(map: TableMap, plan: TablePlan, position: string): boolean {
  const wanted = plan.sourceColumns;
  const last = map.types.length - 1;
  const hasHiddenKey =
    last === wanted.length &&
    map.types[last] === wireType.longLong &&
    (map.columnNames === null || map.columnNames[last] === hiddenKeyColumn);
  if (!hasHiddenKey && map.types.length !== wanted.length) {
    throw mismatch(
      plan,
      position,
      `rows of ${map.types.length} columns${map.columnNames ? ` (${map.columnNames.join(', ')})` : ''}`,
      `${wanted.length} columns (${wanted.map((column) => column.name).join(', ')})`,
    );
  }
  wanted.forEach((column, index) => {
    const seenName = map.columnNames?.[index];
    if (seenName !== undefined && seenName !== column.name) {
      throw mismatch(
        plan,
        position,
        `column ${index + 1} is named ${seenName}`,
        `column ${index + 1} is ${column.name}`,
      );
    }
    const type = map.types[index] as number;
    const metadata = map.metadata[index] as number;
    const isUnsigned = map.unsigned?.[index] ?? null;
    const isSignKnown = isUnsigned !== null && column.type.kind === 'int';
    if (!fits(column.type, type, metadata) || (isSignKnown && isUnsigned !== isUnsignedInt(column))) {
      const sign = isSignKnown ? (isUnsigned ? ', unsigned' : ', signed') : '';
      throw mismatch(
        plan,
        position,
        `column ${column.name} with type code ${type}, metadata 0x${metadata.toString(16)}${sign}`,
        `column ${column.name} ${column.typeText}`,
      );
    }
  });
  return hasHiddenKey;
}

function isUnsignedInt(column: SourceColumn): boolean {
  return column.type.kind === 'int' && column.type.unsigned;
}

function fits(source: SourceType, type: number, metadata: number): boolean {
  const first = metadata & 0xff;
  const second = metadata >> 8;
  switch (source.kind) {
    case 'int':
      return (
        type ===
        { 1: wireType.tiny, 2: wireType.short, 3: wireType.int24, 4: wireType.long, 8: wireType.longLong }[source.bytes]
      );
    case 'decimal':
      return type === wireType.newDecimal && first === source.precision && second === source.scale;
    case 'float':
      return type === wireType.float;
    case 'double':
      return type === wireType.double;
    case 'bit':
      return type === wireType.bit && first + second * 8 === source.bits;
    case 'text':
    case 'bytes':
      return fitsCharacters(source.bytesMax, type, metadata);
    case 'date':
      return type === wireType.date;
    case 'datetime':
      return type === wireType.dateTime || (type === wireType.dateTime2 && first === source.fsp);
    case 'timestamp':
      return type === wireType.timestamp || (type === wireType.timestamp2 && first === source.fsp);
    case 'time':
      return type === wireType.time || (type === wireType.time2 && first === source.fsp);
    case 'year':
      return type === wireType.year;
    case 'enum':
    case 'set':
      return realType(type, metadata) === wireType[source.kind];
    case 'json':
      // MariaDB's JSON is LONGTEXT.
      return type === wireType.json || type === wireType.blob;
    case 'geometry':
      return type === wireType.geometry;
    case 'vector':
      return type === wireType.vector || type === wireType.varchar;
    case 'inet4':
    case 'inet6':
    case 'uuid':
      return type === wireType.string;
  }
}

/** Length in bytes of CHAR, VARCHAR and their binary kin; of a BLOB how many bytes its length takes. */
function fitsCharacters(bytesMax: number, type: number, metadata: number): boolean {
  switch (type) {
    case wireType.varchar:
    case wireType.varString:
      return metadata === bytesMax;
    case wireType.string:
      // Lengths above 255 put two bits into the type byte, inverted (Field_string::do_save_field_metadata).
      return ((metadata >> 8) | ((((metadata & 0x30) ^ 0x30) << 4) as number)) === bytesMax;
    case wireType.varcharCompressed:
      // One byte tells how the rest is packed.
      return metadata === bytesMax + 1;
    case wireType.blob:
    case wireType.blobCompressed:
      return metadata === (bytesMax <= 0xff ? 1 : bytesMax <= 0xffff ? 2 : bytesMax <= 0xff_ffff ? 3 : 4);
    default:
      return false;
  }
}

function mismatch(plan: TablePlan, position: string, seen: string, known: string): SyncError {
  return new SyncError('BINLOG_SCHEMA_MISMATCH', {
    seen: `the binary log holds ${seen}`,
    wanted: `${known}, as known for version ${plan.schemaVersion} of the schema`,
    fix: 'A schema change escaped the stream (a statement with sql_log_bin=0, or a change on a replica alone). Take the table again: mcsync resnapshot.',
    table: tableKey(plan.source),
    position,
  });
}
