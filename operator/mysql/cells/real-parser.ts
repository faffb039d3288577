import { readDigits } from './digits.js';

/**
 * `-12.5`, `1.5e-20` as the nearest double. Up to 15 digits and 22 powers of ten both parts are exact, and one division or
 * multiplication rounds once (W. D. Clinger, "How to Read Floating Point Numbers Accurately"); all else goes through a string.
 */
export function readReal(bytes: Buffer, from: number, to: number): number {
  return read(bytes, from, to, false);
}

/**
 * The same for text that stands for a single: its double is near enough (some 10^-15), since the next single is 10^-8 away.
 */
export function readSingle(bytes: Buffer, from: number, to: number): number {
  return Math.fround(read(bytes, from, to, true));
}

function read(bytes: Buffer, from: number, to: number, isNearEnough: boolean): number {
  const isNegative = bytes[from] === 0x2d;
  let mantissa = 0;
  let digits = 0;
  let exponent = 0;
  let index = isNegative ? from + 1 : from;
  let isFraction = false;
  for (; index < to; index += 1) {
    const byte = bytes[index] as number;
    if (byte === 0x2e) isFraction = true;
    else if (byte >= 0x30 && byte <= 0x39) {
      if (isFraction) exponent -= 1;
      mantissa = mantissa * 10 + (byte - 0x30);
      if (mantissa > 0) digits += 1;
    } else break;
  }
  if (index < to) {
    const isBelowOne = bytes[index + 1] === 0x2d;
    const start = isBelowOne ? index + 2 : index + 1;
    const size = readDigits(bytes, start, to - start);
    exponent += isBelowOne ? -size : size;
  }
  const isExact = digits <= 15 && exponent <= 22 && exponent >= -22;
  if (!isExact && !isNearEnough) return Number(bytes.toString('latin1', from, to));
  const value = exponent < 0 ? mantissa / 10 ** -exponent : mantissa * 10 ** exponent;
  return isNegative ? -value : value;
}
