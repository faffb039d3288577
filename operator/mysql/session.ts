/**
 * One connection for statements of our own: texts in, texts out. Used by one caller at a time.
 * Values come as the server writes them; nothing is turned into numbers or dates.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Connection } from 'mysql2';
import { type FailureContext, serverErrorNumber, toSourceError } from './server-error.js';

export type TextRow = readonly (string | null)[];

export interface SessionTls {
  readonly encrypted: boolean;
  readonly verified: boolean;
}

export interface QueryOptions {
  /** What is being done, for the error: `reading the schemas`. */
  readonly doing?: string;
  /** The connection is given up when no answer came; information_schema of a server with 100,000 tables takes minutes. */
  readonly timeoutMs?: number;
  readonly table?: string;
}

export interface SessionSettings {
  readonly host: string;
  readonly port: number;
  /** For statements that do not say otherwise; default 5 minutes. */
  readonly answerMs?: number;
}

const answerMsMax = 300_000;
const farewellMsMax = 1_000;

export class Session implements AsyncDisposable {
  readonly connection: Connection;
  readonly tls: SessionTls;
  readonly #place: { readonly host: string; readonly port: number };
  readonly #answerMs: number;

  constructor(connection: Connection, tls: SessionTls, settings: SessionSettings) {
    this.connection = connection;
    this.tls = tls;
    this.#place = { host: settings.host, port: settings.port };
    this.#answerMs = settings.answerMs ?? answerMsMax;
    // A lost connection is told to whoever asks next; without a listener Node would end the process.
    connection.on('error', () => undefined);
  }

  async query(sql: string, options: QueryOptions = {}): Promise<TextRow[]> {
    try {
      return await this.#ask(sql, options.timeoutMs ?? this.#answerMs);
    } catch (error) {
      throw toSourceError(error, this.failureContext(options.doing ?? 'asking the server', options.table));
    }
  }

  /** First cell of the first row; null when there is none. */
  async value(sql: string, options: QueryOptions = {}): Promise<string | null> {
    return (await this.query(sql, options))[0]?.[0] ?? null;
  }

  /** Null instead of an error where the server answers with one of these numbers. */
  async queryUnless(refusals: readonly number[], sql: string, options: QueryOptions = {}): Promise<TextRow[] | null> {
    try {
      return await this.#ask(sql, options.timeoutMs ?? this.#answerMs);
    } catch (error) {
      const number = serverErrorNumber(error);
      if (number !== null && refusals.includes(number)) return null;
      throw toSourceError(error, this.failureContext(options.doing ?? 'asking the server', options.table));
    }
  }

  failureContext(doing: string, table?: string): FailureContext {
    return { ...this.#place, doing, ...(table ? { table } : {}) };
  }

  /** The time limit is our own: mysql2 keeps its timer running, and the process with it, when the connection is lost. */
  #ask(sql: string, timeoutMs: number): Promise<TextRow[]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // The answer may still come, and the next question would take it for its own.
        this.destroy();
        const error = new Error(`no answer within ${timeoutMs} ms`);
        reject(Object.assign(error, { code: 'PROTOCOL_SEQUENCE_TIMEOUT' }));
      }, timeoutMs);
      this.connection.query({ sql, rowsAsArray: true, typeCast: asText }, (error: unknown, rows: unknown) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(Array.isArray(rows) ? (rows as TextRow[]) : []);
      });
    });
  }

  /** Ends the connection at once; locks and transactions of it end with it. */
  destroy(): void {
    this.connection.destroy();
    // mysql2 only ends its half, and a server that is busy closes the other one when it is done.
    socketOf(this.connection).destroy();
  }

  /** Says goodbye first, so that the server does not count an aborted client. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, farewellMsMax);
      this.connection.end(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function asText(field: { string(): string | null }): string | null {
  return field.string();
}

/** The socket of a connection: a TLSSocket where it is encrypted. mysql2 does not declare it. */
export function socketOf(connection: Connection): Socket | TLSSocket {
  return (connection as Connection & { stream: Socket | TLSSocket }).stream;
}
