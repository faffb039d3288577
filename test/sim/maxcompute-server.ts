/**
 * The simulated MaxCompute: tables, partitions, upload sessions and the few statements that the pipeline asks. It shares no
 * code with the emulator. Whatever it does wrong is a fault that was drawn.
 */
import type {
  TableSpec,
  TargetTable,
  UploadRef,
  UploadSession,
  UploadState,
  UploadStatus,
} from '../../operator/model/ports.js';
import { type Cells, epochMs } from './history.js';
import { Refusal } from './network.js';
import type { World } from './world.js';

export interface StoredRow {
  /** 0 for a row of a baseline. */
  readonly recordId: number;
  /** As the row sink is told: base, insert, before, after, delete. */
  readonly kind: number;
  readonly cells: Cells;
}

export interface LandedRow extends StoredRow {
  readonly table: string;
  readonly partition: string | null;
}

interface Table {
  spec: TableSpec;
  readonly partitions: Set<string>;
  readonly rows: LandedRow[];
}

export interface Session {
  readonly id: string;
  readonly ref: UploadRef;
  readonly table: Table;
  readonly createdMs: number;
  status: UploadStatus;
  readonly blocks: Map<number, readonly StoredRow[]>;
  isForgotten: boolean;
  /** What it is shown as until then, whatever it is. */
  shown: { readonly status: UploadStatus; readonly untilMs: number } | null;
}

const sessionLifeMs = 24 * 3_600_000;

export class MaxComputeServer {
  readonly tables = new Map<string, Table>();
  readonly #sessions = new Map<string, Session>();
  readonly #world: World;
  readonly #skewMs: number;
  readonly #secondCommitIs: 'refused' | 'committed';
  commits = 0;

  constructor(world: World) {
    this.#world = world;
    const { random } = world.faults;
    this.#skewMs = random.pick([0, 0, 90_000, -90_000, 3 * 3_600_000]);
    this.#secondCommitIs = random.pick(['refused', 'committed']);
  }

  createTable(spec: TableSpec): void {
    if (!this.tables.has(spec.table)) this.tables.set(spec.table, { spec, partitions: new Set(), rows: [] });
  }

  describeTable(name: string): TargetTable | null {
    const table = this.tables.get(name);
    return table ? { ...table.spec, type: 'MANAGED_TABLE' } : null;
  }

  addColumns(name: string, columns: TableSpec['columns']): void {
    const table = this.#table(name);
    const known = new Set(table.spec.columns.map((column) => column.name));
    const added = columns.filter((column) => !known.has(column.name));
    table.spec = { ...table.spec, columns: [...table.spec.columns, ...added] };
  }

  dropTable(name: string): void {
    this.tables.delete(name);
  }

  createPartition(name: string, partition: string): void {
    this.#table(name).partitions.add(partition);
  }

  listPartitions(name: string): string[] {
    return [...this.#table(name).partitions];
  }

  /** The three questions that the pipeline asks in SQL. */
  query(sql: string): (string | null)[][] {
    return sql.split('\nUNION ALL\n').map((part) => {
      const table = this.#table(/FROM `([^`]+)`/.exec(part)?.[1] ?? '');
      const matches = [...part.matchAll(/`([^`]+)` = '([^']*)'/g)];
      const partition = matches.map((match) => `${match[1]}=${match[2]}`).join(',');
      const lo = Number(/>= (\d+)/.exec(part)?.[1] ?? 0);
      const hi = Number(/<= (\d+)/.exec(part)?.[1] ?? Number.MAX_SAFE_INTEGER);
      const found = table.rows.filter(
        (row) => (partition === '' || row.partition === partition) && row.recordId >= lo && row.recordId <= hi,
      );
      if (part.includes('COUNT(*)')) return [String(found.length)];
      const index = /SELECT (\d+) AS i/.exec(part)?.[1] ?? '0';
      return [index, found.length === 0 ? null : String(Math.max(...found.map((row) => row.recordId)))];
    });
  }

  createUpload(name: string, partition: string | null): UploadSession {
    const table = this.#table(name);
    if (partition !== null && !table.partitions.has(partition)) throw new Refusal(404, 'NoSuchPartition');
    const id = `U${this.#sessions.size + 1}`;
    const ref: UploadRef = { table: name, partition, uploadId: id };
    const createdMs = this.#world.scheduler.nowMs;
    const session: Session = {
      id,
      ref,
      table,
      createdMs,
      status: 'NORMAL',
      blocks: new Map(),
      isForgotten: false,
      shown: null,
    };
    this.#sessions.set(id, session);
    return { ...ref, initiatedMs: Math.floor(epochMs + createdMs + this.#skewMs) };
  }

  put(ref: UploadRef, blockId: number, rows: readonly StoredRow[], from: string): void {
    const session = this.#open(ref);
    if (session.status !== 'NORMAL') throw new Refusal(409, 'StatusConflict');
    const columns = new Set(session.table.spec.columns.map((column) => column.name));
    if (rows.some((row) => Object.keys(row.cells).some((name) => !columns.has(name))))
      throw new Refusal(400, 'InvalidColumn');
    if (this.#world.faults.happens('unlistedBlock', from)) return;
    session.blocks.set(blockId, rows);
  }

  state(ref: UploadRef, from: string): UploadState {
    const session = this.#sessions.get(ref.uploadId);
    if (!session || session.isForgotten || this.#isDropped(session)) return { status: 'GONE', blocks: [] };
    this.#expire(session);
    const { faults, scheduler } = this.#world;
    this.#misfortune(session, from);
    if (session.isForgotten) return { status: 'GONE', blocks: [] };
    const blocks = [...session.blocks].map(([id, rows]) => ({ id, rows: rows.length }));
    if (session.shown && session.shown.untilMs > scheduler.nowMs) return { status: session.shown.status, blocks };
    if (session.status === 'NORMAL' && faults.happens('wrongList', from))
      return { status: 'NORMAL', blocks: wrongList(blocks, faults.random.below(3)) };
    return { status: session.status, blocks };
  }

  /** `answersMs` is how long the answer takes beyond the network's own time; the effect may come later still. */
  commit(ref: UploadRef, from: string): 'committed' {
    const session = this.#open(ref);
    const { faults } = this.#world;
    const { random } = faults;
    if (session.status === 'CLOSED' && this.#secondCommitIs === 'committed') return 'committed';
    if (session.status !== 'NORMAL') throw new Refusal(409, `StatusConflict ${session.status}`);
    if (faults.happens('slowCommit', from, 2)) this.#commitLater(session, random.spread(500, 40 * 60_000), true);
    else if (faults.happens('fellBackCommit', from, 2)) this.#commitLater(session, random.spread(500, 900_000), false);
    else if (faults.happens('refusedCommit', from, 2)) {
      if (random.chance(0.5)) this.#land(session);
      else this.#commitLater(session, random.spread(500, 60_000), true);
      throw new Refusal(409, 'StatusConflict');
    } else {
      this.#land(session);
      return 'committed';
    }
    throw new Refusal(503, 'ServiceUnavailable');
  }

  #commitLater(session: Session, delayMs: number, lands: boolean): void {
    session.status = 'COMMITTING';
    this.#world.scheduler.after(delayMs, () => {
      if (session.status !== 'COMMITTING') return;
      this.#world.trace.add('server', `${session.id} ${lands ? 'lands' : 'falls back to NORMAL'}`);
      session.status = 'NORMAL';
      if (lands) this.#land(session);
    });
  }

  #land(session: Session): void {
    session.status = 'CLOSED';
    if (this.#isDropped(session)) return;
    const { table, partition } = session.ref;
    const rows = [...session.blocks.values()].flat().map((row): LandedRow => ({ ...row, table, partition }));
    session.table.rows.push(...rows);
    this.commits += 1;
    if (this.#world.trace.isOn) this.#world.trace.add('server', `${session.id} is in ${table}: ${renderRows(rows)}`);
    this.#world.monitor.landed(session.id, rows);
  }

  /** Not known for a while, then as if nothing had been. */
  forgetForAWhile(uploadId: string, durationMs: number): void {
    const session = this.#sessions.get(uploadId);
    if (session?.status !== 'NORMAL' || session.isForgotten) return;
    session.isForgotten = true;
    this.#world.scheduler.after(durationMs, () => {
      this.#world.trace.add('server', `knows ${uploadId} again`);
      session.isForgotten = false;
    });
  }

  /** What befalls a session while somebody looks at it. */
  #misfortune(session: Session, from: string): void {
    const { faults, scheduler, store } = this.#world;
    const { random } = faults;
    if (session.status === 'NORMAL' && faults.happens('canceledSession', from))
      session.status = random.pick(['CANCELED', 'EXPIRED']);
    if (session.status === 'NORMAL' && store.named.has(session.id) && faults.happens('foreignBlock', from, 4))
      session.blocks.set(900, [{ recordId: 999_999, kind: 1, cells: { id: -1, v: -1 } }]);
    if (faults.happens('forgottenSession', from)) {
      session.isForgotten = true;
      if (session.status === 'NORMAL') session.status = 'CANCELED';
      if (session.status === 'COMMITTING') this.#landForgotten(session, random.between(0, 8 * 60_000));
    }
    if (session.status === 'NORMAL' && faults.happens('undecidedState', from)) {
      const status = random.pick(['UNKNOWN', 'CRITICAL', 'CLOSING'] as const);
      session.shown = { status, untilMs: scheduler.nowMs + random.spread(100, 30 * 60_000) };
    }
  }

  #landForgotten(session: Session, delayMs: number): void {
    this.#world.scheduler.after(delayMs, () => {
      if (session.status === 'COMMITTING') this.#land(session);
    });
  }

  #open(ref: UploadRef): Session {
    const session = this.#sessions.get(ref.uploadId);
    if (!session || session.isForgotten || this.#isDropped(session)) throw new Refusal(404, 'NoSuchUpload');
    this.#expire(session);
    return session;
  }

  #isDropped(session: Session): boolean {
    return this.tables.get(session.ref.table) !== session.table;
  }

  #expire(session: Session): void {
    const isOver = this.#world.scheduler.nowMs - session.createdMs > sessionLifeMs;
    if (isOver && session.status === 'NORMAL') session.status = 'EXPIRED';
  }

  #table(name: string): Table {
    const table = this.tables.get(name);
    if (!table) throw new Refusal(404, 'NoSuchTable');
    return table;
  }
}

function wrongList(blocks: UploadState['blocks'], how: number): UploadState['blocks'] {
  if (how === 0) return blocks.slice(1);
  if (how === 1) return [...blocks, { id: 777, rows: 1 }];
  return blocks.map(({ id, rows }, at) => (at === 0 ? { id, rows: rows + 1 } : { id, rows }));
}

function renderRows(rows: readonly LandedRow[]): string {
  const ids = rows.map((row) => row.recordId);
  if (ids.length === 0) return 'no rows';
  return `${rows.length} rows${ids[0] === 0 ? '' : `, ids ${Math.min(...ids)}..${Math.max(...ids)}`}`;
}
