/**
 * Every fault of the emulator while a baseline is filled, and while changes are streamed, with writers at work: at the end
 * both are equal to the source, and the log's rules hold. MCSYNC_LIVE=1 runs all of them, else a few; on MySQL 5.6, or on
 * MCSYNC_SERVER=MariaDB: they are faults of the other end.
 */
import { createFileStore } from '../../operator/local/file-store.js';
import { observeDocuments } from '../../operator/reconcile/observe.js';
import { describeWithPart } from '../parts/part.js';
import { logFaults, noFaults, sourceRows, targetRows } from './compare.js';
import { type FaultApi, faultApi } from './fault-api.js';
import { type FaultCase, patientCases, quickCases, serviceCases } from './fault-cases.js';
import { liveServers } from './servers.js';
import { type CommandResult, openWorld, type ReadTable, type RunningProgram, type World } from './world.js';
import { startWriters, type Transaction } from './writers.js';

const isLong = process.env.MCSYNC_LIVE === '1';
const cases: readonly FaultCase[] = [...quickCases, ...patientCases].filter((one) => isLong || one.isShort);
const streamed = isLong ? cases : cases.filter((_, index) => index % 2 === 0);
/** One table per case, so that each has a baseline of its own to be disturbed. */
const copied = cases.map((one, index) => ({ ...one, table: `t${String(index).padStart(2, '0')}` }));
const rowsPerTable = 400;
const caseMsMax = 90_000;
const itWhenLong = (title: string, body: () => Promise<void>, msMax: number): void =>
  isLong ? it(title, body, msMax) : it.skip(`${title} (slow: MCSYNC_LIVE=1 runs it)`, body, msMax);
/** Enough for changes in every flush; more would only make the comparison long. */
const writerPauseMs = 40;

const streamedTables = ['orders', 'ticks'];
const tables = [...copied.map(({ table }) => table), ...streamedTables];
const env = { NODE_OPTIONS: `--import ${new URL('jumping-clock.mjs', import.meta.url)}` };

const columns = 'id INT NOT NULL, writer INT NOT NULL, note VARCHAR(40) CHARACTER SET utf8mb4, amount DECIMAL(12,3)';
const setUp = [
  'CREATE DATABASE f CHARACTER SET utf8mb4',
  // Each sixth table has no key: it is read in one view, and they are read one after the other.
  ...copied.map(
    ({ table }, index) => `CREATE TABLE f.${table} (${columns}${index % 6 === 5 ? '' : ', PRIMARY KEY (id)'})`,
  ),
  'CREATE TABLE f.orders (id INT PRIMARY KEY, writer INT NOT NULL, round INT NOT NULL, note VARCHAR(40))',
  'CREATE TABLE f.ticks (writer INT, note VARCHAR(20))',
];

function fill(table: string): string {
  const rows = Array.from({ length: rowsPerTable }, (_, id) => `(${id}, 0, 'first ${id}', ${id}.125)`);
  return `INSERT INTO f.${table} VALUES ${rows.join(', ')}`;
}

const write: Transaction = (writer, round) => {
  const { table } = copied[(writer * 13 + round) % copied.length] as { table: string };
  const id = (writer * 71 + round * 7) % rowsPerTable;
  return [
    `UPDATE f.${table} SET amount = amount + 1, writer = ${writer} WHERE id = ${id}`,
    `DELETE FROM f.${table} WHERE id = ${(id * 3) % rowsPerTable} LIMIT 1`,
    `INSERT IGNORE INTO f.${table} VALUES (${rowsPerTable + ((round * 4 + writer) % 200)}, ${writer}, 'é ${round}', ${round})`,
    `REPLACE INTO f.orders VALUES (${writer * 1_000_000 + round}, ${writer}, ${round}, REPEAT('→', ${round % 30}))`,
    `UPDATE f.orders SET note = CONCAT(LEFT(note, 20), '~') WHERE id = ${writer * 1_000_000 + round - 3}`,
    `DELETE FROM f.orders WHERE id = ${writer * 1_000_000 + round - 200}`,
    `INSERT INTO f.ticks VALUES (${writer}, 'tick'), (${writer}, 'tick')`,
    `DELETE FROM f.ticks WHERE writer = ${writer} LIMIT 1`,
  ];
};

const wantedServer = process.env.MCSYNC_SERVER ?? 'MySQL 5.6';

for (const { title, parts, start } of liveServers.filter((server) => server.title === wantedServer)) {
  describeWithPart(parts, `faults of MaxCompute, with ${title}`, () => {
    let world: World;
    let faults: FaultApi;
    let command: readonly string[];

    beforeAll(async () => {
      world = await openWorld(start, { emulatorFlags: ['--faults'], env });
      faults = faultApi(world.endpoint);
      for (const statement of setUp) await world.server.query(statement);
      for (const { table } of copied) await world.server.query(fill(table));
      const snapshot = { chunkRows: rowsPerTable / 4, parallelism: 2 };
      const task = world.writeTask('f', { objects: [{ database: 'f' }], snapshot, recovery: { maxRestarts: 100 } });
      command = ['-f', task, '--state', world.stateDir];
    }, 120_000);
    afterAll(() => world?.close(), 30_000);

    it(
      `${copied.length} while baselines are filled, each at a table of its own`,
      async () => {
        await faults.add(copied.flatMap((one) => one.faults(`${one.table}_base`)));
        await amongWriters(async (running) => {
          await until(() => allHit(faults), running, 'every fault has hit', caseMsMax + copied.length * 6_000);
        });
        // The short run compares once, at its end.
        if (isLong) await expectEqual(world, command);
      },
      200_000 + copied.length * 12_000,
    );

    it(
      'while changes are streamed, two at a time',
      async () => {
        await amongWriters(async (running) => {
          for (let at = 0; at < streamed.length; at += 2) await disturb(streamed.slice(at, at + 2), running);
          if (isLong) await clockAndSecondCommit(running);
        });
        await expectEqual(world, command);
      },
      120_000 + quickCases.length * 15_000,
    );

    // The campaign kills it too, in every run.
    itWhenLong(
      'killed before and after a commit, and started again',
      async () => {
        await amongWriters(async (running) => {
          for (const when of ['before', 'after'] as const) {
            await faults.add([{ on: 'commit', table: 'orders_log', do: { kill: when } }]);
            await world.emulatorAgain();
            await progress(running);
          }
        });
        await expectEqual(world, command, streamedTables);
      },
      400_000,
    );

    itWhenLong(
      'of statements and their results, at a start',
      async () => {
        const startAgain = async (round: number): Promise<CommandResult> => {
          await world.server.query(`REPLACE INTO f.orders VALUES (${-1 - round}, 0, ${round}, 'before start')`);
          return await world.run('run', ...command, '--until', 'caught-up');
        };
        // From then on there are rows in a log, and a start asks for the largest id in it.
        expect((await startAgain(0)).code).toBe(0);
        expect((await startAgain(1)).code).toBe(0);
        for (const [index, one] of serviceCases.entries()) {
          const ids = await faults.add(one.faults());
          const { code, stderr } = await startAgain(2 + index);
          const hits = (await faults.list()).filter(({ id }) => ids.includes(id)).map((fault) => fault.hits);
          await faults.clear();
          const seen = { name: one.name, code, stderr: code === 0 ? '' : stderr, isHit: Math.min(...hits) > 0 };
          expect(seen).toEqual({ name: one.name, code: 0, stderr: '', isHit: true });
        }
        await expectEqual(world, command, streamedTables);
      },
      400_000,
    );

    itWhenLong(
      'told a wrong list until the session has expired',
      async () => {
        await amongWriters(async (running) => {
          const [id] = await faults.add([
            { on: 'reload', table: 'orders_log', do: { blockList: { omit: [0] } }, skip: 1, times: 'always' },
          ]);
          const hits = async (): Promise<number> => (await faults.list()).find((fault) => fault.id === id)?.hits ?? 0;
          await until(async () => (await hits()) >= 5, running, 'asked again and again');
          await faults.set({ clockSkewMs: 25 * 3_600_000 });
          const before = await hits();
          await until(async () => (await hits()) > before, running, 'seen expired');
          await faults.clear();
          await progress(running);
          await faults.set({ clockSkewMs: 0 });
        });
        await expectEqual(world, command, streamedTables);
      },
      400_000,
    );

    async function amongWriters(work: (running: RunningProgram) => Promise<void>): Promise<void> {
      const writers = await startWriters(world.server, 3, write, writerPauseMs);
      const running = world.start('run', ...command);
      try {
        await work(running);
        await writers.stop();
      } finally {
        await faults.clear();
        running.stop();
        await writers.stop().catch(() => undefined);
        await running.ended;
      }
      expect(await running.ended).toMatchObject({ code: 0 });
    }

    /** Two at a time, each at a log of its own. */
    async function disturb(pair: readonly FaultCase[], running: RunningProgram): Promise<void> {
      const logs = ['orders_log', 'ticks_log'];
      const ids = await faults.add(pair.flatMap((one, index) => one.faults(logs[index] as string)));
      await until(() => allHit(faults, ids), running, pair.map(({ name }) => name).join('; '));
      await progress(running);
      await faults.clear();
    }

    async function clockAndSecondCommit(running: RunningProgram): Promise<void> {
      for (const clockSkewMs of [600_000, -600_000, 0]) {
        await faults.set({ clockSkewMs });
        await progress(running);
      }
      await faults.set({ secondCommit: 'success' });
      const late = { lands: { afterRequest: 1 }, answer: { status: 503 } } as const;
      await disturb(
        [{ name: 'second commit succeeds', faults: (table) => [{ on: 'commit', table, do: { late } }] }],
        running,
      );
      await faults.set({ secondCommit: 'conflict' });
    }

    /** Changes written by now are in the logs. */
    async function progress(running: RunningProgram): Promise<void> {
      const recordId = await recordIdOf(world);
      await until(async () => (await recordIdOf(world)) > recordId, running, 'progress');
    }
  });
}

async function allHit(faults: FaultApi, ids?: readonly string[]): Promise<boolean> {
  const listed = (await faults.list()).filter(({ id }) => ids?.includes(id) ?? true);
  return listed.every(({ hits, times }) => (times === 'always' ? hits > 0 : hits >= times));
}

async function recordIdOf({ stateDir }: World): Promise<number> {
  return (await observeDocuments(createFileStore(stateDir), 'f', 1)).checkpoint?.recordId ?? 0;
}

/** Asks again until it is so; fails at once when mcsync has ended. */
async function until(
  isSo: () => Promise<boolean>,
  running: RunningProgram,
  what: string,
  msMax = caseMsMax,
): Promise<void> {
  let ended = '';
  void running.ended.then(({ code, stderr }) => {
    ended = `mcsync ended with ${code}: ${stderr.slice(-3_000)}`;
  });
  const untilMs = Date.now() + msMax;
  while (!(await isSo())) {
    if (ended !== '') throw new Error(`${what}: ${ended}`);
    if (Date.now() > untilMs)
      throw new Error(`${what}: not within ${msMax / 1000} s: ${running.stderr().slice(-3_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** `merged`: the tables that are merged and compared; the rules hold over all logs together. */
async function expectEqual(world: World, command: readonly string[], merged = tables): Promise<void> {
  const last = await world.run('run', ...command, '--until', 'caught-up');
  expect(last.code === 0 ? '' : last.stderr).toBe('');
  const merge = await world.run('merge', ...command, ...merged.map((table) => `f.${table}`));
  expect(merge.code === 0 ? '' : merge.stderr).toBe('');
  // `f.orders -> live.orders_1795374000: 123 rows`
  const names = [...merge.stdout.matchAll(/^f\.(\w+) -> live\.(\w+):/gm)].map(([, from, into]) => [from, into]);
  const into = Object.fromEntries(names) as Record<string, string>;
  const results = await world.read(...Object.values(into));
  for (const table of merged) {
    const found = await targetRows(world.server, 'f', table, results[into[table] as string] as ReadTable);
    const expected = await sourceRows(world.server, 'f', table);
    expect({ table, wrong: found.filter((row, at) => row !== expected[at]).slice(0, 3), rows: found.length }).toEqual({
      table,
      wrong: [],
      rows: expected.length,
    });
  }
  expect(logFaults(await world.read(...tables.map((table) => `${table}_log`)))).toEqual(noFaults);
}
