/**
 * One transaction that is larger than the memory allowed to the worker that streams it, in one-row statements and in a
 * single statement; and a snapshot of as many bytes in wide rows. Nothing of it compresses. The figure is the kernel's: the
 * most memory that the process ever held (`VmHWM`). MCSYNC_TRANSACTION_MB sets the size of the rows; a report of large runs
 * is docs/reports/large-transactions.md. With MCSYNC_LIVE=1.
 */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../operator/base/clock.js';
import { createWarehouse } from '../../operator/maxcompute/warehouse.js';
import { describeWhenLive } from '../parts/part.js';
import { readNewest } from './folder-copies.js';
import { peakMiB, workerBelow } from './processes.js';
import { liveServers } from './servers.js';
import { accessKey, openWorld, type RunningProgram, type World } from './world.js';

const megabytes = Number(process.env.MCSYNC_TRANSACTION_MB ?? 128);
const rowBytes = Number(process.env.MCSYNC_TRANSACTION_ROW_BYTES ?? 1_000);
const rows = Math.floor((megabytes * 1e6) / rowBytes);
/** What the product promises, whatever the size of a transaction. */
const peakMiBMax = 256;
/**
 * On top of what the process holds while it is idle, which does not follow the size of a transaction: 64 MiB of blocks, 32 MiB
 * of the dump connection, 16 MiB of heap. So 128 MB that are held as a whole are found out, too.
 */
const growthMiBMax = 112;

const poolRows = 64;
const poolRowBytes = 65_536;
const wideRowBytes = 60_000;
const wideRows = Math.floor((megabytes * 1e6) / wideRowBytes);
/** Rows that do not compress, each with a digest of its own. */
const selectRows = (bytes: number): string => {
  const body = `SUBSTRING(pool.b, 1 + (n * 7919) % ${poolRowBytes - bytes}, ${bytes})`;
  return `SELECT n, ${body}, MD5(${body}), MD5(CONCAT(n, MD5(${body})))
    FROM numbers JOIN pool ON pool.k = n % ${poolRows}`;
};
const digit = `(${Array.from({ length: 10 }, (_, d) => `SELECT ${d} d`).join(' UNION ALL ')})`;

const setUp = [
  'CREATE DATABASE big',
  'CREATE TABLE big.single (id INT PRIMARY KEY, body BLOB, digest CHAR(32), tag CHAR(32))',
  'CREATE TABLE big.many LIKE big.single',
  'CREATE TABLE big.wide LIKE big.single',
  // What rows are made of is not in the binary log: the streamed transaction alone counts.
  'CREATE DATABASE source; USE source; SET SESSION sql_log_bin = 0',
  'CREATE TABLE pool (k INT PRIMARY KEY, b LONGBLOB)',
  'CREATE TABLE numbers (n INT PRIMARY KEY)',
  `INSERT INTO numbers SELECT n FROM (SELECT ${[1, 10, 100, 1_000, 10_000, 100_000, 1_000_000].map((factor, at) => `${factor} * d${at}.d`).join(' + ')} AS n
    FROM ${Array.from({ length: 7 }, (_, at) => `${digit} d${at}`).join(', ')}
    WHERE ${[1_000_000, 100_000, 10_000].map((factor, at) => `d${6 - at}.d <= ${Math.floor(rows / factor)}`).join(' AND ')}) all_of_them WHERE n < ${rows}`,
  `CREATE PROCEDURE one_by_one() BEGIN
     DECLARE at INT DEFAULT 0;
     START TRANSACTION;
     WHILE at < ${rows} DO
       INSERT INTO big.many ${selectRows(rowBytes)} WHERE n = at;
       SET at = at + 1;
     END WHILE;
     COMMIT;
   END`,
];

for (const { title, parts, start } of liveServers) {
  describeWhenLive(parts, `a transaction of ${megabytes} MB on ${title}`, () => {
    let world: World;
    let run: RunningProgram | null = null;

    beforeAll(async () => {
      world = await openWorld(start);
      for (const statement of setUp) await world.server.query(statement);
      for (let k = 0; k < poolRows; k += 1)
        await world.server.query(`INSERT INTO pool VALUES (${k}, 0x${randomBytes(poolRowBytes).toString('hex')})`);
      await world.server.query('SET SESSION sql_log_bin = 1');
    }, 600_000);
    afterAll(async () => {
      run?.kill('group');
      await world?.close();
    }, 60_000);

    const shapes = [
      { table: 'single', how: 'of a single statement', statement: `INSERT INTO big.single ${selectRows(rowBytes)}` },
      { table: 'many', how: 'of one-row statements', statement: 'CALL one_by_one()' },
    ];

    it.each(shapes)(
      '$how is streamed within memory, and stands in the log as it was written',
      async ({ table, how, statement }) => {
        const { running, state } = begin(table);
        await until(running, () => running.stderr().includes('Synchronizing'));
        const worker = workerBelow(running.pid, 'stream') as number;
        const before = peakMiB(worker);

        const writtenMs = performance.now();
        await world.server.query(statement);
        const streamedMs = performance.now();
        await until(running, () => JSON.parse(readNewest(state, `${table}-checkpoint`)).recordId === rows);
        const doneMs = performance.now();
        const peak = peakMiB(worker);
        expect(Math.min(before, peak)).toBeGreaterThan(0);
        tell(
          `${how}, ${rows} rows of ${rowBytes} bytes: peak ${peak} MiB, ${before} MiB before; ` +
            `written in ${Math.round((streamedMs - writtenMs) / 1000)} s, committed ${Math.round((doneMs - streamedMs) / 1000)} s later`,
        );
        expect(workerBelow(running.pid, 'stream')).toBe(worker);
        running.stop();
        expect((await running.ended).code).toBe(0);
        // In which order one statement makes its rows is the server's affair.
        const inOrder = table === 'many' ? rows : expect.any(Number);
        expect(await logOf(world, table)).toEqual({ ...wholeLog(rows), inOrder });
        expect(peak).toBeLessThanOrEqual(peakMiBMax);
        if (megabytes <= 128) expect(peak - before).toBeLessThanOrEqual(growthMiBMax);
      },
      120_000 + megabytes * 2_000,
    );

    it(
      'is matched by a snapshot of as many bytes in wide rows, which stays within memory too',
      async () => {
        await world.server.query(`INSERT INTO big.wide ${selectRows(wideRowBytes)} WHERE n < ${wideRows}`);
        const { running } = begin('wide');
        let peak = 0;
        await until(running, () => {
          const worker = workerBelow(running.pid, 'snapshot');
          if (worker !== null) peak = Math.max(peak, peakMiB(worker));
          return running.stderr().includes('Synchronizing');
        });
        running.stop();
        expect((await running.ended).code).toBe(0);
        tell(`snapshot of ${wideRows} rows of ${wideRowBytes} bytes: peak ${peak} MiB`);
        const [counts] = await rowsOf(
          world,
          'SELECT COUNT(*), COUNT(DISTINCT id), SUM(CASE WHEN MD5(body) = digest THEN 1 ELSE 0 END) FROM wide_base',
        );
        expect(counts).toEqual([wideRows, wideRows, wideRows]);
        expect(peak).toBeGreaterThan(0);
        expect(peak).toBeLessThanOrEqual(peakMiBMax);
      },
      120_000 + megabytes * 2_000,
    );

    function begin(table: string): { running: RunningProgram; state: string } {
      const task = world.writeTask(table, { objects: [{ database: 'big', tables: [table] }] });
      const state = `${world.stateDir}-${table}`;
      run = world.start('run', '-f', task, '--state', state);
      return { running: run, state };
    }

    function tell(line: string): void {
      process.stderr.write(`${title}: ${line}\n`);
    }
  });
}

async function rowsOf(world: World, sql: string): Promise<number[][]> {
  const credentials = () => ({ accessKeyId: accessKey.id, accessKeySecret: accessKey.secret });
  const settings = { endpoint: world.endpoint, project: 'live', userAgent: 'test', credentials };
  await using warehouse = createWarehouse(settings, systemClock);
  const { rows: found } = await warehouse.query(sql, { 'odps.sql.allow.fullscan': 'true' });
  return found.map((row) => row.map(Number));
}

const logFacts = {
  rows: 'COUNT(*)',
  ids: 'COUNT(DISTINCT id)',
  idLo: 'MIN(id)',
  idHi: 'MAX(id)',
  recordIds: 'COUNT(DISTINCT record_id)',
  recordIdLo: 'MIN(record_id)',
  recordIdHi: 'MAX(record_id)',
  inserts: "SUM(CASE WHEN operation_flag = 'I' THEN 1 ELSE 0 END)",
  inOrder: 'SUM(CASE WHEN record_id = id + 1 THEN 1 ELSE 0 END)',
  bodies: 'SUM(CASE WHEN MD5(body) = digest THEN 1 ELSE 0 END)',
  tags: 'SUM(CASE WHEN MD5(CONCAT(CAST(id AS STRING), digest)) = tag THEN 1 ELSE 0 END)',
} as const;

async function logOf(world: World, table: string): Promise<Record<string, number | undefined>> {
  const [found = []] = await rowsOf(world, `SELECT ${Object.values(logFacts).join(', ')} FROM ${table}_log`);
  return Object.fromEntries(Object.keys(logFacts).map((name, at) => [name, found[at]]));
}

function wholeLog(count: number): Record<keyof typeof logFacts, number> {
  const each = {
    rows: count,
    ids: count,
    recordIds: count,
    inserts: count,
    inOrder: count,
    bodies: count,
    tags: count,
  };
  return { ...each, idLo: 0, idHi: count - 1, recordIdLo: 1, recordIdHi: count };
}

async function until(running: RunningProgram, isSo: () => boolean): Promise<void> {
  let end: number | null | undefined;
  void running.ended.then(({ code }) => {
    end = code;
  });
  while (!isSo()) {
    if (end !== undefined) throw new Error(`mcsync run ended with ${end}: ${running.stderr()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
