/** What decides how a statement of the binary log reads, and what reading it gives. */
import type { SchemaChange } from '../../model/change.js';
import type { TableName } from '../../model/source-table.js';
import type { Charset } from './column-type.js';
import type { LexerOptions } from './lexer.js';

export interface StatementContext extends LexerOptions {
  /** Default database of the session. */
  readonly database: string;
  /** SQL mode REAL_AS_FLOAT. */
  readonly realIsFloat: boolean;
  /** When it ran; 0 where that is not known. `CURRENT_TIMESTAMP` is this moment. */
  readonly utcSeconds: number;
  /** Charset and collation of new columns of the table; null where they are not known. */
  readonly tableDefaults: (table: TableName) => Charset | null;
}

export type Statement =
  /** What it does to each table it names; empty when it touches neither rows, columns nor names. */
  | { readonly kind: 'schema'; readonly changes: readonly SchemaChange[] }
  /** Changes rows, of these tables; null where they cannot be told. */
  | { readonly kind: 'rows'; readonly tables: readonly TableName[] | null };
