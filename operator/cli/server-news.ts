import { renderIdentity } from '../mysql/server-state.js';
import type { ServerNews } from '../mysql/session-pool.js';
import type { Reporter } from '../pipeline/task-documents.js';

export type { ServerNews };

/** Tells a person that another server answers at the source's address, or that it is waited for. */
export function tellServerNews(news: ServerNews, report: Reporter): void {
  if (news.kind === 'changed') {
    report.warn('another source server, with all that was read', {
      before: renderIdentity(news.before),
      now: renderIdentity(news.now),
    });
  } else {
    report.warn('waiting for a source server to catch up', { server: renderIdentity(news.now), missing: news.missing });
  }
}
