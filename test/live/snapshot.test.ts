/** Rows that change, go away and change their keys while their chunks are read. Runs with MCSYNC_LIVE=1. */
import { describeWhenLive } from '../parts/part.js';
import { logFaults, noFaults, sourceRows, targetRows } from './compare.js';
import { liveServers } from './servers.js';
import { openWorld, type World } from './world.js';
import { startWriters, type Transaction } from './writers.js';

const rows = 300_000;
const chunkRows = rows / 20;
const digit = `(${Array.from({ length: 10 }, (_, d) => `SELECT ${d} d`).join(' UNION ALL ')})`;
const numbers = `(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d AS n
  FROM ${'abcefg'
    .split('')
    .map((name) => `${digit} ${name}`)
    .join(', ')} HAVING n < ${rows}) numbers`;

const setUp = [
  'CREATE DATABASE big CHARACTER SET utf8mb4',
  'CREATE TABLE big.texts (k VARCHAR(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, n INT NOT NULL, t TEXT)',
  'CREATE TABLE big.pairs (a INT NOT NULL, b INT NOT NULL, v DECIMAL(20,4), PRIMARY KEY (b, a))',
  `INSERT INTO big.texts SELECT CONCAT(MOD(n * 7919, ${rows}), '-é'), n, REPEAT('x', n % 100) FROM ${numbers}`,
  `INSERT INTO big.pairs SELECT n % 100, n DIV 100, n / 7 FROM ${numbers}`,
];

const disturb: Transaction = (writer, round) => {
  const place = (writer * 7919 + round * 104_729) % rows;
  return [
    `UPDATE big.texts SET n = n + 1, t = CONCAT('~', LEFT(t, 50)) WHERE k = '${place}-é'`,
    `UPDATE IGNORE big.texts SET k = CONCAT('z', k) WHERE k = '${(place * 3) % rows}-é'`,
    `DELETE FROM big.texts WHERE k = '${(place * 5) % rows}-é'`,
    `INSERT IGNORE INTO big.texts VALUES ('${(place * 5) % rows}-é', -1, 'back again')`,
    `UPDATE IGNORE big.pairs SET b = b + 1000000 WHERE a = ${place % 100} AND b = ${Math.floor(place / 100)}`,
    `DELETE FROM big.pairs WHERE a = ${(place + 1) % 100} AND b = ${Math.floor(place / 90)}`,
  ];
};

for (const { title, parts, start } of liveServers) {
  describeWhenLive(parts, `a snapshot of ${2 * rows} rows among writers on ${title}`, () => {
    let world: World;

    beforeAll(async () => {
      world = await openWorld(start);
      for (const statement of setUp) await world.server.query(statement);
    }, 120_000);
    afterAll(() => world?.close(), 30_000);

    it('merges to the source, row by row', async () => {
      const task = world.writeTask('big', { objects: [{ database: 'big' }], snapshot: { parallelism: 3, chunkRows } });
      const command = ['run', '-f', task, '--state', world.stateDir, '--until', 'caught-up'] as const;
      const writers = await startWriters(world.server, 4, disturb, 1);
      const first = await world.run(...command);
      await writers.stop();
      expect(first.code === 0 ? '' : first.stderr).toBe('');
      const second = await world.run(...command);
      expect(second.code === 0 ? '' : second.stderr).toBe('');
      for (const table of ['texts', 'pairs'] as const) {
        const into = `${table}_now` as const;
        const merge = await world.run('merge', '-f', task, '--state', world.stateDir, `big.${table}`, '--into', into);
        expect(merge.code === 0 ? '' : merge.stderr).toBe('');
        const expected = await sourceRows(world.server, 'big', table);
        const found = await targetRows(world.server, 'big', table, (await world.read(into))[into]);
        expect(found.length).toBe(expected.length);
        expect(found.filter((row, index) => row !== expected[index]).slice(0, 5)).toEqual([]);
      }
      expect(logFaults(await world.read('texts_log', 'pairs_log'))).toEqual(noFaults);
    }, 240_000);
  });
}
