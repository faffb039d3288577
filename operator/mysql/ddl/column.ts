/**
 * A column definition of ADD COLUMN. In: a cursor behind the name. Out: the column; or why rows that exist get values
 * which the binary log does not hold; or null when it cannot be read.
 */
import type { SourceColumn, SourceType, TableName } from '../../model/source-table.js';
import { readWrittenType, resolveType } from './column-type.js';
import type { Cursor } from './cursor.js';
import { defaultTextOf } from './default-text.js';
import type { StatementContext } from './statement.js';

export type ReadColumn =
  | { readonly kind: 'column'; readonly column: SourceColumn }
  | { readonly kind: 'incompatible'; readonly what: string };

interface Attributes {
  isNullable: boolean | null;
  /** Constant text, null for DEFAULT NULL; undefined where there is none. */
  defaultText: string | null | undefined;
  /** Why values of existing rows are not known. */
  unknownValues: string | null;
}

export function readColumn(
  cursor: Cursor,
  name: string,
  table: TableName,
  context: StatementContext,
): ReadColumn | null {
  if (cursor.take('SERIAL')) return incompatible(name, 'numbers existing rows (SERIAL)');
  const written = readWrittenType(cursor, context.realIsFloat);
  if (written === null) return null;
  const resolved = resolveType(written, context.flavor, () => context.tableDefaults(table));
  if (resolved === null) return null;
  const attributes: Attributes = { isNullable: null, defaultText: undefined, unknownValues: null };
  while (!cursor.isAtEnd && !isPosition(cursor)) {
    if (!readAttribute(cursor, attributes, resolved.type, context)) return null;
  }
  const { type } = resolved;
  if (type.kind === 'timestamp' && attributes.isNullable === null && attributes.defaultText === undefined) {
    if (!timestampsAreNullable(context)) attributes.unknownValues ??= 'fills existing rows by the rules of TIMESTAMP';
  }
  if (attributes.unknownValues !== null) return incompatible(name, attributes.unknownValues);
  const column: SourceColumn = {
    name,
    ...resolved,
    nullable: attributes.isNullable ?? true,
    defaultText: attributes.defaultText ?? null,
    generated: null,
  };
  return { kind: 'column', column };
}

export function isPosition(cursor: Cursor): boolean {
  return cursor.is('FIRST') || cursor.is('AFTER') || cursor.is('PARTITION') || cursor.is('REMOVE', 'PARTITIONING');
}

function incompatible(name: string, why: string): ReadColumn {
  return { kind: 'incompatible', what: `ADD COLUMN ${name} ${why}, which the binary log does not hold` };
}

/** `explicit_defaults_for_timestamp` is on by default from these versions. */
function timestampsAreNullable({ flavor, version }: StatementContext): boolean {
  return version >= (flavor === 'mariadb' ? 101_000 : 80_002);
}

/** False when it is not an attribute that is known. */
function readAttribute(cursor: Cursor, attributes: Attributes, type: SourceType, context: StatementContext): boolean {
  if (cursor.take('NOT', 'NULL')) {
    attributes.isNullable = false;
    return true;
  }
  if (cursor.take('NULL')) {
    attributes.isNullable = true;
    return true;
  }
  if (cursor.take('DEFAULT')) return readDefault(cursor, attributes, type, context);
  if (cursor.take('ON', 'UPDATE')) return readNow(cursor) !== null;
  if (cursor.take('AUTO_INCREMENT')) {
    attributes.unknownValues ??= 'numbers existing rows (AUTO_INCREMENT)';
    return true;
  }
  if (cursor.take('PRIMARY', 'KEY') || cursor.take('PRIMARY')) {
    attributes.unknownValues ??= 'is a new primary key';
    return true;
  }
  if (cursor.take('UNIQUE')) {
    cursor.take('KEY');
    return true;
  }
  if (cursor.take('KEY')) {
    attributes.unknownValues ??= 'is a new primary key';
    return true;
  }
  if (cursor.take('COMMENT')) return cursor.next()?.kind === 'string';
  if (cursor.take('COLLATE')) return cursor.next() !== undefined;
  if (cursor.takeAny(['VISIBLE', 'INVISIBLE', 'VIRTUAL', 'STORED', 'PERSISTENT']) !== null) return true;
  if (cursor.takeAny(['COLUMN_FORMAT', 'STORAGE']) !== null) return cursor.next() !== undefined;
  if (cursor.takeAny(['ENGINE_ATTRIBUTE', 'SECONDARY_ENGINE_ATTRIBUTE', 'SRID', 'REF_SYSTEM_ID']) !== null) {
    cursor.take('=');
    return cursor.next() !== undefined;
  }
  if (cursor.take('CONSTRAINT')) {
    if (!cursor.is('CHECK')) cursor.name();
    return cursor.is('CHECK');
  }
  if (cursor.take('CHECK')) {
    const hasCondition = cursor.parenthesised() !== null;
    cursor.takeAny(['ENFORCED']);
    cursor.take('NOT', 'ENFORCED');
    return hasCondition;
  }
  if (cursor.take('GENERATED', 'ALWAYS', 'AS') || cursor.take('AS')) {
    attributes.unknownValues ??= 'is computed for existing rows';
    return cursor.parenthesised() !== null;
  }
  if (cursor.take('REFERENCES')) return readReferences(cursor, attributes);
  return false;
}

/** MySQL reads and forgets an inline REFERENCES; MariaDB 10.5 makes a foreign key of it. */
function readReferences(cursor: Cursor, attributes: Attributes): boolean {
  if (cursor.tableName('') === null) return false;
  if (cursor.is('(')) cursor.parenthesised();
  while (cursor.take('MATCH')) cursor.next();
  while (cursor.take('ON')) {
    if (cursor.takeAny(['DELETE', 'UPDATE']) === null) return false;
    if (cursor.take('CASCADE') || cursor.take('SET', 'NULL') || cursor.take('SET', 'DEFAULT')) {
      attributes.unknownValues ??= 'has a foreign key whose cascades change rows';
    } else if (!cursor.take('RESTRICT') && !cursor.take('NO', 'ACTION')) return false;
  }
  return true;
}

function readNow(cursor: Cursor): 'now' | null {
  const word = cursor.takeAny(['CURRENT_TIMESTAMP', 'NOW', 'LOCALTIME', 'LOCALTIMESTAMP']);
  if (word === null) return null;
  if (cursor.is('(') && cursor.parenthesised() === null) return null;
  return 'now';
}

function readDefault(cursor: Cursor, attributes: Attributes, type: SourceType, context: StatementContext): boolean {
  if (cursor.is('(')) {
    attributes.unknownValues ??= 'fills existing rows by an expression';
    attributes.defaultText = null;
    return cursor.parenthesised() !== null;
  }
  if (cursor.take('NULL')) {
    attributes.defaultText = null;
    return true;
  }
  if (readNow(cursor) !== null) {
    if (type.kind === 'timestamp' && type.fsp === 0 && context.utcSeconds > 0) {
      attributes.defaultText = new Date(context.utcSeconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
    } else {
      attributes.unknownValues ??= 'fills existing rows with the time of the statement';
      attributes.defaultText = null;
    }
    return true;
  }
  const first = cursor.peek()?.text ?? '';
  const isHexadecimal = /^0X/i.test(first) || (first === 'X' && cursor.peek(1)?.kind === 'string');
  const literal = readLiteral(cursor);
  if (literal === null) {
    // MariaDB takes a function call without parentheses round it.
    if (context.flavor !== 'mariadb' || cursor.name() === null || cursor.parenthesised() === null) return false;
    attributes.unknownValues ??= 'fills existing rows by an expression';
    attributes.defaultText = null;
    return true;
  }
  if (type.kind === 'timestamp' && !/^0*$/.test(literal.replace(/\D/g, ''))) {
    attributes.unknownValues ??= 'fills existing rows with a time in the zone of the session';
  }
  attributes.defaultText = defaultTextOf(type, { text: literal, isHexadecimal });
  if (attributes.defaultText === null) {
    attributes.unknownValues ??= 'has a default that is not written as the server shows it';
  }
  return true;
}

/** A constant, as text. Bit and hexadecimal literals stand for bytes. */
function readLiteral(cursor: Cursor): string | null {
  const sign = cursor.take('-') ? '-' : cursor.take('+') ? '' : null;
  const token = cursor.peek();
  if (token === undefined) return null;
  if (token.kind === 'number' || cursor.is('.')) {
    let text = sign ?? '';
    if (token.kind === 'number') text += cursor.next()?.text.toLowerCase();
    if (cursor.take('.')) text += `.${cursor.peek()?.kind === 'number' ? cursor.next()?.text.toLowerCase() : ''}`;
    return text.replace(/\.$/, '');
  }
  if (sign !== null) return null;
  if (token.kind === 'string') return cursor.next()?.text ?? null;
  if (cursor.take('TRUE')) return '1';
  if (cursor.take('FALSE')) return '0';
  if (token.kind !== 'word') return null;
  const following = cursor.peek(1);
  const prefixed = /^0([XB])([0-9A-F]+)$/.exec(token.text);
  if (prefixed) {
    cursor.next();
    return readRadix(prefixed[1] as string, prefixed[2] as string);
  }
  if (following?.kind !== 'string' || !/^([XBN]|_[A-Z0-9]+)$/.test(token.text)) {
    const isTyped = ['DATE', 'TIME', 'TIMESTAMP'].includes(token.text) && following?.kind === 'string';
    if (!isTyped) return null;
  }
  cursor.next();
  const text = cursor.next()?.text ?? '';
  return token.text === 'X' || token.text === 'B' ? readRadix(token.text, text) : text;
}

/** Bit literals are numbers, `b'101'` is 5; hexadecimal ones are bytes. */
function readRadix(radix: string, digits: string): string {
  return radix === 'B' ? BigInt(`0b${digits || '0'}`).toString() : Buffer.from(digits, 'hex').toString('utf8');
}
