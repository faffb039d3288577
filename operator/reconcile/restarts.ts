/**
 * How often each worker ended since it last got anywhere: what back-off and the restart limit go by. A pure fold over
 * observations, so that a restart of the control plane costs a counter and nothing else.
 */
import { exitCodes } from '../base/exit-codes.js';
import type { ObservedWorker, WorkerRole } from '../model/ports.js';
import type { ObservedDocuments } from './observe.js';

export interface RoleRestarts {
  /** Ends since the last progress. */
  readonly count: number;
  /** Ends since the control plane began that asked for another try, or were no choice of the worker; for people. */
  readonly total: number;
  /** The end counted last. */
  readonly endedAtMs: number | null;
  readonly progress: string;
}

export type Restarts = Readonly<Record<WorkerRole, RoleRestarts>>;

const none: RoleRestarts = { count: 0, total: 0, endedAtMs: null, progress: '' };
export const noRestarts: Restarts = { prepare: none, snapshot: none, stream: none };

export function foldRestarts(
  before: Restarts,
  documents: ObservedDocuments,
  workers: readonly ObservedWorker[],
): Restarts {
  const fold = (role: WorkerRole): RoleRestarts => {
    const last = before[role];
    const progress = progressOf(role, documents);
    const count = progress === last.progress ? last.count : 0;
    const ended = workers.find((worker) => worker.role === role && worker.state === 'ended');
    const endedAtMs = ended?.endedAtMs ?? null;
    const isNewEnd = endedAtMs !== null && endedAtMs !== last.endedAtMs;
    return {
      count: count + (isNewEnd ? 1 : 0),
      total: last.total + (isNewEnd && isUnplanned(ended) ? 1 : 0),
      endedAtMs: endedAtMs ?? last.endedAtMs,
      progress,
    };
  };
  return { prepare: fold('prepare'), snapshot: fold('snapshot'), stream: fold('stream') };
}

function isUnplanned(ended: ObservedWorker | undefined): boolean {
  return ended?.exitCode === null || ended?.exitCode === exitCodes.tryAgainLater;
}

const firstDelayMs = 1_000;
const delayMsMax = 5 * 60_000;

/** Zero before the first end; then doubling, so that a source that is away is asked often at first and rarely later. */
export function restartDelayMs(count: number): number {
  return count === 0 ? 0 : Math.min(firstDelayMs * 2 ** (count - 1), delayMsMax);
}

/** Changes whenever the worker got something done that a restart does not undo. */
function progressOf(role: WorkerRole, documents: ObservedDocuments): string {
  const { plan, shards, checkpoint } = documents;
  switch (role) {
    case 'prepare':
      return `${plan?.inputHash}/${plan?.stage}/${plan?.resnapshotNonce}`;
    case 'stream':
      return `${checkpoint?.position.file}:${checkpoint?.position.offset}/${checkpoint?.recordId}/${checkpoint?.partial?.done}`;
    case 'snapshot': {
      const tables = shards.flatMap((shard) => Object.values(shard.tables));
      return tables.map((table) => `${table.generation}/${table.chunksDone}/${table.committed}`).join(' ');
    }
  }
}
