/**
 * Binary log events as bytes: type codes, the common header, the checksum.
 * Layout: timestamp u32, type u8, server id u32, length u32, end_log_pos u32, flags u16, then the body and, where
 * checksums are on, a CRC-32 of all before it (MySQL: libs/mysql/binlog/event/binlog_event.h; MariaDB: sql/log_event.h).
 */
import { crc32 } from 'node:zlib';
import { SyncError } from '../../base/errors.js';

export const headerBytes = 19;
export const checksumBytes = 4;

export const eventType = {
  startV3: 1,
  query: 2,
  stop: 3,
  rotate: 4,
  intvar: 5,
  appendBlock: 9,
  deleteFile: 11,
  rand: 13,
  userVar: 14,
  formatDescription: 15,
  xid: 16,
  beginLoadQuery: 17,
  executeLoadQuery: 18,
  tableMap: 19,
  writeRowsV1: 23,
  updateRowsV1: 24,
  deleteRowsV1: 25,
  incident: 26,
  heartbeat: 27,
  ignorable: 28,
  rowsQuery: 29,
  writeRowsV2: 30,
  updateRowsV2: 31,
  deleteRowsV2: 32,
  gtid: 33,
  anonymousGtid: 34,
  previousGtids: 35,
  transactionContext: 36,
  viewChange: 37,
  xaPrepare: 38,
  partialUpdateRows: 39,
  transactionPayload: 40,
  heartbeatV2: 41,
  gtidTagged: 42,
  mariadbAnnotateRows: 160,
  mariadbBinlogCheckpoint: 161,
  mariadbGtid: 162,
  mariadbGtidList: 163,
  mariadbStartEncryption: 164,
  mariadbQueryCompressed: 165,
  mariadbWriteRowsCompressedV1: 166,
  mariadbUpdateRowsCompressedV1: 167,
  mariadbDeleteRowsCompressedV1: 168,
  mariadbWriteRowsCompressed: 169,
  mariadbUpdateRowsCompressed: 170,
  mariadbDeleteRowsCompressed: 171,
} as const;

/** The server marks events that a reader may skip without knowing them (LOG_EVENT_IGNORABLE_F). */
export const ignorableFlag = 0x80;

export function readUint32(bytes: Buffer, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

/** A table id, six bytes. */
export function readUint48(bytes: Buffer, at: number): number {
  return readUint32(bytes, at) + ((bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8)) * 0x1_0000_0000;
}

/** An unsigned 64-bit number that is exact as a double in every log that exists; NaN where it is not. */
export function readUint64(bytes: Buffer, at: number): number {
  const value = readUint32(bytes, at) + readUint32(bytes, at + 4) * 0x1_0000_0000;
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** Length-encoded integer (MySQL client/server protocol, basic types) of a column count or block length. */
export function readPackedLength(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  if (first < 251) return first;
  if (first === 252) return bytes.readUInt16LE(at + 1);
  if (first === 253) return bytes.readUIntLE(at + 1, 3);
  return readUint64(bytes, at + 1);
}

export function packedLengthBytes(firstByte: number): number {
  return firstByte < 251 ? 1 : firstByte === 252 ? 3 : firstByte === 253 ? 4 : 9;
}

export function hasValidChecksum(bytes: Buffer, from: number, to: number): boolean {
  const end = to - checksumBytes;
  const sum = end - from > shortEventBytesMax ? crc32(bytes.subarray(from, end)) : shortCrc32(bytes, from, end);
  return sum === readUint32(bytes, end);
}

/** Up to here a loop is faster than a native call and the view it needs (measured: break-even near 100 bytes). */
const shortEventBytesMax = 96;
let crcTable: Int32Array | null = null;

/** CRC-32 (ISO 3309, as in zlib), a byte at a time. */
function shortCrc32(bytes: Buffer, from: number, to: number): number {
  crcTable ??= makeCrcTable();
  let sum = -1;
  for (let at = from; at < to; at += 1) {
    sum = (crcTable[(sum ^ (bytes[at] as number)) & 0xff] as number) ^ (sum >>> 8);
  }
  return (sum ^ -1) >>> 0;
}

function makeCrcTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let sum = byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum & 1) === 1 ? (sum >>> 1) ^ 0xedb8_8320 : sum >>> 1;
    return sum;
  });
}

export function corruptEvent(seen: string, position: string): SyncError {
  return new SyncError('BINLOG_CORRUPT', {
    seen,
    wanted: 'whole events with the checksum that the server wrote',
    fix: 'Reading starts again at the checkpoint. If it happens at the same place again, the file on the server is damaged: take the tables again (mcsync resnapshot).',
    position,
  });
}

/** Version of the server in a format description: format u16, then 50 bytes of text. */
export function readServerVersion(bytes: Buffer, from: number): number {
  return versionNumber(bytes.toString('latin1', from + headerBytes + 2, from + headerBytes + 52));
}

/** `5.6.24-log`, `10.11.19-MariaDB` as the numbers of executable comments, 50624 and 101119; 0 where it is no version. */
export function versionNumber(text: string): number {
  const match = /^(?:5\.5\.5-)?(\d+)\.(\d+)\.(\d+)/.exec(text);
  return match ? Number(match[1]) * 10_000 + Number(match[2]) * 100 + Number(match[3]) : 0;
}
