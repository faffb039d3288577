/** The simulated MySQL server, as one worker reaches it: the port `Source` over a history and a network. */
import type { ChangeEvent, RowBatch } from '../../operator/model/change.js';
import type { Source, SourceStart } from '../../operator/model/ports.js';
import { type BinlogPosition, comparePositions, placeKey } from '../../operator/model/position.js';
import type { ReachableSourceFacts } from '../../operator/model/source-facts.js';
import type { SourceColumn, SourceTable, TableName } from '../../operator/model/source-table.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { type Cells, database, type Entry, intColumn, rowsAfter, type SimTable } from './history.js';
import { NoAnswer } from './network.js';
import type { SimProcess } from './process.js';
import { baseBatch, decoded, type Raw } from './row-batches.js';
import type { World } from './world.js';

const questionMsMax = 20_000;
/** The server says that it is alive when nothing was logged for this long. */
const heartbeatMs = 30_000;

export function sourceOf(world: World, process: SimProcess): Source {
  const server = new SourceServer(world, process);
  return {
    facts: () => server.facts(),
    start: () => server.start(),
    position: () => server.ask('position', () => server.head()),
    refusedFilters: () => Promise.resolve([]),
    chunks: (plan) => server.ask(`chunks of ${plan.source.table}`, () => server.chunks(plan)),
    readChunk: (plan, range, signal) => server.readChunk(plan, [keyOf(range.after), keyOf(range.upTo)], signal),
    readView: (plan, onView, signal) => server.readView(plan, onView, signal),
    stream: (from, planOf, { rolledBack, signal }) => server.stream(from, planOf, rolledBack, signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const keyOf = (end: readonly string[] | null): number | null => (end === null ? null : Number(end[0]));

class SourceServer {
  readonly #world: World;
  readonly #process: SimProcess;

  constructor(world: World, process: SimProcess) {
    this.#world = world;
    this.#process = process;
  }

  async ask<T>(what: string, land: () => T, busyMs?: () => number): Promise<T> {
    const busy = busyMs === undefined ? {} : { busyMs };
    try {
      return await this.#world.network.send(this.#process, {
        what: `MySQL: ${what}`,
        timeoutMs: questionMsMax,
        land,
        isHttp: false,
        ...busy,
      });
    } catch (error) {
      if (error instanceof NoAnswer) throw this.#lost(error.message);
      throw error;
    }
  }

  head(): BinlogPosition {
    const logged = this.#logged();
    return logged.at(-1)?.end ?? (this.#entries[0]?.begin as BinlogPosition);
  }

  async facts(): Promise<ReachableSourceFacts> {
    const tables = await this.ask('facts', () => this.#tables());
    // What the precheck would judge plays no part here.
    return { reachable: true, tables, variables: {} } as unknown as ReachableSourceFacts;
  }

  /** A read lock for an instant: it is granted when the engine shows everything that is logged. */
  start(): Promise<SourceStart> {
    let visibleMs = 0;
    const identity = { flavor: 'mysql', version: '5.6', serverUuid: 'u', serverId: 1, gtidDomain: null } as const;
    return this.ask(
      'start position',
      () => {
        visibleMs = this.#allVisibleMs();
        return { position: this.head(), method: 'lock', tables: this.#tables(), identity };
      },
      () => visibleMs - this.#nowMs,
    );
  }

  chunks(plan: TablePlan): { after: readonly string[] | null; upTo: readonly string[] | null }[] {
    const table = this.#table(plan.source.table);
    const ids = this.#visibleRows(table).map((row) => row.id as number);
    const ends = ids.toSorted((a, b) => a - b).filter((_, at) => at % table.chunkRows === table.chunkRows - 1);
    const bounds = [null, ...ends.map((id) => [String(id)]), null];
    return bounds.slice(1).map((upTo, at) => ({ after: bounds[at] ?? null, upTo }));
  }

  async *readChunk(
    plan: TablePlan,
    [after, upTo]: readonly [number | null, number | null],
    signal: AbortSignal,
  ): AsyncIterable<RowBatch> {
    const rows = await this.ask(`read ${plan.source.table} ${after ?? ''}..${upTo ?? ''}`, () =>
      this.#visibleRows(this.#table(plan.source.table)).filter(
        ({ id }) => (after === null || (id as number) > after) && (upTo === null || (id as number) <= upTo),
      ),
    );
    yield* this.#deliverRows(plan, rows, signal);
  }

  /** Read under a lock that waits for the engine: the view is exactly what the log holds up to its position. */
  async *readView(
    plan: TablePlan,
    onView: (position: BinlogPosition) => Promise<void>,
    signal: AbortSignal,
  ): AsyncIterable<RowBatch> {
    const { position, rows } = await this.ask(`view of ${plan.source.table}`, () => ({
      position: this.head(),
      rows: rowsAfter(this.#table(plan.source.table), this.#logged()),
    }));
    await onView(position);
    yield* this.#deliverRows(plan, rows, signal);
  }

  async *#deliverRows(plan: TablePlan, rows: readonly Cells[], signal: AbortSignal): AsyncIterable<RowBatch> {
    const { random } = this.#world.faults;
    for (let at = 0; at < rows.length; ) {
      const count = 1 + random.below(5);
      const part = rows.slice(at, at + count);
      at += count;
      yield baseBatch(plan, part);
      if (at < rows.length) await this.ask(`more of ${plan.source.table}`, () => undefined);
      if (signal.aborted) return;
    }
  }

  async *stream(
    from: BinlogPosition,
    planOf: (name: TableName) => TablePlan | null,
    rolledBack: ReadonlySet<string>,
    signal: AbortSignal,
  ): AsyncIterable<Iterable<ChangeEvent>> {
    const { faults } = this.#world;
    let at = indexAfter(this.#entries, from);
    let position = from;
    await this.ask(`stream from ${from.file}:${from.offset}`, () => undefined);
    while (!signal.aborted) {
      const ready = this.#entries.slice(at).filter((entry) => entry.loggedMs <= this.#nowMs);
      if (faults.happens('disconnected', this.#process.name)) throw this.#lost('the binary log connection was reset');
      if (ready.length === 0) {
        if (!(await this.#waitForLog(at, signal))) return;
        if ((this.#entries[at]?.loggedMs ?? Number.POSITIVE_INFINITY) > this.#nowMs)
          yield [{ kind: 'alive', position }];
        continue;
      }
      const taken = ready.slice(0, 1 + faults.random.below(4));
      at += taken.length;
      position = (taken.at(-1) as Entry).end;
      const events = taken.flatMap((entry) => this.#eventsOf(entry, rolledBack));
      while (events.length > 0 && !signal.aborted) {
        if (faults.random.chance(0.2)) await this.#pauseMs(faults.random.between(0, 50), signal);
        if (faults.happens('killed', this.#process.name)) this.#process.kill();
        if (faults.happens('disconnected', this.#process.name)) throw this.#lost('the binary log connection was reset');
        yield decoded(events.splice(0, 1 + faults.random.below(6)), planOf);
      }
    }
  }

  #eventsOf(entry: Entry, rolledBack: ReadonlySet<string>): Raw[] {
    const { begin, end: position, utcSeconds } = entry;
    const commit = { kind: 'commit', position, utcSeconds } as const;
    if (entry.kind === 'other') return [commit];
    if (entry.kind === 'schema') {
      const table = { database, table: entry.table };
      const changes = [{ kind: 'addColumns', table, columns: [{ column: entry.column, after: null }] } as const];
      return [{ kind: 'schema', changes, statement: 'ALTER TABLE', position, utcSeconds }];
    }
    if (rolledBack.has(placeKey(begin))) return [commit];
    const columnsOf = (table: string): readonly SourceColumn[] =>
      this.#columns(table, this.#entries.slice(0, entry.index));
    const rows = entry.changes.map((change) => ({ kind: 'change', change, columns: columnsOf(change.table) }) as const);
    return [...rows, entry.isRolledBack ? { kind: 'rollback', begin, position } : commit];
  }

  /** False when the stream was ended meanwhile. */
  async #waitForLog(at: number, signal: AbortSignal): Promise<boolean> {
    const waitMs = (this.#entries[at]?.loggedMs ?? Number.POSITIVE_INFINITY) - this.#nowMs;
    return await this.#pauseMs(Math.min(heartbeatMs, waitMs + this.#world.faults.random.between(0.1, 20)), signal);
  }

  #pauseMs(durationMs: number, signal: AbortSignal): Promise<boolean> {
    return this.#process
      .clock(0)
      .sleep(durationMs, signal)
      .then(
        () => true,
        () => false,
      );
  }

  #visibleRows(table: SimTable): Cells[] {
    const visible = this.#logged().filter((entry) => entry.visibleMs <= this.#nowMs);
    return rowsAfter(table, visible);
  }

  #allVisibleMs(): number {
    return Math.max(this.#nowMs, ...this.#logged().map((entry) => entry.visibleMs));
  }

  #tables(): SourceTable[] {
    return this.#world.history.tables.map((table) => ({
      database,
      table: table.name,
      columns: this.#columns(table.name, this.#logged()),
      key: table.isKeyed ? { name: 'PRIMARY', columns: ['id'] } : null,
      engine: 'InnoDB',
      foreignKeys: [],
      rowsEstimate: table.initial.length,
      bytesEstimate: 100,
    }));
  }

  #columns(table: string, entries: readonly Entry[]): SourceColumn[] {
    const added = entries.flatMap((entry) => (entry.kind === 'schema' && entry.table === table ? [entry.column] : []));
    return [intColumn('id'), intColumn('v'), ...added];
  }

  #table(name: string): SimTable {
    return this.#world.history.tables.find((table) => table.name === name) as SimTable;
  }

  #logged(): readonly Entry[] {
    return this.#entries.filter((entry) => entry.loggedMs <= this.#nowMs);
  }

  get #entries(): readonly Entry[] {
    return this.#world.history.entries;
  }

  get #nowMs(): number {
    return this.#world.scheduler.nowMs;
  }

  #lost(seen: string): Error {
    return new this.#world.pipeline.SyncError('SOURCE_UNREACHABLE', { seen, wanted: 'an answer', fix: 'wait' });
  }
}

/** The place in the log that a position names: entries from here on come after it. */
export function indexAfter(entries: readonly Entry[], position: BinlogPosition): number {
  const at = entries.findIndex((entry) => comparePositions(entry.end, position) > 0);
  return at < 0 ? entries.length : at;
}
