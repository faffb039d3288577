/**
 * Downloads a table, a partition or the result of a query as a whole. In: where it stands on the tunnel. Out: its rows.
 * A page that comes cut or damaged is asked for again; rows are never given twice or left out.
 */
import type { Readable } from 'node:stream';
import { createInflate } from 'node:zlib';
import { SyncError } from '../base/errors.js';
import type { AnswerStream, MaxComputeHttp } from './http.js';
import { RecordReader } from './records/reader.js';
import { parseRecordType, type RecordType } from './records/types.js';
import type { RecordValue } from './records/values.js';
import { protocol, readJson, sessionHeaders } from './tunnel-answers.js';

export interface DownloadedRows {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly RecordValue[])[];
}

export interface DownloadPlace {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** For messages. */
  readonly what: string;
}

/** Rows asked for at once: a cut answer is asked for again as a whole. */
const pageRows = 100_000;
/** A result is held in memory as a whole; data of that size is read by other means. */
const resultRowsMax = 5_000_000;

export async function downloadRows(http: MaxComputeHttp, place: DownloadPlace): Promise<DownloadedRows> {
  const { path, what } = place;
  const answer = await http.call({
    what,
    method: 'POST',
    path,
    query: { downloads: '', ...place.query },
    headers: sessionHeaders,
    repeat: 'always',
  });
  const { DownloadID: id, RecordCount: count, Schema: schema } = readJson(answer, what);
  if (typeof id !== 'string' || typeof count !== 'number') throw protocol('a download session without id or count');
  if (count > resultRowsMax) {
    throw new SyncError('TARGET_SQL_FAILED', {
      seen: `a result of ${count} rows`,
      wanted: `at most ${resultRowsMax} rows, which are held in memory`,
      fix: 'Write the result into a table (--into), or add a LIMIT.',
    });
  }
  const columns = readColumns(schema);
  const types = columns.map((column) => parseRecordType(column.type));
  const rows: RecordValue[][] = [];
  for (let start = 0; start < count; start += pageRows) {
    const length = Math.min(pageRows, count - start);
    const query = { downloadid: id, data: '', rowrange: `(${start},${length})`, ...place.query };
    const page = await http.stream(
      { what, method: 'GET', path, query, headers: { 'x-odps-tunnel-version': '6' }, repeat: 'always' },
      (stream) => readPage(stream, types, length),
    );
    for (const row of page) rows.push(row);
  }
  return { columns, rows };
}

async function readPage(
  answer: AnswerStream,
  types: readonly RecordType[],
  wantedRows: number,
): Promise<RecordValue[][]> {
  const rows: RecordValue[][] = [];
  const reader = new RecordReader(types, (row) => rows.push([...row]));
  for await (const chunk of decoded(answer)) reader.push(chunk);
  reader.end();
  if (rows.length !== wantedRows) {
    throw new SyncError('DOWNLOAD_CORRUPT', {
      seen: `${rows.length} rows in an answer`,
      wanted: `the ${wantedRows} rows asked for`,
      fix: 'Nothing to do: they are asked for again.',
    });
  }
  return rows;
}

function decoded(answer: AnswerStream): AsyncIterable<Uint8Array> {
  const encoding = answer.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return answer.body;
  if (encoding !== 'deflate') throw protocol(`an answer with Content-Encoding ${encoding}`);
  const inflate = createInflate();
  answer.body.on('error', (error) => inflate.destroy(error));
  return answer.body.pipe(inflate) as Readable;
}

function readColumns(schema: unknown): { readonly name: string; readonly type: string }[] {
  const columns = (schema as { columns?: unknown } | undefined)?.columns;
  if (!Array.isArray(columns)) throw protocol('a download session without its schema');
  return columns.map((column: { name?: unknown; type?: unknown }) => ({
    name: String(column.name ?? ''),
    type: String(column.type ?? ''),
  }));
}
