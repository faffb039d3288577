/** Schema statements of the binary log to `SchemaChange`s. */
import type { SchemaChange } from '../../model/change.js';
import type { TableName } from '../../model/source-table.js';

export interface StatementContext {
  /** Default database of the session. */
  readonly database: string;
  readonly ansiQuotes: boolean;
  readonly backslashEscapes: boolean;
  readonly flavor: 'mysql' | 'mariadb';
  /** Charset and collation that new columns of the table get; null where they are not known. */
  readonly tableDefaults: (table: TableName) => { readonly charset: string; readonly collation: string } | null;
}

export type Statement =
  /** What it does to each table it names; empty when it touches neither rows, columns nor names. */
  | { readonly kind: 'schema'; readonly changes: readonly SchemaChange[] }
  /** Changes rows, of these tables; null where they cannot be told. */
  | { readonly kind: 'rows'; readonly tables: readonly TableName[] | null };

export function readStatement(_statement: string, _context: StatementContext): Statement {
  return { kind: 'schema', changes: [] };
}
