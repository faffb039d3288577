/** Carries out statements about tables and partitions: DuckDB's table and the catalog change in one transaction. */
import type { DuckDBConnection } from '@duckdb/node-api';
import {
  type Catalog,
  type Column,
  catalogSql,
  type Partition,
  partitionKey,
  rowsName,
  type Table,
  type TableDefinition,
} from '../store/catalog.js';
import { transaction } from '../store/database.js';
import { castForInsert } from './casts.js';
import { columnType } from './column-types.js';
import { queryColumns } from './query-columns.js';
import { quoteName } from './quote.js';
import { type Place, SqlError, semanticError } from './sql-error.js';
import type { ColumnDefinition, PartitionClause, Statement } from './statements.js';

export interface DdlContext {
  readonly connection: DuckDBConnection;
  readonly catalog: Catalog;
  readonly nowMs: number;
}

export interface TablePlace {
  readonly project: string;
  readonly schema: string;
  readonly table: string;
}

type Of<Kind extends Statement['kind']> = Extract<Statement, { kind: Kind }>;

/** Manual, limits. */
const columnsMax = 1200;
const partitionLevelsMax = 6;
const partitionsMax = 60_000;

const ddlFailed = (why: string): SqlError => new SqlError('ODPS-0110061', `Failed to run ddltask - ${why}`);

export async function createTable(
  context: DdlContext,
  statement: Of<'create'>,
  place: TablePlace,
  existing: Table | null,
  like: Table | null,
): Promise<void> {
  if (existing !== null) {
    if (statement.ifNotExists) return;
    throw new SqlError(
      'ODPS-0110061',
      `Failed to run ddltask - AlreadyExistsException: Table ${place.table} already exists`,
    );
  }
  const { connection, catalog, nowMs } = context;
  const found = statement.query === null ? null : await queryColumns(connection, statement.query);
  const columns: readonly Column[] =
    found?.map(({ name, type }) => ({ name: name.toLowerCase(), type, comment: '', isNullable: true })) ??
    like?.columns ??
    statement.columns;
  const partitionColumns: readonly Column[] = like?.partitionColumns ?? statement.partitionColumns;
  checkColumns(statement.table.at, columns, partitionColumns);
  const id = await catalog.newId(connection);
  const definition: TableDefinition = {
    id,
    project: place.project,
    schema: place.schema,
    name: place.table,
    columns: columns.map(plain),
    partitionColumns: partitionColumns.map(plain),
    comment: statement.comment,
    lifecycleDays: statement.lifecycleDays ?? like?.lifecycleDays ?? null,
    createdMs: nowMs,
    ddlMs: nowMs,
  };
  const columnSql = [...partitionColumns, ...columns].map((column) => `${quoteName(column.name)} ${duckOf(column)}`);
  await transaction(connection, async () => {
    await connection.run(`CREATE TABLE ${rowsName(id)} (${columnSql.join(', ')})`);
    if (statement.query !== null && found !== null) {
      const slots = found.map((_, index) => `c${index}`);
      const values = found.map(({ duck }, index) => castForInsert(columns[index] as Column, duck, `c${index}`));
      await connection.run(
        `INSERT INTO ${rowsName(id)} SELECT ${values.join(', ')} FROM (${statement.query}) AS q(${slots.join(', ')})`,
      );
    }
    for (const sql of catalogSql.put(definition)) await connection.run(sql);
  });
  catalog.put(definition);
}

export async function dropTable({ connection, catalog }: DdlContext, table: Table): Promise<void> {
  await transaction(connection, async () => {
    for (const sql of catalogSql.remove(table)) await connection.run(sql);
  });
  catalog.remove(table);
}

export async function changeTable(
  { connection, catalog, nowMs }: DdlContext,
  table: Table,
  change: Partial<Pick<TableDefinition, 'name' | 'comment' | 'lifecycleDays' | 'columns'>>,
  alsoRun: readonly string[] = [],
): Promise<void> {
  const changed: TableDefinition = { ...table, ...change, ddlMs: nowMs };
  await transaction(connection, async () => {
    for (const sql of [...alsoRun, ...catalogSql.put(changed)]) await connection.run(sql);
  });
  catalog.put(changed);
}

export async function addColumns(context: DdlContext, statement: Of<'addColumns'>, table: Table): Promise<void> {
  const names = new Set([...table.columns, ...table.partitionColumns].map((column) => column.name));
  const added = statement.columns.filter((column) => !(statement.ifNotExists && names.has(column.name)));
  if (added.length === 0) return;
  if (added.some((column) => !column.isNullable))
    throw semanticError(statement.table.at, 'an added column cannot be NOT NULL');
  const columns = [...table.columns, ...added.map(plain)];
  checkColumns(statement.table.at, columns, table.partitionColumns);
  const alters = added.map(
    (column) => `ALTER TABLE ${rowsName(table.id)} ADD COLUMN ${quoteName(column.name)} ${duckOf(column)}`,
  );
  await changeTable(context, table, { columns }, alters);
}

export async function addPartitions(context: DdlContext, statement: Of<'addPartitions'>, table: Table): Promise<void> {
  const wanted = statement.partitions.map((clause) => fullValues(statement.table.at, table, clause));
  for (const values of wanted) {
    if (table.partitions.has(partitionKey(values)) && !statement.ifNotExists) {
      throw ddlFailed('AlreadyExistsException: a partition of this name already exists');
    }
  }
  await createPartitions(context, table, wanted);
}

/** Makes those that are not there yet. */
export async function createPartitions(
  { connection, nowMs }: DdlContext,
  table: Table,
  wanted: readonly (readonly string[])[],
): Promise<void> {
  const added = newPartitions(table, wanted, nowMs);
  if (added.length === 0) return;
  await transaction(connection, async () => {
    for (const partition of added) await connection.run(catalogSql.addPartition(table, partition));
  });
  for (const partition of added) table.partitions.set(partitionKey(partition.values), partition);
}

export function newPartitions(table: Table, wanted: readonly (readonly string[])[], createdMs: number): Partition[] {
  const added = new Map<string, Partition>();
  for (const values of wanted) {
    const fault = partitionFault(table, values);
    if (fault !== null) throw ddlFailed(fault);
    const key = partitionKey(values);
    if (!table.partitions.has(key)) added.set(key, { values, createdMs });
  }
  if (table.partitions.size + added.size > partitionsMax) throw ddlFailed(`more than ${partitionsMax} partitions`);
  return [...added.values()];
}

export function partitionFault(table: TableDefinition, values: readonly string[]): string | null {
  for (const [index, value] of values.entries()) {
    const column = table.partitionColumns[index] as Column;
    if (value === '' || Buffer.byteLength(value) > 128)
      return `the value of partition column ${column.name} must have 1 to 128 bytes`;
    const isWhole = /int$/.test(column.type);
    if (isWhole && !/^-?\d{1,18}$/.test(value))
      return `the value of partition column ${column.name} is no ${column.type}`;
  }
  return null;
}

export async function dropPartitions(
  context: DdlContext,
  statement: Of<'dropPartitions'>,
  table: Table,
): Promise<void> {
  const { connection } = context;
  const wanted = statement.partitions.map((clause) => fullValues(statement.table.at, table, clause));
  const missing = wanted.find((values) => !table.partitions.has(partitionKey(values)));
  if (missing && !statement.ifExists) throw ddlFailed('NoSuchObjectException: the partition does not exist');
  const present = wanted.filter((values) => table.partitions.has(partitionKey(values)));
  await transaction(connection, async () => {
    for (const values of present)
      for (const sql of catalogSql.removePartition(table, values)) await connection.run(sql);
  });
  for (const values of present) table.partitions.delete(partitionKey(values));
  rewritten(table, context.nowMs);
}

export async function truncate(context: DdlContext, statement: Of<'truncate'>, table: Table): Promise<void> {
  const { connection } = context;
  const conditions = statement.partitions.map((clause) => {
    const values = fullValues(statement.table.at, table, clause);
    return table.partitionColumns.map((column, index) => conditionOf(column, values[index] as string)).join(' AND ');
  });
  await transaction(connection, async () => {
    if (conditions.length === 0) await connection.run(`DELETE FROM ${rowsName(table.id)}`);
    for (const condition of conditions) await connection.run(`DELETE FROM ${rowsName(table.id)} WHERE ${condition}`);
  });
  rewritten(table, context.nowMs);
}

export function conditionOf(column: Column, value: string): string {
  return `CAST(${quoteName(column.name)} AS VARCHAR) = '${value.replaceAll("'", "''")}'`;
}

/** Rows went away, so that open downloads no longer find what they counted; new rows come behind the old ones. */
function rewritten(table: Table, nowMs: number): void {
  table.version += 1;
  table.modifiedMs = nowMs;
}

/** The values of a clause that names every partition column. */
export function fullValues(at: Place, table: Table, clause: PartitionClause): string[] {
  const unknown = [...clause.keys()].find((name) => !table.partitionColumns.some((column) => column.name === name));
  if (unknown !== undefined) throw semanticError(at, `partition column ${unknown} cannot be resolved`);
  return table.partitionColumns.map((column) => {
    const value = clause.get(column.name);
    if (value === undefined || value === null) throw semanticError(at, `partition column ${column.name} has no value`);
    return value;
  });
}

export function describeTable(table: Table): string {
  const line = (column: Column): string => `| ${column.name} | ${column.type} | ${column.comment} |\n`;
  const head = `| Table: ${table.name} | Project: ${table.project} | TableComment: ${table.comment} |\n`;
  const partitions =
    table.partitionColumns.length > 0 ? `| Partition Columns: |\n${table.partitionColumns.map(line).join('')}` : '';
  return `${head}| Native Columns: |\n${table.columns.map(line).join('')}${partitions}`;
}

export function showPartitions(table: Table): string {
  return [...table.partitions.values()]
    .map(
      ({ values }) => `${table.partitionColumns.map((column, index) => `${column.name}=${values[index]}`).join('/')}\n`,
    )
    .join('');
}

function checkColumns(at: Place, columns: readonly Column[], partitionColumns: readonly Column[]): void {
  if (columns.length + partitionColumns.length > columnsMax) throw semanticError(at, `more than ${columnsMax} columns`);
  if (partitionColumns.length > partitionLevelsMax)
    throw semanticError(at, `more than ${partitionLevelsMax} partition levels`);
  const seen = new Set<string>();
  for (const column of [...columns, ...partitionColumns]) {
    if (seen.has(column.name)) throw semanticError(at, `column ${column.name} stands twice`);
    seen.add(column.name);
  }
  const odd = partitionColumns.find(
    (column) => !/^(string|varchar\(.*\)|char\(.*\)|tinyint|smallint|int|bigint)$/.test(column.type),
  );
  if (odd) throw semanticError(at, `a partition column cannot be ${odd.type}`);
}

function duckOf(column: Column): string {
  const type = columnType(column.type);
  if (type === null) throw new Error(`the catalog holds no type ${column.type}`);
  return type.duck;
}

function plain({ name, type, comment, isNullable }: ColumnDefinition): Column {
  return { name, type, comment, isNullable };
}
