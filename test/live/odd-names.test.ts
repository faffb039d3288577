/** Names, keys and values that copies get wrong first, from the server to the merged table, while rows are written. */
import { describeWithPart } from '../parts/part.js';
import { logFaults, noFaults, sourceRows, targetRows } from './compare.js';
import { liveServers } from './servers.js';
import { openWorld, type World } from './world.js';
import { startWriters, type Transaction } from './writers.js';

/** Source tables and the names that the rule of docs/design.md gives them, with `{database}_{table}`. */
const tables = [
  { database: 'my-db', table: 'plain', target: 'my_db_plain' },
  { database: 'my-db', table: 'two keys', target: 'my_db_two_keys' },
  { database: 'my-db', table: 'no key', target: 'my_db_no_key' },
  { database: 'my-db', table: 'UPPER', target: 'my_db_upper' },
  { database: 'my-db', table: 'tick`ed', target: 'my_db_tick_ed' },
  { database: 'my-db', table: 'dot.ted', target: 'my_db_dot_ted' },
  { database: 'my-db', table: 'empty', target: 'my_db_empty' },
  { database: 'order', table: 'group', target: 'order_group' },
  { database: '日本', table: '注文', target: 'c______' },
] as const;

const setUp = [
  'CREATE DATABASE `my-db` CHARACTER SET utf8mb4',
  'CREATE DATABASE `order` CHARACTER SET latin1',
  'CREATE DATABASE `日本` CHARACTER SET utf8mb4',
  "CREATE TABLE `my-db`.plain (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(50) NULL, n DECIMAL(20,6) NOT NULL DEFAULT '1.5')",
  `CREATE TABLE \`my-db\`.\`two keys\` (b VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, \`unit price\` DECIMAL(10,2), a INT UNSIGNED NOT NULL,
     \`select\` DATETIME(6), \`Ünïcode\` TEXT, \`dot.ted\` BLOB, \`back\`\`quote\` DOUBLE, PRIMARY KEY (a, b))`,
  'CREATE TABLE `my-db`.`no key` (x INT, y VARCHAR(20), z FLOAT)',
  'CREATE TABLE `my-db`.`UPPER` (ID CHAR(8) PRIMARY KEY, Val TIMESTAMP NULL)',
  "CREATE TABLE `my-db`.`tick``ed` (id BIGINT UNSIGNED PRIMARY KEY, `it's` ENUM('a','b,c','d''e') NOT NULL)",
  'CREATE TABLE `my-db`.`dot.ted` (id INT PRIMARY KEY, t TIME(3), y YEAR, b BIT(9))',
  'CREATE TABLE `my-db`.empty (id INT PRIMARY KEY, d DATE)',
  'CREATE TABLE `order`.`group` (`key` SMALLINT, `table` VARBINARY(20), v VARCHAR(30), UNIQUE KEY u (v), PRIMARY KEY (`key`))',
  'CREATE TABLE `日本`.`注文` (`番号` BIGINT PRIMARY KEY, `名前` VARCHAR(40), `金額` DECIMAL(38,18))',
  "INSERT INTO `my-db`.plain (v) VALUES ('one'), (NULL), (''), ('NULL'), ('日本 🎌 \\\\ \\' \\\" \\n\\t')",
  `INSERT INTO \`my-db\`.\`two keys\` VALUES ('x', -1.10, 4294967295, '2024-02-29 23:59:59.000001', 'é', 0x00FF0A00, 1e300), ('X', NULL, 4294967295, NULL, NULL, NULL, -0.1)`,
  "INSERT INTO `my-db`.`no key` VALUES (1, 'same', 1.1), (1, 'same', 1.1), (NULL, NULL, NULL), (NULL, NULL, NULL), (2, 'other', 16777217)",
  "INSERT INTO `my-db`.`UPPER` VALUES ('a', '1970-01-01 00:00:01'), ('b', NULL)",
  "INSERT INTO `my-db`.`tick``ed` VALUES (18446744073709551615, 'b,c'), (0, 'd''e')",
  "INSERT INTO `my-db`.`dot.ted` VALUES (1, '-838:59:59.000', 1901, b'111111111'), (2, '-00:00:01.500', 2155, b'0'), (3, '-01:00:00', 0, NULL)",
  "INSERT INTO `order`.`group` VALUES (-32768, 0x00, 'Grüße'), (32767, NULL, NULL)",
  "INSERT INTO `日本`.`注文` VALUES (-9223372036854775807, '東京', 12345678901234567890.123456789012345678), (9223372036854775807, NULL, -0.000000000000000001)",
];

const traffic: Transaction = (writer, round) => {
  const id = 1000 + writer * 1_000_000 + round;
  return [
    `INSERT INTO \`my-db\`.plain (v) VALUES ('w${writer}'), ('ü${round}')`,
    `UPDATE \`my-db\`.plain SET n = n + 0.1, v = CONCAT(LEFT(v, 20), '·') WHERE id % 17 = ${round % 17} ORDER BY id LIMIT 5`,
    `INSERT INTO \`my-db\`.\`two keys\` VALUES ('k', ${round}.5, ${id}, NOW(6), 'ß', UNHEX('00'), ${round} / 7)`,
    `UPDATE \`my-db\`.\`two keys\` SET a = a + 500000, b = 'moved' WHERE a = ${id - 3}`,
    `DELETE FROM \`my-db\`.\`two keys\` WHERE a = ${id - 7}`,
    `INSERT INTO \`my-db\`.\`no key\` VALUES (${round % 3}, 'same', 1.1), (${round % 3}, 'same', 1.1)`,
    `UPDATE \`my-db\`.\`no key\` SET y = 'changed' WHERE x = ${round % 3} LIMIT 1`,
    `DELETE FROM \`my-db\`.\`no key\` WHERE x = ${(round + 1) % 3} LIMIT 1`,
    `REPLACE INTO \`日本\`.\`注文\` VALUES (${round % 50}, '大阪 ${round}', ${round}.000000000000000001)`,
  ];
};

const spec = {
  objects: [
    {
      database: '日本',
      targetTable: '{database}_{table}',
      columnNames: { 番号: 'no', 名前: 'name', 金額: 'amount' },
    },
    { database: 'my-db', targetTable: '{database}_{table}' },
    { database: 'order', targetTable: '{database}_{table}' },
  ],
};

for (const { title, parts, start } of liveServers) {
  describeWithPart(parts, `odd names and keys on ${title}`, () => {
    let world: World;
    let task: string;

    beforeAll(async () => {
      world = await openWorld(start);
      for (const statement of setUp) await world.server.query(statement);
      task = world.writeTask('odd', spec);
    }, 60_000);
    afterAll(() => world?.close(), 30_000);

    it('passes the precheck with warnings that name what is renamed', async () => {
      const { code, stdout, stderr } = await world.run('precheck', '-f', task);
      expect({ code, stderr: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('tick');
    });

    it('copies, streams and merges every table while rows are written', async () => {
      const writers = await startWriters(world.server, 3, traffic);
      const first = await world.run('run', '-f', task, '--state', world.stateDir, '--until', 'caught-up');
      await writers.stop();
      expect(first.code === 0 ? '' : first.stderr).toBe('');
      const second = await world.run('run', '-f', task, '--state', world.stateDir, '--until', 'caught-up');
      expect(second.code === 0 ? '' : second.stderr).toBe('');

      for (const { database, table, target } of tables) {
        const name = `${quoted(database)}.${quoted(table)}`;
        const merge = await world.run('merge', '-f', task, '--state', world.stateDir, name, '--into', `${target}_now`);
        expect(merge.code === 0 ? '' : `${name}: ${merge.stderr}`).toBe('');
      }
      const merged = await world.read(...tables.map(({ target }) => `${target}_now` as const));
      for (const { database, table, target } of tables) {
        const expected = await sourceRows(world.server, database, table);
        const found = await targetRows(world.server, database, table, merged[`${target}_now`]);
        expect({ table, rows: found }).toEqual({ table, rows: expected });
      }
    }, 150_000);

    it('leaves logs without a doubled, missing or half change', async () => {
      const logs = await world.read(...tables.map(({ target }) => `${target}_log` as const));
      expect(logFaults(logs)).toEqual(noFaults);
      expect(logs.my_db_two_keys_log.rows.length).toBeGreaterThan(0);
      expect(logs.my_db_two_keys_log.columns.map(([name]) => name)).toEqual([
        ...['record_id', 'operation_flag', 'utc_timestamp', 'before_flag', 'after_flag'],
        ...['b', 'unit_price', 'a', 'select', 'c__n_code', 'dot_ted', 'back_quote'],
      ]);
    }, 60_000);

    it('refuses tables whose names meet, and names both', async () => {
      await world.server.query('CREATE TABLE `my-db`.`upper` (id INT PRIMARY KEY)');
      const meeting = world.writeTask('meeting', {
        objects: [{ database: 'my-db', tables: ['upper', 'UPPER'], targetTable: 'm_{table}' }],
      });
      const { code, stdout, stderr } = await world.run('precheck', '-f', meeting);
      expect(code).toBe(2);
      expect(stdout + stderr).toMatch(/my-db\.upper[\s\S]*my-db\.UPPER|my-db\.UPPER[\s\S]*my-db\.upper/);
    });
  });
}

/** As the command line takes a name (`tableKey`): back-quotes round a part that holds a dot or a back-quote. */
function quoted(part: string): string {
  return /[.`]/.test(part) ? `\`${part.replaceAll('`', '``')}\`` : part;
}
