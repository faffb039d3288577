/** Readers of DATE, DATETIME, TIMESTAMP and TIME as the server prints them. For STRING that text is the value. */
import { daysOf } from './calendar.js';
import { readDigits } from './digits.js';
import {
  compileDateTarget,
  compileDateTimeTarget,
  compileTimestampTarget,
  compileTimeTarget,
} from './temporal-target.js';
import type { TextCellPlan, TextCellReader } from './text-cell.js';

const powersOfTen = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000] as const;

/** `2024-01-02` */
export function compileTextDate(plan: TextCellPlan): TextCellReader {
  const send = compileDateTarget(plan.source, plan.column, plan.index, plan.context);
  return (bytes, from, to, sink) => {
    if (to - from !== 10) throw plan.garbled();
    send(sink, readYear(bytes, from), readPair(bytes, from + 5), readPair(bytes, from + 8));
  };
}

/** `2024-01-02 03:04:05.120000` */
export function compileTextDateTime(plan: TextCellPlan, fsp: number): TextCellReader {
  const send = compileDateTimeTarget(plan.source, fsp, plan.column, plan.index, plan.context);
  const width = widthOf(19, fsp);
  return (bytes, from, to, sink) => {
    if (to - from !== width) throw plan.garbled();
    const year = readYear(bytes, from);
    const month = readPair(bytes, from + 5);
    send(sink, year, month, readPair(bytes, from + 8), readClock(bytes, from + 11), readMicros(bytes, to, fsp));
  };
}

/** As DATETIME, in UTC, since the session's zone is '+00:00'. */
export function compileTextTimestamp(plan: TextCellPlan, fsp: number): TextCellReader {
  const send = compileTimestampTarget(plan.source, fsp, plan.column, plan.index, plan.context);
  const width = widthOf(19, fsp);
  return (bytes, from, to, sink) => {
    if (to - from !== width) throw plan.garbled();
    const year = readYear(bytes, from);
    if (year === 0) {
      send(sink, 0, 0);
      return;
    }
    const days = daysOf(year, readPair(bytes, from + 5), readPair(bytes, from + 8));
    send(sink, days * 86400 + readClock(bytes, from + 11), readMicros(bytes, to, fsp));
  };
}

/** `-838:59:59.000000`: two digits of hours, or three. */
export function compileTextTime(plan: TextCellPlan, fsp: number): TextCellReader {
  const send = compileTimeTarget(plan.source, fsp, plan.column, plan.index, plan.context);
  const width = widthOf(8, fsp);
  return (bytes, from, to, sink) => {
    const isNegative = bytes[from] === 0x2d;
    const start = isNegative ? from + 1 : from;
    const hundreds = to - start - width;
    if (hundreds !== 0 && hundreds !== 1) throw plan.garbled();
    const seconds = readClock(bytes, start + hundreds) + hundreds * readDigits(bytes, start, 1) * 360_000;
    send(sink, isNegative, seconds, readMicros(bytes, to, fsp));
  };
}

function widthOf(width: number, fsp: number): number {
  return fsp === 0 ? width : width + 1 + fsp;
}

function readPair(bytes: Buffer, at: number): number {
  return (bytes[at] as number) * 10 + (bytes[at + 1] as number) - 0x30 * 11;
}

function readYear(bytes: Buffer, at: number): number {
  return readPair(bytes, at) * 100 + readPair(bytes, at + 2);
}

/** Seconds of `hh:mm:ss`. */
function readClock(bytes: Buffer, at: number): number {
  return readPair(bytes, at) * 3600 + readPair(bytes, at + 3) * 60 + readPair(bytes, at + 6);
}

/** The fraction is the last `fsp` digits of the text. */
function readMicros(bytes: Buffer, to: number, fsp: number): number {
  return fsp === 0 ? 0 : readDigits(bytes, to - fsp, fsp) * (powersOfTen[6 - fsp] as number);
}
