/**
 * The ports through which pure code meets the world. Implementations: `mysql` (Source), `maxcompute` (Warehouse),
 * `local` (CheckpointStore, Runtime); the fifth, Clock, stands in `base`.
 */
import type { ChangeEvent, RowBatch } from './change.js';
import type { BinlogPosition } from './position.js';
import type { SourceFacts, SourceIdentity } from './source-facts.js';
import type { SourceTable, TableName } from './source-table.js';
import type { TablePlan } from './table-plan.js';

// ---------------------------------------------------------------------------------------------- source

export interface Source extends AsyncDisposable {
  /**
   * Everything a precheck asks of the server, as far as it can be reached. Does not throw for what a finding can say.
   * With `tables`, only these are described; otherwise every table of every database the account sees, `mysql`,
   * `sys`, `information_schema` and `performance_schema` left out.
   */
  facts(): Promise<SourceFacts>;
  /**
   * Schemas of the tables read while metadata locks are held, with a start position at or before which everything is
   * visible to later reads (see docs/design.md, start position). Starts over when a schema change falls in between.
   */
  start(tables: readonly TableName[]): Promise<SourceStart>;
  /** The position now, for `completeAfter`. */
  position(): Promise<BinlogPosition>;
  /** The plans whose row filter the server does not take. */
  refusedFilters(plans: readonly TablePlan[]): Promise<RefusedFilter[]>;
  /** Splits a table by its key; for a table without one, a single open range. */
  chunks(plan: TablePlan, size: ChunkSize): Promise<ChunkRange[]>;
  /** Rows of one chunk in any view. `signal` ends the read. */
  readChunk(plan: TablePlan, range: ChunkRange, signal: AbortSignal): AsyncIterable<RowBatch>;
  /**
   * All rows of a table in one view whose position is known; `onView` is told the position before the first row.
   * Throws `NO_KEY_NEEDS_LOCK` where no way to know it is granted.
   */
  readView(
    plan: TablePlan,
    onView: (position: BinlogPosition) => Promise<void>,
    signal: AbortSignal,
  ): AsyncIterable<RowBatch>;
  /**
   * The binary log from `from` on, in arrivals. Events of an arrival are decoded lazily, one by one, with the plan
   * that `planOf` gives at that moment: a schema event handled before the next pull takes effect at once.
   * `planOf` answers null for tables that are not selected. Back-pressure: nothing more is read while the consumer holds an arrival.
   */
  stream(
    from: BinlogPosition,
    planOf: (name: TableName) => TablePlan | null,
    options: StreamOptions,
  ): AsyncIterable<Iterable<ChangeEvent>>;
}

export interface RefusedFilter {
  readonly table: TableName;
  /** In the server's words. */
  readonly reason: string;
}

export interface StreamOptions {
  readonly serverId: number;
  readonly signal: AbortSignal;
  /** Transactions that begin at one of these places (`placeKey`) were rolled back: their rows are not handed out. */
  readonly rolledBack: ReadonlySet<string>;
  /** Databases that hold selected tables: DROP DATABASE of any other one passes. Not given: each one may hold some. */
  readonly selectedDatabases?: ReadonlySet<string>;
}

export interface SourceStart {
  readonly position: BinlogPosition;
  /** How the position was found: `lock`, `binlog-snapshot`, `gtid-executed`, `table-lock`, `file-start`; `none` without a binary log. */
  readonly method: string;
  readonly tables: readonly SourceTable[];
  readonly identity: SourceIdentity;
}

/** Upper limits of one chunk; bytes by the server's estimate of a row. A table beyond a terabyte gets larger chunks: a plan names at most 40,000. */
export interface ChunkSize {
  readonly rows: number;
  readonly bytes: number;
}

/** A key range: rows with `after < key <= upTo` in the server's own order; null is open. Values are texts that the server made. */
export interface ChunkRange {
  readonly after: readonly string[] | null;
  readonly upTo: readonly string[] | null;
}

// ------------------------------------------------------------------------------------------- warehouse

export interface Warehouse {
  /** What a precheck asks of the project; throws only what makes every other question pointless. */
  facts(tables: readonly string[]): Promise<TargetFacts>;
  createTable(spec: TableSpec): Promise<void>;
  /** Adds columns at the end; a column that is there already with the same type is left alone. */
  addColumns(table: string, columns: readonly TargetColumn[]): Promise<void>;
  /** Null when the table does not exist. */
  describeTable(table: string): Promise<TargetTable | null>;
  dropTable(table: string): Promise<void>;
  /** Runs one statement, or a script, to its end; rows come back as texts, NULL as null. */
  query(sql: string, settings?: Readonly<Record<string, string>>): Promise<QueryResult>;
  createPartition(table: string, partition: string): Promise<void>;
  listPartitions(table: string): Promise<string[]>;
  createUpload(table: string, partition: string | null): Promise<UploadSession>;
  uploadState(ref: UploadRef): Promise<UploadState>;
  /** A block writer for rows of `plan`; a log block also gets the five metadata columns. */
  openBlock(plan: TablePlan, target: BlockTarget): BlockWriter;
  /** Sends a closed block; repeated with the same id and bytes until answered. */
  putBlock(ref: UploadRef, blockId: number, block: ClosedBlock): Promise<void>;
  /** One attempt to commit. An answer other than success never tells the outcome: ask `uploadState`. */
  commitUpload(ref: UploadRef): Promise<CommitAnswer>;
}

export type BlockTarget =
  | { readonly kind: 'base' }
  /** `counter.next` is the record id that the next row change takes; the writer advances it. */
  | { readonly kind: 'log'; readonly counter: { next: number } };

/** Takes the rows of one block. Its memory is bounded: bytes are compressed as they come. */
export interface BlockWriter {
  /** Drives all rows of the batch into the block. Returns the number of row changes. */
  write(batch: RowBatch): number;
  /** Rows written so far (an update is two). */
  readonly rows: number;
  /** Wire bytes before compression. */
  readonly bytes: number;
  /** Bytes held in memory, compressed ones included. */
  readonly heldBytes: number;
  /** Resolves when compression has caught up: the back-pressure of a fast source. */
  drained(): Promise<void>;
  close(): Promise<ClosedBlock>;
  /** Frees what is held; the rows are forgotten. */
  discard(): void;
}

export interface ClosedBlock {
  readonly rows: number;
  /** META_CHECKSUM of the block: CRC-32C over the record CRCs. */
  readonly crc: number;
  readonly body: readonly Uint8Array[];
  readonly bodyBytes: number;
}

export interface UploadRef {
  readonly table: string;
  readonly partition: string | null;
  readonly uploadId: string;
}

export interface UploadSession extends UploadRef {
  /** The server's own time of creation, milliseconds since the epoch. */
  readonly initiatedMs: number;
}

export type UploadStatus =
  | 'NORMAL'
  | 'CLOSING'
  | 'COMMITTING'
  | 'CLOSED'
  | 'CANCELED'
  | 'EXPIRED'
  | 'CRITICAL'
  | 'UNKNOWN'
  | 'GONE';

export interface UploadState {
  /** `GONE`: the server does not know the session. */
  readonly status: UploadStatus;
  readonly blocks: readonly { readonly id: number; readonly rows: number }[];
}

/** `refused`: 4xx of any kind; `unknown`: no answer, 5xx. Neither tells the outcome. */
export type CommitAnswer =
  | { readonly kind: 'committed' }
  | { readonly kind: 'refused' | 'unknown'; readonly reason: string };

export interface TargetColumn {
  readonly name: string;
  readonly type: string;
  readonly comment?: string;
}

export interface TableSpec {
  readonly table: string;
  readonly columns: readonly TargetColumn[];
  readonly partitionColumns: readonly TargetColumn[];
  readonly comment: string;
  readonly lifecycleDays: number | null;
}

export interface TargetTable {
  readonly table: string;
  readonly columns: readonly TargetColumn[];
  readonly partitionColumns: readonly TargetColumn[];
  readonly comment: string;
  readonly lifecycleDays: number | null;
  /** `MANAGED_TABLE`, `VIRTUAL_VIEW`, ... */
  readonly type: string;
}

export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly (string | null)[])[];
}

export type TargetFacts =
  | { readonly reachable: false; readonly failure: WorkerFailure }
  | {
      readonly reachable: true;
      readonly project: {
        readonly name: string;
        readonly owner: string;
        /** IANA name, from the project's properties; null where it does not say. */
        readonly timeZone: string | null;
        readonly isThreeLevel: boolean;
      };
      /** Those of the asked-for tables that exist, by lower-case name. */
      readonly tables: ReadonlyMap<string, TargetTable>;
      /** What the account could not do when it was tried, each with the server's words; empty when all is granted. */
      readonly missingRights: readonly {
        readonly right: 'CreateInstance' | 'CreateTable' | 'Upload' | 'Describe';
        readonly seen: string;
      }[];
      /** Access key id, for the GRANT statements; never the secret. */
      readonly account: string;
    };

// --------------------------------------------------------------------------------------- checkpoint store

/** Documents by name with compare-and-swap. The store knows nothing of what they say. */
export interface CheckpointStore {
  load(name: string): Promise<StoredDocument | null>;
  /** Saves over `expected` (null: must not exist). A refused or unanswered save is settled by the caller reading back. */
  save(
    name: string,
    body: string,
    expected: string | null,
  ): Promise<{ readonly saved: true; readonly version: string } | { readonly saved: false }>;
}

export interface StoredDocument {
  readonly body: string;
  /** Opaque; changes with every save. */
  readonly version: string;
}

// ------------------------------------------------------------------------------------------------ runtime

/** Runs the workers of one task: child processes here, pods in a cluster. */
export interface Runtime {
  observe(): Promise<readonly ObservedWorker[]>;
  start(worker: WorkerSpec): Promise<void>;
  /** Asks the worker to flush and end; kills it after its grace period. Resolves when it is gone. */
  stop(role: WorkerRole): Promise<void>;
}

export type WorkerRole = 'prepare' | 'snapshot' | 'stream';

export interface WorkerSpec {
  readonly role: WorkerRole;
  /** Identifies the input: a worker of another input is another worker. */
  readonly inputHash: string;
}

export interface ObservedWorker extends WorkerSpec {
  readonly state: 'running' | 'ended';
  /** Exit code where it ended; null when a signal ended it. */
  readonly exitCode: number | null;
  /** The worker's last words: a `SyncError` as JSON, where it had time to write one. */
  readonly lastWords: WorkerFailure | null;
  readonly endedAtMs: number | null;
}

export interface WorkerFailure {
  readonly code: string;
  readonly seen: string;
  readonly wanted: string;
  readonly fix: string;
  readonly table?: string;
  readonly position?: string;
}
