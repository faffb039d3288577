/** Numbers as ASCII digits in a scratch buffer, and back, without a string in between. */

/** Largest number of bytes that a 64-bit integer takes as text. */
export const intTextBytesMax = 20;

/** Writes a safe integer and returns the offset after it. */
export function writeInteger(out: Uint8Array, at: number, value: number): number {
  let start = at;
  let rest = value;
  if (value < 0) {
    out[start++] = 0x2d;
    rest = -value;
  }
  return writeDigits(out, start, rest, digitCount(rest));
}

/** Writes a non-negative safe integer with exactly `width` digits, zeros in front, and returns the offset after it. */
export function writeDigits(out: Uint8Array, at: number, value: number, width: number): number {
  let rest = value;
  let index = at + width - 1;
  for (; rest > 0x7fffffff && index >= at; index -= 1) {
    const quotient = Math.floor(rest / 10);
    out[index] = 0x30 + (rest - quotient * 10);
    rest = quotient;
  }
  for (let small = rest | 0; index >= at; index -= 1) {
    const quotient = (small / 10) | 0;
    out[index] = 0x30 + (small - quotient * 10);
    small = quotient;
  }
  return at + width;
}

export function digitCount(value: number): number {
  let count = 1;
  for (let limit = 10; value >= limit; limit *= 10) count += 1;
  return count;
}

/** Writes a 64-bit integer given as two's complement halves, and returns the offset after it. */
export function writeHalves(out: Uint8Array, at: number, high: number, low: number, unsigned: boolean): number {
  let upper = high >>> 0;
  let lower = low >>> 0;
  let start = at;
  if (!unsigned && high < 0) {
    out[start++] = 0x2d;
    lower = -low >>> 0;
    upper = ~high >>> 0;
    if (lower === 0) upper += 1;
  }
  // Long division by 10^9 in 16-bit steps: each intermediate stays below 2^53.
  const first = upper % 1e9;
  const step = first * 65536 + (lower >>> 16);
  const second = step % 1e9;
  const last = second * 65536 + (lower & 0xffff);
  const quotient = Math.floor(upper / 1e9) * 4294967296 + Math.floor(step / 1e9) * 65536 + Math.floor(last / 1e9);
  if (quotient === 0) return writeDigits(out, start, last % 1e9, digitCount(last % 1e9));
  start = writeDigits(out, start, quotient, digitCount(quotient));
  return writeDigits(out, start, last % 1e9, 9);
}

/** Reads `count` ASCII digits; 15 at most keep the result exact. */
export function readDigits(bytes: Uint8Array, from: number, count: number): number {
  let value = 0;
  for (let index = from; index < from + count; index += 1) value = value * 10 + ((bytes[index] as number) - 0x30);
  return value;
}
