/**
 * Rows written at the very moment of the start. 16 writers; MCSYNC_LIVE=1 starts 25 times on each server, else twice.
 * MCSYNC_STARTS names another number; a start takes some 13 seconds on two cores.
 */
import { join } from 'node:path';
import { describeWithPart } from '../parts/part.js';
import { liveServersOr } from './servers.js';
import { openWorld, type ReadTable, type World } from './world.js';
import { startWriters, type Transaction } from './writers.js';

const starts = Number(process.env.MCSYNC_STARTS ?? (process.env.MCSYNC_LIVE === '1' ? 25 : 2));
const writerCount = 16;

const insert: Transaction = (writer, round) => [
  `INSERT INTO race.keyed (writer, round) VALUES (${writer}, ${round})`,
  `INSERT INTO race.pairs VALUES (${writer}, ${round})`,
  `INSERT INTO race.keyless VALUES (${writer}, ${round})`,
];

for (const { title, parts, start } of liveServersOr('MariaDB')) {
  describeWithPart(parts, `started ${starts} times in the midst of ${writerCount} writers on ${title}`, () => {
    let world: World;

    beforeAll(async () => {
      world = await openWorld(start);
      for (const statement of [
        'CREATE DATABASE race',
        'CREATE TABLE race.keyed (id BIGINT AUTO_INCREMENT PRIMARY KEY, writer INT, round INT)',
        'CREATE TABLE race.pairs (writer INT, round INT, PRIMARY KEY (writer, round))',
        'CREATE TABLE race.keyless (writer INT, round INT)',
      ])
        await world.server.query(statement);
    }, 60_000);
    afterAll(() => world?.close(), 30_000);

    it(
      'misses no row and doubles none',
      async () => {
        const writers = await startWriters(world.server, writerCount, insert, 20);
        for (let round = 0; round < starts; round += 1) {
          const before = await countRows(world);
          const task = world.writeTask(`race${round}`, {
            objects: [{ database: 'race', targetTable: `r${round}_{table}` }],
          });
          const state = join(world.folder, `state${round}`);
          const run = await world.run('run', '-f', task, '--state', state, '--until', 'caught-up');
          expect(run.code === 0 ? '' : `start ${round}: ${run.stderr}`).toBe('');
          for (const table of ['keyed', 'pairs', 'keyless'] as const) {
            const merge = await world.run(
              'merge',
              '-f',
              task,
              '--state',
              state,
              `race.${table}`,
              '--into',
              `r${round}_${table}_now`,
            );
            expect(merge.code === 0 ? '' : `start ${round}: ${merge.stderr}`).toBe('');
          }
          const names = (['keyed', 'pairs', 'keyless'] as const).map((table) => `r${round}_${table}_now` as const);
          const merged = await world.read(...names);
          for (const name of names)
            expect({ start: round, name, ...holes(merged[name] as ReadTable, before) }).toEqual({
              start: round,
              name,
              missing: [],
              doubled: [],
              isComplete: true,
            });
        }
        await writers.stop();
      },
      60_000 + starts * 20_000,
    );
  });
}

async function countRows(world: World): Promise<number> {
  const [row] = await world.server.query('SELECT COUNT(*) AS n FROM race.pairs');
  return Number(row?.n);
}

/**
 * Each writer commits its rounds in order, so what a merge shows of it must be all rounds from 0 to some last one; and
 * together at least the rows that were committed before the start.
 */
function holes(table: ReadTable, rowsBefore: number): { missing: string[]; doubled: string[]; isComplete: boolean } {
  const place = (name: string): number => table.columns.findIndex(([column]) => column === name);
  const rounds = new Map<string, Map<number, number>>();
  for (const row of table.rows) {
    const [writer, round] = [row[place('writer')] ?? '', Number(row[place('round')])];
    const seen = rounds.get(writer) ?? new Map<number, number>();
    seen.set(round, (seen.get(round) ?? 0) + 1);
    rounds.set(writer, seen);
  }
  const missing: string[] = [];
  const doubled: string[] = [];
  for (const [writer, seen] of rounds) {
    const last = [...seen.keys()].reduce((largest, round) => Math.max(largest, round), 0);
    for (let round = 0; round <= last; round += 1) if (!seen.has(round)) missing.push(`${writer}:${round}`);
    for (const [round, times] of seen) if (times > 1) doubled.push(`${writer}:${round}`);
  }
  return { missing, doubled, isComplete: table.rows.length >= rowsBefore };
}
