/** What a campaign is asked for on its command line. */
import { parseArgs } from 'node:util';
import { type ServerName, serverNames } from './world.js';

export interface CampaignOptions {
  /** Processes killed by SIGKILL; other faults come on top. */
  readonly kills: number;
  readonly server: ServerName;
  readonly seed: number;
  readonly writers: number;
  /** Rows of the large table. */
  readonly rows: number;
  /** It ends after so many minutes, with fewer kills. */
  readonly minutes: number;
  /** A file in Markdown that takes the figures. */
  readonly report: string | null;
}

export const usage = `npm run campaign -- [--kills N] [--server mysql56|mariadb] [--seed S] [--writers W] [--rows R] [--minutes M] [--report FILE]

Faults on a real server, the emulator and mcsync, among writers; then a proof, row by row, that each change is in the
change logs once. Ends with 1 when it is not.

  --kills    processes killed by SIGKILL (default 20); other faults come on top
  --server   mysql56 (default) or mariadb
  --seed     what faults and rows are drawn from (default: from the clock); printed
  --writers  sessions that write meanwhile (default 4)
  --rows     rows of the large table (default 60000)
  --minutes  end after so many minutes, with fewer kills (default: no limit)
  --report   write the figures into this file as well`;

/** Throws with a sentence for people. */
export function readOptions(args: readonly string[], nowMs: number): CampaignOptions {
  const option = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ kills: option, server: option, seed: option, writers: option },
      ...{ rows: option, minutes: option, report: option },
    },
  });
  const count = (
    name: 'kills' | 'seed' | 'writers' | 'rows' | 'minutes',
    low: number,
    high: number,
    normal: number,
  ): number => {
    const text = values[name];
    if (text === undefined) return normal;
    const value = Number(text);
    if (!Number.isInteger(value) || value < low || value > high)
      throw new Error(`--${name} ${text}: wanted a whole number from ${low} to ${high}`);
    return value;
  };
  const server = serverNames.find((name) => name === (values.server ?? 'mysql56'));
  if (server === undefined) throw new Error(`--server ${values.server}: wanted ${serverNames.join(' or ')}`);
  return {
    kills: count('kills', 0, 1_000_000, 20),
    server,
    seed: count('seed', 0, 4_294_967_295, nowMs % 4_294_967_296),
    writers: count('writers', 1, 64, 4),
    rows: count('rows', 1_000, 10_000_000, 60_000),
    minutes: count('minutes', 1, 100_000, Number.POSITIVE_INFINITY),
    report: values.report ?? null,
  };
}
