/** Dates and times, taken apart into numbers, into whatever the plan makes of them. STRING is the server's own text. */
import type { RowSink } from '../../model/change.js';
import type { SourceColumn } from '../../model/source-table.js';
import type { ColumnPlan } from '../../model/table-plan.js';
import { daysOf, isRealDate, packedDateOf } from './calendar.js';
import type { CellContext } from './context.js';
import { compileRefusal, pairRefused, type Refuse } from './refusal.js';
import { temporalTextBytesMax, writeDateText, writeDateTimeText, writeTimeText } from './temporal-text.js';
import { wallClockReader } from './zone.js';

export type DateTarget = (sink: RowSink, year: number, month: number, day: number) => void;

/** `seconds` is the second of the day (0..86399). */
export type DateTimeTarget = (
  sink: RowSink,
  year: number,
  month: number,
  day: number,
  seconds: number,
  micros: number,
) => void;

/** Seconds since the epoch; 0 and 0 is MySQL's zero TIMESTAMP, since the range of the type begins at second 1. */
export type TimestampTarget = (sink: RowSink, seconds: number, micros: number) => void;

/** `seconds` and `micros` are sizes; the sign stands apart, so that -00:00:00.5 keeps it. */
export type TimeTarget = (sink: RowSink, isNegative: boolean, seconds: number, micros: number) => void;

export function compileDateTarget(
  source: SourceColumn,
  column: ColumnPlan,
  index: number,
  context: CellContext,
): DateTarget {
  if (column.targetType === 'STRING') {
    const scratch = new Uint8Array(temporalTextBytesMax);
    return (sink, year, month, day) => sink.bytes(index, scratch, 0, writeDateText(scratch, 0, year, month, day));
  }
  if (column.targetType === 'DATE') {
    const refuse = compileRefusal(source, column, context);
    return (sink, year, month, day) => {
      if (isRealDate(year, month, day)) sink.date(index, daysOf(year, month, day));
      else refuse('a zero or impossible date');
    };
  }
  const midnight = compileInstant(source, column, index, context);
  return (sink, year, month, day) => midnight(sink, year, month, day, 0, 0);
}

export function compileDateTimeTarget(
  source: SourceColumn,
  fsp: number,
  column: ColumnPlan,
  index: number,
  context: CellContext,
): DateTimeTarget {
  if (column.targetType !== 'STRING') return compileInstant(source, column, index, context);
  const scratch = new Uint8Array(temporalTextBytesMax);
  return (sink, year, month, day, seconds, micros) =>
    sink.bytes(index, scratch, 0, writeDateTimeText(scratch, 0, year, month, day, seconds, micros, fsp));
}

export function compileTimestampTarget(
  source: SourceColumn,
  fsp: number,
  column: ColumnPlan,
  index: number,
  context: CellContext,
): TimestampTarget {
  if (column.targetType === 'STRING') return timestampText(fsp, index);
  const refuse = compileRefusal(source, column, context);
  switch (column.targetType) {
    case 'TIMESTAMP':
    case 'TIMESTAMP_NTZ':
      return (sink, seconds, micros) => {
        if (seconds === 0 && micros === 0) refuse('a zero or impossible date');
        else sink.timestamp(index, seconds, micros * 1000);
      };
    case 'DATETIME':
      return (sink, seconds, micros) => {
        if (seconds === 0 && micros === 0) refuse('a zero or impossible date');
        else sink.datetime(index, seconds * 1000 + ((micros / 1000) | 0));
      };
    default:
      throw pairRefused(source, column, context);
  }
}

export function compileTimeTarget(
  source: SourceColumn,
  fsp: number,
  column: ColumnPlan,
  index: number,
  context: CellContext,
): TimeTarget {
  if (column.targetType !== 'STRING') throw pairRefused(source, column, context);
  const scratch = new Uint8Array(temporalTextBytesMax);
  return (sink, isNegative, seconds, micros) =>
    sink.bytes(index, scratch, 0, writeTimeText(scratch, 0, isNegative, seconds, micros, fsp));
}

/** A wall clock into DATETIME (an instant, by the zone of the task; below milliseconds cut) or TIMESTAMP_NTZ. */
function compileInstant(source: SourceColumn, column: ColumnPlan, index: number, context: CellContext): DateTimeTarget {
  const refuse: Refuse = compileRefusal(source, column, context);
  const fromWallClock = wallClockReader(context.timeZone);
  switch (column.targetType) {
    case 'TIMESTAMP_NTZ':
      return (sink, year, month, day, seconds, micros) => {
        if (!isRealDate(year, month, day)) refuse('a zero or impossible date');
        else sink.timestamp(index, daysOf(year, month, day) * 86400 + seconds, micros * 1000);
      };
    case 'TIMESTAMP':
      return (sink, year, month, day, seconds, micros) => {
        if (!isRealDate(year, month, day)) return refuse('a zero or impossible date');
        const instantMs = fromWallClock(year, (daysOf(year, month, day) * 86400 + seconds) * 1000);
        sink.timestamp(index, instantMs / 1000, micros * 1000);
      };
    case 'DATETIME':
      return (sink, year, month, day, seconds, micros) => {
        if (!isRealDate(year, month, day)) return refuse('a zero or impossible date');
        const wallMs = (daysOf(year, month, day) * 86400 + seconds) * 1000 + ((micros / 1000) | 0);
        sink.datetime(index, fromWallClock(year, wallMs));
      };
    default:
      throw pairRefused(source, column, context);
  }
}

function timestampText(fsp: number, index: number): TimestampTarget {
  const scratch = new Uint8Array(temporalTextBytesMax);
  return (sink, seconds, micros) => {
    if (seconds === 0 && micros === 0) {
      sink.bytes(index, scratch, 0, writeDateTimeText(scratch, 0, 0, 0, 0, 0, 0, fsp));
      return;
    }
    const days = Math.floor(seconds / 86400);
    const date = packedDateOf(days);
    const end = writeDateTimeText(
      scratch,
      0,
      date >> 9,
      (date >> 5) & 15,
      date & 31,
      seconds - days * 86400,
      micros,
      fsp,
    );
    sink.bytes(index, scratch, 0, end);
  };
}
