/**
 * Every code a `SyncError` can carry: whether trying again may help, how the process ends, and what it means.
 * `docs/errors.md` is generated from this table.
 */
import { type ExitCode, exitCodes } from './exit-codes.js';

interface ErrorEntry {
  readonly kind: 'retryable' | 'terminal';
  readonly exitCode: ExitCode;
  readonly meaning: string;
}

const retryable = (meaning: string): ErrorEntry => ({ kind: 'retryable', exitCode: exitCodes.tryAgainLater, meaning });
const terminal = (exitCode: ExitCode, meaning: string): ErrorEntry => ({ kind: 'terminal', exitCode, meaning });

export const errorCatalog = {
  // the task and the machine
  TASK_INVALID: terminal(
    exitCodes.badInput,
    'The task file breaks the schema; every fault is listed with its path and line.',
  ),
  SECRET_MISSING: terminal(exitCodes.badInput, 'A Secret, or a key of one, that the task names is not there.'),
  TASK_NOT_STARTED: terminal(exitCodes.badInput, 'There are no documents of the task where it was looked for.'),
  WORKER_ENDED: retryable('A worker process ended without saying why; it is started again.'),
  USAGE: terminal(exitCodes.badInput, 'The command line is not one that mcsync knows.'),
  PORT_IN_USE: terminal(exitCodes.badInput, 'The address to listen on is taken by another process.'),
  PLATFORM_UNSUPPORTED: terminal(exitCodes.badInput, 'This part of mcsync does not run on this platform.'),
  PRECHECK_FAILED: terminal(
    exitCodes.precheckFailed,
    'At least one finding of the precheck is an error; the task was not started.',
  ),

  // the state folder, or the ConfigMaps of a cluster
  STORE_UNAVAILABLE: retryable('The checkpoint store cannot be read or written just now (full disk, lost connection).'),
  STORE_READ_ONLY: terminal(exitCodes.badInput, 'The state folder does not let us write.'),
  STORE_CORRUPT: terminal(exitCodes.badInput, 'A stored document cannot be read, or is gone. Nothing is overwritten.'),
  STORE_FORMAT_NEWER: terminal(
    exitCodes.badInput,
    'A stored document was written by a newer version. Nothing is overwritten.',
  ),
  CHECKPOINT_OF_ANOTHER_TASK: terminal(
    exitCodes.badInput,
    'The stored documents belong to a task with another source, target or mapping.',
  ),
  CHECKPOINT_BEHIND_LOG: terminal(
    exitCodes.incompatibleChange,
    'The change log holds record ids beyond the checkpoint: an old checkpoint was restored.',
  ),
  ANOTHER_WRITER: terminal(
    exitCodes.anotherWriter,
    'Another process has taken this task over; this one stops and writes no more.',
  ),

  // the source
  SOURCE_UNREACHABLE: retryable('The MySQL server cannot be reached, or the connection was lost.'),
  SOURCE_CREDENTIALS_REJECTED: terminal(
    exitCodes.credentialsRejected,
    'The MySQL server refuses the user name or password.',
  ),
  SOURCE_PRIVILEGE_MISSING: terminal(exitCodes.credentialsRejected, 'The MySQL account lacks a privilege.'),
  SOURCE_TLS_FAILED: terminal(
    exitCodes.credentialsRejected,
    'The TLS connection to the MySQL server cannot be made as the task demands it.',
  ),
  SOURCE_IDENTITY_CHANGED: terminal(
    exitCodes.sourceIdentityChanged,
    'Another server answers at this address, and it lacks transactions that were read, or has no GTIDs to tell.',
  ),
  SOURCE_SERVER_ID_CLASH: retryable('Another replica uses our server id, and one of the two is cut off.'),
  SOURCE_QUERY_FAILED: terminal(
    exitCodes.incompatibleChange,
    'The MySQL server refuses a statement for a reason that will not pass by itself.',
  ),
  POSITION_LOST: terminal(
    exitCodes.positionLost,
    'The binary log that the checkpoint needs is gone from the server, or its history is another one now.',
  ),
  BINLOG_EVENT_UNSUPPORTED: terminal(
    exitCodes.incompatibleChange,
    'The binary log holds an event that cannot be applied without loss.',
  ),
  BINLOG_CORRUPT: retryable('An event of the binary log fails its checksum or ends too early.'),
  BINLOG_SCHEMA_MISMATCH: terminal(
    exitCodes.incompatibleChange,
    'A row event does not fit the schema known for that position.',
  ),
  COLUMN_TYPE_UNKNOWN: terminal(exitCodes.incompatibleChange, 'A column has a type that mcsync does not know.'),
  DDL_UNREADABLE: terminal(
    exitCodes.incompatibleChange,
    'A schema statement that may concern a selected table cannot be read.',
  ),
  DDL_INCOMPATIBLE: terminal(
    exitCodes.incompatibleChange,
    'A schema change of a selected table cannot be carried over; take the table again.',
  ),
  DML_AS_STATEMENT: terminal(
    exitCodes.incompatibleChange,
    'A change was logged as a statement, not as rows: its rows are unknown.',
  ),
  SCHEMA_CHANGED_DURING_START: retryable(
    'A schema change fell between the start position and the reading of the schemas.',
  ),
  START_BEHIND_STREAM: retryable(
    'Tables are to be taken anew, and the only start position that the account can get lies before the place where the stream stands.',
  ),
  SNAPSHOT_VIEW_LOST: retryable('The one view that a table without a key is read in has ended too early.'),
  SNAPSHOT_TOO_LARGE: terminal(
    exitCodes.incompatibleChange,
    'The rows of a table are so much larger than the server estimates that one upload session cannot take its chunks.',
  ),
  NO_KEY_NEEDS_LOCK: terminal(
    exitCodes.precheckFailed,
    'A table without a key needs a read lock for an instant, and the account may not take one.',
  ),

  // values
  VALUE_UNREPRESENTABLE: terminal(
    exitCodes.incompatibleChange,
    'A value that the target type cannot hold, and the policy is to fail.',
  ),
  VALUE_UNDECODABLE: terminal(exitCodes.incompatibleChange, 'A value in a form that is not understood.'),

  // the target
  TARGET_UNREACHABLE: retryable('MaxCompute, or its tunnel, cannot be reached or answers with a server error.'),
  TARGET_THROTTLED: retryable('MaxCompute asks us to slow down.'),
  TARGET_CREDENTIALS_REJECTED: terminal(exitCodes.credentialsRejected, 'MaxCompute refuses the access key or token.'),
  TARGET_PRIVILEGE_MISSING: terminal(exitCodes.credentialsRejected, 'The MaxCompute account lacks a right.'),
  TARGET_NOT_MAXCOMPUTE: terminal(exitCodes.badInput, 'The endpoint answers, but not as MaxCompute does.'),
  TARGET_PROJECT_MISSING: terminal(
    exitCodes.badInput,
    'The MaxCompute project does not exist or is not visible to the account.',
  ),
  TARGET_TABLE_MISSING: terminal(exitCodes.incompatibleChange, 'A target table that we made is gone.'),
  TARGET_TABLE_EXISTS: terminal(exitCodes.precheckFailed, 'A target table exists and is not ours.'),
  TARGET_SCHEMA_MISMATCH: terminal(
    exitCodes.incompatibleChange,
    'A target table does not have the columns that we need.',
  ),
  TARGET_SQL_FAILED: terminal(exitCodes.incompatibleChange, 'MaxCompute refuses an SQL statement.'),
  TARGET_PROTOCOL: retryable('MaxCompute answers in a way that the protocol does not allow.'),
  DOWNLOAD_CORRUPT: retryable('Downloaded rows fail their checksum or end too early.'),
  COMMIT_UNCERTAIN: retryable(
    'The fate of a commit is not known yet; it is asked again, and nothing is counted or repeated before.',
  ),
  COMMIT_PARTIAL: terminal(
    exitCodes.incompatibleChange,
    'Some, but not all, rows of a session are in the table. A person must look.',
  ),
  REPLAY_DIVERGED: terminal(
    exitCodes.incompatibleChange,
    'The source gave other rows, or another order of them, when a part of its log was read again.',
  ),
  UPLOAD_SESSION_CHANGED: retryable('An upload session holds other blocks than we sent after the intent was saved.'),
  UPLOAD_SESSION_LOST: retryable('An upload session that was not yet in an intent is gone; its rows are read again.'),

  TRANSACTION_TOO_LARGE: terminal(
    exitCodes.incompatibleChange,
    'A transaction so large that it had to be committed in parts was rolled back, or the task was changed in its midst.',
  ),

  // merge
  MERGE_TOO_EARLY: terminal(exitCodes.badInput, 'The moment asked for lies before the table was complete.'),
  MERGE_TOO_LATE: terminal(exitCodes.tryAgainLater, 'The stream has not passed the moment asked for.'),
  MERGE_UNKNOWN_TABLE: terminal(exitCodes.badInput, 'The task does not select such a table.'),

  // quickstart
  QUICKSTART_NOT_UP: terminal(
    exitCodes.badInput,
    'There is no quickstart in this folder that was left up with --stay.',
  ),
  QUICKSTART_STEP_FAILED: terminal(exitCodes.bug, 'A command that the quickstart ran did not succeed.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalog;
