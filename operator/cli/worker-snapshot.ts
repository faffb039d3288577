/** The snapshot worker: fills the baselines, then ends. */
import { systemClock } from '../base/clock.js';
import { runSnapshot } from '../pipeline/snapshot.js';
import { blocksPerSessionMax, chunkHeldBytes, viewBlockBytesMax } from './limits.js';
import type { WorkerContext } from './worker.js';
import { openWorkerEnds } from './worker-ends.js';

const pollMs = 500;

export async function runSnapshotWorker(context: WorkerContext): Promise<void> {
  const { task, documents, report, stop } = context;
  await using ends = await openWorkerEnds(context);
  const { source, warehouse, nulled } = ends;
  await runSnapshot({
    documents,
    source,
    warehouse,
    clock: systemClock,
    report,
    stop,
    nulled,
    settings: {
      parallelism: task.spec.snapshot.parallelism,
      blockBytesMax: viewBlockBytesMax,
      chunkHeldBytesMax: chunkHeldBytes(task.spec.snapshot.parallelism),
      blocksPerSessionMax,
      hasStream: task.spec.mode === 'FullAndIncremental',
      pollMs,
    },
  });
}
