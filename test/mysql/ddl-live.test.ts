/** The server is the oracle: after each ADD COLUMN the schema that was followed must be the one it describes. */
import type { SchemaChange } from '../../operator/model/change.js';
import { applyAddColumns } from '../../operator/model/schema-history.js';
import { tableKey } from '../../operator/model/source-table.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { readStatement } from '../../operator/mysql/ddl/reader.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import { collect, describeColumns, planFor, positionOf } from './binlog-helpers.js';

const everywhere = [
  'ADD a INT',
  'ADD a TINYINT(1) UNSIGNED ZEROFILL NOT NULL',
  'ADD a BOOL, ADD b INT4, ADD c MIDDLEINT, ADD d INTEGER UNSIGNED, ADD e BIGINT SIGNED',
  'ADD a DEC, ADD b NUMERIC(20), ADD c FIXED(9,3) UNSIGNED, ADD d DECIMAL(65,30)',
  'ADD a FLOAT, ADD b FLOAT(7,3), ADD c FLOAT(24), ADD d FLOAT(25), ADD e REAL, ADD f DOUBLE PRECISION, ADD g FLOAT8 UNSIGNED',
  'ADD a BIT, ADD b BIT(64)',
  "ADD a CHAR, ADD b CHAR(0), ADD c CHARACTER(20), ADD d CHAR(5) BYTE, ADD e CHAR(255) DEFAULT 'x'",
  'ADD a VARCHAR(10), ADD b CHARACTER VARYING(300), ADD c VARCHAR(16000), ADD d CHAR VARYING(3)',
  'ADD a NATIONAL VARCHAR(10), ADD b NCHAR(5), ADD c NCHAR VARCHAR(6), ADD d NATIONAL CHAR(7), ADD e NVARCHAR(8)',
  'ADD a VARCHAR(10) CHARACTER SET latin1, ADD b VARCHAR(10) CHARSET gbk COLLATE gbk_bin, ADD c TEXT COLLATE utf8_bin',
  'ADD a VARCHAR(10) ASCII, ADD b VARCHAR(10) BINARY, ADD c VARCHAR(10) CHARACTER SET latin1 BINARY, ADD d CHAR(3) UNICODE',
  'ADD a VARCHAR(10) CHARACTER SET binary, ADD b TEXT CHARACTER SET binary, ADD c CHAR(9) CHARACTER SET binary',
  'ADD a TINYTEXT, ADD b TEXT, ADD c MEDIUMTEXT, ADD d LONGTEXT, ADD e LONG, ADD f LONG VARCHAR, ADD g LONG VARBINARY',
  'ADD a TEXT(50), ADD b TEXT(200), ADD c TEXT(20000), ADD d BLOB(255), ADD e BLOB(256), ADD f BLOB(70000), ADD g TEXT(5000000)',
  'ADD a BINARY, ADD b BINARY(16), ADD c VARBINARY(300), ADD d TINYBLOB, ADD e BLOB, ADD f MEDIUMBLOB, ADD g LONGBLOB',
  "ADD a DATE DEFAULT '2020-01-01', ADD b TIME, ADD c TIME(3), ADD d DATETIME(6) NULL, ADD e YEAR, ADD f YEAR(4)",
  "ADD a TIMESTAMP NULL, ADD b TIMESTAMP(2) NULL DEFAULT NULL, ADD c TIMESTAMP NOT NULL DEFAULT '0000-00-00 00:00:00'",
  "ADD a ENUM('x,y','it''s','b\\\\c','trail  ') NOT NULL, ADD b SET('p','q') DEFAULT 'p,q', ADD c ENUM('ä','ü') CHARACTER SET latin1, ADD d ENUM('日本') CHARACTER SET utf8",
  'ADD a GEOMETRY, ADD b POINT, ADD c MULTIPOLYGON',
  'ADD a INT FIRST, ADD b INT AFTER id, ADD c INT AFTER a, ADD COLUMN (d INT, e VARCHAR(3))',
  "ADD `we``ird name` INT DEFAULT -5 COMMENT 'no, really', ADD `select` DECIMAL(5,2) DEFAULT +1.5, ADD 日本 INT",
  "ADD a INT UNIQUE, ADD INDEX (a), ADD b INT NOT NULL DEFAULT 3, ENGINE=InnoDB, COMMENT 'x'",
];

const mariadbOnly = [
  'ADD IF NOT EXISTS a JSON, ADD COLUMN IF NOT EXISTS id INT',
  'ADD a INET6, ADD b INET4, ADD c UUID NOT NULL',
  'ADD a VARCHAR(20) INVISIBLE, ADD b INT CHECK (b > 0)',
  "ADD a INT DEFAULT (5), ADD b VARCHAR(9) DEFAULT ('x')",
];

/** Types with their DEFAULT, in forms that the server shows otherwise than they are written. */
const defaults = [
  "INT DEFAULT '007'",
  'BIGINT DEFAULT +5',
  'TINYINT(1) DEFAULT TRUE',
  "BIT(8) DEFAULT b'101'",
  'DECIMAL(10,2) DEFAULT 1.5',
  "DECIMAL(40,3) DEFAULT '-00.5'",
  'DECIMAL(5,0) DEFAULT -0',
  "CHAR(5) DEFAULT 'ab  '",
  "VARCHAR(5) DEFAULT 'ab  '",
  'VARCHAR(9) DEFAULT 0x6162',
  'VARCHAR(9) DEFAULT 1.50',
  "BINARY(4) DEFAULT 'ab'",
  "VARBINARY(4) DEFAULT x'6162'",
  "ENUM('Red','blue') DEFAULT 'RED'",
  "SET('p','q','r') DEFAULT 'R,p'",
  "DATE DEFAULT '2024-01-05'",
  'DATE DEFAULT 0',
  "DATETIME DEFAULT '2024-01-05'",
  "DATETIME(3) DEFAULT '2024-01-05 10:11:12.5'",
  'DATETIME(2) DEFAULT 0',
  'TIMESTAMP DEFAULT 0',
  "TIME DEFAULT '10:11'",
  "TIME(2) DEFAULT '-1:02:03'",
  'TIME DEFAULT 0',
  'YEAR DEFAULT 2024',
  "YEAR DEFAULT '0000'",
];

const context = {
  database: 'shop',
  ansiQuotes: false,
  backslashEscapes: true,
  realIsFloat: false,
  utcSeconds: 1_700_000_000,
  tableDefaults: () => ({ charset: 'utf8mb4', collation: 'utf8mb4_general_ci' }),
};

for (const { part, start, variants } of [
  { part: mysql56, start: startMySql56, variants: everywhere },
  { part: mariadb, start: startMariaDb, variants: [...everywhere, ...mariadbOnly.slice(0, 3)] },
]) {
  describeWithPart(part, `columns added on ${part.name}`, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await start();
      await server.query("CREATE DATABASE shop CHARACTER SET utf8; SET GLOBAL sql_mode=''; SET sql_mode=''");
    });
    afterAll(() => server?.stop());

    it.each(defaults)('rows that exist hold what the default is read as: %s', async (definition) => {
      const statement = `ALTER TABLE shop.d ADD c ${definition} NOT NULL`;
      const flavor = part === mariadb ? ('mariadb' as const) : ('mysql' as const);
      const read = readStatement(statement, { ...context, flavor, version: part === mariadb ? 101_100 : 50_624 });
      expect(read.kind).toBe('schema');
      const [change] = read.kind === 'schema' ? read.changes : [];
      expect(change?.kind).toBe('addColumns');
      const column = (change as Extract<SchemaChange, { kind: 'addColumns' }>).columns[0]?.column;
      await server.query(
        'DROP TABLE IF EXISTS shop.d; CREATE TABLE shop.d (id INT) CHARACTER SET utf8mb4; INSERT INTO shop.d VALUES (1)',
      );
      await server.query(statement);
      const value = column?.type.kind === 'bit' ? 'c + 0' : 'c';
      const held = await server.query(`SELECT HEX(CAST(${value} AS CHAR)) AS held FROM shop.d`);
      expect(held).toEqual([
        {
          held: Buffer.from(column?.defaultText ?? 'none')
            .toString('hex')
            .toUpperCase(),
        },
      ]);
    });

    it.each(variants.flatMap((variant) => [[variant, 'utf8mb4'] as const, [variant, 'latin1'] as const]))(
      '%s (table of %s)',
      async (variant, charset) => {
        const name = { database: 'shop', table: 't' };
        await server.query(`DROP TABLE IF EXISTS shop.t`);
        await server.query(`CREATE TABLE shop.t (id INT PRIMARY KEY, last INT) CHARACTER SET ${charset}`);
        const plans = new Map<string, TablePlan>([['shop.t', planFor(name, await describeColumns(server, name))]]);
        const from = await positionOf(server);
        await server.query(`ALTER TABLE shop.t ${variant}`);
        await server.query('INSERT INTO shop.t (id, last) VALUES (1, 2)');
        const seen = await collect(server, from, {
          plans,
          onEvent: (event) => {
            if (event.kind !== 'schema') return;
            for (const change of event.changes) {
              if (change.kind !== 'addColumns') throw new Error(change.kind);
              const plan = plans.get(tableKey(change.table)) as TablePlan;
              const decide = planFor(
                name,
                change.columns.map(({ column }) => column),
              ).columns;
              const next = applyAddColumns(
                plan,
                change,
                (_, column) => {
                  const at = change.columns.findIndex((one) => one.column === column);
                  return decide[at] as (typeof decide)[number];
                },
                0,
              );
              plans.set(tableKey(change.table), next);
            }
          },
        });
        const tracked = (plans.get('shop.t') as TablePlan).sourceColumns;
        const described = await describeColumns(server, name);
        expect(tracked.map(comparable)).toEqual(described.map(comparable));
        expect(seen.filter((event) => event.kind === 'rows')).toHaveLength(1);
      },
    );
  });
}

/** Display widths and default collations of later versions are the server's taste; shape and place must be equal. */
function comparable({ name, type, nullable }: Awaited<ReturnType<typeof describeColumns>>[number]): unknown {
  const { displayWidth: _, ...shape } = type as { displayWidth?: number } & typeof type;
  const charset =
    'charset' in shape
      ? {
          charset: shape.charset.replace(/^utf8$/, 'utf8mb3'),
          collation: shape.collation.replace(/^utf8_/, 'utf8mb3_'),
        }
      : {};
  return { name, nullable, ...shape, ...charset };
}
