/**
 * The tunnel: batch upload sessions and downloads. In: table, partition, session ids, bodies. Out: what the server says of
 * a session, or rows. It never decides what became of a commit: whoever asked must look at the session's state.
 */
import type { Readable } from 'node:stream';
import { createInflate } from 'node:zlib';
import type { Clock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import type { ClosedBlock, CommitAnswer, UploadRef, UploadSession, UploadState, UploadStatus } from '../model/ports.js';
import { MaxComputeError } from './failures.js';
import type { Answer, AnswerStream, MaxComputeHttp } from './http.js';
import { instancePath, type Namespace, projectPath, tablePath } from './names.js';
import type { TunnelQuota } from './quota.js';
import { RecordReader } from './records/reader.js';
import { parseRecordType } from './records/types.js';
import type { RecordValue } from './records/values.js';

export interface TunnelSettings {
  readonly namespace: Namespace;
  readonly endpoint: string | null;
  readonly serviceEndpoint: string;
  readonly quotaName: string | null;
}

export interface DownloadedRows {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly RecordValue[])[];
}

const sessionHeaders = { 'x-odps-tunnel-version': '6', 'odps-tunnel-date-transform': 'v1' } as const;
/** Block ids are 0..19,999. */
export const blocksMax = 20_000;
/** Rows asked for at once: a cut answer is asked for again as a whole. */
const pageRows = 100_000;
/** A result is held in memory as a whole; data of that size is read by other means. */
const resultRowsMax = 5_000_000;

const uploadStatuses: ReadonlySet<string> = new Set<UploadStatus>([
  'NORMAL',
  'CLOSING',
  'COMMITTING',
  'CLOSED',
  'CANCELED',
  'EXPIRED',
  'CRITICAL',
]);

export class Tunnel {
  private readonly settings: TunnelSettings;
  private readonly service: MaxComputeHttp;
  private readonly connect: (endpoint: string) => MaxComputeHttp;
  private readonly quota: TunnelQuota;
  private readonly clock: Clock;
  private discovery: Promise<MaxComputeHttp> | null = null;

  constructor(
    settings: TunnelSettings,
    service: MaxComputeHttp,
    connect: (endpoint: string) => MaxComputeHttp,
    quota: TunnelQuota,
    clock: Clock,
  ) {
    this.settings = settings;
    this.service = service;
    this.connect = connect;
    this.quota = quota;
    this.clock = clock;
  }

  /** Finds the endpoint once; a failure is asked again next time. */
  http(): Promise<MaxComputeHttp> {
    this.discovery ??= this.discover().catch((error: unknown) => {
      this.discovery = null;
      throw error;
    });
    return this.discovery;
  }

  async createUpload(table: string, partition: string | null): Promise<UploadSession> {
    const http = await this.http();
    await this.quota.wait('sessions', table);
    const answer = await http.call({
      what: 'create an upload session',
      method: 'POST',
      path: tablePath(this.settings.namespace, table),
      query: { uploads: '', ...this.place(partition) },
      headers: sessionHeaders,
      // A session that is created twice leaves an empty one behind, which ends after a day.
      repeat: 'always',
      table,
    });
    const json = readJson(answer, 'create an upload session');
    if (typeof json.UploadID !== 'string' || json.UploadID === '') throw protocol('an upload session without UploadID');
    return { table, partition, uploadId: json.UploadID, initiatedMs: this.momentOf(json.Initiated, answer) };
  }

  async uploadState(ref: UploadRef): Promise<UploadState> {
    const http = await this.http();
    try {
      const answer = await http.call({
        what: 'read the state of an upload session',
        method: 'GET',
        path: tablePath(this.settings.namespace, ref.table),
        query: { uploadid: ref.uploadId, getblockid: 'true', ...this.place(ref.partition) },
        headers: sessionHeaders,
        repeat: 'always',
        table: ref.table,
      });
      return readState(readJson(answer, 'read the state of an upload session'));
    } catch (error) {
      if (error instanceof MaxComputeError && error.serverCode === 'NoSuchUpload')
        return { status: 'GONE', blocks: [] };
      throw error;
    }
  }

  async putBlock(ref: UploadRef, blockId: number, block: ClosedBlock): Promise<void> {
    const http = await this.http();
    await this.quota.wait('blocks', ref.table);
    try {
      await http.call({
        what: `send block ${blockId}`,
        method: 'PUT',
        path: tablePath(this.settings.namespace, ref.table),
        query: { uploadid: ref.uploadId, blockid: String(blockId), ...this.place(ref.partition) },
        headers: {
          ...sessionHeaders,
          'content-type': 'application/octet-stream',
          'content-encoding': 'deflate',
        },
        body: block.body,
        // The same id with the same bytes: the server keeps one of them.
        repeat: 'always',
        table: ref.table,
      });
    } catch (error) {
      if (error instanceof MaxComputeError && isSessionOver(error)) {
        throw new SyncError('UPLOAD_SESSION_LOST', {
          seen: error.seen,
          wanted: `upload session ${ref.uploadId} open for blocks`,
          fix: 'Nothing to do: its rows are read again and sent in a new session.',
          table: ref.table,
          cause: error,
        });
      }
      throw error;
    }
  }

  /** One POST, whatever comes of it. The server takes all blocks that it has: the list is compared before. */
  async commitUpload(ref: UploadRef): Promise<CommitAnswer> {
    try {
      const http = await this.http();
      return await this.quota.commit(ref.table, async () => {
        const answer = await http.call({
          what: 'commit an upload session',
          method: 'POST',
          path: tablePath(this.settings.namespace, ref.table),
          query: { uploadid: ref.uploadId, ...this.place(ref.partition) },
          headers: sessionHeaders,
          repeat: 'never',
          table: ref.table,
        });
        return readCommit(answer);
      });
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      const isRefusal = error instanceof MaxComputeError && error.status >= 400 && error.status < 500;
      return { kind: isRefusal ? 'refused' : 'unknown', reason: error.message };
    }
  }

  /** All rows that a query gave, through the instance tunnel: unlike the CSV result it tells NULL from a text. */
  downloadResult(instanceId: string): Promise<DownloadedRows> {
    return this.download(instancePath(this.settings.namespace, instanceId), {}, 'read the result of a query');
  }

  /** All rows of a table or partition, its partition columns left out. */
  downloadTable(table: string, partition: string | null): Promise<DownloadedRows> {
    return this.download(tablePath(this.settings.namespace, table), this.place(partition), `read table ${table}`);
  }

  async close(): Promise<void> {
    await this.discovery?.then((http) => http.close()).catch(() => undefined);
  }

  private async discover(): Promise<MaxComputeHttp> {
    if (this.settings.endpoint !== null) return this.connect(this.settings.endpoint);
    const { quotaName } = this.settings;
    const answer = await this.service.call({
      what: 'find the tunnel endpoint',
      method: 'GET',
      path: `${projectPath(this.settings.namespace)}/tunnel`,
      query: { service: '', ...(quotaName === null ? {} : { quotaName }) },
      repeat: 'always',
    });
    const host = answer.text.trim();
    // The answer is a bare host; the scheme is that of the service.
    if (!/^[A-Za-z0-9.[\]:_-]+$/.test(host)) throw protocol('a tunnel endpoint that is no host name');
    return this.connect(`${new URL(this.settings.serviceEndpoint).protocol}//${host}`);
  }

  private async download(path: string, place: Readonly<Record<string, string>>, what: string): Promise<DownloadedRows> {
    const http = await this.http();
    const session = readJson(
      await http.call({
        what,
        method: 'POST',
        path,
        query: { downloads: '', ...place },
        headers: sessionHeaders,
        repeat: 'always',
      }),
      what,
    );
    const { DownloadID: id, RecordCount: count } = session;
    if (typeof id !== 'string' || typeof count !== 'number') throw protocol('a download session without id or count');
    if (count > resultRowsMax) {
      throw new SyncError('TARGET_SQL_FAILED', {
        seen: `a result of ${count} rows`,
        wanted: `at most ${resultRowsMax} rows, which are held in memory`,
        fix: 'Write the result into a table (--into), or add a LIMIT.',
      });
    }
    const columns = readColumns(session.Schema);
    const rows: RecordValue[][] = [];
    for (let start = 0; start < count; start += pageRows) {
      const length = Math.min(pageRows, count - start);
      const query = { downloadid: id, data: '', rowrange: `(${start},${length})`, ...place };
      const page = await http.stream(
        { what, method: 'GET', path, query, headers: { 'x-odps-tunnel-version': '6' }, repeat: 'always' },
        (answer) => readPage(answer, columns, length),
      );
      for (const row of page) rows.push(row);
    }
    return { columns, rows };
  }

  private place(partition: string | null): Record<string, string> {
    const { quotaName } = this.settings;
    return { ...(partition === null ? {} : { partition }), ...(quotaName === null ? {} : { quotaName }) };
  }

  /** The session's own time, else the answer's, else ours. */
  private momentOf(initiated: unknown, answer: Answer): number {
    for (const text of [initiated, answer.headers.date]) {
      const moment = typeof text === 'string' ? Date.parse(text) : Number.NaN;
      if (Number.isFinite(moment)) return moment;
    }
    return this.clock.nowMs();
  }
}

function readState(json: Readonly<Record<string, unknown>>): UploadState {
  const status = String(json.Status ?? '').toUpperCase();
  if (!Array.isArray(json.UploadedBlockList)) throw protocol('an upload session without its block list');
  const blocks = json.UploadedBlockList.map((block: unknown) => {
    const { BlockID: id, RecordCount: rows } = block as Record<string, unknown>;
    if (typeof id !== 'number' || typeof rows !== 'number') throw protocol('a block without id or record count');
    return { id, rows };
  });
  return { status: uploadStatuses.has(status) ? (status as UploadStatus) : 'UNKNOWN', blocks };
}

/** Only a success that says nothing else counts as one: a commit still under way has an open end. */
function readCommit(answer: Answer): CommitAnswer {
  if (answer.text.trim() === '') return { kind: 'committed' };
  const { Status: status } = readJson(answer, 'commit an upload session');
  if (status === undefined || String(status).toUpperCase() === 'CLOSED') return { kind: 'committed' };
  return { kind: 'unknown', reason: `HTTP ${answer.status}, the session is ${String(status)}` };
}

function isSessionOver(error: MaxComputeError): boolean {
  return ['NoSuchUpload', 'StatusConflict', 'InvalidStatusChange'].includes(error.serverCode);
}

async function readPage(
  answer: AnswerStream,
  columns: DownloadedRows['columns'],
  wantedRows: number,
): Promise<RecordValue[][]> {
  const rows: RecordValue[][] = [];
  const reader = new RecordReader(
    columns.map((column) => parseRecordType(column.type)),
    (row) => rows.push([...row]),
  );
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

function readJson(answer: Answer, what: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(answer.text);
    if (typeof json === 'object' && json !== null) return json as Record<string, unknown>;
  } catch {
    // Told below, with the other forms of a wrong answer.
  }
  throw protocol(`HTTP ${answer.status} without a JSON object, asked to ${what}`);
}

function protocol(seen: string): SyncError {
  return new SyncError('TARGET_PROTOCOL', {
    seen,
    wanted: 'an answer as the tunnel gives it',
    fix: 'Check target.tunnelEndpoint; it is tried again by itself.',
  });
}
