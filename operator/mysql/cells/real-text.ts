/**
 * FLOAT and DOUBLE as the server writes them: the fewest digits that give the value back, in the layout of MySQL's
 * my_gcvt (strings/dtoa.cc): plain up to 15 places beyond the digits, else `1.5e-20`, `1e300` (no `+`, no padding).
 * FLOAT differs on purpose: the server rounds its text to 6 digits, which would not give the value back.
 */
import { writeInteger } from './digits.js';

/** Sign, 17 digits, point, 15 zeros, `0.`. */
export const realTextBytesMax = 40;

/** MAX_DECPT_FOR_F_FORMAT of strings/dtoa.cc. */
const plainPointMax = 15;

export function writeDouble(out: Buffer, at: number, value: number): number {
  return layOut(out, at, value, String(Math.abs(value)));
}

export function writeFloat(out: Buffer, at: number, value: number): number {
  const size = Math.abs(value);
  for (let digits = 1; digits < 9; digits += 1) {
    const text = size.toPrecision(digits);
    if (Math.fround(Number(text)) === size) return layOut(out, at, value, String(Number(text)));
  }
  return layOut(out, at, value, String(Number(size.toPrecision(9))));
}

/** Rearranges JavaScript's shortest text of |value| into the server's layout. */
function layOut(out: Buffer, at: number, value: number, text: string): number {
  let end = at;
  if (value < 0 || Object.is(value, -0)) out[end++] = 0x2d;
  if (value === 0) {
    out[end++] = 0x30;
    return end;
  }
  const exponentAt = text.indexOf('e');
  const mantissa = exponentAt < 0 ? text : text.slice(0, exponentAt);
  const exponent = exponentAt < 0 ? 0 : Number(text.slice(exponentAt + 1));
  const pointAt = mantissa.indexOf('.');
  const whole = pointAt < 0 ? mantissa : mantissa.slice(0, pointAt);
  const all = pointAt < 0 ? mantissa : whole + mantissa.slice(pointAt + 1);
  const leading = all.length - all.replace(/^0+/, '').length;
  const digits = all.slice(leading).replace(/0+$/, '');
  return placeDigits(out, end, digits, whole.length - leading + exponent);
}

/** The value is 0.DIGITS x 10^point. */
function placeDigits(out: Buffer, at: number, digits: string, point: number): number {
  const isPlain = point > -plainPointMax && (point <= plainPointMax || digits.length > point);
  if (!isPlain) {
    let end = at + out.write(digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits, at, 'latin1');
    out[end++] = 0x65;
    return writeInteger(out, end, point - 1);
  }
  if (point <= 0) return at + out.write(`0.${'0'.repeat(-point)}${digits}`, at, 'latin1');
  if (point >= digits.length) return at + out.write(digits.padEnd(point, '0'), at, 'latin1');
  return at + out.write(`${digits.slice(0, point)}.${digits.slice(point)}`, at, 'latin1');
}
