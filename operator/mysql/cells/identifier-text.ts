/** MariaDB's INET4, INET6 and UUID as the server writes them. In the binary log they are bytes in the order of the text. */
import { writeInteger } from './digits.js';

export type IdentifierKind = 'inet4' | 'inet6' | 'uuid';

export const identifierBytes: Readonly<Record<IdentifierKind, number>> = { inet4: 4, inet6: 16, uuid: 16 };

/** The longest is `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`. */
export const identifierTextBytesMax = 48;

/** Writes the text of the value at `from`, from the start of `out` on; returns its length. */
export type IdentifierWriter = (value: Uint8Array, from: number, out: Uint8Array) => number;

export const identifierWriters: Readonly<Record<IdentifierKind, IdentifierWriter>> = {
  inet4: (value, from, out) => writeInet4(value, from, out, 0),
  inet6: writeInet6,
  uuid: writeUuid,
};

function writeInet4(value: Uint8Array, from: number, out: Uint8Array, at: number): number {
  let end = writeInteger(out, at, value[from] as number);
  for (let index = from + 1; index < from + 4; index += 1) {
    out[end] = 0x2e;
    end = writeInteger(out, end + 1, value[index] as number);
  }
  return end;
}

/**
 * The first of the longest runs of zero words becomes `::`, one word alone too; behind `::` and `::ffff:` the last two
 * words are an IPv4 address (sql/sql_type_inet.cc, `Inet6::to_string`).
 */
function writeInet6(value: Uint8Array, from: number, out: Uint8Array): number {
  let gap = -1;
  let gapWords = 0;
  for (let start = 0; start < 8; start += 1) {
    let words = 0;
    while (start + words < 8 && wordAt(value, from, start + words) === 0) words += 1;
    if (words > gapWords) {
      gap = start;
      gapWords = words;
    }
  }
  const holdsInet4 = gap === 0 && (gapWords === 6 || (gapWords === 5 && wordAt(value, from, 5) === 0xffff));
  let end = 0;
  for (let word = 0; word < 8; word += 1) {
    if (word === gap) {
      if (word === 0) out[end++] = 0x3a;
      out[end++] = 0x3a;
      word += gapWords - 1;
    } else if (word === 6 && holdsInet4) {
      return writeInet4(value, from + 12, out, end);
    } else {
      end = writeHexWord(out, end, wordAt(value, from, word));
      if (word < 7) out[end++] = 0x3a;
    }
  }
  return end;
}

function wordAt(value: Uint8Array, from: number, word: number): number {
  return ((value[from + word * 2] as number) << 8) | (value[from + word * 2 + 1] as number);
}

/** Without zeros in front. */
function writeHexWord(out: Uint8Array, at: number, word: number): number {
  let end = at;
  for (let shift = word > 0xfff ? 12 : word > 0xff ? 8 : word > 0xf ? 4 : 0; shift >= 0; shift -= 4) {
    out[end++] = hexDigit((word >> shift) & 15);
  }
  return end;
}

function writeUuid(value: Uint8Array, from: number, out: Uint8Array): number {
  let end = 0;
  for (let index = 0; index < 16; index += 1) {
    if (index === 4 || index === 6 || index === 8 || index === 10) out[end++] = 0x2d;
    out[end++] = hexDigit((value[from + index] as number) >> 4);
    out[end++] = hexDigit((value[from + index] as number) & 15);
  }
  return end;
}

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
