/**
 * Reads one statement of MaxCompute SQL into what it asks for. Queries inside it come out as DuckDB SQL; everything about
 * tables, partitions and overwriting stays data, since DuckDB has no such things.
 */
import { assert } from '../../base/assert.js';
import { columnType } from './column-types.js';
import { readTypeText } from './expression.js';
import { type QueryContext, QueryReader, readTableName } from './query.js';
import { type Place, parseError, semanticError } from './sql-error.js';
import { TokenReader } from './token-reader.js';
import type { Token } from './tokenizer.js';

export interface TableRef {
  readonly at: Place;
  /** One to three parts: project, schema, table. */
  readonly name: readonly string[];
}

export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
  readonly isNullable: boolean;
}

/** Partition columns with their values; null where the value comes from the rows. */
export type PartitionClause = ReadonlyMap<string, string | null>;

export type Statement =
  | { readonly kind: 'set'; readonly key: string; readonly value: string }
  | { readonly kind: 'query'; readonly sql: string }
  | {
      readonly kind: 'create';
      readonly table: TableRef;
      readonly ifNotExists: boolean;
      readonly columns: readonly ColumnDefinition[];
      readonly partitionColumns: readonly ColumnDefinition[];
      readonly comment: string;
      readonly lifecycleDays: number | null;
      /** `AS SELECT`: the columns come from it. */
      readonly query: string | null;
      readonly like: TableRef | null;
    }
  | { readonly kind: 'drop'; readonly table: TableRef; readonly ifExists: boolean }
  | { readonly kind: 'truncate'; readonly table: TableRef; readonly partitions: readonly PartitionClause[] }
  | {
      readonly kind: 'insert';
      readonly table: TableRef;
      readonly overwrite: boolean;
      readonly partition: PartitionClause | null;
      readonly columns: readonly string[] | null;
      readonly query: string;
    }
  | {
      readonly kind: 'addColumns';
      readonly table: TableRef;
      readonly columns: readonly ColumnDefinition[];
      readonly ifNotExists: boolean;
    }
  | {
      readonly kind: 'addPartitions';
      readonly table: TableRef;
      readonly partitions: readonly PartitionClause[];
      readonly ifNotExists: boolean;
    }
  | {
      readonly kind: 'dropPartitions';
      readonly table: TableRef;
      readonly partitions: readonly PartitionClause[];
      readonly ifExists: boolean;
    }
  | { readonly kind: 'setComment'; readonly table: TableRef; readonly comment: string }
  | { readonly kind: 'setLifecycle'; readonly table: TableRef; readonly days: number }
  | { readonly kind: 'rename'; readonly table: TableRef; readonly to: string }
  | { readonly kind: 'describe'; readonly table: TableRef }
  | { readonly kind: 'showTables' }
  | { readonly kind: 'showPartitions'; readonly table: TableRef };

/** The statements of a script, cut at semicolons; empty ones are left out. */
export function splitScript(tokens: readonly Token[]): Token[][] {
  const statements: Token[][] = [];
  let current: Token[] = [];
  for (const token of tokens) {
    const isEnd = token.kind === 'end';
    if (!isEnd && !(token.kind === 'symbol' && token.text === ';')) {
      current.push(token);
      continue;
    }
    if (current.length > 0) statements.push([...current, { ...token, kind: 'end', text: 'end of statement' }]);
    current = [];
  }
  return statements;
}

export function readStatement(script: string, tokens: readonly Token[], context: QueryContext): Statement {
  const statement = new StatementReader(script, tokens, context);
  return statement.read();
}

class StatementReader {
  private readonly script: string;
  private readonly reader: TokenReader;
  private readonly queries: QueryReader;

  constructor(script: string, tokens: readonly Token[], context: QueryContext) {
    this.script = script;
    this.reader = new TokenReader(tokens);
    this.queries = new QueryReader(this.reader, context);
  }

  read(): Statement {
    const statement = this.statement();
    if (this.reader.next.kind !== 'end') throw this.reader.unexpected('the end of the statement');
    return statement;
  }

  private statement(): Statement {
    const reader = this.reader;
    if (reader.accept('SET')) return this.set();
    if (reader.accept('CREATE', 'TABLE')) return this.create();
    if (reader.accept('DROP', 'TABLE')) {
      const ifExists = reader.accept('IF', 'EXISTS');
      return { kind: 'drop', ifExists, table: this.table() };
    }
    if (reader.accept('TRUNCATE', 'TABLE')) {
      const table = this.table();
      return { kind: 'truncate', table, partitions: reader.sees('PARTITION') ? this.partitions() : [] };
    }
    if (reader.accept('ALTER', 'TABLE')) return this.alter(this.table());
    if (reader.sees('INSERT')) return this.insert('');
    if (reader.accept('DESC') || reader.accept('DESCRIBE')) {
      reader.accept('EXTENDED');
      return { kind: 'describe', table: this.table() };
    }
    if (reader.accept('SHOW', 'TABLES')) return { kind: 'showTables' };
    if (reader.accept('SHOW', 'PARTITIONS')) return { kind: 'showPartitions', table: this.table() };
    if (reader.accept('WITH')) {
      const clauses = `WITH ${this.queries.withClauses()} `;
      if (reader.sees('INSERT')) return this.insert(clauses);
      return { kind: 'query', sql: clauses + this.queries.query() };
    }
    if (reader.sees('SELECT') || reader.sees('(')) return { kind: 'query', sql: this.queries.query() };
    throw reader.unexpected('a statement that this emulator knows');
  }

  /** `SET key=value`: the value is all up to the end, as it stands. */
  private set(): Statement {
    const reader = this.reader;
    const from = reader.next.from;
    let equals = -1;
    while (reader.next.kind !== 'end') {
      const token = reader.take();
      if (equals < 0 && token.kind === 'symbol' && token.text === '=') equals = token.from;
    }
    if (equals < 0) throw reader.unexpected("'='");
    return {
      kind: 'set',
      key: this.script.slice(from, equals).trim().toLowerCase(),
      value: this.script.slice(equals + 1, reader.next.from).trim(),
    };
  }

  private create(): Statement {
    const reader = this.reader;
    const ifNotExists = reader.accept('IF', 'NOT', 'EXISTS');
    const table = this.table();
    const like = reader.accept('LIKE') ? this.table() : null;
    const columns = reader.accept('(') ? this.columns() : [];
    let partitionColumns: ColumnDefinition[] = [];
    let comment = '';
    let lifecycleDays: number | null = null;
    for (;;) {
      if (reader.accept('COMMENT')) comment = reader.string('a comment');
      else if (reader.accept('PARTITIONED', 'BY', '(')) partitionColumns = this.columns();
      else if (reader.accept('LIFECYCLE')) lifecycleDays = reader.integer('a number of days');
      else if (reader.accept('TBLPROPERTIES')) this.properties();
      else break;
    }
    const isFromQuery = like === null && columns.length === 0;
    if (isFromQuery) reader.expect('AS');
    else if (reader.sees('AS')) throw reader.unexpected('no AS, since columns are given');
    const query = isFromQuery ? this.queries.query() : null;
    if (query !== null && partitionColumns.length > 0)
      throw parseError(table.at, 'a partitioned table cannot be created AS SELECT');
    return { kind: 'create', table, ifNotExists, columns, partitionColumns, comment, lifecycleDays, query, like };
  }

  private columns(): ColumnDefinition[] {
    const reader = this.reader;
    const columns: ColumnDefinition[] = [];
    do {
      const at = reader.next;
      if (reader.sees('PRIMARY', 'KEY'))
        throw parseError(at, 'PRIMARY KEY (Delta tables) is not supported by this emulator');
      const name = reader.name('a column name');
      checkName(at, name);
      const typeAt = reader.next;
      const text = readTypeText(reader);
      const type = columnType(text);
      if (type === null) throw parseError(typeAt, `type '${text}' is not a column type of this emulator`);
      let isNullable = true;
      let comment = '';
      for (;;) {
        if (reader.accept('NOT', 'NULL')) isNullable = false;
        else if (reader.accept('NULL')) isNullable = true;
        else if (reader.accept('COMMENT')) comment = reader.string('a comment');
        else break;
      }
      columns.push({ name, type: type.name, comment, isNullable });
    } while (reader.accept(','));
    reader.expect(')');
    return columns;
  }

  /** Accepted where they change nothing that can be seen here. */
  private properties(): void {
    const reader = this.reader;
    reader.expect('(');
    do {
      const at = reader.next;
      const key = reader.string('a property').toLowerCase();
      reader.expect('=');
      const value = reader.string('a value').toLowerCase();
      if (key === 'transactional' && value === 'true') {
        throw parseError(at, 'transactional tables are not supported by this emulator');
      }
    } while (reader.accept(','));
    reader.expect(')');
  }

  private alter(table: TableRef): Statement {
    const reader = this.reader;
    if (reader.accept('ADD', 'COLUMNS') || reader.accept('ADD', 'COLUMN')) {
      const ifNotExists = reader.accept('IF', 'NOT', 'EXISTS');
      reader.expect('(');
      return { kind: 'addColumns', table, ifNotExists, columns: this.columns() };
    }
    if (reader.accept('ADD')) {
      const ifNotExists = reader.accept('IF', 'NOT', 'EXISTS');
      return { kind: 'addPartitions', table, ifNotExists, partitions: this.partitions() };
    }
    if (reader.accept('DROP')) {
      const ifExists = reader.accept('IF', 'EXISTS');
      return { kind: 'dropPartitions', table, ifExists, partitions: this.partitions() };
    }
    if (reader.accept('SET', 'COMMENT')) return { kind: 'setComment', table, comment: reader.string('a comment') };
    if (reader.accept('SET', 'LIFECYCLE'))
      return { kind: 'setLifecycle', table, days: reader.integer('a number of days') };
    if (reader.accept('RENAME', 'TO')) {
      const at = reader.next;
      const to = reader.name('a table name');
      checkName(at, to);
      return { kind: 'rename', table, to };
    }
    throw reader.unexpected('an ALTER TABLE that this emulator knows');
  }

  private partitions(): PartitionClause[] {
    const clauses: PartitionClause[] = [];
    do {
      this.reader.expect('PARTITION');
      clauses.push(this.partition());
      this.reader.accept(',');
    } while (this.reader.sees('PARTITION'));
    return clauses;
  }

  private partition(): PartitionClause {
    const reader = this.reader;
    const values = new Map<string, string | null>();
    reader.expect('(');
    do {
      const at = reader.next;
      const name = reader.name('a partition column');
      if (values.has(name)) throw semanticError(at, `partition column ${name} stands twice`);
      if (!reader.accept('=')) values.set(name, null);
      else if (reader.next.kind === 'number') values.set(name, String(reader.integer('a value')));
      else values.set(name, reader.string('a value'));
    } while (reader.accept(','));
    reader.expect(')');
    return values;
  }

  private insert(clauses: string): Statement {
    const reader = this.reader;
    reader.expect('INSERT');
    const overwrite = reader.accept('OVERWRITE');
    if (!overwrite) reader.expect('INTO');
    reader.accept('TABLE');
    const table = this.table();
    const partition = reader.accept('PARTITION') ? this.partition() : null;
    let columns: string[] | null = null;
    if (reader.sees('(') && !['SELECT', 'WITH', '('].includes(reader.peek(1).text)) {
      reader.expect('(');
      columns = [];
      do columns.push(reader.name('a column'));
      while (reader.accept(','));
      reader.expect(')');
    }
    const query = reader.accept('VALUES') ? `SELECT * FROM (${this.queries.valueRows()})` : this.queries.query();
    return { kind: 'insert', table, overwrite, partition, columns, query: clauses + query };
  }

  private table(): TableRef {
    const at = this.reader.next;
    const name = readTableName(this.reader);
    assert(name.length >= 1, 'a table name has a part');
    return { at, name };
  }
}

/** Manual, limits: letters, digits and underscores, a letter first, at most 128 bytes. */
export function checkName(at: Place, name: string): void {
  if (!/^[a-z_][a-z0-9_]*$/.test(name) || name.length > 128) {
    throw parseError(at, `'${name}' is not a name: letters, digits and underscores, at most 128`);
  }
}
