/** Runs the real stream over the world in memory, as many lives of one task as a test wants. */
import type { CheckpointDocument, PlanDocument } from '../../operator/model/documents.js';
import type { ColumnDecider } from '../../operator/model/schema-history.js';
import type { SourceColumn } from '../../operator/model/source-table.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { logTableSpec } from '../../operator/model/target-table.js';
import { NulledCounts } from '../../operator/pipeline/nulled-counts.js';
import { runStream, type StreamSettings } from '../../operator/pipeline/stream.js';
import { documentNames, type Reporter } from '../../operator/pipeline/task-documents.js';
import { Crash, Life, ManualClock, MemoryMaxCompute, MemoryStore } from './memory-world.js';
import { positionAfter, type ScriptedSourceOptions, scriptedSource, type Transaction } from './scripted-source.js';

export const taskId = 'task-1';
export const mark = { namespace: 'default', name: 'shop', taskId };
const intColumn = (name: string): SourceColumn => ({
  name,
  type: { kind: 'int', bytes: 4, unsigned: false },
  typeText: 'int(11)',
  nullable: true,
  defaultText: null,
  generated: null,
});

export function planFor(table: string): TablePlan {
  return {
    source: { database: 'shop', table },
    schemaVersion: 1,
    sourceColumns: [intColumn('id')],
    columns: [{ sourceIndex: 0, targetName: 'id', targetType: 'INT', onUnrepresentable: 'Fail' }],
    key: ['id'],
    keyName: 'by_id',
    baseTable: `${table}_base`,
    logTable: `${table}_log`,
    partitionKeys: ['year', 'month', 'day', 'hour'],
    columnNaming: 'Legacy',
    lifecycleDays: null,
    where: null,
    timeZone: 'UTC',
    addedColumns: [],
  };
}

export const quiet: Reporter = { info() {}, warn() {}, retrying() {} };
const asInt: ColumnDecider = (_, column) => ({ targetName: column.name, targetType: 'INT', onUnrepresentable: 'Fail' });
const settings: StreamSettings = {
  flushIntervalMs: 1_000,
  flushBytesMax: 1_000,
  blockBytesMax: 300,
  heldBytesMax: 10_000,
  shardPollMs: 100,
  shards: 1,
};

export class StreamBench {
  readonly clock = new ManualClock();
  readonly store = new MemoryStore();
  readonly maxCompute = new MemoryMaxCompute(this.clock);
  readonly log: readonly Transaction[];
  #lives = 0;

  constructor(log: readonly Transaction[], tables: readonly string[], snapshot = false) {
    this.log = log;
    const planned = tables.map((table) => ({
      plan: planFor(table),
      from: positionAfter(0),
      generation: 1,
      isMade: true,
      snapshot: snapshot ? { chunks: [], inOneView: true, rowsEstimate: 0 } : null,
    }));
    for (const { plan } of planned) {
      const spec = logTableSpec(plan, mark);
      this.maxCompute.tables.set(spec.table, { spec, rows: [], partitions: new Set() });
    }
    const identity = { flavor: 'mysql' as const, version: '5.6', serverUuid: 'u', serverId: 1, gtidDomain: null };
    const plan: PlanDocument = {
      format: 1,
      minReader: 1,
      taskId,
      writer: { id: 'prepare', epoch: 1, seq: 0, version: 'test' },
      inputHash: 'h',
      stage: 'done',
      start: { position: positionAfter(0), method: 'lock', identity },
      tables: planned,
      serverId: 7,
      resnapshotNonce: null,
      firstRecordId: 1,
      lastGeneration: 1,
    };
    this.store.documents.set(documentNames.plan('shop'), { body: JSON.stringify(plan), version: 1 });
  }

  /** Plans these tables anew, as a request for a new snapshot does, from after the n-th transaction on. */
  takeAgain(tables: readonly string[], transactions: number): void {
    const name = documentNames.plan('shop');
    const plan = this.store.read<PlanDocument>(name);
    const generation = plan.lastGeneration + 1;
    const planned = plan.tables.map((table) =>
      tables.includes(table.plan.source.table) ? { ...table, from: positionAfter(transactions), generation } : table,
    );
    const next: PlanDocument = { ...plan, tables: planned, lastGeneration: generation };
    this.store.documents.set(name, { body: JSON.stringify(next), version: 2 });
  }

  get checkpoint(): CheckpointDocument {
    return this.store.read<CheckpointDocument>(documentNames.checkpoint('shop'));
  }

  /** One life of the streaming process, until all of the log is handed out or it fails. */
  async live(
    life: Life = new Life(),
    source: Partial<ScriptedSourceOptions> = {},
    stop: AbortController = new AbortController(),
  ): Promise<void> {
    this.#lives += 1;
    const input = {
      documents: {
        store: this.store.as(life),
        task: 'shop',
        taskId,
        writerId: `stream-${this.#lives}`,
        version: 'test',
      },
      source: scriptedSource({ life, log: this.log, database: 'shop', onEnd: () => stop.abort(), ...source }),
      warehouse: this.maxCompute.as(life),
      clock: life.clock(this.clock),
      report: quiet,
      nulled: new NulledCounts(),
      decideColumn: asInt,
      settings,
      stop: stop.signal,
      deadline: new AbortController().signal,
    };
    await Promise.race([runStream(input), life.died]).finally(() => life.end());
  }

  /** One life that goes on after the log's end, until something has come true. */
  async liveUntil(isTrue: () => boolean, hold: (transaction: number) => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const watching = (async () => {
      while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
      stop.abort();
    })();
    await Promise.all([this.live(new Life(), { hold, onEnd: () => undefined }, stop), watching]);
  }

  /** Lives until one ends well; each crash is followed by a new process. */
  async liveOn(onCall: (name: string) => void): Promise<number> {
    for (let lives = 1; ; lives += 1) {
      const life = new Life();
      life.onCall = onCall;
      try {
        await this.live(life);
        return lives;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
      } finally {
        life.end();
      }
    }
  }
}

/** What the logs must hold: each change once, in order, ids without gaps. */
export function expectedLog(
  log: readonly Transaction[],
  table: string,
): { recordId: number; kind: number; id: number }[] {
  const rows: { recordId: number; kind: number; id: number }[] = [];
  let recordId = 0;
  for (const transaction of log) {
    if ('schema' in transaction || transaction.isRolledBack) continue;
    for (const change of transaction.changes) {
      recordId += 1;
      if (change.table !== table) continue;
      if (change.op === 'update') rows.push({ recordId, kind: 2, id: change.id }, { recordId, kind: 3, id: change.id });
      else rows.push({ recordId, kind: change.op === 'insert' ? 1 : 4, id: change.id });
    }
  }
  return rows;
}

export function loggedRows(
  bench: StreamBench,
  table: string,
): { recordId: number; kind: number; id: number | null | undefined }[] {
  return bench.maxCompute
    .rows(`${table}_log`)
    .map(({ recordId, kind, cells }) => ({ recordId, kind, id: cells[0] }))
    .toSorted((a, b) => a.recordId - b.recordId || a.kind - b.kind);
}
