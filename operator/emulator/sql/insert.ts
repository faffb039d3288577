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
  const clause = partitionClause(statement, table);
  const select = await selectForTable(context, statement, table, clause);

  await connection.run('DROP TABLE IF EXISTS mcsync_insert');
  const added = await transaction(connection, async () => {
    // By a table between, since the query may read what is overwritten.
    await connection.run(`CREATE TEMP TABLE mcsync_insert AS ${select}`);
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

/** Every partition column with its value, or null where the rows give it. */
function partitionClause({ partition, table: { at } }: Insert, table: Table): PartitionClause {
  if (partition === null) return new Map(table.partitionColumns.map((column) => [column.name, null] as const));
  for (const name of partition.keys()) {
    if (!table.partitionColumns.some((column) => column.name === name)) {
      throw semanticError(at, `partition column ${name} cannot be resolved`);
    }
  }
  for (const column of table.partitionColumns) {
    if (!partition.has(column.name)) throw semanticError(at, `partition column ${column.name} has no value`);
  }
  return partition;
}

/** The query's rows, with the table's columns by their names and types. */
async function selectForTable(
  { connection }: DdlContext,
  statement: Insert,
  table: Table,
  clause: PartitionClause,
): Promise<string> {
  const filled = filledColumns(statement, table, clause);
  const found = await queryColumns(connection, statement.query);
  if (found.length !== filled.length) {
    const why = `wrong columns count ${found.length} in data source, requires ${filled.length} columns`;
    throw semanticError(statement.table.at, why);
  }
  const valueFor = (column: Column): string => {
    const index = filled.indexOf(column);
    if (index >= 0) return castForInsert(column, (found[index] as { duck: string }).duck, `c${index}`);
    const fixed = clause.get(column.name) ?? null;
    return fixed === null ? 'NULL' : `CAST(${quoteString(fixed)} AS ${columnType(column.type)?.duck})`;
  };
  const values = [...table.partitionColumns, ...table.columns].map(
    (column) => `${notNull(column, valueFor(column))} AS ${quoteName(column.name)}`,
  );
  const slots = found.map((_, index) => `c${index}`);
  return `SELECT ${values.join(', ')} FROM (${statement.query}) AS q(${slots.join(', ')})`;
}

/** The columns that the query's columns go to, in its order; partition columns that are not listed come last. */
function filledColumns({ columns, table: { at } }: Insert, table: Table, clause: PartitionClause): Column[] {
  const fromRows = table.partitionColumns.filter((column) => clause.get(column.name) === null);
  if (columns === null) return [...table.columns, ...fromRows];
  const listed = columns.map((name) => {
    const column = [...table.columns, ...fromRows].find((candidate) => candidate.name === name);
    if (column === undefined) throw semanticError(at, `column ${name} cannot be resolved`);
    return column;
  });
  if (new Set(listed).size < listed.length) throw semanticError(at, 'a column is listed twice');
  return [...listed, ...fromRows.filter((column) => !listed.includes(column))];
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
