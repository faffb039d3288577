/** Two real servers, one a replica of the other: who goes on for whom, and who is refused. */
import { systemClock } from '../../operator/base/clock.js';
import { SyncError } from '../../operator/base/errors.js';
import type { ChangeEvent } from '../../operator/model/change.js';
import { missingGtids } from '../../operator/model/gtid-set.js';
import type { Source } from '../../operator/model/ports.js';
import { type BinlogPosition, hasReached } from '../../operator/model/position.js';
import type { KnownSource } from '../../operator/model/source-facts.js';
import { type TableName, tableKey } from '../../operator/model/source-table.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import type { ServerNews } from '../../operator/mysql/session-pool.js';
import { createMySqlSource, type MySqlSourceOptions } from '../../operator/mysql/source.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWithPart } from '../parts/part.js';
import { pairKinds, type ServerPair } from '../parts/server-pair.js';
import type { TestServer } from '../parts/test-server.js';
import { describeColumns, planFor } from './binlog-helpers.js';
import { RecordingSink } from './recording-sink.js';
import { settingsOf } from './servers.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

const table = { database: 'shop', table: 'orders' };
const never = new AbortController().signal;
const open = { after: null, upTo: null };

for (const { title, part, open: openPair } of pairKinds) {
  describeWithPart(part, `a failover between two servers: ${title}`, () => {
    let pair: ServerPair;
    let plan: TablePlan;
    let serverId = 81_000;
    const opened: Source[] = [];

    beforeAll(async () => {
      pair = await openPair();
      await pair.a.query('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, t TEXT)');
      await pair.caughtUp(pair.b, pair.a);
      plan = planFor(table, await describeColumns(pair.a, table));
    }, 90_000);
    afterEach(async () => {
      for (const source of opened.splice(0)) await source[Symbol.asyncDispose]();
    });
    afterAll(() => pair?.stop(), 30_000);

    function sourceOf(server: TestServer, options: MySqlSourceOptions = {}): Source {
      const source = createMySqlSource(settingsOf(server), systemClock, { lagMsMax: 0, ...options });
      opened.push(source);
      return source;
    }

    async function knownOf(server: TestServer, ...positions: BinlogPosition[]): Promise<KnownSource> {
      const source = sourceOf(server);
      const { identity } = await source.start([table]);
      return { identity, positions: positions.length > 0 ? positions : [await source.position()] };
    }

    /** Ids of the rows from `from` on, until the source's end of now, and the position there. */
    async function read(source: Source, from: BinlogPosition): Promise<{ ids: number[]; at: BinlogPosition }> {
      const end = await source.position();
      const stop = new AbortController();
      const ids: number[] = [];
      let at = from;
      const options = { serverId: serverId++, signal: stop.signal, rolledBack: new Set<string>() };
      const planOf = (name: TableName): TablePlan | null => (tableKey(name) === tableKey(table) ? plan : null);
      const take = (event: ChangeEvent): void => {
        if (event.kind === 'rows') ids.push(...idsOf(event.batch));
        else at = event.position;
      };
      for await (const arrival of source.stream(from, planOf, options)) {
        for (const event of arrival) take(event);
        if (hasReached(at, end)) stop.abort();
      }
      return { ids, at };
    }

    const insert = (server: TestServer, ...ids: number[]): Promise<unknown> =>
      server.query(ids.map((id) => `INSERT INTO shop.orders VALUES (${id}, 'x')`).join('; '));

    it('goes on at the replica from the very transaction, then at the first server again', async () => {
      const { a, b } = pair;
      const begin = await sourceOf(a).position();
      await insert(a, 1, 2, 3);
      await a.query('CREATE DATABASE noise; CREATE TABLE noise.t (n INT); INSERT INTO noise.t VALUES (1)');
      const first = await read(sourceOf(a), begin);
      expect(first.ids).toEqual([1, 2, 3]);
      await insert(a, 4);
      await pair.caughtUp(b, a);
      await pair.promote(b);
      await pair.follow(a, b);
      await b.query('FLUSH BINARY LOGS');
      await insert(b, 5, 6);
      const news: ServerNews[] = [];
      const known = await knownOf(a, first.at);
      const atB = sourceOf(b, { known, onServer: (one) => news.push(one) });
      const second = await read(atB, first.at);
      expect(second.ids).toEqual([4, 5, 6]);
      expect(second.at.gtidSet).toBe((await atB.position()).gtidSet);
      expect(news).toMatchObject([{ kind: 'changed', before: known.identity, now: { serverId: 22 } }]);
      expect(second.at.server).not.toBe(first.at.server);
      await pair.caughtUp(a, b);
      await pair.promote(a);
      await pair.follow(b, a);
      await insert(a, 7);
      const third = await read(sourceOf(a, { known: await knownOf(b, second.at) }), second.at);
      expect(third.ids).toEqual([7]);
    }, 60_000);

    // A position that was taken before the first transaction of all has no set.
    if (title === 'MariaDB')
      it('finds out the GTIDs of a place that came without', async () => {
        const { a } = pair;
        const from = await sourceOf(a).position();
        await insert(a, 8);
        const { ids, at } = await read(sourceOf(a), { ...from, gtidSet: null });
        expect(ids).toEqual([8]);
        expect(at.gtidSet).toBe(await pair.gtids(a));
      }, 60_000);

    it('waits for a replica that is behind, and refuses it when it stays behind, naming what it lacks', async () => {
      const { a, b } = pair;
      await pair.caughtUp(b, a);
      await b.query(title === 'MariaDB' ? 'STOP SLAVE SQL_THREAD' : 'STOP REPLICA SQL_THREAD');
      await insert(a, 11);
      const known = await knownOf(a);
      const missing = missingGtids(a.flavor, await pair.gtids(b), known.positions[0]?.gtidSet ?? '');
      const refused = sourceOf(b, { known });
      for (const asked of [refused.position(), read(refused, known.positions[0] as BinlogPosition)]) {
        const failure = await failureOf(asked);
        expect(failure).toMatchObject({ code: 'SOURCE_IDENTITY_CHANGED', exitCode: 69 });
        expect(missing).toMatch(/^[-0-9a-f:]+$/);
        expect(failure.seen).toContain(`lacks the transactions ${missing}`);
        expect(failure.seen).toContain('server_id 22');
        expect(failure.wanted).toContain('server_id 21');
      }
      const news: ServerNews[] = [];
      const waiting = sourceOf(b, {
        known,
        lagMsMax: 30_000,
        onServer: (one) => {
          news.push(one);
          if (one.kind === 'waiting') void b.query(title === 'MariaDB' ? 'START SLAVE' : 'START REPLICA');
        },
      });
      expect(hasReached(await waiting.position(), known.positions[0] as BinlogPosition)).toBe(true);
      expect(news.map(({ kind }) => kind)).toEqual(['waiting', 'changed']);
    }, 60_000);

    it('says POSITION_LOST where the replica has purged what is needed', async () => {
      const { a, b } = pair;
      await pair.caughtUp(b, a);
      const known = await knownOf(a);
      await insert(a, 15);
      await pair.caughtUp(b, a);
      const file = await purgeAllButNewest(b);
      await insert(a, 16);
      await pair.caughtUp(b, a);
      const failure = await failureOf(read(sourceOf(b, { known }), known.positions[0] as BinlogPosition));
      expect(failure.code).toBe('POSITION_LOST');
      expect(failure.seen).toContain(file);
      expect(failure.position).toContain(known.positions[0]?.gtidSet);
    }, 60_000);

    it('never reads the log from another server than the one that it asked', async () => {
      const { a, b } = pair;
      await pair.caughtUp(b, a);
      await using proxy = await proxyTo(a);
      const source = sourceOf({ ...a, port: proxy.port });
      const at = await source.position();
      proxy.targetPort = b.port;
      const failure = await failureOf(read(source, { ...at, gtidSet: (await sourceOf(b).position()).gtidSet }));
      expect(failure).toMatchObject({ code: 'SOURCE_UNREACHABLE', isRetryable: true });
      expect(failure.seen).toMatch(/reached server/);
    }, 60_000);

    it('refuses a server that lacks what rows read meanwhile have shown', async () => {
      const { a, b } = pair;
      await pair.caughtUp(b, a);
      const known = await knownOf(a);
      await pair.promote(b);
      await insert(a, 19);
      await using proxy = await proxyTo(a);
      const source = sourceOf({ ...a, port: proxy.port }, { known });
      const shown: number[] = [];
      for await (const batch of source.readChunk(plan, open, never)) shown.push(...idsOf(batch));
      expect(shown).toContain(19);
      proxy.targetPort = b.port;
      proxy.cut();
      const failure = await lastFailureOf(() => source.position());
      expect(failure).toMatchObject({ code: 'SOURCE_IDENTITY_CHANGED' });
      await pair.follow(b, a);
    }, 60_000);

    it('refuses a server that wrote on without our last transaction, though its numbers have passed ours', async () => {
      const { a, b } = pair;
      await pair.caughtUp(b, a);
      await pair.promote(b);
      await insert(a, 21);
      const known = await knownOf(a);
      await insert(b, 22, 23, 24);
      expect(await failureOf(sourceOf(b, { known }).position())).toMatchObject({ code: 'SOURCE_IDENTITY_CHANGED' });
      const chunk = sourceOf(b, { known }).readChunk(plan, open, never)[Symbol.asyncIterator]();
      expect(await failureOf(chunk.next())).toMatchObject({ code: 'SOURCE_IDENTITY_CHANGED' });
    }, 60_000);

    it('says POSITION_LOST where the same server has begun its log anew, also when its numbers have passed ours', async () => {
      const { a } = pair;
      const reset = title === 'MariaDB' ? 'RESET MASTER' : 'RESET BINARY LOGS AND GTIDS';
      await a.query(reset);
      await a.query('DELETE FROM shop.orders');
      await a.query("INSERT INTO shop.orders VALUES (31, REPEAT('x', 2000)); INSERT INTO shop.orders VALUES (32, '')");
      const known = await knownOf(a);
      const from = known.positions[0] as BinlogPosition;
      await a.query(reset);
      expect(await failureOf(read(sourceOf(a, { known }), from))).toMatchObject({ code: 'POSITION_LOST' });
      await a.query('DELETE FROM shop.orders');
      await insert(a, ...Array.from({ length: 20 }, (_, index) => index));
      const failure = await failureOf(read(sourceOf(a, { known }), from));
      expect(failure).toMatchObject({ code: 'POSITION_LOST' });
    }, 60_000);
  });
}

describeWithPart(mysql56, 'a server without GTIDs: MySQL 5.6', () => {
  let server: TestServer;
  let plan: TablePlan;

  beforeAll(async () => {
    server = await startMySql56();
    await server.query('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, t TEXT)');
    plan = planFor(table, await describeColumns(server, table));
  }, 60_000);
  afterAll(() => server?.stop(), 30_000);

  /** The same log each time but for its rows, so that the same places begin the same kinds of events. */
  async function beginLogAnew(text: string): Promise<void> {
    await server.query('TRUNCATE TABLE shop.orders');
    const [before] = await server.query('SELECT UNIX_TIMESTAMP() AS now');
    while ((await server.query('SELECT UNIX_TIMESTAMP() AS now'))[0]?.now === before?.now);
    await server.query('RESET MASTER');
    for (let id = 1; id <= 6; id += 1) await server.query(`INSERT INTO shop.orders VALUES (${id}, '${text}')`);
  }

  it('says POSITION_LOST where the log has begun anew and has the same places again', async () => {
    await beginLogAnew('one');
    const stop = new AbortController();
    await using source = createMySqlSource(settingsOf(server), systemClock);
    const options = { serverId: 81_900, signal: stop.signal, rolledBack: new Set<string>() };
    const [first] = await server.query('SHOW BINARY LOGS');
    const places: BinlogPosition[] = [];
    const start = { file: first?.Log_name ?? '', offset: 4, gtidSet: null };
    for await (const arrival of source.stream(start, () => plan, options)) {
      for (const event of arrival) if (event.kind === 'commit') places.push(event.position);
      if (places.length >= 6) stop.abort();
    }
    const from = places[2] as BinlogPosition;
    await beginLogAnew('two');
    const failure = await failureOf(
      (async () => {
        for await (const arrival of source.stream(from, () => plan, { ...options, signal: never })) {
          for (const event of arrival) if (event.kind === 'rows') return;
        }
      })(),
    );
    expect(failure.code).toBe('POSITION_LOST');
    expect(failure.seen).toMatch(/began its file .* at 20/);
  }, 60_000);

  it('is not changed for another one', async () => {
    await using source = createMySqlSource(settingsOf(server), systemClock);
    const { identity } = await source.start([table]);
    const before = { ...identity, serverUuid: '3e11fa47-71ca-11e1-9e33-c80aa9429562' };
    const known = { identity: before, positions: [{ file: 'binlog.000001', offset: 4, gtidSet: null }] };
    await using other = createMySqlSource(settingsOf(server), systemClock, { known });
    expect(await failureOf(other.position())).toMatchObject({ code: 'SOURCE_IDENTITY_CHANGED' });
  });
});

function idsOf(batch: { drive(sink: RecordingSink): number }): number[] {
  const sink = new RecordingSink(2);
  batch.drive(sink);
  return sink.rows.map((row) => Number(row[0]));
}

async function proxyTo(server: TestServer): Promise<TcpProxy & AsyncDisposable> {
  const proxy = await startTcpProxy(server.port);
  return Object.assign(proxy, { [Symbol.asyncDispose]: () => proxy.close() });
}

/** MariaDB keeps a file until InnoDB needs nothing of it any more: asked again. */
async function purgeAllButNewest(server: TestServer): Promise<string> {
  await server.query('FLUSH BINARY LOGS');
  for (;;) {
    const files = await server.query('SHOW BINARY LOGS');
    const newest = files.at(-1)?.Log_name ?? '';
    if (files.length === 1) return newest;
    await server.query(`PURGE BINARY LOGS TO '${newest}'`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Connections that were cut fail first, retryably. */
async function lastFailureOf(attempt: () => Promise<unknown>): Promise<SyncError> {
  for (;;) {
    const failure = await failureOf(attempt());
    if (failure.code !== 'SOURCE_UNREACHABLE') return failure;
  }
}

async function failureOf(promise: Promise<unknown>): Promise<SyncError> {
  const error = await promise.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (error instanceof SyncError) return error;
  throw new Error(`no coded error: ${String(error)}`);
}
