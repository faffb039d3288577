/** The snapshot worker: fills the baselines, then ends. */
import { systemClock } from '../base/clock.js';
import { knownSource } from '../pipeline/known-source.js';
import { NulledCounts } from '../pipeline/nulled-counts.js';
import { runSnapshot } from '../pipeline/snapshot.js';
import { openSource, openWarehouse, patienceOf } from './ends.js';
import { blocksPerSessionMax, chunkHeldBytes, viewBlockBytesMax } from './limits.js';
import { type ServerNews, tellServerNews } from './server-news.js';
import type { WorkerContext } from './worker.js';

const pollMs = 500;

export async function runSnapshotWorker(context: WorkerContext): Promise<void> {
  const { task, documents, secrets, report, stop, deadline } = context;
  const nulled = new NulledCounts();
  const known = await knownSource(documents);
  const onServer = (news: ServerNews): void => tellServerNews(news, report);
  await using source = openSource(task, secrets, {
    known,
    onServer,
    onNulled: nulled.count,
    patience: patienceOf(report, stop),
  });
  await using warehouse = openWarehouse(task, secrets, { patience: patienceOf(report, deadline) });
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
