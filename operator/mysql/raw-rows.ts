/**
 * The rows of one SELECT as the very bytes that came from the socket.
 * In: a session, taken over for the time of one statement. Out: runs of row packets, several rows in each. mysql2 logs in and
 * sets the session up; its parser is taken off the socket here, since it makes an object per row.
 * Layout: MySQL Internals, "COM_QUERY Response", "Text Resultset Row", and "Sending More Than 16Mb".
 */
import { assert } from '../base/assert.js';
import { systemClock } from '../base/clock.js';
import { toSourceError } from './server-error.js';
import { type Session, socketOf } from './session.js';
import type { IsAtWork } from './statement-watch.js';

/** Row packets in `bytes[from..to)`, each with its header of four bytes; not framed: the payload of one row above 16 MiB. */
export interface PacketRun {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  readonly isFramed: boolean;
}

/** After so much silence the server is asked whether it is at work; idle or not found twice in a row, the answer is lost. */
const silenceMsDefault = 30_000;
/** Chunks of 64 KiB that wait for the consumer: enough to keep server and consumer both busy. */
const waitingChunksMax = 8;
const packetBytesMax = 0xff_ff_ff;

export interface RunOptions {
  readonly columns: number;
  readonly signal: AbortSignal;
  readonly doing: string;
  readonly table: string;
  readonly isAtWork: IsAtWork;
  /** Default 30 s. */
  readonly silenceMs?: number;
}

/** Runs that came together. Ends at the last row, or at once when the signal is aborted; the session is then of no more use. */
export async function* readRuns(
  session: Session,
  sql: string,
  options: RunOptions,
): AsyncGenerator<readonly PacketRun[], void, undefined> {
  const framer = new RowFramer(options.columns);
  const inbox = new SocketInbox(session, options);
  try {
    inbox.send(queryPacket(sql));
    while (!framer.isOver) {
      const chunks = await inbox.take();
      if (chunks === null) return;
      const runs: PacketRun[] = [];
      for (const chunk of chunks) framer.push(chunk, runs);
      if (runs.length > 0) yield runs;
    }
  } catch (error) {
    throw toSourceError(error, session.failureContext(options.doing, options.table));
  } finally {
    inbox.close();
    // What is still on its way would be taken for the answer to the next statement. After an ERR packet nothing is.
    if (!framer.isOver) session.destroy();
  }
}

function queryPacket(sql: string): Buffer {
  const commandQuery = 0x03;
  const text = Buffer.from(sql);
  const packet = Buffer.allocUnsafe(5 + text.length);
  assert(text.length + 1 < packetBytesMax, 'a statement fits one packet');
  packet.writeUIntLE(text.length + 1, 0, 3);
  packet[3] = 0;
  packet[4] = commandQuery;
  text.copy(packet, 5);
  return packet;
}

/** Chunks of the socket in order, read ahead within a bound. */
class SocketInbox {
  readonly #socket: ReturnType<typeof socketOf>;
  readonly #signal: AbortSignal;
  readonly #options: RunOptions;
  /** mysql2's own listeners, put back at the end. */
  readonly #before: ((chunk: Buffer) => void)[];
  #chunks: Buffer[] = [];
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(session: Session, options: RunOptions) {
    const { signal } = options;
    this.#socket = socketOf(session.connection);
    this.#options = options;
    this.#signal = signal;
    this.#before = this.#socket.listeners('data') as ((chunk: Buffer) => void)[];
    this.#socket.removeAllListeners('data');
    this.#socket.on('data', this.#onData);
    this.#socket.on('close', this.#onClose);
    this.#socket.on('error', this.#onError);
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#socket.destroyed) this.#onClose(null);
  }

  send(packet: Buffer): void {
    this.#socket.write(packet);
  }

  /** What has come since; null once the signal is aborted. */
  async take(): Promise<Buffer[] | null> {
    if (this.#chunks.length === 0 && !this.#failure && !this.#signal.aborted) {
      this.#socket.resume();
      const silence = new AbortController();
      void this.#watchSilence(silence.signal);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      silence.abort();
      this.#wake = null;
    }
    if (this.#signal.aborted) return null;
    if (this.#chunks.length === 0 && this.#failure) throw this.#failure;
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#socket.resume();
    return chunks;
  }

  /** A line that is dead without a word: only questions over another one tell. */
  async #watchSilence(over: AbortSignal): Promise<void> {
    const { isAtWork, silenceMs = silenceMsDefault } = this.#options;
    for (let idleSeen = 0; idleSeen < 2; ) {
      await systemClock.sleep(silenceMs, over).catch(() => undefined);
      if (over.aborted) return;
      try {
        idleSeen = (await isAtWork()) ? 0 : idleSeen + 1;
      } catch (error) {
        this.#onError(error as Error);
        return;
      }
    }
    if (!over.aborted) this.#onClose(`no answer for ${(2 * silenceMs) / 1000} s, and the server is not at work on one`);
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#socket.removeListener('data', this.#onData);
    this.#socket.removeListener('close', this.#onClose);
    this.#socket.removeListener('error', this.#onError);
    for (const listener of this.#before) this.#socket.on('data', listener);
    this.#socket.resume();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    if (this.#chunks.length >= waitingChunksMax) this.#socket.pause();
    this.#wake?.();
  };

  readonly #onClose = (why: unknown): void => {
    const lost = new Error(typeof why === 'string' ? why : 'the server closed the connection');
    this.#failure ??= Object.assign(lost, { code: 'PROTOCOL_CONNECTION_LOST' });
    this.#wake?.();
  };

  readonly #onError = (error: Error): void => {
    this.#failure ??= error;
    this.#wake?.();
  };

  readonly #onAbort = (): void => {
    this.#wake?.();
  };
}

/** Finds the packets in the chunks, and what they are: column count, column definitions, EOF, rows, EOF. */
class RowFramer {
  readonly #columns: number;
  #phase: 'header' | 'definitions' | 'rows' | 'over' = 'header';
  #definitionsLeft = 0;
  /** Beginning of a packet whose rest has not come. */
  #partial: Buffer[] = [];
  #partialBytes = 0;
  /** Payloads of a row above 16 MiB, as far as they have come. */
  #large: Buffer[] = [];

  constructor(columns: number) {
    this.#columns = columns;
  }

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  push(chunk: Buffer, runs: PacketRun[]): void {
    let at = this.#finishPartial(chunk, runs);
    let runFrom = at;
    while (at + 4 <= chunk.length) {
      const length = payloadLength(chunk, at);
      const next = at + 4 + length;
      if (next > chunk.length) break;
      if (this.#isPlainRow(chunk, at, length)) {
        at = next;
        continue;
      }
      if (at > runFrom) runs.push({ bytes: chunk, from: runFrom, to: at, isFramed: true });
      this.#takePacket(chunk, at, next, runs);
      at = next;
      runFrom = at;
    }
    if (at > runFrom) runs.push({ bytes: chunk, from: runFrom, to: at, isFramed: true });
    if (at < chunk.length) {
      this.#partial = [chunk.subarray(at)];
      this.#partialBytes = chunk.length - at;
    }
  }

  /** Takes from the chunk what a packet begun before still lacks; answers where the chunk's own packets begin. */
  #finishPartial(chunk: Buffer, runs: PacketRun[]): number {
    if (this.#partialBytes === 0) return 0;
    let from = 0;
    if (this.#partialBytes < 4) {
      from = Math.min(4 - this.#partialBytes, chunk.length);
      this.#addPartial(chunk.subarray(0, from));
      if (this.#partialBytes < 4) return chunk.length;
      this.#partial = [Buffer.concat(this.#partial)];
    }
    const bytes = 4 + payloadLength(this.#partial[0] as Buffer, 0);
    const rest = Math.min(bytes - this.#partialBytes, chunk.length - from);
    this.#addPartial(chunk.subarray(from, from + rest));
    if (this.#partialBytes < bytes) return chunk.length;
    const packet = Buffer.concat(this.#partial, bytes);
    this.#partial = [];
    this.#partialBytes = 0;
    this.#takePacket(packet, 0, bytes, runs);
    return from + rest;
  }

  #addPartial(part: Buffer): void {
    if (part.length === 0) return;
    // The first part holds the header: it stays in front, and whole.
    this.#partial.push(part);
    this.#partialBytes += part.length;
  }

  /** A row can begin with 0xfe only as the length of a cell of 16 MiB or more, and never with 0xff. */
  #isPlainRow(bytes: Buffer, at: number, length: number): boolean {
    return (
      this.#phase === 'rows' && (bytes[at + 4] as number) < 0xfe && length < packetBytesMax && this.#large.length === 0
    );
  }

  #takePacket(bytes: Buffer, from: number, to: number, runs: PacketRun[]): void {
    const length = to - from - 4;
    const marker = bytes[from + 4];
    if (this.#large.length === 0 && marker === 0xff) {
      this.#phase = 'over';
      throw serverError(bytes.subarray(from + 4, to));
    }
    if (this.#phase === 'header') {
      const columns = bytes[from + 4] === 0xfc ? bytes.readUInt16LE(from + 5) : (marker as number);
      assert(columns === this.#columns, `the answer has the ${this.#columns} columns of the statement, not ${columns}`);
      this.#definitionsLeft = columns;
      this.#phase = 'definitions';
    } else if (this.#phase === 'definitions') {
      // The EOF packet after the definitions comes as one more.
      if (this.#definitionsLeft === 0) this.#phase = 'rows';
      else this.#definitionsLeft -= 1;
    } else {
      assert(this.#phase === 'rows', 'no packet follows the end of the rows');
      this.#takeRowPacket(bytes, from, to, length, runs);
    }
  }

  #takeRowPacket(bytes: Buffer, from: number, to: number, length: number, runs: PacketRun[]): void {
    if (this.#large.length > 0 || length === packetBytesMax) {
      this.#large.push(bytes.subarray(from + 4, to));
      if (length === packetBytesMax) return;
      const row = Buffer.concat(this.#large);
      this.#large = [];
      runs.push({ bytes: row, from: 0, to: row.length, isFramed: false });
    } else if (bytes[from + 4] === 0xfe && length < 9) {
      this.#phase = 'over';
    } else {
      runs.push({ bytes, from, to, isFramed: true });
    }
  }
}

function payloadLength(bytes: Buffer, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
}

/** ERR packet: 0xff, number, '#' and SQLSTATE, message. */
function serverError(packet: Buffer): Error {
  const error = new Error(packet.toString('utf8', 9));
  return Object.assign(error, { errno: packet.readUInt16LE(1), sqlState: packet.toString('latin1', 4, 9) });
}
