/**
 * Schemas out of information_schema: a few statements for all tables, not several for each.
 * In: a session and, optionally, names. Out: `SourceTable`s in the order of their names. A table that the account cannot
 * see is missing from the answer, since the server shows no row of it and no error.
 */
import { SyncError } from '../base/errors.js';
import type { SourceIdentity } from '../model/source-facts.js';
import {
  type ForeignKey,
  type SourceColumn,
  type SourceTable,
  type TableName,
  tableKey,
} from '../model/source-table.js';
import { readDefault } from './column-default.js';
import { parseColumnType } from './column-type.js';
import { withRules } from './foreign-key-rules.js';
import { quoteText } from './quote.js';
import type { Session, TextRow } from './session.js';

export interface SchemaReading {
  readonly tables: readonly SourceTable[];
  /** Tables that cannot be carried over as they are (a column type that is not known, system versioning), and why. */
  readonly undescribed: readonly { readonly table: TableName; readonly reason: SyncError }[];
}

/** Tables asked for in one statement. Equality with constants keeps 5.6 from opening every table of the server. */
const tablesPerStatement = 100;

const systemDatabases = ['mysql', 'sys', 'information_schema', 'performance_schema'];

/** Hidden columns are included wherever the server shows them. `names` null: every table that the account sees. */
export async function readSchemas(
  session: Session,
  flavor: SourceIdentity['flavor'],
  names: readonly TableName[] | null,
): Promise<SchemaReading> {
  const filters = names === null ? [everything] : inGroups(names);
  const parts: Parts = { tables: [], columns: [], keys: [], foreignKeys: [] };
  for (const filter of filters) {
    const doing = { doing: 'reading the schemas' };
    parts.tables.push(...(await session.query(unionOf(tablesQuery, filter), doing)));
    parts.columns.push(...(await session.query(unionOf(columnsQuery, filter), doing)));
    parts.keys.push(...(await session.query(unionOf(keysQuery, filter), doing)));
    parts.foreignKeys.push(
      ...(await withRules(session, await session.query(unionOf(foreignKeysQuery, filter), doing))),
    );
  }
  return assemble(parts, flavor, names);
}

interface Parts {
  readonly tables: TextRow[];
  readonly columns: TextRow[];
  readonly keys: TextRow[];
  readonly foreignKeys: TextRow[];
}

/** Conditions on the columns for database and table of one statement each. */
type Filter = readonly ((database: string, table: string) => string)[];

const everything: Filter = [(database) => `${database} NOT IN (${systemDatabases.map(quoteText).join(', ')})`];

function inGroups(names: readonly TableName[]): Filter[] {
  const groups: Filter[] = [];
  for (let from = 0; from < names.length; from += tablesPerStatement) {
    groups.push(
      names
        .slice(from, from + tablesPerStatement)
        .map(
          (name) => (database, table) =>
            `${database} = ${quoteText(name.database)} AND ${table} = ${quoteText(name.table)}`,
        ),
    );
  }
  return groups;
}

function unionOf(query: (filter: Filter[number]) => string, filters: Filter): string {
  return filters.map((filter) => `(${query(filter)})`).join(' UNION ALL ');
}

function tablesQuery(filter: Filter[number]): string {
  return `SELECT table_schema, table_name, engine, table_rows, data_length, table_type FROM information_schema.tables
    WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND ${filter('table_schema', 'table_name')}`;
}

function columnsQuery(filter: Filter[number]): string {
  return `SELECT table_schema, table_name, ordinal_position, column_name, column_type, character_set_name, collation_name,
    is_nullable, column_default, extra FROM information_schema.columns WHERE ${filter('table_schema', 'table_name')}`;
}

function keysQuery(filter: Filter[number]): string {
  return `SELECT table_schema, table_name, index_name, seq_in_index, column_name, nullable, sub_part
    FROM information_schema.statistics WHERE non_unique = 0 AND ${filter('table_schema', 'table_name')}`;
}

function foreignKeysQuery(filter: Filter[number]): string {
  return `SELECT k.table_schema, k.table_name, k.constraint_name, k.ordinal_position, k.column_name,
      k.referenced_table_schema, k.referenced_table_name, r.delete_rule, r.update_rule
    FROM information_schema.key_column_usage k LEFT JOIN information_schema.referential_constraints r
      ON r.constraint_schema = k.table_schema AND r.table_name = k.table_name AND r.constraint_name = k.constraint_name
    WHERE k.referenced_table_name IS NOT NULL AND ${filter('k.table_schema', 'k.table_name')}`;
}

function assemble(parts: Parts, flavor: SourceIdentity['flavor'], names: readonly TableName[] | null): SchemaReading {
  // information_schema compares names without regard to case: `Orders` answers for `orders` too.
  const wanted = names === null ? null : new Set(names.map(tableKey));
  const columns = groupByTable(parts.columns, 2);
  const keys = groupByTable(parts.keys, 3);
  const foreignKeys = groupByTable(parts.foreignKeys, 3);
  const tables: SourceTable[] = [];
  const undescribed: { table: TableName; reason: SyncError }[] = [];
  const seen = new Set<string>();
  for (const row of parts.tables) {
    const name = tableOf(row);
    const key = tableKey(name);
    if (seen.has(key) || (wanted !== null && !wanted.has(key))) continue;
    seen.add(key);
    try {
      assertReadable(row);
      tables.push({
        ...name,
        columns: (columns.get(key) ?? []).map((column) => toColumn(column, flavor)),
        key: chooseKey(keys.get(key) ?? []),
        engine: row[2] ?? '',
        foreignKeys: toForeignKeys(foreignKeys.get(key) ?? []),
        rowsEstimate: Number(row[3] ?? 0),
        bytesEstimate: Number(row[4] ?? 0),
      });
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      undescribed.push({ table: name, reason: error });
    }
  }
  tables.sort((a, b) => compareTexts(a.database, b.database) || compareTexts(a.table, b.table));
  return { tables, undescribed };
}

/** MariaDB logs a DELETE on a system-versioned table as an UPDATE of a hidden column, and the history as INSERTs [seen on 10.11]. */
function assertReadable(row: TextRow): void {
  if (row[5] !== 'SYSTEM VERSIONED') return;
  throw new SyncError('COLUMN_TYPE_UNKNOWN', {
    seen: 'the table is system-versioned, with hidden period columns',
    wanted: 'a table without system versioning: the binary log shows its deletes as updates',
    fix: 'Leave the table out of the task, or ALTER TABLE ... DROP SYSTEM VERSIONING.',
    table: tableKey(tableOf(row)),
  });
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function tableOf(row: TextRow): TableName {
  return { database: row[0] ?? '', table: row[1] ?? '' };
}

/** Rows by table, each ordered by the number in column `order`. */
function groupByTable(rows: readonly TextRow[], order: number): Map<string, TextRow[]> {
  const groups = new Map<string, TextRow[]>();
  for (const row of rows) {
    const key = tableKey(tableOf(row));
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  for (const group of groups.values()) group.sort((a, b) => Number(a[order]) - Number(b[order]));
  return groups;
}

function toColumn(row: TextRow, flavor: SourceIdentity['flavor']): SourceColumn {
  const [, , , name, typeText, charset, collation, nullable, defaultText, extra] = row;
  const type = parseColumnType(typeText ?? '', charset ?? null, collation ?? null);
  return {
    name: name ?? '',
    type,
    typeText: typeText ?? '',
    nullable: nullable === 'YES',
    defaultText: readDefault(defaultText ?? null, extra ?? '', type, flavor),
    generated: readGenerated(extra ?? ''),
  };
}

/** MySQL and MariaDB since 10.2 write `STORED GENERATED`, `VIRTUAL GENERATED`; older MariaDB `PERSISTENT`, `VIRTUAL`. */
function readGenerated(extra: string): SourceColumn['generated'] {
  if (/\b(STORED GENERATED|PERSISTENT)\b/i.test(extra)) return 'stored';
  return /\bVIRTUAL\b/i.test(extra) ? 'virtual' : null;
}

/**
 * PRIMARY, else the unique key with the fewest columns (then the first by name) that identifies every row: no NULLs, no
 * prefixes, no expressions. A virtual column may be part of it, since the binary log holds its values.
 */
function chooseKey(rows: readonly TextRow[]): SourceTable['key'] {
  const keys = new Map<string, { columns: string[]; isUsable: boolean }>();
  for (const [, , indexName, , column, nullable, prefix] of rows) {
    const key = keys.get(indexName ?? '') ?? { columns: [], isUsable: true };
    keys.set(indexName ?? '', key);
    if (typeof column !== 'string' || nullable === 'YES' || prefix !== null) key.isUsable = false;
    else key.columns.push(column);
  }
  const usable = [...keys].filter(([, key]) => key.isUsable);
  usable.sort(([a, keyA], [b, keyB]) => keyA.columns.length - keyB.columns.length || (a < b ? -1 : 1));
  const chosen = usable.find(([name]) => name === 'PRIMARY') ?? usable[0];
  return chosen ? { name: chosen[0], columns: chosen[1].columns } : null;
}

function toForeignKeys(rows: readonly TextRow[]): ForeignKey[] {
  const keys = new Map<string, ForeignKey & { columns: string[] }>();
  for (const [, , name, , column, database, table, onDelete, onUpdate] of rows) {
    const key = keys.get(name ?? '');
    if (key) {
      key.columns.push(column ?? '');
      continue;
    }
    keys.set(name ?? '', {
      name: name ?? '',
      columns: [column ?? ''],
      references: { database: database ?? '', table: table ?? '' },
      onDelete: onDelete ?? '',
      onUpdate: onUpdate ?? '',
    });
  }
  return [...keys.values()];
}
