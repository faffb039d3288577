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
import { ServiceError } from './service-error.js';
import { escapeXml } from './xml.js';

export interface Request {
  readonly method: string;
  /** Decoded segments of the path behind `/projects`, or of the whole path where it begins otherwise. */
  readonly segments: readonly string[];
  readonly isTunnel: boolean;
  readonly query: ReadonlyMap<string, string>;
  readonly raw: IncomingMessage;
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
  /** Asked once per request, after authentication; see `Fault`. */
  readonly fault: ((request: Request) => Fault | null) | null;
}

/**
 * For tests: `refuse` answers with the status and does nothing; `cut` ends the connection without doing anything;
 * `cutAfter` does what was asked and ends the connection instead of answering.
 */
export type Fault =
  | { readonly kind: 'refuse'; readonly status: number; readonly code: string }
  | { readonly kind: 'cut' | 'cutAfter' };

const tunnelKeys = ['uploads', 'uploadid', 'downloads', 'downloadid', 'upsertid', 'cached'];
/** So much of a refused body is read away, so that the client sees the answer instead of a broken pipe. */
const refusedBytesMax = 64 * 1024 * 1024;

export function createHttpServer(options: ServerOptions): Server {
  const server = createServer((raw, response) => {
    serve(options, raw, response).catch((error: unknown) => {
      options.log(`${raw.method} ${raw.url}: ${error instanceof Error ? error.message : String(error)}`);
      response.destroy();
    });
  });
  // Clients keep connections for minutes; closing one first would race with their next request.
  server.keepAliveTimeout = 300_000;
  server.requestTimeout = 0;
  return server;
}

async function serve(options: ServerOptions, raw: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = `${Date.now().toString(16)}${randomBytes(8).toString('hex')}`.toUpperCase();
  response.setHeader('x-odps-request-id', requestId);
  const { request, path, query } = readTarget(raw);
  let answer: Answer;
  let isCut = false;
  try {
    authenticate({ method: request.method, headers: raw.headers, path, query }, options.key);
    const fault = options.fault?.(request) ?? null;
    if (fault?.kind === 'cut') return void raw.socket.destroy();
    if (fault?.kind === 'refuse') throw new ServiceError(fault.status, fault.code, 'asked for by a test');
    isCut = fault?.kind === 'cutAfter';
    answer = await options.handle(request);
  } catch (error) {
    answer = errorAnswer(error, request, requestId, options.log);
  }
  if (isCut) return void raw.socket.destroy();
  await drain(raw);
  await send(response, answer);
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
  return { request: { method: raw.method ?? 'GET', segments, isTunnel, query: parameters, raw }, path, query };
}

function errorAnswer(error: unknown, request: Request, requestId: string, log: (line: string) => void): Answer {
  const known =
    error instanceof ServiceError
      ? error
      : new ServiceError(500, 'InternalServerError', 'The emulator failed; see its log.');
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
export async function readText(raw: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of raw.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Uint8Array).length;
    if (bytes > bytesMax) throw new ServiceError(413, 'InvalidArgument', `The body is longer than ${bytesMax} bytes.`);
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks).toString('utf8');
}
