/**
 * The tables that the writers write: keyed by a number, by two columns, by text, without a key, one wide, one large. How
 * each value is written as a literal, and how it is read as the text that stands in the history.
 */
import type { TestServer } from '../parts/test-server.js';

export type Kind = 'int' | 'decimal' | 'float' | 'text' | 'bytes' | 'time' | 'bit';

export interface Column {
  readonly name: string;
  readonly kind: Kind;
  readonly sql: string;
}

export interface CampaignTable {
  readonly name: string;
  /** Names of its key columns; empty where it has none. */
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  /** Of CREATE TABLE, behind the columns. */
  readonly index: string;
}

/** Texts as the server shows them, bytes in hexadecimal digits, NULL as null; in the order of the columns. */
export type Image = readonly (string | null)[];

export const database = 'campaign';

function table(name: string, key: string, index: string, columns: readonly string[]): CampaignTable {
  return {
    name,
    key: key === '' ? [] : key.split(' '),
    index,
    columns: columns.map((text) => {
      const [columnName = '', kind = '', ...sql] = text.split(' ');
      return { name: columnName, kind: kind as Kind, sql: sql.join(' ') };
    }),
  };
}

/** One row for each writer: every transaction changes its writer's, so the log itself tells whose transaction it is. */
export const turns = table('turns', 'writer', 'PRIMARY KEY (writer)', ['writer int INT', 'seq int BIGINT NOT NULL']);

/** Rows that all writers share. */
export const accounts = table('accounts', 'id', 'PRIMARY KEY (id)', [
  'id int INT',
  'balance decimal DECIMAL(20,4) NOT NULL',
  'n int BIGINT NOT NULL',
  'writer int INT',
  'seq int BIGINT',
]);

/** Shared, and the key changes. */
export const pairs = table('pairs', 'a b', 'PRIMARY KEY (a, b)', [
  'a int INT',
  'b text VARCHAR(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
  'n int BIGINT NOT NULL',
  'v float DOUBLE NULL',
]);

export const texts = table('texts', 'k', 'PRIMARY KEY (k)', [
  'k text VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
  't text TEXT NULL',
  'n int BIGINT NOT NULL',
]);

/** Without a key, with rows that are equal. */
export const ticks = table('ticks', '', 'KEY (writer)', [
  'writer int INT',
  'note text VARCHAR(20) NULL',
  'n int INT NOT NULL',
]);

export const wide = table('wide', 'id', 'PRIMARY KEY (id)', [
  'id int BIGINT',
  'tiny int TINYINT NULL',
  'small int SMALLINT UNSIGNED NULL',
  'medium int MEDIUMINT NULL',
  'whole int INT UNSIGNED NULL',
  'huge int BIGINT UNSIGNED NULL',
  'price decimal DECIMAL(30,10) NULL',
  'ratio float DOUBLE NULL',
  'half float FLOAT NULL',
  'code text CHAR(10) NULL',
  'name text VARCHAR(80) NULL',
  'story text TEXT NULL',
  'raw bytes VARBINARY(40) NULL',
  'heap bytes BLOB NULL',
  'day text DATE NULL',
  'at time DATETIME(6) NULL',
  'stamp time TIMESTAMP(3) NULL DEFAULT NULL',
  'span text TIME(3) NULL',
  'year int YEAR NULL',
  "colour text ENUM('red','green','blue') NULL",
  "marks text SET('a','b','c') NULL",
  'flags bit BIT(9) NULL',
]);

/** Large: its snapshot takes a while. */
export const big = table('big', 'id', 'PRIMARY KEY (id)', [
  'id int INT',
  'pad text VARCHAR(160) NOT NULL',
  'n int BIGINT NOT NULL',
]);

export const tables: readonly CampaignTable[] = [turns, accounts, pairs, texts, ticks, wide, big];

export const accountCount = 400;
export const pairGroups = 50;

export async function createTables(server: TestServer, writers: number, bigRows: number): Promise<void> {
  await server.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
  for (const { name, columns, index } of tables) {
    const list = columns.map((column) => `\`${column.name}\` ${column.sql}`);
    await server.query(`CREATE TABLE ${database}.${name} (${[...list, index].join(', ')}) ENGINE=InnoDB`);
  }
  const rows = (count: number, row: (n: number) => string): string =>
    Array.from({ length: count }, (_, n) => row(n)).join();
  await server.query(`INSERT INTO ${database}.turns VALUES ${rows(writers, (n) => `(${n}, 0)`)}`);
  await server.query(
    `INSERT INTO ${database}.accounts VALUES ${rows(accountCount, (n) => `(${n}, 1000, 0, NULL, NULL)`)}`,
  );
  await server.query(
    `INSERT INTO ${database}.pairs VALUES ${rows(4 * pairGroups, (n) => `(${n % pairGroups}, 'p${n}', 0, NULL)`)}`,
  );
  for (let from = 0; from < bigRows; from += 5_000) {
    const part = Math.min(5_000, bigRows - from);
    await server.query(
      `INSERT INTO ${database}.big VALUES ${rows(part, (n) => `(${from + n}, REPEAT('${(from + n).toString(36)}-', ${(from + n) % 20}), 0)`)}`,
    );
  }
  // A start position taken at the beginning of a file shall not lie before these rows.
  await server.query('FLUSH LOGS');
}

/** `a`, `HEX(b) AS b`, ...: what gives an `Image`. */
export function imageColumns({ columns }: CampaignTable): string {
  return columns
    .map(({ name, kind }) => {
      if (kind === 'bytes') return `HEX(\`${name}\`) AS \`${name}\``;
      if (kind === 'bit') return `\`${name}\` + 0 AS \`${name}\``;
      return `\`${name}\``;
    })
    .join(', ');
}

export function literal({ kind }: Column, text: string | null): string {
  if (text === null) return 'NULL';
  if (kind === 'bytes') return text === '' ? "''" : `0x${text}`;
  if (kind === 'text' || kind === 'time') return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
  return text;
}

export function keyOf(table: CampaignTable, image: Image): string {
  return whereEqual(table, image, table.key);
}

/** A condition that holds for rows like this one in these columns. */
export function whereEqual(table: CampaignTable, image: Image, names: readonly string[]): string {
  return names
    .map((name) => {
      const index = table.columns.findIndex((column) => column.name === name);
      const text = image[index] ?? null;
      return text === null ? `\`${name}\` IS NULL` : `\`${name}\` = ${literal(table.columns[index] as Column, text)}`;
    })
    .join(' AND ');
}
