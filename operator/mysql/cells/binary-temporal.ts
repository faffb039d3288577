/**
 * Readers of DATE, DATETIME, TIMESTAMP and TIME cells in the layouts from MySQL 5.6 on (sql-common/my_time.c,
 * `my_datetime_packed_to_binary` and its sisters).
 */
import type { BinaryCellPlan, BinaryCellReader } from './binary-cell.js';
import { compileOldDateTime, compileOldTime, compileOldTimestamp } from './binary-temporal-old.js';
import {
  compileDateTarget,
  compileDateTimeTarget,
  compileTimestampTarget,
  compileTimeTarget,
} from './temporal-target.js';
import { wireType } from './wire.js';

/** Microseconds in one unit of a fraction, by its bytes. */
const fractionUnit = [0, 10_000, 100, 1] as const;

export function compileBinaryDate(plan: BinaryCellPlan): BinaryCellReader {
  const send = compileDateTarget(plan.source, plan.column, plan.index, plan.context);
  return (bytes, at, sink) => {
    const packed = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
    send(sink, packed >> 9, (packed >> 5) & 15, packed & 31);
    return at + 3;
  };
}

export function compileBinaryDateTime(plan: BinaryCellPlan, fsp: number): BinaryCellReader | null {
  const { typeCode, metadata, fixedBytes } = plan.layout;
  if (typeCode === wireType.dateTime) return compileOldDateTime(plan, fsp);
  if (typeCode !== wireType.dateTime2 || metadata !== fsp) return null;
  const send = compileDateTimeTarget(plan.source, fsp, plan.column, plan.index, plan.context);
  const width = fixedBytes as number;
  // 40 bits: sign, year * 13 + month (17), day (5), hour (5), minute (6), second (6).
  return (bytes, at, sink) => {
    const upper = (((bytes[at] as number) & 0x7f) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    const yearMonth = upper >> 6;
    const day = (upper >> 1) & 31;
    const lower = ((bytes[at + 3] as number) << 8) | (bytes[at + 4] as number);
    const hour = ((upper & 1) << 4) | (lower >> 12);
    const seconds = hour * 3600 + ((lower >> 6) & 63) * 60 + (lower & 63);
    const year = (yearMonth / 13) | 0;
    send(sink, year, yearMonth - year * 13, day, seconds, readFraction(bytes, at + 5, width - 5));
    return at + width;
  };
}

export function compileBinaryTimestamp(plan: BinaryCellPlan, fsp: number): BinaryCellReader | null {
  const { typeCode, metadata, fixedBytes } = plan.layout;
  if (typeCode === wireType.timestamp) return compileOldTimestamp(plan, fsp);
  if (typeCode !== wireType.timestamp2 || metadata !== fsp) return null;
  const send = compileTimestampTarget(plan.source, fsp, plan.column, plan.index, plan.context);
  const width = fixedBytes as number;
  return (bytes, at, sink) => {
    send(sink, bytes.readUInt32BE(at), readFraction(bytes, at + 4, width - 4));
    return at + width;
  };
}

export function compileBinaryTime(plan: BinaryCellPlan, fsp: number): BinaryCellReader | null {
  const { typeCode, metadata, fixedBytes } = plan.layout;
  if (typeCode === wireType.time) return compileOldTime(plan, fsp);
  if (typeCode !== wireType.time2 || metadata !== fsp) return null;
  const send = compileTimeTarget(plan.source, fsp, plan.column, plan.index, plan.context);
  const width = fixedBytes as number;
  const fractionBytes = width - 3;
  const unit = fractionUnit[fractionBytes] as number;
  const base = 256 ** fractionBytes;
  // The fraction belongs to one number with the rest, and the sign to the whole: -00:00:00.5 is 0x7fffff 0xce.
  return (bytes, at, sink) => {
    let packed = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    packed -= 0x800000;
    for (let index = at + 3; index < at + width; index += 1) packed = packed * 256 + (bytes[index] as number);
    const isNegative = packed < 0;
    const size = isNegative ? -packed : packed;
    const clock = Math.floor(size / base);
    const seconds = ((clock >> 12) & 0x3ff) * 3600 + ((clock >> 6) & 63) * 60 + (clock & 63);
    send(sink, isNegative, seconds, (size - clock * base) * unit);
    return at + width;
  };
}

/** Microseconds of a fraction of 0 to 3 bytes, big-endian. */
function readFraction(bytes: Buffer, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index += 1) value = (value << 8) | (bytes[index] as number);
  return value * (fractionUnit[count] as number);
}
