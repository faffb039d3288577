/** The code under test: the real one, or a copy with a rule taken out. */
import { pathToFileURL } from 'node:url';

export interface Pipeline {
  readonly runPrepare: typeof import('../../operator/pipeline/prepare.js')['runPrepare'];
  readonly runSnapshot: typeof import('../../operator/pipeline/snapshot.js')['runSnapshot'];
  readonly runStream: typeof import('../../operator/pipeline/stream.js')['runStream'];
  readonly NulledCounts: typeof import('../../operator/pipeline/nulled-counts.js')['NulledCounts'];
  readonly SyncError: typeof import('../../operator/base/errors.js')['SyncError'];
}

/** `folder` is an `operator` folder of TypeScript files. */
export async function loadPipeline(folder: string): Promise<Pipeline> {
  const load = (path: string): Promise<Pipeline> => import(pathToFileURL(`${folder}/${path}`).href);
  const { runPrepare } = await load('pipeline/prepare.ts');
  const { runSnapshot } = await load('pipeline/snapshot.ts');
  const { runStream } = await load('pipeline/stream.ts');
  const { NulledCounts } = await load('pipeline/nulled-counts.ts');
  const { SyncError } = await load('base/errors.ts');
  return { runPrepare, runSnapshot, runStream, NulledCounts, SyncError };
}
