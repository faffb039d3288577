import { systemClock } from '../../operator/base/clock.js';
import type { Source } from '../../operator/model/ports.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { splitTable } from '../../operator/mysql/chunks.js';
import { openSession } from '../../operator/mysql/connect.js';
import { createMySqlSource } from '../../operator/mysql/source.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import { planFor, recordRows } from './recording-sink.js';
import { settingsOf } from './servers.js';

const rowsOf = (rows: number) => ({ rows, bytes: 64 * 1024 * 1024 });

const rowsCount = 100;
const chunkRows = 7;

/** `value(n)` is SQL for the key columns of row n; n itself is stored beside them. */
const keys: { name: string; columns: string; key: string; value: (n: number) => string }[] = [
  { name: 'negative integers', columns: 'k INT', key: 'k', value: (n) => `${n * 3 - 150}` },
  { name: 'integers beyond 2^63', columns: 'k BIGINT UNSIGNED', key: 'k', value: (n) => `18446744073709551615 - ${n}` },
  { name: 'zero-filled integers', columns: 'k INT(6) UNSIGNED ZEROFILL', key: 'k', value: (n) => `${n}` },
  {
    name: 'decimals',
    columns: 'k DECIMAL(40,10)',
    key: 'k',
    value: (n) => `(${n} - 50) * 1234567890123456789.0123456789`,
  },
  {
    name: 'dates',
    columns: 'k DATE',
    key: 'k',
    value: (n) => (n === 1 ? "'0000-00-00'" : `DATE_ADD('1999-12-01', INTERVAL ${n} DAY)`),
  },
  {
    name: 'moments',
    columns: 'k DATETIME(6)',
    key: 'k',
    value: (n) => `DATE_ADD('2026-01-01', INTERVAL ${n} MICROSECOND)`,
  },
  {
    name: 'timestamps',
    columns: 'k TIMESTAMP(3)',
    key: 'k',
    value: (n) => `FROM_UNIXTIME(1000000000.5 + ${n} * 1000)`,
  },
  { name: 'negative times', columns: 'k TIME(2)', key: 'k', value: (n) => `SEC_TO_TIME(${n} * 100 - 5000.5)` },
  { name: 'years', columns: 'k YEAR', key: 'k', value: (n) => (n === 1 ? "'0000'" : `'${1950 + n}'`) },
  { name: 'bits', columns: 'k BIT(64)', key: 'k', value: (n) => `18446744073709551615 - ${n}` },
  {
    name: 'texts without regard to case',
    columns: 'k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci',
    key: 'k',
    value: (n) => `CONCAT(IF(${n} % 2, 'Key', 'kEY'), ' ', ${n}, ' \\'"\\\\')`,
  },
  {
    name: 'texts outside of ASCII',
    columns: 'k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci',
    key: 'k',
    value: (n) => `CONCAT(_utf8mb4 0xF09F9880, CHAR(${n} + 200 USING latin1), ${n})`,
  },
  {
    name: 'texts in gbk',
    columns: 'k VARCHAR(20) CHARACTER SET gbk',
    key: 'k',
    value: (n) => `CONCAT(_gbk 0xC4E3BAC3, ${n})`,
  },
  { name: 'texts in ucs2', columns: 'k CHAR(10) CHARACTER SET ucs2', key: 'k', value: (n) => `${n}` },
  { name: 'bytes', columns: 'k VARBINARY(8)', key: 'k', value: (n) => `IF(${n} = 1, '', UNHEX(SHA1(${n})))` },
  { name: 'padded bytes', columns: 'k BINARY(4)', key: 'k', value: (n) => `CHAR(${n}, 0)` },
  {
    name: 'composite keys',
    columns: 'a INT, b VARCHAR(9) COLLATE utf8mb4_general_ci, c DATE',
    key: 'a, b, c',
    value: (n) => `${n} % 3, CONCAT('x', ${n} % 5), DATE_ADD('2026-01-01', INTERVAL ${n} DAY)`,
  },
  {
    name: 'keys that end with an enum',
    columns: "a INT, b ENUM('z', 'y', 'x', 'w')",
    key: 'a, b',
    value: (n) => `${n} DIV 4, ${n} % 4 + 1`,
  },
];
const wholeKeys = [
  { name: 'enums', columns: "k ENUM('b', 'a', 'c')", key: 'k', value: (n: number) => `'${'abc'[n - 1]}'` },
  { name: 'doubles', columns: 'k DOUBLE', key: 'k', value: (n: number) => `${n} / 3` },
];

describe.each([
  { part: mysql56, start: startMySql56 },
  { part: mariadb, start: startMariaDb },
])('chunks', ({ part, start }) => {
  describeWithPart(part, `on ${part.name}`, () => {
    let server: TestServer;
    let source: Source;
    beforeAll(async () => {
      server = await start();
      await server.query('CREATE DATABASE shop');
      source = createMySqlSource(settingsOf(server), systemClock);
    });
    afterAll(async () => {
      await source?.[Symbol.asyncDispose]();
      await server?.stop();
    });

    async function makeTable(
      table: string,
      { columns, key, value }: (typeof keys)[number],
      rows: number,
    ): Promise<TablePlan> {
      const values = Array.from({ length: rows }, (_, i) => `(${value(i + 1)}, ${i + 1})`);
      await server.query(`SET sql_mode = '', time_zone = '+00:00';
        CREATE TABLE shop.${table} (${columns}, n INT, PRIMARY KEY (${key})) ENGINE=InnoDB; INSERT INTO shop.${table} VALUES ${values.join(', ')}`);
      const { tables } = await source.start([{ database: 'shop', table }]);
      return planFor(tables[0]!);
    }

    async function readByChunks(plan: TablePlan, rows: number): Promise<number[][]> {
      const chunks: number[][] = [];
      for (const range of await source.chunks(plan, rowsOf(rows))) {
        const read = await recordRows(plan, source.readChunk(plan, range, new AbortController().signal));
        chunks.push(read.map((row) => Number(row.at(-1))));
      }
      return chunks;
    }

    const everyRow = Array.from({ length: rowsCount }, (_, i) => i + 1);
    const sorted = (chunks: number[][]): number[] => chunks.flat().toSorted((a, b) => a - b);

    it.each(keys)('cover each row once: $name', async (key) => {
      const plan = await makeTable(`t${keys.indexOf(key)}`, key, rowsCount);
      const chunks = await readByChunks(plan, chunkRows);
      expect(sorted(chunks)).toEqual(everyRow);
      expect(chunks.length).toBeGreaterThan(rowsCount / chunkRows / 4);
      expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThanOrEqual(chunkRows + 4);
    });

    it.each(wholeKeys)('are one where a key cannot be compared as it is ordered: $name', async (key) => {
      const plan = await makeTable(`w${wholeKeys.indexOf(key)}`, key, 3);
      expect(await source.chunks(plan, rowsOf(1))).toEqual([{ after: null, upTo: null }]);
      expect(sorted(await readByChunks(plan, 1))).toEqual([1, 2, 3]);
    });

    it('are one open range for an empty table and for a table without a key', async () => {
      const empty = await makeTable('empty', { ...keys[0]!, value: () => '1' }, 1);
      await server.query('DELETE FROM shop.empty');
      expect(await source.chunks(empty, rowsOf(10))).toEqual([{ after: null, upTo: null }]);
      expect(await source.chunks({ ...empty, key: null }, rowsOf(10))).toEqual([{ after: null, upTo: null }]);
    });

    it('leave rows that come behind the last one to the log, so that no range grows while it waits', async () => {
      const plan = await makeTable('later', keys[0]!, rowsCount);
      const ranges = await source.chunks(plan, rowsOf(chunkRows));
      await server.query(
        'INSERT INTO shop.later VALUES (-1000, 101), (0, 102) ON DUPLICATE KEY UPDATE n = n; INSERT INTO shop.later VALUES (1000, 103)',
      );
      const rows: number[] = [];
      for (const range of ranges) {
        const read = await recordRows(plan, source.readChunk(plan, range, new AbortController().signal));
        rows.push(...read.map((row) => Number(row.at(-1))));
      }
      expect(rows).toContain(101);
      expect(rows).not.toContain(103);
      expect(new Set(rows).size).toBe(rows.length);
    });

    it('are smaller where rows are wide', async () => {
      await server.query(`CREATE TABLE shop.wide (id INT AUTO_INCREMENT PRIMARY KEY, b LONGBLOB) ENGINE=InnoDB;
        INSERT INTO shop.wide (b) VALUES (REPEAT('x', 50000))`);
      for (let i = 0; i < 7; i += 1) await server.query('INSERT INTO shop.wide (b) SELECT b FROM shop.wide');
      await server.query('ANALYZE TABLE shop.wide');
      await using session = await openSession(settingsOf(server));
      const { tables } = await source.start([{ database: 'shop', table: 'wide' }]);
      const ranges = await splitTable(session, planFor(tables[0]!), { rows: 1_000_000, bytes: 1024 * 1024 });
      expect(ranges.length).toBeGreaterThan(4);
      expect(ranges.length).toBeLessThanOrEqual(13);
    });
  });
});
