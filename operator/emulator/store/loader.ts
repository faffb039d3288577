/**
 * Brings committed blocks into DuckDB, when a query or a download needs the table. Rows, and the note that they are there,
 * are one transaction: after a kill the journal and the notes together tell what is still to be loaded.
 */
import {
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBValue,
  VARCHAR,
} from '@duckdb/node-api';
import { RecordReader } from '../../maxcompute/records/reader.js';
import type { RecordValue } from '../../maxcompute/records/values.js';
import { columnType } from '../sql/column-types.js';
import { quoteString } from '../sql/quote.js';
import { partitionCondition, rowsName, type Table } from './catalog.js';
import { type Cell, cellOf } from './cells.js';
import { transaction } from './database.js';
import { createDecoder } from './decoder.js';
import type { Segments } from './segments.js';
import type { Upload, Uploads } from './uploads.js';

/** DuckDB's own vector size: a chunk holds no more. */
const chunkRows = 2048;
/** So many rows may share a transaction; more sessions wait for the next one. */
const transactionRows = 1_000_000;

export class Loader {
  private readonly uploads: Uploads;
  private readonly segments: Segments;

  constructor(uploads: Uploads, segments: Segments) {
    this.uploads = uploads;
    this.segments = segments;
  }

  /** All that was committed to the table before this call is in DuckDB after it. Outside a transaction. */
  async load(connection: DuckDBConnection, table: Table): Promise<void> {
    let rest = [...this.uploads.waiting(table.id)];
    while (rest.length > 0) {
      const group: Upload[] = [];
      let rows = 0;
      for (const upload of rest) {
        if (rows > transactionRows) break;
        group.push(upload);
        for (const block of upload.blocks.values()) rows += block.rows;
      }
      rest = rest.slice(group.length);
      await transaction(connection, async () => {
        for (const upload of group) await this.loadUpload(connection, table, upload);
      });
      if (group.some((upload) => upload.overwrite)) table.version += 1;
      await this.uploads.loaded(group);
    }
  }

  private async loadUpload(connection: DuckDBConnection, table: Table, upload: Upload): Promise<void> {
    const rowsTable = rowsName(table.id);
    if (upload.overwrite) {
      const where = upload.partition === null ? '' : ` WHERE ${partitionCondition(table, upload.partition)}`;
      await connection.run(`DELETE FROM ${rowsTable}${where}`);
    }
    const appender = await connection.createAppender(rowsTable);
    try {
      const rows = new RowChunks(table, upload, appender);
      for (const block of upload.blocks.values()) {
        const reader = new RecordReader(rows.types, (row) => rows.add(row));
        const decoder = createDecoder(block.encoding, (bytes) => reader.push(bytes));
        for await (const piece of this.segments.read(block.extents)) await decoder.push(piece);
        await decoder.end();
        reader.end();
      }
      rows.flush();
      appender.flushSync();
    } finally {
      appender.closeSync();
    }
    await connection.run(`INSERT INTO mcsync_loaded VALUES (${quoteString(upload.id)})`);
  }
}

/** Collects rows by column and appends them in chunks of DuckDB's size. */
class RowChunks {
  private readonly cells: readonly Cell[];
  private readonly columns: DuckDBValue[][];
  private readonly chunk: DuckDBDataChunk;
  private readonly appender: DuckDBAppender;
  private readonly firstData: number;
  private rows = 0;

  constructor(table: Table, upload: Upload, appender: DuckDBAppender) {
    this.appender = appender;
    this.firstData = table.partitionColumns.length;
    this.cells = table.columns.map((column) => cellOf(column.type)).slice(0, upload.columns);
    const ducks = [
      ...table.partitionColumns.map((column) => cellOf(column.type).duck),
      ...table.columns.map((column) => cellOf(column.type).duck),
    ];
    this.columns = ducks.map(() => new Array<DuckDBValue>(chunkRows).fill(null));
    table.partitionColumns.forEach((column, index) => {
      const text = (upload.partition as readonly string[])[index] as string;
      this.columns[index]?.fill(partitionValue(column.type, text));
    });
    this.chunk = DuckDBDataChunk.create(ducks, chunkRows);
  }

  get types(): Cell['type'][] {
    return this.cells.map((cell) => cell.type);
  }

  add(row: readonly RecordValue[]): void {
    for (let index = 0; index < this.cells.length; index += 1) {
      const value = row[index] as RecordValue;
      (this.columns[this.firstData + index] as DuckDBValue[])[this.rows] =
        value === null ? null : (this.cells[index] as Cell).toDuck(value);
    }
    this.rows += 1;
    if (this.rows === chunkRows) this.flush();
  }

  flush(): void {
    if (this.rows === 0) return;
    const isFull = this.rows === chunkRows;
    this.chunk.reset();
    this.chunk.setColumns(isFull ? this.columns : this.columns.map((column) => column.slice(0, this.rows)));
    this.appender.appendDataChunk(this.chunk);
    this.rows = 0;
  }
}

/** Partition values are texts on the wire, whatever type the column has. */
function partitionValue(type: string, text: string): DuckDBValue {
  if (columnType(type)?.duck === 'BIGINT') return BigInt(text);
  return cellOf(type).duck === VARCHAR ? text : Number(text);
}
