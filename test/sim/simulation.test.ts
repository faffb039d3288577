/** The pipeline through many histories, each with its own faults: nothing lost, doubled, torn or stopped without a reason. */
import { faultKinds } from './faults.js';
import { simulate } from './simulate.js';

const runs = process.env.MCSYNC_LIVE === '1' ? 1_000 : 150;
const firstSeed = Number(process.env.MCSYNC_SEED ?? 1);
/** A seed takes a tenth of a second; the machine may be busy with other suites. */
const testMsMax = runs * 1_000;

test(
  `${runs} seeds from ${firstSeed}`,
  async () => {
    const { code, report, shown } = await simulate(['--seed', `${firstSeed}`, '--runs', `${runs}`]);
    if (code !== 0) throw new Error(shown);
    expect(report.seeds).toBe(runs);
    expect(report.commits).toBeGreaterThan(5 * runs);
    expect(report.kills).toBeGreaterThan(runs);
    // A kind that never happens proves nothing; the rarest of them holds a task up for a day.
    const missed = Object.keys(faultKinds).filter((kind) => !report.faults[kind]);
    expect(missed).toEqual([]);
  },
  testMsMax,
);

test('one seed gives one history', async () => {
  const args = ['--seed', `${firstSeed + 6}`, '--runs', '1', '--trace'];
  const [first, second] = [await simulate(args), await simulate(args)];
  const withoutTime = (text: string): string => text.replace(/^seconds .*$/m, '');
  expect(first.shown.split('\n').length).toBeGreaterThan(100);
  expect(withoutTime(second.shown)).toBe(withoutTime(first.shown));
}, 60_000);
