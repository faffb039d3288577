import type { ReachableSourceFacts } from '../../operator/model/source-facts.js';
import type { SourceTable } from '../../operator/model/source-table.js';
import { readFacts } from '../../operator/mysql/facts.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { mysql97, startMySql97 } from '../parts/mysql97.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import { settingsOf } from './servers.js';

async function factsAs(server: TestServer, username: string, password = ''): Promise<ReachableSourceFacts> {
  const facts = await readFacts(settingsOf(server, { username, password }));
  if (!facts.reachable) throw new Error(`${facts.failure.code}: ${facts.failure.seen}`);
  return facts;
}

function tableOf(facts: ReachableSourceFacts, table: string): SourceTable {
  const found = facts.tables.find((candidate) => candidate.table === table);
  if (!found) throw new Error(`no table ${table}`);
  return found;
}

const schema = `
  CREATE DATABASE shop; CREATE DATABASE other;
  CREATE TABLE shop.customers (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) NOT NULL DEFAULT 'it''s',
    level DECIMAL(6,2) DEFAULT '1.50', seen TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, note CHAR(3) DEFAULT NULL) ENGINE=InnoDB;
  CREATE TABLE shop.\`odd.name\` (a INT NOT NULL, b INT NULL, c VARBINARY(9) NOT NULL, d INT NOT NULL, e TEXT,
    UNIQUE KEY nullable (b), UNIQUE KEY prefix (c(3)), UNIQUE KEY two (a, d)) ENGINE=InnoDB;
  CREATE TABLE shop.\`order\` (customer INT UNSIGNED, CONSTRAINT belongs FOREIGN KEY (customer) REFERENCES shop.customers (id)
    ON DELETE CASCADE ON UPDATE SET NULL) ENGINE=InnoDB;
  CREATE TABLE shop.Upper (id INT) ENGINE=MyISAM;
  CREATE VIEW shop.a_view AS SELECT id FROM shop.customers;
  CREATE TABLE other.hidden (id INT PRIMARY KEY) ENGINE=InnoDB;
  INSERT INTO shop.customers (name) VALUES ('a'), ('b');`;

describe.each([
  { part: mysql56, start: startMySql56 },
  { part: mariadb, start: startMariaDb },
])('facts', ({ part, start }) => {
  describeWithPart(part, `of ${part.name}`, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await start();
      await server.query(schema);
    });
    afterAll(() => server?.stop());

    it('tell root everything', async () => {
      const facts = await factsAs(server, 'root');
      expect(facts.identity).toMatchObject({ flavor: server.flavor, version: server.version });
      expect(facts.identity.serverUuid === null).toBe(server.flavor === 'mariadb');
      expect(facts.account).toBe('root@127.0.0.1');
      expect(facts.egressAddress).toBe('127.0.0.1');
      expect(facts.tls).toEqual({ encrypted: false, verified: false, cipher: null });
      expect(facts.variables).toMatchObject({ log_bin: '1', binlog_format: 'ROW', binlog_row_image: 'FULL' });
      expect(facts.variables.binlog_transaction_compression).toBeNull();
      expect(facts.privileges.global).toEqual(['ALL PRIVILEGES', 'GRANT OPTION']);
      const [status] = await server.query('SHOW MASTER STATUS');
      expect(facts.binlog?.position).toMatchObject({ file: status?.File, offset: Number(status?.Position) });
      expect(facts.binlog?.files.map(({ name }) => name)).toContain(status?.File);
      expect(facts.tables.map(({ database, table }) => `${database}/${table}`)).toEqual([
        'other/hidden',
        'shop/Upper',
        'shop/customers',
        'shop/odd.name',
        'shop/order',
      ]);
    });

    it('describe columns, defaults, keys and foreign keys as they were declared', async () => {
      const facts = await factsAs(server, 'root');
      const customers = tableOf(facts, 'customers');
      expect(
        customers.columns.map(({ name, nullable, defaultText, generated }) => [name, nullable, defaultText, generated]),
      ).toEqual([
        ['id', false, null, null],
        ['name', false, "it's", null],
        ['level', true, '1.50', null],
        ['seen', false, null, null],
        ['note', true, null, null],
      ]);
      expect(customers.columns[0]?.type).toMatchObject({ kind: 'int', bytes: 4, unsigned: true });
      expect(customers.key).toEqual({ name: 'PRIMARY', columns: ['id'] });
      expect(customers.engine).toBe('InnoDB');
      expect(tableOf(facts, 'odd.name').key).toEqual({ name: 'two', columns: ['a', 'd'] });
      expect(tableOf(facts, 'Upper')).toMatchObject({ key: null, engine: 'MyISAM' });
      expect(tableOf(facts, 'order').foreignKeys).toEqual([
        {
          name: 'belongs',
          columns: ['customer'],
          references: { database: 'shop', table: 'customers' },
          onDelete: 'CASCADE',
          onUpdate: 'SET NULL',
        },
      ]);
    });

    it('describe foreign keys to an account that may only read as they do to root', async () => {
      await server.query(`CREATE TABLE other.parent (id INT PRIMARY KEY) ENGINE=InnoDB;
        CREATE TABLE other.child (a INT, b INT, c INT,
          CONSTRAINT \`of \`\`a\` FOREIGN KEY (a) REFERENCES other.parent (id) ON DELETE NO ACTION ON UPDATE CASCADE,
          CONSTRAINT of_b FOREIGN KEY (b) REFERENCES other.parent (id) ON UPDATE SET NULL,
          CONSTRAINT of_c FOREIGN KEY (c) REFERENCES other.parent (id)) ENGINE=InnoDB;
        CREATE USER 'selector'@'%' IDENTIFIED BY 'pw'; GRANT SELECT ON *.* TO 'selector'@'%'`);
      const [asRoot, asSelector] = [await factsAs(server, 'root'), await factsAs(server, 'selector', 'pw')];
      const changes = (facts: typeof asRoot) =>
        tableOf(facts, 'child').foreignKeys.map(({ name, onDelete, onUpdate }) => [
          name,
          /CASCADE|SET/.test(onDelete),
          /CASCADE|SET/.test(onUpdate),
        ]);
      expect(changes(asSelector)).toEqual([
        ['of `a', false, true],
        ['of_b', false, true],
        ['of_c', false, false],
      ]);
      expect(changes(asRoot)).toEqual(changes(asSelector));
      await server.query('DROP TABLE other.child, other.parent');
    });

    it('show an account what it was granted, and leave null what it may not ask', async () => {
      await server.query(
        `CREATE USER 'reader'@'%' IDENTIFIED BY 'open sesame'; GRANT SELECT ON \`shop\`.* TO 'reader'@'%'`,
      );
      const facts = await factsAs(server, 'reader', 'open sesame');
      expect(facts.account).toBe('reader@%');
      expect(facts.binlog).toBeNull();
      expect(facts.replicaServerIds).toEqual([]);
      expect(facts.privileges).toEqual({ global: ['USAGE'], databases: { shop: ['SELECT'] }, tables: {} });
      expect(new Set(facts.tables.map(({ database }) => database))).toEqual(new Set(['shop']));
    });

    it('show grants on patterns, tables and columns, and never the hash of a password', async () => {
      await server.query(`CREATE USER 'mixed'@'%' IDENTIFIED BY 'open sesame';
        GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'mixed'@'%';
        GRANT SELECT ON \`sh\\_p%\`.* TO 'mixed'@'%' WITH GRANT OPTION;
        GRANT SELECT (a, d), INSERT ON shop.\`odd.name\` TO 'mixed'@'%'`);
      const facts = await factsAs(server, 'mixed', 'open sesame');
      // MariaDB 10.5 has given REPLICATION CLIENT a new name: it shows the one that it stores.
      expect(facts.privileges.global).toEqual(
        server.flavor === 'mysql'
          ? ['REPLICATION SLAVE', 'REPLICATION CLIENT']
          : ['REPLICATION SLAVE', 'BINLOG MONITOR'],
      );
      expect(facts.privileges.databases).toEqual({ 'sh\\_p%': ['SELECT', 'GRANT OPTION'] });
      expect(facts.privileges.tables).toEqual({ 'shop.`odd.name`': ['INSERT'] });
      expect(facts.binlog?.position.offset).toBeGreaterThan(4);
      expect(JSON.stringify(facts)).not.toMatch(/\*[0-9A-F]{40}/);
    });

    it('answer with the failure where nobody can be asked', async () => {
      const refused = await readFacts(settingsOf(server, { username: 'reader', password: 'wrong password' }));
      expect(refused).toMatchObject({ reachable: false, failure: { code: 'SOURCE_CREDENTIALS_REJECTED' } });
      expect(JSON.stringify(refused)).not.toContain('wrong password');
      const closed = await readFacts({ ...settingsOf(server), port: 1 });
      expect(closed).toMatchObject({ reachable: false, failure: { code: 'SOURCE_UNREACHABLE' } });
    });
  });
});

describeWithPart(mysql97, 'facts of MySQL 9', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startMySql97({ serverOptions: ['--gtid-mode=ON', '--enforce-gtid-consistency'] });
    await server.query(`CREATE DATABASE shop;
      CREATE TABLE shop.t (id BINARY(16) DEFAULT (UUID_TO_BIN(UUID())), name VARCHAR(9) DEFAULT 'x', hidden INT INVISIBLE,
        twice INT AS (hidden * 2) VIRTUAL, kept INT AS (hidden + 1) STORED, v VECTOR(3), PRIMARY KEY (id),
        UNIQUE KEY expression ((hidden + 1))) ENGINE=InnoDB;
      CREATE ROLE 'sync'; GRANT SELECT, LOCK TABLES ON shop.* TO 'sync'; GRANT REPLICATION CLIENT ON *.* TO 'sync';
      CREATE USER 'reader'@'%' DEFAULT ROLE 'sync'`);
  });
  afterAll(() => server?.stop());

  it('describe hidden, computed and new kinds of columns', async () => {
    const facts = await factsAs(server, 'root');
    const { columns, key } = tableOf(facts, 't');
    expect(columns.map(({ name, generated, defaultText, type }) => [name, generated, defaultText, type.kind])).toEqual([
      ['id', null, null, 'bytes'],
      ['name', null, 'x', 'text'],
      ['hidden', null, null, 'int'],
      ['twice', 'virtual', null, 'int'],
      ['kept', 'stored', null, 'int'],
      ['v', null, null, 'vector'],
    ]);
    expect(key).toEqual({ name: 'PRIMARY', columns: ['id'] });
    expect(facts.variables).toMatchObject({
      binlog_row_value_options: '',
      binlog_transaction_compression: '0',
      expire_logs_days: null,
    });
    expect(facts.binlog?.position.gtidSet).toMatch(/^[-0-9a-f]{36}:1-\d+$/);
    expect(facts.replicaServerIds).toEqual([]);
  });

  it('count the privileges of an active role', async () => {
    const { privileges, binlog } = await factsAs(server, 'reader');
    expect(privileges.global).toContain('REPLICATION CLIENT');
    expect(privileges.databases).toEqual({ shop: ['SELECT', 'LOCK TABLES'] });
    expect(binlog?.files.length).toBeGreaterThan(0);
  });
});
