/**
 * Makes a failing seed smaller: the log cut short, then faults left out, as long as it still fails in the same way. What is
 * left is shown; the seed alone repeats the whole of it.
 */
import type { SeedResult } from './seed.js';
import type { ShownSeed } from './seeds.js';

export type RunSmaller = (
  entriesMax: number,
  suppressed: ReadonlySet<number>,
  isTraced: boolean,
) => Promise<SeedResult>;

/** Runs that making a seed smaller may cost. */
const runsMax = 150;

export async function shrinkSeed(failed: SeedResult, run: RunSmaller): Promise<ShownSeed> {
  const kind = kindOf(failed);
  let runs = 0;
  let entries = failed.entries;
  let suppressed: ReadonlySet<number> = new Set();
  let best = failed;
  const tryOut = async (entriesMax: number, without: ReadonlySet<number>): Promise<boolean> => {
    if (runs >= runsMax) return false;
    runs += 1;
    const result = await run(entriesMax, without, false);
    if (kindOf(result) !== kind) return false;
    [entries, suppressed, best] = [entriesMax, without, result];
    return true;
  };
  for (let cut = Math.ceil(entries / 2); cut >= 1; cut = Math.floor(cut / 2))
    while (entries - cut >= 1 && (await tryOut(entries - cut, suppressed)));
  // Half of the faults at a time, then a quarter, down to single ones.
  for (let size = Math.ceil(best.firedFaults.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < best.firedFaults.length; from += size) {
      const part = best.firedFaults.slice(from, from + size).map(({ number }) => number);
      if (part.some((number) => !suppressed.has(number))) await tryOut(entries, new Set([...suppressed, ...part]));
    }
  }
  const shown = await run(entries, suppressed, true);
  const faultsLeft = Object.values(shown.faults).reduce((sum, count) => sum + count, 0);
  return { ...shown, shrunk: { faultsLeft, entriesLeft: entries, runs } };
}

/** `doubled`, `lost`, `false stop of stream-: CHECKPOINT_BEHIND_LOG`: what failed, without the numbers. */
export function kindOf({ failure }: Pick<SeedResult, 'failure'>): string {
  const [line = ''] = (failure ?? '').split('\n');
  const stop = /^(false stop of [a-z]+)-\d+: ([A-Z_]+)/.exec(line);
  if (stop) return `${stop[1]}: ${stop[2]}`;
  const bug = /^bug in ([a-z]+)-\d+: (.*)/.exec(line);
  if (bug) return `bug in ${bug[1]}: ${bug[2]?.replaceAll(/\d+/g, 'N')}`;
  return line.split(':')[0]?.replaceAll(/\d+/g, 'N') ?? '';
}
