/**
 * `npm run simulate -- --seed N --runs M`: the pipeline's code over simulated ends, one history and one set of faults per
 * seed. Ends with 0 when each seed held, with 1 when one did not; such a seed is shown with the command that repeats it.
 */
import { parseArgs } from 'node:util';
import { mutants } from './mutants.js';
import { copyPipeline, removePipeline, smallLimits } from './patched-pipeline.js';
import { renderFailure, renderSummary, saveReport } from './report.js';
import { runSeeds } from './seeds.js';
import { kindOf } from './shrink.js';
import { Totals } from './totals.js';

const usage = `npm run simulate -- [--seed N] [--runs M] [--trace] [--report FILE] [--mutant NAME] [--quick] [--processes P]
  --seed       the first seed (default 1)
  --runs       how many seeds (default 1000)
  --trace      all that happened, of each seed that failed; of one run whether it failed or not
  --report     writes the figures to FILE: JSON where it ends in .json, else Markdown
  --mutant     takes a rule out of the pipeline, and ends at the first seed that notices: ${mutants.map(({ name }) => name).join(', ')}
  --quick      shows a failing seed as it is, and does not look for a smaller one
  --processes  processes side by side (default 2)
`;

/** Failing seeds that are made smaller and shown; of others the number is told. */
const shownMax = 3;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) return 64;
  const { mutant, firstSeed, runs } = options;
  const real = copyPipeline(mutant?.edits ?? []);
  const small = copyPipeline([...(mutant?.edits ?? []), ...smallLimits]);
  const startedMs = performance.now();
  const totals = new Totals(mutant?.name ?? null, firstSeed);
  try {
    const failures = await runSeeds({
      ...options,
      folders: { real, small },
      failuresMax: mutant ? 1 : shownMax,
      onResult: (result) => {
        totals.add(result);
        const line = `${totals.seeds} of ${runs} seeds, ${totals.failed} failed`;
        if (result.failure !== null) process.stderr.write(`seed ${result.seed} failed: ${kindOf(result)}\n`);
        if (process.stderr.isTTY) process.stderr.write(`\r${line}`);
        else if (totals.seeds % 1000 === 0) process.stderr.write(`${line}\n`);
      },
    });
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    for (const failure of failures) process.stdout.write(renderFailure(failure, options));
    const seconds = (performance.now() - startedMs) / 1000;
    process.stdout.write(renderSummary(totals, seconds));
    if (options.report !== null) saveReport(options.report, totals, failures, seconds);
    return totals.failed === 0 ? 0 : 1;
  } finally {
    removePipeline(real);
    removePipeline(small);
  }
}

function readOptions() {
  const options = {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1000' },
    trace: { type: 'boolean', default: false },
    report: { type: 'string' },
    mutant: { type: 'string' },
    quick: { type: 'boolean', default: false },
    processes: { type: 'string', default: '2' },
  } as const;
  const refuse = (why: string): null => {
    process.stderr.write(`${why}\n${usage}`);
    return null;
  };
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];
  try {
    values = parseArgs({ options }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
  const numbers = [values.seed, values.runs, values.processes].map(Number);
  const [firstSeed, runs, processes] = numbers as [number, number, number];
  if (numbers.some((number) => !Number.isSafeInteger(number) || number < 1))
    return refuse('a number from 1 on is wanted');
  const mutant = mutants.find(({ name }) => name === values.mutant) ?? null;
  if (values.mutant !== undefined && mutant === null) return refuse(`no mutant is called ${values.mutant}`);
  return {
    firstSeed,
    runs,
    processes,
    isTraced: values.trace,
    isQuick: values.quick,
    report: values.report ?? null,
    mutant,
  };
}
