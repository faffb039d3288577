/**
 * Sees that a silent dump is silent because nothing is written. A server goes on with its heartbeats when RESET MASTER has
 * taken the file away that it sends from (seen on MySQL 5.6 and 9.7 and on MariaDB): the changes go into a new file, and the
 * dump never leaves the old one. In: each heartbeat that came after all else. It must never take a log for whole that is not.
 */
import { SyncError } from '../../base/errors.js';
import { type BinlogPosition, binlogFileNumber } from '../../model/position.js';
import { checksumBytes, eventType, hasValidChecksum, headerBytes, readUint32 } from './event.js';
import { type DumpFacts, lostConnection } from './server-errors.js';
import type { Arrival } from './transport.js';

type Place = Pick<BinlogPosition, 'file' | 'offset'>;

export interface LogWatchOptions {
  /** One statement over the control connection. */
  readonly query: (sql: string) => Promise<Record<string, unknown>[]>;
  /** When the server began the file that it sends from: seconds of the format description, null before the first. */
  readonly bornSeconds: () => number | null;
  /** The same, asked anew: what a dump from the beginning of the file of this name says today. */
  readonly readBornSeconds: (file: string) => Promise<number | null>;
  /** After this much time the server would have sent what stood in the log before. */
  readonly graceMs: number;
  readonly facts: DumpFacts;
}

export type Silence = 'nothing written' | 'more to come';

export class LogWatch {
  readonly #options: LogWatchOptions;
  /** A place that the log had reached and the dump had not, and when that was seen. */
  #ahead: (Place & { readonly seenMs: number }) | null = null;
  #mayAsk = true;
  /** The second is the spelling that MySQL 8.4 and later know alone. */
  #statements = ['SHOW MASTER STATUS', 'SHOW BINARY LOG STATUS'];

  constructor(options: LogWatchOptions) {
    this.#options = options;
  }

  /**
   * Asked at the heartbeat that ends an arrival. Throws `POSITION_LOST` where the log was begun anew, and
   * `SOURCE_UNREACHABLE` where the dump stands still for another reason: a new connection mends that.
   */
  async judge(arrival: Arrival): Promise<Silence> {
    const place = heartbeatPlace(arrival);
    if (place === null || !this.#mayAsk) return 'nothing written';
    const end = await this.#readEnd();
    if (end === null || compare(end, place) === 0) {
      this.#ahead = null;
      return 'nothing written';
    }
    if (compare(end, place) < 0) throw await this.#explain(place, end);
    if (this.#ahead === null || compare(this.#ahead, place) <= 0) {
      this.#ahead = { ...end, seenMs: performance.now() };
    } else if (arrival.receivedMs - this.#ahead.seenMs > this.#options.graceMs) {
      throw await this.#explain(place, end);
    }
    return 'more to come';
  }

  async #readEnd(): Promise<Place | null> {
    try {
      const rows = await this.#ask();
      const row = rows[0];
      return row === undefined ? null : { file: String(row.File), offset: Number(row.Position) };
    } catch (error) {
      if (!(error instanceof SyncError) || error.code !== 'SOURCE_PRIVILEGE_MISSING') throw error;
      this.#mayAsk = false;
      return null;
    }
  }

  async #ask(): Promise<Record<string, unknown>[]> {
    const { query } = this.#options;
    const [first = '', ...others] = this.#statements;
    try {
      return await query(first);
    } catch (error) {
      if (!(error instanceof SyncError) || error.code !== 'SOURCE_QUERY_FAILED' || others.length === 0) throw error;
      this.#statements = others;
      return this.#ask();
    }
  }

  /** A file of another birth is another file, whatever its name. */
  async #explain(place: Place, end: Place): Promise<SyncError> {
    const { bornSeconds, readBornSeconds, facts } = this.#options;
    const seen = `the server sends nothing after ${render(place)}, and its log ends at ${render(end)}`;
    const born = await readBornSeconds(place.file).catch((error: unknown) => {
      if (error instanceof SyncError && error.code === 'POSITION_LOST') return null;
      throw error;
    });
    if (born === bornSeconds()) return lostConnection(seen, facts);
    return new SyncError('POSITION_LOST', {
      seen: `${seen}: the log that was read is gone (RESET MASTER, or an older state of the server)`,
      wanted: `the ${place.file} that was being read, and every later file`,
      fix: 'Take the tables again (mcsync resnapshot): what was written into the log that is gone after this place is not known.',
      position: render(place),
    });
  }
}

/** Where the server stands, as its heartbeat says; null where the last event of the arrival is none. */
export function heartbeatPlace({ buffers, froms, tos }: Arrival): Place | null {
  const last = tos.length - 1;
  const [bytes, from, to] = [buffers[last] as Buffer, froms[last] as number, tos[last] as number];
  if (bytes[from + 4] !== eventType.heartbeat) return null;
  const end = hasValidChecksum(bytes, from, to) ? to - checksumBytes : to;
  const offset = readUint32(bytes, from + 13);
  return offset === 0 ? null : { file: bytes.toString('utf8', from + headerBytes, end), offset };
}

/** Heartbeats hold 32 bits of the offset: within a file that is longer nothing is told apart. */
function compare(end: Place, place: Place): number {
  const byFile = binlogFileNumber(end.file) - binlogFileNumber(place.file);
  return byFile !== 0 || end.offset > 0xffff_ffff ? byFile : end.offset - place.offset;
}

function render(place: Place): string {
  return `${place.file}:${place.offset}`;
}
