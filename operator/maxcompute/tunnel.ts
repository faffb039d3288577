/**
 * The tunnel: batch upload sessions and downloads. In: table, partition, session ids, bodies. Out: what the server says of
 * a session, or rows. It never decides what became of a commit: whoever asked must look at the session's state.
 */
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import type { ClosedBlock, CommitAnswer, UploadRef, UploadSession, UploadState, UploadStatus } from '../model/ports.js';
import { type DownloadedRows, downloadRows } from './download.js';
import { MaxComputeError } from './failures.js';
import type { Answer, MaxComputeHttp } from './http.js';
import { instancePath, type Namespace, projectPath, tablePath } from './names.js';
import type { TunnelQuota } from './quota.js';
import { protocol, readJson, sessionHeaders } from './tunnel-answers.js';

export interface TunnelSettings {
  readonly namespace: Namespace;
  readonly endpoint: string | null;
  readonly serviceEndpoint: string;
  readonly quotaName: string | null;
}

/** Block ids are 0..19,999. */
const blocksMax = 20_000;

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
    assert(blockId >= 0 && blockId < blocksMax, `a session has at most ${blocksMax} blocks`);
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
    return this.download(instancePath(this.settings.namespace, instanceId), null, 'read the result of a query');
  }

  /** All rows of a table or partition, its partition columns left out. */
  downloadTable(table: string, partition: string | null): Promise<DownloadedRows> {
    return this.download(tablePath(this.settings.namespace, table), partition, `read table ${table}`);
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

  private async download(path: string, partition: string | null, what: string): Promise<DownloadedRows> {
    return downloadRows(await this.http(), { path, query: this.place(partition), what });
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
