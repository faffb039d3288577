/**
 * The source fails over to its replica, and back, while `mcsync run` works and writers write: it goes on by itself, with every
 * change once. Behind one address, as with a virtual IP. With MCSYNC_LIVE=1.
 */
import { createFileStore } from '../../operator/local/file-store.js';
import { documentNames } from '../../operator/model/document-names.js';
import type { CheckpointDocument, ShardDocument } from '../../operator/model/documents.js';
import { startTcpProxy, type TcpProxy } from '../mysql/tcp-proxy.js';
import { describeWhenLive } from '../parts/part.js';
import { pyodps } from '../parts/pyodps.js';
import { pairKinds, type ServerPair } from '../parts/server-pair.js';
import type { TestServer } from '../parts/test-server.js';
import { logFaults, noFaults, sourceRows, targetRows } from './compare.js';
import { openWorld, type World } from './world.js';
import { startWriters, type Transaction, type Writers } from './writers.js';

const task = 'bank';
const accounts = 20_000;
/** Against a hang; each takes half a minute on two idle cores. */
const minutesMax = 5;
const tables = ['accounts', 'journal', 'ticks'] as const;

const setUp = [
  'CREATE DATABASE bank CHARACTER SET utf8mb4',
  'CREATE TABLE bank.accounts (id INT PRIMARY KEY, balance DECIMAL(20,2) NOT NULL, touched INT NOT NULL)',
  'CREATE TABLE bank.journal (id BIGINT AUTO_INCREMENT PRIMARY KEY, writer INT NOT NULL, round INT NOT NULL, text TEXT)',
  'CREATE TABLE bank.ticks (writer INT, note VARCHAR(20))',
];

const transfer: Transaction = (writer, round) => {
  const [from, to] = [(writer * 31 + round * 7) % accounts, (writer * 17 + round * 1301) % accounts].sort(
    (a, b) => a - b,
  );
  return [
    `UPDATE bank.accounts SET balance = balance - 1.25, touched = touched + 1 WHERE id = ${from}`,
    `UPDATE bank.accounts SET balance = balance + 1.25 WHERE id = ${to}`,
    `INSERT INTO bank.journal (writer, round, text) VALUES (${writer}, ${round}, REPEAT('→', ${round % 90}))`,
    `INSERT INTO bank.ticks VALUES (${writer}, 'tick'), (${writer}, 'tick')`,
    `DELETE FROM bank.ticks WHERE writer = ${writer} LIMIT 1`,
  ];
};

for (const { title, part, open } of pairKinds) {
  describeWhenLive([part, pyodps], `the source fails over: ${title}`, () => {
    let pair: ServerPair;
    let world: World;
    let proxy: TcpProxy;
    let taskFile: string;

    beforeEach(async () => {
      pair = await open();
      world = await openWorld(async () => pair.a);
      proxy = await startTcpProxy(pair.a.port);
      for (const statement of setUp) await pair.a.query(statement);
      for (let from = 0; from < accounts; from += 5_000) {
        const rows = Array.from({ length: 5_000 }, (_, at) => `(${from + at}, 1000, 0)`).join(', ');
        await pair.a.query(`INSERT INTO bank.accounts VALUES ${rows}`);
      }
      await pair.caughtUp(pair.b, pair.a);
      taskFile = world.writeTask(task, {
        source: {
          host: '127.0.0.1',
          port: proxy.port,
          credentials: { secretRef: { name: 'source' } },
          tls: { mode: 'Disabled' },
        },
        objects: [{ database: 'bank', tables: [...tables] }],
        snapshot: { parallelism: 2, chunkRows: 500 },
      });
    }, 90_000);
    afterEach(async () => {
      await proxy?.close();
      await world?.close();
      await pair?.b.stop();
    }, 30_000);

    const command = () => ['run', '-f', taskFile, '--state', world.stateDir] as const;
    const load = async <Document>(name: string): Promise<Document | null> => {
      const stored = await createFileStore(world.stateDir).load(name);
      return stored && (JSON.parse(stored.body) as Document);
    };
    const checkpoint = () => load<CheckpointDocument>(documentNames.checkpoint(task));

    /** Every commit of the writers has reached the replica, which then takes the place of a server that is gone. */
    async function failOver(from: TestServer, to: TestServer, writers: Writers): Promise<Writers> {
      await writers.stop();
      await pair.caughtUp(to, from);
      await pair.promote(to);
      from.kill();
      proxy.targetPort = to.port;
      proxy.cut();
      return await startWriters(to, 4, transfer);
    }

    async function expectSameAt(server: TestServer): Promise<void> {
      for (const table of tables) {
        const into = `${table}_now`;
        const merge = await world.run(
          'merge',
          '-f',
          taskFile,
          '--state',
          world.stateDir,
          `bank.${table}`,
          '--into',
          into,
        );
        expect(merge.code === 0 ? '' : merge.stderr).toBe('');
      }
      expect(logFaults(await world.read('accounts_log', 'journal_log', 'ticks_log'))).toEqual(noFaults);
      const merged = await world.read('accounts_now', 'journal_now', 'ticks_now');
      for (const table of tables) {
        const found = await targetRows(server, 'bank', table, merged[`${table}_now`]);
        expect({ table, rows: found }).toEqual({ table, rows: await sourceRows(server, 'bank', table) });
      }
    }

    it(
      'while it streams, and back again',
      async () => {
        let writers = await startWriters(pair.a, 4, transfer);
        const running = world.start(...command());
        const isOver = endsEarly(running.ended);
        await until(async () => (await checkpoint())?.caughtUp === true, isOver);
        const before = await checkpoint();
        writers = await failOver(pair.a, pair.b, writers);
        await until(async () => isFurther(before, await checkpoint()), isOver);
        await pair.a.restart();
        await pair.follow(pair.a, pair.b);
        const between = await checkpoint();
        expect(between?.identity.serverId).toBe(22);
        writers = await failOver(pair.b, pair.a, writers);
        await until(async () => isFurther(between, await checkpoint()), isOver);
        await writers.stop();
        running.kill('group');
        await running.ended;
        const last = await world.run(...command(), '--until', 'caught-up');
        expect(last.code === 0 ? '' : last.stderr).toBe('');
        await expectSameAt(pair.a);
      },
      minutesMax * 60_000,
    );

    it(
      'while it copies',
      async () => {
        const writers = await startWriters(pair.a, 4, transfer);
        const running = world.start(...command());
        const isOver = endsEarly(running.ended);
        const copy = async () => (await load<ShardDocument>(documentNames.shard(task, 0)))?.tables['bank.accounts'];
        await until(async () => ((await copy())?.chunksDone ?? 0) >= 3, isOver);
        proxy.cut();
        const { uploadId } = (await copy())?.session ?? {};
        const writersAtB = await failOver(pair.a, pair.b, writers);
        const halfWay = await copy();
        expect(halfWay?.committed).toBe(false);
        await until(async () => (await checkpoint())?.tables['bank.accounts']?.state === 'complete', isOver);
        expect((await copy())?.session?.uploadId).toBe(uploadId);
        await writersAtB.stop();
        running.kill('group');
        await running.ended;
        const last = await world.run(...command(), '--until', 'caught-up');
        expect(last.code === 0 ? '' : last.stderr).toBe('');
        await expectSameAt(pair.b);
      },
      minutesMax * 60_000,
    );

    it('to a replica that lacks what was read: refused, nothing is written, and all tables can be taken from it anew', async () => {
      const first = await world.run(...command(), '--until', 'caught-up');
      expect(first.code === 0 ? '' : first.stderr).toBe('');
      await pair.promote(pair.b);
      await pair.a.query('INSERT INTO bank.ticks VALUES (99, NULL)');
      const second = await world.run(...command(), '--until', 'caught-up');
      expect(second.code === 0 ? '' : second.stderr).toBe('');
      const stoodAt = (await checkpoint())?.position;
      const missing = (await pair.gtids(pair.a)).match(/\d+$/)?.[0];
      pair.a.kill();
      proxy.targetPort = pair.b.port;
      for (let id = 0; id < 5; id += 1) await pair.b.query(`INSERT INTO bank.ticks VALUES (${id}, 'other history')`);
      const refused = await world.run(...command(), '--until', 'caught-up');
      expect(refused.code).toBe(69);
      expect(refused.stderr).toMatch(
        new RegExp(`SOURCE_IDENTITY_CHANGED[^]*lacks the transactions \\S*[-:]${missing}\\s`),
      );
      expect((await checkpoint())?.position).toEqual(stoodAt);
      expect((await world.read('ticks_log')).ticks_log.rows).toHaveLength(1);

      const anew = tables.map((table) => `bank.${table}`);
      const asked = await world.run('resnapshot', '-f', taskFile, '--state', world.stateDir, ...anew);
      expect(asked.code === 0 ? '' : asked.stderr).toBe('');
      const last = await world.run(...command(), '--until', 'caught-up');
      expect(last.code === 0 ? '' : last.stderr).toBe('');
      await expectSameAt(pair.b);
    }, 150_000);
  });
}

function isFurther(before: CheckpointDocument | null, now: CheckpointDocument | null): boolean {
  return now !== null && now.position.server !== before?.position.server && now.recordId > (before?.recordId ?? 0) + 50;
}

/** Rejects when the program ends by itself: nothing that is waited for would come any more. */
function endsEarly(ended: Promise<{ readonly code: number | null; readonly stderr: string }>): Promise<never> {
  const failure = ended.then(({ code, stderr }) => {
    throw new Error(`ended with ${code}: ${stderr.slice(-3_000)}`);
  });
  failure.catch(() => undefined);
  return failure;
}

async function until(isSo: () => Promise<boolean>, isOver: Promise<never>): Promise<void> {
  while (!(await isSo())) await Promise.race([isOver, new Promise((resolve) => setTimeout(resolve, 50))]);
}
