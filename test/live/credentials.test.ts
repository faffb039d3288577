/**
 * Passwords, certificates, keys and tokens that are replaced while changes flow: what lives goes on, what must log in anew
 * reads the file anew, and waits for it a while. Nothing is lost, and no secret is told.
 */
import { copyFileSync, mkdtempSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../operator/base/clock.js';
import { renderError } from '../../operator/base/errors.js';
import type { RejectionPatience } from '../../operator/base/rejection-patience.js';
import { type Emulator, startEmulator } from '../../operator/emulator/emulator.js';
import { createSecretReader } from '../../operator/local/secrets.js';
import { createWarehouse } from '../../operator/maxcompute/warehouse.js';
import type { BinlogPosition } from '../../operator/model/position.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import type { MySqlSettings, TlsSettings } from '../../operator/mysql/connect.js';
import { mcsync, type Running, start, taskText } from '../cli/mcsync.js';
import { describeColumns, planFor, positionOf } from '../mysql/binlog-helpers.js';
import { ChangeReader } from '../mysql/change-reader.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWhenLive, describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import { makeSecretFolder, type SecretFolder, startTokenGate, type TokenGate } from './secret-folder.js';

const orders = { database: 'shop', table: 'orders' };
const tlsFile = (name: string): string => new URL(`../mysql/tls/${name}`, import.meta.url).pathname;
const pem = (name: string): string => readFileSync(tlsFile(name), 'utf8');

/** Ends every connection of the account. */
async function killAll(server: TestServer, user: string): Promise<void> {
  for (const thread of await server.query('SHOW PROCESSLIST')) {
    if (thread.User === user) await server.query(`KILL ${thread.Id}`).catch(() => undefined);
  }
}

/** Ten times as fast, for what is waited for. */
const fastClock = {
  ...systemClock,
  monotonicMs: () => systemClock.monotonicMs() * 10,
  sleep: (durationMs: number, signal?: AbortSignal) => systemClock.sleep(durationMs / 10, signal),
};

const waits: [code: string, delayMs: number][] = [];
const told: string[] = [];
const patience = (waitMs = 60_000): RejectionPatience => ({
  clock: systemClock,
  waitMs,
  onWait: (error, _, delayMs) => {
    waits.push([error.code, delayMs]);
    told.push(renderError(error));
  },
});
beforeEach(() => {
  waits.length = 0;
  told.length = 0;
});

for (const { part, start: startServer } of [
  { part: mysql56, start: startMySql56 },
  { part: mariadb, start: startMariaDb },
]) {
  describeWithPart(part, `a password of ${part.name} that is replaced`, () => {
    let server: TestServer;
    let secrets: SecretFolder;
    let plans: Map<string, TablePlan>;
    let nextId = 1;
    beforeAll(async () => {
      server = await startServer();
      secrets = await makeSecretFolder();
      await server.query("CREATE USER 'mc'@'%' IDENTIFIED BY 'first secret'; GRANT ALL ON *.* TO 'mc'@'%'");
      await server.query('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY)');
      plans = new Map([['shop.orders', planFor(orders, await describeColumns(server, orders))]]);
      await secrets.write('mysql', 'username', 'mc');
    });
    afterAll(async () => {
      await secrets?.[Symbol.asyncDispose]();
      await server?.stop();
    });
    beforeEach(async () => {
      await setPassword('first secret');
      await secrets.write('mysql', 'password', 'first secret');
    });

    const setPassword = (password: string) => server.query(`SET PASSWORD FOR 'mc'@'%' = PASSWORD('${password}')`);

    function settings(more: Partial<MySqlSettings> = {}): MySqlSettings {
      const reader = createSecretReader(secrets.path, systemClock);
      return {
        host: server.host,
        port: server.port,
        credentials: async () => ({
          username: reader.read('mysql', 'username'),
          password: reader.read('mysql', 'password'),
        }),
        tls: { mode: 'Disabled' },
        ...more,
      };
    }

    async function insert(): Promise<number> {
      const id = nextId++;
      await server.query(`INSERT INTO shop.orders VALUES (${id})`);
      return id;
    }

    it('at the server first: connections that live go on, the next one waits for the file', async () => {
      const from: BinlogPosition = await positionOf(server);
      await using reader = new ChangeReader({ settings: settings({ patience: patience() }), from, plans });
      const ids = [await insert()];
      await reader.until(() => reader.rows.length === 1);
      await setPassword('second secret');
      ids.push(await insert());
      await reader.until(() => reader.rows.length === 2);
      expect(reader.failures).toEqual([]);
      await killAll(server, 'mc');
      ids.push(await insert());
      await reader.until(() => waits.length > 0);
      await secrets.write('mysql', 'password', 'second secret');
      await reader.until(() => reader.rows.length === 3);
      expect(reader.ids).toEqual(ids);
      expect(new Set(reader.failures.map(({ code }) => code))).toEqual(new Set(['SOURCE_UNREACHABLE']));
      expect(waits[0]).toEqual(['SOURCE_CREDENTIALS_REJECTED', 15_000]);
      expect(told.join()).not.toMatch(/(first|second) secret/);
    }, 60_000);

    it('in the file first, with the server a moment later', async () => {
      const from: BinlogPosition = await positionOf(server);
      await using reader = new ChangeReader({
        settings: settings({ patience: { ...patience(), clock: fastClock } }),
        from,
        plans,
      });
      const ids = [await insert()];
      await reader.until(() => reader.rows.length === 1);
      await secrets.write('mysql', 'password', 'third secret');
      await systemClock.sleep(1_100);
      await killAll(server, 'mc');
      ids.push(await insert());
      await reader.until(() => waits.length > 0);
      await setPassword('third secret');
      await reader.until(() => reader.rows.length === 2);
      expect(reader.ids).toEqual(ids);
    }, 60_000);

    it('at one end only: exit 66 when the time is over, and at once in a first run', async () => {
      const from: BinlogPosition = await positionOf(server);
      await setPassword('nobody knows');
      for (const more of [{ patience: patience(1_200) }, {}]) {
        waits.length = 0;
        await using reader = new ChangeReader({ settings: settings(more), from, plans });
        expect(await reader.ended).toMatchObject({ code: 'SOURCE_CREDENTIALS_REJECTED', exitCode: 66 });
        expect(waits).toHaveLength('patience' in more ? 1 : 0);
      }
    }, 60_000);
  });
}

describeWithPart(mariadb, 'certificates that are replaced', () => {
  let server: TestServer;
  let secrets: SecretFolder;
  const serverDir = mkdtempSync(join(tmpdir(), 'mcsync-server-tls-'));
  const give = (name: string): void => {
    copyFileSync(tlsFile(`${name}.pem`), join(serverDir, 'cert.pem'));
    copyFileSync(tlsFile(`${name}-key.pem`), join(serverDir, 'key.pem'));
  };
  beforeAll(async () => {
    give('name');
    server = await startMariaDb({
      serverOptions: [
        `--ssl-ca=${tlsFile('ca.pem')}`,
        `--ssl-cert=${join(serverDir, 'cert.pem')}`,
        `--ssl-key=${join(serverDir, 'key.pem')}`,
      ],
    });
    secrets = await makeSecretFolder();
    await server.query("CREATE USER 'mc'@'%' REQUIRE SUBJECT '/CN=name'; GRANT ALL ON *.* TO 'mc'@'%'");
    await server.query('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY)');
  });
  afterAll(async () => {
    await secrets?.[Symbol.asyncDispose]();
    await rm(serverDir, { recursive: true, force: true });
    await server?.stop();
  });

  it('are read at each log-in: the authority, our own, and the server shows another one', async () => {
    await secrets.write('ca', 'ca.crt', pem('ca.pem'));
    await secrets.write('client', 'tls.crt', pem('name.pem'));
    await secrets.write('client', 'tls.key', pem('name-key.pem'));
    const files = createSecretReader(secrets.path, systemClock);
    const tls: TlsSettings = {
      mode: 'VerifyIdentity',
      get ca() {
        return files.read('ca', 'ca.crt');
      },
      get cert() {
        return files.read('client', 'tls.crt');
      },
      get key() {
        return files.read('client', 'tls.key');
      },
    };
    const settings: MySqlSettings = {
      host: 'localhost',
      port: server.port,
      credentials: async () => ({ username: 'mc', password: '' }),
      tls,
      patience: patience(),
    };
    const plans = new Map([['shop.orders', planFor(orders, await describeColumns(server, orders))]]);
    await using reader = new ChangeReader({ settings, from: await positionOf(server), plans });
    let count = 0;
    const grows = async (): Promise<void> => {
      count += 1;
      await server.query(`INSERT INTO shop.orders VALUES (${count})`);
      await reader.until(() => reader.rows.length === count);
    };
    /** The next log-in is refused, until `mend` has changed a file. */
    const waitsFor = async (code: string, mend: () => Promise<void>): Promise<void> => {
      waits.length = 0;
      await killAll(server, 'mc');
      await reader.until(() => waits.length > 0);
      expect(waits[0]?.[0]).toBe(code);
      await mend();
      await grows();
    };
    await grows();

    await secrets.write('ca', 'ca.crt', pem('other-ca.pem'));
    await systemClock.sleep(1_100);
    await grows();
    await waitsFor('SOURCE_TLS_FAILED', () => secrets.write('ca', 'ca.crt', pem('ca.pem')));

    await server.query("ALTER USER 'mc'@'%' REQUIRE SUBJECT '/CN=address'");
    await waitsFor('SOURCE_CREDENTIALS_REJECTED', async () => {
      // Between these two lines certificate and key do not fit.
      await secrets.write('client', 'tls.crt', pem('address.pem'));
      await systemClock.sleep(1_500);
      await secrets.write('client', 'tls.key', pem('address-key.pem'));
    });

    give('address');
    await server.query('FLUSH SSL');
    await waitsFor('SOURCE_TLS_FAILED', async () => {
      give('name');
      await server.query('FLUSH SSL');
      await secrets.write('ca', 'ca.crt', `${pem('ca.pem')}\n`);
    });
    expect(reader.ids).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    expect(told.join()).not.toContain('PRIVATE KEY');
  }, 90_000);
});

describeWhenLive(mariadb, 'mcsync run with secrets in files', () => {
  let dir: string;
  let server: TestServer;
  let emulator: Emulator;
  let gate: TokenGate;
  let secrets: SecretFolder;
  let run: Running | null = null;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mcsync-run-'));
    server = await startMariaDb();
    secrets = await makeSecretFolder();
    await server.query(`CREATE USER mc@'127.0.0.1' IDENTIFIED BY 'pw one'; GRANT ALL ON *.* TO mc@'127.0.0.1';
      CREATE DATABASE shop; USE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(40) CHARACTER SET utf8mb4);
      INSERT INTO shop.orders SELECT seq, CONCAT('n', seq) FROM seq_1_to_2000`);
    const accessKey = { accessKeyId: 'ak', accessKeySecret: 'secret-of-the-target' };
    emulator = await startEmulator({ port: 0, dataDir: null, project: 'p', ...accessKey });
    gate = await startTokenGate(emulator.port, 'token one');
    await secrets.write('m', 'username', 'mc');
    await secrets.write('m', 'password', 'pw one');
    await secrets.write('w', 'accessKeyId', 'ak');
    await secrets.write('w', 'accessKeySecret', 'secret-of-the-target');
    await secrets.write('w', 'securityToken', 'token one');
    const endpoint = `http://127.0.0.1:${gate.port}/api`;
    const task = taskText({ mysqlPort: server.port, endpoint }).split('---')[0] as string;
    const tunnel = `endpoint: ${endpoint}\n    tunnelEndpoint: ${endpoint.replace('/api', '')}`;
    await writeFile(join(dir, 'task.yaml'), task.replace(`endpoint: ${endpoint}`, tunnel));
  });
  afterAll(async () => {
    run?.process.kill('SIGKILL');
    await run?.ended;
    await gate?.[Symbol.asyncDispose]();
    await emulator?.close();
    await server?.stop();
    await secrets?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  const flags = () => ['-f', 'task.yaml', '--secrets', secrets.path];
  const warehouse = () =>
    createWarehouse(
      {
        endpoint: emulator.endpoint,
        project: 'p',
        userAgent: 'test',
        credentials: () => ({ accessKeyId: 'ak', accessKeySecret: 'secret-of-the-target' }),
      },
      systemClock,
    );

  async function says(words: RegExp): Promise<void> {
    for (let tries = 0; tries < 600; tries += 1) {
      if (words.test(run?.stderr() ?? '')) return;
      await systemClock.sleep(50);
    }
    throw new Error(`it does not say ${words}: ${run?.stderr()}`);
  }

  async function isInLog(id: number): Promise<void> {
    await using target = warehouse();
    for (let tries = 0; tries < 200; tries += 1) {
      if (run?.process.exitCode !== null) throw new Error(run?.stderr());
      const { rows } = await target
        .query(`SELECT COUNT(*) FROM orders_log WHERE id = ${id}`)
        .catch((): { rows: string[][] } => ({ rows: [['0']] }));
      if (rows[0]?.[0] === '1') return;
      await systemClock.sleep(200);
    }
    throw new Error(`${id} does not come: ${run?.stderr()}`);
  }

  it('goes on with a renewed token and a new password, without a restart by hand', async () => {
    run = start(['run', '--verbose', ...flags()], dir);
    await says(/Synchronizing/);
    await server.query("INSERT INTO shop.orders VALUES (5001, 'before')");
    await isInLog(5001);

    // The token runs out while changes wait, and the new one is written later.
    gate.token = 'token two';
    const { refused } = gate;
    await server.query("INSERT INTO shop.orders VALUES (5002, 'token out')");
    for (let tries = 0; gate.refused === refused && tries < 300; tries += 1) await systemClock.sleep(50);
    expect(gate.refused).toBeGreaterThan(refused);
    await secrets.write('w', 'securityToken', 'token two');
    await isInLog(5002);

    await server.query("SET PASSWORD FOR mc@'127.0.0.1' = PASSWORD('pw two')");
    await server.query("INSERT INTO shop.orders VALUES (5003, 'old connection')");
    await isInLog(5003);
    await killAll(server, 'mc');
    await server.query("INSERT INTO shop.orders VALUES (5004, 'new connection')");
    await says(/SOURCE_CREDENTIALS_REJECTED/);
    await secrets.write('m', 'password', 'pw two');
    await isInLog(5004);

    run.process.kill('SIGINT');
    const { code, stderr } = await run.ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/trying again.*SOURCE_CREDENTIALS_REJECTED/);
    expect(stderr).toMatch(/trying again.*TARGET_CREDENTIALS_REJECTED/);
    expect(stderr).not.toMatch(/pw one|pw two|token one|token two|secret-of-the-target/);

    const merged = await mcsync(['merge', ...flags(), 'shop.orders', '--into', 'merged'], dir);
    expect(merged.code).toBe(0);
    await using target = warehouse();
    const { rows } = await target.query('SELECT id, note FROM merged');
    const source = await server.query('SELECT id, note FROM shop.orders');
    const texts = (all: readonly (readonly (string | null)[])[]): string[] =>
      all.map((row) => JSON.stringify(row)).sort();
    expect(texts(rows)).toEqual(texts(source.map((row) => Object.values(row))));
  }, 120_000);

  it('ends at once where the first log-in of all is refused', async () => {
    await secrets.write('m', 'password', 'pw wrong');
    const { code, stderr } = await mcsync(['run', ...flags(), '--state', join(dir, 'other')], dir);
    expect(code).toBe(2);
    expect(stderr).toContain('SOURCE_CREDENTIALS_REJECTED');
    expect(stderr).not.toMatch(/trying again/);
  }, 60_000);
});
