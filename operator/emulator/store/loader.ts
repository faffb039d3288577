/**
 * Brings committed blocks into DuckDB, when a query or a download needs the table. Rows, and the note that they are there,
 * are one transaction: after a kill the journal and the notes together tell what is still to be loaded.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteString } from '../sql/quote.js';
import { BlockReader } from './block-reader.js';
import { partitionCondition, rowsName, type Table } from './catalog.js';
import { ChunkWriter } from './chunk-writer.js';
import { transaction } from './database.js';
import { createDecoder } from './decoder.js';
import type { Disk } from './disk.js';
import type { Segments } from './segments.js';
import type { Upload, Uploads } from './uploads.js';

/** So many rows may share a transaction; more sessions wait for the next one. */
const transactionRows = 1_000_000;

export class Loader {
  private readonly uploads: Uploads;
  private readonly segments: Segments;
  private readonly disk: Disk;

  constructor(uploads: Uploads, segments: Segments, disk: Disk) {
    this.uploads = uploads;
    this.segments = segments;
    this.disk = disk;
  }

  /** All that was committed to the table before this call is in DuckDB after it. Outside a transaction. */
  async load(connection: DuckDBConnection, table: Table): Promise<void> {
    let rest = [...this.uploads.waiting(table.id)];
    while (rest.length > 0) {
      this.disk.check();
      const group: Upload[] = [];
      let rows = 0;
      for (const upload of rest) {
        if (rows > transactionRows) break;
        group.push(upload);
        for (const block of upload.blocks.values()) rows += block.rows;
      }
      rest = rest.slice(group.length);
      await transaction(connection, async () => {
        for (const run of runsBetweenOverwrites(group)) await this.loadRun(connection, table, run);
        const ids = group.map((upload) => `(${quoteString(upload.id)})`);
        await connection.run(`INSERT INTO mcsync_loaded VALUES ${ids.join(', ')}`);
      });
      if (group.some((upload) => upload.overwrite)) table.version += 1;
      await this.uploads.loaded(group);
    }
  }

  /** Sessions of which only the first may overwrite, by one appender: making one costs more than loading a small block. */
  private async loadRun(connection: DuckDBConnection, table: Table, run: readonly Upload[]): Promise<void> {
    const rowsTable = rowsName(table.id);
    const first = run[0] as Upload;
    if (first.overwrite) {
      const where = first.partition === null ? '' : ` WHERE ${partitionCondition(table, first.partition)}`;
      await connection.run(`DELETE FROM ${rowsTable}${where}`);
    }
    const appender = await connection.createAppender(rowsTable);
    try {
      const rows = new ChunkWriter(appender, table.partitionColumns, table.columns);
      for (const upload of run) {
        rows.beginPartition(upload.partition ?? []);
        const columns = table.columns.slice(0, upload.columns);
        for (const block of upload.blocks.values()) {
          const reader = new BlockReader(columns, rows);
          const decoder = createDecoder(block.encoding, (bytes) => reader.push(bytes));
          for await (const piece of this.segments.read(block.extents)) await decoder.push(piece);
          await decoder.end();
          reader.end();
        }
      }
      rows.flush();
      appender.flushSync();
    } finally {
      appender.closeSync();
    }
  }
}

/** Cuts before each session that overwrites: what came before it must be in the table by then. */
function runsBetweenOverwrites(group: readonly Upload[]): Upload[][] {
  const runs: Upload[][] = [];
  for (const upload of group) {
    const last = runs[runs.length - 1];
    if (last === undefined || upload.overwrite) runs.push([upload]);
    else last.push(upload);
  }
  return runs;
}
