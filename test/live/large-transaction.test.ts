/**
 * One transaction that is larger than the memory allowed to the worker that streams it, in one-row statements and in a
 * single statement. The figure is the kernel's: the most memory that the process ever held (`VmHWM`).
 * MCSYNC_TRANSACTION_MB sets the size of the rows; a report of such runs is docs/reports/large-transactions.md.
 */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../operator/base/clock.js';
import { createWarehouse } from '../../operator/maxcompute/warehouse.js';
import { describeWithPart } from '../parts/part.js';
import { peakMiB, workerBelow } from './processes.js';
import { liveServersOr } from './servers.js';
import { accessKey, openWorld, type RunningProgram, type World } from './world.js';

const isLive = process.env.MCSYNC_LIVE === '1';
const megabytes = Number(process.env.MCSYNC_TRANSACTION_MB ?? (isLive ? 128 : 48));
const rowBytes = Number(process.env.MCSYNC_TRANSACTION_ROW_BYTES ?? 1_000);
const rows = Math.floor((megabytes * 1e6) / rowBytes);
/** What the product promises, whatever the size of a transaction. */
const peakMiBMax = 256;

const poolRows = 64;
const poolRowBytes = 65_536;
const body = `SUBSTRING(pool.b, 1 + (n * 7919) % ${poolRowBytes - rowBytes}, ${rowBytes})`;
/** Rows that do not compress, each with a digest of its own. */
const selectRows = `SELECT n, ${body}, MD5(${body}), MD5(CONCAT(n, MD5(${body})))
  FROM numbers JOIN pool ON pool.k = n % ${poolRows}`;
const digit = `(${Array.from({ length: 10 }, (_, d) => `SELECT ${d} d`).join(' UNION ALL ')})`;

const setUp = [
  'CREATE DATABASE big',
  'CREATE TABLE big.single (id INT PRIMARY KEY, body BLOB, digest CHAR(32), tag CHAR(32))',
  'CREATE TABLE big.many LIKE big.single',
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
       INSERT INTO big.many ${selectRows} WHERE n = at;
       SET at = at + 1;
     END WHILE;
     COMMIT;
   END`,
];

for (const { title, parts, start } of liveServersOr('MariaDB')) {
  describeWithPart(parts, `a transaction of ${megabytes} MB on ${title}`, () => {
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

    it.each([
      { table: 'many', how: 'of one-row statements', statement: 'CALL one_by_one()' },
      { table: 'single', how: 'of a single statement', statement: `INSERT INTO big.single ${selectRows}` },
    ])(
      '$how is streamed within memory, and stands in the log as it was written',
      async ({ table, statement }) => {
        const task = world.writeTask(table, { objects: [{ database: 'big', tables: [table] }] });
        const state = `${world.stateDir}-${table}`;
        run = world.start('run', '-f', task, '--state', state);
        const status = async (): Promise<{ phase: string; changes: number; recordId: number }> => {
          const { code, stdout } = await world.run('status', '-f', task, '--state', state, '-o', 'json');
          return code === 0 ? JSON.parse(stdout) : { phase: '', changes: 0, recordId: 0 };
        };
        await until(run, async () => (await status()).phase === 'Synchronizing');
        const worker = workerBelow(run.pid, 'stream') as number;
        const before = peakMiB(worker);

        const writtenMs = performance.now();
        await world.server.query(statement);
        const streamedMs = performance.now();
        await until(run, async () => (await status()).recordId === rows);
        const doneMs = performance.now();
        const peak = peakMiB(worker);
        process.stderr.write(
          `${title}, ${statement.slice(0, 6)}, ${rows} rows of ${rowBytes} bytes: peak ${peak} MiB, ${before} MiB before; ` +
            `written in ${Math.round((streamedMs - writtenMs) / 1000)} s, committed ${Math.round((doneMs - streamedMs) / 1000)} s later\n`,
        );
        expect(workerBelow(run.pid, 'stream')).toBe(worker);
        run.stop();
        expect((await run.ended).code).toBe(0);
        expect(await logOf(world, table)).toEqual(wholeLog(rows));
        expect(peak).toBeLessThanOrEqual(peakMiBMax);
      },
      120_000 + megabytes * 2_000,
    );
  });
}

async function logOf(world: World, table: string): Promise<Record<string, number>> {
  await using warehouse = createWarehouse(
    {
      endpoint: world.endpoint,
      project: 'live',
      userAgent: 'test',
      credentials: () => ({ accessKeyId: accessKey.id, accessKeySecret: accessKey.secret }),
    },
    systemClock,
  );
  const { columns, rows: found } = await warehouse.query(
    `SELECT COUNT(*) AS rows_, COUNT(DISTINCT id) AS ids, MIN(id) AS id_lo, MAX(id) AS id_hi,
       COUNT(DISTINCT record_id) AS record_ids, MIN(record_id) AS record_lo, MAX(record_id) AS record_hi,
       SUM(CASE WHEN operation_flag = 'I' THEN 1 ELSE 0 END) AS inserts,
       SUM(CASE WHEN record_id = id + 1 THEN 1 ELSE 0 END) AS in_order,
       SUM(CASE WHEN MD5(body) = digest THEN 1 ELSE 0 END) AS bodies,
       SUM(CASE WHEN MD5(CONCAT(CAST(id AS STRING), digest)) = tag THEN 1 ELSE 0 END) AS tags
     FROM ${table}_log`,
    { 'odps.sql.allow.fullscan': 'true' },
  );
  return Object.fromEntries(columns.map(({ name }, at) => [name, Number(found[0]?.[at])]));
}

function wholeLog(count: number): Record<string, number> {
  const each = {
    rows_: count,
    ids: count,
    record_ids: count,
    inserts: count,
    in_order: count,
    bodies: count,
    tags: count,
  };
  return { ...each, id_lo: 0, id_hi: count - 1, record_lo: 1, record_hi: count };
}

async function until(run: RunningProgram, isSo: () => Promise<boolean>): Promise<void> {
  let end: number | null | undefined;
  void run.ended.then(({ code }) => {
    end = code;
  });
  while (!(await isSo())) {
    if (end !== undefined) throw new Error(`mcsync run ended with ${end}: ${run.stderr()}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
