/**
 * The stored documents of a task (docs/design.md, documents): their shapes and their envelope. Workers share nothing else.
 * Names: `<task>-config`, `-precheck`, `-plan`, `-shard-<i>`, `-schema`, `-checkpoint`.
 */
import { SyncError } from '../base/errors.js';
import type { Finding } from './finding.js';
import type { ChunkRange } from './ports.js';
import type { BinlogPosition } from './position.js';
import type { SourceIdentity } from './source-facts.js';
import type { TablePlan } from './table-plan.js';

export const documentFormat = 1;

export interface Envelope {
  /** Format of this document. A reader that is older than `minReader` refuses it. */
  readonly format: number;
  readonly minReader: number;
  readonly taskId: string;
  readonly writer: Writer;
}

/** The fence: the value decides, not the store's version. */
export interface Writer {
  readonly id: string;
  /** Raised by compare-and-swap before any other effect; a lower one never claims. */
  readonly epoch: number;
  /** +1 with each save of this writer. */
  readonly seq: number;
  readonly version: string;
}

/** What the worker gets: the validated task and what it hangs on. */
export interface ConfigDocument extends Envelope {
  readonly task: unknown;
  /** Over everything that the plan depends on (source, target, objects, changeLog, types). */
  readonly inputHash: string;
  readonly resnapshot: { readonly nonce: number; readonly tables: readonly string[] } | null;
}

export interface PrecheckDocument extends Envelope {
  readonly inputHash: string;
  readonly result: 'Passed' | 'PassedWithWarnings' | 'Failed';
  readonly findings: readonly Finding[];
  readonly checkedAtMs: number;
}

export interface PlanDocument extends Envelope {
  readonly inputHash: string;
  /** `schema`: saved before the first target table is made; `done`: all of them stand. */
  readonly stage: 'schema' | 'done';
  readonly start: { readonly position: BinlogPosition; readonly method: string; readonly identity: SourceIdentity };
  readonly tables: readonly PlannedTable[];
  readonly serverId: number;
  /** The request for a new snapshot that this plan has answered; null when there was none. */
  readonly resnapshotNonce: number | null;
  /** First record id of the task: 1 + the largest one in logs that were there before. */
  readonly firstRecordId: number;
  /** The largest generation that was ever given, to tables that have left the selection too. */
  readonly lastGeneration: number;
}

export interface PlannedTable {
  readonly plan: TablePlan;
  /** Changes of this table before here are in its baseline, or not wanted; the stream leaves them out. */
  readonly from: BinlogPosition;
  /** Another snapshot of the table is another generation: another session, another watermark. Never used twice in a task. */
  readonly generation: number;
  /** The target tables of this generation stand. */
  readonly isMade: boolean;
  /** Null where the mode takes no baseline. */
  readonly snapshot: SnapshotPlan | null;
}

export interface SnapshotPlan {
  /** Range i is block i. A table without a key has one open range, read in one view. */
  readonly chunks: readonly ChunkRange[];
  readonly inOneView: boolean;
  readonly rowsEstimate: number;
}

/** Progress of one snapshot worker; what is done is the session's block list, not this. */
export interface ShardDocument extends Envelope {
  readonly tables: Readonly<Record<string, ShardTable>>;
  /** Values that became NULL by policy, by column; for people: what is read again after a crash counts again. */
  readonly nulled?: Readonly<Record<string, number>>;
  readonly updatedAtMs: number;
}

export interface ShardTable {
  readonly generation: number;
  readonly rowsRead: number;
  readonly chunksDone: number;
  readonly chunks: number;
  /** Chunks before this one stand in the table, by sessions committed earlier; absent: none. */
  readonly committedChunks?: number;
  /** The session being filled: block i is chunk `committedChunks + i`. Written before the first block. */
  readonly session: BaseSessionNote | null;
  /** Saved before the commit, with the rows of the target table before it: unchanged rows mean not committed. */
  readonly commitIntent: BaseCommitIntent | null;
  readonly committed: boolean;
  /** Where the source stood when rows had been read and were not yet sent: a server that goes on has all of it. */
  readonly readUpTo?: BinlogPosition;
  /** Source position read after the commit was answered. */
  readonly completeAfter: BinlogPosition | null;
  /** Tables without a key: asks the stream to remember their transactions; then where the view stands. */
  readonly watch: { readonly id: string; readonly view: BinlogPosition | null } | null;
}

export interface BaseSessionNote {
  readonly uploadId: string;
  readonly initiatedMs: number;
  /** A chunk was too large for one block: which blocks are pieces of it is not known to another process. */
  readonly isSplit?: boolean;
}

export interface BaseCommitIntent {
  readonly uploadId: string;
  readonly rowsBefore: number;
  readonly blocks: readonly { readonly id: number; readonly rows: number }[];
  readonly rows: number;
  /** What `committedChunks` is after the commit; absent: all chunks. */
  readonly chunksAfter?: number;
}

/** Versions of the schemas, append-only; written before the checkpoint that names one. */
export interface SchemaDocument extends Envelope {
  readonly versions: readonly TablePlan[];
}

export interface CheckpointDocument extends Envelope {
  readonly configHash: string;
  readonly identity: SourceIdentity;
  readonly serverId: number;
  readonly position: BinlogPosition;
  /** The next row change takes this + 1. */
  readonly recordId: number;
  /** Seconds (UTC) of the last event at or below the position; 0 where none was seen. */
  readonly utcSeconds: number;
  readonly intent: Intent | null;
  /** Set while the position stands before a transaction that is committed in parts. */
  readonly partial?: PartialTransaction | null;
  /** By table key (`shop.orders`). */
  readonly tables: Readonly<Record<string, CheckpointTable>>;
  readonly counts: {
    readonly changes: number;
    readonly flushes: number;
    readonly nulled: Readonly<Record<string, number>>;
  };
  readonly savedAtMs: number;
  /** `streaming` may be read as caught up when the position reached the source's at the start of streaming. */
  readonly caughtUp: boolean;
}

export interface CheckpointTable {
  readonly schemaVersion: number;
  readonly generation: number;
  /** `complete`: a merge gives a moment of the source. */
  readonly state: 'copying' | 'complete';
  /** Changes before here are not taken. */
  readonly from: BinlogPosition;
  /** Log rows at or below it are in the baseline already, or belong to an earlier generation. */
  readonly baseWatermark: number;
  /** Position of the source when the baseline's commit was answered; null before that. */
  readonly completeAfter: BinlogPosition | null;
  /** Seconds (UTC) of the source when the stream passed `completeAfter`: the earliest moment a merge can show. */
  readonly completeSinceSeconds: number | null;
  /** The answer to a shard's watch (tables without a key). */
  readonly watch: WatchAnswer | null;
}

export interface WatchAnswer {
  readonly id: string;
  /** Transactions on the table are remembered from here on. */
  readonly since: BinlogPosition;
  /** Record id of the last transaction on the table at or below the view; null until the stream has passed the view. */
  readonly watermark: number | null;
  /** The view lies before what is remembered: the shard must take another one. */
  readonly isLost: boolean;
}

/** Changes after the checkpoint's record id and up to `done` are in the logs: read again, they are counted and left out. */
export interface PartialTransaction {
  readonly done: number;
  /** Of its first row: a server that crashed may have lost it, and log another one in its place, later. */
  readonly beganSeconds: number;
}

/** Saved before any commit: exactly the sessions that may be committed, and where the stream stands after them. */
export interface Intent {
  readonly upTo: UpTo;
  readonly sessions: readonly IntentSession[];
}

/** Where the stream stands after an intent: behind a transaction, or before one whose first part the intent brings. */
export interface UpTo {
  readonly position: BinlogPosition;
  readonly recordId: number;
  readonly utcSeconds: number;
  readonly partial?: PartialTransaction;
}

export interface IntentSession {
  readonly uploadId: string;
  /** Target table. */
  readonly table: string;
  /** Source table key. */
  readonly source: string;
  readonly partition: string;
  readonly schemaVersion: number;
  readonly initiatedMs: number;
  readonly blocks: readonly { readonly id: number; readonly rows: number; readonly crc: number }[];
  /** Record ids of the session's rows: lo <= id <= hi, and exactly `rows` rows. */
  readonly lo: number;
  readonly hi: number;
  readonly rows: number;
}

/** Parses a stored document. Refuses a newer format with `STORE_FORMAT_NEWER`, another task's with `CHECKPOINT_OF_ANOTHER_TASK`. */
export function parseDocument<T extends Envelope>(name: string, body: string, taskId: string): T {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new SyncError('STORE_CORRUPT', {
      seen: `document ${name} is not JSON (${body.length} characters)`,
      wanted: 'a document as mcsync wrote it',
      fix: 'Restore the document from a backup, or take the snapshot again in a new state folder. Nothing was overwritten.',
      cause,
    });
  }
  const envelope = value as Partial<Envelope> | null;
  if (
    typeof envelope?.minReader !== 'number' ||
    typeof envelope.taskId !== 'string' ||
    typeof envelope.writer?.epoch !== 'number'
  ) {
    throw new SyncError('STORE_CORRUPT', {
      seen: `document ${name} lacks its envelope (minReader, taskId, writer)`,
      wanted: 'a document as mcsync wrote it',
      fix: 'Restore the document from a backup, or take the snapshot again in a new state folder. Nothing was overwritten.',
    });
  }
  if (envelope.minReader > documentFormat) {
    throw new SyncError('STORE_FORMAT_NEWER', {
      seen: `document ${name} has format ${envelope.format} and wants a reader of ${envelope.minReader} or later`,
      wanted: `format ${documentFormat} or earlier, which this version reads`,
      fix: 'Run the mcsync version that wrote it, or a later one.',
    });
  }
  if (envelope.taskId !== taskId) {
    throw new SyncError('CHECKPOINT_OF_ANOTHER_TASK', {
      seen: `document ${name} belongs to task ${envelope.taskId}`,
      wanted: `documents of task ${taskId}`,
      fix: 'Name another state folder, or give the task another name.',
    });
  }
  return value as T;
}
