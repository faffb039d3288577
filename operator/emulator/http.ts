/**
 * The HTTP server. In: requests to the service (under `/api/projects` or `/projects`) and to the tunnel (under `/projects`).
 * Each is authenticated before anything of it is read, and answered by its handler; what a handler throws becomes an answer
 * with a body, always: official clients hang on an error without one.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type AccessKey, authenticate, decode, decodePath, queryPairs } from './auth.js';
import { type AdminOptions, serveAdmin } from './faults/admin.js';
import type { Interposer } from './faults/interposer.js';
import { ServiceError } from './service-error.js';
import { isNoSpace } from './store/disk.js';
import { escapeXml } from './xml.js';

export interface Request {
  readonly method: string;
  /** Decoded segments of the path behind `/projects`, or of the whole path where it begins otherwise. */
  readonly segments: readonly string[];
  readonly isTunnel: boolean;
  readonly query: ReadonlyMap<string, string>;
  readonly raw: IncomingMessage;
  /** The bytes of the body, once. */
  readonly body: AsyncIterable<Uint8Array>;
  /** A fault: what is asked for is checked and read, and then left to this instead of being done. */
  readonly putOff?: PutOff;
}

/** Takes what a request would have done to its session. */
export type PutOff = (session: string, work: PutOffWork) => void;

export interface PutOffWork {
  /** Lets the session show that it is under way. */
  readonly hold: () => void;
  /** Does it, unless the session has come to another end meanwhile. */
  readonly apply: () => Promise<void>;
  /** Leaves it undone for good. */
  readonly drop: () => Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | AsyncIterable<Uint8Array>;
}

export interface ServerOptions {
  readonly key: AccessKey;
  readonly handle: (request: Request) => Promise<Answer>;
  readonly log: (line: string) => void;
  readonly faults: Interposer;
  /** Null: there is no admin API. */
  readonly admin: Omit<AdminOptions, 'key'> | null;
  /** The Date header where it is not this machine's time. */
  readonly date: () => string | null;
}

export interface HttpServer {
  readonly server: Server;
  /** Ends all connections and resolves when no handler is at work. It can listen again. */
  stop(): Promise<void>;
}

const tunnelKeys = ['uploads', 'uploadid', 'downloads', 'downloadid', 'upsertid', 'cached'];
/** So much of a refused body is read away, so that the client sees the answer instead of a broken pipe. */
const refusedBytesMax = 64 * 1024 * 1024;

export function createHttpServer(options: ServerOptions): HttpServer {
  const working = new Set<Promise<void>>();
  const server = createServer((raw, response) => {
    const work = serve(options, raw, response).catch((error: unknown) => {
      options.log(`${raw.method} ${raw.url}: ${error instanceof Error ? error.message : String(error)}`);
      response.destroy();
    });
    working.add(work);
    void work.then(() => working.delete(work));
  });
  // Clients keep connections for minutes; closing one first would race with their next request.
  server.keepAliveTimeout = 300_000;
  server.requestTimeout = 0;
  return {
    server,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      while (working.size > 0) await Promise.all(working);
    },
  };
}

async function serve(options: ServerOptions, raw: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = `${Date.now().toString(16)}${randomBytes(8).toString('hex')}`.toUpperCase();
  response.setHeader('x-odps-request-id', requestId);
  const date = options.date();
  if (date !== null) response.setHeader('Date', date);
  const { request, path, query } = readTarget(raw);
  const render = (error: unknown): Answer => errorAnswer(error, request, requestId, options.log);
  const finish = async (answer: Answer): Promise<void> => {
    await drain(raw);
    await send(response, answer);
  };
  if (options.admin !== null && request.segments[0] === 'mcsync') {
    const { answer, afterwards } = await serveAdmin({ ...options.admin, key: options.key }, request);
    if (afterwards !== null) response.once('close', afterwards).setHeader('Connection', 'close');
    return await finish(answer);
  }
  try {
    authenticate({ method: request.method, headers: raw.headers, path, query }, options.key);
  } catch (error) {
    return await finish(render(error));
  }
  const act = (changed: Request): Promise<Answer> => options.handle(changed).catch(render);
  if (options.faults.isQuiet) return await finish(await act(request));
  await options.faults.serve({ request, response, act, send: finish, drain: () => drain(raw), render });
}

function readTarget(raw: IncomingMessage): { request: Request; path: string; query: string } {
  const url = raw.url ?? '/';
  const mark = url.indexOf('?');
  const whole = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : url.slice(mark + 1);
  const isApi = whole === '/api' || whole.startsWith('/api/');
  const path = isApi ? whole.slice('/api'.length) : whole;
  const segments = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodePath);
  const pairs = queryPairs(query).map(([name, value]) => [decode(name), decode(value)] as const);
  const parameters = new Map(pairs);
  const last = segments[segments.length - 1];
  const isTunnel =
    !isApi &&
    (tunnelKeys.some((key) => parameters.has(key)) || last === 'streams' || last === 'upserts' || last === 'preview');
  const body: AsyncIterable<Uint8Array> = raw.iterator({ destroyOnReturn: false });
  return { request: { method: raw.method ?? 'GET', segments, isTunnel, query: parameters, raw, body }, path, query };
}

function errorAnswer(error: unknown, request: Request, requestId: string, log: (line: string) => void): Answer {
  const why = isNoSpace(error) ? 'No space is left on the device.' : 'The emulator failed; see its log.';
  const known = error instanceof ServiceError ? error : new ServiceError(500, 'InternalServerError', why);
  if (known !== error)
    log(
      `${request.method} /${request.segments.join('/')}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  if (request.isTunnel) {
    const body = JSON.stringify({ Code: known.code, Message: known.message, RequestId: requestId });
    return { status: known.status, headers: { 'Content-Type': 'application/json', ...known.headers }, body };
  }
  return {
    status: known.status,
    headers: { 'Content-Type': 'application/xml', ...known.headers },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${escapeXml(known.code)}</Code><Message>${escapeXml(known.message)}</Message><RequestId>${requestId}</RequestId><HostId>localhost</HostId></Error>`,
  };
}

/** Reads away what a handler left of the body. */
async function drain(raw: IncomingMessage): Promise<void> {
  if (raw.readableEnded || raw.destroyed) return;
  let bytes = 0;
  for await (const chunk of raw.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Uint8Array).length;
    if (bytes > refusedBytesMax) return void raw.socket.destroy();
  }
}

async function send(response: ServerResponse, answer: Answer): Promise<void> {
  response.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (answer.body === undefined || typeof answer.body === 'string') {
    const body = Buffer.from(answer.body ?? '', 'utf8');
    response.setHeader('Content-Length', body.length);
    response.end(body);
    return;
  }
  await pipeline(Readable.from(answer.body), response);
}

/** The whole body, as text; for the service only, whose bodies are small. */
export async function readText(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new ServiceError(413, 'InvalidArgument', `The body is longer than ${bytesMax} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
