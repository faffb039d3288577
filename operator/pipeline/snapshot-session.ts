/** The upload session that a baseline is filled into: found again after a restart, and replaced when it can no longer be used. */
import { assert } from '../base/assert.js';
import type { UploadRef, UploadState } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import type { TableCopy } from './snapshot.js';

/** A session lives 24 hours. One that is older than this takes no more chunks than it has begun, and is committed. */
export const sessionAgeMsMax = 20 * 3_600_000;
/** One that is found this old is given up: what it has begun would hardly be committed in time. */
const begunAgeMsMax = 22 * 3_600_000;

export interface BaseSession {
  readonly ref: UploadRef;
  /** By our clock: that of the server may be another one. */
  readonly initiatedMs: number;
  readonly state: UploadState;
}

/** The session to go on with, or a new one saved before its first block. One that lists what is no chunk of ours is left alone. */
export async function baseSession(copy: TableCopy, chunks: number): Promise<BaseSession> {
  const { planned, progress, warehouse, clock, report } = copy;
  const key = tableKey(planned.plan.source);
  const table = planned.plan.baseTable as string;
  const { session: known, commitIntent } = progress.table(key);
  assert(commitIntent === null, 'a session whose commit is in doubt takes no more blocks');
  const ageMs = known ? clock.nowMs() - known.initiatedMs : 0;
  if (known && !known.isSplit && ageMs < begunAgeMsMax) {
    const ref: UploadRef = { table, partition: null, uploadId: known.uploadId };
    const state = await warehouse.uploadState(ref);
    const isWorthIt = ageMs < sessionAgeMsMax || state.blocks.length > 0;
    const isOurs = state.blocks.every(({ id }) => id < chunks);
    if (state.status === 'NORMAL' && isWorthIt && isOurs) return { ref, initiatedMs: known.initiatedMs, state };
    report.warn('snapshot session replaced', { table: key, uploadId: known.uploadId, status: state.status });
  }
  return await newBaseSession(copy);
}

export async function newBaseSession(copy: TableCopy): Promise<BaseSession> {
  const { planned, progress, warehouse, clock } = copy;
  const key = tableKey(planned.plan.source);
  const initiatedMs = clock.nowMs();
  const session = await warehouse.createUpload(planned.plan.baseTable as string, null);
  const { committedChunks = 0 } = progress.table(key);
  await progress.set(key, {
    session: { uploadId: session.uploadId, initiatedMs },
    chunksDone: committedChunks,
    ...(committedChunks === 0 ? { rowsRead: 0 } : {}),
  });
  return { ref: session, initiatedMs, state: { status: 'NORMAL', blocks: [] } };
}
