import mysql from 'mysql2/promise';
import type { SyncError } from '../../operator/base/errors.js';
import { type BinlogPosition, placeKey } from '../../operator/model/position.js';
import { tableKey } from '../../operator/model/source-table.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { streamBinlog } from '../../operator/mysql/binlog/stream.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import {
  type CollectOptions,
  collect,
  describeColumns,
  planFor,
  positionOf,
  type Row,
  type SeenEvent,
} from './binlog-helpers.js';
import { startTcpProxy } from './tcp-proxy.js';

const gtidOptions = ['--gtid-mode=ON', '--enforce-gtid-consistency', '--log-slave-updates'];
const servers = [
  { part: mysql56, title: 'mysql56', start: startMySql56 },
  { part: mysql56, title: 'mysql56 with GTIDs', start: () => startMySql56({ serverOptions: gtidOptions }) },
  { part: mariadb, title: 'mariadb', start: startMariaDb },
];

const rowsOf = (seen: readonly SeenEvent[]): Row[] =>
  seen.flatMap((event) => (event.kind === 'rows' ? event.rows : []));
const kindsOf = (seen: readonly SeenEvent[]): string[] => seen.map((event) => event.kind);
const idsOf = (seen: readonly SeenEvent[]): unknown[] => rowsOf(seen).map((row) => row.cells.id);

for (const { part, title, start } of servers) {
  const hasGtids = title !== 'mysql56';
  describeWithPart(part, `the binary log of ${title}`, () => {
    let server: TestServer;
    const plans = new Map<string, TablePlan>();
    beforeAll(async () => {
      server = await start();
      await server.query('CREATE DATABASE shop; CREATE DATABASE other; CREATE TABLE other.t (id INT PRIMARY KEY)');
    });
    afterAll(() => server?.stop());

    /** Makes the tables, and selects those of `shop` named `orders` and `items`. */
    async function setUp(script: string): Promise<BinlogPosition> {
      await server.query(`USE shop; DROP TABLE IF EXISTS orders, items; ${script}`);
      plans.clear();
      for (const table of ['orders', 'items']) {
        const name = { database: 'shop', table };
        const columns = await describeColumns(server, name);
        if (columns.length > 0) plans.set(tableKey(name), planFor(name, columns));
      }
      return positionOf(server);
    }

    async function streamOf(tables: string, script: string, options: CollectOptions = {}): Promise<SeenEvent[]> {
      const from = await setUp(tables);
      await server.query(script);
      return collect(server, from, { plans, ...options });
    }

    async function gtidNow(): Promise<string | null> {
      if (!hasGtids) return null;
      const variable = server.flavor === 'mysql' ? 'gtid_executed' : 'gtid_binlog_pos';
      const [row] = await server.query(`SELECT @@global.${variable} AS gtid`);
      return (row?.gtid ?? '').replace(/\s/g, '');
    }

    /** What the stream ends with. */
    async function failureOf(stream: Promise<unknown>): Promise<SyncError> {
      return stream.then(
        () => {
          throw new Error('the stream ended well');
        },
        (error: SyncError) => error,
      );
    }

    it('gives inserts, updates and deletes as rows, and a commit at the end of each transaction', async () => {
      const seen = await streamOf(
        'CREATE TABLE orders (id INT PRIMARY KEY, name VARCHAR(20) CHARACTER SET latin1, price DECIMAL(10,2))',
        `INSERT INTO orders VALUES (1, 'tea', 1.50), (2, NULL, -2.00);
         START TRANSACTION; UPDATE orders SET name = 'milk' WHERE id = 2; DELETE FROM orders WHERE id = 1; COMMIT`,
      );
      expect(kindsOf(seen)).toEqual(['rows', 'commit', 'rows', 'rows', 'commit']);
      expect(rowsOf(seen)).toEqual([
        { kind: 1, cells: { id: 1, name: 'tea', price: '1.50' } },
        { kind: 1, cells: { id: 2, price: '-2.00' } },
        { kind: 2, cells: { id: 2, price: '-2.00' } },
        { kind: 3, cells: { id: 2, name: 'milk', price: '-2.00' } },
        { kind: 4, cells: { id: 1, name: 'tea', price: '1.50' } },
      ]);
    });

    it('reads on from any position that it told, and misses or repeats nothing', async () => {
      const from = { ...(await setUp('CREATE TABLE orders (id INT PRIMARY KEY, t TEXT)')), gtidSet: await gtidNow() };
      for (let id = 1; id <= 6; id += 1) {
        await server.query(
          `BEGIN; INSERT INTO orders VALUES (${id}, REPEAT('x', 100)); INSERT INTO orders VALUES (${id + 100}, ''); COMMIT`,
        );
        if (id % 2 === 0) await server.query(`INSERT INTO other.t VALUES (${id}); FLUSH BINARY LOGS`);
      }
      const whole = await collect(server, from, { plans });
      expect(idsOf(whole)).toEqual([1, 101, 2, 102, 3, 103, 4, 104, 5, 105, 6, 106]);
      const commits = whole.flatMap((event, index) =>
        event.kind === 'commit' ? [{ index, position: event.position }] : [],
      );
      expect(commits.length).toBeGreaterThanOrEqual(6);
      for (const { index, position } of commits.slice(0, -1)) {
        const wanted = idsOf(whole.slice(index));
        expect(idsOf(await collect(server, position, { plans }))).toEqual(wanted);
        expect(idsOf(await collect(server, { ...position, gtidSet: null }, { plans }))).toEqual(wanted);
        if (!hasGtids) continue;
        expect(idsOf(await collect(server, { ...position, file: 'gone.000001', offset: 4 }, { plans }))).toEqual(
          wanted,
        );
      }
      expect(commits.at(-1)?.position.gtidSet).toBe(await gtidNow());
    });

    it('moves its position over transactions of other tables', async () => {
      const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY)');
      await server.query('INSERT INTO other.t VALUES (101), (102); INSERT INTO other.t VALUES (103)');
      const seen = await collect(server, from, { plans });
      expect(new Set(kindsOf(seen))).toEqual(new Set(['commit']));
      const end = await positionOf(server);
      expect(seen.at(-1)).toMatchObject({ position: { file: end.file, offset: end.offset } });
    });

    it('tells that it is alive while nothing happens', async () => {
      const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY)');
      const seen = await collect(server, from, { plans });
      expect(seen).toEqual([{ kind: 'alive', position: from }]);
    });

    // A server with GTIDs refuses such a transaction.
    if (title !== 'mysql56 with GTIDs')
      it('takes rows back when the log says ROLLBACK, and hands none out when it is told before', async () => {
        const script = `BEGIN; INSERT INTO orders VALUES (1); CREATE TEMPORARY TABLE shop.tmp (a INT);
        INSERT INTO orders VALUES (2); ROLLBACK; DROP TEMPORARY TABLE IF EXISTS shop.tmp; INSERT INTO orders VALUES (3)`;
        const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY)');
        await server.query(script);
        const seen = await collect(server, from, { plans });
        const undone = seen.find((event) => event.kind === 'rollback');
        if (undone === undefined) {
          // This server does not log what it has rolled back.
          expect(idsOf(seen)).toEqual([3]);
          return;
        }
        expect(idsOf(seen)).toEqual([1, 2, 3]);
        const begin = placeKey(undone.begin);
        const again = await collect(server, from, { plans, rolledBack: new Set([begin]) });
        expect(kindsOf(again)).not.toContain('rollback');
        expect(idsOf(again)).toEqual([3]);
      });

    it('lets the consumer change the plan at a schema statement, before the rows that follow', async () => {
      const seen = await streamOf(
        'CREATE TABLE orders (id INT PRIMARY KEY)',
        'INSERT INTO orders VALUES (1); ALTER TABLE orders ADD name VARCHAR(5) FIRST; INSERT INTO orders VALUES ("x", 2)',
        {
          onEvent: (event) => {
            const change = event.kind === 'schema' ? event.changes[0] : undefined;
            const plan = plans.get('shop.orders');
            if (change?.kind !== 'addColumns' || plan === undefined) return;
            const added = change.columns.map(({ column }) => column);
            const next = planFor(plan.source, [...added, ...plan.sourceColumns], 2);
            plans.set('shop.orders', { ...next, columns: [next.columns[1], next.columns[0]] as TablePlan['columns'] });
          },
        },
      );
      expect(kindsOf(seen)).toEqual(['rows', 'commit', 'schema', 'rows', 'commit']);
      expect(rowsOf(seen).map((row) => row.cells)).toEqual([{ id: 1 }, { id: 2, name: 'x' }]);
    });

    it('tells schema statements on selected tables only', async () => {
      const seen = await streamOf(
        'CREATE TABLE orders (id INT PRIMARY KEY, a INT)',
        `ALTER TABLE other.t ADD x INT; ALTER TABLE other.t DROP x; CREATE INDEX i ON orders (a); ANALYZE TABLE orders;
         CREATE TABLE other.u (id INT); RENAME TABLE other.u TO other.v; DROP TABLE other.v; CREATE DATABASE gone; DROP DATABASE gone;
         CREATE VIEW other.w AS SELECT 1; DROP VIEW other.w; ALTER TABLE orders DROP a`,
        { selectedDatabases: new Set(['shop']) },
      );
      expect(seen.flatMap((event) => (event.kind === 'schema' ? event.changes : []))).toEqual([
        { kind: 'incompatible', table: { database: 'shop', table: 'orders' }, what: 'drops the column a' },
      ]);
    });

    it('reads rows of a table with a hidden trailing key', async () => {
      const from = await setUp('CREATE TABLE orders (id INT, name VARCHAR(9), hidden BIGINT)');
      const plan = plans.get('shop.orders') as TablePlan;
      plans.set('shop.orders', planFor(plan.source, plan.sourceColumns.slice(0, 2)));
      await server.query(
        "INSERT INTO orders VALUES (1, 'x', 77), (2, NULL, 78); UPDATE orders SET name = 'y' WHERE id = 2",
      );
      expect(rowsOf(await collect(server, from, { plans })).map((row) => row.cells)).toEqual([
        { id: 1, name: 'x' },
        { id: 2 },
        { id: 2 },
        { id: 2, name: 'y' },
      ]);
    });

    it('reads rows of 300 columns, and rows that come in several packets', async () => {
      const columns = Array.from({ length: 300 }, (_, index) => `c${index} INT`).join(', ');
      const from = await setUp(`CREATE TABLE orders (id INT PRIMARY KEY, ${columns});
        CREATE TABLE items (id INT PRIMARY KEY, a LONGBLOB, b LONGBLOB, c LONGBLOB)`);
      await server.query('INSERT INTO orders (id, c0, c255, c299) VALUES (1, 10, 20, 30)');
      // MySQL 5.6 refuses a value of more than a tenth of its redo log.
      const megabytes = server.flavor === 'mysql' ? 1 : 7;
      const value = `REPEAT('z', ${megabytes * 1024 * 1024})`;
      await server.query(`INSERT INTO items VALUES (5, ${value}, ${value}, ${value})`);
      const rows = rowsOf(await collect(server, from, { plans }));
      expect(rows[0]?.cells).toEqual({ id: 1, c0: 10, c255: 20, c299: 30 });
      const lengths = ['a', 'b', 'c'].map((name) => String(rows[1]?.cells[name]).length);
      expect(lengths).toEqual(Array(3).fill(megabytes * 1024 * 1024));
    });

    it.each([
      [
        'a change logged as a statement',
        "SET SESSION binlog_format = 'STATEMENT'; INSERT INTO orders VALUES (1, 1)",
        'DML_AS_STATEMENT',
      ],
      [
        'rows without all columns',
        "SET SESSION binlog_row_image = 'MINIMAL'; UPDATE orders SET a = 5 WHERE id = 9",
        'BINLOG_EVENT_UNSUPPORTED',
      ],
    ])('stops at %s', async (_, script, code) => {
      const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY, a INT); INSERT INTO orders VALUES (9, 9)');
      const session = await mysql.createConnection({
        ...server.connectionOptions(),
        database: 'shop',
        multipleStatements: true,
      });
      await session.query(script);
      await session.end();
      const failure = await failureOf(collect(server, from, { plans }));
      expect(failure).toMatchObject({ code, table: 'shop.orders' });
      expect(failure.position).toMatch(/^binlog|^mysql-bin|:\d+$/);
    });

    it('passes a change of another table that was logged as a statement', async () => {
      const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY)');
      const session = await mysql.createConnection({
        ...server.connectionOptions(),
        database: 'other',
        multipleStatements: true,
      });
      await session.query(
        "SET SESSION binlog_format = 'STATEMENT'; INSERT INTO t VALUES (900); DELETE FROM t WHERE id = 900",
      );
      await session.end();
      await server.query('INSERT INTO orders VALUES (1)');
      expect(idsOf(await collect(server, from, { plans }))).toEqual([1]);
    });

    it('stops at rows that do not fit the schema it knows', async () => {
      const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY, a VARCHAR(10))');
      await server.query(
        'SET sql_log_bin = 0; ALTER TABLE orders MODIFY a VARCHAR(20); SET sql_log_bin = 1; INSERT INTO orders VALUES (1, "x")',
      );
      expect(await failureOf(collect(server, from, { plans }))).toMatchObject({
        code: 'BINLOG_SCHEMA_MISMATCH',
        table: 'shop.orders',
        seen: expect.stringContaining('column a'),
      });
    });

    it.each([
      ['a file that is gone', (from: BinlogPosition) => ({ ...from, file: from.file.replace(/\d+$/, '900000') })],
      ['an offset behind the end', (from: BinlogPosition) => ({ ...from, offset: 999_999_999 })],
    ])('says POSITION_LOST for %s, and names the oldest file', async (_, bend) => {
      const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY)');
      const [oldest] = await server.query('SHOW BINARY LOGS');
      const failure = await failureOf(collect(server, bend(from), { plans }));
      expect(failure.code).toBe('POSITION_LOST');
      expect(failure.seen).toContain(oldest?.Log_name ?? '?');
    });

    it('says POSITION_LOST for a GTID set that the server does not have', async () => {
      const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY)');
      const gtidSet = server.flavor === 'mysql' ? '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5' : '0-1-99999';
      expect(await failureOf(collect(server, { ...from, gtidSet }, { plans }))).toMatchObject({
        code: 'POSITION_LOST',
      });
    });

    it('says that credentials are rejected', async () => {
      const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY)');
      const options = {
        flavor: server.flavor,
        serverId: 61_001,
        signal: new AbortController().signal,
        rolledBack: new Set<string>(),
      };
      const stream = streamBinlog({ ...server.connectionOptions(), password: 'wrong' }, from, () => null, options);
      expect(await failureOf(stream.next())).toMatchObject({ code: 'SOURCE_CREDENTIALS_REJECTED' });
    });

    // MySQL 5.6 looks for replicas of the same name by their UUID only.
    if (title === 'mariadb')
      it('is cut off retryably by another reader with its server id', async () => {
        const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY)');
        const stop = new AbortController();
        const open = (): AsyncGenerator<Iterable<unknown>> =>
          streamBinlog(server.connectionOptions(), from, () => null, {
            flavor: server.flavor,
            serverId: 61_002,
            signal: stop.signal,
            rolledBack: new Set(),
            heartbeatMs: 100,
          });
        const first = drain(open());
        first.catch(() => {});
        const second = open();
        const secondEnd = drain(second);
        const failure = await failureOf(Promise.race([first, secondEnd]));
        expect(failure).toMatchObject({ code: 'SOURCE_SERVER_ID_CLASH' });
        stop.abort();
        await Promise.allSettled([first, secondEnd]);
      });

    it('ends quietly on abort and leaves no connection behind', async () => {
      const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY)');
      const ours = async (): Promise<number> =>
        (await server.query("SELECT 1 FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'")).length;
      const before = await ours();
      await collect(server, from, { plans });
      for (let tries = 0; (await ours()) > before && tries < 50; tries += 1) await server.query('DO SLEEP(0.05)');
      expect(await ours()).toBe(before);
    });

    if (title === 'mariadb') {
      it('reads compressed rows and statements', async () => {
        const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY, t TEXT)');
        await server.query(`SET GLOBAL log_bin_compress = ON, GLOBAL log_bin_compress_min_len = 10;
          INSERT INTO orders VALUES (1, REPEAT('abc', 1000)), (2, NULL); UPDATE orders SET id = 3 WHERE id = 1;
          ALTER TABLE orders /* ${'long '.repeat(50)} */ DROP t; SET GLOBAL log_bin_compress = OFF`);
        const seen = await collect(server, from, { plans });
        const t = 'abc'.repeat(1000);
        expect(rowsOf(seen).map((row) => row.cells)).toEqual([{ id: 1, t }, { id: 2 }, { id: 1, t }, { id: 3, t }]);
        expect(seen.find((event) => event.kind === 'schema')?.changes).toMatchObject([{ kind: 'incompatible' }]);
      });

      it('checks column names where the server writes them', async () => {
        await server.query('SET GLOBAL binlog_row_metadata = FULL');
        const from = await setUp('CREATE TABLE orders (id INT UNSIGNED PRIMARY KEY, a INT, b INT)');
        await server.query('INSERT INTO orders VALUES (1, 2, 3)');
        expect(rowsOf(await collect(server, from, { plans }))).toHaveLength(1);
        await server.query(
          'SET sql_log_bin = 0; ALTER TABLE orders RENAME COLUMN a TO c; SET sql_log_bin = 1; INSERT INTO orders VALUES (2, 2, 3)',
        );
        const failure = await failureOf(collect(server, from, { plans }));
        await server.query('SET GLOBAL binlog_row_metadata = NO_LOG');
        expect(failure).toMatchObject({ code: 'BINLOG_SCHEMA_MISMATCH', seen: expect.stringContaining('named c') });
      });

      it('tells an ALTER that is logged in two phases once', async () => {
        const seen = await streamOf(
          'CREATE TABLE orders (id INT PRIMARY KEY); INSERT INTO orders VALUES (1)',
          'SET SESSION binlog_alter_two_phase = ON; ALTER TABLE orders ADD a INT, ALGORITHM = COPY; SET SESSION binlog_alter_two_phase = OFF',
        );
        expect(kindsOf(seen).filter((kind) => kind === 'schema')).toHaveLength(1);
      });

      it('stops at a prepared XA transaction with selected rows, and passes others', async () => {
        const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY)');
        await server.query("XA START 'o'; INSERT INTO other.t VALUES (801); XA END 'o'; XA PREPARE 'o'; XA COMMIT 'o'");
        await server.query('INSERT INTO orders VALUES (1)');
        expect(idsOf(await collect(server, from, { plans }))).toEqual([1]);
        await server.query("XA START 'x'; INSERT INTO orders VALUES (2); XA END 'x'; XA PREPARE 'x'; XA ROLLBACK 'x'");
        expect(await failureOf(collect(server, from, { plans }))).toMatchObject({ code: 'BINLOG_EVENT_UNSUPPORTED' });
      });
    }

    describe('over a bad wire', () => {
      async function throughProxy(
        script: string,
        bend: (proxy: Awaited<ReturnType<typeof startTcpProxy>>, from: BinlogPosition) => void,
      ): Promise<SyncError> {
        const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY, t TEXT)');
        await server.query(script);
        const proxy = await startTcpProxy(server.port);
        try {
          const options = {
            flavor: server.flavor,
            serverId: 61_003,
            signal: new AbortController().signal,
            rolledBack: new Set<string>(),
            heartbeatMs: 100,
            silenceMs: 400,
          };
          const account = { ...server.connectionOptions(), port: proxy.port };
          const stream = streamBinlog(account, from, (name) => plans.get(tableKey(name)) ?? null, options);
          let isFirst = true;
          return await failureOf(
            drain(stream, () => {
              if (isFirst) bend(proxy, from);
              isFirst = false;
            }),
          );
        } finally {
          await proxy.close();
        }
      }

      it('notices a connection that has gone silent', async () => {
        const failure = await throughProxy('INSERT INTO orders VALUES (1, "")', (proxy) => {
          proxy.isSilent = true;
        });
        expect(failure).toMatchObject({ code: 'SOURCE_UNREACHABLE', seen: expect.stringContaining('heartbeat') });
      });

      it('notices a connection that was cut', async () => {
        const failure = await throughProxy('INSERT INTO orders VALUES (1, "")', (proxy) => void proxy.close());
        expect(failure).toMatchObject({ code: 'SOURCE_UNREACHABLE', isRetryable: true });
      });

      it.each([
        ['once, as the fault of the line', 1, { code: 'BINLOG_CORRUPT', isRetryable: true }],
        ['each time, as the end of the matter', Infinity, { code: 'POSITION_LOST', isRetryable: false }],
      ])('notices a byte that is changed %s', async (_, times, expected) => {
        await server.query("SET GLOBAL binlog_checksum = 'CRC32'");
        const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY, t TEXT)');
        await server.query(
          "INSERT INTO orders VALUES (1, 'good'); INSERT INTO orders VALUES (2, 'needle in the haystack')",
        );
        const proxy = await startTcpProxy(server.port);
        let left = times;
        proxy.onServerChunk = (chunk) => {
          const at = chunk.indexOf('needle in');
          if (at < 0 || left === 0) return;
          left -= 1;
          chunk[at] = 0x4e;
        };
        const options = {
          flavor: server.flavor,
          serverId: 61_004,
          signal: new AbortController().signal,
          rolledBack: new Set<string>(),
          heartbeatMs: 100,
        };
        const account = { ...server.connectionOptions(), port: proxy.port };
        const failure = await failureOf(
          drain(streamBinlog(account, from, (name) => plans.get(tableKey(name)) ?? null, options)),
        );
        await proxy.close();
        expect(failure).toMatchObject(expected);
        expect(failure.seen).toContain('checksum is wrong');
      });
    });

    it('reads no more than its bound while the consumer holds an arrival', async () => {
      const from = await setUp('CREATE TABLE orders (id INT PRIMARY KEY, t LONGTEXT)');
      for (let id = 0; id < 100; id += 1) await server.query(`INSERT INTO orders VALUES (${id}, REPEAT('x', 1000000))`);
      const proxy = await startTcpProxy(server.port);
      const stop = new AbortController();
      const options = {
        flavor: server.flavor,
        serverId: 61_005,
        signal: stop.signal,
        rolledBack: new Set<string>(),
        silenceMs: 300,
      };
      const account = { ...server.connectionOptions(), port: proxy.port };
      let rows = 0;
      let isHeld = true;
      for await (const arrival of streamBinlog(account, from, (name) => plans.get(tableKey(name)) ?? null, options)) {
        for (const event of arrival) rows += event.kind === 'rows' ? 1 : 0;
        if (isHeld && rows > 0) {
          isHeld = false;
          // Longer than the silence that would end a connection which is not held.
          let before = -1;
          while (before !== proxy.bytesFromServer) {
            before = proxy.bytesFromServer;
            await server.query('DO SLEEP(0.5)');
          }
          // 32 MiB in the queue, and what the sockets of both sides of the proxy take.
          expect(proxy.bytesFromServer).toBeLessThan(60_000_000);
        }
        if (rows === 100) stop.abort();
      }
      await proxy.close();
      expect(rows).toBe(100);
    });
  });
}

/** Reads a stream to its end. */
async function drain(stream: AsyncIterable<Iterable<unknown>>, onArrival: () => void = () => {}): Promise<void> {
  for await (const arrival of stream) {
    for (const _ of arrival);
    onArrival();
  }
}
