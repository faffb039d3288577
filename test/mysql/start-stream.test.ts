import { systemClock } from '../../operator/base/clock.js';
import { createMySqlSource } from '../../operator/mysql/source.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';
import { planFor, RecordingSink } from './recording-sink.js';
import { settingsOf } from './servers.js';

describe.each([
  { part: mysql56, start: startMySql56 },
  { part: mariadb, start: startMariaDb },
])('the stream', ({ part, start }) => {
  describeWithPart(part, `of ${part.name}, from the start position on`, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await start();
      await server.query(`CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY, name VARCHAR(9)) ENGINE=InnoDB;
        INSERT INTO shop.t VALUES (1, 'before')`);
    });
    afterAll(() => server?.stop());

    it('brings what was written after it, and not what was there before', async () => {
      await using source = createMySqlSource(settingsOf(server), systemClock);
      const begin = await source.start([{ database: 'shop', table: 't' }]);
      const plan = planFor(begin.tables[0]!);
      await server.query("INSERT INTO shop.t VALUES (2, 'after')");
      const end = await source.position();
      const sink = new RecordingSink(plan.columns.length);
      const controller = new AbortController();
      const options = { serverId: 77_001, signal: controller.signal, rolledBack: new Set<string>() };
      const planOf = ({ table }: { table: string }) => (table === 't' ? plan : null);
      for await (const arrival of source.stream(begin.position, planOf, options)) {
        for (const event of arrival) {
          if (event.kind === 'rows') event.batch.drive(sink);
          if ('position' in event && event.position.offset >= end.offset) controller.abort();
        }
      }
      expect(sink.rows).toEqual([['2', 'after']]);
    });

    it('is refused from nowhere', async () => {
      await using source = createMySqlSource(settingsOf(server), systemClock);
      const options = { serverId: 77_002, signal: new AbortController().signal, rolledBack: new Set<string>() };
      const stream = source.stream({ file: '', offset: 0, gtidSet: null }, () => null, options);
      await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'SOURCE_QUERY_FAILED' });
    });
  });
});
