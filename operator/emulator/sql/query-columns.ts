import type { DuckDBConnection } from '@duckdb/node-api';
import { resultType } from './column-types.js';
import { executionError } from './sql-error.js';

/** Names and types of a query's columns, without running it. */
export async function queryColumns(
  connection: DuckDBConnection,
  sql: string,
): Promise<{ name: string; type: string; duck: string }[]> {
  const prepared = await connection.prepare(sql);
  try {
    return Array.from({ length: prepared.columnCount }, (_, index) => {
      const duckType = prepared.columnType(index);
      const duck = duckType.alias ?? String(duckType);
      const type = resultType(duck);
      if (type === null)
        throw executionError(`the result has a column of type ${duck}, which this emulator cannot give`);
      return { name: prepared.columnName(index), type, duck };
    });
  } finally {
    prepared.destroySync();
  }
}
