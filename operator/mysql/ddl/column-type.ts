/**
 * The type of a column definition to the text that information_schema would show, and so to `SourceType`.
 * Aliases as the grammar knows them (sql/sql_yacc.yy, rule `type`); null for what is not known.
 */
import type { SourceType } from '../../model/source-table.js';
import { charsetBytesMax, parseColumnType } from '../column-type.js';
import type { Cursor } from './cursor.js';
import type { Token } from './lexer.js';

export interface Charset {
  readonly charset: string;
  readonly collation: string;
}

export interface WrittenType {
  /** Lower-case name as the server shows it: `int`, `varchar`, `mediumtext`. */
  readonly name: string;
  /** What stands in parentheses. */
  readonly args: readonly string[] | null;
  readonly options: readonly ('unsigned' | 'zerofill')[];
  readonly charset: string | null;
  readonly collation: string | null;
  /** The BINARY attribute: the charset's `_bin` collation. */
  readonly isBinaryCollation: boolean;
}

const plainNames: Readonly<Record<string, string>> = {
  BOOL: 'tinyint(1)',
  BOOLEAN: 'tinyint(1)',
  INT1: 'tinyint',
  INT2: 'smallint',
  INT3: 'mediumint',
  MIDDLEINT: 'mediumint',
  INT4: 'int',
  INTEGER: 'int',
  INT8: 'bigint',
  DEC: 'decimal',
  NUMERIC: 'decimal',
  FIXED: 'decimal',
  FLOAT4: 'float',
  FLOAT8: 'double',
  CHARACTER: 'char',
  VARCHARACTER: 'varchar',
  NCHAR: 'nchar',
  NVARCHAR: 'nvarchar',
};

const knownNames = new Set(
  `tinyint smallint mediumint int bigint decimal float double bit char varchar nchar nvarchar binary varbinary tinytext text
  mediumtext longtext tinyblob blob mediumblob longblob date datetime timestamp time year enum set json geometry point
  linestring polygon multipoint multilinestring multipolygon geometrycollection geomcollection vector inet4 inet6 uuid`.split(
    /\s+/,
  ),
);

/** Reads type name, arguments and the attributes that belong to the type. */
export function readWrittenType(cursor: Cursor, realIsFloat: boolean): WrittenType | null {
  const name = readTypeName(cursor, realIsFloat);
  if (name === null) return null;
  const base = name.replace('(1)', '');
  if (!knownNames.has(base)) return null;
  let args: readonly string[] | null = name.endsWith('(1)') ? ['1'] : null;
  if (cursor.is('(')) {
    const inside = cursor.parenthesised();
    if (inside === null) return null;
    args = readArguments(inside);
    if (args === null) return null;
  }
  const options: ('unsigned' | 'zerofill')[] = [];
  let charset: string | null = base.startsWith('n') && base !== 'numeric' ? 'utf8' : null;
  let collation: string | null = null;
  let isBinaryCollation = false;
  for (;;) {
    if (cursor.take('UNSIGNED')) options.push('unsigned');
    else if (cursor.take('ZEROFILL')) options.push('zerofill');
    else if (cursor.take('SIGNED')) continue;
    else if (cursor.take('BINARY')) isBinaryCollation = true;
    else if (cursor.take('BYTE')) charset = 'binary';
    else if (cursor.take('ASCII')) charset = 'latin1';
    else if (cursor.take('UNICODE')) charset = 'ucs2';
    else if (cursor.take('CHARACTER', 'SET') || cursor.take('CHAR', 'SET') || cursor.take('CHARSET')) {
      charset = nameOrString(cursor)?.toLowerCase() ?? null;
      if (charset === null) return null;
    } else if (cursor.take('COLLATE')) {
      collation = nameOrString(cursor)?.toLowerCase() ?? null;
      if (collation === null) return null;
    } else break;
  }
  return { name: base.replace(/^n(?=char|varchar)/, ''), args, options, charset, collation, isBinaryCollation };
}

function readTypeName(cursor: Cursor, realIsFloat: boolean): string | null {
  if (cursor.take('NATIONAL')) {
    const isVarying = cursor.take('VARCHAR') || cursor.take('VARCHARACTER');
    if (isVarying) return 'nvarchar';
    if (!cursor.take('CHAR') && !cursor.take('CHARACTER')) return null;
    return cursor.take('VARYING') ? 'nvarchar' : 'nchar';
  }
  if (cursor.take('LONG')) {
    if (cursor.take('VARBINARY')) return 'mediumblob';
    if (cursor.take('CHAR', 'VARYING') || cursor.take('CHARACTER', 'VARYING')) return 'mediumtext';
    cursor.takeAny(['VARCHAR', 'VARCHARACTER']);
    return 'mediumtext';
  }
  if (cursor.take('DOUBLE', 'PRECISION') || cursor.take('DOUBLE')) return 'double';
  if (cursor.take('REAL')) return realIsFloat ? 'float' : 'double';
  if (cursor.take('CHAR', 'VARYING') || cursor.take('CHARACTER', 'VARYING')) return 'varchar';
  if (cursor.take('NCHAR', 'VARYING') || cursor.take('NCHAR', 'VARCHAR')) return 'nvarchar';
  const token = cursor.peek();
  if (token?.kind !== 'word') return null;
  cursor.next();
  return plainNames[token.text] ?? token.text.toLowerCase();
}

function readArguments(tokens: readonly Token[]): readonly string[] | null {
  const args: string[] = [];
  for (let index = 0; index < tokens.length; index += 2) {
    const token = tokens[index] as Token;
    const comma = tokens[index + 1];
    if (token.kind !== 'number' && token.kind !== 'string') return null;
    if (comma !== undefined && comma.text !== ',') return null;
    args.push(token.text);
  }
  return args;
}

export function nameOrString(cursor: Cursor): string | null {
  if (cursor.peek()?.kind === 'string') return cursor.next()?.text ?? null;
  return cursor.name();
}

export interface ResolvedType {
  readonly type: SourceType;
  readonly typeText: string;
}

const characterNames = /^(char|varchar|tinytext|text|mediumtext|longtext|enum|set)$/;

/**
 * The type as the server makes it: defaults filled in, TEXT(n) and too long VARCHARs made the TEXT that holds them, MariaDB's
 * JSON as LONGTEXT. `defaults` is asked only where the statement names neither charset nor collation; null: not to be told.
 */
export function resolveType(
  written: WrittenType,
  flavor: 'mysql' | 'mariadb',
  defaults: () => Charset | null,
): ResolvedType | null {
  if (written.name === 'json' && flavor === 'mariadb') {
    return { type: parseColumnType('longtext', 'utf8mb4', 'utf8mb4_bin'), typeText: 'longtext' };
  }
  const isCharacter = characterNames.test(written.name);
  const charset = isCharacter ? resolveCharset(written, defaults) : null;
  if (isCharacter && charset === null) return null;
  const shape = shapeOf(written, charset?.charset ?? null, flavor);
  const typeText = `${shape}${[...new Set(written.options)].map((option) => ` ${option}`).join('')}`;
  // Labels are what they are in any charset; asking for one makes parseColumnType read them as such.
  return { type: parseColumnType(typeText, charset?.charset ?? null, charset?.collation ?? null), typeText };
}

function resolveCharset(written: WrittenType, defaults: () => Charset | null): Charset | null {
  const { charset, collation, isBinaryCollation } = written;
  if (collation !== null) {
    if (charset !== null) return { charset, collation };
    if (collation === 'binary') return { charset: 'binary', collation };
    const prefix = /^([a-z0-9]+)_/.exec(collation)?.[1];
    if (prefix === undefined) return null;
    // MariaDB's UCA 14 collations go with every Unicode charset: the column keeps its table's.
    if (prefix !== 'uca1400') return { charset: prefix, collation };
    const table = defaults();
    return table && { charset: table.charset, collation: `${table.charset}_${collation}` };
  }
  if (charset !== null) {
    return { charset, collation: isBinaryCollation ? `${charset}_bin` : defaultCollation(charset) };
  }
  // Labels do not depend on the charset.
  if (written.name === 'enum' || written.name === 'set') return { charset: 'utf8', collation: '' };
  const table = defaults();
  return table && (isBinaryCollation ? { ...table, collation: `${table.charset}_bin` } : table);
}

/** Of charsets whose default collation is not `<charset>_general_ci` (information_schema.character_sets). */
const defaultCollations: Readonly<Record<string, string>> = {
  binary: 'binary',
  big5: 'big5_chinese_ci',
  cp932: 'cp932_japanese_ci',
  dec8: 'dec8_swedish_ci',
  eucjpms: 'eucjpms_japanese_ci',
  euckr: 'euckr_korean_ci',
  gb18030: 'gb18030_chinese_ci',
  gb2312: 'gb2312_chinese_ci',
  gbk: 'gbk_chinese_ci',
  hp8: 'hp8_english_ci',
  latin1: 'latin1_swedish_ci',
  sjis: 'sjis_japanese_ci',
  swe7: 'swe7_swedish_ci',
  tis620: 'tis620_thai_ci',
  ujis: 'ujis_japanese_ci',
};

function defaultCollation(charset: string): string {
  return defaultCollations[charset] ?? `${charset}_general_ci`;
}

/** Bytes up to which each TEXT or BLOB holds. */
const lobSizes = [
  { prefix: 'tiny', bytesMax: 255 },
  { prefix: '', bytesMax: 65_535 },
  { prefix: 'medium', bytesMax: 16_777_215 },
  { prefix: 'long', bytesMax: Number.MAX_SAFE_INTEGER },
];

function shapeOf({ name, args }: WrittenType, charset: string | null, flavor: 'mysql' | 'mariadb'): string {
  const length = Number(args?.[0] ?? Number.NaN);
  const isBinary = charset === 'binary';
  const lobFor = (kind: 'text' | 'blob', bytes: number): string =>
    `${lobSizes.find(({ bytesMax }) => bytes <= bytesMax)?.prefix}${isBinary ? 'blob' : kind}`;
  switch (name) {
    case 'enum':
    case 'set':
      return `${name}(${(args ?? []).map(quoteLabel).join(',')})`;
    case 'float':
      if (args?.length === 1) return length > 24 ? 'double' : 'float';
      break;
    case 'decimal':
      return `decimal(${length || 10},${args?.[1] ?? 0})`;
    case 'text':
    case 'blob':
      if (args !== null && length > 0) {
        return lobFor(name, length * (name === 'text' ? charsetBytesMax(charset) : 1));
      }
      break;
    case 'varchar':
    case 'varbinary': {
      const bytes = length * (name === 'varchar' ? charsetBytesMax(charset) : 1);
      if (bytes > 65_535) return lobFor(name === 'varchar' ? 'text' : 'blob', bytes);
      break;
    }
    case 'year':
      return 'year(4)';
    case 'bit':
    case 'binary':
    case 'char':
      if (isBinary && name === 'char') return `binary(${args?.[0] ?? 1})`;
      return `${name}(${args?.[0] ?? 1})`;
    case 'vector':
      return flavor === 'mysql' && args === null ? 'vector(2048)' : `vector(${args?.[0] ?? ''})`;
  }
  const shown = isBinary ? name.replace(/text$/, 'blob').replace('varchar', 'varbinary') : name;
  return args === null ? shown : `${shown}(${args.join(',')})`;
}

function quoteLabel(label: string): string {
  // Trailing spaces of labels are cut when the column is made.
  return `'${label.replace(/ +$/, '').replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
