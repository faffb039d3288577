import { createHash } from 'node:crypto';
import { systemClock } from '../../operator/base/clock.js';
import type { RowBatch } from '../../operator/model/change.js';
import type { Source } from '../../operator/model/ports.js';
import type { BinlogPosition } from '../../operator/model/position.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { createMySqlSource } from '../../operator/mysql/source.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import { planFor, RecordingSink, recordRows } from './recording-sink.js';
import { settingsOf } from './servers.js';
import { isAtOrBelow, readCommits, startWriters, statementsInLog } from './writers.js';

const open = { after: null, upTo: null };
const never = new AbortController().signal;

describe.each([
  { part: mysql56, start: startMySql56, options: [statementsInLog.mysql, '--innodb-log-file-size=512M'] },
  { part: mariadb, start: startMariaDb, options: [statementsInLog.mariadb] },
])('rows of a snapshot', ({ part, start, options }) => {
  describeWithPart(part, `on ${part.name}`, () => {
    let server: TestServer;
    let source: Source;
    beforeAll(async () => {
      server = await start({ serverOptions: options });
      await server.query(`CREATE DATABASE shop;
        CREATE TABLE shop.numbers (id INT PRIMARY KEY, text VARCHAR(400), empty TEXT) ENGINE=InnoDB;
        INSERT INTO shop.numbers VALUES (1, REPEAT('a', 250), ''), (2, REPEAT('b', 251), NULL), (3, NULL, NULL), (4, '', 'é😀')`);
      source = createMySqlSource(settingsOf(server), systemClock);
    });
    afterAll(async () => {
      await source?.[Symbol.asyncDispose]();
      await server?.stop();
    });

    async function planOf(table: string, changes: Partial<TablePlan> = {}): Promise<TablePlan> {
      const { tables } = await source.start([{ database: 'shop', table }]);
      return planFor(tables[0]!, changes);
    }

    it('tell NULL from empty, and long texts from short ones', async () => {
      const plan = await planOf('numbers');
      expect(await recordRows(plan, source.readChunk(plan, open, never))).toEqual([
        ['1', 'a'.repeat(250), ''],
        ['2', 'b'.repeat(251), null],
        ['3', null, null],
        ['4', '', 'é😀'],
      ]);
    });

    it('are those that the filter lets through, comment and all', async () => {
      const plan = await planOf('numbers', { where: 'id > 2 OR id = 1 -- and no more' });
      const rows = await recordRows(plan, source.readChunk(plan, { after: ['1'], upTo: ['3'] }, never));
      expect(rows.map(([id]) => id)).toEqual(['3']);
    });

    it('come whole where they are longer than a packet, among short ones', async () => {
      await server.query(
        'CREATE TABLE shop.long_rows (id INT PRIMARY KEY, a LONGTEXT, b LONGTEXT, c LONGTEXT, d LONGTEXT) ENGINE=InnoDB',
      );
      // A packet holds 16,777,215 bytes; with 12 bytes of lengths and the id, the second row fills it to the last one.
      const half = 8_388_600;
      const sizes = [
        [3, 0, 0, 0],
        [half, 16_777_215 - 12 - half, 0, 0],
        [half, 16_777_214 - 12 - half, 0, 0],
        [5, 0, 0, 0],
        [half, 16_777_216 - 12 - half, 0, 0],
        [half, half, half, half],
        [7, 0, 0, 0],
      ];
      for (const [id, row] of sizes.entries()) {
        const cells = row.map((size, column) => `REPEAT('${(id + column) % 10}', ${size})`);
        await server.query(`INSERT INTO shop.long_rows VALUES (${id}, ${cells.join(', ')})`);
      }
      const plan = await planOf('long_rows');
      const rows = await recordRows(plan, source.readChunk(plan, open, never));
      expect(rows.map(([, ...cells]) => cells.map((cell) => cell?.length))).toEqual(sizes);
      const digest = (text: string): string => createHash('sha1').update(text).digest('hex');
      expect(rows.map(([, ...cells]) => cells.map((cell) => digest(cell ?? '')))).toEqual(
        sizes.map((row, id) => row.map((size, column) => digest(String((id + column) % 10).repeat(size)))),
      );
    });

    it('are not read ahead without bound while the consumer holds a batch', async () => {
      await server.query(`CREATE TABLE shop.bulk (id INT AUTO_INCREMENT PRIMARY KEY, body VARCHAR(8000)) ENGINE=InnoDB;
        INSERT INTO shop.bulk (body) VALUES (REPEAT('x', 8000))`);
      for (let i = 0; i < 12; i += 1) await server.query('INSERT INTO shop.bulk (body) SELECT body FROM shop.bulk');
      const plan = await planOf('bulk');
      const before = process.memoryUsage().arrayBuffers;
      const sink = new CountingSink(plan.columns.length);
      let heldBytes = 0;
      for await (const batch of source.readChunk(plan, open, never)) {
        if (sink.count === 0) {
          // The server is faster than these questions: it has sent whatever it was let send.
          for (let i = 0; i < 20; i += 1) await server.query('SELECT COUNT(*) FROM shop.numbers');
          heldBytes = process.memoryUsage().arrayBuffers - before;
        }
        batch.drive(sink);
      }
      expect(sink.count).toBe(4096);
      // Of 33 MB: the batch, eight chunks of 64 KiB behind it, and what the socket itself holds.
      expect(heldBytes).toBeLessThan(4 * 1024 * 1024);
    });

    it('end at once when the reading is given up, and leave the source usable', async () => {
      const plan = await planOf('numbers');
      const controller = new AbortController();
      controller.abort(new Error('given up'));
      expect(await recordRows(plan, source.readChunk(plan, open, controller.signal))).toEqual([]);
      for await (const _ of source.readChunk(plan, open, never)) break;
      expect(await recordRows(plan, source.readChunk(plan, open, never))).toHaveLength(4);
    });

    it('say what the server refuses, without the statement', async () => {
      const plan = await planOf('numbers', { where: "no_such_column = 'secret value'" });
      const reading = recordRows(plan, source.readChunk(plan, open, never));
      await expect(reading).rejects.toMatchObject({ code: 'SOURCE_QUERY_FAILED', table: 'shop.numbers' });
      await expect(reading).rejects.toThrow(/no_such_column/);
      await expect(reading).rejects.not.toThrow(/secret value/);
    });

    it('have filters that can be tried before: the refused ones are told, without their values', async () => {
      const wheres = ["no_such_column = 'secret value'", 'id > 2 -- fine', "id = = 'secret value'", null];
      const plans = await Promise.all(wheres.map((where) => planOf('numbers', { where })));
      const refused = await source.refusedFilters(plans);
      expect(refused.map(({ table }) => table.table)).toEqual(['numbers', 'numbers']);
      expect(refused[0]?.reason).toMatch(/no_such_column/);
      expect(JSON.stringify(refused)).not.toMatch(/secret value/);
    });

    it('are refused from another server than the task began with', async () => {
      const { identity } = await source.start([{ database: 'shop', table: 'numbers' }]);
      const serverUuid = identity.serverUuid && '3e11fa47-71ca-11e1-9e33-c80aa9429562';
      const other = { ...identity, serverUuid, serverId: identity.serverId + 1 };
      await using stray = createMySqlSource(settingsOf(server), systemClock, {
        known: { identity: other, positions: [] },
      });
      const plan = await planOf('numbers');
      const reading = recordRows(plan, stray.readChunk(plan, open, never));
      await expect(reading).rejects.toMatchObject({ code: 'SOURCE_IDENTITY_CHANGED' });
    });

    describe('in one view, whose position is known', () => {
      beforeAll(() =>
        server.query(`CREATE TABLE shop.t (w INT, n INT) ENGINE=InnoDB;
          CREATE USER 'locker'@'%'; GRANT SELECT, LOCK TABLES ON shop.* TO 'locker'@'%'; GRANT REPLICATION CLIENT ON *.* TO 'locker'@'%';
          CREATE USER 'reader'@'%'; GRANT SELECT ON shop.* TO 'reader'@'%'; GRANT REPLICATION CLIENT ON *.* TO 'reader'@'%';
          CREATE USER 'guest'@'%'; GRANT SELECT ON shop.* TO 'guest'@'%'`),
      );

      /** Reads views while sixteen writers run; answers with what was in each, and where it stood. */
      async function readViews(username: string): Promise<{ rows: string[]; position: BinlogPosition }[]> {
        await using account = createMySqlSource(settingsOf(server, { username, password: '' }), systemClock);
        const plan = await planOf('t');
        const writers = await startWriters(server);
        const views: { rows: string[]; position: BinlogPosition }[] = [];
        try {
          for (let i = 0; i < 10; i += 1) {
            writers.assertRunning();
            const told: BinlogPosition[] = [];
            const batches = account.readView(plan, async (position) => void told.push(position), never);
            const rows = (await recordRows(plan, batches)).map((row) => row.join('-')).toSorted();
            views.push({ rows, position: told[0]! });
          }
        } finally {
          await writers.stop();
        }
        return views;
      }

      it.each(['root', 'locker'])('hold exactly the commits at or below it, for %s', async (username) => {
        await server.query('TRUNCATE shop.t; FLUSH LOGS');
        const [status] = await server.query('SHOW MASTER STATUS');
        const views = await readViews(username);
        const commits = (await readCommits(server)).filter(({ file }) => file >= (status?.File ?? ''));
        for (const { rows, position } of views) {
          const expected = commits.filter((commit) => isAtOrBelow(commit, position)).map(({ w, n }) => `${w}-${n}`);
          expect(rows).toEqual(expected.toSorted());
        }
        expect(views.at(-1)?.rows.length).toBeGreaterThan(16);
      });

      it('need a lock that the account may take, or the snapshot of MariaDB', async () => {
        const reading = readViews('reader');
        if (server.flavor === 'mariadb') await expect(reading).resolves.toHaveLength(10);
        else await expect(reading).rejects.toMatchObject({ code: 'NO_KEY_NEEDS_LOCK', table: 'shop.t' });
      });

      it('stand nowhere for an account without rights on the log, as a baseline alone is read', async () => {
        await server.query('TRUNCATE shop.t; INSERT INTO shop.t VALUES (1, 1), (1, 1)');
        await using guest = createMySqlSource(settingsOf(server, { username: 'guest', password: '' }), systemClock);
        const plan = await planOf('t');
        const told: BinlogPosition[] = [];
        const rows = await recordRows(
          plan,
          guest.readView(plan, async (position) => void told.push(position), never),
        );
        expect(rows).toEqual([
          ['1', '1'],
          ['1', '1'],
        ]);
        expect(told).toEqual([{ file: '', offset: 0, gtidSet: null }]);
      });

      it('keep writers off a table whose engine has no views, until it is read', async () => {
        await server.query('CREATE TABLE shop.isam (id INT) ENGINE=MyISAM; INSERT INTO shop.isam VALUES (1), (2)');
        const plan = await planOf('isam');
        let isWritten = false;
        let writing: Promise<unknown> = Promise.resolve();
        const batches: RowBatch[] = [];
        const onView = async (): Promise<void> => {
          writing = server.query('INSERT INTO shop.isam VALUES (3)').then(() => {
            isWritten = true;
          });
        };
        for await (const batch of source.readView(plan, onView, never)) {
          batches.push(batch);
          expect(isWritten).toBe(false);
        }
        await writing;
        const sink = new RecordingSink(1);
        for (const batch of batches) batch.drive(sink);
        expect(sink.rows).toEqual([['1'], ['2']]);
      });
    });
  });
});

class CountingSink extends RecordingSink {
  count = 0;
  override endRow(): void {
    this.count += 1;
  }
}
