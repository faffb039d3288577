/** The stream worker: every change into the change logs, until it is stopped. */
import { parseDurationMs, parseSizeBytes } from '../api/quantities.js';
import { systemClock } from '../base/clock.js';
import { NulledCounts } from '../pipeline/nulled-counts.js';
import { runStream } from '../pipeline/stream.js';
import { knownIdentity } from '../pipeline/task-documents.js';
import { columnDecider } from '../prepare/columns.js';
import { openSource, openWarehouse } from './ends.js';
import { batcherLimits } from './limits.js';
import type { WorkerContext } from './worker.js';

const shardPollMs = 500;

export async function runStreamWorker(context: WorkerContext): Promise<void> {
  const { task, documents, secrets, report, stop, deadline } = context;
  const { streaming } = task.spec;
  const nulled = new NulledCounts();
  const identity = await knownIdentity(documents);
  await using source = openSource(task, secrets, { identity, onNulled: nulled.count });
  await using warehouse = openWarehouse(task, secrets);
  await runStream({
    documents,
    source,
    warehouse,
    clock: systemClock,
    report,
    nulled,
    decideColumn: columnDecider(task.spec),
    settings: {
      flushIntervalMs: parseDurationMs(streaming.flushInterval),
      flushBytesMax: parseSizeBytes(streaming.flushBytes),
      ...batcherLimits,
      shardPollMs,
      shards: 1,
    },
    stop,
    deadline,
  });
}
