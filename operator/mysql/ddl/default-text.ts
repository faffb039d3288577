/**
 * The constant of a DEFAULT clause as the server shows the value that existing rows get: merges fill them with it, and it
 * must equal what a SELECT or the binary log gives. In: the type, and the constant as it was written. Out: the text; null
 * for a form that is not surely known, so that the table is taken again and no value is guessed.
 */
import type { SourceType } from '../../model/source-table.js';

export interface WrittenDefault {
  readonly text: string;
  /** Written as x'..' or 0x..: bytes in a text, a number in a number; `text` is then bytes read as UTF-8. */
  readonly isHexadecimal: boolean;
}

export function defaultTextOf(type: SourceType, written: WrittenDefault): string | null {
  const { text, isHexadecimal } = written;
  if (isHexadecimal && type.kind !== 'text' && type.kind !== 'bytes') return null;
  switch (type.kind) {
    case 'int':
    case 'bit':
      return /^[-+]?\d+$/.test(text) ? BigInt(text.replace('+', '')).toString() : null;
    case 'decimal':
      return decimalText(text, type.scale);
    case 'float':
    case 'double':
      return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? text : null;
    case 'text':
      // A hexadecimal constant is in the column's own charset.
      if (isHexadecimal && !/^[\x20-\x7e]*$/.test(text)) return null;
      return type.pads ? text.replace(/ +$/, '') : text;
    case 'bytes':
      // A text becomes bytes by the client's charset.
      return isAscii(text) ? text.padEnd(type.fixedBytes ?? 0, '\0') : null;
    case 'enum':
      return labelOf(type.labels, text);
    case 'set':
      return setText(type.labels, text);
    case 'date':
      return isZero(text) ? '0000-00-00' : /^\d{4}-\d\d-\d\d$/.test(text) ? text : null;
    case 'datetime':
    case 'timestamp':
      return momentText(text, type.fsp);
    case 'time':
      return timeText(text, type.fsp);
    case 'year':
      return /^\d{4}$/.test(text) ? text : null;
    case 'json':
      return text;
    case 'inet4':
      return /^\d+(\.\d+){3}$/.test(text) ? text : null;
    case 'uuid':
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text.toLowerCase() : null;
    case 'inet6':
      return text === '::' ? text : null;
    case 'geometry':
    case 'vector':
      return null;
  }
}

function isAscii(text: string): boolean {
  return /^\p{ASCII}*$/u.test(text);
}

function isZero(text: string): boolean {
  return /^0+$/.test(text);
}

function decimalText(text: string, scale: number): string | null {
  const match = /^([-+]?)0*(\d*)(?:\.(\d*))?$/.exec(text);
  if (!match || !/\d/.test(text)) return null;
  const [, sign, whole, written] = match;
  const digits = (written ?? '').replace(/0+$/, '');
  if (digits.length > scale) return null;
  const fraction = digits.padEnd(scale, '0');
  const isNegative = sign === '-' && /[1-9]/.test(text);
  return `${isNegative ? '-' : ''}${whole || '0'}${scale > 0 ? `.${fraction}` : ''}`;
}

/** Labels are compared by the column's collation; one that differs in case alone is the label all the same. */
function labelOf(labels: readonly string[], text: string): string | null {
  if (labels.includes(text)) return text;
  const alike = labels.filter((label) => label.toLowerCase() === text.toLowerCase());
  return alike.length === 1 ? (alike[0] as string) : null;
}

/** Members stand in the order of the definition. */
function setText(labels: readonly string[], text: string): string | null {
  if (text === '') return '';
  const members = text.split(',').map((member) => labelOf(labels, member));
  return members.includes(null) ? null : labels.filter((label) => members.includes(label)).join(',');
}

function momentText(text: string, fsp: number): string | null {
  if (isZero(text)) return `0000-00-00 00:00:00${fractionText('', fsp)}`;
  const match = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?)?$/.exec(text);
  const fraction = match && fractionText(match[3] ?? '', fsp);
  return match === null || fraction === null ? null : `${match[1]} ${match[2] ?? '00:00:00'}${fraction}`;
}

function timeText(text: string, fsp: number): string | null {
  const match = isZero(text) ? ['', '', '0', '00'] : /^(-?)(\d{1,3}):(\d\d)(?::(\d\d)(?:\.(\d+))?)?$/.exec(text);
  if (match === null) return null;
  const [, sign, hours, minutes, seconds, written] = match;
  const fraction = fractionText(written ?? '', fsp);
  if (fraction === null) return null;
  return `${sign}${(hours as string).padStart(2, '0')}:${minutes}:${seconds ?? '00'}${fraction}`;
}

/** Null where digits would be rounded away. */
function fractionText(written: string, fsp: number): string | null {
  const digits = written.replace(/0+$/, '');
  if (digits.length > fsp) return null;
  return fsp > 0 ? `.${digits.padEnd(fsp, '0')}` : '';
}
