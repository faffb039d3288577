/**
 * Faults between us and the source, and of the source itself: every change comes once, or a code says what is gone. The reader
 * goes on from its last commit, as the stream worker does. With MCSYNC_LIVE=1.
 */
import { stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import mysql from 'mysql2';
import { systemClock } from '../../operator/base/clock.js';
import type { SyncError } from '../../operator/base/errors.js';
import type { BinlogPosition } from '../../operator/model/position.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { describeColumns, planFor } from '../mysql/binlog-helpers.js';
import { ChangeReader, type ReaderOptions } from '../mysql/change-reader.js';
import { settingsOf } from '../mysql/servers.js';
import { startTcpProxy, type TcpProxy, type WireFault } from '../mysql/tcp-proxy.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { mysql97, startMySql97 } from '../parts/mysql97.js';
import { describeWhenLive } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';

const servers = [
  { part: mysql56, title: 'mysql56', start: startMySql56 },
  { part: mariadb, title: 'mariadb', start: startMariaDb },
  { part: mysql97, title: 'mysql97', start: startMySql97 },
];
const orders = { database: 'shop', table: 'orders' };
const seed = Number(process.env.MCSYNC_SEED ?? Date.now() % 1_000_000);

for (const { part, title, start } of servers) {
  describeWhenLive(part, `faults at the source, ${title}, seed ${seed}`, () => {
    let server: TestServer;
    let proxy: TcpProxy;
    let plans: Map<string, TablePlan>;
    let nextId = 1;

    beforeAll(async () => {
      server = await start();
      await server.query('CREATE DATABASE shop; CREATE DATABASE other; CREATE TABLE other.t (id INT PRIMARY KEY)');
      await server.query('CREATE TABLE shop.orders (id INT PRIMARY KEY, note LONGTEXT)');
      plans = new Map([['shop.orders', planFor(orders, await describeColumns(server, orders))]]);
      proxy = await startTcpProxy(server.port);
    }, 60_000);
    afterAll(async () => {
      await proxy?.close();
      await server?.stop();
    });
    afterEach(() => {
      proxy.faultOf = () => ({});
      proxy.isSilent = false;
    });

    const statusStatement = title === 'mysql97' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
    async function now(): Promise<BinlogPosition> {
      const [row] = await server.query(statusStatement);
      return { file: row?.File ?? '', offset: Number(row?.Position), gtidSet: null };
    }

    const through = (port: number, more: Partial<ReaderOptions['settings']> = {}): ReaderOptions['settings'] => ({
      ...settingsOf(server),
      port,
      connectMs: 500,
      answerMs: 500,
      ...more,
    });
    const read = (from: BinlogPosition, more: Partial<ReaderOptions> = {}): ChangeReader =>
      new ChangeReader({ settings: through(proxy.port), from, plans, ...more });

    /** Transactions of one row and of many, small and large ones; answers the ids in the log's order. */
    async function write(transactions: number, noteBytes = 40): Promise<number[]> {
      const ids: number[] = [];
      for (let count = 0; count < transactions; count += 1) {
        const some = Array.from({ length: 1 + (count % 3) }, () => nextId++);
        const rows = some.map((id) => `(${id}, REPEAT('x', ${noteBytes * (1 + (count % 5) ** 3)}))`);
        await server.query(`BEGIN; ${rows.map((row) => `INSERT INTO shop.orders VALUES ${row}`).join('; ')}; COMMIT`);
        ids.push(...some);
      }
      return ids;
    }

    const codes = (failures: readonly SyncError[]): string[] => [...new Set(failures.map(({ code }) => code))];

    /** How many bytes of the server the three connections of a reading take: for questions, for the control, for the dump. */
    async function bytesPerConnection(from: BinlogPosition, rows: number): Promise<number[]> {
      const [questions, control] = [1_500, 1_000];
      const before = proxy.bytesFromServer;
      await using reader = read(from);
      await reader.until(() => reader.rows.length === rows);
      return [questions, control, proxy.bytesFromServer - before - questions - control];
    }

    it('a line cut after any number of bytes, of each of its connections', async () => {
      const from = await now();
      const ids = await write(25);
      const sizes = await bytesPerConnection(from, ids.length);
      const random = randomOf(seed);
      const rounds = 150;
      let cuts = 0;
      for (let round = 0; round < rounds; round += 1) {
        const victim = (round % 3) + 1;
        const cutAfter = Math.floor(random() * (sizes[victim - 1] ?? 0));
        const first = proxy.connections;
        proxy.faultOf = (connection): WireFault => (connection - first === victim ? { cutAfter } : {});
        await using reader = read(from);
        await reader.until(() => reader.rows.length >= ids.length);
        const place = `connection ${victim} cut after ${cutAfter} bytes`;
        expect([place, reader.ids]).toEqual([place, ids]);
        expect([place, codes(reader.failures).filter((code) => code !== 'SOURCE_UNREACHABLE')]).toEqual([place, []]);
        if (reader.failures.length > 0) cuts += 1;
      }
      expect(cuts).toBeGreaterThan(rounds / 2);
    }, 200_000);

    it('a line that goes dead without a word, at log-in, while it is asked and while it sends', async () => {
      const from = await now();
      const ids = await write(12);
      const sizes = await bytesPerConnection(from, ids.length);
      const random = randomOf(seed + 1);
      const places: [connection: number, silentAfter: number][] = [1, 2, 3].flatMap((connection) =>
        [0, 100, Math.floor(random() * (sizes[connection - 1] ?? 0))].map((bytes): [number, number] => [
          connection,
          bytes,
        ]),
      );
      for (const [victim, silentAfter] of places) {
        const first = proxy.connections;
        proxy.faultOf = (connection): WireFault => (connection - first === victim ? { silentAfter } : {});
        await using reader = read(from);
        await reader.until(() => reader.rows.length >= ids.length);
        expect([victim, silentAfter, reader.ids]).toEqual([victim, silentAfter, ids]);
        expect(codes(reader.failures).filter((code) => code !== 'SOURCE_UNREACHABLE')).toEqual([]);
      }
    }, 200_000);

    it('a network that is gone for a while, and comes back', async () => {
      await using reader = read(await now());
      const before = await write(3);
      await reader.until(() => reader.rows.length === before.length);
      proxy.isSilent = true;
      const meanwhile = await write(3);
      await reader.until(() => reader.failures.length >= 2);
      proxy.isSilent = false;
      await reader.until(() => reader.rows.length === before.length + meanwhile.length);
      expect(reader.ids).toEqual([...before, ...meanwhile]);
      expect(codes(reader.failures)).toEqual(['SOURCE_UNREACHABLE']);
    }, 60_000);

    it('a control connection that is dead while the dump lives', async () => {
      const first = proxy.connections;
      proxy.faultOf = (connection): WireFault => (connection - first === 2 ? { silentAfter: 1_200 } : {});
      await using reader = read(await now());
      await reader.until(() => reader.failures.length > 0);
      expect(reader.failures[0]?.seen).toMatch(/control connection|heartbeat/);
      const ids = await write(2);
      await reader.until(() => reader.rows.length === ids.length);
    }, 60_000);

    it('an event that takes longer than the silence that would end the connection', async () => {
      const from = await now();
      const ids = await write(1, 400_000);
      proxy.faultOf = (): WireFault => ({ bytesPerTick: 2_000 });
      await using reader = read(from);
      await reader.until(() => reader.rows.length === ids.length);
      expect(reader.failures).toEqual([]);
    }, 60_000);

    it('connections that are killed, and a server that has none to give', async () => {
      await using reader = read(await now(), { settings: through(server.port) });
      const ids: number[] = [];
      for (const command of ['Sleep', 'Binlog Dump']) {
        ids.push(...(await write(2)));
        await reader.until(() => reader.rows.length === ids.length && reader.heartbeats > 0);
        const failures = reader.failures.length;
        const [own] = await server.query('SELECT CONNECTION_ID() AS id');
        for (const thread of await server.query('SHOW PROCESSLIST')) {
          if (thread.Command === command && thread.Id !== own?.id) await server.query(`KILL ${thread.Id}`);
        }
        await reader.until(() => reader.failures.length > failures);
      }
      await server.query('SET GLOBAL max_connections = 10');
      const crowd = await Promise.all(Array.from({ length: 20 }, () => hold(server)));
      await dropDumps(server);
      ids.push(...(await write(2)));
      await reader.until(() => reader.failures.some(({ seen }) => /1040/.test(seen)));
      for (const socket of crowd) socket.end();
      await server.query('SET GLOBAL max_connections = 151');
      await reader.until(() => reader.rows.length === ids.length);
      expect(reader.ids).toEqual(ids);
      expect(codes(reader.failures)).toEqual(['SOURCE_UNREACHABLE']);
    }, 60_000);

    it('a server that closes idle connections after a second', async () => {
      await server.query('SET GLOBAL wait_timeout = 1');
      await using reader = read(await now());
      await reader.until(() => reader.heartbeats >= 8);
      const ids = await write(2);
      await reader.until(() => reader.rows.length === ids.length);
      expect(reader.failures).toEqual([]);
      await server.query('SET GLOBAL wait_timeout = 28800');
    }, 60_000);

    it('a server that is restarted, and one that is killed', async () => {
      await using reader = read(await now());
      const ids = await write(3);
      await reader.until(() => reader.rows.length === ids.length);
      await server.restart();
      ids.push(...(await write(3)));
      server.kill();
      await server.restart();
      ids.push(...(await write(3)));
      await reader.until(() => reader.rows.length === ids.length);
      expect(reader.ids).toEqual(ids);
      expect(codes(reader.failures)).toEqual(['SOURCE_UNREACHABLE']);
    }, 90_000);

    it('files that end while they are read, and ones that are purged behind us', async () => {
      await using reader = read(await now());
      const ids: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        ids.push(...(await write(2)));
        await server.query('FLUSH LOGS');
        const { file } = await now();
        await reader.until(() => reader.position.file === file);
        await server.query(`PURGE BINARY LOGS TO '${file}'`);
      }
      await reader.until(() => reader.rows.length === ids.length);
      expect(reader.ids).toEqual(ids);
      expect(reader.failures).toEqual([]);
    }, 60_000);

    it('a file that was purged while nobody read: POSITION_LOST, with what is needed and what is there', async () => {
      const from = await now();
      await write(1);
      let file = from.file;
      // MariaDB keeps a file that is in use, or was until just now.
      for (let oldest = ''; oldest !== file; oldest = (await server.query('SHOW BINARY LOGS'))[0]?.Log_name ?? '') {
        await server.query('FLUSH LOGS');
        ({ file } = await now());
        await server.query(`PURGE BINARY LOGS TO '${file}'`);
      }
      await using reader = read(from);
      const failure = await reader.ended;
      expect(failure).toMatchObject({ code: 'POSITION_LOST', exitCode: 65, fix: expect.stringMatching(/resnapshot/) });
      expect(`${failure?.seen} ${failure?.wanted}`).toContain(from.file);
      expect(`${failure?.seen} ${failure?.wanted}`).toContain(file);
    }, 60_000);

    it('RESET MASTER under a reader: the server goes on with its heartbeats, and we do not believe them', async () => {
      await server.query('FLUSH LOGS');
      await using reader = read(await now());
      const ids = await write(2);
      await reader.until(() => reader.rows.length === ids.length && reader.heartbeats > 0);
      await server.query(title === 'mysql97' ? 'RESET BINARY LOGS AND GTIDS' : 'RESET MASTER');
      await write(2);
      expect(await reader.ended).toMatchObject({ code: 'POSITION_LOST', fix: expect.stringMatching(/resnapshot/) });
      expect(reader.ids).toEqual(ids);
    }, 60_000);

    it('a position that is no beginning of a transaction', async () => {
      const from = await now();
      const ids = await write(3);
      const end = await now();
      await using whole = read(from);
      await whole.until(() => whole.rows.length === ids.length);
      const random = randomOf(seed + 2);
      const places = Array.from({ length: 60 }, () => Math.floor(from.offset + random() * (end.offset - from.offset)));
      for (const offset of places) {
        await using reader = read({ ...from, offset }, { settings: through(server.port) });
        const ended = await Promise.race([reader.ended, reader.until(() => reader.rows.length > 0).catch(() => null)]);
        // Where a transaction begins by chance, its rows and all later ones come.
        if (ended) expect([offset, ended.code]).toEqual([offset, 'POSITION_LOST']);
        else expect([offset, ids.slice(-reader.ids.length)]).toEqual([offset, reader.ids]);
      }
    }, 120_000);

    it('a log whose last file was cut by a crash', async () => {
      const from = await now();
      const ids = await write(4);
      await write(1, 2_000);
      const { file } = await now();
      const [{ dir = '' } = {}] = (await server.query('SELECT @@datadir AS dir')) as { dir?: string }[];
      server.kill();
      await systemClock.sleep(200);
      // Half of the last transaction is left.
      const path = join(dir, file);
      await truncate(path, (await stat(path)).size - 1_000);
      await server.restart();
      const later = await write(2);
      await using reader = read(from);
      const ended = await Promise.race([
        reader.ended,
        reader.until(() => reader.rows.length >= ids.length + later.length).then(() => null),
      ]);
      if (server.flavor === 'mariadb') {
        // It leaves the half event where it is, and sends nothing behind it: what else is damaged there nobody knows.
        expect(ended).toMatchObject({ code: 'POSITION_LOST', seen: expect.stringMatching(/3 times.*truncated/) });
        expect(reader.ids).toEqual(ids);
      } else {
        expect(ended).toBeNull();
        expect(reader.ids).toEqual([...ids, ...later]);
      }
      // Who had read the whole of the transaction stands behind the end of that file.
      await using ahead = read({ file, offset: 4_000_000, gtidSet: null });
      expect(await ahead.ended).toMatchObject({ code: 'POSITION_LOST' });
    }, 90_000);
  });
}

/** A connection that takes a place and does nothing. */
async function hold(server: TestServer): Promise<{ end(): void }> {
  const connection = mysql.createConnection(server.connectionOptions());
  connection.on('error', () => undefined);
  await new Promise<void>((resolve) => connection.ping(() => resolve()));
  return { end: () => connection.destroy() };
}

async function dropDumps(server: TestServer): Promise<void> {
  for (const thread of await server.query('SHOW PROCESSLIST')) {
    if (/^Binlog Dump/.test(thread.Command ?? '')) await server.query(`KILL ${thread.Id}`);
  }
}

/** mulberry32: the same numbers for the same seed. */
function randomOf(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
