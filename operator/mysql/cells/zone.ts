/**
 * Wall clock times of an IANA zone as instants.
 * A time that the clock shows twice is the earlier instant; one that it skips is read with the offset from before the
 * gap, so it lands as far behind the gap as it was inside (the rule of java.time and of Temporal's `compatible`).
 */
import { daysOf } from './calendar.js';

/** Wall clock as milliseconds (taken as UTC) to milliseconds since the epoch. */
export type WallClockReader = (year: number, wallMs: number) => number;

const dayMs = 86_400_000;

/** Offsets are asked for this far apart: no zone ever changed its offset and took it back within less (Freetown, 1939: four days). */
const probeMs = 3 * dayMs;

/** One reader per zone, shared by all columns: its years cost a millisecond each to find out. */
const readers = new Map<string, WallClockReader>();

export function wallClockReader(timeZone: string): WallClockReader {
  let reader = readers.get(timeZone);
  if (reader === undefined) {
    reader = compileWallClock(timeZone);
    readers.set(timeZone, reader);
  }
  return reader;
}

function compileWallClock(timeZone: string): WallClockReader {
  if (timeZone === 'UTC') return (_year, wallMs) => wallMs;
  const offsetAt = compileOffset(timeZone);
  // One entry per year seen (9,999 at most): wall clock starts and offsets of its stretches, in turn.
  const years: (Float64Array | undefined)[] = [];
  return (year, wallMs) => {
    let stretches = years[year];
    if (stretches === undefined) {
      stretches = stretchesOf(year, offsetAt);
      years[year] = stretches;
    }
    let index = stretches.length - 2;
    while (index > 0 && wallMs < (stretches[index] as number)) index -= 2;
    return wallMs - (stretches[index + 1] as number);
  };
}

function stretchesOf(year: number, offsetAt: (epochMs: number) => number): Float64Array {
  // Offsets stay within a day, so the wall clock's year lies within these instants.
  const from = (daysOf(year, 1, 1) - 2) * dayMs;
  const to = (daysOf(year + 1, 1, 1) + 2) * dayMs;
  let offset = offsetAt(from);
  const found = [Number.NEGATIVE_INFINITY, offset];
  for (let at = from; at < to; at += probeMs) {
    const next = offsetAt(at + probeMs);
    if (next === offset) continue;
    const change = findChange(at, at + probeMs, offset, offsetAt);
    found.push(change + Math.max(offset, next), next);
    offset = next;
  }
  return Float64Array.from(found);
}

/** The first instant in (`from`, `to`] whose offset is not `offset`; offsets change on whole seconds. */
function findChange(from: number, to: number, offset: number, offsetAt: (epochMs: number) => number): number {
  let before = from;
  let after = to;
  while (after - before > 1000) {
    const middle = before + Math.floor((after - before) / 2000) * 1000;
    if (offsetAt(middle) === offset) before = middle;
    else after = middle;
  }
  return after;
}

/** Milliseconds that the zone's wall clock is ahead of UTC, at a whole second. */
function compileOffset(timeZone: string): (epochMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
    timeZone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (epochMs) => {
    const parts: Record<string, string> = {};
    for (const part of format.formatToParts(epochMs)) parts[part.type] = part.value;
    const eraYear = Number(parts.year);
    const year = parts.era === 'BC' || parts.era === 'B' ? 1 - eraYear : eraYear;
    const days = daysOf(year, Number(parts.month), Number(parts.day));
    const seconds = Number(parts.hour) * 3600 + Number(parts.minute) * 60 + Number(parts.second);
    return days * dayMs + seconds * 1000 - epochMs;
  };
}
