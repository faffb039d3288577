/** Dates and times as the server writes them: `2024-01-02 03:04:05.120000`, with as many decimals as the column has. */
import { digitCount, writeDigits } from './digits.js';

/** `-838:59:59.999999` and `2024-01-02 03:04:05.123456` fit. */
export const temporalTextBytesMax = 32;

const powersOfTen = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000] as const;

export function writeDateText(out: Uint8Array, at: number, year: number, month: number, day: number): number {
  writeDigits(out, at, year, 4);
  out[at + 4] = 0x2d;
  writeDigits(out, at + 5, month, 2);
  out[at + 7] = 0x2d;
  return writeDigits(out, at + 8, day, 2);
}

export function writeDateTimeText(
  out: Uint8Array,
  at: number,
  year: number,
  month: number,
  day: number,
  seconds: number,
  micros: number,
  fsp: number,
): number {
  const end = writeDateText(out, at, year, month, day);
  out[end] = 0x20;
  return writeClock(out, end + 1, seconds, micros, fsp);
}

export function writeTimeText(
  out: Uint8Array,
  at: number,
  isNegative: boolean,
  seconds: number,
  micros: number,
  fsp: number,
): number {
  if (!isNegative) return writeClock(out, at, seconds, micros, fsp);
  out[at] = 0x2d;
  return writeClock(out, at + 1, seconds, micros, fsp);
}

function writeClock(out: Uint8Array, at: number, seconds: number, micros: number, fsp: number): number {
  const minutes = (seconds / 60) | 0;
  const hours = (minutes / 60) | 0;
  let end = writeDigits(out, at, hours, hours < 100 ? 2 : digitCount(hours));
  out[end] = 0x3a;
  end = writeDigits(out, end + 1, minutes - hours * 60, 2);
  out[end] = 0x3a;
  end = writeDigits(out, end + 1, seconds - minutes * 60, 2);
  if (fsp === 0) return end;
  out[end] = 0x2e;
  return writeDigits(out, end + 1, (micros / (powersOfTen[6 - fsp] as number)) | 0, fsp);
}
