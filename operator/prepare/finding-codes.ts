/**
 * Every code that a finding of the precheck can carry, with its meaning. `isIgnorable` says whether an error of this code
 * can be accepted by `precheck.ignoreCodes` or a policy other than Enforce: where going on would be impossible, or would
 * destroy or mix data, it cannot. Failures to reach or enter a server carry the codes of base/error-codes.ts instead.
 */
interface FindingEntry {
  readonly meaning: string;
  readonly isIgnorable: boolean;
}

const ignorable = (meaning: string): FindingEntry => ({ meaning, isIgnorable: true });
const final = (meaning: string): FindingEntry => ({ meaning, isIgnorable: false });

export const findingCatalog = {
  // the source server
  SERVER_TOO_OLD: ignorable('The server is older than MySQL 5.6 or MariaDB 10.2.'),
  TLS_OFF: ignorable('The connection to MySQL is not encrypted.'),
  TLS_NOT_VERIFIED: ignorable('The connection is encrypted, but nobody checked who answers.'),
  PRIVILEGE_MISSING: final('The MySQL account lacks a privilege that the task needs.'),
  LOG_BIN_OFF: final('The server writes no binary log.'),
  BINLOG_FORMAT: final('The binary log holds statements, not rows.'),
  BINLOG_ROW_IMAGE: final('Row events leave columns out.'),
  BINLOG_ROW_VALUE_OPTIONS: ignorable('Updates of JSON columns are logged as differences, which cannot be applied.'),
  BINLOG_COMPRESSED: ignorable('Transactions or events of the binary log are compressed; they are read all the same.'),
  BINLOG_ROW_METADATA: ignorable('Row events carry no column names; the schema is followed through the DDL instead.'),
  BINLOG_RETENTION: ignorable('The server keeps its binary log for a short time.'),
  BINLOG_DATABASE_FILTERED: final('A filter of the server keeps changes of a selected database out of the binary log.'),
  START_POSITION_MISSING: final(
    'The position that the task starts at is not in the binary logs that the server keeps.',
  ),
  GTID_OFF: ignorable('The server keeps no GTIDs, so the stream cannot follow a failover to another server.'),
  SERVER_ID_ZERO: final('The server has server_id 0 and serves no replicas.'),
  SERVER_ID_CLASH: ignorable('The server id of the task is taken by the server or another replica.'),
  REPLICA_LOG_OFF: ignorable('The server is a replica that does not log what it replicates.'),
  TEMPORAL_FORMAT_OLD: ignorable(
    'New tables of the server get the temporal layouts from before MySQL 5.6; they are read all the same.',
  ),

  // the selected tables
  DATABASE_NOT_FOUND: final('A database that the task names is not there, or the account may not see it.'),
  TABLE_NOT_FOUND: final('A table that the task names is not there, or the account may not see it.'),
  TABLE_UNSUPPORTED: final(
    'A selected table cannot be copied as it is: a column of unknown type, or system versioning.',
  ),
  PATTERN_MATCHES_NOTHING: ignorable('A pattern of the task matches no table now.'),
  NOTHING_SELECTED: final('The rules select no table.'),
  COLUMN_NOT_FOUND: final('A column that a rule names is in none of the tables that the rule selects.'),
  NO_PRIMARY_KEY: ignorable('A table has neither a primary key nor a unique key without NULLs.'),
  NO_KEY_NEEDS_LOCK: final('A table without a key needs a read lock for an instant, and the account may not take one.'),
  NO_KEY_NO_VIEW: final('A table has no key, and its engine offers no consistent view.'),
  KEY_COLUMN_EXCLUDED: final('A column of the key is not carried over; rows could not be told apart.'),
  KEY_CASE_INSENSITIVE: ignorable('A text column of the key ignores case; MaxCompute does not.'),
  FK_CASCADE: ignorable('A foreign key changes rows of the child table, and the server does not log these changes.'),
  ENGINE_NOT_TRANSACTIONAL: ignorable('The storage engine of a table is not transactional.'),
  WHERE_INVALID: final('The server does not take the row filter of a table.'),
  WHERE_SNAPSHOT_ONLY: ignorable('The row filter holds for the snapshot only.'),
  GENERATED_COLUMNS: ignorable('Generated columns are carried over as plain values.'),
  TOO_MANY_COLUMNS: final('A target table would have more columns than MaxCompute allows.'),
  NO_COLUMNS: final('All columns of a table are excluded.'),

  // names in the target
  NAME_CHANGED: ignorable('A name had to be changed for MaxCompute.'),
  TABLE_NAME_TOO_LONG: final('The name of a target table has more than 128 bytes.'),
  TABLE_NAME_CLASH: final('Two source tables get the same target name.'),
  COLUMN_NAME_CLASH: final('Two columns of a table get the same target name.'),
  METADATA_COLUMN_CLASH: final('A column has the name of a column that mcsync adds to the change log.'),

  // types
  COLUMN_TYPE_UNSUITABLE: final('columnTypes names a type that the column cannot become.'),
  COLUMN_TYPE_NARROW: ignorable('columnTypes names a type that holds less than the column may hold.'),
  LOSSY_TYPE: ignorable('The target type keeps less of the value than the source has.'),
  STORED_AS_TEXT: ignorable('Columns that are no text in MySQL become STRING, in the form that the server shows.'),
  STORED_AS_BINARY: ignorable('Spatial and vector columns become BINARY, in the form that the server stores.'),
  VALUE_MAY_EXCEED_8_MIB: ignorable('A column may hold values of more than 8 MiB, which MaxCompute refuses.'),
  UNREPRESENTABLE_STOPS: ignorable('A value that the target cannot hold stops the task.'),
  DATETIME_ZONE: ignorable('DATETIME values are read as instants in a time zone.'),
  DATETIME_ZONE_UNKNOWN: ignorable('DATETIME values become instants, and no time zone is known to read them in.'),

  // the change log
  PARTITION_LIMIT: ignorable('The change log reaches the limit of 60,000 partitions.'),
  PARTITION_KEY_GAP: ignorable('A partition key between the coarsest and the finest is left out.'),
  LIFECYCLE_TOO_SHORT: final('The lifecycle of the change log is shorter than 3 days.'),
  LIFECYCLE_CUTS_HISTORY: ignorable('MaxCompute drops partitions of the change log that a merge may still need.'),

  // the target project
  TARGET_PRIVILEGE_MISSING: final('The MaxCompute account lacks a right that the task needs.'),
  TARGET_GRANTS: ignorable('The statements that give an account just the rights that the task needs.'),
  TARGET_SCHEMA_UNSUPPORTED: final('The task names a schema, and the project has no schemas.'),
  EGRESS_ADDRESS: ignorable('The address that a whitelist needs.'),
  TARGET_TABLE_EXISTS: final('A target table exists and is not ours.'),
  TARGET_TABLE_APPENDED: ignorable('Rows are added to a table that exists.'),
  TARGET_SCHEMA_MISMATCH: final('A target table that exists has other columns than the task needs.'),
  TARGET_TABLE_OF_ANOTHER_TASK: final('A target table was made by another task.'),
  TARGET_IS_VIEW: final('A view has the name of a target table.'),
  MARKED_WITHOUT_CHECKPOINT: final('A target table carries the mark of this task, and the task has no checkpoint.'),

  // the precheck itself
  IGNORE_CODE_UNKNOWN: ignorable('precheck.ignoreCodes names a code that does not exist.'),
  IGNORE_CODE_REFUSED: ignorable('precheck.ignoreCodes names a code that cannot be ignored.'),
} as const satisfies Record<string, FindingEntry>;

export type FindingCode = keyof typeof findingCatalog;

export function isFindingCode(code: string): code is FindingCode {
  return Object.hasOwn(findingCatalog, code);
}
