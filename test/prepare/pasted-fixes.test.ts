import mysql from 'mysql2/promise';
import type { Finding } from '../../operator/model/finding.js';
import type { SourceFacts } from '../../operator/model/source-facts.js';
import { readFacts } from '../../operator/mysql/facts.js';
import { prepareTask } from '../../operator/prepare/prepare.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import { mark, spec, target } from './facts.js';

const database = 'my_shop';
/** ER_TABLEACCESS_DENIED_ERROR */
const tableAccessDenied = 1142;

const schema = `
  CREATE DATABASE ${database}; CREATE DATABASE myxshop;
  CREATE TABLE ${database}.orders (id INT PRIMARY KEY) ENGINE=InnoDB;
  CREATE TABLE ${database}.items (id INT PRIMARY KEY, order_id INT,
    CONSTRAINT \`of order\` FOREIGN KEY (order_id) REFERENCES ${database}.orders (id) ON DELETE CASCADE) ENGINE=InnoDB;
  CREATE TABLE ${database}.\`a log\` (id INT, message TEXT) ENGINE=MyISAM;
  CREATE TABLE ${database}.notes (note TEXT) ENGINE=InnoDB;
  CREATE TABLE myxshop.orders (id INT PRIMARY KEY);
  CREATE USER 'newcomer'@'127.0.0.1' IDENTIFIED BY 'pass';
  CREATE USER 'o''brien'@'127.0.0.1' IDENTIFIED BY 'pass';
  CREATE USER 'mixed'@'127.0.0.1' IDENTIFIED BY 'pass';
  GRANT SELECT ON \`m%\`.* TO 'mixed'@'127.0.0.1';
  GRANT INSERT ON \`my_shop\`.* TO 'mixed'@'127.0.0.1';
  GRANT INSERT ON ${database}.* TO 'o''brien'@'127.0.0.1';`;

function readAs(server: TestServer, username: string): Promise<SourceFacts> {
  const credentials = async () => ({ username, password: 'pass' });
  return readFacts({ host: server.host, port: server.port, credentials, tls: { mode: 'Disabled' } });
}

async function precheck(server: TestServer, username: string): Promise<Finding[]> {
  const wishes = spec({
    source: {
      host: server.host,
      port: server.port,
      credentials: { secretRef: { name: 's' } },
      tls: { mode: 'Disabled' },
    },
    objects: [{ database }],
  });
  const source = await readAs(server, username);
  return prepareTask({ spec: wishes, mark, hasCheckpoint: false, source, target: target() }).findings;
}

async function mayRead(server: TestServer, user: string): Promise<boolean> {
  const connection = await mysql.createConnection(server.connectionOptions({ user, password: 'pass' }));
  try {
    await connection.query(`SELECT 1 FROM ${database}.orders`);
    return true;
  } catch (error) {
    if ((error as { errno?: number }).errno === tableAccessDenied) return false;
    throw error;
  } finally {
    await connection.end();
  }
}

/** Statements only: what a person would paste into the client, and not what goes to a file. */
function statements(findings: readonly Finding[]): string[] {
  return findings.filter(({ fix }) => /^(GRANT|SET|ALTER) /.test(fix)).map(({ fix }) => fix);
}

const wrongErrors = (findings: readonly Finding[]): string[] =>
  findings.filter(({ severity }) => severity === 'error').map(({ code, subject }) => `${code} ${subject}`);

describe.each([
  {
    part: mysql56,
    start: startMySql56,
    options: ['--binlog-format=STATEMENT', '--binlog-row-image=MINIMAL'],
    setUp: 'SET GLOBAL server_id = 0',
    errors: [
      'PRIVILEGE_MISSING REPLICATION SLAVE',
      'PRIVILEGE_MISSING REPLICATION CLIENT',
      `PRIVILEGE_MISSING SELECT on ${database}`,
      `NO_KEY_NEEDS_LOCK ${database}.a log, ${database}.notes`,
      'BINLOG_FORMAT binlog_format',
      'BINLOG_ROW_IMAGE binlog_row_image',
      'SERVER_ID_ZERO server_id',
      `FK_CASCADE ${database}.items`,
      `NO_KEY_NO_VIEW ${database}.a log`,
    ],
  },
  {
    part: mariadb,
    start: startMariaDb,
    options: [
      '--binlog-format=MIXED',
      '--binlog-row-image=NOBLOB',
      '--mysql56-temporal-format=OFF',
      '--binlog-expire-logs-seconds=600',
    ],
    setUp: 'SELECT 1',
    errors: [
      'PRIVILEGE_MISSING REPLICATION SLAVE',
      'PRIVILEGE_MISSING BINLOG MONITOR',
      `PRIVILEGE_MISSING SELECT on ${database}`,
      'BINLOG_FORMAT binlog_format',
      'BINLOG_ROW_IMAGE binlog_row_image',
      `FK_CASCADE ${database}.items`,
      `NO_KEY_NO_VIEW ${database}.a log`,
    ],
  },
])('the fixes of the precheck', ({ part, start, options, setUp, errors }) => {
  describeWithPart(part, `on ${part.name}`, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await start({ serverOptions: options });
      await server.query(schema);
      await server.query(setUp);
    });
    afterAll(() => server?.stop());

    it('mend what was wrong, pasted as they stand', async () => {
      const before = await precheck(server, "o'brien");
      expect(wrongErrors(before)).toEqual(errors);
      for (const statement of statements(before)) await server.query(statement);
      const after = await precheck(server, "o'brien");
      expect(
        after.filter(({ severity }) => severity !== 'info').map(({ code, subject }) => `${code} ${subject}`),
      ).toEqual([
        // A name with a blank is told, not mended.
        `NAME_CHANGED ${database}.a log`,
      ]);
    });

    it('take nothing away that was granted before', async () => {
      const facts = await readAs(server, "o'brien");
      const granted = facts.reachable ? facts.privileges.databases[database] : undefined;
      expect(granted).toEqual(expect.arrayContaining(['SELECT', 'INSERT']));
    });

    it('see the one grant on a database that the server sees', async () => {
      const denied = await mayRead(server, 'mixed');
      const findings = await precheck(server, 'mixed');
      expect(denied).toBe(false);
      expect(wrongErrors(findings)).toContain(`PRIVILEGE_MISSING SELECT on ${database}`);
      for (const statement of statements(findings)) await server.query(statement);
      expect(await mayRead(server, 'mixed')).toBe(true);
    });

    it('grant nothing on a database whose name only looks alike', async () => {
      const findings = await precheck(server, 'newcomer');
      expect(wrongErrors(findings)).toContain(`DATABASE_NOT_FOUND ${database}`);
      for (const statement of statements(findings)) await server.query(statement);
      const facts = await readAs(server, 'newcomer');
      const seen = facts.reachable ? facts.tables.map((table) => table.database) : [];
      expect([...new Set(seen)]).toEqual([database]);
    });
  });
});
