/** The documents of one task as its workers reach them: names, and reads of what others write. */
import type { SyncError } from '../base/errors.js';
import { documentNames } from '../model/document-names.js';
import {
  type CheckpointDocument,
  type Envelope,
  type PlanDocument,
  parseDocument,
  type SchemaDocument,
  type ShardDocument,
} from '../model/documents.js';
import type { Claim } from '../model/fenced-document.js';
import type { CheckpointStore } from '../model/ports.js';

export interface TaskDocuments {
  readonly store: CheckpointStore;
  /** Name of the task: the prefix of every document. */
  readonly task: string;
  readonly taskId: string;
  /** Unique for each process that ever starts. */
  readonly writerId: string;
  readonly version: string;
}

export { documentNames };

export function claimOf(documents: TaskDocuments, name: string): Claim {
  const { store, taskId, writerId, version } = documents;
  return { store, name, taskId, writerId, version };
}

export const loadPlan = (documents: TaskDocuments): Promise<PlanDocument | null> =>
  load(documents, documentNames.plan(documents.task));
export const loadShard = (documents: TaskDocuments, shard: number): Promise<ShardDocument | null> =>
  load(documents, documentNames.shard(documents.task, shard));
export const loadSchema = (documents: TaskDocuments): Promise<SchemaDocument | null> =>
  load(documents, documentNames.schema(documents.task));
export const loadCheckpoint = (documents: TaskDocuments): Promise<CheckpointDocument | null> =>
  load(documents, documentNames.checkpoint(documents.task));

async function load<T extends Envelope>(documents: TaskDocuments, name: string): Promise<T | null> {
  const stored = await documents.store.load(name);
  return stored && parseDocument<T>(name, stored.body, documents.taskId);
}

/** What a worker tells while it works: one call per change of state, never per row. */
export interface Reporter {
  info(event: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(event: string, facts?: Readonly<Record<string, unknown>>): void;
  retrying(error: SyncError, attempt: number, delayMs: number): void;
}
