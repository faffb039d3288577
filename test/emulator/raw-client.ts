/** Requests to the emulator without any client's rules: what is sent is what the test says. */
import { createHmac } from 'node:crypto';
import { type EmulatorOptions, startEmulator } from '../../operator/emulator/emulator.js';
import type { FaultControl } from '../../operator/emulator/faults/control.js';
import { readRecords } from '../../operator/maxcompute/records/reader.js';
import { parseRecordType } from '../../operator/maxcompute/records/types.js';
import type { RecordValue } from '../../operator/maxcompute/records/values.js';
import { writeRecords } from '../../operator/maxcompute/records/writer.js';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
}

export interface Bench {
  readonly root: string;
  readonly faults: FaultControl;
  send(
    method: string,
    path: string,
    query?: Record<string, string>,
    body?: Uint8Array | string,
    headers?: Record<string, string>,
  ): Promise<RawAnswer>;
  /** The path with its parameters, and the headers, of a request that is sent by other means. */
  signed(
    method: string,
    path: string,
    query?: Record<string, string>,
    headers?: Record<string, string>,
  ): { readonly path: string; readonly headers: Record<string, string> };
  /** Runs a script; the failure's text is thrown. Returns the instance id. */
  sql(script: string, settings?: Record<string, string>): Promise<string>;
  rows(script: string, settings?: Record<string, string>): Promise<RecordValue[][]>;
  types(script: string): Promise<string[]>;
  open(table: string, query?: Record<string, string>): Promise<string>;
  put(
    table: string,
    upload: string,
    block: number,
    body: Uint8Array,
    headers?: Record<string, string>,
  ): Promise<RawAnswer>;
  commit(table: string, upload: string): Promise<RawAnswer>;
  upload(table: string, body: Uint8Array, query?: Record<string, string>): Promise<void>;
  close(): Promise<void>;
}

export async function startBench(options: Partial<EmulatorOptions> = {}): Promise<Bench> {
  const emulator = await startEmulator({
    port: 0,
    dataDir: null,
    project: 'proj',
    accessKeyId: 'ak',
    accessKeySecret: 'sk',
    quotas: null,
    ...options,
  });
  const root = emulator.endpoint.slice(0, -'/api'.length);
  const signed: Bench['signed'] = (method, path, query = {}, headers = {}) => {
    const date = new Date().toUTCString();
    const names = Object.keys(query).sort();
    const resource = names.map((name) => (query[name] === '' ? name : `${name}=${query[name]}`)).join('&');
    const signedPath = path.startsWith('/api') ? path.slice('/api'.length) : path;
    const canonical = [
      method,
      '',
      headers['content-type'] ?? '',
      date,
      resource ? `${signedPath}?${resource}` : signedPath,
    ];
    const signature = createHmac('sha1', 'sk').update(canonical.join('\n')).digest('base64');
    const encoded = names.map((name) =>
      query[name] === '' ? name : `${name}=${encodeURIComponent(query[name] as string)}`,
    );
    return {
      path: `${path}${encoded.length > 0 ? `?${encoded.join('&')}` : ''}`,
      headers: { date, authorization: `ODPS ak:${signature}`, ...headers },
    };
  };
  const send: Bench['send'] = async (method, path, query, body, headers) => {
    const request = signed(method, path, query, headers);
    const answer = await fetch(`${root}${request.path}`, {
      method,
      headers: request.headers,
      ...(body === undefined ? {} : { body: body as string }),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return { status: answer.status, headers: answer.headers, bytes, text: bytes.toString('utf8') };
  };
  const sql: Bench['sql'] = async (script, settings = {}) => {
    const property = `<Property><Name>settings</Name><Value><![CDATA[${JSON.stringify(settings)}]]></Value></Property>`;
    const body = `<Instance><Job><Tasks><SQL><Name>Test</Name><Config>${property}</Config><Query><![CDATA[${script}]]></Query></SQL></Tasks></Job></Instance>`;
    const submitted = await send('POST', '/api/projects/proj/instances', {}, body, {
      'content-type': 'application/xml',
    });
    const id = submitted.headers.get('location')?.split('/').pop() as string;
    for (;;) {
      const status = await send('GET', `/api/projects/proj/instances/${id}`, { taskstatus: '' });
      if (!status.text.includes('<Status>Terminated')) continue;
      if (status.text.includes('<Status>Success')) return id;
      const result = await send('GET', `/api/projects/proj/instances/${id}`, { result: '' });
      throw new Error(/CDATA\[([\s\S]*?)\]\]>/.exec(result.text)?.[1] ?? result.text);
    }
  };
  const download = async (script: string, settings?: Record<string, string>) => {
    const id = await sql(script, settings);
    const path = `/projects/proj/instances/${id}`;
    const session = JSON.parse((await send('POST', path, { downloads: '' })).text);
    const types = session.Schema.columns.map((column: { type: string }) => column.type) as string[];
    const query = { downloadid: session.DownloadID, data: '', rowrange: `(0,${session.RecordCount})` };
    const data = await send('GET', path, query);
    return { types, rows: readRecords(types.map(parseRecordType), data.bytes) };
  };
  const open: Bench['open'] = async (table, query = {}) => {
    const answer = await send('POST', `/projects/proj/tables/${table}`, { uploads: '', ...query });
    if (answer.status !== 200) throw new Error(answer.text);
    return JSON.parse(answer.text).UploadID;
  };
  const put: Bench['put'] = (table, uploadid, block, body, headers = {}) =>
    send('PUT', `/projects/proj/tables/${table}`, { uploadid, blockid: String(block) }, body, {
      'content-type': 'application/octet-stream',
      ...headers,
    });
  const commit: Bench['commit'] = (table, uploadid) => send('POST', `/projects/proj/tables/${table}`, { uploadid });
  return {
    root,
    faults: emulator.faults,
    signed,
    send,
    sql,
    rows: async (script, settings) => (await download(script, settings)).rows,
    types: async (script) => (await download(script)).types,
    open,
    put,
    commit,
    upload: async (table, body, query) => {
      const id = await open(table, query);
      const taken = await put(table, id, 0, body);
      if (taken.status !== 200) throw new Error(taken.text);
      const done = await commit(table, id);
      if (done.status !== 200) throw new Error(done.text);
    },
    close: () => emulator.close(),
  };
}

export function block(types: readonly string[], rows: readonly (readonly RecordValue[])[]): Uint8Array {
  return writeRecords(types.map(parseRecordType), rows);
}
