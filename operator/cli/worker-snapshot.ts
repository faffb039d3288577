/** The snapshot worker: fills the baselines, then ends. */
import { systemClock } from '../base/clock.js';
import { NulledCounts } from '../pipeline/nulled-counts.js';
import { runSnapshot } from '../pipeline/snapshot.js';
import { knownIdentity } from '../pipeline/task-documents.js';
import { openSource, openWarehouse } from './ends.js';
import { blocksPerSessionMax, viewBlockBytesMax } from './limits.js';
import type { WorkerContext } from './worker.js';

const pollMs = 500;

export async function runSnapshotWorker(context: WorkerContext): Promise<void> {
  const { task, documents, secrets, report, stop } = context;
  const nulled = new NulledCounts();
  const identity = await knownIdentity(documents);
  await using source = openSource(task, secrets, { identity, onNulled: nulled.count });
  await using warehouse = openWarehouse(task, secrets);
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
      blocksPerSessionMax,
      hasStream: task.spec.mode === 'FullAndIncremental',
      pollMs,
    },
  });
}
