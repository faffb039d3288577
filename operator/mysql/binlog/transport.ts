/**
 * The dump connection. In: where to start. Out: the server's event packets in order, as byte ranges of the very chunks
 * that came from the socket, in arrivals of bounded size. zongji logs in, agrees on checksums and sends the dump
 * command; from then on each packet is taken before zongji parses it (a wrapped `execute` of its command).
 * It must never look into an event, and never run consumer code inside the driver's callback beyond queueing.
 */
import type { Socket } from 'node:net';
import ZongJi from '@vlasky/zongji';
import type { Connection, ConnectionOptions } from 'mysql2';
import { AssertionError, assert } from '../../base/assert.js';
import { SyncError } from '../../base/errors.js';
import type { BinlogPosition } from '../../model/position.js';
import { identityQuery, serverKeyOf } from './dump-server.js';
import { type DriverError, type DumpFacts, dumpError, lostConnection } from './server-errors.js';

/** Chunk bytes that wait for the consumer: above the high mark the socket is paused, below the low one it is read again. */
const highMarkBytes = 32 * 1024 * 1024;
const lowMarkBytes = 8 * 1024 * 1024;
/** An arrival is closed at this size, so that reading goes on while it is worked through. */
const arrivalBytesMax = 1024 * 1024;
/** The server gives up on a reader that takes nothing for so long; its default of 60 s is shorter than a slow commit. */
const serverWriteTimeoutSeconds = 3_600;
/** Questions over the control connection read a variable or one row: longer than this, nobody is there to answer. */
const answerMsMax = 30_000;
/** The largest wait_timeout that every server takes: the control connection idles for as long as the stream lives. */
const idleTimeoutSeconds = 2_147_483;

export interface DumpOptions {
  readonly connection: ConnectionOptions;
  readonly serverId: number;
  readonly from: BinlogPosition;
  readonly signal: AbortSignal;
  /** The server sends a heartbeat after so much silence, and after `silenceMs` without any packet the connection is lost. */
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  /** A statement over the control connection that is not answered in this time is a lost connection; default 30 s. */
  readonly answerMs?: number;
}

/** Events of the dump: event i is `buffers[i][froms[i]..tos[i])`, from its timestamp to its last byte. */
export interface Arrival {
  readonly buffers: Buffer[];
  readonly froms: number[];
  readonly tos: number[];
  /** Bytes of the socket chunks that the events pin. */
  bytes: number;
  /** When the last of them came, by the monotonic clock. */
  receivedMs: number;
}

/** What is used of a mysql2 packet (mysql2/lib/packets/packet.js, 3.24): the object is reused, its buffer is not. */
interface DriverPacket {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly end: number;
  asError(encoding: string): DriverError;
}

interface DriverCommand {
  execute(packet: DriverPacket | undefined, connection: DriverConnection): boolean;
}

/** The insides of a mysql2 connection that the hook leans on; both packages are pinned, and a test proves the hook. */
interface DriverConnection extends Connection {
  clientEncoding: string;
  addCommand(command: DriverCommand): DriverCommand;
  /** A TLSSocket once the connection is encrypted. */
  readonly stream: Socket;
}

interface DriverZongJi extends InstanceType<typeof ZongJi> {
  readonly connection: DriverConnection;
  readonly ctrlConnection: DriverConnection;
  readonly useChecksum: boolean;
}

export class BinlogTransport implements AsyncDisposable {
  readonly #options: DumpOptions;
  readonly #zongji: DriverZongJi;
  readonly #full: Arrival[] = [];
  #filling = emptyArrival();
  #out: Arrival | null = null;
  #lastBuffer: Buffer | null = null;
  #heldBytes = 0;
  #isPaused = false;
  #isClosed = false;
  #failure: Promise<Error> | null = null;
  #wake: (() => void) | null = null;
  /** Each ends a statement of the control connection that has no answer yet. */
  readonly #questions = new Set<(why: string) => void>();
  #lastBytesMs = performance.now();
  #bytesSeen = 0;
  #watch: NodeJS.Timeout | null = null;
  #server: string | undefined;

  constructor(options: DumpOptions) {
    this.#options = options;
    this.#zongji = new ZongJi({ ...options.connection }) as unknown as DriverZongJi;
    this.#zongji.on('error', (error: Error) => this.#fail(error as DriverError));
    this.#zongji.on('ready', () => this.#hook());
    this.#zongji.on('binlog', () => this.#fail(new AssertionError('every packet is taken before zongji parses it')));
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    const { from, serverId } = options;
    // An empty GTID set would ask for all history; file and offset say where it begins for us.
    const start = from.gtidSet ? { gtidSet: from.gtidSet } : { filename: from.file, position: from.offset };
    this.#zongji.start({ serverId, ...start });
    this.#watch = setInterval(() => this.#checkSilence(), Math.max(50, options.silenceMs / 4));
  }

  /** Whether the server adds checksums to what it sends before the first format description. */
  get hasChecksums(): boolean {
    return this.#zongji.useChecksum;
  }

  /** `serverKey` of the server that sends the events; known once the first of them is here. */
  get server(): string {
    assert(this.#server !== undefined, 'the server says who it is before the dump begins');
    return this.#server;
  }

  /** The next events; the arrival before is given back by the call. Null once the signal has ended the dump. */
  async next(): Promise<Arrival | null> {
    this.#release();
    for (;;) {
      if (this.#isClosed || this.#options.signal.aborted) return null;
      const arrival = this.#full.shift() ?? (this.#filling.tos.length > 0 ? this.#filling : null);
      if (arrival !== null) {
        if (arrival === this.#filling) {
          this.#filling = emptyArrival();
          this.#lastBuffer = null;
        }
        this.#out = arrival;
        return arrival;
      }
      if (this.#failure !== null) throw await this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** One statement over the control connection. Throws `SOURCE_UNREACHABLE` where no answer comes in time. */
  query(sql: string): Promise<Record<string, unknown>[]> {
    const answerMs = this.#options.answerMs ?? answerMsMax;
    return new Promise((resolve, reject) => {
      const giveUp = (why: string): void => {
        forget();
        reject(lostConnection(why, this.facts));
      };
      const timer = setTimeout(giveUp, answerMs, `no answer over the control connection for ${answerMs} ms`);
      const forget = (): void => {
        clearTimeout(timer);
        this.#questions.delete(giveUp);
      };
      this.#questions.add(giveUp);
      this.#zongji.ctrlConnection.query(sql, (error: DriverError | null, rows: unknown) => {
        forget();
        if (error) reject(dumpError(error, this.facts, null));
        else resolve(rows as Record<string, unknown>[]);
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#isClosed = true;
    if (this.#watch !== null) clearInterval(this.#watch);
    const sockets = [this.#zongji.connection.stream, this.#zongji.ctrlConnection.stream];
    const stopped = new Promise<void>((resolve) => this.#zongji.once('stopped', () => resolve()));
    this.#zongji.stop();
    await stopped;
    // zongji only ends its half: a peer that is gone would keep the other one for a quarter of an hour.
    for (const socket of sockets) socket.destroy();
    for (const giveUp of this.#questions) giveUp('the dump has ended');
    this.#zongji.on('error', () => {});
  }

  readonly #onAbort = (): void => {
    this.#wakeUp();
  };

  #hook(): void {
    const { connection, ctrlConnection } = this.#zongji;
    const onResult = (error: Error | null): void => {
      if (error) this.#fail(error as DriverError);
    };
    const heartbeatNs = `${Math.round(this.#options.heartbeatMs)}000000`;
    connection.query(
      `SET @master_heartbeat_period = ${heartbeatNs}, SESSION net_write_timeout = ${serverWriteTimeoutSeconds}`,
      onResult,
    );
    connection.query(identityQuery, (error: Error | null, rows: unknown) => {
      if (error) this.#fail(error as DriverError);
      else this.#server = serverKeyOf(rows as Record<string, unknown>[]);
    });
    ctrlConnection.query(`SET SESSION wait_timeout = ${idleTimeoutSeconds}`, onResult);
    const addCommand = connection.addCommand;
    connection.addCommand = (command) => {
      connection.addCommand = addCommand;
      const execute = command.execute;
      command.execute = (packet, on) => {
        // Without a packet the command is to begin: zongji sends the dump request.
        if (packet === undefined) return execute.call(command, packet, on);
        this.#take(packet);
        return false;
      };
      return addCommand.call(connection, command);
    };
  }

  #take(packet: DriverPacket): void {
    const { buffer, offset, end } = packet;
    if (buffer[offset] !== 0) {
      const isError = buffer[offset] === 0xff;
      this.#fail(
        isError ? packet.asError(this.#zongji.connection.clientEncoding) : new Error('the server ended the dump'),
      );
      return;
    }
    let arrival = this.#filling;
    if (buffer !== this.#lastBuffer) {
      if (arrival.bytes >= arrivalBytesMax) {
        this.#full.push(arrival);
        arrival = this.#filling = emptyArrival();
      }
      this.#lastBuffer = buffer;
      arrival.receivedMs = performance.now();
      arrival.bytes += buffer.length;
      this.#heldBytes += buffer.length;
      if (this.#heldBytes > highMarkBytes && !this.#isPaused) {
        this.#isPaused = true;
        this.#zongji.connection.pause();
      }
    }
    arrival.buffers.push(buffer);
    arrival.froms.push(offset + 1);
    arrival.tos.push(end);
    this.#wakeUp();
  }

  #release(): void {
    this.#heldBytes -= this.#out?.bytes ?? 0;
    this.#out = null;
    assert(this.#heldBytes >= 0, 'bytes are given back once');
    if (!this.#isPaused || this.#heldBytes > lowMarkBytes || this.#failure !== null) return;
    this.#isPaused = false;
    this.#lastBytesMs = performance.now();
    this.#zongji.connection.resume();
  }

  /** Bytes count, not packets: one large event may take minutes over a slow line. */
  #checkSilence(): void {
    const { silenceMs } = this.#options;
    const bytes = this.#zongji.connection.stream.bytesRead;
    if (this.#isPaused || bytes !== this.#bytesSeen) {
      this.#bytesSeen = bytes;
      this.#lastBytesMs = performance.now();
    }
    if (performance.now() - this.#lastBytesMs < silenceMs) return;
    this.#fail(lostConnection(`no packet, not even a heartbeat, for ${Math.round(silenceMs / 1000)} s`, this.facts));
  }

  /** The first failure counts: what follows is its noise. Events that came before it are handed out first. */
  #fail(error: DriverError): void {
    if (this.#failure !== null || this.#isClosed) return;
    this.#failure = this.#describe(error);
    this.#wakeUp();
  }

  async #describe(error: DriverError): Promise<Error> {
    const plain = dumpError(error, this.facts, null);
    if (!(plain instanceof SyncError) || plain.code !== 'POSITION_LOST') return plain;
    const files = await this.query('SHOW BINARY LOGS').catch(() => []);
    return dumpError(error, this.facts, (files[0]?.Log_name as string | undefined) ?? null);
  }

  get facts(): DumpFacts {
    const { host = 'localhost', port = 3306 } = this.#options.connection;
    return { host, port, from: this.#options.from };
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = null;
  }
}

function emptyArrival(): Arrival {
  return { buffers: [], froms: [], tos: [], bytes: 0, receivedMs: 0 };
}
