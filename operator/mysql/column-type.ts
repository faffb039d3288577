/**
 * Column types as the server writes them (COLUMN_TYPE of information_schema, SHOW CREATE TABLE) to `SourceType`.
 * In: the type's text, charset and collation of the column. Out: the shape that the decoders need; an unknown type is
 * `COLUMN_TYPE_UNKNOWN`, never a guess.
 */
import { SyncError } from '../base/errors.js';
import type { SourceType } from '../model/source-table.js';

/** Longest encoding of one character, bytes (`SHOW CHARACTER SET`, column Maxlen); 1 for every charset not listed. */
const bytesPerCharacter: Readonly<Record<string, number>> = {
  big5: 2,
  cp932: 2,
  eucjpms: 3,
  euckr: 2,
  gb18030: 4,
  gb2312: 2,
  gbk: 2,
  sjis: 2,
  ucs2: 2,
  ujis: 3,
  utf16: 4,
  utf16le: 4,
  utf32: 4,
  utf8: 3,
  utf8mb3: 3,
  utf8mb4: 4,
};

const intBytes: Readonly<Record<string, 1 | 2 | 3 | 4 | 8>> = {
  tinyint: 1,
  smallint: 2,
  mediumint: 3,
  int: 4,
  bigint: 8,
};

const lobBytesMax: Readonly<Record<string, number>> = {
  tiny: 255,
  '': 65_535,
  medium: 16_777_215,
  long: 4_294_967_295,
};

const geometryNames = new Set([
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geometrycollection',
  'geomcollection',
]);

/**
 * Reads `decimal(20,2) unsigned`, `enum('a','b''c')`, `varchar(32)`, ... `charset` and `collation` are MySQL's names, null
 * for types without characters. `pads` of a text is true for CHAR, whose trailing spaces are not part of the value.
 */
export function parseColumnType(text: string, charset: string | null, collation: string | null): SourceType {
  const match = /^\s*([a-z0-9]+)\s*(?:\((.*)\))?([^)]*)$/is.exec(text);
  const name = (match?.[1] ?? '').toLowerCase();
  const argumentText = match?.[2] ?? '';
  const options = (match?.[3] ?? '').toLowerCase();
  const [first, second] = argumentText.split(',').map(Number);
  const isUnsigned = /\bunsigned\b/.test(options) || /\bzerofill\b/.test(options);
  const characters = (bytesMax: number, pads: boolean): SourceType => {
    if (charset === 'binary' || charset === null) return { kind: 'bytes', bytesMax, fixedBytes: null };
    return { kind: 'text', charset, bytesMax, pads, collation: collation ?? '' };
  };

  if (name in intBytes) {
    return {
      kind: 'int',
      bytes: intBytes[name] as 1 | 2 | 3 | 4 | 8,
      unsigned: isUnsigned,
      ...(first ? { displayWidth: first } : {}),
      ...(/\bzerofill\b/.test(options) ? { zerofill: true } : {}),
    };
  }
  const lob = /^(tiny|medium|long|)(text|blob)$/.exec(name);
  if (lob) {
    const bytesMax = lobBytesMax[lob[1] as string] as number;
    return lob[2] === 'blob' ? { kind: 'bytes', bytesMax, fixedBytes: null } : characters(bytesMax, false);
  }
  if (geometryNames.has(name)) return { kind: 'geometry' };
  switch (name) {
    case 'decimal':
      return { kind: 'decimal', precision: first || 10, scale: second ?? 0, unsigned: isUnsigned };
    case 'float':
    case 'double':
      return { kind: name };
    case 'bit':
      return { kind: 'bit', bits: first || 1 };
    case 'char':
    case 'varchar':
      return characters((match?.[2] === undefined ? 1 : (first ?? 1)) * charsetBytesMax(charset), name === 'char');
    case 'binary':
      return { kind: 'bytes', bytesMax: first || 1, fixedBytes: match?.[2] === undefined ? 1 : (first ?? 1) };
    case 'varbinary':
      return { kind: 'bytes', bytesMax: first || 0, fixedBytes: null };
    case 'date':
    case 'year':
    case 'json':
    case 'vector':
    case 'inet4':
    case 'inet6':
    case 'uuid':
      return { kind: name };
    case 'datetime':
    case 'timestamp':
    case 'time':
      return { kind: name, fsp: first || 0 };
    case 'enum':
    case 'set': {
      const labels = readLabels(argumentText);
      if (labels) return { kind: name, labels };
    }
  }
  throw new SyncError('COLUMN_TYPE_UNKNOWN', {
    seen: `column type ${text}`,
    wanted: 'a type of MySQL 5.6 to 9.7 or MariaDB 10.3 to 11.8 that mcsync knows',
    fix: 'Leave the table out of the task, or change the type of the column.',
  });
}

export function charsetBytesMax(charset: string | null): number {
  return bytesPerCharacter[charset ?? ''] ?? 1;
}

/** `'a','b''c'`: the server doubles quotes, and escapes backslash, NUL, CR and LF (append_unescaped in sql/sql_show.cc). */
function readLabels(text: string): string[] | null {
  const labels: string[] = [];
  const pattern = /\s*'((?:[^'\\]|''|\\.)*)'\s*(,|$)/gsy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (!match) return null;
    labels.push((match[1] as string).replace(/''|\\(.)/gs, (whole, escaped?: string) => unescapeLabel(whole, escaped)));
  }
  return labels;
}

function unescapeLabel(whole: string, escaped: string | undefined): string {
  if (whole === "''") return "'";
  const controls: Readonly<Record<string, string>> = { 0: '\0', n: '\n', r: '\r', t: '\t', b: '\b', Z: '\x1a' };
  return controls[escaped as string] ?? (escaped as string);
}
