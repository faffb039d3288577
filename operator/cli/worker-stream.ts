/** The stream worker: every change into the change logs, until it is stopped. */
import { parseDurationMs, parseSizeBytes } from '../api/quantities.js';
import { systemClock } from '../base/clock.js';
import { knownSource } from '../pipeline/known-source.js';
import { NulledCounts } from '../pipeline/nulled-counts.js';
import { runStream } from '../pipeline/stream.js';
import { columnDecider } from '../prepare/columns.js';
import { openSource, openWarehouse, patienceOf } from './ends.js';
import { batcherLimits } from './limits.js';
import { type ServerNews, tellServerNews } from './server-news.js';
import type { WorkerContext } from './worker.js';

const shardPollMs = 500;

export async function runStreamWorker(context: WorkerContext): Promise<void> {
  const { task, documents, secrets, report, stop, deadline } = context;
  const { streaming } = task.spec;
  const nulled = new NulledCounts();
  const known = await knownSource(documents);
  let { identity } = known;
  const onServer = (news: ServerNews): void => {
    tellServerNews(news, report);
    if (news.kind === 'changed') identity = news.now;
  };
  await using source = openSource(task, secrets, {
    known,
    onServer,
    onNulled: nulled.count,
    patience: patienceOf(report, stop),
  });
  await using warehouse = openWarehouse(task, secrets, { patience: patienceOf(report, deadline) });
  await runStream({
    documents,
    source,
    warehouse,
    clock: systemClock,
    report,
    nulled,
    servedBy: () => identity,
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
