/**
 * The seam of the hot path. A batch knows where the bytes of its rows are; a sink knows what the bytes must become;
 * neither knows the other. No object is made per row or per cell.
 */
import type { BinlogPosition } from './position.js';
import type { SourceColumn, TableName } from './source-table.js';
import type { TablePlan } from './table-plan.js';

/** What a row that a sink is about to receive stands for. An update drives a `Before` row, then an `After` row. */
export const rowKind = { base: 0, insert: 1, before: 2, after: 3, delete: 4 } as const;
export type RowKind = (typeof rowKind)[keyof typeof rowKind];

/**
 * Receives the cells of one row after the other, in target column order. A NULL is a cell that is not sent.
 * `column` is the index into `TablePlan.columns`. The method fits the column's `targetType`:
 * int32/int64 for TINYINT..BIGINT, and so on; the sink does not check.
 */
export interface RowSink {
  beginRow(kind: RowKind): void;
  /** TINYINT, SMALLINT, INT, BIGINT whose value fits 32 bits, signed. */
  int32(column: number, value: number): void;
  /** BIGINT as two's complement halves; both are read as 32-bit integers, `high` signed. Never -2^63. */
  int64(column: number, high: number, low: number): void;
  boolean(column: number, value: 0 | 1): void;
  float32(column: number, value: number): void;
  float64(column: number, value: number): void;
  /** STRING, JSON (UTF-8), BINARY, and DECIMAL (plain ASCII text without exponent): `source[from..to)`, copied. */
  bytes(column: number, source: Uint8Array, from: number, to: number): void;
  /** DATE: days since 1970-01-01, proleptic Gregorian. */
  date(column: number, days: number): void;
  /** DATETIME: milliseconds since the epoch, an integer. */
  datetime(column: number, epochMs: number): void;
  /** TIMESTAMP, TIMESTAMP_NTZ (wall clock taken as UTC): floor seconds since the epoch, and 0..999,999,999. */
  timestamp(column: number, seconds: number, nanos: number): void;
  endRow(): void;
}

/** Rows of one table that came together: one rows event of the binary log, or one packet run of a snapshot. */
export interface RowBatch {
  readonly plan: TablePlan;
  /** Seconds since the epoch, of the rows' own event; 0 for a snapshot. */
  readonly utcSeconds: number;
  readonly kind: 'base' | 'insert' | 'update' | 'delete';
  /** Walks the bytes once, driving each row into the sink. Returns the number of row changes (an update counts once). */
  drive(sink: RowSink): number;
}

/** What happened in the source, in order. */
export type ChangeEvent =
  | { readonly kind: 'rows'; readonly batch: RowBatch }
  /** End of a transaction, or of a group that changes nothing selected; a place where a checkpoint may stand. */
  | { readonly kind: 'commit'; readonly position: BinlogPosition; readonly utcSeconds: number }
  /** A transaction whose rows were already handed out is undone: they never happened. `begin` is its first event's position. */
  | { readonly kind: 'rollback'; readonly begin: BinlogPosition; readonly position: BinlogPosition }
  /** A schema statement that may concern a selected table. Its position is a place where a checkpoint may stand. */
  | {
      readonly kind: 'schema';
      readonly changes: readonly SchemaChange[];
      readonly statement: string;
      readonly position: BinlogPosition;
      readonly utcSeconds: number;
    }
  /** Nothing to apply; the source is alive, and a checkpoint may stand at `position`. */
  | { readonly kind: 'alive'; readonly position: BinlogPosition };

/** What a schema statement does to one table. Names are resolved (a missing database is the session's). */
export type SchemaChange =
  /** Columns only added; `after` is a column name, '' for FIRST, null for the end. `column.type` is fully resolved. */
  | {
      readonly kind: 'addColumns';
      readonly table: TableName;
      readonly columns: readonly { readonly column: SourceColumn; readonly after: string | null }[];
    }
  /** An index is dropped, or gets another name: it matters where it is what tells the rows of the table apart. */
  | { readonly kind: 'losesIndex'; readonly table: TableName; readonly index: string }
  /** Any other change that touches rows, columns or the table's name; `what` names it for a person. */
  | { readonly kind: 'incompatible'; readonly table: TableName; readonly what: string }
  /** May concern a selected table, and cannot be read. */
  | { readonly kind: 'unreadable'; readonly table: TableName | null; readonly what: string };
