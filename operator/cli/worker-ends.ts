/**
 * The two ends of a worker that reads rows. In: what the worker knows of its task. Out: the source, admitted only as a server
 * that has all that was read, and the warehouse; a rejected secret is waited out, since it may be one that is being replaced.
 */
import type { Source, Warehouse } from '../model/ports.js';
import type { SourceIdentity } from '../model/source-facts.js';
import { renderIdentity } from '../mysql/server-state.js';
import type { ServerNews } from '../mysql/session-pool.js';
import { knownSource } from '../pipeline/known-source.js';
import { NulledCounts } from '../pipeline/nulled-counts.js';
import type { Reporter } from '../pipeline/task-documents.js';
import { openSource, openWarehouse, patienceOf } from './ends.js';
import type { WorkerContext } from './worker.js';

export interface WorkerEnds extends AsyncDisposable {
  readonly source: Source;
  readonly warehouse: Warehouse;
  /** What the source tells of values that became NULL. */
  readonly nulled: NulledCounts;
  /** The server that answers now. */
  readonly servedBy: () => SourceIdentity;
}

export async function openWorkerEnds(context: WorkerContext): Promise<WorkerEnds> {
  const { task, documents, secrets, report, stop, deadline } = context;
  const nulled = new NulledCounts();
  const known = await knownSource(documents);
  let { identity } = known;
  const source = openSource(task, secrets, {
    known,
    onServer: (news) => {
      tellServerNews(news, report);
      if (news.kind === 'changed') identity = news.now;
    },
    onNulled: nulled.count,
    patience: patienceOf(report, stop),
  });
  const warehouse = openWarehouse(task, secrets, { patience: patienceOf(report, deadline) });
  return {
    source,
    warehouse,
    nulled,
    servedBy: () => identity,
    async [Symbol.asyncDispose]() {
      await warehouse[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
    },
  };
}

/** Tells a person that another server answers at the source's address, or that it is waited for. */
function tellServerNews(news: ServerNews, report: Reporter): void {
  if (news.kind === 'changed') {
    report.warn('another source server, with all that was read', {
      before: renderIdentity(news.before),
      now: renderIdentity(news.now),
    });
  } else {
    report.warn('waiting for a source server to catch up', { server: renderIdentity(news.now), missing: news.missing });
  }
}
