/** One life of one worker: the real code of its role, over the simulated ports. */

import type { SourceTable } from '../../operator/model/source-table.js';
import type { ColumnPlan, TablePlan } from '../../operator/model/table-plan.js';
import type { Reporter, TaskDocuments } from '../../operator/pipeline/task-documents.js';
import type { Faults } from './faults.js';
import { epochMs, type Wish } from './history.js';
import type { AskedFor } from './host.js';
import type { SimProcess } from './process.js';
import { sourceOf } from './source.js';
import { storeOf } from './store.js';
import { warehouseOf } from './warehouse.js';
import type { World } from './world.js';

export interface Settings {
  readonly flushIntervalMs: number;
  readonly flushBytesMax: number;
  readonly blockBytesMax: number;
  readonly heldBytesMax: number;
  readonly pollMs: number;
  readonly parallelism: number;
  readonly blocksPerSessionMax: number;
  readonly chunkHeldBytesMax: number;
}

export function drawSettings(faults: Faults): Settings {
  const { random } = faults;
  // Half of the blocks are for chunks that turn out too large for one.
  const [blocksPerSessionMax, chunkHeldBytesMax] = random.pick([
    [2, 100_000],
    [4, 100_000],
    [100, 400],
    [20_000, 700],
    [20_000, 100_000],
  ] as const);
  // Where a task waits for a day it looks about once in a minute.
  const isLong = faults.isDrawn('foreignBlock');
  const flushIntervalMs = random.pick([300, 2_000, 2_000, 60_000]);
  const pollMs = random.pick([500, 2_000, 10_000]);
  return {
    flushIntervalMs: isLong ? 60_000 : flushIntervalMs,
    flushBytesMax: random.pick([400, 1_500, 100_000]),
    blockBytesMax: random.pick([200, 600, 100_000]),
    heldBytesMax: random.pick([700, 2_000, 100_000]),
    pollMs: isLong ? 60_000 : pollMs,
    parallelism: random.pick([1, 2, 4]),
    blocksPerSessionMax,
    chunkHeldBytesMax,
  };
}

/** Resolves to the error that ended it; to undefined where it ended by itself. */
export async function runWorker(
  world: World,
  process: SimProcess,
  settings: Settings,
  wish: AskedFor,
): Promise<unknown> {
  const { runPrepare, runSnapshot, runStream, NulledCounts } = world.pipeline;
  const documents: TaskDocuments = {
    store: storeOf(world, process),
    task: 'shop',
    taskId: 'task-1',
    writerId: process.name,
    version: 'test',
  };
  const clock = process.clock(epochMs);
  const ends = { documents, source: sourceOf(world, process), warehouse: warehouseOf(world, process), clock };
  const stop = process.stop.signal;
  const deadline = process.deadline.signal;
  const report = reporterOf(world, process);
  const run = async (): Promise<void> => {
    if (process.role === 'prepare') {
      await runPrepare({
        ...ends,
        report,
        decide: decideFor(world, wish),
        mark: { namespace: 'default', name: 'shop', taskId: 'task-1' },
        settings: {
          inputHash: JSON.stringify(wish.tables),
          mode: world.history.hasBaselines ? 'FullAndIncremental' : 'IncrementalOnly',
          startPosition: null,
          chunk: { rows: 1, bytes: 1 },
          serverId: 7,
          resnapshot:
            wish.nonce === 0 ? null : { nonce: wish.nonce, tables: (wish.again ?? []).map((name) => `shop.${name}`) },
        },
        recovery: { limits: settings, stop, deadline },
      });
    } else if (process.role === 'snapshot') {
      await runSnapshot({ ...ends, report, stop, settings: { ...settings, hasStream: true } });
    } else {
      await runStream({
        ...ends,
        report,
        stop,
        deadline,
        nulled: new NulledCounts(),
        decideColumn: (_, column) => ({ targetName: column.name, targetType: 'INT', onUnrepresentable: 'Fail' }),
        settings: { ...settings, shardPollMs: settings.pollMs, shards: 1 },
      });
    }
  };
  return await run().catch((error: unknown) => error);
}

function decideFor(world: World, wish: Wish): Parameters<World['pipeline']['runPrepare']>[0]['decide'] {
  return {
    targetTables: () => [],
    prepare: (source) => ({
      findings: [],
      plans: source.reachable
        ? source.tables.filter((table) => wish.tables.includes(table.table)).map((table) => planOf(world, table))
        : [],
    }),
  };
}

function planOf(world: World, { database, table, columns, key }: SourceTable): TablePlan {
  const { history } = world;
  return {
    source: { database, table },
    schemaVersion: 1,
    sourceColumns: columns,
    columns: columns.map(
      ({ name }, sourceIndex): ColumnPlan => ({
        sourceIndex,
        targetName: name,
        targetType: 'INT',
        onUnrepresentable: 'Fail',
      }),
    ),
    key: key?.columns ?? null,
    ...(key ? { keyName: key.name } : {}),
    baseTable: history.hasBaselines ? `${table}_base` : null,
    logTable: `${table}_log`,
    partitionKeys: history.tables.find((each) => each.name === table)?.partitionKeys ?? [],
    columnNaming: 'Legacy',
    lifecycleDays: null,
    where: null,
    timeZone: 'UTC',
    addedColumns: [],
  };
}

function reporterOf({ trace }: World, { name }: SimProcess): Reporter {
  const tell = (event: string, facts?: Readonly<Record<string, unknown>>): void => {
    if (trace.isOn) trace.add(name, `says: ${event} ${facts ? JSON.stringify(facts) : ''}`);
  };
  return {
    info: tell,
    warn: tell,
    retrying: (error, attempt) => tell('trying again', { code: error.code, attempt }),
  };
}
