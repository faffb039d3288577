/**
 * Compressed events. In: the bytes as they came. Out: the bytes as they were written before compression.
 * MariaDB (log_bin_compress): one header byte (0x80 | algorithm << 4 | length bytes), the length big-endian, zlib data
 * (sql/log_event.cc, query_event_uncompress). MySQL (binlog_transaction_compression): type-length-value fields, then a
 * zstd frame that holds whole events without checksums (Transaction_payload_event).
 */
import { inflateSync } from 'node:zlib';
import { decompress } from 'fzstd';
import { packedLengthBytes, readPackedLength } from './event.js';

/** Servers refuse a larger packet, so no event is larger. A length beyond it is damage, not data. */
const inflatedBytesMax = 1024 * 1024 * 1024;

/** Null when the bytes are damaged. */
export function inflateMariadb(bytes: Buffer): Buffer | null {
  const header = bytes[0] ?? 0;
  const lengthBytes = header & 0x07;
  if ((header & 0xf0) !== 0x80 || lengthBytes < 1 || lengthBytes > 4 || bytes.length < 1 + lengthBytes) return null;
  const length = bytes.readUIntBE(1, lengthBytes);
  if (length > inflatedBytesMax) return null;
  try {
    const inflated = inflateSync(bytes.subarray(1 + lengthBytes), { maxOutputLength: Math.max(length, 1) });
    return inflated.length === length ? inflated : null;
  } catch {
    return null;
  }
}

export interface TransactionPayload {
  /** `zstd`, `none`, or the number of another algorithm. */
  readonly compression: 'zstd' | 'none' | number;
  readonly bytes: Buffer;
  readonly uncompressedBytes: number;
}

const payloadField = { end: 0, size: 1, compression: 2, uncompressedSize: 3 } as const;

export function readTransactionPayload(bytes: Buffer, body: number, to: number): TransactionPayload {
  let at = body;
  let compression: TransactionPayload['compression'] = 'none';
  let uncompressedBytes = 0;
  while (at < to) {
    const field = readPackedLength(bytes, at);
    at += packedLengthBytes(bytes[at] as number);
    if (field === payloadField.end) break;
    const length = readPackedLength(bytes, at);
    at += packedLengthBytes(bytes[at] as number);
    if (field === payloadField.uncompressedSize) uncompressedBytes = readPackedLength(bytes, at);
    if (field === payloadField.compression) {
      const algorithm = readPackedLength(bytes, at);
      compression = algorithm === 0 ? 'zstd' : algorithm === 255 ? 'none' : algorithm;
    }
    at += length;
  }
  return { compression, bytes: bytes.subarray(at, to), uncompressedBytes };
}

/** Null when the bytes are damaged. */
export function inflatePayload(payload: TransactionPayload): Buffer | null {
  if (payload.compression === 'none') return payload.bytes;
  if (payload.uncompressedBytes > inflatedBytesMax) return null;
  try {
    const inflated = decompress(payload.bytes, new Uint8Array(payload.uncompressedBytes));
    return inflated.length === payload.uncompressedBytes
      ? Buffer.from(inflated.buffer, inflated.byteOffset, inflated.length)
      : null;
  } catch {
    return null;
  }
}
