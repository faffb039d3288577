/**
 * DECIMAL as the server stores it: groups of nine digits as big-endian integers, the outermost ones shorter; the top bit is
 * flipped, and all bits of a negative value (strings/decimal.c, `decimal2bin`).
 */
import { assert } from '../../base/assert.js';
import { writeDigits } from './digits.js';

const bytesOfDigits = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4] as const;

export interface DecimalTextWriter {
  /** Writes the text of the value at `at`; it begins at the offset that is returned, and ends at `end`. */
  readonly write: (bytes: Buffer, at: number, out: Buffer) => number;
  readonly end: number;
}

/** Canonical text (see `decimal-target.ts`); `out` needs `precision + 3` bytes. */
export function decimalTextWriter(precision: number, scale: number): DecimalTextWriter {
  const whole = precision - scale;
  const groups = decimalGroups(whole, scale);
  const pointAt = whole === 0 ? 2 : whole + 1;
  const write = (bytes: Buffer, at: number, out: Buffer): number => {
    const isNegative = ((bytes[at] as number) & 0x80) === 0;
    const flip = isNegative ? 0xff : 0;
    let offset = at;
    let text = 1;
    let seen = 0;
    if (whole === 0) out[text++] = 0x30;
    for (let index = 0; index < groups.length; index += 1) {
      if (text === pointAt) out[text++] = 0x2e;
      const digits = groups[index] as number;
      let value = 0;
      for (let left = bytesOfDigits[digits] as number; left > 0; left -= 1) {
        const byte = (bytes[offset] as number) ^ flip;
        value = (value << 8) | (offset === at ? byte ^ 0x80 : byte);
        offset += 1;
      }
      seen |= value;
      text = writeDigits(out, text, value, digits);
    }
    let from = 1;
    while (from < pointAt - 1 && out[from] === 0x30) from += 1;
    if (isNegative && seen !== 0) out[--from] = 0x2d;
    return from;
  };
  return { write, end: scale === 0 ? pointAt : pointAt + 1 + scale };
}

/** Bytes of a DECIMAL (`decimal_bin_size`). */
export function decimalBytes(precision: number, scale: number): number {
  const side = (digits: number): number => Math.floor(digits / 9) * 4 + (bytesOfDigits[digits % 9] as number);
  assert(scale <= precision, 'a decimal has no more decimals than digits');
  return side(precision - scale) + side(scale);
}

/** Digits of each group, from the left. A group never spans the point. */
function decimalGroups(whole: number, scale: number): Uint8Array {
  const groups: number[] = [];
  if (whole % 9 > 0) groups.push(whole % 9);
  for (let left = whole; left >= 9; left -= 9) groups.push(9);
  for (let left = scale; left >= 9; left -= 9) groups.push(9);
  if (scale % 9 > 0) groups.push(scale % 9);
  return Uint8Array.from(groups);
}
