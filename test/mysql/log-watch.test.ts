/** What a silent dump means, on real servers and in the cases that none of them can be brought into; the servers with MCSYNC_LIVE=1. */
import { SyncError } from '../../operator/base/errors.js';
import { eventType, headerBytes } from '../../operator/mysql/binlog/event.js';
import { LogWatch, type LogWatchOptions } from '../../operator/mysql/binlog/log-watch.js';
import type { Arrival } from '../../operator/mysql/binlog/transport.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { mysql97, startMySql97 } from '../parts/mysql97.js';
import { describeWhenLive } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import { describeColumns, planFor } from './binlog-helpers.js';
import { ChangeReader } from './change-reader.js';
import { settingsOf } from './servers.js';

const orders = { database: 'shop', table: 'orders' };
const gtidOptions = ['--gtid-mode=ON', '--enforce-gtid-consistency', '--log-slave-updates'];

for (const { part, title, start } of [
  { part: mysql56, title: 'mysql56', start: () => startMySql56() },
  { part: mysql56, title: 'mysql56 with GTIDs', start: () => startMySql56({ serverOptions: gtidOptions }) },
  { part: mariadb, title: 'mariadb', start: () => startMariaDb() },
  {
    part: mysql97,
    title: 'mysql97 with GTIDs',
    start: () => startMySql97({ serverOptions: gtidOptions.slice(0, 2) }),
  },
]) {
  describeWhenLive(part, `a silent ${title}`, () => {
    let server: TestServer;
    let nextId = 0;
    beforeAll(async () => {
      server = await start();
      await server.query('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY)');
    }, 60_000);
    afterAll(() => server?.stop());

    it.each(['by GTIDs', 'by file and offset'])(
      'is believed, started %s, with nothing or much behind us',
      async (how) => {
        const [row] = await server.query(title.startsWith('mysql97') ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS');
        const variable = server.flavor === 'mysql' ? 'gtid_executed' : 'gtid_binlog_pos';
        const hasGtids = title !== 'mysql56';
        const [gtids] = hasGtids ? await server.query(`SELECT @@global.${variable} AS gtid`) : [];
        const from = {
          file: row?.File ?? '',
          offset: Number(row?.Position),
          gtidSet: how === 'by GTIDs' ? (gtids?.gtid ?? '').replace(/\s/g, '') || null : null,
        };
        const plans = new Map([['shop.orders', planFor(orders, await describeColumns(server, orders))]]);
        await using reader = new ChangeReader({ settings: settingsOf(server), from, plans });
        await reader.until(() => reader.heartbeats >= 6);
        await server.query('CREATE TABLE shop.more (id INT); DROP TABLE shop.more; FLUSH LOGS');
        await server.query(`INSERT INTO shop.orders VALUES (${(nextId += 1)})`);
        await reader.until(() => reader.rows.length >= 1);
        const before = reader.heartbeats;
        await reader.until(() => reader.heartbeats >= before + 6);
        expect(reader.failures).toEqual([]);
      },
    );
  });
}

describe('a dump that stands still', () => {
  const facts = { host: 'h', port: 1, from: { file: 'binlog.000001', offset: 4, gtidSet: null } };
  const end = (File: string, Position: number) => [{ File, Position: String(Position) }];

  /** Heartbeats from this place on; the log's end is asked in turn. */
  function watchOf(ends: Record<string, unknown>[][], more: Partial<LogWatchOptions> = {}) {
    const asked: string[] = [];
    const watch = new LogWatch({
      query: async (sql) => {
        asked.push(sql);
        return ends[Math.min(asked.length - 1, ends.length - 1)] ?? [];
      },
      bornSeconds: () => 100,
      readBornSeconds: async () => 100,
      graceMs: 1_000,
      facts,
      ...more,
    });
    return {
      asked,
      judge: (file: string, offset: number, receivedMs = performance.now()) =>
        watch.judge(heartbeat(file, offset, receivedMs)),
    };
  }

  function heartbeat(file: string, offset: number, receivedMs: number): Arrival {
    const bytes = Buffer.alloc(headerBytes + file.length);
    bytes[4] = eventType.heartbeat;
    bytes.writeUInt32LE(bytes.length, 9);
    bytes.writeUInt32LE(offset, 13);
    bytes.write(file, headerBytes);
    return { buffers: [bytes], froms: [0], tos: [bytes.length], bytes: bytes.length, receivedMs };
  }
  const later = (): number => performance.now() + 5_000;

  it('is at the end of the log', async () => {
    const { judge } = watchOf([end('binlog.000002', 500)]);
    expect(await judge('binlog.000002', 500)).toBe('nothing written');
  });

  it('is behind for a moment only', async () => {
    const { judge } = watchOf([end('binlog.000002', 500), end('binlog.000002', 700), end('binlog.000002', 700)]);
    expect(await judge('binlog.000002', 400)).toBe('more to come');
    expect(await judge('binlog.000002', 500, later())).toBe('more to come');
    expect(await judge('binlog.000002', 700, later())).toBe('nothing written');
  });

  it('is behind for good: lost, where the file of that name was begun at another time', async () => {
    for (const [born, code] of [
      [100, 'SOURCE_UNREACHABLE'],
      [101, 'POSITION_LOST'],
      [null, 'POSITION_LOST'],
    ] as const) {
      const { judge } = watchOf([end('binlog.000003', 500)], { readBornSeconds: async () => born });
      expect(await judge('binlog.000002', 400)).toBe('more to come');
      // A heartbeat that had waited in a buffer says nothing of the time since.
      expect(await judge('binlog.000002', 400)).toBe('more to come');
      await expect(judge('binlog.000002', 400, later())).rejects.toMatchObject({ code });
    }
  });

  it('is ahead of the log, which went back', async () => {
    const gone = new SyncError('POSITION_LOST', { seen: 'no file', wanted: 'a file', fix: 'none' });
    const { judge } = watchOf([end('binlog.000001', 300)], { readBornSeconds: () => Promise.reject(gone) });
    await expect(judge('binlog.000001', 1_450)).rejects.toMatchObject({
      code: 'POSITION_LOST',
      seen: expect.stringMatching(/binlog\.000001:1450.*binlog\.000001:300/),
    });
  });

  it('is judged with the spelling of the server, and not at all without the right to ask', async () => {
    const refusal = (code: 'SOURCE_QUERY_FAILED' | 'SOURCE_PRIVILEGE_MISSING'): SyncError =>
      new SyncError(code, { seen: 'no', wanted: 'yes', fix: 'none' });
    const asked: string[] = [];
    const modern = watchOf([], {
      query: async (sql) => {
        asked.push(sql);
        if (sql === 'SHOW MASTER STATUS') throw refusal('SOURCE_QUERY_FAILED');
        return end('binlog.000001', 300);
      },
    });
    expect(await modern.judge('binlog.000001', 300)).toBe('nothing written');
    expect(await modern.judge('binlog.000001', 200)).toBe('more to come');
    expect(asked).toEqual(['SHOW MASTER STATUS', 'SHOW BINARY LOG STATUS', 'SHOW BINARY LOG STATUS']);
    let questions = 0;
    const poor = watchOf([], {
      query: () => {
        questions += 1;
        return Promise.reject(refusal('SOURCE_PRIVILEGE_MISSING'));
      },
    });
    expect(await poor.judge('binlog.000001', 200)).toBe('nothing written');
    expect(await poor.judge('binlog.000001', 100, later())).toBe('nothing written');
    expect(questions).toBe(1);
  });
});
