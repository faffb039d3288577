/** The upload session of one baseline: opened once, found again after a restart, and replaced when it can no longer be used. */
import type { UploadRef, UploadState } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import type { TableCopy } from './snapshot.js';

/** A session lives 24 hours; one that is older than this when a worker starts is not filled any further. */
const sessionAgeMsMax = 20 * 3_600_000;

export interface BaseSession {
  readonly ref: UploadRef;
  readonly state: UploadState;
}

/** The session to go on with, or a new one saved before its first block. */
export async function baseSession(copy: TableCopy): Promise<BaseSession> {
  const { planned, progress, warehouse, clock, report } = copy;
  const key = tableKey(planned.plan.source);
  const table = planned.plan.baseTable as string;
  const known = progress.table(key).session;
  if (known && clock.nowMs() - known.initiatedMs < sessionAgeMsMax) {
    const ref: UploadRef = { table, partition: null, uploadId: known.uploadId };
    const state = await warehouse.uploadState(ref);
    if (state.status === 'NORMAL') return { ref, state };
    report.warn('snapshot session replaced', { table: key, uploadId: known.uploadId, status: state.status });
  }
  return await newBaseSession(copy);
}

export async function newBaseSession(copy: TableCopy): Promise<BaseSession> {
  const { planned, progress, warehouse } = copy;
  const session = await warehouse.createUpload(planned.plan.baseTable as string, null);
  await progress.set(tableKey(planned.plan.source), {
    session: { uploadId: session.uploadId, initiatedMs: session.initiatedMs },
    rowsRead: 0,
    chunksDone: 0,
  });
  return { ref: session, state: { status: 'NORMAL', blocks: [] } };
}
