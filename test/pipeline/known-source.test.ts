/** What the documents of a task say of another server behind the source's address. Pure. */
import type {
  CheckpointDocument,
  CheckpointTable,
  PlanDocument,
  ShardDocument,
} from '../../operator/model/documents.js';
import type { BinlogPosition } from '../../operator/model/position.js';
import { nameServers, positionsRead } from '../../operator/pipeline/known-source.js';
import { PlanBook } from '../../operator/pipeline/plan-book.js';
import { streamFrom } from '../../operator/pipeline/table-states.js';
import { planFor } from './stream-bench.js';

const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const identity = { flavor: 'mysql', version: '8.4.0', serverUuid: 'a', serverId: 1, gtidDomain: null } as const;
const envelope = { format: 1, minReader: 1, taskId: 't', writer: { id: 'w', epoch: 1, seq: 0, version: 'test' } };

function place(server: string | null, offset: number, last: number | null): BinlogPosition {
  const gtidSet = last === null ? null : `${uuid}:1-${last}`;
  return { file: 'binlog.000001', offset, gtidSet, ...(server === null ? {} : { server }) };
}

type Wish = Readonly<Record<string, { generation?: number; from: BinlogPosition }>>;

function plan(wish: Wish): PlanDocument {
  return {
    ...envelope,
    inputHash: 'h',
    stage: 'done',
    start: { position: place('a', 4, 1), method: 'lock', identity },
    tables: Object.entries(wish).map(([table, { generation = 1, from }]) => ({
      plan: planFor(table),
      from,
      generation,
      isMade: true,
      snapshot: { chunks: [{ after: null, upTo: null }], inOneView: false, rowsEstimate: 0 },
    })),
    serverId: 7,
    resnapshotNonce: null,
    firstRecordId: 1,
    lastGeneration: 2,
  };
}

function table(from: BinlogPosition, more: Partial<CheckpointTable> = {}): CheckpointTable {
  const state = { state: 'copying', baseWatermark: 0, completeAfter: null, completeSinceSeconds: null } as const;
  return { schemaVersion: 1, generation: 1, from, watch: null, ...state, ...more };
}

function checkpoint(
  position: BinlogPosition,
  tables: CheckpointDocument['tables'],
  more: Partial<CheckpointDocument> = {},
): CheckpointDocument {
  const counts = { changes: 0, flushes: 0, nulled: {} };
  const rest = { recordId: 5, utcSeconds: 0, intent: null, savedAtMs: 0, caughtUp: false };
  return { ...envelope, configHash: 'h', identity, serverId: 7, position, tables, counts, ...rest, ...more };
}

const sets = (positions: readonly BinlogPosition[]): string[] =>
  positions.map(({ server, gtidSet }) => `${server} ${gtidSet?.slice(uuid.length + 1)}`);

describe('what a server must have to go on', () => {
  const orders = { orders: { from: place('a', 4, 1) } };

  it('is all that the stream has read, and what its intent may have committed beyond', () => {
    const upTo = { position: place('a', 900, 9), recordId: 9, utcSeconds: 0 };
    const complete = { 'shop.orders': table(place('a', 4, 1), { state: 'complete' }) };
    const known = checkpoint(place('a', 700, 7), complete, { intent: { upTo, sessions: [] } });
    expect(sets(positionsRead(plan(orders), known, null))).toEqual(['a 1-7', 'a 1-9']);
  });

  it('is what rows of a baseline have shown, while its table is being copied', () => {
    const copy = {
      rowsRead: 0,
      chunksDone: 0,
      chunks: 1,
      session: null,
      commitIntent: null,
      committed: true,
      watch: null,
    };
    const shard = (generation: number): ShardDocument => ({
      ...envelope,
      tables: {
        'shop.orders': { ...copy, generation, readUpTo: place('a', 800, 8), completeAfter: place('a', 900, 9) },
      },
      updatedAtMs: 0,
    });
    const known = checkpoint(place('a', 700, 7), { 'shop.orders': table(place('a', 4, 1)) });
    expect(sets(positionsRead(plan(orders), known, shard(1)))).toEqual(['a 1-7', 'a 1-1', 'a 1-8', 'a 1-9']);
    expect(sets(positionsRead(plan(orders), known, shard(2)))).toEqual(['a 1-7', 'a 1-1']);
  });

  it('is nothing of before, once all tables are taken anew on a server of another history', () => {
    const upTo = { position: place('a', 900, 9), recordId: 9, utcSeconds: 0 };
    const known = checkpoint(
      place('a', 700, 7),
      { 'shop.orders': table(place('a', 4, 1)) },
      { intent: { upTo, sessions: [] } },
    );
    const anew = plan({ orders: { generation: 2, from: place('b', 300, 6) } });
    expect(sets(positionsRead(anew, known, null))).toEqual(['b 1-6']);
    const half = plan({ orders: { from: place('a', 4, 1) }, items: { generation: 2, from: place('b', 300, 6) } });
    expect(sets(positionsRead(half, known, null))).toEqual(['a 1-7', 'a 1-9', 'a 1-1', 'b 1-6']);
  });
});

describe('where the stream goes on', () => {
  const tables = { 'shop.orders': table(place('a', 4, 1)), 'shop.items': table(place('a', 4, 1)) };

  it.each([
    ['as it stands, when another server has all of it', place('b', 90, 7), {}, place('b', 90, 7)],
    ['as it stands, when one table is kept', place('a', 700, 7), { items: place('b', 90, 6) }, place('a', 700, 7)],
    [
      'at the first new start, when that server lacks a part',
      place('a', 700, 7),
      { orders: place('b', 95, 6), items: place('b', 90, 6) },
      place('b', 90, 6),
    ],
    [
      'at the new start, when nothing can be compared',
      place('a', 700, null),
      { orders: place('b', 90, null), items: place('b', 90, null) },
      place('b', 90, null),
    ],
    [
      'at the new start, when the log has begun anew',
      place('a', 700, 7),
      { orders: place('a', 90, 2), items: place('a', 90, 2) },
      place('a', 90, 2),
    ],
  ] as const)('%s', (_, stoodAt, anew, wanted) => {
    const next = (name: 'orders' | 'items'): { generation: number; from: BinlogPosition } => {
      const from = (anew as Partial<Record<string, BinlogPosition>>)[name];
      return from ? { generation: 2, from } : { generation: 1, from: place('a', 4, 1) };
    };
    expect(streamFrom(tables, plan({ orders: next('orders'), items: next('items') }), stoodAt)).toEqual(wanted);
  });
});

test('a table whose changes begin on another server than the one being read is taken from now on', () => {
  const planned = plan({ orders: { from: place('a', 900, 9) } });
  const known = checkpoint(place('a', 700, 7), { 'shop.orders': table(place('a', 900, 9)) });
  const name = { database: 'shop', table: 'orders' };
  const book = new PlanBook(planned, null, known);
  expect(book.planOf(name)).toBeNull();
  // Transaction 9 came before 8 there: nothing of the table may be left out any more.
  book.moveTo({ ...place('b', 100, 7), gtidSet: `${uuid}:1-7:9` });
  expect(book.planOf(name)).not.toBeNull();
});

test('positions of an earlier version are those of the server that the plan names', () => {
  const old = place(null, 700, 7);
  const upTo = { position: old, recordId: 9, utcSeconds: 0 };
  const tables = { 'shop.orders': table(old, { completeAfter: old }) };
  const named = nameServers(checkpoint(old, tables, { intent: { upTo, sessions: [] } }), identity);
  const { from, completeAfter } = named.tables['shop.orders'] as CheckpointTable;
  expect([named.position, named.intent?.upTo.position, from, completeAfter].map((each) => each?.server)).toEqual(
    Array.from({ length: 4 }, () => 'a'),
  );
  expect(nameServers(plan({ orders: { from: old } }), identity).tables[0]?.from.server).toBe('a');
});
