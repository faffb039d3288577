/**
 * Readers of the layouts before MySQL 5.6, which columns of older tables keep; and of MariaDB's own layouts with a fraction
 * (mysql56_temporal_format=OFF), which travel under the same type codes (sql/field.cc, `Field_datetime_hires` and sisters).
 */
import type { BinaryCellPlan, BinaryCellReader } from './binary-cell.js';
import { compileDateTimeTarget, compileTimestampTarget, compileTimeTarget } from './temporal-target.js';

const powersOfTen = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000] as const;

/** One more than the seconds of 838:59:59: times are stored from minus this on. */
const timeSecondsMax = 3_020_400;

export function compileOldDateTime(plan: BinaryCellPlan, fsp: number): BinaryCellReader {
  const send = compileDateTimeTarget(plan.source, fsp, plan.column, plan.index, plan.context);
  if (fsp > 0) {
    const width = plan.layout.fixedBytes as number;
    const unit = powersOfTen[fsp] as number;
    // Mixed radix: year, 13 months, 32 days, 24 hours, minutes, seconds, units of the fraction; big-endian.
    return (bytes, at, sink) => {
      const upper = bytes.readUIntBE(at, width - 4);
      const lower = bytes.readUInt32BE(at + width - 4);
      // Up to 62 bits: divided in two steps, each below 2^53.
      const step = (upper % unit) * 4294967296 + lower;
      const whole = Math.floor(upper / unit) * 4294967296 + Math.floor(step / unit);
      const days = Math.floor(whole / 86400);
      const months = Math.floor(days / 32);
      const year = Math.floor(months / 13);
      const micros = (step % unit) * (powersOfTen[6 - fsp] as number);
      send(sink, year, months - year * 13, days - months * 32, whole - days * 86400, micros);
      return at + width;
    };
  }
  // YYYYMMDDhhmmss as a number.
  return (bytes, at, sink) => {
    const value = bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 4294967296;
    const date = Math.floor(value / 1_000_000);
    const time = value - date * 1_000_000;
    const year = (date / 10_000) | 0;
    send(sink, year, ((date / 100) | 0) % 100, date % 100, secondsOf(time), 0);
    return at + 8;
  };
}

export function compileOldTimestamp(plan: BinaryCellPlan, fsp: number): BinaryCellReader {
  const send = compileTimestampTarget(plan.source, fsp, plan.column, plan.index, plan.context);
  if (fsp === 0) {
    return (bytes, at, sink) => {
      send(sink, bytes.readUInt32LE(at), 0);
      return at + 4;
    };
  }
  const width = plan.layout.fixedBytes as number;
  const scale = powersOfTen[6 - fsp] as number;
  return (bytes, at, sink) => {
    send(sink, bytes.readUInt32BE(at), bytes.readUIntBE(at + 4, width - 4) * scale);
    return at + width;
  };
}

export function compileOldTime(plan: BinaryCellPlan, fsp: number): BinaryCellReader {
  const send = compileTimeTarget(plan.source, fsp, plan.column, plan.index, plan.context);
  if (fsp > 0) {
    const width = plan.layout.fixedBytes as number;
    const unit = powersOfTen[fsp] as number;
    return (bytes, at, sink) => {
      const value = bytes.readUIntBE(at, width) - timeSecondsMax * unit;
      const size = Math.abs(value);
      const seconds = Math.floor(size / unit);
      send(sink, value < 0, seconds, (size - seconds * unit) * (powersOfTen[6 - fsp] as number));
      return at + width;
    };
  }
  // hhhmmss as a signed number.
  return (bytes, at, sink) => {
    const value = bytes.readIntLE(at, 3);
    send(sink, value < 0, secondsOf(Math.abs(value)), 0);
    return at + 3;
  };
}

/** Seconds of the digits hhhmmss. */
function secondsOf(digits: number): number {
  return ((digits / 10_000) | 0) * 3600 + (((digits / 100) | 0) % 100) * 60 + (digits % 100);
}
