/** A process that runs the seeds it is sent, one after the other: so that many run on all cores. */
import { loadPipeline, type Pipeline } from './pipeline.js';
import { runSeed, type SeedResult } from './seed.js';
import type { Job, ShownSeed } from './seeds.js';
import { shrinkSeed } from './shrink.js';

const [real, small] = process.argv.slice(2) as [string, string];
const pipelines: readonly Pipeline[] = [await loadPipeline(real), await loadPipeline(small)];

process.on('message', (job: Job) => {
  void runJob(job).then((result) => process.send?.(result));
});

async function runJob({ seed, isTraced, isShrunk }: Job): Promise<ShownSeed> {
  // Every third seed meets the limits that a simulated task is otherwise too small for.
  const isSmall = seed % 3 === 0;
  const pipeline = pipelines[isSmall ? 1 : 0] as Pipeline;
  const run = (entriesMax: number, suppressed: ReadonlySet<number>, traced: boolean): Promise<SeedResult> =>
    runSeed({ seed, pipeline, entriesMax, hasRollbacks: !isSmall, suppressed, isTraced: traced });
  const result = await run(Number.POSITIVE_INFINITY, new Set(), isTraced);
  if (result.failure === null || !isShrunk) return { ...result, shrunk: null };
  return await shrinkSeed(result, run);
}
