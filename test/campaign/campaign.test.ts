/**
 * A short campaign on each server: MCSYNC_LIVE=1 kills 20 times on both, else 3 times on MySQL 5.6. The long ones are by
 * hand: `npm run campaign -- --kills 500`. MCSYNC_SEED names another seed.
 */
import { describeWithPart } from '../parts/part.js';
import { pyodps } from '../parts/pyodps.js';
import { runCampaign } from './campaign.js';
import { renderFigures, renderVerdict } from './report.js';
import { serverNames, serverParts } from './world.js';

const isLive = process.env.MCSYNC_LIVE === '1';
const kills = isLive ? 20 : 3;
/** Of now, so that each run draws other faults; it stands in the name of the test. */
const seed = Number(process.env.MCSYNC_SEED ?? Date.now() % 4_294_967_296);

for (const server of isLive ? serverNames : (['mysql56'] as const)) {
  describeWithPart([serverParts[server], pyodps], `${kills} kills on ${server}`, () => {
    it(
      `lose nothing, double nothing, tear nothing (seed ${seed})`,
      async () => {
        const progress = { fault: () => undefined, stage: () => undefined };
        const options = { kills, server, seed, writers: 4, rows: isLive ? 40_000 : 5_000 };
        const result = await runCampaign(
          { ...options, minutes: Number.POSITIVE_INFINITY, report: null },
          progress,
          new AbortController().signal,
        );
        expect(result.kills).toBe(kills);
        expect(result.verdict.figures['changes in the logs']).toBeGreaterThan(0);
        const told = [renderVerdict(result), renderFigures(result), ...result.kept.map((place) => `kept: ${place}`)];
        expect(result.verdict.faults.length === 0 ? '' : told.join('\n')).toBe('');
      },
      120_000 + kills * 20_000,
    );
  });
}
