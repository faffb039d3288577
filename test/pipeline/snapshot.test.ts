import { SyncError } from '../../operator/base/errors.js';
import type { PlanDocument, PlannedTable, ShardDocument } from '../../operator/model/documents.js';
import { baseTableSpec } from '../../operator/model/target-table.js';
import { runSnapshot } from '../../operator/pipeline/snapshot.js';
import { documentNames } from '../../operator/pipeline/task-documents.js';
import { Crash, Life } from './memory-world.js';
import { type Change, positionAfter, scriptedSource, type Transaction } from './scripted-source.js';
import { mark, planFor, quiet, StreamBench, taskId } from './stream-bench.js';

const rows = Array.from({ length: 95 }, (_, id) => id);
const chunks = [...Array(10).keys()].map((index) => ({
  after: index === 0 ? null : [String(index * 10 - 1)],
  upTo: index === 9 ? null : [String(index * 10 + 9)],
}));

function withBaselines(bench: StreamBench, tables: Readonly<Record<string, PlannedTable['snapshot']>>): void {
  const name = documentNames.plan('shop');
  const plan = bench.store.read<PlanDocument>(name);
  const planned = plan.tables.map((table) => ({ ...table, snapshot: tables[table.plan.source.table] ?? null }));
  bench.store.documents.set(name, { body: JSON.stringify({ ...plan, tables: planned }), version: 1 });
  for (const table of Object.keys(tables)) {
    const spec = baseTableSpec(planFor(table), mark);
    bench.maxCompute.tables.set(spec.table, { spec, rows: [], partitions: new Set() });
  }
}

let starts = 0;
async function copy(
  bench: StreamBench,
  life: Life,
  hasStream: boolean,
  snapshot = () => ({ rows, position: positionAfter(0) }),
  blocksPerSessionMax = 20_000,
  chunkHeldBytesMax = 10_000,
): Promise<void> {
  starts += 1;
  const running = runSnapshot({
    documents: { store: bench.store.as(life), task: 'shop', taskId, writerId: `snapshot-${starts}`, version: 'test' },
    source: scriptedSource({ life, log: bench.log, database: 'shop', onEnd: () => undefined, snapshot }),
    warehouse: bench.maxCompute.as(life),
    clock: life.clock(bench.clock),
    report: quiet,
    stop: new AbortController().signal,
    settings: { parallelism: 3, blockBytesMax: 1_000, chunkHeldBytesMax, blocksPerSessionMax, hasStream, pollMs: 100 },
  });
  await Promise.race([running, life.died]).finally(() => life.end());
}

const baseIds = (bench: StreamBench, table: string): (number | null | undefined)[] =>
  bench.maxCompute
    .rows(`${table}_base`)
    .map((row) => row.cells[0])
    .toSorted((a, b) => Number(a) - Number(b));

test('every chunk becomes one block of one session, committed once', async () => {
  const bench = new StreamBench([], ['orders']);
  withBaselines(bench, { orders: { chunks, inOneView: false, rowsEstimate: 95 } });
  await copy(bench, new Life(), false);
  expect(baseIds(bench, 'orders')).toEqual(rows);
  expect(bench.maxCompute.sessions.size).toBe(1);
});

const view = () => ({ rows, position: positionAfter(0) });

test('a table of more chunks than a session takes goes in several, each committed before the next is opened', async () => {
  const bench = new StreamBench([], ['orders']);
  withBaselines(bench, { orders: { chunks, inOneView: false, rowsEstimate: 95 } });
  await copy(bench, new Life(), false, view, 6);
  expect(baseIds(bench, 'orders')).toEqual(rows);
  expect([...bench.maxCompute.sessions.values()].map(({ blocks }) => blocks.size)).toEqual([3, 3, 3, 1]);
  expect(bench.store.read<ShardDocument>('shop-shard-0').tables['shop.orders']).toMatchObject({
    committed: true,
    rowsRead: 95,
    chunksDone: 10,
  });
});

test('a chunk that is larger than was estimated goes in pieces, so that memory stays flat', async () => {
  const bench = new StreamBench([], ['orders']);
  withBaselines(bench, { orders: { chunks, inOneView: false, rowsEstimate: 95 } });
  await copy(bench, new Life(), false, view, 20_000, 300);
  expect(baseIds(bench, 'orders')).toEqual(rows);
  const blocks = [...bench.maxCompute.sessions.values()].flatMap((session) => [...session.blocks]);
  expect(blocks).toHaveLength(29);
  expect(Math.max(...blocks.map(([, content]) => content.length))).toBe(4);
});

test('a copy in pieces that dies begins the part anew: which pieces belong together is not known', async () => {
  for (let nth = 1; nth <= 30; nth += 1) {
    const bench = new StreamBench([], ['orders']);
    withBaselines(bench, { orders: { chunks, inOneView: false, rowsEstimate: 95 } });
    const life = new Life();
    let puts = 0;
    life.onCall = (called) => {
      if (called === 'putBlock' && (puts += 1) === nth) throw new Crash(called);
    };
    await copy(bench, life, false, view, 20_000, 300).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
    await copy(bench, new Life(), false, view, 20_000, 300);
    expect(baseIds(bench, 'orders')).toEqual(rows);
  }
});

test('a session that grows old is committed with what it has begun, and the rest goes into another', async () => {
  const bench = new StreamBench([], ['orders', 'items']);
  const plan = { chunks, inOneView: false, rowsEstimate: 95 };
  withBaselines(bench, { orders: plan, items: plan });
  const life = new Life();
  let reads = 0;
  // The fifth chunk takes 21 hours: the session of the second table is as old, and has not begun.
  life.onCall = (called) => {
    if (called === 'readChunk' && (reads += 1) === 5) bench.clock.advance(21 * 3_600_000);
  };
  await copy(bench, life, false, view);
  expect(baseIds(bench, 'orders')).toEqual(rows);
  expect(baseIds(bench, 'items')).toEqual(rows);
  const blocksOf = (table: string): number[] =>
    [...bench.maxCompute.sessions.values()].filter(({ ref }) => ref.table === table).map(({ blocks }) => blocks.size);
  expect(blocksOf('orders_base')).toHaveLength(2);
  expect(blocksOf('orders_base').reduce((sum, count) => sum + count, 0)).toBe(10);
  expect(blocksOf('items_base')).toEqual([0, 10]);
});

test('a block that was acknowledged and is not listed is read again, and nothing is committed without it', async () => {
  const bench = new StreamBench([], ['orders']);
  withBaselines(bench, { orders: { chunks, inOneView: false, rowsEstimate: 95 } });
  const life = new Life();
  let states = 0;
  life.onCall = (called) => {
    if (called !== 'uploadState' || (states += 1) !== 1) return;
    for (const session of bench.maxCompute.sessions.values()) session.blocks.delete(4);
  };
  const code = await copy(bench, life, false).then(
    () => 'done',
    (error: unknown) => (error instanceof SyncError ? error.code : String(error)),
  );
  expect(code).toBe('UPLOAD_SESSION_LOST');
  expect(baseIds(bench, 'orders')).toEqual([]);
  await copy(bench, new Life(), false);
  expect(baseIds(bench, 'orders')).toEqual(rows);
});

test('a session that lists a block which is no chunk is not gone on with', async () => {
  const bench = new StreamBench([], ['orders']);
  withBaselines(bench, { orders: { chunks, inOneView: false, rowsEstimate: 95 } });
  const life = new Life();
  let puts = 0;
  life.onCall = (called) => {
    if (called === 'putBlock' && (puts += 1) === 4) throw new Crash(called);
  };
  await copy(bench, life, false).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
  const foreign = [{ partition: null, recordId: 0, kind: 0 as const, cells: [777] }];
  for (const session of bench.maxCompute.sessions.values()) session.blocks.set(500, foreign);
  await copy(bench, new Life(), false);
  expect(baseIds(bench, 'orders')).toEqual(rows);
});

test('a block of a dead worker that comes late, after the intent, is as good as ours', async () => {
  const bench = new StreamBench([], ['orders']);
  withBaselines(bench, { orders: { chunks, inOneView: false, rowsEstimate: 95 } });
  const life = new Life();
  let states = 0;
  const late = [{ partition: null, recordId: 0, kind: 0 as const, cells: [40] }];
  life.onCall = (called) => {
    // The first state is asked before the intent, the second after it.
    if (called !== 'uploadState' || (states += 1) !== 2) return;
    for (const session of bench.maxCompute.sessions.values()) session.blocks.set(4, late);
  };
  await copy(bench, life, false);
  expect(baseIds(bench, 'orders')).toEqual(rows.filter((id) => id <= 40 || id >= 50));
});

test.each(['load', 'save', 'createUpload', 'putBlock', 'uploadState', 'commitUpload', 'readChunk', 'query'])(
  'a copy that dies at any %s goes on where it was, and no row is there twice',
  async (call) => {
    for (let nth = 1; nth <= 24; nth += 1) {
      const bench = new StreamBench([], ['orders']);
      withBaselines(bench, { orders: { chunks, inOneView: false, rowsEstimate: 95 } });
      const life = new Life();
      let seen = 0;
      life.onCall = (called) => {
        if (!called.startsWith(call) || (seen += 1) !== nth) return;
        if (call === 'commitUpload' && nth === 1)
          for (const session of bench.maxCompute.sessions.values()) bench.maxCompute.commit(session.ref);
        throw new Crash(call);
      };
      await copy(bench, life, false, view, 8).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
      await copy(bench, new Life(), false, view, 8);
      expect(baseIds(bench, 'orders')).toEqual(rows);
    }
  },
);

test('a baseline that was committed and then forgotten by the server is settled by its row count', async () => {
  const bench = new StreamBench([], ['orders']);
  withBaselines(bench, { orders: { chunks, inOneView: false, rowsEstimate: 95 } });
  const life = new Life();
  life.onCall = (called) => {
    if (called !== 'commitUpload') return;
    for (const session of [...bench.maxCompute.sessions.values()]) {
      bench.maxCompute.commit(session.ref);
      bench.maxCompute.forget(session.ref.uploadId);
    }
    throw new Crash(called);
  };
  await copy(bench, life, false).catch(() => undefined);
  await copy(bench, new Life(), false);
  expect(baseIds(bench, 'orders')).toEqual(rows);
  expect(bench.store.read<ShardDocument>('shop-shard-0').tables['shop.orders']?.committed).toBe(true);
});

test('a table without a key: what its view holds and what the log adds after the watermark make the table', async () => {
  const insert = (id: number): Change => ({
    table: 'ticks',
    op: 'insert',
    id,
    utcSeconds: Date.UTC(2026, 0, 1) / 1000,
  });
  const log: Transaction[] = Array.from({ length: 300 }, (_, id) => ({ changes: [insert(id)] }));
  const bench = new StreamBench(log, ['ticks']);
  withBaselines(bench, { ticks: { chunks: [{ after: null, upTo: null }], inOneView: true, rowsEstimate: 0 } });
  // The view is taken while the stream is at work, and shows the first 200 transactions.
  const view = 200;
  const snapshot = () => ({ rows: Array.from({ length: view }, (_, id) => id), position: positionAfter(view) });
  const table = () =>
    bench.store.documents.has('shop-checkpoint') ? bench.checkpoint.tables['shop.ticks'] : undefined;
  const isWatched = async (transaction: number): Promise<void> => {
    while (transaction === 100 && !table()?.watch) await new Promise((resolve) => setImmediate(resolve));
  };
  const streaming = bench.liveUntil(() => table()?.state === 'complete', isWatched);
  await copy(bench, new Life(), true, snapshot);
  await streaming;
  const watermark = bench.checkpoint.tables['shop.ticks']?.baseWatermark ?? -1;
  const after = bench.maxCompute.rows('ticks_log').filter((row) => row.recordId > watermark);
  const merged = [...baseIds(bench, 'ticks'), ...after.map((row) => row.cells[0])].toSorted(
    (a, b) => Number(a) - Number(b),
  );
  expect(watermark).toBe(view);
  expect(merged).toEqual(Array.from({ length: 300 }, (_, id) => id));
});

test.each([
  ['before its view was taken is not read as the log has it, so the table is taken again', 150, 'DDL_INCOMPATIBLE'],
  ['after its view was taken is filled by the merge', 250, 'done'],
])('a column added to a table without a key %s', async (_, alterAt, outcome) => {
  const insert = (id: number): Transaction => ({
    changes: [{ table: 'ticks', op: 'insert', id, utcSeconds: Date.UTC(2026, 0, 1) / 1000 }],
  });
  const column = {
    name: 'c',
    type: { kind: 'int', bytes: 4, unsigned: false },
    typeText: 'int',
    nullable: true,
  } as const;
  const table = { database: 'shop', table: 'ticks' };
  const alter: Transaction = {
    schema: [
      {
        kind: 'addColumns',
        table,
        columns: [{ column: { ...column, defaultText: '7', generated: null }, after: null }],
      },
    ],
    utcSeconds: Date.UTC(2026, 0, 1) / 1000,
  };
  const log = Array.from({ length: 300 }, (_, id) => (id === alterAt ? alter : insert(id)));
  const bench = new StreamBench(log, ['ticks']);
  withBaselines(bench, { ticks: { chunks: [{ after: null, upTo: null }], inOneView: true, rowsEstimate: 0 } });
  const told = () => (bench.store.documents.has('shop-checkpoint') ? bench.checkpoint.tables['shop.ticks'] : undefined);
  const isWatched = async (transaction: number): Promise<void> => {
    while (transaction === 100 && !told()?.watch) await new Promise((resolve) => setImmediate(resolve));
  };
  let ended: string | null = null;
  const streaming = bench.liveUntil(() => ended !== null, isWatched);
  const snapshot = () => ({ rows: [1], position: positionAfter(200) });
  ended = await copy(bench, new Life(), true, snapshot).then(
    () => 'done',
    (error: unknown) => (error instanceof SyncError ? error.code : String(error)),
  );
  await streaming;
  expect(ended).toBe(outcome);
});
