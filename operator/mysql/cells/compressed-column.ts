/** Values of MariaDB's COMPRESSED columns, which travel compressed (sql/field.cc, `Field_longstr::uncompress`). */
import { inflateRawSync, inflateSync } from 'node:zlib';
import { fieldBytesMax } from './target-type.js';

/** More cannot become a value of the target in any charset (UTF-32 shrinks to a quarter). */
const plainBytesMax = fieldBytesMax * 4;

const zlibMethod = 8;

/**
 * Header byte: method in the upper half (0: as it is), then a bit for a stream without zlib header, then the bytes of the plain
 * length (big-endian). An empty value has no header. Null: too long; throws what zlib throws on garbled bytes.
 */
export function uncompress(bytes: Buffer, from: number, to: number): Buffer | null {
  if (from === to) return bytes.subarray(from, to);
  const header = bytes[from] as number;
  if (header >> 4 === 0) return bytes.subarray(from + 1, to);
  if (header >> 4 !== zlibMethod) throw new RangeError(`compression method ${header >> 4}`);
  const start = from + 1 + (header & 7);
  let plainBytes = 0;
  for (let index = from + 1; index < start; index += 1) plainBytes = plainBytes * 256 + (bytes[index] as number);
  if (plainBytes > plainBytesMax) return null;
  const inflate = (header & 8) === 0 ? inflateSync : inflateRawSync;
  return inflate(bytes.subarray(start, to), { maxOutputLength: Math.max(plainBytes, 1) });
}
