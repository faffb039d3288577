/** A world in memory for the pipeline: store, MaxCompute, source and clock, with a fault at any call. */
import type { Clock } from '../../operator/base/clock.js';
import { SyncError } from '../../operator/base/errors.js';
import { crcInt32, crcStart, crcValue } from '../../operator/maxcompute/records/crc32c.js';
import { type RowBatch, type RowKind, type RowSink, rowKind } from '../../operator/model/change.js';
import type {
  BlockTarget,
  BlockWriter,
  CheckpointStore,
  ClosedBlock,
  TableSpec,
  TargetTable,
  UploadRef,
  UploadSession,
  UploadState,
  UploadStatus,
  Warehouse,
} from '../../operator/model/ports.js';
import { partitionSpec, type TablePlan } from '../../operator/model/table-plan.js';

export class Crash extends Error {}

/** What one process may do. After its death every call hangs, as those of a killed process do. */
export class Life {
  #isDead = false;
  #die: (error: unknown) => void = () => {};
  /** Rejects when the process dies, whatever its own promises wait for. */
  readonly died: Promise<never> = new Promise((_, reject) => {
    this.#die = reject;
  });
  /** Called before each effect with its name; may throw a Crash. */
  onCall: (name: string) => void = () => {};

  async call<T>(name: string, effect: () => T): Promise<T> {
    await Promise.resolve();
    if (this.#isDead) return await new Promise<never>(() => {});
    try {
      this.onCall(name);
    } catch (error) {
      this.#isDead = true;
      this.#die(error);
      return await new Promise<never>(() => {});
    }
    return effect();
  }

  end(): void {
    this.#isDead = true;
  }

  /** The same time for all; the dead do not wake up. */
  clock(clock: Clock): Clock {
    const sleep: Clock['sleep'] = async (durationMs, signal) => {
      await clock.sleep(durationMs, signal);
      if (this.#isDead) await new Promise<never>(() => {});
    };
    return { nowMs: () => clock.nowMs(), monotonicMs: () => clock.monotonicMs(), sleep };
  }
}

export class MemoryStore {
  readonly documents = new Map<string, { body: string; version: number }>();

  as(life: Life): CheckpointStore {
    return {
      load: (name) =>
        life.call(`load ${name}`, () => {
          const found = this.documents.get(name);
          return found ? { body: found.body, version: String(found.version) } : null;
        }),
      save: (name, body, expected) =>
        life.call(`save ${name}`, () => {
          const found = this.documents.get(name);
          if ((found ? String(found.version) : null) !== expected) return { saved: false as const };
          const version = (found?.version ?? 0) + 1;
          this.documents.set(name, { body, version });
          return { saved: true as const, version: String(version) };
        }),
    };
  }

  read<T>(name: string): T {
    const found = this.documents.get(name);
    if (!found) throw new Error(`no document ${name}`);
    return JSON.parse(found.body) as T;
  }
}

export interface MemoryRow {
  readonly partition: string | null;
  readonly recordId: number;
  readonly kind: RowKind;
  readonly cells: readonly (number | null)[];
}

interface MemorySession {
  readonly ref: UploadRef;
  readonly initiatedMs: number;
  status: UploadStatus;
  readonly blocks: Map<number, readonly MemoryRow[]>;
}

interface MemoryBlock extends ClosedBlock {
  readonly content: readonly MemoryRow[];
}

export class MemoryMaxCompute {
  readonly tables = new Map<string, { spec: TableSpec; rows: MemoryRow[]; partitions: Set<string> }>();
  readonly sessions = new Map<string, MemorySession>();
  readonly #clock: Clock;
  #sessionsOpened = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  rows(table: string): readonly MemoryRow[] {
    return this.tables.get(table)?.rows ?? [];
  }

  commit(ref: UploadRef): void {
    const session = this.#session(ref);
    if (session.status !== 'NORMAL') return;
    session.status = 'CLOSED';
    this.#table(ref.table).rows.push(...[...session.blocks.values()].flat());
  }

  forget(uploadId: string): void {
    this.sessions.delete(uploadId);
  }

  as(life: Life): Warehouse {
    return {
      facts: () => Promise.reject(new Error('not asked')),
      createTable: (spec) =>
        life.call('createTable', () => void this.tables.set(spec.table, { spec, rows: [], partitions: new Set() })),
      addColumns: (table, columns) =>
        life.call('addColumns', () => {
          const found = this.#table(table);
          const names = new Set(found.spec.columns.map((column) => column.name));
          found.spec = {
            ...found.spec,
            columns: [...found.spec.columns, ...columns.filter((column) => !names.has(column.name))],
          };
        }),
      describeTable: (table) =>
        life.call('describeTable', (): TargetTable | null => {
          const found = this.tables.get(table);
          return found ? { ...found.spec, type: 'MANAGED_TABLE' } : null;
        }),
      dropTable: (table) => life.call('dropTable', () => void this.tables.delete(table)),
      query: (sql) => life.call('query', () => ({ columns: [], rows: this.#query(sql) })),
      createPartition: (table, partition) =>
        life.call('createPartition', () => void this.#table(table).partitions.add(partition)),
      listPartitions: (table) => life.call('listPartitions', () => [...this.#table(table).partitions]),
      createUpload: (table, partition) => life.call('createUpload', () => this.#createUpload(table, partition)),
      uploadState: (ref) => life.call('uploadState', () => this.#state(ref)),
      openBlock: (plan, target) => new MemoryBlockWriter(plan, target),
      putBlock: (ref, id, block) =>
        life.call('putBlock', () => {
          const session = this.#session(ref);
          if (session.status === 'NORMAL') session.blocks.set(id, (block as MemoryBlock).content);
        }),
      commitUpload: (ref) =>
        life.call('commitUpload', () => {
          if (this.#session(ref).status !== 'NORMAL') return { kind: 'refused' as const, reason: '409 StatusConflict' };
          this.commit(ref);
          return { kind: 'committed' as const };
        }),
    };
  }

  #createUpload(table: string, partition: string | null): UploadSession {
    this.#table(table);
    const ref: UploadRef = { table, partition, uploadId: `U${(this.#sessionsOpened += 1)}` };
    const initiatedMs = this.#clock.nowMs();
    this.sessions.set(ref.uploadId, { ref, initiatedMs, status: 'NORMAL', blocks: new Map() });
    return { ...ref, initiatedMs };
  }

  #state(ref: UploadRef): UploadState {
    const session = this.sessions.get(ref.uploadId);
    if (!session) return { status: 'GONE', blocks: [] };
    return { status: session.status, blocks: [...session.blocks].map(([id, rows]) => ({ id, rows: rows.length })) };
  }

  /** The three questions that the pipeline asks in SQL. */
  #query(sql: string): (string | null)[][] {
    return sql.split('\nUNION ALL\n').map((part) => {
      const table = /FROM `([^`]+)`/.exec(part)?.[1] ?? '';
      const partition = [...part.matchAll(/`([^`]+)` = '([^']*)'/g)]
        .map((match) => `${match[1]}=${match[2]}`)
        .join(',');
      const lo = Number(/>= (\d+)/.exec(part)?.[1] ?? 0);
      const hi = Number(/<= (\d+)/.exec(part)?.[1] ?? Number.MAX_SAFE_INTEGER);
      const found = this.#table(table).rows.filter(
        (row) => (partition === '' || row.partition === partition) && row.recordId >= lo && row.recordId <= hi,
      );
      if (part.includes('COUNT(*)')) return [String(found.length)];
      const index = /SELECT (\d+) AS i/.exec(part)?.[1] ?? '0';
      return [index, found.length === 0 ? null : String(Math.max(...found.map((row) => row.recordId)))];
    });
  }

  #table(name: string): { spec: TableSpec; rows: MemoryRow[]; partitions: Set<string> } {
    const table = this.tables.get(name);
    if (!table) throw new SyncError('TARGET_TABLE_MISSING', { seen: name, wanted: 'a table', fix: 'make it' });
    return table;
  }

  #session(ref: UploadRef): MemorySession {
    const session = this.sessions.get(ref.uploadId);
    if (!session)
      throw new SyncError('UPLOAD_SESSION_LOST', { seen: ref.uploadId, wanted: 'a session', fix: 'open one' });
    return session;
  }
}

class MemoryBlockWriter implements BlockWriter {
  readonly #plan: TablePlan;
  readonly #target: BlockTarget;
  #content: MemoryRow[] = [];

  constructor(plan: TablePlan, target: BlockTarget) {
    this.#plan = plan;
    this.#target = target;
  }

  get rows(): number {
    return this.#content.length;
  }

  get bytes(): number {
    return this.#content.length * 100;
  }

  /** Those of a stream take no memory here: its blocks are cut by their bytes. */
  get heldBytes(): number {
    return this.#target.kind === 'base' ? this.bytes : 0;
  }

  write(batch: RowBatch): number {
    const partition = this.#target.kind === 'log' ? partitionSpec(this.#plan, batch.utcSeconds) : null;
    const counter = this.#target.kind === 'log' ? this.#target.counter : { next: 0 };
    return batch.drive(new MemorySink(this.#content, this.#plan.columns.length, partition, counter));
  }

  async drained(): Promise<void> {}

  async close(): Promise<ClosedBlock> {
    const block: MemoryBlock = {
      rows: this.rows,
      crc: checksum(this.#content),
      body: [],
      bodyBytes: this.bytes,
      content: this.#content,
    };
    return block;
  }

  discard(): void {
    this.#content = [];
  }
}

/** Over the rows' own checksums, as the tunnel's. */
function checksum(rows: readonly MemoryRow[]): number {
  let state = crcStart;
  for (const { recordId, kind, cells } of rows)
    state = crcInt32(state, cells.reduce<number>((sum, cell) => sum * 31 + (cell ?? 7), recordId * 5 + kind) | 0);
  return crcValue(state);
}

class MemorySink implements RowSink {
  readonly #content: MemoryRow[];
  readonly #width: number;
  readonly #partition: string | null;
  readonly #counter: { next: number };
  #kind: RowKind = 0;
  #cells: (number | null)[] = [];

  constructor(content: MemoryRow[], width: number, partition: string | null, counter: { next: number }) {
    this.#content = content;
    this.#width = width;
    this.#partition = partition;
    this.#counter = counter;
  }

  beginRow(kind: RowKind): void {
    this.#kind = kind;
    this.#cells = Array.from({ length: this.#width }, () => null);
  }

  int32(column: number, value: number): void {
    this.#cells[column] = value;
  }

  endRow(): void {
    this.#content.push({
      partition: this.#partition,
      recordId: this.#counter.next,
      kind: this.#kind,
      cells: this.#cells,
    });
    if (this.#kind !== rowKind.base && this.#kind !== rowKind.before) this.#counter.next += 1;
  }

  int64(): void {}
  boolean(): void {}
  float32(): void {}
  float64(): void {}
  bytes(): void {}
  date(): void {}
  datetime(): void {}
  timestamp(): void {}
}

/** Sleeping takes no time and moves the clock. */
export class ManualClock implements Clock {
  #nowMs = Date.UTC(2026, 0, 1);

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  advance(durationMs: number): void {
    this.#nowMs += durationMs;
  }

  async sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    this.#nowMs += durationMs;
  }
}
