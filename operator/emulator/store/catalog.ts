/**
 * What tables there are. In memory for reading; each change is written to DuckDB in the transaction that makes it true, and
 * taken into memory after the commit. Rows of table number n stand in DuckDB's table `t<n>`: partition columns first, so
 * that added columns come at the end.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteName, quoteString } from '../sql/quote.js';

export interface Column {
  readonly name: string;
  /** As `columnType` spells it. */
  readonly type: string;
  readonly comment: string;
  readonly isNullable: boolean;
}

export interface TableDefinition {
  readonly id: number;
  readonly project: string;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly Column[];
  readonly partitionColumns: readonly Column[];
  readonly comment: string;
  readonly lifecycleDays: number | null;
  readonly createdMs: number;
  readonly ddlMs: number;
}

export interface Partition {
  readonly values: readonly string[];
  readonly createdMs: number;
}

export interface Table extends TableDefinition {
  /** By `partitionKey` of the values. */
  readonly partitions: Map<string, Partition>;
  /** Grows when rows go away or columns change: an open download of another version is out of date. */
  version: number;
  modifiedMs: number;
}

export function partitionKey(values: readonly string[]): string {
  return JSON.stringify(values);
}

/** `pt=20240102,region=cn`, as the tunnel has it. */
export function partitionText(table: TableDefinition, values: readonly string[]): string {
  return table.partitionColumns.map((column, index) => `${column.name}=${values[index]}`).join(',');
}

/** The DuckDB condition that selects one partition. */
export function partitionCondition(table: TableDefinition, values: readonly string[]): string {
  return table.partitionColumns
    .map((column, index) => `CAST(${quoteName(column.name)} AS VARCHAR) = ${quoteString(values[index] as string)}`)
    .join(' AND ');
}

export function rowsName(id: number): string {
  return `t${id}`;
}

export class Catalog {
  private readonly tables = new Map<string, Table>();
  private readonly byId = new Map<number, Table>();

  static async open(connection: DuckDBConnection): Promise<Catalog> {
    await connection.run('CREATE TABLE IF NOT EXISTS mcsync_tables (id BIGINT, body VARCHAR)');
    await connection.run(
      'CREATE TABLE IF NOT EXISTS mcsync_partitions (table_id BIGINT, partition_values VARCHAR, created_ms BIGINT)',
    );
    await connection.run('CREATE SEQUENCE IF NOT EXISTS mcsync_table_ids');
    const catalog = new Catalog();
    const tables = await connection.runAndReadAll('SELECT body FROM mcsync_tables ORDER BY id');
    for (const [body] of tables.getRows()) {
      catalog.put(JSON.parse(body as string) as TableDefinition);
    }
    const partitions = await connection.runAndReadAll(
      'SELECT * FROM mcsync_partitions ORDER BY created_ms, partition_values',
    );
    for (const [id, values, createdMs] of partitions.getRows()) {
      const parsed = JSON.parse(values as string) as string[];
      catalog.byId
        .get(Number(id))
        ?.partitions.set(partitionKey(parsed), { values: parsed, createdMs: Number(createdMs) });
    }
    return catalog;
  }

  find(project: string, schema: string, name: string): Table | null {
    return this.tables.get(fullName(project, schema, name)) ?? null;
  }

  get(id: number): Table | null {
    return this.byId.get(id) ?? null;
  }

  list(project: string, schema: string): Table[] {
    return [...this.tables.values()]
      .filter((table) => table.project === project && table.schema === schema)
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  schemas(project: string): string[] {
    const used = [...this.tables.values()].filter((table) => table.project === project).map((table) => table.schema);
    return [...new Set(['default', ...used])].sort();
  }

  /** A number that no table ever had. */
  async newId(connection: DuckDBConnection): Promise<number> {
    const answer = await connection.runAndReadAll("SELECT nextval('mcsync_table_ids')");
    return Number(answer.getRows()[0]?.[0]);
  }

  put(definition: TableDefinition): Table {
    const before = this.byId.get(definition.id);
    if (before) this.tables.delete(fullName(before.project, before.schema, before.name));
    const table: Table = {
      ...definition,
      partitions: before?.partitions ?? new Map(),
      version: (before?.version ?? 0) + 1,
      modifiedMs: before?.modifiedMs ?? definition.createdMs,
    };
    this.byId.set(table.id, table);
    this.tables.set(fullName(table.project, table.schema, table.name), table);
    return table;
  }

  remove(table: Table): void {
    this.byId.delete(table.id);
    this.tables.delete(fullName(table.project, table.schema, table.name));
  }
}

/** Statements that make the catalog's change durable; run inside the change's transaction. */
export const catalogSql = {
  put: (definition: TableDefinition): string[] => [
    `DELETE FROM mcsync_tables WHERE id = ${definition.id}`,
    `INSERT INTO mcsync_tables VALUES (${definition.id}, ${quoteString(JSON.stringify(bare(definition)))})`,
  ],
  remove: (table: Table): string[] => [
    `DELETE FROM mcsync_tables WHERE id = ${table.id}`,
    `DELETE FROM mcsync_partitions WHERE table_id = ${table.id}`,
    `DROP TABLE ${rowsName(table.id)}`,
  ],
  addPartition: (table: Table, partition: Partition): string =>
    `INSERT INTO mcsync_partitions VALUES (${table.id}, ${quoteString(partitionKey(partition.values))}, ${partition.createdMs})`,
  removePartition: (table: Table, values: readonly string[]): string[] => [
    `DELETE FROM mcsync_partitions WHERE table_id = ${table.id} AND partition_values = ${quoteString(partitionKey(values))}`,
    `DELETE FROM ${rowsName(table.id)} WHERE ${partitionCondition(table, values)}`,
  ],
};

function bare(table: TableDefinition): TableDefinition {
  const { id, project, schema, name, columns, partitionColumns, comment, lifecycleDays, createdMs, ddlMs } = table;
  return { id, project, schema, name, columns, partitionColumns, comment, lifecycleDays, createdMs, ddlMs };
}

function fullName(project: string, schema: string, name: string): string {
  return `${project}.${schema}.${name}`;
}
