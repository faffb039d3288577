/**
 * The sample data of the quickstart: a shop of ten tables and about 200,000 rows, the same on every machine, made by
 * the server itself in a few seconds. Among them: composite keys, a table without a key, names in many scripts,
 * decimals, fractions of seconds, ENUM, SET and binary values, and NULLs.
 */
import type { Session } from '../../mysql/session.js';

export const shopDatabase = 'shop';

/** Rows of each table before the traffic begins. */
export const shopTables = {
  customers: 40_000,
  addresses: 30_000,
  categories: 200,
  products: 5_000,
  inventory: 10_000,
  orders: 40_000,
  order_items: 60_000,
  payments: 12_000,
  page_views: 8_000,
  exchange_rates: 2_000,
} as const;

export type ShopTable = keyof typeof shopTables;

const schemas: readonly string[] = [
  `CREATE TABLE customers (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, email VARCHAR(120) CHARACTER SET ascii NOT NULL,
    name VARCHAR(80) NOT NULL, birthday DATE NULL, tier ENUM('bronze','silver','gold','off, the books') NOT NULL,
    newsletter TINYINT(1) NOT NULL, balance DECIMAL(18,4) NOT NULL, created_at DATETIME(3) NOT NULL, UNIQUE KEY (email))`,
  `CREATE TABLE addresses (
    customer_id BIGINT UNSIGNED NOT NULL, line_no SMALLINT NOT NULL, street VARCHAR(120) NOT NULL, city VARCHAR(60) NOT NULL,
    zip CHAR(10) NULL, latitude DOUBLE NULL, longitude DOUBLE NULL, PRIMARY KEY (customer_id, line_no))`,
  'CREATE TABLE categories (id SMALLINT UNSIGNED NOT NULL PRIMARY KEY, parent SMALLINT UNSIGNED NULL, title VARCHAR(60) NOT NULL)',
  `CREATE TABLE products (
    sku VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY, category SMALLINT UNSIGNED NOT NULL,
    title VARCHAR(100) NOT NULL, price DECIMAL(10,2) UNSIGNED NOT NULL, weight_g MEDIUMINT UNSIGNED NULL,
    labels SET('new','sale','bulky','fragile') NOT NULL, thumbnail BLOB NULL, digest BINARY(16) NOT NULL, description TEXT NULL)`,
  `CREATE TABLE inventory (
    warehouse CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, sku VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    on_hand INT NOT NULL, counted_at TIMESTAMP(3) NULL DEFAULT NULL, PRIMARY KEY (warehouse, sku))`,
  `CREATE TABLE orders (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, customer_id BIGINT UNSIGNED NOT NULL,
    status ENUM('new','paid','shipped','returned') NOT NULL, total DECIMAL(20,2) NOT NULL,
    placed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, note VARCHAR(200) NULL)`,
  `CREATE TABLE order_items (
    order_id BIGINT NOT NULL, line_no TINYINT UNSIGNED NOT NULL, sku VARCHAR(20) CHARACTER SET ascii NOT NULL,
    quantity INT UNSIGNED NOT NULL, unit_price DECIMAL(10,2) NOT NULL, PRIMARY KEY (order_id, line_no))`,
  `CREATE TABLE payments (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY, order_id BIGINT NOT NULL, amount DECIMAL(30,10) NOT NULL,
    paid_at DATETIME(6) NOT NULL, method VARCHAR(20) NOT NULL, reference VARBINARY(64) NULL)`,
  `CREATE TABLE page_views (
    visitor BIGINT NOT NULL, path VARCHAR(200) NOT NULL, viewed_at DATETIME NOT NULL, stayed TIME NULL, is_robot BIT(1) NOT NULL)`,
  `CREATE TABLE exchange_rates (
    day DATE NOT NULL, currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, rate DOUBLE NOT NULL, season YEAR NOT NULL,
    PRIMARY KEY (day, currency))`,
];

const givenNames = [
  'Ada',
  'Zoë',
  'François',
  '秀英',
  'Σωκράτης',
  'Łukasz',
  'Аня',
  'محمد',
  'नेहा',
  "Sinéad 'Shay'",
  '🦊 Fox',
];
const familyNames = [
  'Lovelace',
  'Müller',
  'O\\\\Brien',
  '王',
  'Παπαδόπουλος',
  'Ñandú',
  'Иванова',
  'الخطيب',
  'Smith, Jr.',
];
const cities = ['Zürich', 'São Paulo', '杭州', 'Αθήνα', 'Kraków', 'Москва', 'القاهرة', 'Springfield', 'Reykjavík'];

const fills: Record<ShopTable, string> = {
  customers: `n, CONCAT('user', n, '@example.com'), CONCAT(${pick(givenNames, 'n')}, ' ', ${pick(familyNames, 'n DIV 11')}),
    IF(n % 7 = 0, NULL, '1940-01-01' + INTERVAL n % 25000 DAY), 1 + n % 4, n % 2, (${random('balance')} % 100000000) / 10000 - 2000,
    '2024-01-01' + INTERVAL n * 1871 * 1000 MICROSECOND`,
  addresses: `1 + n DIV 2, 1 + n % 2, CONCAT(n % 300, ' ', ${pick(['Main St', 'Rue de la Paix', '天目山路', 'Невский пр.'], 'n')}),
    ${pick(cities, random('city'))}, IF(n % 5 = 0, NULL, LPAD(n, 6, '0')), IF(n % 9 = 0, NULL, ${random('lat')} / 47721858 - 45), n / 7`,
  categories: `n, IF(n <= 20, NULL, 1 + n % 20), CONCAT(${pick(['Books', 'Bücher', '图书', 'Βιβλία', 'Книги'], 'n')}, ' ', n)`,
  products: `CONCAT('SKU-', LPAD(n, 6, '0')), 1 + n % 200, CONCAT('Thing No. ', n), (${random('price')} % 1000000) / 100,
    IF(n % 6 = 0, NULL, n * 3), n % 16, IF(n % 4 = 0, NULL, UNHEX(CONCAT('00FF', REPEAT(MD5(n), 1 + n % 8)))), UNHEX(MD5(n)),
    IF(n % 3 = 0, NULL, CONCAT('Line one of ', n, CHAR(10), CHAR(9), 'line "two", with \\\\ and ''quotes'''))`,
  inventory: `IF(n % 2, 'HGH', 'ZRH'), CONCAT('SKU-', LPAD(1 + n DIV 2, 6, '0')), ${random('stock')} % 500,
    IF(n % 10 = 0, NULL, '2025-03-01' + INTERVAL n * 997123 MICROSECOND)`,
  orders: `n, 1 + ${random('buyer')} % 40000, 1 + n % 4, (${random('total')} % 10000000) / 100, '2025-01-01' + INTERVAL n * 61 SECOND,
    IF(n % 3, NULL, CONCAT('Ring at ', ${pick(familyNames, 'n')}))`,
  order_items: `1 + (n - 1) * 2 DIV 3, 1 + n % 3, CONCAT('SKU-', LPAD(1 + ${random('sku')} % 5000, 6, '0')), 1 + n % 9, (n % 99999) / 100`,
  payments: `CONCAT_WS('-', LEFT(MD5(n), 8), MID(MD5(n), 9, 4), MID(MD5(n), 13, 4), MID(MD5(n), 17, 4), MID(MD5(n), 21)), n * 3,
    ${random('amount')} / 7, '2025-01-01' + INTERVAL n * 183000457 MICROSECOND, ${pick(['card', 'bank', 'cash'], 'n')}, IF(n % 2, UNHEX(SHA1(n)), NULL)`,
  page_views: `n % 500, CONCAT('/p/', n % 40, '?q=', ${pick(cities, 'n')}), '2025-06-01' + INTERVAL n % 1000 MINUTE,
    IF(n % 5 = 0, NULL, SEC_TO_TIME(n % 90000 - 300)), n % 2`,
  exchange_rates: `'2025-01-01' + INTERVAL n DIV 8 DAY, ELT(1 + n % 8, 'CNY', 'EUR', 'CHF', 'GBP', 'JPY', 'INR', 'BRL', 'SEK'),
    ${random('rate')} / 1e9, 1990 + n % 40`,
};

/**
 * Makes the database and its rows, and an account with exactly the rights that a task needs. The rows are not written
 * to the binary log: they stand for a database that is older than its binary logs.
 */
export async function fillShop(session: Session, account: { username: string; password: string }): Promise<number> {
  await session.query('SET SESSION sql_log_bin = 0');
  await session.query(`CREATE DATABASE ${shopDatabase} CHARACTER SET utf8mb4`);
  await session.query(`USE ${shopDatabase}`);
  for (const statement of schemas) await session.query(statement);
  let rows = 0;
  for (const [table, count] of Object.entries(shopTables) as [ShopTable, number][]) {
    await session.query(`INSERT INTO ${table} SELECT ${fills[table]} FROM ${numbers(count)}`, { table });
    rows += count;
  }
  await session.query(
    `GRANT SELECT ON ${shopDatabase}.* TO '${account.username}'@'%' IDENTIFIED BY '${account.password}'`,
  );
  await session.query(
    `GRANT RELOAD, LOCK TABLES, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '${account.username}'@'%'`,
  );
  await session.query('SET SESSION sql_log_bin = 1');
  return rows;
}

/** 1..count as a table with a column n, by cross joins of ten digits: MySQL 5.6 knows no recursive query. */
function numbers(count: number): string {
  const digit =
    '(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)';
  const places = Math.ceil(Math.log10(count + 1));
  const factors = Array.from({ length: places }, (_, place) => ({ name: `t${place}`, weight: 10 ** place }));
  const value = factors.map(({ name, weight }) => `${name}.d * ${weight}`).join(' + ');
  const tables = factors.map(({ name }) => `${digit} ${name}`).join(', ');
  return `(SELECT ${value} AS n FROM ${tables} HAVING n BETWEEN 1 AND ${count}) numbers`;
}

/** A number of 32 bits that depends on n and the name only. */
function random(name: string): string {
  return `CRC32(CONCAT('${name}', n))`;
}

function pick(texts: readonly string[], index: string): string {
  return `ELT(1 + (${index}) % ${texts.length}, ${texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(', ')})`;
}
