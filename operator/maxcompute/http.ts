/**
 * Signed requests to one endpoint (service or tunnel). In: a call, and how to read its answer. Out: what was read, or a
 * `MaxComputeError`. It repeats a call only as far as the call allows, and never a commit: the pool itself repeats nothing.
 */
import { Readable } from 'node:stream';
import { Pool } from 'undici';
import type { Clock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import { type RejectionPatience, withPatience } from '../base/rejection-patience.js';
import { retry } from '../base/retry.js';
import { failureOf, isHtml, MaxComputeError, notMaxCompute } from './failures.js';
import { failureOfNetwork } from './network-failures.js';
import { type Credentials, signRequest } from './sign.js';

export interface Timeouts {
  readonly connectMs: number;
  /** From the request's end to the answer's first byte, and between two pieces of a body. */
  readonly answerMs: number;
  /** A call that fails is repeated for this long; then its error goes up. */
  readonly patienceMs: number;
  /** As long for one that the server asks to slow down: it works, and the official clients wait without end. */
  readonly throttledMs: number;
}

/** A person who waits for a closed port has an answer within 30 s. Commits of large sessions take minutes to be answered. */
export const defaultTimeouts: Timeouts = {
  connectMs: 5_000,
  answerMs: 120_000,
  patienceMs: 24_000,
  throttledMs: 600_000,
};

export interface HttpSettings {
  readonly endpoint: string;
  readonly credentials: () => Credentials;
  /** Set: signatures of version 4. */
  readonly region: string | null;
  readonly userAgent: string;
  readonly timeouts: Timeouts;
  /** Absent: a refused key goes up at once. */
  readonly patience?: RejectionPatience;
  /** Sent with every request. */
  readonly query: Readonly<Record<string, string>>;
}

export interface Call {
  /** For messages: `create an upload session`. */
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Percent-encoded, below the endpoint's own path. */
  readonly path: string;
  /** Decoded; '' makes a bare key. */
  readonly query?: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | readonly Uint8Array[];
  /** `unsent`: again only when the server cannot have acted on it. */
  readonly repeat: 'always' | 'unsent' | 'never';
  readonly table?: string;
  readonly timeouts?: Partial<Timeouts>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface AnswerStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

/** Answers read as a whole (schemas, lists, errors) are texts of kilobytes; beyond this it is something else. */
const answerBytesMax = 64 * 1024 * 1024;
/** Blocks of several tables go side by side; a tunnel slot carries one request at a time. */
const connectionsMax = 32;
/** Shorter than the 60 s and more after which load balancers close idle connections. */
const keepAliveMs = 20_000;

export class MaxComputeHttp {
  private readonly settings: HttpSettings;
  private readonly clock: Clock;
  private readonly pool: Pool;
  private readonly origin: string;
  private readonly prefix: string;
  /** Some endpoints know no version 4; once one says so, version 2 is used there. */
  private region: string | null;

  constructor(settings: HttpSettings, clock: Clock) {
    const url = new URL(settings.endpoint);
    this.settings = settings;
    this.clock = clock;
    this.origin = url.origin;
    this.prefix = url.pathname.replace(/\/+$/, '');
    this.region = settings.region;
    this.pool = new Pool(url.origin, {
      connections: connectionsMax,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      connect: { timeout: settings.timeouts.connectMs },
    });
  }

  /** An answer read as text. */
  call(call: Call): Promise<Answer> {
    return this.stream(call, async (answer) => {
      const text = await readText(answer.body);
      if (isHtml(answer.headers, text)) {
        throw notMaxCompute({ ...this.describe(call), ...answer, body: text }, 'an HTML page');
      }
      return { status: answer.status, headers: answer.headers, text };
    });
  }

  /**
   * `read` must take the whole body; it runs anew with each repetition. A refused key (a token that ran out before the next
   * one was written) is waited for where the call may be repeated: it was refused before anything was done.
   */
  stream<T>(call: Call, read: (answer: AnswerStream) => Promise<T>): Promise<T> {
    const { credentials, patience } = this.settings;
    if (patience === undefined || call.repeat === 'never') return this.repeat(call, read);
    return withPatience(patience, {
      read: credentials,
      isRejection: ({ code }) => code === 'TARGET_CREDENTIALS_REJECTED' || code === 'SECRET_MISSING',
      run: () => this.repeat(call, read),
    });
  }

  private async repeat<T>(call: Call, read: (answer: AnswerStream) => Promise<T>): Promise<T> {
    const { patienceMs, throttledMs } = { ...this.settings.timeouts, ...call.timeouts };
    const startedMs = this.clock.monotonicMs();
    const policy = {
      // Waits 1, 2, 4.. 64 s, as the official clients do; the times above end it.
      attemptsMax: 1_000,
      firstDelayMs: 1_000,
      delayMsMax: 64_000,
      clock: this.clock,
      onRetry: (error: SyncError, _attempt: number, delayMs: number): void => {
        const waitedMs = this.clock.monotonicMs() - startedMs + delayMs;
        if (waitedMs > (error.code === 'TARGET_THROTTLED' ? throttledMs : patienceMs)) throw error;
      },
    };
    const outcome = await retry(policy, async () => {
      try {
        return { value: await this.attempt(call, read) };
      } catch (error) {
        if (error instanceof SyncError && mayRepeat(call, error)) throw error;
        return { error };
      }
    });
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private async attempt<T>(call: Call, read: (answer: AnswerStream) => Promise<T>): Promise<T> {
    try {
      return await this.send(call, read);
    } catch (error) {
      if (this.region !== null && isV4Refused(error)) {
        const { region } = this;
        this.region = null;
        return this.attempt(call, read).catch((failure: unknown) => {
          // Refused in either version: it was the key.
          if (failure instanceof SyncError && failure.code === 'TARGET_CREDENTIALS_REJECTED') this.region = region;
          throw failure;
        });
      }
      if (error instanceof SyncError) throw error;
      throw failureOfNetwork(error, call.what, this.describe(call).url) ?? error;
    }
  }

  private async send<T>(call: Call, read: (answer: AnswerStream) => Promise<T>): Promise<T> {
    const { answerMs } = { ...this.settings.timeouts, ...call.timeouts };
    const query = { ...call.query, ...this.settings.query };
    const chunks = call.body === undefined ? [] : call.body instanceof Uint8Array ? [call.body] : call.body;
    const headers: Record<string, string> = {
      ...call.headers,
      date: new Date(this.clock.nowMs()).toUTCString(),
      'user-agent': this.settings.userAgent,
      'x-odps-user-agent': this.settings.userAgent,
      ...(call.method === 'GET'
        ? {}
        : { 'content-length': String(chunks.reduce((sum, { length }) => sum + length, 0)) }),
    };
    const path = decodeURIComponent(call.path);
    const signed = signRequest({ method: call.method, path, query, headers }, this.settings.credentials(), this.region);
    const answer = await this.pool.request({
      method: call.method,
      path: `${this.prefix}${call.path}${renderQuery(query)}`,
      headers: { ...headers, ...signed },
      body: chunks.length === 0 ? null : chunks.length === 1 ? (chunks[0] as Uint8Array) : Readable.from(chunks),
      headersTimeout: answerMs,
      bodyTimeout: answerMs,
    });
    const plain = { status: answer.statusCode, headers: flatten(answer.headers), body: answer.body };
    if (plain.status >= 200 && plain.status < 300) return read(plain);
    throw failureOf({ ...this.describe(call), ...plain, body: await readText(plain.body) });
  }

  private describe(call: Call): { readonly what: string; readonly url: string; readonly table?: string } {
    const url = `${this.origin}${this.prefix}${call.path}`;
    return { what: call.what, url, ...(call.table === undefined ? {} : { table: call.table }) };
  }
}

function mayRepeat(call: Call, error: SyncError): boolean {
  if (call.repeat === 'never') return false;
  if (call.repeat === 'unsent') return error instanceof MaxComputeError && error.isUnsent;
  return error.code === 'TARGET_UNREACHABLE' || error.code === 'TARGET_THROTTLED' || error.code === 'DOWNLOAD_CORRUPT';
}

/** The three refusals after which PyODPS goes back to version 2. */
function isV4Refused(error: unknown): boolean {
  if (!(error instanceof MaxComputeError)) return false;
  return /need ak v3 support|accesskey acl denied|ODPS-0410051|invalid or missing/i.test(error.seen);
}

function renderQuery(query: Readonly<Record<string, string>>): string {
  const parts = Object.entries(query).map(([name, value]) =>
    value === '' ? encodeURIComponent(name) : `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  return parts.length > 0 ? `?${parts.join('&')}` : '';
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

async function readText(body: Readable): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) {
      body.destroy();
      throw new SyncError('TARGET_PROTOCOL', {
        seen: `an answer of more than ${answerBytesMax} bytes`,
        wanted: 'a text of kilobytes',
        fix: 'Check that target.endpoint is MaxCompute.',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
