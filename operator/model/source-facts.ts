/** What the precheck knows of a source: read, not judged. The judging is done in `prepare`. */
import type { BinlogPosition } from './position.js';
import type { SourceTable, TableName } from './source-table.js';

/** What tells one server (or replica set, by GTID) from another. */
export interface SourceIdentity {
  readonly flavor: 'mysql' | 'mariadb';
  readonly version: string;
  /** `@@server_uuid`; null on MariaDB. */
  readonly serverUuid: string | null;
  readonly serverId: number;
  readonly gtidDomain: number | null;
}

/** What a task has read so far: a server that goes on with it has every transaction of these positions. */
export interface KnownSource {
  readonly identity: SourceIdentity;
  readonly positions: readonly BinlogPosition[];
}

export type SourceFacts =
  /** The server could not be asked: nothing else is known. The code and texts are those of a `SyncError`. */
  | {
      readonly reachable: false;
      readonly failure: { readonly code: string; readonly seen: string; readonly wanted: string; readonly fix: string };
    }
  | ReachableSourceFacts;

export interface ReachableSourceFacts {
  readonly reachable: true;
  readonly identity: SourceIdentity;
  /** `user`@`host` as the server knows us (`CURRENT_USER()`). */
  readonly account: string;
  /** Our address as the server sees it: the one a whitelist needs. Null where it does not tell. */
  readonly egressAddress: string | null;
  readonly tls: { readonly encrypted: boolean; readonly verified: boolean; readonly cipher: string | null };
  /** Server variables by lower-case name; null where this server has no such variable (error 1193). */
  readonly variables: Readonly<Record<string, string | null>>;
  readonly privileges: Privileges;
  /** Null where binary logging is off or the account may not ask. */
  readonly binlog: {
    readonly position: BinlogPosition;
    readonly doDb: readonly string[];
    readonly ignoreDb: readonly string[];
    readonly files: readonly { readonly name: string; readonly bytes: number }[];
  } | null;
  /** Tables the account can see, system schemas left out. */
  readonly tables: readonly SourceTable[];
  /** Tables left out of `tables`, since they cannot be carried over: a column type that is not known, system versioning. */
  readonly undescribed?: readonly (TableName & { readonly reason: string })[];
  /** Server ids of other replicas that are connected now, where the account may ask. */
  readonly replicaServerIds: readonly number[];
}

export interface Privileges {
  /** Upper-case, as SHOW GRANTS writes them: `REPLICATION SLAVE`, `SELECT`, `ALL PRIVILEGES`, ... */
  readonly global: readonly string[];
  /** By database name or pattern as granted (`shop`, `shop\_%`). */
  readonly databases: Readonly<Record<string, readonly string[]>>;
  /** By `database.table` (see `tableKey`). Column-level grants are left out. */
  readonly tables: Readonly<Record<string, readonly string[]>>;
}

/** Variables that the precheck asks for, one by one. */
export const wantedVariables = [
  'log_bin',
  'binlog_format',
  'binlog_row_image',
  'binlog_row_metadata',
  'binlog_row_value_options',
  'binlog_transaction_compression',
  'log_bin_compress',
  'binlog_checksum',
  'expire_logs_days',
  'binlog_expire_logs_seconds',
  'gtid_mode',
  'gtid_executed',
  'gtid_purged',
  'gtid_binlog_pos',
  'gtid_domain_id',
  'server_id',
  'server_uuid',
  'log_slave_updates',
  'log_replica_updates',
  'read_only',
  'innodb_native_foreign_keys',
  'mysql56_temporal_format',
  'lower_case_table_names',
  'time_zone',
  'system_time_zone',
  'max_allowed_packet',
  'net_write_timeout',
  'sql_mode',
  'character_set_server',
] as const;
