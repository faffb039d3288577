/** Connections that say nothing: a statement that takes its time, and an answer that will never come. */
import { systemClock } from '../../operator/base/clock.js';
import type { SyncError } from '../../operator/base/errors.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { createMySqlSource } from '../../operator/mysql/source.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import { planFor, recordRows } from './recording-sink.js';
import { settingsOf } from './servers.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

const open = { after: null, upTo: null };
const never = new AbortController().signal;
const rows = 3_000;
const table = { database: 'shop', table: 'orders' };

describe.each([
  { part: mysql56, start: startMySql56 },
  { part: mariadb, start: startMariaDb },
])('silence', ({ part, start }) => {
  describeWithPart(part, `of ${part.name}`, () => {
    let server: TestServer;
    let proxy: TcpProxy;
    let plan: TablePlan;
    beforeAll(async () => {
      server = await start();
      await server.query('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, note TEXT)');
      const values = Array.from({ length: rows }, (_, id) => `(${id}, REPEAT('x', 200))`);
      await server.query(`INSERT INTO shop.orders VALUES ${values.join(', ')}`);
      proxy = await startTcpProxy(server.port);
      await using source = createMySqlSource(settingsOf(server), systemClock);
      plan = planFor((await source.start([table])).tables[0]!);
    });
    afterAll(async () => {
      await proxy?.close();
      await server?.stop();
    });

    const sourceOver = (port: number) =>
      createMySqlSource({ ...settingsOf(server), port, connectMs: 500, answerMs: 500 }, systemClock, {
        silenceMs: 150,
      });

    it('of a statement at work is waited for', async () => {
      await using source = sourceOver(server.port);
      const slow = { ...plan, where: 'id = 7 AND SLEEP(1.5) = 0' };
      expect(await recordRows(slow, source.readChunk(slow, open, never))).toHaveLength(1);
    });

    it.each([
      ['before the answer', (login: number) => login],
      ['in the midst of the rows', () => 100_000],
    ])('of a dead line is found out, %s', async (_, silentAfter) => {
      // What a log-in with all its questions takes.
      const before = proxy.bytesFromServer;
      {
        await using source = sourceOver(proxy.port);
        const none = { ...plan, where: 'FALSE' };
        await recordRows(none, source.readChunk(none, open, never));
      }
      // The column definitions of the empty answer are the last that came.
      const login = proxy.bytesFromServer - before - 150;
      const first = proxy.connections;
      proxy.faultOf = (connection) => (connection === first + 1 ? { silentAfter: silentAfter(login) } : {});
      await using source = sourceOver(proxy.port);
      const failure = await recordRows(plan, source.readChunk(plan, open, never)).catch((error: SyncError) => error);
      expect(failure).toMatchObject({ code: 'SOURCE_UNREACHABLE', seen: expect.stringMatching(/no answer/) });
      expect(await recordRows(plan, source.readChunk(plan, open, never))).toHaveLength(rows);
    });
  });
});

describeWithPart(mariadb, 'two readers with one server id', () => {
  it('cut each other off, and pause before they say so', async () => {
    const server = await startMariaDb();
    const stop = new AbortController();
    const pauses: number[] = [];
    const told: string[] = [];
    const clock = {
      ...systemClock,
      sleep: async (durationMs: number): Promise<void> => void pauses.push(durationMs),
    };
    const readers = [1, 2].map(async () => {
      await using source = createMySqlSource(settingsOf(server), clock, {
        heartbeatMs: 100,
        onWait: (error) => told.push(error.code),
      });
      const from = await source.position();
      const stream = source.stream(from, () => null, { serverId: 4_711, signal: stop.signal, rolledBack: new Set() });
      for await (const arrival of stream) for (const _ of arrival);
    });
    const failure = await Promise.race(readers).catch((error: SyncError) => error);
    expect(failure).toMatchObject({ code: 'SOURCE_SERVER_ID_CLASH', isRetryable: true });
    expect(told).toEqual(['SOURCE_SERVER_ID_CLASH']);
    expect(pauses).toHaveLength(1);
    expect(pauses[0]).toBeGreaterThanOrEqual(30_000);
    expect(pauses[0]).toBeLessThanOrEqual(60_000);
    stop.abort();
    await Promise.allSettled(readers);
    await server.stop();
  });
});
