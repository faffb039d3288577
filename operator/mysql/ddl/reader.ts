/**
 * Statements of the binary log. In: the text and its session. Out: what it does to tables (`SchemaChange`), or that it
 * changes rows, which a log of rows should not hold as text. It knows the clauses that matter and says `unreadable` for
 * what it does not know: it never guesses, and never passes over a statement that may concern a selected table.
 */
import type { SchemaChange } from '../../model/change.js';
import type { TableName } from '../../model/source-table.js';
import { readAlterTable, skipWait } from './alter-table.js';
import { Cursor, splitAtCommas } from './cursor.js';
import { lex } from './lexer.js';
import type { Statement, StatementContext } from './statement.js';

const nothing: Statement = { kind: 'schema', changes: [] };

/** First words of statements that touch neither rows, columns nor names of tables. */
const harmlessVerbs = new Set(
  `GRANT REVOKE SET FLUSH ANALYZE OPTIMIZE REPAIR CHECK CHECKSUM INSTALL UNINSTALL XA SAVEPOINT RELEASE BEGIN START COMMIT
  ROLLBACK LOCK UNLOCK USE KILL RESET PURGE CACHE SHUTDOWN BINLOG EXPLAIN SHOW HELP CLONE`.split(/\s+/),
);

export function readStatement(text: string, context: StatementContext): Statement {
  const tokens = lex(text, context);
  if (tokens === null) return schema([unreadable(null, 'a statement with a quote or comment that does not end')]);
  const cursor = new Cursor(tokens);
  skipStatementSettings(cursor);
  while (cursor.take('(') || cursor.take(';'));
  if (cursor.isAtEnd) return nothing;
  if (cursor.take('ALTER')) return schema(readAlter(cursor, context));
  if (cursor.take('CREATE')) return schema(readCreate(cursor, context));
  if (cursor.take('DROP')) return schema(readDrop(cursor, context));
  if (cursor.take('TRUNCATE')) {
    cursor.take('TABLE');
    return schema([incompatible(cursor.tableName(context.database), 'truncates the table', 'TRUNCATE')]);
  }
  if (cursor.take('RENAME')) return schema(readRename(cursor, context));
  const verb = cursor.peek()?.text ?? '';
  if (cursor.peek()?.kind === 'word' && harmlessVerbs.has(verb)) return nothing;
  if (rowVerbs.has(verb)) return { kind: 'rows', tables: readTouchedTables(cursor, context.database) };
  return schema([unreadable(null, `a statement that begins with ${verb.slice(0, 32)}`)]);
}

function schema(changes: readonly SchemaChange[]): Statement {
  return { kind: 'schema', changes };
}

function unreadable(table: TableName | null, what: string): SchemaChange {
  return { kind: 'unreadable', table, what };
}

function incompatible(table: TableName | null, what: string, statement: string): SchemaChange {
  return table === null
    ? unreadable(null, `${statement} of a table whose name cannot be read`)
    : { kind: 'incompatible', table, what };
}

/** MariaDB: `SET STATEMENT max_statement_time=0, ... FOR <statement>`. */
function skipStatementSettings(cursor: Cursor): void {
  if (!cursor.take('SET', 'STATEMENT')) return;
  while (!cursor.isAtEnd && !cursor.take('FOR')) cursor.next();
}

function readAlter(cursor: Cursor, context: StatementContext): SchemaChange[] {
  while (cursor.takeAny(['ONLINE', 'OFFLINE', 'IGNORE']) !== null);
  if (cursor.take('TABLE')) return readAlterTable(cursor, context);
  if (cursor.takeAny(['DATABASE', 'SCHEMA']) !== null) {
    const database = cursor.name();
    // The default charset of a database concerns tables that are yet to be made.
    if (database === null || !cursor.is('UPGRADE')) return [];
    return [{ kind: 'incompatible', table: { database, table: '' }, what: 'renames the database' }];
  }
  return [];
}

function readCreate(cursor: Cursor, context: StatementContext): SchemaChange[] {
  const isReplacing = cursor.take('OR', 'REPLACE');
  if (cursor.is('TEMPORARY') || !isReplacing) return [];
  if (cursor.take('TABLE')) {
    return [incompatible(cursor.tableName(context.database), 'replaces the table', 'CREATE OR REPLACE TABLE')];
  }
  if (cursor.takeAny(['DATABASE', 'SCHEMA']) === null) return [];
  const database = cursor.name();
  return [
    incompatible(
      database === null ? null : { database, table: '' },
      'replaces the database',
      'CREATE OR REPLACE DATABASE',
    ),
  ];
}

function readDrop(cursor: Cursor, context: StatementContext): SchemaChange[] {
  if (cursor.takeAny(['DATABASE', 'SCHEMA']) !== null) {
    cursor.take('IF', 'EXISTS');
    const database = cursor.name();
    return [incompatible(database === null ? null : { database, table: '' }, 'drops the database', 'DROP DATABASE')];
  }
  if (cursor.take('INDEX')) {
    cursor.take('IF', 'EXISTS');
    const index = cursor.name();
    const table = index !== null && cursor.take('ON') ? cursor.tableName(context.database) : null;
    if (index === null || table === null) return [unreadable(null, 'DROP INDEX of a table whose name cannot be read')];
    if (index.toUpperCase() === 'PRIMARY') return [incompatible(table, 'drops the primary key', 'DROP INDEX')];
    return [{ kind: 'losesIndex', table, index }];
  }
  if (cursor.takeAny(['TABLE', 'TABLES']) === null) return [];
  cursor.take('IF', 'EXISTS');
  return splitAtCommas(cursor.rest()).map((tokens) =>
    incompatible(new Cursor(tokens).tableName(context.database), 'drops the table', 'DROP TABLE'),
  );
}

function readRename(cursor: Cursor, context: StatementContext): SchemaChange[] {
  if (cursor.takeAny(['TABLE', 'TABLES']) === null) {
    return cursor.is('USER') ? [] : [unreadable(null, 'a RENAME of something unknown')];
  }
  cursor.take('IF', 'EXISTS');
  return splitAtCommas(cursor.rest()).flatMap((tokens) => {
    const pair = new Cursor(tokens);
    const from = pair.tableName(context.database);
    skipWait(pair);
    const onto = pair.take('TO') ? pair.tableName(context.database) : null;
    return [
      incompatible(from, 'renames the table', 'RENAME TABLE'),
      incompatible(onto, 'puts another table in its place', 'RENAME TABLE'),
    ];
  });
}

// ------------------------------------------------------------------------------- statements that change rows

const rowVerbs = new Set(
  `INSERT REPLACE UPDATE DELETE LOAD CALL DO SELECT WITH HANDLER IMPORT VALUES TABLE EXECUTE`.split(/\s+/),
);

/** The one table of a plain statement; null where there may be others. */
function readTouchedTables(cursor: Cursor, database: string): readonly TableName[] | null {
  const modifiers = ['LOW_PRIORITY', 'DELAYED', 'HIGH_PRIORITY', 'QUICK', 'IGNORE', 'CONCURRENT'];
  const verb = cursor.next()?.text;
  while (cursor.takeAny(modifiers) !== null);
  if (verb === 'INSERT' || verb === 'REPLACE') cursor.take('INTO');
  else if (verb === 'DELETE') {
    if (!cursor.take('FROM')) return null;
  } else if (verb === 'LOAD') {
    while (!cursor.isAtEnd && !cursor.take('INTO', 'TABLE')) cursor.next();
  } else if (verb !== 'UPDATE') return null;
  const table = cursor.tableName(database);
  if (table === null) return null;
  if (verb === 'UPDATE') {
    cursor.take('AS');
    if (!cursor.is('SET')) cursor.name();
    return cursor.take('SET') ? [table] : null;
  }
  if (verb === 'DELETE' && (cursor.is(',') || cursor.is('USING') || cursor.is('.'))) return null;
  return [table];
}
