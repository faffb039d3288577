import { openSession } from '../../operator/mysql/connect.js';
import { readIdentity } from '../../operator/mysql/server-state.js';
import { findStart, findVisiblePosition, type VisiblePosition } from '../../operator/mysql/start-position.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { mysql97, startMySql97 } from '../parts/mysql97.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import { settingsOf } from './servers.js';
import { isAtOrBelow, readCommits, startWriters, statementsInLog, writersCount } from './writers.js';

/** Commits as slow and as contended as these servers allow, files that rotate often, and each statement in the log. */
const slowCommits = ['--sync-binlog=1', '--innodb-flush-log-at-trx-commit=1', '--max-binlog-size=65536'];
const cases = [
  { part: mysql56, start: startMySql56, options: [statementsInLog.mysql], user: 'root', method: 'lock' },
  {
    part: mysql56,
    start: startMySql56,
    options: [statementsInLog.mysql],
    user: 'reader',
    method: 'file-start',
  },
  {
    part: mysql56,
    start: startMySql56,
    options: [statementsInLog.mysql],
    user: 'locker',
    method: 'table-lock',
  },
  {
    part: mysql56,
    start: startMySql56,
    options: [statementsInLog.mysql, '--gtid-mode=ON', '--enforce-gtid-consistency', '--log-slave-updates'],
    user: 'reader',
    // 5.6 puts a transaction into gtid_executed when it is written to the log, before InnoDB shows it.
    method: 'file-start',
  },
  {
    part: mysql97,
    start: startMySql97,
    options: [statementsInLog.mysql, '--gtid-mode=ON', '--enforce-gtid-consistency'],
    user: 'reader',
    method: 'gtid-executed',
  },
  {
    part: mariadb,
    start: startMariaDb,
    options: [statementsInLog.mariadb],
    user: 'reader',
    method: 'binlog-snapshot',
  },
] as const;

const probesCount = 60;

describe.each(cases)('the start position', ({ part, start, options, user, method }) => {
  describeWithPart(
    part,
    `of ${part.name}, found by ${method}${isWithGtids(options) ? ' on a server with GTIDs' : ''}`,
    () => {
      let server: TestServer;
      beforeAll(async () => {
        server = await start({ serverOptions: [...slowCommits, ...options] });
        await server.query(`CREATE DATABASE shop; CREATE TABLE shop.t (w INT, n INT, PRIMARY KEY (w, n)) ENGINE=InnoDB;
        CREATE USER 'reader'@'%'; GRANT SELECT ON shop.* TO 'reader'@'%'; GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'reader'@'%';
        CREATE USER 'locker'@'%'; GRANT SELECT, LOCK TABLES ON shop.* TO 'locker'@'%'; GRANT REPLICATION CLIENT ON *.* TO 'locker'@'%'`);
      });
      afterAll(() => server?.stop());

      it(`leaves no row of ${writersCount} writers below it that a later read misses`, async () => {
        const writers = await startWriters(server);
        const probes = await probe(server, user, () => writers.assertRunning());
        const written = await writers.stop();
        expect(new Set(probes.map((one) => one.found.method))).toEqual(new Set([method]));
        const commits = await readCommits(server);
        expect(commits.length).toBeGreaterThanOrEqual(written);
        const missed = probes.flatMap(({ found, seen }) =>
          commits.filter(
            (commit) => isAtOrBelow(commit, found.position, found.method) && commit.n > (seen.get(commit.w) ?? 0),
          ),
        );
        expect(missed).toEqual([]);
        // The probe is worth something only where it fell between commits.
        const below = probes.map(
          ({ found }) => commits.filter((commit) => isAtOrBelow(commit, found.position, found.method)).length,
        );
        expect(below.at(-1)).toBeGreaterThan(writersCount);
        for (const { found } of probes) {
          if (found.position.gtidSet === null || server.flavor === 'mariadb') continue;
          const last = Number(/:1-(\d+)$/.exec(found.position.gtidSet)?.[1]);
          expect(commits.filter((commit) => isAtOrBelow(commit, found.position, found.method)).at(-1)?.gtid).toBe(last);
        }
      });
    },
  );
});

describe.each([
  { part: mysql56, start: startMySql56 },
  { part: mariadb, start: startMariaDb },
  { part: mysql97, start: startMySql97 },
])('the schemas of the start', ({ part, start }) => {
  describeWithPart(part, `on ${part.name}`, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await start();
      await server.query(
        'CREATE DATABASE shop; CREATE TABLE shop.a (id INT PRIMARY KEY); CREATE TABLE shop.b (id INT PRIMARY KEY)',
      );
    });
    afterAll(() => server?.stop());

    it('are those of the asked-for tables, in the order asked', async () => {
      await using session = await openSession(settingsOf(server));
      const found = await findStart(session, [
        { database: 'shop', table: 'b' },
        { database: 'shop', table: 'a' },
      ]);
      expect(found.tables.map(({ table }) => table)).toEqual(['b', 'a']);
      expect(found.identity).toEqual(await readIdentity(session));
    });

    it('name a table that is gone', async () => {
      await using session = await openSession(settingsOf(server));
      const search = findStart(session, [{ database: 'shop', table: 'gone' }]);
      await expect(search).rejects.toMatchObject({ code: 'SCHEMA_CHANGED_DURING_START', table: 'shop.gone' });
    });

    it('hold from the position on, whatever schema statements run meanwhile', async () => {
      let isOver = false;
      const columns = new Set<string>(['id']);
      const altering = (async () => {
        for (let i = 0; i < 4 && !isOver; i += 1) {
          await server.query(`ALTER TABLE shop.a ADD COLUMN c${i} INT`);
          columns.add(`c${i}`);
        }
      })();
      await using session = await openSession(settingsOf(server));
      const found = await findStart(session, [{ database: 'shop', table: 'a' }]);
      isOver = true;
      await altering;
      const ddl = await statementsFrom(server, found.position);
      const known = (found.tables[0]?.columns ?? []).map(({ name }) => name);
      const later = ddl.flatMap((sql) => /ADD COLUMN (c\d+)/.exec(sql)?.[1] ?? []);
      expect([...known, ...later]).toEqual([...columns]);
    });
  });
});

describeWithPart(mysql56, 'the global lock', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startMySql56();
    await server.query(
      'CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY); CREATE TABLE shop.other (id INT)',
    );
  });
  afterAll(() => server?.stop());

  it('is given up soon where others hold us off, and leaves nothing locked', async () => {
    await using holder = await openSession(settingsOf(server));
    await holder.query('LOCK TABLES shop.other WRITE');
    await using session = await openSession(settingsOf(server));
    const beganMs = performance.now();
    const found = await findStart(session, [{ database: 'shop', table: 't' }]);
    expect(found.method).toBe('table-lock');
    expect(performance.now() - beganMs).toBeLessThan(6_000);
    await server.query('INSERT INTO shop.t VALUES (1)');
    await holder.query('UNLOCK TABLES');
    await server.query('INSERT INTO shop.other VALUES (1)');
  });
});

describeWithPart(mysql56, 'a server without a binary log', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startMySql56({ serverOptions: ['--skip-log-bin'] });
    await server.query('CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY)');
  });
  afterAll(() => server?.stop());

  it('has schemas, and no position', async () => {
    await using session = await openSession(settingsOf(server));
    const found = await findStart(session, [{ database: 'shop', table: 't' }]);
    expect(found).toMatchObject({ method: 'none', position: { file: '', offset: 0 }, tables: [{ table: 't' }] });
  });
});

function isWithGtids(options: readonly string[]): boolean {
  return options.includes('--gtid-mode=ON');
}

interface Probe {
  readonly found: VisiblePosition;
  /** Highest row of each writer in a read that began after the position was known: writers count up without gaps. */
  readonly seen: ReadonlyMap<number, number>;
}

async function probe(server: TestServer, username: string, check: () => void): Promise<Probe[]> {
  await using session = await openSession(settingsOf(server, { username, password: '' }));
  await using reader = await openSession(settingsOf(server, { username, password: '' }));
  const identity = await readIdentity(session);
  const probes: Probe[] = [];
  for (let i = 0; i < probesCount; i += 1) {
    check();
    const found = await findVisiblePosition(session, identity, [{ database: 'shop', table: 't' }]);
    const rows = await reader.query('SELECT w, MAX(n) FROM shop.t GROUP BY w');
    probes.push({ found, seen: new Map(rows.map(([w, n]) => [Number(w), Number(n)])) });
  }
  return probes;
}

async function statementsFrom(server: TestServer, from: { file: string; offset: number }): Promise<string[]> {
  const events = await server.query(`SHOW BINLOG EVENTS IN '${from.file}' FROM ${from.offset}`);
  return events.filter((event) => event.Event_type === 'Query').map((event) => event.Info ?? '');
}
