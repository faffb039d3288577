/** INSERT INTO and INSERT OVERWRITE, with partitions that are named or come from the rows. */
import { type Column, catalogSql, partitionKey, rowsName, type Table } from '../store/catalog.js';
import { transaction } from '../store/database.js';
import { castForInsert } from './casts.js';
import { columnType } from './column-types.js';
import { conditionOf, type DdlContext, newPartitions } from './ddl.js';
import { queryColumns } from './query-columns.js';
import { quoteName, quoteString } from './quote.js';
import { executionError, semanticError } from './sql-error.js';
import type { PartitionClause, Statement } from './statements.js';

type Insert = Extract<Statement, { kind: 'insert' }>;

export async function insertRows(context: DdlContext, statement: Insert, table: Table): Promise<void> {
  const { connection } = context;
  const { at } = statement.table;
  const clause: PartitionClause =
    statement.partition ?? new Map(table.partitionColumns.map((column) => [column.name, null] as const));
  for (const name of clause.keys()) {
    if (!table.partitionColumns.some((column) => column.name === name)) {
      throw semanticError(at, `partition column ${name} cannot be resolved`);
    }
  }
  for (const column of table.partitionColumns) {
    if (!clause.has(column.name)) throw semanticError(at, `partition column ${column.name} has no value`);
  }
  // Where rows give the partition, its columns are the last of the query, in the table's order.
  const fromRows = table.partitionColumns.filter((column) => clause.get(column.name) === null);
  const named = statement.columns?.filter((name) => !fromRows.some((column) => column.name === name));
  const data = named?.map((name) => {
    const column = table.columns.find((candidate) => candidate.name === name);
    if (column === undefined) throw semanticError(at, `column ${name} cannot be resolved`);
    return column;
  });
  const filled = [...(data ?? table.columns), ...fromRows];
  const found = await queryColumns(connection, statement.query);
  if (found.length !== filled.length) {
    throw semanticError(at, `wrong columns count ${found.length} in data source, requires ${filled.length} columns`);
  }

  const valueFor = (column: Column): string => {
    const index = filled.indexOf(column);
    if (index >= 0) return castForInsert(column, (found[index] as { duck: string }).duck, `c${index}`);
    const fixed = clause.get(column.name);
    return fixed === undefined || fixed === null
      ? 'NULL'
      : `CAST(${quoteString(fixed)} AS ${columnType(column.type)?.duck})`;
  };
  const all = [...table.partitionColumns, ...table.columns];
  const select = all.map((column) => `${notNull(column, valueFor(column))} AS ${quoteName(column.name)}`);
  const slots = found.map((_, index) => `c${index}`);

  await connection.run('DROP TABLE IF EXISTS mcsync_insert');
  const added = await transaction(connection, async () => {
    // By a table between, since the query may read what is overwritten.
    await connection.run(
      `CREATE TEMP TABLE mcsync_insert AS SELECT ${select.join(', ')} FROM (${statement.query}) AS q(${slots.join(', ')})`,
    );
    const partitions = await partitionsOf(context, table, clause);
    if (statement.overwrite && table.partitionColumns.length === 0)
      await connection.run(`DELETE FROM ${rowsName(table.id)}`);
    if (statement.overwrite) {
      for (const values of partitions) {
        const condition = table.partitionColumns.map((column, index) => conditionOf(column, values[index] as string));
        if (condition.length > 0)
          await connection.run(`DELETE FROM ${rowsName(table.id)} WHERE ${condition.join(' AND ')}`);
      }
    }
    const fresh = newPartitions(table, partitions, context.nowMs);
    for (const partition of fresh) await connection.run(catalogSql.addPartition(table, partition));
    await connection.run(`INSERT INTO ${rowsName(table.id)} BY NAME SELECT * FROM mcsync_insert`);
    await connection.run('DROP TABLE mcsync_insert');
    return fresh;
  });
  for (const partition of added) table.partitions.set(partitionKey(partition.values), partition);
  if (statement.overwrite) table.version += 1;
  table.modifiedMs = context.nowMs;
}

/** The partitions that the rows at hand fall into; a fully named one also when there are no rows. */
async function partitionsOf({ connection }: DdlContext, table: Table, clause: PartitionClause): Promise<string[][]> {
  if (table.partitionColumns.length === 0) return [];
  const fixed = table.partitionColumns.map((column) => clause.get(column.name) ?? null);
  if (fixed.every((value) => value !== null)) return [fixed as string[]];
  const texts = table.partitionColumns.map((column) => `CAST(${quoteName(column.name)} AS VARCHAR)`);
  const answer = await connection.runAndReadAll(`SELECT DISTINCT ${texts.join(', ')} FROM mcsync_insert ORDER BY ALL`);
  return answer.getRows().map((row) =>
    row.map((value) => {
      if (value === null) throw executionError('a partition column of a row is NULL');
      return value as string;
    }),
  );
}

function notNull(column: Column, value: string): string {
  if (column.isNullable) return value;
  return `CASE WHEN ${value} IS NULL THEN error('column ${column.name} is NOT NULL') ELSE ${value} END`;
}
