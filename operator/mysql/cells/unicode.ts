/** UCS-2, UTF-16 and UTF-32 as MySQL stores them (big-endian, `utf16le` apart) into UTF-8. */
import type { CharsetDecoder } from './charset.js';
import { writePoint } from './utf8.js';

export function unicodeDecoder(charset: 'ucs2' | 'utf16' | 'utf16le' | 'utf32'): CharsetDecoder {
  if (charset === 'utf32') return { growthMax: 1, shrinkMax: 4, keepsAscii: false, write: writeUtf32 };
  const high = charset === 'utf16le' ? 1 : 0;
  const hasPairs = charset !== 'ucs2';
  return {
    growthMax: 1.5,
    keepsAscii: false,
    shrinkMax: 2,
    write: (bytes, from, to, out) => {
      let end = 0;
      for (let index = from; index + 1 < to; index += 2) {
        let point = ((bytes[index + high] as number) << 8) | (bytes[index + 1 - high] as number);
        if (hasPairs && (point & 0xfc00) === 0xd800 && index + 3 < to) {
          const low = ((bytes[index + 2 + high] as number) << 8) | (bytes[index + 3 - high] as number);
          point = 0x10000 + ((point & 0x3ff) << 10) + (low & 0x3ff);
          index += 2;
        }
        if (point < 0x80) out[end++] = point;
        else end = writePoint(out, end, point);
      }
      return end;
    },
  };
}

function writeUtf32(bytes: Buffer, from: number, to: number, out: Buffer): number {
  let end = 0;
  for (let index = from; index + 3 < to; index += 4) {
    const point = bytes.readUInt32BE(index);
    if (point < 0x80) out[end++] = point;
    else end = writePoint(out, end, point);
  }
  return end;
}
