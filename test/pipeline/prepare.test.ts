import { SyncError } from '../../operator/base/errors.js';
import type { CheckpointDocument, PlanDocument } from '../../operator/model/documents.js';
import type { Source, SourceStart, Warehouse } from '../../operator/model/ports.js';
import type { BinlogPosition } from '../../operator/model/position.js';
import { baseTableSpec } from '../../operator/model/target-table.js';
import { runPrecheck, runPrepare } from '../../operator/pipeline/prepare.js';
import { isSameMapping } from '../../operator/pipeline/prepare-plan.js';
import { foldPlan, streamFrom } from '../../operator/pipeline/table-states.js';
import { Life } from './memory-world.js';
import { mark, planFor, quiet, StreamBench, taskId } from './stream-bench.js';

const at = (offset: number, gtidSet: string | null = null): BinlogPosition => ({
  file: 'binlog.000001',
  offset,
  gtidSet,
});

/** The log of the same server goes on behind what was read of it. */
const logEnd = ({ gtidSet }: BinlogPosition): BinlogPosition => ({
  file: 'binlog.000009',
  offset: 4,
  gtidSet: gtidSet && '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-99',
});

/** One prepare of a task that selects these tables, with a start position that the server gives. */
async function prepare(
  bench: StreamBench,
  wish: {
    inputHash: string;
    tables: readonly string[];
    start: BinlogPosition;
    resnapshot?: string[];
    facts?: object;
    end?: BinlogPosition;
  },
  life: Life = new Life(),
): Promise<PlanDocument> {
  const known = bench.store.read<PlanDocument>('shop-plan');
  const start: SourceStart = {
    position: wish.start,
    method: 'gtid-executed',
    tables: wish.tables.map((table) => ({
      name: { database: 'shop', table },
      database: 'shop',
      table,
      columns: [],
      key: null,
      engine: 'InnoDB',
      foreignKeys: [],
      rowsEstimate: 0,
      bytesEstimate: 0,
    })) as unknown as SourceStart['tables'],
    identity: known.start.identity,
  };
  const source = {
    facts: async () => wish.facts ?? { reachable: true, tables: [], variables: {} },
    start: async () => start,
    position: async () => wish.end ?? logEnd(wish.start),
    chunks: async () => [{ after: null, upTo: null }],
  } as unknown as Source;
  const warehouse: Warehouse = { ...bench.maxCompute.as(life), facts: async () => ({ reachable: true }) as never };
  await runPrepare({
    documents: { store: bench.store.as(life), task: 'shop', taskId, writerId: 'prepare-2', version: 'test' },
    source,
    warehouse,
    clock: bench.clock,
    report: quiet,
    decide: {
      targetTables: () => [],
      prepare: () => ({ plans: wish.tables.map(planFor), findings: [] }),
    },
    mark,
    settings: {
      inputHash: wish.inputHash,
      mode: 'FullAndIncremental',
      startPosition: null,
      chunk: { rows: 10, bytes: 1_000 },
      serverId: 7,
      resnapshot: wish.resnapshot ? { nonce: 1, tables: wish.resnapshot } : null,
    },
    recovery: {
      limits: { blockBytesMax: 300, heldBytesMax: 10_000 },
      stop: new AbortController().signal,
      deadline: new AbortController().signal,
    },
  });
  return bench.store.read<PlanDocument>('shop-plan');
}

/** As a stream leaves it that has read the beginning of the file. */
function withCheckpoint(bench: StreamBench, position: BinlogPosition): CheckpointDocument {
  const plan = bench.store.read<PlanDocument>('shop-plan');
  const checkpoint: CheckpointDocument = {
    format: 1,
    minReader: 1,
    taskId,
    writer: { id: 'stream', epoch: 1, seq: 1, version: 'test' },
    configHash: 'h',
    identity: plan.start.identity,
    serverId: 7,
    position,
    recordId: 6,
    utcSeconds: 0,
    intent: null,
    tables: foldPlan({}, plan, { position: at(4), recordId: 0 }),
    counts: { changes: 6, flushes: 1, nulled: {} },
    savedAtMs: 0,
    caughtUp: true,
  };
  bench.store.documents.set('shop-checkpoint', { body: JSON.stringify(checkpoint), version: 1 });
  return checkpoint;
}

const code = (error: unknown): string => (error instanceof SyncError ? error.code : String(error));

test('a start position at the beginning of a file that the stream is in: new tables begin where it stands', async () => {
  const bench = new StreamBench([], ['orders']);
  const checkpoint = withCheckpoint(bench, at(900, '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9'));
  const plan = await prepare(bench, {
    inputHash: 'h2',
    tables: ['orders', 'items'],
    start: at(4, '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-12'),
  });
  expect(plan.tables.map(({ plan: { source }, from }) => [source.table, from.offset])).toEqual([
    ['orders', 4],
    ['items', 900],
  ]);
  expect(() => foldPlan(checkpoint.tables, plan, checkpoint)).not.toThrow();
});

test.each([
  [
    'the stream has read a transaction that is not known to be visible',
    at(4, '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-8'),
  ],
  ['nothing tells what is visible', at(4)],
])('no table is taken while %s', async (_, start) => {
  const bench = new StreamBench([], ['orders']);
  withCheckpoint(bench, at(900, '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9'));
  const outcome = prepare(bench, { inputHash: 'h2', tables: ['orders', 'items'], start }).then(() => 'done', code);
  await expect(outcome).resolves.toBe('START_BEHIND_STREAM');
});

test('a change of the task before the first checkpoint: the stream still begins where the kept tables do', async () => {
  const bench = new StreamBench([], ['orders']);
  const plan = await prepare(bench, { inputHash: 'h2', tables: ['orders', 'items'], start: at(900) });
  expect(plan.start.position.offset).toBe(4);
  expect(() => foldPlan({}, plan, { position: plan.start.position, recordId: 0 })).not.toThrow();
});

test('where no table is kept, the stream begins at the new start', async () => {
  const bench = new StreamBench([], ['orders']);
  const plan = await prepare(bench, {
    inputHash: 'h',
    tables: ['orders'],
    start: at(900),
    resnapshot: ['shop.orders'],
  });
  expect(plan.start.position.offset).toBe(900);
});

test('a task that has begun waits for a source that is away, instead of failing its precheck', async () => {
  const bench = new StreamBench([], ['orders']);
  withCheckpoint(bench, at(900));
  const failure = { code: 'SOURCE_UNREACHABLE', seen: 's', wanted: 'w', fix: 'f' };
  const wish = { inputHash: 'h2', tables: ['orders'], start: at(900), facts: { reachable: false, failure } };
  await expect(prepare(bench, wish).then(() => 'done', code)).resolves.toBe('SOURCE_UNREACHABLE');
});

test('a process that stood still does not drop what its successor has made', async () => {
  const bench = new StreamBench([], ['orders']);
  const spec = baseTableSpec(planFor('orders'), mark);
  bench.maxCompute.tables.set(spec.table, { spec, rows: [], partitions: new Set() });
  const row = { partition: null, recordId: 0, kind: 0 as const, cells: [1] };
  const life = new Life();
  // Asked whether the table is there, the first process sleeps until another one has made and filled it.
  life.onCall = (called) => {
    if (called !== 'describeTable') return;
    life.onCall = () => undefined;
    const plan = bench.store.read<PlanDocument>('shop-plan');
    const writer = { id: 'prepare-3', epoch: plan.writer.epoch + 1, seq: 0, version: 'test' };
    bench.store.documents.set('shop-plan', { body: JSON.stringify({ ...plan, writer }), version: 77 });
    bench.maxCompute.tables.set(spec.table, { spec, rows: [row], partitions: new Set() });
  };
  const wish = { inputHash: 'h', tables: ['orders'], start: at(900), resnapshot: ['shop.orders'] };
  await expect(prepare(bench, wish, life).then(() => 'done', code)).resolves.toBe('ANOTHER_WRITER');
  expect(bench.maxCompute.rows(spec.table)).toEqual([row]);
});

test('a column of the source that was left out and is wanted now is another mapping', () => {
  const wide = planFor('orders');
  const note = { ...(wide.sourceColumns[0] as (typeof wide.sourceColumns)[number]), name: 'note' };
  const sourceColumns = [...wide.sourceColumns, note];
  const without = { ...wide, sourceColumns };
  const within = {
    ...without,
    columns: [
      ...wide.columns,
      { ...(wide.columns[0] as (typeof wide.columns)[number]), sourceIndex: 1, targetName: 'note' },
    ],
  };
  expect(isSameMapping(without, within)).toBe(false);
  // A column that the source has got since comes with its own statement in the log.
  expect(isSameMapping(wide, within)).toBe(true);
});

test('a row filter that the server does not take is a finding with its words', async () => {
  const table = { database: 'shop', table: 'orders' };
  const { findings } = await runPrecheck(
    {
      source: {
        facts: async () => ({ reachable: false }),
        refusedFilters: async () => [{ table, reason: "Unknown column 'idd' in 'where clause'" }],
      } as unknown as Source,
      warehouse: { facts: async () => ({ reachable: false }) } as unknown as Warehouse,
      decide: {
        targetTables: () => [],
        prepare: () => ({ plans: [{ ...planFor('orders'), where: 'idd > 1' }], findings: [] }),
      },
    },
    false,
  );
  expect(findings).toMatchObject([
    {
      code: 'WHERE_INVALID',
      severity: 'error',
      subject: 'shop.orders',
      seen: "Unknown column 'idd' in 'where clause'",
    },
  ]);
});

describe('where the server does not hold what the stream has read', () => {
  const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
  const other = (offset: number, gtidSet: string | null): BinlogPosition => ({ ...at(offset, gtidSet), server: 'b' });
  const cases: readonly (readonly [string, BinlogPosition, BinlogPosition, string])[] = [
    ['a replica that is behind', at(900, `${uuid}:1-9`), other(5_000, `${uuid}:1-8`), 'START_BEHIND_STREAM'],
    ['another server, without GTIDs', at(900), other(5_000, null), 'SOURCE_IDENTITY_CHANGED'],
    ['a log that ends before', at(900), at(300), 'POSITION_LOST'],
    ['a log begun anew that has passed it', at(900, `${uuid}:1-9`), at(2_000, `${uuid}:1-5`), 'POSITION_LOST'],
  ];

  test.each(cases)('%s: no table is kept', async (_, reached, end, wanted) => {
    const bench = new StreamBench([], ['orders']);
    const checkpoint = withCheckpoint(bench, reached);
    const wish = { start: end, end };
    const kept = prepare(bench, { ...wish, inputHash: 'h2', tables: ['orders', 'items'] }).then(() => 'done', code);
    await expect(kept).resolves.toBe(wanted);
    const plan = await prepare(bench, { ...wish, inputHash: 'h2', tables: ['orders'], resnapshot: ['shop.orders'] });
    expect(plan.tables.map(({ from, generation }) => [from, generation])).toEqual([[end, 2]]);
    expect(streamFrom(checkpoint.tables, plan, checkpoint.position)).toEqual(end);
    expect(() => foldPlan(checkpoint.tables, plan, { position: end, recordId: 6 })).not.toThrow();
  });
});
