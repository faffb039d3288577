import { SyncError } from '../base/errors.js';
import { tableKey } from '../model/source-table.js';
import type { ColumnPlan, TablePlan } from '../model/table-plan.js';
import { quoteText } from './quote.js';

/**
 * A column's constant DEFAULT, as the server shows it, as the SQL of the value that our rows would carry.
 * Instants are written in UTC: the script sets that zone.
 */
export function defaultLiteral(plan: TablePlan, column: ColumnPlan, text: string): string {
  const type = column.targetType;
  if (type === 'STRING') return quoteText(text);
  if (type === 'BINARY') return `UNBASE64('${Buffer.from(text, 'utf8').toString('base64')}')`;
  if (type === 'JSON') return `JSON_PARSE(${quoteText(text)})`;
  if (type === 'BOOLEAN') return numberText(text) === '0' ? 'FALSE' : 'TRUE';
  if (type === 'DATE' || type === 'DATETIME' || type === 'TIMESTAMP' || type === 'TIMESTAMP_NTZ') {
    return timeLiteral(plan, column, text);
  }
  return `CAST('${numberText(text)}' AS ${type})`;
}

/** A number as text; BIT defaults are shown as `b'101'`. */
function numberText(text: string): string {
  const bits = /^b'([01]+)'$/.exec(text)?.[1];
  return bits === undefined ? text : BigInt(`0b${bits}`).toString();
}

function timeLiteral(plan: TablePlan, column: ColumnPlan, text: string): string {
  const type = column.targetType;
  const isCalendar = /^\d{4}-(?!00)\d\d-(?!00)\d\d/.test(text) && !text.startsWith('0000');
  if (!isCalendar) return unrepresentable(plan, column);
  const isWallClock = plan.sourceColumns[column.sourceIndex]?.type.kind === 'datetime';
  const value = type === 'DATETIME' && isWallClock ? utcText(text, plan.timeZone) : text;
  return `CAST('${value}' AS ${type})`;
}

function unrepresentable(plan: TablePlan, column: ColumnPlan): string {
  if (column.onUnrepresentable === 'Null') return `CAST(NULL AS ${column.targetType})`;
  throw new SyncError('VALUE_UNREPRESENTABLE', {
    table: tableKey(plan.source),
    seen: `the DEFAULT of column ${column.targetName} is a date that ${column.targetType} cannot hold`,
    wanted: 'a calendar date from 0001-01-01 on',
    fix: 'Set types.onUnrepresentable to Null, or the column to STRING in columnTypes, and take the table again.',
  });
}

/** A wall clock reading in a zone, as the wall clock of UTC. In the hour that comes twice, the earlier instant. */
function utcText(text: string, timeZone: string): string {
  const [date, time = '00:00:00'] = text.split(' ') as [string, string?];
  const [clock, fraction] = time.split('.') as [string, string?];
  const wallMs = Date.parse(`${date}T${clock}Z`);
  const early = wallMs - offsetMs(wallMs - 24 * 3_600_000, timeZone);
  const late = wallMs - offsetMs(wallMs + 24 * 3_600_000, timeZone);
  const matching = [early, late].filter((ms) => ms + offsetMs(ms, timeZone) === wallMs);
  const utcMs = matching.length > 0 ? Math.min(...matching) : early;
  const iso = new Date(utcMs).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction === undefined ? '' : `.${fraction}`}`;
}

function offsetMs(utcMs: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const part = Object.fromEntries(format.formatToParts(utcMs).map(({ type, value }) => [type, Number(value)]));
  const wallMs = Date.UTC(part.year ?? 0, (part.month ?? 1) - 1, part.day, part.hour, part.minute, part.second);
  return wallMs - Math.floor(utcMs / 1000) * 1000;
}
