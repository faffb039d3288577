/**
 * What is done with one source table: decided once by `prepare`, stored, and from then on all that the data plane
 * knows of the task. Source and target meet here and nowhere else.
 */
import type { SourceColumn, TableName } from './source-table.js';

/** A MaxCompute type that mcsync writes, as in DDL. */
export type TargetType =
  | 'TINYINT'
  | 'SMALLINT'
  | 'INT'
  | 'BIGINT'
  | 'FLOAT'
  | 'DOUBLE'
  | 'BOOLEAN'
  | 'STRING'
  | 'BINARY'
  | 'DATE'
  | 'DATETIME'
  | 'TIMESTAMP'
  | 'TIMESTAMP_NTZ'
  | 'JSON'
  | `DECIMAL(${number},${number})`;

/** What happens to a value that the target type cannot hold. `String` is decided when planning: the column becomes STRING. */
export type UnrepresentablePolicy = 'Fail' | 'Null';

export interface ColumnPlan {
  /** Index into `TablePlan.sourceColumns`. */
  readonly sourceIndex: number;
  readonly targetName: string;
  readonly targetType: TargetType;
  readonly onUnrepresentable: UnrepresentablePolicy;
}

export interface TablePlan {
  readonly source: TableName;
  /** 1 for the schema at the start position; +1 with each schema change. Immutable once written. */
  readonly schemaVersion: number;
  /** All columns of the source at this version, in binary log order, excluded ones too: the decoder needs them. */
  readonly sourceColumns: readonly SourceColumn[];
  /** The columns carried over, in target order (source order; later additions at the end). */
  readonly columns: readonly ColumnPlan[];
  /** Names of the source key columns; null where rows have no identity. */
  readonly key: readonly string[] | null;
  /** Name of the index that the key is: without it, equal keys may come. */
  readonly keyName?: string;
  /** Target table names without project and schema; null where the mode makes none. */
  readonly baseTable: string | null;
  readonly logTable: string | null;
  readonly partitionKeys: readonly PartitionKey[];
  readonly columnNaming: ColumnNaming;
  readonly lifecycleDays: number | null;
  /** Row filter of the snapshot, in the source's SQL. */
  readonly where: string | null;
  /** Zone that reads DATETIME into instants where the target type is DATETIME (profile Dts). IANA name. */
  readonly timeZone: string;
  /** Columns added after the start: rows written before them carry this value in a merge. */
  readonly addedColumns: readonly AddedColumn[];
}

export interface AddedColumn {
  readonly targetName: string;
  /** Constant default as the server shows it; null for NULL. */
  readonly defaultText: string | null;
  /** Log rows with a record_id up to this one, and all base rows, were written without the column. */
  readonly afterRecordId: number;
}

export const partitionKeyNames = ['year', 'month', 'day', 'hour', 'minute'] as const;
export type PartitionKey = (typeof partitionKeyNames)[number];
export type ColumnNaming = 'Legacy' | 'Prefixed';

/** Names of the columns that mcsync adds to a change log, in table order: the five data columns, then the partition columns. */
export interface LogColumnNames {
  readonly recordId: string;
  readonly operationFlag: string;
  readonly utcTimestamp: string;
  readonly beforeFlag: string;
  readonly afterFlag: string;
  readonly partitions: readonly string[];
}

/** How many data columns stand before the source's columns in a change log. */
export const logMetadataColumnCount = 5;

export function logColumnNames(naming: ColumnNaming, partitionKeys: readonly PartitionKey[]): LogColumnNames {
  const prefix = naming === 'Prefixed' ? 'new_dts_sync_' : '';
  return {
    recordId: `${prefix}record_id`,
    operationFlag: `${prefix}operation_flag`,
    utcTimestamp: `${prefix}utc_timestamp`,
    beforeFlag: `${prefix}before_flag`,
    afterFlag: `${prefix}after_flag`,
    partitions: partitionKeys.map((key) => `${prefix}modifytime_${key}`),
  };
}

/**
 * The partition that a row event of this second (UTC) belongs to, as the tunnel wants it: `modifytime_year=2026,...`.
 * Values are zero-padded strings.
 */
export function partitionSpec(plan: Pick<TablePlan, 'columnNaming' | 'partitionKeys'>, utcSeconds: number): string {
  const iso = new Date(utcSeconds * 1000).toISOString();
  const values: Record<PartitionKey, string> = {
    year: iso.slice(0, 4),
    month: iso.slice(5, 7),
    day: iso.slice(8, 10),
    hour: iso.slice(11, 13),
    minute: iso.slice(14, 16),
  };
  const names = logColumnNames(plan.columnNaming, plan.partitionKeys).partitions;
  return plan.partitionKeys.map((key, index) => `${names[index]}=${values[key]}`).join(',');
}

export function sourceColumnNames(plan: TablePlan): string[] {
  return plan.columns.map((column) => (plan.sourceColumns[column.sourceIndex] as SourceColumn).name);
}
