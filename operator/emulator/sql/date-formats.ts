/** Date patterns as DuckDB's strftime wants them. Only patterns that are written out can be translated. */
import { quoteString } from './quote.js';
import { type Place, semanticError } from './sql-error.js';

const odpsParts: readonly (readonly [string, string])[] = [
  ['yyyy', '%Y'],
  ['mm', '%m'],
  ['dd', '%d'],
  ['hh', '%H'],
  ['mi', '%M'],
  ['ss', '%S'],
  ['ff3', '%g'],
];

const javaParts: readonly (readonly [string, string])[] = [
  ['yyyy', '%Y'],
  ['MM', '%m'],
  ['dd', '%d'],
  ['HH', '%H'],
  ['mm', '%M'],
  ['ss', '%S'],
  ['SSS', '%g'],
];

/** `to_char` and `to_date`: `yyyy-mm-dd hh:mi:ss`, in any case. */
export function odpsDateFormat(at: Place, pattern: string | null): string {
  return translate(at, pattern === null ? null : pattern.toLowerCase(), odpsParts);
}

/** `date_format`: the letters of Java's SimpleDateFormat. */
export function javaDateFormat(at: Place, pattern: string | null): string {
  return translate(at, pattern, javaParts);
}

function translate(at: Place, pattern: string | null, parts: readonly (readonly [string, string])[]): string {
  if (pattern === null) throw semanticError(at, 'the date format must be a constant in this emulator');
  let format = '';
  for (let index = 0; index < pattern.length; ) {
    const part = parts.find(([from]) => pattern.startsWith(from, index));
    if (part !== undefined) {
      format += part[1];
      index += part[0].length;
      continue;
    }
    const char = pattern[index] as string;
    if (/[A-Za-z'%]/.test(char)) throw semanticError(at, `date format '${pattern}' is not known to this emulator`);
    format += char;
    index += 1;
  }
  return quoteString(format);
}
