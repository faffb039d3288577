/** The stream worker: every change into the change logs, until it is stopped. */
import { parseDurationMs, parseSizeBytes } from '../api/quantities.js';
import { systemClock } from '../base/clock.js';
import { runStream } from '../pipeline/stream.js';
import { columnDecider } from '../prepare/columns.js';
import { batcherLimits } from './limits.js';
import type { WorkerContext } from './worker.js';
import { openWorkerEnds } from './worker-ends.js';

const shardPollMs = 500;

export async function runStreamWorker(context: WorkerContext): Promise<void> {
  const { task, documents, report, stop, deadline } = context;
  const { streaming } = task.spec;
  await using ends = await openWorkerEnds(context);
  const { source, warehouse, nulled, servedBy } = ends;
  await runStream({
    documents,
    source,
    warehouse,
    clock: systemClock,
    report,
    nulled,
    servedBy,
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
