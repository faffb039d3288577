/**
 * ALTER TABLE: which clauses leave rows and columns alone, which add columns, which cannot be carried over.
 * In: a cursor behind TABLE. Out: changes of the table (and of others that a clause names). A clause that is not known
 * is `unreadable`, never passed over.
 */
import type { SchemaChange } from '../../model/change.js';
import type { SourceColumn, TableName } from '../../model/source-table.js';
import { isPosition, readColumn } from './column.js';
import { Cursor, splitAtCommas } from './cursor.js';
import type { Token } from './lexer.js';
import type { StatementContext } from './statement.js';

interface AddedColumn {
  readonly column: SourceColumn;
  readonly after: string | null;
}

/** What one clause does. */
type Clause =
  | { readonly kind: 'harmless' }
  | { readonly kind: 'add'; readonly columns: readonly AddedColumn[] }
  | { readonly kind: 'losesIndex'; readonly index: string }
  | { readonly kind: 'incompatible'; readonly what: string; readonly other?: TableName }
  | { readonly kind: 'unreadable' };

const harmless: Clause = { kind: 'harmless' };
const unreadable: Clause = { kind: 'unreadable' };

export function readAlterTable(cursor: Cursor, context: StatementContext): SchemaChange[] {
  cursor.take('IF', 'EXISTS');
  const table = cursor.tableName(context.database);
  if (table === null)
    return [{ kind: 'unreadable', table: null, what: 'ALTER TABLE of a table whose name cannot be read' }];
  skipWait(cursor);
  const changes: SchemaChange[] = [];
  const added: AddedColumn[] = [];
  const lost: SchemaChange[] = [];
  let isOrdering = false;
  for (const tokens of splitAtCommas(cursor.rest())) {
    if (tokens.length === 0) continue;
    // ORDER BY a, b: what follows the comma is a column, not a clause.
    if (isOrdering && isOrderColumn(tokens)) continue;
    const clause = readClause(new Cursor(tokens), table, context);
    isOrdering = tokens[0]?.text === 'ORDER';
    if (clause.kind === 'add') added.push(...clause.columns);
    if (clause.kind === 'losesIndex') lost.push({ kind: 'losesIndex', table, index: clause.index });
    if (clause.kind === 'incompatible') {
      changes.push({ kind: 'incompatible', table, what: clause.what });
      if (clause.other) changes.push({ kind: 'incompatible', table: clause.other, what: clause.what });
    }
    if (clause.kind === 'unreadable') {
      changes.push({ kind: 'unreadable', table, what: `ALTER TABLE ... ${renderStart(tokens)}` });
    }
  }
  if (changes.length === 0 && added.length > 0) changes.push({ kind: 'addColumns', table, columns: added });
  return [...lost, ...changes];
}

/** The first words of a clause, for a person. Strings may hold values: they are left out. */
function renderStart(tokens: readonly Token[]): string {
  return tokens
    .slice(0, 6)
    .map((token) => (token.kind === 'string' ? "'...'" : token.raw))
    .join(' ');
}

function isOrderColumn(tokens: readonly Token[]): boolean {
  return (
    tokens.every((token) => token.kind === 'name' || token.kind === 'word' || token.text === '.') && tokens.length <= 6
  );
}

export function skipWait(cursor: Cursor): void {
  if (cursor.take('WAIT')) cursor.next();
  else cursor.take('NOWAIT');
}

function readClause(cursor: Cursor, table: TableName, context: StatementContext): Clause {
  if (cursor.take('ADD')) return readAdd(cursor, table, context);
  if (cursor.take('DROP')) return readDrop(cursor);
  if (cursor.take('CHANGE') || cursor.take('MODIFY')) {
    cursor.take('COLUMN');
    cursor.take('IF', 'EXISTS');
    const name = cursor.name();
    return name === null ? unreadable : { kind: 'incompatible', what: `changes the column ${name}` };
  }
  if (cursor.take('RENAME')) return readRename(cursor, context);
  if (cursor.take('CONVERT')) {
    if (cursor.take('TO')) return { kind: 'incompatible', what: 'converts the table to another charset' };
    return { kind: 'incompatible', what: 'converts a partition to a table, or a table to a partition' };
  }
  if (cursor.take('ALTER')) return harmless; // default or visibility of a column, index, check
  if (cursor.take('ORDER', 'BY')) return harmless;
  if (cursor.takeAny(['DISCARD', 'IMPORT']) !== null) return { kind: 'incompatible', what: 'replaces the tablespace' };
  if (cursor.is('TRUNCATE', 'PARTITION')) return { kind: 'incompatible', what: 'truncates partitions' };
  if (cursor.take('EXCHANGE', 'PARTITION')) return readExchange(cursor, context);
  if (isHarmlessHead(cursor)) return readOptions(cursor);
  return unreadable;
}

/** `a=1 b=2 ...` up to the end, with partitioning behind them. */
function readOptions(cursor: Cursor): Clause {
  while (!cursor.isAtEnd) {
    if (cursor.is('PARTITION') || cursor.is('REMOVE')) return harmless;
    if (cursor.is('ENGINE', '=', 'BLACKHOLE') || cursor.is('ENGINE', 'BLACKHOLE')) {
      return { kind: 'incompatible', what: 'drops all rows (ENGINE=BLACKHOLE)' };
    }
    if (cursor.takeAny(['ADD', 'CHANGE', 'MODIFY', 'RENAME', 'CONVERT', 'TRUNCATE']) !== null) return unreadable;
    cursor.next();
  }
  return harmless;
}

/** First words of clauses and table options that leave rows and columns as they are (sql_yacc.yy, alter_list_item). */
const harmlessHeads = new Set(
  `ENGINE TYPE AUTO_INCREMENT COMMENT ROW_FORMAT KEY_BLOCK_SIZE CHECKSUM TABLE_CHECKSUM DELAY_KEY_WRITE STATS_PERSISTENT
  STATS_AUTO_RECALC STATS_SAMPLE_PAGES AVG_ROW_LENGTH MAX_ROWS MIN_ROWS PACK_KEYS PASSWORD CONNECTION DATA INDEX INSERT_METHOD
  UNION TABLESPACE STORAGE COMPRESSION ENCRYPTION PAGE_CHECKSUM PAGE_COMPRESSED PAGE_COMPRESSION_LEVEL TRANSACTIONAL ENCRYPTED
  ENCRYPTION_KEY_ID IETF_QUOTES AUTOEXTEND_SIZE SECONDARY_ENGINE SECONDARY_ENGINE_ATTRIBUTE ENGINE_ATTRIBUTE
  DEFAULT CHARACTER CHARSET COLLATE ALGORITHM LOCK FORCE ENABLE DISABLE WITH WITHOUT WAIT NOWAIT PARTITION REMOVE REORGANIZE
  COALESCE REBUILD ANALYZE CHECK OPTIMIZE REPAIR UPGRADE SECONDARY_LOAD SECONDARY_UNLOAD`.split(/\s+/),
);

function isHarmlessHead(cursor: Cursor): boolean {
  const token = cursor.peek();
  return token?.kind === 'word' && harmlessHeads.has(token.text);
}

function readAdd(cursor: Cursor, table: TableName, context: StatementContext): Clause {
  if (isIndexHead(cursor)) return readAddIndex(cursor);
  if (cursor.take('PARTITION')) return harmless;
  if (cursor.is('SYSTEM', 'VERSIONING') || cursor.is('PERIOD', 'FOR')) {
    return { kind: 'incompatible', what: 'adds system versioning or a period' };
  }
  cursor.take('COLUMN');
  cursor.take('IF', 'NOT', 'EXISTS');
  if (!cursor.is('(')) return readAddColumn(cursor, table, context);
  const columns: AddedColumn[] = [];
  for (const tokens of splitAtCommas(cursor.parenthesised() ?? [])) {
    const inside = new Cursor(tokens);
    const clause = isIndexHead(inside) ? readAddIndex(inside) : readAddColumn(inside, table, context);
    if (clause.kind === 'add') columns.push(...clause.columns);
    else if (clause.kind !== 'harmless') return clause;
  }
  return columns.length > 0 && isTail(cursor) ? { kind: 'add', columns } : unreadable;
}

function readAddColumn(cursor: Cursor, table: TableName, context: StatementContext): Clause {
  const name = cursor.name();
  if (name === null) return unreadable;
  const read = readColumn(cursor, name, table, context);
  if (read === null) return unreadable;
  if (read.kind === 'incompatible') return read;
  let after: string | null = null;
  if (cursor.take('FIRST')) after = '';
  else if (cursor.take('AFTER')) {
    after = cursor.name();
    if (after === null) return unreadable;
  }
  return isTail(cursor) ? { kind: 'add', columns: [{ column: read.column, after }] } : unreadable;
}

/** Nothing more, or partitioning, which stands behind the last clause without a comma. */
function isTail(cursor: Cursor): boolean {
  return cursor.isAtEnd || (isPosition(cursor) && !cursor.is('FIRST') && !cursor.is('AFTER'));
}

function isIndexHead(cursor: Cursor): boolean {
  const heads = ['INDEX', 'KEY', 'UNIQUE', 'FULLTEXT', 'SPATIAL', 'CONSTRAINT', 'FOREIGN', 'PRIMARY', 'CHECK'];
  return heads.some((head) => cursor.is(head)) || cursor.is('VECTOR', 'INDEX') || cursor.is('VECTOR', 'KEY');
}

function readAddIndex(cursor: Cursor): Clause {
  if (cursor.take('CONSTRAINT') && !cursor.is('PRIMARY') && !cursor.is('FOREIGN') && !cursor.is('UNIQUE')) {
    cursor.take('IF', 'NOT', 'EXISTS');
    if (!cursor.is('CHECK')) cursor.name();
  }
  if (cursor.is('PRIMARY')) return { kind: 'incompatible', what: 'adds a primary key' };
  if (cursor.take('FOREIGN')) {
    const tokens = cursor.rest();
    const acts = tokens.some(({ kind, text }, index) => {
      const action = tokens[index + 2];
      const isAction = kind === 'word' && text === 'ON' && ['DELETE', 'UPDATE'].includes(tokens[index + 1]?.text ?? '');
      return isAction && action?.kind === 'word' && ['CASCADE', 'SET'].includes(action.text);
    });
    if (acts) return { kind: 'incompatible', what: 'adds a foreign key whose cascades change rows' };
  }
  return harmless;
}

function readDrop(cursor: Cursor): Clause {
  if (cursor.take('PRIMARY')) return { kind: 'incompatible', what: 'drops the primary key' };
  if (cursor.takeAny(['INDEX', 'KEY', 'CONSTRAINT']) !== null) {
    cursor.take('IF', 'EXISTS');
    const name = cursor.name();
    if (name === null) return unreadable;
    if (name.toUpperCase() === 'PRIMARY') return { kind: 'incompatible', what: 'drops the primary key' };
    return { kind: 'losesIndex', index: name };
  }
  if (cursor.take('FOREIGN', 'KEY') || cursor.take('CHECK')) return harmless;
  if (cursor.take('PARTITION')) return { kind: 'incompatible', what: 'drops partitions' };
  if (cursor.is('SYSTEM', 'VERSIONING') || cursor.is('PERIOD', 'FOR')) {
    return { kind: 'incompatible', what: 'drops system versioning or a period' };
  }
  cursor.take('COLUMN');
  cursor.take('IF', 'EXISTS');
  const name = cursor.name();
  return name === null ? unreadable : { kind: 'incompatible', what: `drops the column ${name}` };
}

function readRename(cursor: Cursor, context: StatementContext): Clause {
  if (cursor.takeAny(['INDEX', 'KEY']) !== null) {
    const index = cursor.name();
    return index === null ? unreadable : { kind: 'losesIndex', index };
  }
  if (cursor.take('COLUMN')) return { kind: 'incompatible', what: `renames the column ${cursor.name() ?? ''}` };
  cursor.takeAny(['TO', 'AS', '=']);
  const onto = cursor.tableName(context.database);
  return onto === null ? unreadable : { kind: 'incompatible', what: 'renames the table', other: onto };
}

function readExchange(cursor: Cursor, context: StatementContext): Clause {
  cursor.name();
  if (!cursor.take('WITH', 'TABLE')) return unreadable;
  const other = cursor.tableName(context.database);
  return other === null ? unreadable : { kind: 'incompatible', what: 'exchanges a partition with a table', other };
}
