/** Text of MySQL's charsets as UTF-8, with the same characters that the server's own conversion to utf8mb4 gives. */
import iconv from 'iconv-lite';
import { type CharsetTable, multiByteTables, singleByteTables } from './charset-tables.js';
import { unicodeDecoder } from './unicode.js';
import { writePoint } from './utf8.js';

export interface CharsetDecoder {
  /** At most so many bytes of UTF-8 for one byte of input. */
  readonly growthMax: number;
  /** At most so many bytes of input for one byte of UTF-8. */
  readonly shrinkMax: number;
  /** Bytes below 0x80 are the same characters as in UTF-8: a text of them alone needs no conversion. */
  readonly keepsAscii: boolean;
  /** Writes `bytes[from..to)` as UTF-8 from the start of `out`; returns the bytes written. */
  readonly write: (bytes: Buffer, from: number, to: number, out: Buffer) => number;
}

const unmapped = 0x3f;

/** A table takes up to 100 ms to fill, and never changes: one per charset (some 35), filled when it is first asked for. */
const decoders = new Map<string, CharsetDecoder | 'copy' | null>();

/** `copy` where the bytes are UTF-8 already; null for an unknown charset. */
export function charsetDecoder(charset: string): CharsetDecoder | 'copy' | null {
  let decoder = decoders.get(charset);
  if (decoder === undefined) {
    decoder = compileDecoder(charset);
    decoders.set(charset, decoder);
  }
  return decoder;
}

function compileDecoder(charset: string): CharsetDecoder | 'copy' | null {
  switch (charset) {
    case 'utf8mb4':
    case 'utf8mb3':
    case 'utf8':
    case 'ascii':
      return 'copy';
    case 'ucs2':
    case 'utf16':
    case 'utf16le':
    case 'utf32':
      return unicodeDecoder(charset);
  }
  const single = singleByteTables[charset];
  if (single) return singleByteDecoder(fillTable(single, [0], new Uint16Array(0x100)));
  const multi = multiByteTables[charset];
  return multi ? multiByteDecoder(charset, multi) : null;
}

/** `table[byte]` is a code point of the Basic Multilingual Plane. */
function singleByteDecoder(table: Uint16Array): CharsetDecoder {
  return {
    growthMax: 3,
    shrinkMax: 1,
    keepsAscii: keepsAscii(table),
    write: (bytes, from, to, out) => {
      let end = 0;
      for (let index = from; index < to; index += 1) {
        const point = table[bytes[index] as number] as number;
        if (point < 0x80) out[end++] = point;
        else end = writePoint(out, end, point);
      }
      return end;
    },
  };
}

/** Which bytes begin a character of two bytes, or more: the `mbcharlen` of the charset (strings/ctype-*.c). */
const isLead: Readonly<Record<string, (byte: number) => boolean>> = {
  big5: (byte) => byte >= 0xa1 && byte <= 0xf9,
  cp932: (byte) => (byte >= 0x81 && byte <= 0x9f) || (byte >= 0xe0 && byte <= 0xfc),
  eucjpms: (byte) => byte === 0x8e || byte === 0x8f || (byte >= 0xa1 && byte <= 0xfe),
  euckr: (byte) => byte >= 0x81 && byte <= 0xfe,
  gb18030: (byte) => byte >= 0x81 && byte <= 0xfe,
  gb2312: (byte) => byte >= 0xa1 && byte <= 0xf7,
  gbk: (byte) => byte >= 0x81 && byte <= 0xfe,
  sjis: (byte) => (byte >= 0x81 && byte <= 0x9f) || (byte >= 0xe0 && byte <= 0xfc),
  ujis: (byte) => byte === 0x8e || byte === 0x8f || (byte >= 0xa1 && byte <= 0xfe),
};

function multiByteDecoder(charset: string, table: CharsetTable): CharsetDecoder {
  const leads = Uint8Array.from({ length: 256 }, (_, byte) => (isLead[charset]?.(byte) ? 1 : 0));
  const heads = Array.from(leads.keys()).filter((byte) => leads[byte] === 1);
  const singles = fillTable(table, [0], new Uint16Array(0x100));
  const pairs = fillTable(table, heads, new Uint16Array(0x10000));
  // Third byte of JIS X 0212, behind 0x8f.
  const isEuc = charset === 'ujis' || charset === 'eucjpms';
  const triples = isEuc ? fillTable(table, eucHeads(), new Uint16Array(0x10000)) : null;
  const hasFour = charset === 'gb18030';
  return {
    growthMax: 3,
    shrinkMax: 2,
    keepsAscii: keepsAscii(singles) && !leads.subarray(0, 0x80).includes(1),
    write: (bytes, from, to, out) => {
      let end = 0;
      let index = from;
      while (index < to) {
        const byte = bytes[index] as number;
        const isLong = leads[byte] === 1 && index + 1 < to;
        let point = unmapped;
        if (!isLong) {
          point = singles[byte] as number;
          index += 1;
        } else if (hasFour && isDigit(bytes[index + 1] as number) && index + 3 < to) {
          // Four bytes: rare, and too many for a table.
          point = iconv.decode(bytes.subarray(index, index + 4), table.base).codePointAt(0) ?? unmapped;
          index += 4;
        } else if (byte === 0x8f && triples !== null && index + 2 < to) {
          point = triples[((bytes[index + 1] as number) << 8) | (bytes[index + 2] as number)] as number;
          index += 3;
        } else {
          point = pairs[(byte << 8) | (bytes[index + 1] as number)] as number;
          index += 2;
        }
        if (point < 0x80) out[end++] = point;
        else end = writePoint(out, end, point);
      }
      return end;
    },
  };
}

export function isAscii(bytes: Buffer, from: number, to: number): boolean {
  let seen = 0;
  for (let index = from; index < to; index += 1) seen |= bytes[index] as number;
  return seen < 0x80;
}

function keepsAscii(points: Uint16Array): boolean {
  return points.subarray(0, 0x80).every((point, byte) => point === byte);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function eucHeads(): number[] {
  return Array.from({ length: 94 }, (_, index) => 0x8fa1 + index);
}

/** Code points of the codes `head * 256 + last byte`; the index is the code's two last bytes. */
function fillTable(table: CharsetTable, heads: readonly number[], points: Uint16Array): Uint16Array {
  points.fill(unmapped);
  for (const head of heads) {
    for (let last = 0; last < 256; last += 1) {
      const code = head * 256 + last;
      const text = iconv.decode(bytesOf(code), table.base);
      const point = text.codePointAt(0) ?? unmapped;
      const isOne = text.length === 1 && point !== 0xfffd;
      points[code & (points.length - 1)] = isOne ? point : unmapped;
    }
  }
  const isPlane = (code: number): boolean => heads.includes(code >> 8);
  for (const [start, what, first] of table.differences) {
    const count = typeof what === 'string' ? what.length : what;
    for (let index = 0; index < count; index += 1) {
      if (!isPlane(start + index)) continue;
      const point =
        typeof what === 'string' ? what.charCodeAt(index) : first === 'unmapped' ? unmapped : Number(first) + index;
      points[(start + index) & (points.length - 1)] = point;
    }
  }
  return points;
}

function bytesOf(code: number): Buffer {
  if (code < 0x100) return Buffer.from([code]);
  if (code < 0x10000) return Buffer.from([code >> 8, code & 0xff]);
  return Buffer.from([code >> 16, (code >> 8) & 0xff, code & 0xff]);
}
