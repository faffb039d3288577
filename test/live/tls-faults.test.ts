/** The faults of the line once more, where it is encrypted: a handshake that is cut is no wrong certificate. */
import type { TablePlan } from '../../operator/model/table-plan.js';
import { describeColumns, planFor, positionOf } from '../mysql/binlog-helpers.js';
import { ChangeReader } from '../mysql/change-reader.js';
import { settingsOf } from '../mysql/servers.js';
import { startTcpProxy, type TcpProxy, type WireFault } from '../mysql/tcp-proxy.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';

const orders = { database: 'shop', table: 'orders' };
const tlsFile = (name: string): string => new URL(`../mysql/tls/${name}`, import.meta.url).pathname;

describeWithPart(mariadb, 'an encrypted line', () => {
  let server: TestServer;
  let proxy: TcpProxy;
  let plans: Map<string, TablePlan>;
  beforeAll(async () => {
    server = await startMariaDb({
      serverOptions: [
        `--ssl-ca=${tlsFile('ca.pem')}`,
        `--ssl-cert=${tlsFile('name.pem')}`,
        `--ssl-key=${tlsFile('name-key.pem')}`,
      ],
    });
    await server.query('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, note LONGTEXT)');
    plans = new Map([['shop.orders', planFor(orders, await describeColumns(server, orders))]]);
    proxy = await startTcpProxy(server.port);
  });
  afterAll(async () => {
    await proxy?.close();
    await server?.stop();
  });

  async function readerFrom(statement: string): Promise<ChangeReader> {
    const from = await positionOf(server);
    await server.query(statement);
    const settings = {
      ...settingsOf(server),
      port: proxy.port,
      tls: { mode: 'Required' as const },
      connectMs: 500,
      answerMs: 500,
    };
    return new ChangeReader({ settings, from, plans });
  }

  it('is opened again when it was cut or went dead, in the midst of the handshake too', async () => {
    const faults = [0, 50, 100, 150, 400, 900, 1_300, 2_000, 2_600, 3_300].flatMap((bytes): WireFault[] => [
      { cutAfter: bytes },
      ...(bytes % 200 === 0 ? [{ silentAfter: bytes }] : []),
    ]);
    let id = 0;
    for (const [index, fault] of faults.entries()) {
      const first = proxy.connections;
      const victim = 1 + (index % 3);
      proxy.faultOf = (connection) => (connection - first === victim ? fault : {});
      id += 1;
      await using reader = await readerFrom(`INSERT INTO shop.orders VALUES (${id}, 'x')`);
      await reader.until(() => reader.rows.length === 1);
      const place = `connection ${victim}, ${JSON.stringify(fault)}`;
      expect([place, reader.ids]).toEqual([place, [id]]);
      expect([place, new Set(['SOURCE_UNREACHABLE', ...reader.failures.map(({ code }) => code)])]).toEqual([
        place,
        new Set(['SOURCE_UNREACHABLE']),
      ]);
    }
    proxy.faultOf = () => ({});
  }, 90_000);

  it('is alive while one large event crawls over it', async () => {
    proxy.faultOf = () => ({ bytesPerTick: 2_000 });
    await using reader = await readerFrom("INSERT INTO shop.orders VALUES (1000, REPEAT('x', 300000))");
    await reader.until(() => reader.rows.length === 1);
    expect(reader.failures).toEqual([]);
  }, 60_000);
});
