/**
 * Runs scripts of MaxCompute SQL. In: a script and its settings. Out: the rows of its last query, or nothing. Every statement
 * is one DuckDB transaction that holds the catalog's change too. Tables that a statement reads or writes are loaded before.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Clock } from '../../base/clock.js';
import { type Catalog, rowsName, type Table } from '../store/catalog.js';
import type { Database } from '../store/database.js';
import type { Disk } from '../store/disk.js';
import type { Loader } from '../store/loader.js';
import type { Uploads } from '../store/uploads.js';
import * as ddl from './ddl.js';
import { insertRows } from './insert.js';
import type { QueryContext } from './query.js';
import { queryColumns } from './query-columns.js';
import { quoteName } from './quote.js';
import { executionError, type Place, parseError, SqlError, semanticError, tableNotFound } from './sql-error.js';
import { readStatement, type Statement, splitScript, type TableRef } from './statements.js';
import { type Token, tokenize } from './tokenizer.js';

export type Settings = Readonly<Record<string, string>>;

export interface ResultColumn {
  readonly name: string;
  readonly type: string;
}

/** Rows of a query, in DuckDB's table `results.main.<name>` with columns c0, c1, ... */
export interface ResultRows {
  readonly kind: 'rows';
  readonly name: string;
  readonly columns: readonly ResultColumn[];
  readonly rowCount: number;
}

export type ScriptResult = ResultRows | { readonly kind: 'text'; readonly text: string };

/** Which project the statement runs in; names without one mean it. */
export interface SqlScope {
  readonly project: string;
  readonly isProject: (name: string) => boolean;
  readonly isThreeLevel: boolean;
}

/** Statements that write nothing to the disk; results are in memory. */
const readingKinds: ReadonlySet<Statement['kind']> = new Set([
  'set',
  'query',
  'describe',
  'showTables',
  'showPartitions',
]);
/** So many results, and rows in them, are kept for their instances; the oldest goes first, the newest always stays. */
const resultsMax = 200;
const resultRowsMax = 5_000_000;
/** Manual, limits: the text of a statement. */
const scriptBytesMax = 2 * 1024 * 1024;

export interface EngineParts {
  readonly database: Database;
  readonly catalog: Catalog;
  readonly loader: Loader;
  readonly uploads: Uploads;
  readonly disk: Disk;
  readonly clock: Clock;
}

export class Engine {
  private readonly parts: EngineParts;
  private readonly results: { readonly name: string; readonly rowCount: number }[] = [];
  private resultNumber = 0;

  constructor(parts: EngineParts) {
    this.parts = parts;
  }

  async run(script: string, settings: Settings, scope: SqlScope): Promise<ScriptResult> {
    if (Buffer.byteLength(script) > scriptBytesMax)
      throw new SqlError('ODPS-0130161', '[1,1] Parse exception - the script is longer than 2 MB');
    const statements = splitScript(tokenize(script));
    const current: Record<string, string> = { ...settings };
    // All of the script is read before anything of it runs.
    const blank: QueryContext = { table: () => 'SELECT NULL', hiveFrames: false };
    for (const tokens of statements) readStatement(script, tokens, blank);
    let result: ScriptResult = { kind: 'text', text: '' };
    for (const tokens of statements) {
      result = await this.parts.database.exclusive(async (connection) => {
        const used = new Map<number, Table>();
        const find = (at: Place, name: readonly string[]): Table => {
          const table = this.find({ at, name }, current, scope);
          if (table === null) throw tableNotFound(at, this.fullName(name, current, scope));
          used.set(table.id, table);
          return table;
        };
        const statement = readStatement(script, tokens, {
          table: (at, name) => selectAll(find(at, name)),
          hiveFrames: current['odps.sql.hive.compatible'] === 'true',
        });
        checkZone(current, statement, tokens);
        return duckErrors(tokens[0] as Place, () => this.execute(connection, statement, current, scope, used));
      });
    }
    return result;
  }

  private async execute(
    connection: DuckDBConnection,
    statement: Statement,
    settings: Record<string, string>,
    scope: SqlScope,
    used: Map<number, Table>,
  ): Promise<ScriptResult> {
    const done: ScriptResult = { kind: 'text', text: '' };
    const target = 'table' in statement ? this.find(statement.table, settings, scope) : null;
    const mustExist = (): Table => {
      if (target !== null) return target;
      const { at, name } = (statement as { table: TableRef }).table;
      throw tableNotFound(at, this.fullName(name, settings, scope));
    };
    for (const table of used.values()) await this.parts.loader.load(connection, table);
    if (target !== null && statement.kind !== 'drop') await this.parts.loader.load(connection, target);
    const context: ddl.DdlContext = { connection, catalog: this.parts.catalog, nowMs: this.parts.clock.nowMs() };

    if (!readingKinds.has(statement.kind)) this.parts.disk.check();
    switch (statement.kind) {
      case 'set':
        settings[statement.key] = statement.value;
        return done;
      case 'query':
        return this.query(connection, statement.sql);
      case 'create': {
        const place = this.place(statement.table.name, settings, scope);
        const like = statement.like === null ? null : this.find(statement.like, settings, scope);
        if (statement.like !== null && like === null)
          throw tableNotFound(statement.like.at, statement.like.name.join('.'));
        await ddl.createTable(context, statement, place, target, like);
        return done;
      }
      case 'drop':
        if (target === null && statement.ifExists) return done;
        await ddl.dropTable(context, mustExist());
        await this.parts.uploads.dropTable(mustExist().id);
        return done;
      case 'truncate':
        await ddl.truncate(context, statement, mustExist());
        return done;
      case 'insert':
        await insertRows(context, statement, mustExist());
        return done;
      case 'addColumns':
        await ddl.addColumns(context, statement, mustExist());
        return done;
      case 'addPartitions':
        await ddl.addPartitions(context, statement, mustExist());
        return done;
      case 'dropPartitions':
        await ddl.dropPartitions(context, statement, mustExist());
        return done;
      case 'setComment':
        await ddl.changeTable(context, mustExist(), { comment: statement.comment });
        return done;
      case 'setLifecycle':
        await ddl.changeTable(context, mustExist(), { lifecycleDays: statement.days });
        return done;
      case 'rename': {
        const { project, schema } = mustExist();
        if (this.parts.catalog.find(project, schema, statement.to) !== null) {
          throw new SqlError('ODPS-0110061', `Failed to run ddltask - Table ${statement.to} already exists`);
        }
        await ddl.changeTable(context, mustExist(), { name: statement.to });
        return done;
      }
      case 'describe':
        return { kind: 'text', text: ddl.describeTable(mustExist()) };
      case 'showTables': {
        const { schema } = this.place([''], settings, scope);
        const names = this.parts.catalog.list(scope.project, schema).map((table) => table.name);
        return { kind: 'text', text: names.map((name) => `${name}\n`).join('') };
      }
      case 'showPartitions':
        return { kind: 'text', text: ddl.showPartitions(mustExist()) };
    }
  }

  private async query(connection: DuckDBConnection, sql: string): Promise<ScriptResult> {
    const columns = await queryColumns(connection, sql);
    this.resultNumber += 1;
    const name = `r${this.resultNumber}`;
    const slots = columns.map((_, index) => `c${index}`);
    // A sum of BIGINT is a HUGEINT in DuckDB; a value that does not fit is an error, as in MaxCompute.
    const values = columns.map(({ duck }, index) => (duck === 'HUGEINT' ? `CAST(c${index} AS BIGINT)` : `c${index}`));
    await connection.run(
      `CREATE TABLE results.main.${name} AS SELECT ${values.map((value, index) => `${value} AS c${index}`).join(', ')} FROM (${sql}) AS q(${slots.join(', ')})`,
    );
    const counted = await connection.runAndReadAll(`SELECT count(*) FROM results.main.${name}`);
    const rowCount = Number(counted.getRows()[0]?.[0]);
    this.results.push({ name, rowCount });
    await this.dropOldResults(connection);
    return {
      kind: 'rows',
      name,
      columns: columns.map(({ name, type }) => ({ name, type })),
      rowCount,
    };
  }

  hasResult(name: string): boolean {
    return this.results.some((result) => result.name === name);
  }

  private async dropOldResults(connection: DuckDBConnection): Promise<void> {
    const { results } = this;
    let rows = results.reduce((sum, result) => sum + result.rowCount, 0);
    while (results.length > 1 && (results.length > resultsMax || rows > resultRowsMax)) {
      const oldest = results.shift() as (typeof results)[number];
      rows -= oldest.rowCount;
      await connection.run(`DROP TABLE IF EXISTS results.main.${oldest.name}`);
    }
  }

  private find(ref: TableRef, settings: Settings, scope: SqlScope): Table | null {
    const { project, schema, table } = this.place(ref.name, settings, scope);
    return this.parts.catalog.find(project, schema, table);
  }

  private place(name: readonly string[], settings: Settings, scope: SqlScope): ddl.TablePlace {
    const table = name[name.length - 1] as string;
    const schema = settings['odps.default.schema'] || 'default';
    if (name.length === 3) return { project: name[0] as string, schema: name[1] as string, table };
    if (name.length === 1) return { project: scope.project, schema, table };
    const first = name[0] as string;
    const isSchema = scope.isThreeLevel && (settings['odps.namespace.schema'] === 'true' || !scope.isProject(first));
    return isSchema ? { project: scope.project, schema: first, table } : { project: first, schema: 'default', table };
  }

  private fullName(name: readonly string[], settings: Settings, scope: SqlScope): string {
    const { project, schema, table } = this.place(name, settings, scope);
    return schema === 'default' ? `${project}.${table}` : `${project}.${schema}.${table}`;
  }
}

/** All rows of a table, columns in MaxCompute's order: partition columns last. */
function selectAll(table: Table): string {
  const names = [...table.columns, ...table.partitionColumns].map((column) => quoteName(column.name));
  return `SELECT ${names.join(', ')} FROM ${rowsName(table.id)}`;
}

/** What reads or writes a time as text, or takes it apart. */
const zoneWords = new Set(
  (
    'CAST CONCAT CONCAT_WS DATETIME TIMESTAMP TO_DATE TO_CHAR DATE_FORMAT FROM_UNIXTIME UNIX_TIMESTAMP DATEADD DATEDIFF DATE_ADD ' +
    'DATE_SUB YEAR MONTH DAY DAYOFMONTH HOUR MINUTE SECOND GETDATE ||'
  ).split(' '),
);

/** Another zone than UTC would change what such a statement gives, and is not carried out: it must not pass silently. */
function checkZone(settings: Settings, statement: Statement, tokens: readonly Token[]): void {
  const zone = settings['odps.sql.timezone'] ?? '';
  if (/^(|utc|gmt|etc\/(utc|gmt)|z)$/i.test(zone)) return;
  const reads = statement.kind === 'query' && !tokens.some((token) => zoneWords.has(token.text));
  const isTable =
    statement.kind !== 'query' && statement.kind !== 'insert' && !(statement.kind === 'create' && statement.query);
  if (reads || isTable) return;
  throw parseError(tokens[0] as Place, `odps.sql.timezone=${zone}: this emulator reads and writes times in UTC only`);
}

/** DuckDB's refusals, in MaxCompute's form. They name columns and types; row values are cut off. */
async function duckErrors<T>(at: Place, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SqlError) throw error;
    const [kind, why] = splitMessage(String((error as { message?: unknown } | null)?.message ?? ''));
    if (kind === 'Parser Error') throw parseError(at, why);
    if (kind === 'Binder Error' || kind === 'Catalog Error') throw semanticError(at, why);
    const hidden = why.replace(/'[^']*'/g, "'...'").replace(/\(-?\d[^)]*\)/g, '(...)');
    if (/^(Conversion|Invalid Input|Out of Range|Constraint|Not implemented|Out of Memory|Mismatch Type)/i.test(kind)) {
      throw executionError(hidden);
    }
    throw error;
  }
}

function splitMessage(message: string): [kind: string, why: string] {
  const first = message.split('\n')[0] as string;
  const colon = first.indexOf(': ');
  return colon < 0 ? ['', first] : [first.slice(0, colon), first.slice(colon + 2)];
}
