import { SyncError } from '../../operator/base/errors.js';
import type { SchemaDocument } from '../../operator/model/documents.js';
import { baseTableSpec } from '../../operator/model/target-table.js';
import { Crash, Life } from './memory-world.js';
import { type Change, positionAfter, type Transaction } from './scripted-source.js';
import { expectedLog, loggedRows, mark, planFor, StreamBench } from './stream-bench.js';

const hour = (n: number): number => Date.UTC(2026, 0, 1, n) / 1000;
const change = (op: Change['op'], id: number, table = 'orders', utcSeconds = hour(1)): Change => ({
  table,
  op,
  id,
  utcSeconds,
});
const log: Transaction[] = [
  { changes: [change('insert', 1), change('insert', 2)] },
  { changes: [change('update', 1), change('insert', 9, 'items', hour(2)), change('delete', 2, 'orders', hour(2))] },
  { changes: [] },
  { changes: [change('insert', 3, 'other'), change('insert', 4)] },
];
const selectedOnly = log.map((transaction) =>
  'changes' in transaction ? { changes: transaction.changes.filter((each) => each.table !== 'other') } : transaction,
);

/** Throws a Crash at the n-th call of that name. */
function crashAt(name: string, nth = 1): Life {
  const life = new Life();
  let seen = 0;
  life.onCall = (called) => {
    if (called.startsWith(name) && (seen += 1) === nth) throw new Crash(name);
  };
  return life;
}

const code = (error: unknown): string => (error instanceof SyncError ? error.code : String(error));

test('writes each change of the selected tables once, with ids that follow the binary log', async () => {
  const bench = new StreamBench(log, ['orders', 'items']);
  await bench.live();
  expect(loggedRows(bench, 'orders')).toEqual(expectedLog(selectedOnly, 'orders'));
  expect(loggedRows(bench, 'items')).toEqual(expectedLog(selectedOnly, 'items'));
  expect(bench.checkpoint).toMatchObject({ position: positionAfter(4), recordId: 6, intent: null, caughtUp: true });
});

test('puts rows into the partition of their own second', async () => {
  const bench = new StreamBench(log, ['orders', 'items']);
  await bench.live();
  const partitions = bench.maxCompute.rows('orders_log').map((row) => row.partition);
  const spec = (hh: string): string =>
    `modifytime_year=2026,modifytime_month=01,modifytime_day=01,modifytime_hour=${hh}`;
  expect(new Set(partitions)).toEqual(new Set([spec('01'), spec('02')]));
});

test.each(['load', 'save', 'createUpload', 'putBlock', 'uploadState', 'commitUpload', 'arrival', 'query'])(
  'loses and doubles nothing when it dies at any %s',
  async (call) => {
    for (let nth = 1; nth <= 12; nth += 1) {
      const bench = new StreamBench(log, ['orders', 'items']);
      const life = crashAt(call, nth);
      await bench.live(life).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
      await bench.live();
      expect(loggedRows(bench, 'orders')).toEqual(expectedLog(selectedOnly, 'orders'));
      expect(loggedRows(bench, 'items')).toEqual(expectedLog(selectedOnly, 'items'));
    }
  },
);

test('takes a commit whose answer was lost for done, because the session says so', async () => {
  const bench = new StreamBench(log, ['orders', 'items']);
  const life = new Life();
  let isLost = false;
  life.onCall = (called) => {
    if (called !== 'commitUpload' || isLost) return;
    isLost = true;
    for (const session of bench.maxCompute.sessions.values()) bench.maxCompute.commit(session.ref);
  };
  await bench.live(life);
  expect(loggedRows(bench, 'orders')).toEqual(expectedLog(selectedOnly, 'orders'));
});

test('counts the rows of a session that was committed and then forgotten', async () => {
  const bench = new StreamBench(log, ['orders', 'items']);
  await bench.live(crashAt('save shop-checkpoint', 4)).catch(() => undefined);
  expect(bench.checkpoint.intent).not.toBeNull();
  for (const session of bench.checkpoint.intent?.sessions ?? []) {
    bench.maxCompute.commit({ ...session, partition: session.partition });
    bench.maxCompute.forget(session.uploadId);
  }
  await bench.live();
  expect(loggedRows(bench, 'orders')).toEqual(expectedLog(selectedOnly, 'orders'));
});

test('sends exactly the missing rows again, under the same ids, when an open session was forgotten', async () => {
  const bench = new StreamBench(log, ['orders', 'items']);
  await bench.live(crashAt('commitUpload', 1)).catch(() => undefined);
  const sessions = bench.checkpoint.intent?.sessions ?? [];
  expect(sessions.length).toBeGreaterThan(1);
  bench.maxCompute.forget(sessions[0]?.uploadId ?? '');
  await bench.live();
  expect(loggedRows(bench, 'orders')).toEqual(expectedLog(selectedOnly, 'orders'));
  expect(loggedRows(bench, 'items')).toEqual(expectedLog(selectedOnly, 'items'));
});

test('sends the rows of a table that begins within the intent again, and once more', async () => {
  const bench = new StreamBench(log, ['orders', 'items']);
  bench.takeAgain(['orders'], 1);
  const intent = () => bench.store.documents.has('shop-checkpoint') && bench.checkpoint.intent;
  const forget = (): void => {
    for (const { ref } of bench.maxCompute.sessions.values()) bench.maxCompute.forget(ref.uploadId);
  };
  await bench.live(crashAt('commitUpload')).catch(() => undefined);
  expect(intent()).toMatchObject({ upTo: { recordId: 4 } });
  forget();
  const life = new Life();
  let loads = 0;
  // After the new sessions stand in the intent, and before they are looked at.
  life.onCall = (name) => {
    const first = bench.maxCompute.sessions.values().next().value;
    if (name === 'load shop-checkpoint' && first && intent() && loads < 1) {
      loads += 1;
      forget();
    }
  };
  await bench.live(life);
  expect(loads).toBe(1);
  expect(loggedRows(bench, 'orders').map(({ recordId, id }) => [recordId, id])).toEqual([
    [1, 1],
    [1, 1],
    [3, 2],
    [4, 4],
  ]);
});

test('stops when some rows of a forgotten session are in the table and some are not', async () => {
  const bench = new StreamBench(log, ['orders', 'items']);
  await bench.live(crashAt('commitUpload', 1)).catch(() => undefined);
  const session = bench.checkpoint.intent?.sessions.find((each) => each.rows > 1);
  bench.maxCompute.commit({ table: session?.table ?? '', partition: null, uploadId: session?.uploadId ?? '' });
  bench.maxCompute.tables.get(session?.table ?? '')?.rows.pop();
  bench.maxCompute.forget(session?.uploadId ?? '');
  await expect(bench.live().catch(code)).resolves.toBe('COMMIT_PARTIAL');
});

test('never commits a session that holds another block than the intent names', async () => {
  const bench = new StreamBench(log, ['orders', 'items']);
  await bench.live(crashAt('commitUpload', 1)).catch(() => undefined);
  const session = bench.maxCompute.sessions.get(bench.checkpoint.intent?.sessions[0]?.uploadId ?? '');
  session?.blocks.set(77, [{ partition: null, recordId: 99, kind: 1, cells: [1] }]);
  await expect(bench.live().catch(code)).resolves.toBe('UPLOAD_SESSION_CHANGED');
  expect(loggedRows(bench, 'orders').some((row) => row.recordId === 99)).toBe(false);
});

test('waits for a changed session to expire, then sends its rows again under the same ids', async () => {
  const bench = new StreamBench(log, ['orders', 'items']);
  await bench.live(crashAt('commitUpload', 1)).catch(() => undefined);
  const session = bench.maxCompute.sessions.get(bench.checkpoint.intent?.sessions[0]?.uploadId ?? '');
  session?.blocks.set(77, [{ partition: null, recordId: 99, kind: 1, cells: [1] }]);
  const life = new Life();
  life.onCall = () => {
    if (session && bench.clock.nowMs() - session.initiatedMs > 24 * 3_600_000) session.status = 'EXPIRED';
  };
  await bench.live(life);
  expect(loggedRows(bench, 'orders')).toEqual(expectedLog(selectedOnly, 'orders'));
  expect(loggedRows(bench, 'items')).toEqual(expectedLog(selectedOnly, 'items'));
});

test('counts again when a commit lands between two counts', async () => {
  const bench = new StreamBench(log, ['orders', 'items']);
  await bench.live(crashAt('commitUpload', 1)).catch(() => undefined);
  const sessions = [...bench.maxCompute.sessions.values()];
  const late = sessions.filter(({ ref }) => bench.checkpoint.intent?.sessions[0]?.uploadId === ref.uploadId);
  for (const { ref } of late) bench.maxCompute.forget(ref.uploadId);
  const life = new Life();
  let counts = 0;
  life.onCall = (called) => {
    if (called !== 'query' || (counts += 1) !== 2) return;
    for (const session of late) {
      bench.maxCompute.sessions.set(session.ref.uploadId, session);
      bench.maxCompute.commit(session.ref);
      bench.maxCompute.forget(session.ref.uploadId);
    }
  };
  await bench.live(life);
  expect(counts).toBeGreaterThan(2);
  expect(loggedRows(bench, 'orders')).toEqual(expectedLog(selectedOnly, 'orders'));
});

test('two processes that run at once: the first is told that another writer took over', async () => {
  const bench = new StreamBench(log, ['orders', 'items']);
  const life = new Life();
  let other: Promise<void> | null = null;
  life.onCall = (called) => {
    if (called === 'putBlock') other ??= bench.live();
  };
  await expect(bench.live(life).then(() => 'done', code)).resolves.toBe('ANOTHER_WRITER');
  await other;
  expect(loggedRows(bench, 'orders')).toEqual(expectedLog(selectedOnly, 'orders'));
  expect(loggedRows(bench, 'items')).toEqual(expectedLog(selectedOnly, 'items'));
});

test('leaves out a transaction that was rolled back after its rows were read', async () => {
  const withRollback: Transaction[] = [
    log[0] as Transaction,
    { changes: [change('insert', 50)], isRolledBack: true },
    ...log.slice(1),
  ];
  const bench = new StreamBench(withRollback, ['orders', 'items']);
  await bench.live();
  const expected = withRollback.map((each) =>
    'changes' in each ? { ...each, changes: each.changes.filter((one) => one.table !== 'other') } : each,
  );
  expect(loggedRows(bench, 'orders')).toEqual(expectedLog(expected, 'orders'));
});

test('commits what came before an added column under the old schema, then alters both tables', async () => {
  const column = {
    name: 'added',
    type: { kind: 'int' as const, bytes: 4 as const, unsigned: false },
    typeText: 'int',
    nullable: true,
    defaultText: '7',
    generated: null,
  };
  const schema: Transaction = {
    schema: [{ kind: 'addColumns', table: { database: 'shop', table: 'orders' }, columns: [{ column, after: null }] }],
    utcSeconds: hour(2),
  };
  const bench = new StreamBench([log[0] as Transaction, schema, log[1] as Transaction], ['orders', 'items']);
  bench.maxCompute.tables.set('orders_base', {
    spec: baseTableSpec(planFor('orders'), mark),
    rows: [],
    partitions: new Set(),
  });
  await bench.live();
  expect(bench.checkpoint.tables['shop.orders']?.schemaVersion).toBe(2);
  expect(bench.maxCompute.tables.get('orders_log')?.spec.columns.at(-1)).toEqual({ name: 'added', type: 'INT' });
  const widths = bench.maxCompute.rows('orders_log').map((row) => [row.recordId, row.cells.length]);
  expect(widths.every(([recordId, width]) => width === ((recordId ?? 0) <= 2 ? 1 : 2))).toBe(true);
});

test('adds no column behind one that somebody else has put into the table', async () => {
  const column = {
    name: 'added',
    type: { kind: 'int' as const, bytes: 4 as const, unsigned: false },
    typeText: 'int',
    nullable: true,
    defaultText: null,
    generated: null,
  };
  const schema: Transaction = {
    schema: [{ kind: 'addColumns', table: { database: 'shop', table: 'orders' }, columns: [{ column, after: null }] }],
    utcSeconds: hour(2),
  };
  const bench = new StreamBench([log[0] as Transaction, schema, log[1] as Transaction], ['orders', 'items']);
  const base = baseTableSpec(planFor('orders'), mark);
  bench.maxCompute.tables.set(base.table, { spec: base, rows: [], partitions: new Set() });
  const table = bench.maxCompute.tables.get('orders_log');
  if (table) table.spec = { ...table.spec, columns: [...table.spec.columns, { name: 'theirs', type: 'INT' }] };
  await expect(bench.live().then(() => 'done', code)).resolves.toBe('TARGET_SCHEMA_MISMATCH');
  expect(bench.checkpoint.tables['shop.orders']?.schemaVersion).toBe(1);
});

test('keeps every schema version that a checkpoint named', async () => {
  const add = (name: string): Transaction => ({
    schema: [
      {
        kind: 'addColumns',
        table: { database: 'shop', table: 'orders' },
        columns: [
          {
            column: {
              name,
              type: { kind: 'year' },
              typeText: 'year',
              nullable: true,
              defaultText: null,
              generated: null,
            },
            after: null,
          },
        ],
      },
    ],
    utcSeconds: hour(2),
  });
  const bench = new StreamBench(
    [log[0] as Transaction, add('a'), log[1] as Transaction, add('b')],
    ['orders', 'items'],
  );
  bench.maxCompute.tables.set('orders_base', {
    spec: baseTableSpec(planFor('orders'), mark),
    rows: [],
    partitions: new Set(),
  });
  await bench.live();
  const { versions } = bench.store.read<SchemaDocument>('shop-schema');
  const ofOrders = versions.filter((version) => version.source.table === 'orders');
  expect(ofOrders.map((version) => version.schemaVersion)).toEqual([1, 2, 3]);
  expect(bench.checkpoint.tables['shop.orders']?.schemaVersion).toBe(3);
});

test('a version that a dead start has stored, and that is decided otherwise now, is left alone', async () => {
  const column = { name: 'added', type: { kind: 'year' as const }, typeText: 'year', nullable: true };
  const schema: Transaction = {
    schema: [
      {
        kind: 'addColumns',
        table: { database: 'shop', table: 'orders' },
        columns: [{ column: { ...column, defaultText: null, generated: null }, after: null }],
      },
    ],
    utcSeconds: hour(2),
  };
  const bench = new StreamBench([log[0] as Transaction, schema, log[1] as Transaction], ['orders', 'items']);
  const spec = baseTableSpec(planFor('orders'), mark);
  bench.maxCompute.tables.set('orders_base', { spec, rows: [], partitions: new Set() });
  await bench.live(crashAt('save shop-checkpoint', 5)).catch(() => undefined);
  const stored = bench.store.read<SchemaDocument>('shop-schema');
  expect(stored.versions.at(-1)?.schemaVersion).toBe(2);
  const versions = stored.versions.map((each) =>
    each.schemaVersion === 2 ? { ...each, timeZone: 'Asia/Tokyo' } : each,
  );
  bench.store.documents.set('shop-schema', { body: JSON.stringify({ ...stored, versions }), version: 9 });
  await bench.live();
  expect(bench.checkpoint.tables['shop.orders']?.schemaVersion).toBe(3);
  expect(bench.store.read<SchemaDocument>('shop-schema').versions.at(-1)).toMatchObject({
    schemaVersion: 3,
    timeZone: 'UTC',
  });
  expect(bench.checkpoint.position).toEqual(positionAfter(3));
});

test('stops at a change that it cannot carry over, with everything before it committed', async () => {
  const schema: Transaction = {
    schema: [{ kind: 'incompatible', table: { database: 'shop', table: 'orders' }, what: 'DROP COLUMN note' }],
    utcSeconds: hour(2),
  };
  const bench = new StreamBench([log[0] as Transaction, schema, log[1] as Transaction], ['orders', 'items']);
  await expect(bench.live().then(() => 'done', code)).resolves.toBe('DDL_INCOMPATIBLE');
  expect(bench.checkpoint).toMatchObject({ position: positionAfter(1), recordId: 2 });
  expect(loggedRows(bench, 'orders')).toEqual(expectedLog([log[0] as Transaction], 'orders'));
});

test('stops where the index is dropped that tells rows apart, and passes another one', async () => {
  const drop = (index: string): Transaction => ({
    schema: [{ kind: 'losesIndex', table: { database: 'shop', table: 'orders' }, index }],
    utcSeconds: hour(2),
  });
  const bench = new StreamBench([log[0] as Transaction, drop('other'), drop('BY_ID')], ['orders', 'items']);
  await expect(bench.live().then(() => 'done', code)).resolves.toBe('DDL_INCOMPATIBLE');
  expect(bench.checkpoint.position).toEqual(positionAfter(2));
});

test('a statement that cannot be read is left behind when all tables are taken again', async () => {
  const schema: Transaction = {
    schema: [{ kind: 'unreadable', table: null, what: 'FROBNICATE' }],
    utcSeconds: hour(2),
  };
  const bench = new StreamBench([log[0] as Transaction, schema, log[1] as Transaction], ['orders', 'items']);
  await expect(bench.live().then(() => 'done', code)).resolves.toBe('DDL_UNREADABLE');
  bench.takeAgain(['orders'], 3);
  await expect(bench.live().then(() => 'done', code)).resolves.toBe('DDL_UNREADABLE');
  bench.takeAgain(['orders', 'items'], 2);
  await bench.live();
  expect(bench.checkpoint).toMatchObject({ position: positionAfter(3), recordId: 5 });
});

test('an old checkpoint is noticed by the ids in the log', async () => {
  const bench = new StreamBench(log, ['orders', 'items']);
  await bench.live(crashAt('arrival', 2)).catch(() => undefined);
  const early = bench.store.documents.get('shop-checkpoint');
  await bench.live();
  bench.store.documents.set('shop-checkpoint', { body: early?.body ?? '', version: 99 });
  await expect(bench.live().then(() => 'done', code)).resolves.toBe('CHECKPOINT_BEHIND_LOG');
});

describe('a transaction that touches more partitions than one intent can name', () => {
  const partitions = 2_600;
  const wide = {
    changes: Array.from({ length: partitions }, (_, at) => change('insert', at, 'orders', hour(at))),
  };
  const around: Transaction[] = [
    { changes: [change('insert', -1)] },
    wide,
    { changes: [change('update', -1), change('delete', 3, 'items')] },
  ];

  /** Before the intent of the second part. */
  async function dieBehindFirstPart(bench: StreamBench): Promise<void> {
    const life = new Life();
    life.onCall = (called) => {
      if (called !== 'save shop-checkpoint' || !bench.store.documents.has('shop-checkpoint')) return;
      const { partial, intent } = bench.checkpoint;
      if (partial && !intent) throw new Crash(called);
    };
    await bench.live(life).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
  }

  test('is committed in parts, and its ids go on', async () => {
    const bench = new StreamBench(around, ['orders', 'items']);
    const partials: (number | undefined)[] = [];
    const life = new Life();
    let commits = 0;
    life.onCall = (called) => {
      if (called !== 'commitUpload' || (commits += 1) % 200 !== 1) return;
      partials.push(bench.checkpoint.intent?.upTo.partial?.done);
    };
    await bench.live(life);
    expect(new Set(partials).size).toBeGreaterThan(1);
    expect(loggedRows(bench, 'orders')).toEqual(expectedLog(around, 'orders'));
    expect(loggedRows(bench, 'items')).toEqual(expectedLog(around, 'items'));
    expect(bench.checkpoint).toMatchObject({ position: positionAfter(3), recordId: partitions + 3, partial: null });
  });

  test('goes on behind the parts that are there, whenever it dies', async () => {
    for (const call of ['save shop-checkpoint', 'commitUpload']) {
      for (const nth of [2, 3, 4, 2_000]) {
        const bench = new StreamBench(around, ['orders', 'items']);
        await bench.live(crashAt(call, nth)).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
        await bench.live();
        expect(loggedRows(bench, 'orders')).toEqual(expectedLog(around, 'orders'));
        expect(loggedRows(bench, 'items')).toEqual(expectedLog(around, 'items'));
      }
    }
  });

  test('sends the rows of one of its sessions again', async () => {
    const bench = new StreamBench(around, ['orders', 'items']);
    await bench.live(crashAt('commitUpload', 30)).catch(() => undefined);
    const open = bench.checkpoint.intent?.sessions.filter(
      ({ uploadId }) => bench.maxCompute.sessions.get(uploadId)?.status === 'NORMAL',
    );
    expect(bench.checkpoint.intent?.upTo.partial).toBeDefined();
    for (const { uploadId } of open?.slice(0, 5) ?? []) bench.maxCompute.forget(uploadId);
    await bench.live();
    expect(loggedRows(bench, 'orders')).toEqual(expectedLog(around, 'orders'));
  });

  test('is not taken for another one that stands in its place, after the server has lost it', async () => {
    const bench = new StreamBench(around, ['orders', 'items']);
    await dieBehindFirstPart(bench);
    const later = { changes: wide.changes.map((each) => ({ ...each, utcSeconds: each.utcSeconds + 60 })) };
    const other = new StreamBench([around[0] as Transaction, later], ['orders', 'items']);
    for (const [name, document] of bench.store.documents) other.store.documents.set(name, document);
    for (const [name, table] of bench.maxCompute.tables) other.maxCompute.tables.set(name, table);
    for (const [id, session] of bench.maxCompute.sessions) other.maxCompute.sessions.set(id, session);
    await expect(other.live().catch(code)).resolves.toBe('REPLAY_DIVERGED');
  });

  test('is not forgotten by a start that is stopped before it has read anything', async () => {
    const bench = new StreamBench(around, ['orders', 'items']);
    await dieBehindFirstPart(bench);
    const { partial } = bench.checkpoint;
    expect(partial?.done).toBeGreaterThan(1_000);
    const stop = new AbortController();
    stop.abort();
    await bench.live(new Life(), {}, stop);
    expect(bench.checkpoint.partial).toEqual(partial);
    await bench.live();
    expect(loggedRows(bench, 'orders')).toEqual(expectedLog(around, 'orders'));
  });

  test('is a stop when it is rolled back after its first part', async () => {
    const undone: Transaction[] = [around[0] as Transaction, { ...wide, isRolledBack: true }];
    const bench = new StreamBench(undone, ['orders', 'items']);
    await expect(bench.live().catch(code)).resolves.toBe('TRANSACTION_TOO_LARGE');
    await expect(bench.live().catch(code)).resolves.toBe('TRANSACTION_TOO_LARGE');
    bench.takeAgain(['orders', 'items'], 2);
    await bench.live();
    expect(bench.checkpoint.partial).toBeNull();
    expect(bench.checkpoint.recordId).toBeGreaterThan(1_000);
  });
});

test('stops when the source gives other rows where missing ones are read again', async () => {
  const bench = new StreamBench(log, ['orders', 'items']);
  await bench.live(crashAt('commitUpload', 1)).catch(() => undefined);
  for (const { uploadId } of bench.checkpoint.intent?.sessions ?? []) bench.maxCompute.forget(uploadId);
  const other = new StreamBench(
    log.map((each, at) => (at === 0 ? { changes: [change('insert', 1), change('insert', 77)] } : each)),
    ['orders', 'items'],
  );
  for (const [name, document] of bench.store.documents) other.store.documents.set(name, document);
  await expect(other.live().catch(code)).resolves.toBe('REPLAY_DIVERGED');
});
