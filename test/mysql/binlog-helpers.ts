/** A stream of the binary log in a test: plans by hand or from the server, events collected until a mark comes by. */
import type { ChangeEvent, RowSink } from '../../operator/model/change.js';
import type { BinlogPosition } from '../../operator/model/position.js';
import { type SourceColumn, type TableName, tableKey } from '../../operator/model/source-table.js';
import type { TablePlan, TargetType } from '../../operator/model/table-plan.js';
import { type BinlogStreamOptions, streamBinlog } from '../../operator/mysql/binlog/stream.js';
import { parseColumnType } from '../../operator/mysql/column-type.js';
import type { TestServer } from '../parts/test-server.js';

/** Columns as information_schema describes them now. */
export async function describeColumns(server: TestServer, { database, table }: TableName): Promise<SourceColumn[]> {
  const rows = await server.query(
    `SELECT COLUMN_NAME name, COLUMN_TYPE type, CHARACTER_SET_NAME charset, COLLATION_NAME collation, IS_NULLABLE nullable,
      COLUMN_DEFAULT dflt, EXTRA extra FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = '${database}' AND TABLE_NAME = '${table}' ORDER BY ORDINAL_POSITION`,
  );
  return rows.map((row) => ({
    name: row.name as string,
    type: parseColumnType(row.type as string, row.charset as string | null, row.collation as string | null),
    typeText: row.type as string,
    nullable: row.nullable === 'YES',
    defaultText: row.dflt as string | null,
    generated: /VIRTUAL/.test(row.extra ?? '')
      ? 'virtual'
      : /STORED|PERSISTENT/.test(row.extra ?? '')
        ? 'stored'
        : null,
  }));
}

export function planFor(source: TableName, sourceColumns: readonly SourceColumn[], schemaVersion = 1): TablePlan {
  return {
    source,
    schemaVersion,
    sourceColumns,
    columns: sourceColumns.map((column, sourceIndex) => ({
      sourceIndex,
      targetName: column.name,
      targetType: targetTypeOf(column),
      onUnrepresentable: 'Null',
    })),
    key: null,
    baseTable: null,
    logTable: source.table,
    partitionKeys: ['year'],
    columnNaming: 'Legacy',
    lifecycleDays: null,
    where: null,
    timeZone: 'UTC',
    addedColumns: [],
  };
}

function targetTypeOf({ type }: SourceColumn): TargetType {
  switch (type.kind) {
    case 'int':
      return 'BIGINT';
    case 'float':
      return 'FLOAT';
    case 'double':
      return 'DOUBLE';
    case 'decimal':
      return type.precision <= 38 && type.scale <= 18 ? `DECIMAL(${type.precision},${type.scale})` : 'STRING';
    case 'date':
      return 'DATE';
    case 'timestamp':
      return 'TIMESTAMP';
    case 'datetime':
      return 'TIMESTAMP_NTZ';
    case 'bytes':
    case 'geometry':
      return 'BINARY';
    default:
      return 'STRING';
  }
}

export type Cell = string | number | bigint | boolean;
export interface Row {
  readonly kind: number;
  readonly cells: Readonly<Record<string, Cell>>;
}

/** Rows as plain values: bytes as UTF-8 text, instants as text. */
class RowCollector implements RowSink {
  readonly rows: Row[] = [];
  readonly #names: readonly string[];
  #kind = 0;
  #cells: Record<string, Cell> = {};
  constructor(plan: TablePlan) {
    this.#names = plan.columns.map((column) => column.targetName);
  }
  beginRow(kind: number): void {
    this.#kind = kind;
    this.#cells = {};
  }
  #set(column: number, value: Cell): void {
    const before = Object.keys(this.#cells).length;
    if (before > 0 && this.#names.indexOf(Object.keys(this.#cells)[before - 1] as string) >= column) {
      throw new Error('cells come in target order');
    }
    this.#cells[this.#names[column] as string] = value;
  }
  int32(column: number, value: number): void {
    this.#set(column, value);
  }
  int64(column: number, high: number, low: number): void {
    this.#set(column, (BigInt(high) << 32n) | BigInt(low >>> 0));
  }
  boolean(column: number, value: 0 | 1): void {
    this.#set(column, value === 1);
  }
  float32(column: number, value: number): void {
    this.#set(column, value);
  }
  float64(column: number, value: number): void {
    this.#set(column, value);
  }
  bytes(column: number, source: Uint8Array, from: number, to: number): void {
    this.#set(column, Buffer.from(source.subarray(from, to)).toString());
  }
  date(column: number, days: number): void {
    this.#set(column, new Date(days * 86_400_000).toISOString().slice(0, 10));
  }
  datetime(column: number, epochMs: number): void {
    this.#set(column, new Date(epochMs).toISOString());
  }
  timestamp(column: number, seconds: number, nanos: number): void {
    this.#set(column, `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(nanos).padStart(9, '0')}`);
  }
  endRow(): void {
    this.rows.push({ kind: this.#kind, cells: this.#cells });
  }
}

/** Events as a test compares them: rows are driven at once. */
export type SeenEvent =
  | { readonly kind: 'rows'; readonly table: string; readonly rows: readonly Row[]; readonly utcSeconds: number }
  | Exclude<ChangeEvent, { kind: 'rows' }>;

export async function positionOf(server: TestServer): Promise<BinlogPosition> {
  const [row] = await server.query('SHOW MASTER STATUS');
  return { file: row?.File as string, offset: Number(row?.Position), gtidSet: null };
}

export interface CollectOptions extends Partial<BinlogStreamOptions> {
  readonly planOf?: (name: TableName) => TablePlan | null;
  readonly plans?: Map<string, TablePlan>;
  /** Told each event as it comes, before the next one is read. */
  readonly onEvent?: (event: SeenEvent) => void;
}

/** Reads from `from` until a position at or past the server's end of now has been told. */
export async function collect(server: TestServer, from: BinlogPosition, options: CollectOptions): Promise<SeenEvent[]> {
  const end = await positionOf(server);
  const seen: SeenEvent[] = [];
  const stop = new AbortController();
  const plans = options.plans ?? new Map<string, TablePlan>();
  const arrivals = streamBinlog(
    server.connectionOptions(),
    from,
    options.planOf ?? ((name) => plans.get(tableKey(name)) ?? null),
    {
      flavor: server.flavor,
      serverId: nextServerId++,
      signal: stop.signal,
      rolledBack: new Set(),
      heartbeatMs: 200,
      ...options,
    },
  );
  for await (const arrival of arrivals) {
    for (const event of arrival) {
      const plain = toSeen(event);
      seen.push(plain);
      options.onEvent?.(plain);
      const at = plain.kind === 'rows' ? null : plain.position;
      if (at !== null && (at.file > end.file || (at.file === end.file && at.offset >= end.offset))) stop.abort();
    }
  }
  return seen;
}

let nextServerId = 70_000 + (process.pid % 10_000) * 10;

export function toSeen(event: ChangeEvent): SeenEvent {
  if (event.kind !== 'rows') return event;
  const collector = new RowCollector(event.batch.plan);
  event.batch.drive(collector);
  return {
    kind: 'rows',
    table: tableKey(event.batch.plan.source),
    rows: collector.rows,
    utcSeconds: event.batch.utcSeconds,
  };
}
