/**
 * Dumps of the binary log beside the one that the stream lives on: to read a place again, and to ask when a file was begun.
 * They come with the server id of the stream, since each replica has one only: the server ends the dump before.
 */
import type { ConnectionOptions } from 'mysql2';
import { SyncError } from '../../base/errors.js';
import { type BinlogPosition, binlogFileNumber } from '../../model/position.js';
import { eventType, readUint32 } from './event.js';
import { BinlogReader } from './reader.js';
import { type Arrival, BinlogTransport } from './transport.js';

export interface DumpSettings {
  readonly flavor: 'mysql' | 'mariadb';
  readonly connection: ConnectionOptions;
  readonly serverId: number;
  readonly signal: AbortSignal;
  /** The server sends a heartbeat after so much silence, default 10 s. */
  readonly heartbeatMs?: number;
  /** A connection without any byte for so long is lost, default 30 s. */
  readonly silenceMs?: number;
  /** A question over the control connection that stays without an answer for so long is a lost connection; default 30 s. */
  readonly answerMs?: number;
}

export const heartbeatMsDefault = 10_000;
const silenceMsDefault = 30_000;

export function openDump(settings: DumpSettings, from: BinlogPosition): BinlogTransport {
  const { connection, serverId, signal, answerMs } = settings;
  return new BinlogTransport({
    connection,
    serverId,
    from,
    signal,
    heartbeatMs: settings.heartbeatMs ?? heartbeatMsDefault,
    silenceMs: settings.silenceMs ?? silenceMsDefault,
    ...(answerMs === undefined ? {} : { answerMs }),
  });
}

/** Reads from `from` until it is past `place`, or at the log's end. Null where that went well, else what cannot be read. */
export async function readPast(
  settings: DumpSettings,
  from: BinlogPosition,
  place: Pick<BinlogPosition, 'file' | 'offset'>,
): Promise<SyncError | null> {
  try {
    await using transport = openDump(settings, from);
    let arrival = await transport.next();
    const reader = new BinlogReader({
      flavor: settings.flavor,
      from,
      planOf: () => null,
      rolledBack: new Set(),
      hasChecksums: transport.hasChecksums,
      foldsNames: false,
      selectedDatabases: new Set(),
      tableDefaults: () => null,
      onNulled: () => {},
    });
    for (; arrival !== null; arrival = await transport.next()) {
      for (const _ of reader.read(arrival));
      const { file, offset } = reader.place;
      const isPast = (binlogFileNumber(file) - binlogFileNumber(place.file) || offset - place.offset) > 0;
      if (isPast || isHeartbeatAlone(arrival)) break;
    }
    return null;
  } catch (error) {
    if (error instanceof SyncError && error.code === 'BINLOG_CORRUPT') return error;
    throw error;
  }
}

/** When the server began the file of this name: seconds of its format description. Null where it sends none. */
export async function readBornSeconds(settings: DumpSettings, file: string): Promise<number | null> {
  await using transport = openDump(settings, { file, offset: 4, gtidSet: null });
  for (let arrival = await transport.next(); arrival !== null; arrival = await transport.next()) {
    const { buffers, froms, tos } = arrival;
    for (let index = 0; index < tos.length; index += 1) {
      const [bytes, from] = [buffers[index] as Buffer, froms[index] as number];
      if (bytes[from + 4] === eventType.formatDescription) return readUint32(bytes, from);
    }
  }
  return null;
}

export function isHeartbeatAlone({ buffers, froms }: Arrival): boolean {
  return froms.every((from, index) => (buffers[index] as Buffer)[from + 4] === eventType.heartbeat);
}
