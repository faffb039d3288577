import { tableKey } from '../../operator/model/source-table.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import {
  type CollectOptions,
  collect,
  describeColumns,
  planFor,
  positionOf,
  type SeenEvent,
} from './binlog-helpers.js';

const servers = [
  { part: mysql56, start: startMySql56 },
  { part: mariadb, start: startMariaDb },
];

for (const { part, start } of servers) {
  describeWithPart(part, `the binary log of ${part.name}`, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await start();
      await server.query('CREATE DATABASE shop; CREATE DATABASE other');
    });
    afterAll(() => server?.stop());

    const tables = ['orders'];
    /** Makes the tables, then tells what the stream gives for `script`. */
    async function streamOf(setUp: string, script: string, options: CollectOptions = {}): Promise<SeenEvent[]> {
      await server.query(`USE shop; DROP TABLE IF EXISTS ${tables.join(', ')}; ${setUp}`);
      const plans = new Map<string, TablePlan>();
      for (const table of tables) {
        const name = { database: 'shop', table };
        const columns = await describeColumns(server, name);
        if (columns.length > 0) plans.set(tableKey(name), planFor(name, columns));
      }
      const from = await positionOf(server);
      await server.query(script);
      return collect(server, from, { plans, ...options });
    }

    it('gives inserts, updates and deletes as rows, and a commit at the end of each transaction', async () => {
      const seen = await streamOf(
        'CREATE TABLE orders (id INT PRIMARY KEY, name VARCHAR(20) CHARACTER SET latin1, price DECIMAL(10,2))',
        `INSERT INTO orders VALUES (1, 'tea', 1.50), (2, NULL, -2.00);
         START TRANSACTION; UPDATE orders SET name = 'milk' WHERE id = 2; DELETE FROM orders WHERE id = 1; COMMIT`,
      );
      expect(seen.map((event) => event.kind)).toEqual(['rows', 'commit', 'rows', 'rows', 'commit']);
      expect(seen.flatMap((event) => (event.kind === 'rows' ? event.rows : []))).toEqual([
        { kind: 1, cells: { id: 1, name: 'tea', price: '1.50' } },
        { kind: 1, cells: { id: 2, price: '-2.00' } },
        { kind: 2, cells: { id: 2, price: '-2.00' } },
        { kind: 3, cells: { id: 2, name: 'milk', price: '-2.00' } },
        { kind: 4, cells: { id: 1, name: 'tea', price: '1.50' } },
      ]);
    });
  });
}
