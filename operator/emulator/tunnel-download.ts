/** Downloads of tables and of query results: a session with a number of rows, then ranges of them as record streams. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { createDeflate } from 'node:zlib';
import type { DuckDBValue } from '@duckdb/node-api';
import type { RecordValue } from '../maxcompute/records/values.js';
import { RecordWriter } from '../maxcompute/records/writer.js';
import { type Context, parsePartition, projectOf, tableOf, tunnelSchema } from './context.js';
import type { Answer, Request } from './http.js';
import { invalidArgument, noSuchPartition, ServiceError } from './service-error.js';
import { quoteName } from './sql/quote.js';
import { type Column, partitionCondition, partitionKey, rowsName, type Table } from './store/catalog.js';
import { cellOf } from './store/cells.js';
import type { Database } from './store/database.js';
import type { TablePath } from './tunnel-upload.js';

interface Download {
  readonly id: string;
  readonly rowCount: number;
  readonly columns: readonly Column[];
  readonly partitionColumns: readonly Column[];
  /** DuckDB's expression of each column; two columns of a result may have one name. */
  readonly values: readonly string[];
  readonly from: string;
  /** Why the rows are no longer what was counted, or null. */
  readonly outdated: () => ServiceError | null;
}

/** Manual: rows that an instance tunnel gives with its limit switched on. */
const limitedRows = 10_000;
/** So many download sessions are remembered. */
const downloadsMax = 10_000;
/** Record bytes go out in pieces of about this size. */
const pieceBytes = 256 * 1024;

export class Downloads {
  private readonly context: Context;
  private readonly sessions = new Map<string, Download>();

  constructor(context: Context) {
    this.context = context;
  }

  async createForTable(path: TablePath, request: Request): Promise<Answer> {
    const { context } = this;
    const table = tableOf(context, projectOf(context, path.project), path.schema, path.table);
    const where = this.partitionOf(table, request.query.get('partition') ?? '');
    const from = `${rowsName(table.id)}${where}`;
    const { rowCount, version } = await context.database.exclusive(async (connection) => {
      await context.loader.load(connection, table);
      const answer = await connection.runAndReadAll(`SELECT count(*) FROM ${from}`);
      return { rowCount: Number(answer.getRows()[0]?.[0]), version: table.version };
    });
    return this.remember({
      rowCount,
      columns: table.columns,
      partitionColumns: table.partitionColumns,
      values: table.columns.map((column) => quoteName(column.name)),
      from,
      outdated: () =>
        context.catalog.get(table.id)?.version === version
          ? null
          : new ServiceError(409, 'TableModified', 'The table was changed after the download session was created.'),
    });
  }

  createForInstance(projectName: string, instanceId: string, request: Request): Answer {
    const { context } = this;
    const instance = context.instances.get(projectOf(context, projectName).name, instanceId);
    if (instance.status !== 'Terminated')
      throw new ServiceError(400, 'InstanceNotTerminate', 'The instance is still running.');
    if (instance.result?.kind !== 'rows') {
      throw new ServiceError(400, 'InstanceTypeNotSupported', 'Non select query not supported');
    }
    const { name, columns, rowCount } = instance.result;
    const isLimited = request.query.has('instance_tunnel_limit_enabled');
    return this.remember({
      rowCount: isLimited ? Math.min(rowCount, limitedRows) : rowCount,
      columns: columns.map((column) => ({ ...column, comment: '', isNullable: true })),
      partitionColumns: [],
      values: columns.map((_, index) => `c${index}`),
      from: `results.main.${name}`,
      outdated: () =>
        context.engine.hasResult(name)
          ? null
          : new ServiceError(404, 'NoSuchData', 'The result was dropped: run the query again.'),
    });
  }

  status(request: Request): Answer {
    return sessionAnswer(this.find(request));
  }

  async data(request: Request): Promise<Answer> {
    const download = this.find(request);
    const outdated = download.outdated();
    if (outdated !== null) throw outdated;
    if (request.query.has('arrow'))
      throw new ServiceError(400, 'NotImplemented', 'This emulator sends records, not Arrow.');
    const range = /^\((\d+),(\d+)\)$/.exec((request.query.get('rowrange') ?? '').replaceAll(' ', ''));
    if (range === null) throw new ServiceError(400, 'InvalidRowRange', 'A rowrange is (start,count).');
    const [start, count] = [Number(range[1]), Number(range[2])];
    if (start > download.rowCount)
      throw new ServiceError(400, 'InvalidRowRange', `The download has ${download.rowCount} rows.`);
    const columns = wantedColumns(download, request.query.get('columns'));
    const values = columns.map(({ sql }) => sql);
    const sql = `SELECT ${values.join(', ')} FROM ${download.from} LIMIT ${Math.min(count, download.rowCount - start)} OFFSET ${start}`;
    const records = recordStream(
      this.context.database,
      sql,
      columns.map(({ column }) => column),
    );
    const deflates = /\bdeflate\b/.test(String(request.raw.headers['accept-encoding'] ?? ''));
    return {
      status: 200,
      headers: { 'Content-Type': 'application/octet-stream', ...(deflates ? { 'Content-Encoding': 'deflate' } : {}) },
      body: deflates ? compressed(records) : records,
    };
  }

  private partitionOf(table: Table, spec: string): string {
    if (table.partitionColumns.length === 0) {
      if (spec !== '') throw new ServiceError(400, 'InvalidPartitionSpec', 'The table has no partitions.');
      return '';
    }
    if (spec === '')
      throw new ServiceError(400, 'MissingPartitionSpec', 'The table has partitions; one must be named.');
    const values = parsePartition(table, spec, true);
    if (!table.partitions.has(partitionKey(values))) throw noSuchPartition();
    return ` WHERE ${partitionCondition(table, values)}`;
  }

  private remember(about: Omit<Download, 'id'>): Answer {
    const download: Download = { ...about, id: randomBytes(16).toString('hex') };
    this.sessions.set(download.id, download);
    if (this.sessions.size > downloadsMax) this.sessions.delete(this.sessions.keys().next().value as string);
    return sessionAnswer(download);
  }

  private find(request: Request): Download {
    const download = this.sessions.get(request.query.get('downloadid') ?? '');
    if (download === undefined) throw new ServiceError(404, 'NoSuchDownload', 'The specified download does not exist.');
    return download;
  }
}

/** In the order that was asked for: both official clients number the fields by it. */
function wantedColumns(download: Download, list: string | undefined): { column: Column; sql: string }[] {
  const all = download.columns.map((column, index) => ({ column, sql: download.values[index] as string }));
  if (list === undefined || list === '') return all;
  return list.split(',').map((name) => {
    const found = all.filter(({ column }) => column.name.toLowerCase() === name.trim().toLowerCase());
    if (found.length === 0) throw invalidArgument(`Column ${name} is not in the schema.`);
    if (found.length > 1) throw invalidArgument(`Column ${name} stands ${found.length} times in the result.`);
    return found[0] as (typeof all)[number];
  });
}

/** Opens nothing before its first piece is asked for: an answer that nobody reads leaves nothing behind. */
async function* recordStream(database: Database, sql: string, columns: readonly Column[]): AsyncGenerator<Uint8Array> {
  const connection = await database.connect();
  try {
    const cells = columns.map((column) => cellOf(column.type));
    const writer = new RecordWriter(cells.map((cell) => cell.type));
    const row = new Array<RecordValue>(cells.length).fill(null);
    const result = await connection.stream(sql);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      const values = chunk.getColumns();
      for (let index = 0; index < chunk.rowCount; index += 1) {
        for (let column = 0; column < cells.length; column += 1) {
          const value = (values[column] as DuckDBValue[])[index] as DuckDBValue;
          row[column] = value === null ? null : (cells[column]?.fromDuck(value) as RecordValue);
        }
        writer.write(row);
      }
      if (writer.pendingBytes >= pieceBytes) yield writer.take();
    }
    yield writer.finish();
  } finally {
    database.disconnect(connection);
  }
}

async function* compressed(records: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(records);
  const deflate = createDeflate();
  source.on('error', (error) => deflate.destroy(error));
  try {
    yield* source.pipe(deflate) as AsyncIterable<Uint8Array>;
  } finally {
    // A client that is gone ends the reading too.
    source.destroy();
  }
}

function sessionAnswer(download: Download): Answer {
  const body = {
    DownloadID: download.id,
    Status: 'normal',
    RecordCount: download.rowCount,
    Schema: tunnelSchema(download.columns, download.partitionColumns),
    QuotaName: 'default',
  };
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}
