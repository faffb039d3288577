import type { RowBatch, RowSink } from '../../operator/model/change.js';
import type { SourceColumn, SourceTable } from '../../operator/model/source-table.js';
import type { TablePlan, TargetType } from '../../operator/model/table-plan.js';

/** Rows as texts, one per cell in plan order; null for a cell that was not sent. */
export class RecordingSink implements RowSink {
  readonly rows: (string | null)[][] = [];
  readonly #columns: number;
  #row: (string | null)[] = [];

  constructor(columns: number) {
    this.#columns = columns;
  }

  beginRow(): void {
    this.#row = Array.from({ length: this.#columns }, () => null);
  }
  int32(column: number, value: number): void {
    this.#row[column] = String(value);
  }
  int64(column: number, high: number, low: number): void {
    this.#row[column] = String((BigInt(high) << 32n) | BigInt(low >>> 0));
  }
  boolean(column: number, value: 0 | 1): void {
    this.#row[column] = String(value);
  }
  float32(column: number, value: number): void {
    this.#row[column] = String(value);
  }
  float64(column: number, value: number): void {
    this.#row[column] = String(value);
  }
  bytes(column: number, source: Uint8Array, from: number, to: number): void {
    this.#row[column] = Buffer.from(source.subarray(from, to)).toString('utf8');
  }
  date(column: number, days: number): void {
    this.#row[column] = String(days);
  }
  datetime(column: number, epochMs: number): void {
    this.#row[column] = String(epochMs);
  }
  timestamp(column: number, seconds: number, nanos: number): void {
    this.#row[column] = `${seconds}.${nanos}`;
  }
  endRow(): void {
    this.rows.push(this.#row);
  }
}

export async function recordRows(plan: TablePlan, batches: AsyncIterable<RowBatch>): Promise<(string | null)[][]> {
  const sink = new RecordingSink(plan.columns.length);
  for await (const batch of batches) batch.drive(sink);
  return sink.rows;
}

/** A plan that carries every column of the table over: signed integers as BIGINT, bytes as BINARY, all else as STRING. */
export function planFor(table: SourceTable, changes: Partial<TablePlan> = {}): TablePlan {
  const targetType = ({ type }: SourceColumn): TargetType => {
    if (type.kind === 'int') return type.unsigned ? 'STRING' : 'BIGINT';
    return type.kind === 'bytes' ? 'BINARY' : 'STRING';
  };
  return {
    source: { database: table.database, table: table.table },
    schemaVersion: 1,
    sourceColumns: table.columns,
    columns: table.columns.map((column, sourceIndex) => ({
      sourceIndex,
      targetName: column.name,
      targetType: targetType(column),
      onUnrepresentable: 'Fail',
    })),
    key: table.key?.columns ?? null,
    baseTable: `${table.table}_base`,
    logTable: `${table.table}_log`,
    partitionKeys: ['year'],
    columnNaming: 'Legacy',
    lifecycleDays: null,
    where: null,
    timeZone: 'UTC',
    addedColumns: [],
    ...changes,
  };
}
