/** kill -9 at moments that nobody chose: nothing lost, nothing doubled. MCSYNC_LIVE=1 kills 20 times, else 3 times. */
import { describeWithPart } from '../parts/part.js';
import { logFaults, noFaults, sourceRows, targetRows } from './compare.js';
import { liveServersOr } from './servers.js';
import { openWorld, type World } from './world.js';
import { startWriters, type Transaction } from './writers.js';

const kills = process.env.MCSYNC_LIVE === '1' ? 20 : 3;
/** From before the first document is written to well into streaming. */
const aliveMsMax = 4_000;

const setUp = [
  'CREATE DATABASE bank CHARACTER SET utf8mb4',
  'CREATE TABLE bank.accounts (id INT PRIMARY KEY, balance DECIMAL(20,2) NOT NULL, touched INT NOT NULL)',
  'CREATE TABLE bank.journal (id BIGINT AUTO_INCREMENT PRIMARY KEY, writer INT NOT NULL, round INT NOT NULL, text TEXT)',
  'CREATE TABLE bank.ticks (writer INT, note VARCHAR(20))',
];

const transfer: Transaction = (writer, round) => {
  const [from, to] = [(writer * 31 + round * 7) % 2000, (writer * 17 + round * 13) % 2000].sort((a, b) => a - b);
  return [
    `UPDATE bank.accounts SET balance = balance - 1.25, touched = touched + 1 WHERE id = ${from}`,
    `UPDATE bank.accounts SET balance = balance + 1.25 WHERE id = ${to}`,
    `INSERT INTO bank.journal (writer, round, text) VALUES (${writer}, ${round}, REPEAT('→', ${round % 90}))`,
    `DELETE FROM bank.journal WHERE writer = ${writer} AND round = ${round - 400}`,
    `INSERT INTO bank.ticks VALUES (${writer}, 'tick'), (${writer}, 'tick')`,
    `DELETE FROM bank.ticks WHERE writer = ${writer} LIMIT 1`,
  ];
};

for (const { title, parts, start } of liveServersOr('MySQL 5.6')) {
  describeWithPart(parts, `killed ${kills} times on ${title}`, () => {
    let world: World;

    beforeAll(async () => {
      world = await openWorld(start);
      for (const statement of setUp) await world.server.query(statement);
      const rows = Array.from({ length: 2000 }, (_, id) => `(${id}, 1000, 0)`).join(', ');
      await world.server.query(`INSERT INTO bank.accounts VALUES ${rows}`);
    }, 60_000);
    afterAll(() => world?.close(), 30_000);

    it(
      'goes on where it was, with every change once',
      async () => {
        const task = world.writeTask('bank', { objects: [{ database: 'bank' }] });
        const command = ['run', '-f', task, '--state', world.stateDir] as const;
        const writers = await startWriters(world.server, 4, transfer);
        for (let round = 0; round < kills; round += 1) {
          const running = world.start(...command);
          const aliveMs = 200 + Math.random() * aliveMsMax;
          const early = await Promise.race([
            running.ended,
            new Promise<null>((resolve) => setTimeout(() => resolve(null), aliveMs)),
          ]);
          expect(early === null ? '' : `ended by itself with ${early.code}: ${early.stderr}`).toBe('');
          // Workers whose parent is gone must not write on beside those of the next run.
          running.kill(round % 2 === 0 ? 'group' : 'parent');
          await running.ended;
        }
        await writers.stop();
        const last = await world.run(...command, '--until', 'caught-up');
        expect(last.code === 0 ? '' : last.stderr).toBe('');

        const tables = ['accounts', 'journal', 'ticks'] as const;
        for (const table of tables) {
          const merge = await world.run(
            'merge',
            '-f',
            task,
            '--state',
            world.stateDir,
            `bank.${table}`,
            '--into',
            `${table}_now`,
          );
          expect(merge.code === 0 ? '' : merge.stderr).toBe('');
        }
        const logs = await world.read('accounts_log', 'journal_log', 'ticks_log');
        expect(logFaults(logs)).toEqual(noFaults);
        const merged = await world.read('accounts_now', 'journal_now', 'ticks_now');
        for (const table of tables) {
          const found = await targetRows(world.server, 'bank', table, merged[`${table}_now`]);
          expect({ table, rows: found }).toEqual({ table, rows: await sourceRows(world.server, 'bank', table) });
        }
      },
      90_000 + kills * 15_000,
    );
  });
}
