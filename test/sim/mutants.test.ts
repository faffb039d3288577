/** Each rule of the protocol is taken out once, and the simulation must notice: 1,000 seeds at the most. */
import { mutants } from './mutants.js';
import { copyPipeline, removePipeline, smallLimits } from './patched-pipeline.js';
import { simulate } from './simulate.js';

const seedsMax = 1_000;
const testMsMax = 600_000;

/** The eight that the protocol was built against; the others stand for single sentences of docs/design.md. */
const always = new Set([
  'skip-the-reload',
  'save-the-intent-late',
  'new-ids-on-retry',
  'no-fence',
  'commit-before-the-intent',
  'replay-all-sessions',
  'count-while-committing',
  'one-block-id-with-two-contents',
]);

test('the list is whole', () => {
  const names = mutants.map(({ name }) => name);
  expect([...always].filter((name) => !names.includes(name))).toEqual([]);
});

test('each patch fits its source in one place', () => {
  for (const { edits } of mutants) removePipeline(copyPipeline([...edits, ...smallLimits]));
});

const run = mutants.filter(({ name }) => always.has(name) || process.env.MCSYNC_LIVE === '1');

test.each(run.map(({ name }) => name))(
  'without its rule the pipeline is caught: %s',
  async (name) => {
    const { code, report, shown } = await simulate(['--mutant', name, '--runs', `${seedsMax}`, '--quick']);
    if (code !== 1) throw new Error(`survived ${report.seeds} seeds\n${shown}`);
    const [caught] = report.failures;
    process.stdout.write(
      `  ${name}: caught by seed ${caught?.seed}, ${report.seeds} seeds run (${caught?.text?.split('\n')[0]})\n`,
    );
    expect(report.seeds).toBeLessThanOrEqual(seedsMax);
  },
  testMsMax,
);
