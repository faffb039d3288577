/** The main job through the command line, on a real server: run, kill, resume, stop, resnapshot, merge. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../operator/base/clock.js';
import { type Emulator, startEmulator } from '../../operator/emulator/emulator.js';
import { isFolderLocked } from '../../operator/local/folder-lock.js';
import { createWarehouse } from '../../operator/maxcompute/warehouse.js';
import type { Warehouse } from '../../operator/model/ports.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import { mcsync, type Running, start, taskText } from './mcsync.js';

describeWithPart(mariadb, 'mcsync on a server', () => {
  let dir: string;
  let server: TestServer;
  let emulator: Emulator;
  let warehouse: Warehouse & AsyncDisposable;
  const running: Running[] = [];

  const startRun = (): Running => {
    const run = start(['run', '-f', 'task.yaml'], dir);
    running.push(run);
    return run;
  };

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mcsync-run-'));
    server = await startMariaDb();
    await server.query(`
      CREATE USER mc@'127.0.0.1' IDENTIFIED BY 'pw-of-the-source';
      GRANT SELECT, RELOAD, LOCK TABLES, REPLICATION SLAVE, BINLOG MONITOR ON *.* TO mc@'127.0.0.1';
      CREATE DATABASE shop; USE shop;
      CREATE TABLE orders (a INT, b VARCHAR(20) CHARACTER SET utf8mb4, price DECIMAL(10,2), PRIMARY KEY (b, a));
      CREATE TABLE \`no key\` (v VARCHAR(20) CHARACTER SET utf8mb4, f DOUBLE);
      INSERT INTO orders SELECT seq, CONCAT('n', seq), seq / 7 FROM seq_1_to_2000;
      INSERT INTO \`no key\` VALUES ('x', 1.5), ('x', 1.5), (NULL, NULL), (NULL, NULL);`);
    const accessKey = { accessKeyId: 'ak', accessKeySecret: 'secret-of-the-target' };
    emulator = await startEmulator({ port: 0, dataDir: null, project: 'p', ...accessKey });
    const { endpoint } = emulator;
    warehouse = createWarehouse(
      { endpoint, project: 'p', userAgent: 'test', credentials: () => accessKey },
      systemClock,
    );
    await writeFile(join(dir, 'task.yaml'), taskText({ mysqlPort: server.port, endpoint }));
  });

  afterAll(async () => {
    for (const { process, ended } of running) {
      process.kill('SIGKILL');
      await ended;
    }
    await warehouse?.[Symbol.asyncDispose]();
    await emulator?.close();
    await server?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const status = async (): Promise<Record<string, unknown> & { tables: { table: string; phase: string }[] }> =>
    JSON.parse((await mcsync(['status', '-f', 'task.yaml', '-o', 'json'], dir)).stdout);

  /** The rows of a merge and of its source, as one text each. */
  async function compare(table: string, columns: string): Promise<void> {
    const merged = await mcsync(['merge', '-f', 'task.yaml', `shop.${table}`, '--into', 'merged'], dir);
    expect(merged).toMatchObject({ code: 0, stdout: expect.stringMatching(/-> p\.merged: [\d,]+ rows\n$/) });
    const { rows } = await warehouse.query('SELECT * FROM merged');
    const source = await server.query(`SELECT ${columns} FROM shop.\`${table}\``);
    const texts = (each: readonly (readonly (string | null)[])[]): string[] =>
      each.map((row) => JSON.stringify(row)).sort();
    expect(texts(rows)).toEqual(texts(source.map((row) => Object.values(row))));
    await warehouse.dropTable('merged');
  }

  const compareAll = async (): Promise<void> => {
    await compare('orders', 'a, b, price');
    await compare('no key', 'v, f');
  };

  it('copies, catches up and ends with 0, with the story on stderr and nothing on stdout', async () => {
    const { code, stdout, stderr } = await mcsync(['run', '-f', 'task.yaml', '--until', 'caught-up'], dir);
    expect(stderr).toContain('Resume with: mcsync run -f task.yaml');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(await status()).toMatchObject({ phase: 'Synchronizing', caughtUp: true, isRunning: false });
    await compareAll();
    expect((await readdir(join(dir, '.mcsync/default-shop'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('is killed, leaves no worker and no lock behind, and loses and doubles nothing', async () => {
    const run = startRun();
    await waitFor(async () => (await status()).isRunning === true);
    await server.query(`
      USE shop; UPDATE orders SET price = price + 1 WHERE a < 1000; UPDATE orders SET a = a + 10000 WHERE a > 1990;
      DELETE FROM orders WHERE a BETWEEN 100 AND 200; INSERT INTO \`no key\` VALUES ('x', 1.5), ('y', -0.25);
      UPDATE \`no key\` SET f = 7 WHERE v IS NULL LIMIT 1; DELETE FROM \`no key\` WHERE v = 'x' LIMIT 1;`);
    run.process.kill('SIGKILL');
    await run.ended;
    await waitFor(async () => !(await isFolderLocked(join(dir, '.mcsync/default-shop'))));
    expect((await mcsync(['run', '-f', 'task.yaml', '--until', 'caught-up'], dir)).code).toBe(0);
    await compareAll();
    const doubled = await warehouse.query(
      'SELECT record_id, before_flag FROM orders_log GROUP BY record_id, before_flag HAVING COUNT(*) > 1',
      { 'odps.sql.allow.fullscan': 'true' },
    );
    expect(doubled.rows).toEqual([]);
  });

  it('stops at Ctrl-C with 0 and says how to resume; what was read is committed', async () => {
    const run = startRun();
    await waitFor(async () => run.stderr().includes('Synchronizing'));
    await server.query(`INSERT INTO shop.orders VALUES (1, 'late', 1.00)`);
    const { recordId } = await status();
    await waitFor(async () => Number((await status()).recordId) > Number(recordId));
    run.process.kill('SIGINT');
    const { code, stderr } = await run.ended;
    expect(stderr).toMatch(/Stopped in phase Synchronizing at binlog\.\d+:\d+/);
    expect(code).toBe(0);
    await compare('orders', 'a, b, price');
  });

  it('refuses merges of moments that it cannot show, and names that it does not know', async () => {
    const merge = (...args: string[]): ReturnType<typeof mcsync> => mcsync(['merge', '-f', 'task.yaml', ...args], dir);
    expect(await merge('shop.order')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('Did you mean shop.orders?'),
    });
    expect(await merge('shop.orders', '--at', '1700000000')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('MERGE_TOO_EARLY'),
    });
    expect(await merge('shop.orders', '--at', '2100-01-01T00:00:00Z')).toMatchObject({
      code: 75,
      stderr: expect.stringContaining('lag'),
    });
    expect(await merge('shop.orders', '--into', 'orders_log')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('holds the data of shop.orders'),
    });
    await warehouse.query('CREATE TABLE precious (a BIGINT)');
    expect(await merge('shop.orders', '--into', 'precious')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('TARGET_TABLE_EXISTS'),
    });
  });

  it('prints a script that runs as it stands', async () => {
    const { code, stdout } = await mcsync(
      ['merge', '-f', 'task.yaml', 'shop.orders', '--into', 'pasted', '--print'],
      dir,
    );
    expect(code).toBe(0);
    await warehouse.query(stdout, { 'odps.sql.submit.mode': 'script' });
    const counted = await warehouse.query('SELECT COUNT(*) FROM pasted');
    const [source] = await server.query('SELECT COUNT(*) AS n FROM shop.orders');
    expect(counted.rows[0]?.[0]).toBe(source?.n);
  });

  it('refuses a state folder whose tables are elsewhere', async () => {
    const text = taskText({ mysqlPort: server.port, endpoint: emulator.endpoint }).replace(
      'project: p',
      'project: other',
    );
    await writeFile(join(dir, 'other.yaml'), text);
    const { code, stderr } = await mcsync(['run', '-f', 'other.yaml'], dir);
    expect(stderr).toContain('CHECKPOINT_OF_ANOTHER_TASK');
    expect(stderr).toContain('spec.target.project other');
    expect(code).toBe(64);
  });

  it('ends with 67 at a change that it cannot carry over; resnapshot is the way out', async () => {
    await server.query("ALTER TABLE shop.orders DROP COLUMN price; INSERT INTO shop.orders VALUES (7, 'after')");
    const stopped = await startRun().ended;
    expect(stopped.stderr).toContain('DDL_INCOMPATIBLE (table shop.orders');
    expect(stopped.code).toBe(67);
    expect(await mcsync(['resnapshot', '-f', 'task.yaml', 'shop.orders'], dir)).toMatchObject({ code: 0 });
    expect(await mcsync(['run', '-f', 'task.yaml', '--until', 'caught-up'], dir)).toMatchObject({ code: 0 });
    await compare('orders', 'a, b');
    await compare('no key', 'v, f');
  });
});

async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error('20 s have passed');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
