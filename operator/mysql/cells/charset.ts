/** Text of MySQL's charsets as UTF-8, with the same characters that the server's own conversion gives. */

export interface CharsetDecoder {
  /** At most so many bytes of UTF-8 for one byte of input. */
  readonly growthMax: number;
  /** Writes `bytes[from..to)` as UTF-8 from the start of `out`; returns the bytes written. */
  readonly write: (bytes: Uint8Array, from: number, to: number, out: Buffer) => number;
}

/** `copy` where the bytes are UTF-8 already; null for an unknown charset. */
export function charsetDecoder(charset: string): CharsetDecoder | 'copy' | null {
  switch (charset) {
    case 'utf8mb4':
    case 'utf8mb3':
    case 'utf8':
    case 'ascii':
      return 'copy';
    case 'latin1':
      return singleByteDecoder(latin1Table());
    default:
      return null;
  }
}

/** `table[byte]` is the code point, within the Basic Multilingual Plane. */
function singleByteDecoder(table: Uint16Array): CharsetDecoder {
  return {
    growthMax: 3,
    write: (bytes, from, to, out) => {
      let end = 0;
      for (let index = from; index < to; index += 1) {
        const byte = bytes[index] as number;
        const point = byte < 0x80 ? byte : (table[byte] as number);
        if (point < 0x80) out[end++] = point;
        else end = writePoint(out, end, point);
      }
      return end;
    },
  };
}

/** Code points 0x80 to 0xffff. */
function writePoint(out: Uint8Array, at: number, point: number): number {
  if (point < 0x800) {
    out[at] = 0xc0 | (point >> 6);
    out[at + 1] = 0x80 | (point & 63);
    return at + 2;
  }
  out[at] = 0xe0 | (point >> 12);
  out[at + 1] = 0x80 | ((point >> 6) & 63);
  out[at + 2] = 0x80 | (point & 63);
  return at + 3;
}

/** MySQL's latin1 is Windows-1252, whose five undefined bytes stay what they are (strings/ctype-latin1.c). */
function latin1Table(): Uint16Array {
  const table = Uint16Array.from({ length: 256 }, (_, byte) => byte);
  const windows1252 = [
    0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d,
    0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,
    0x017e, 0x0178,
  ];
  table.set(windows1252, 0x80);
  return table;
}
