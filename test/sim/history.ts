/**
 * What happens in the source of one seed, written down before the first worker starts: the tables, each entry of the binary
 * log with its time, when the engine shows it, and what the person who runs the task asks for.
 */
import type { BinlogPosition } from '../../operator/model/position.js';
import type { SourceColumn } from '../../operator/model/source-table.js';
import type { PartitionKey } from '../../operator/model/table-plan.js';
import type { Random } from './random.js';

/** A row by column name; a column that is not there was not known when the row was written. */
export type Cells = Readonly<Record<string, number | null>>;

export interface SimTable {
  readonly name: string;
  readonly isKeyed: boolean;
  readonly partitionKeys: readonly PartitionKey[];
  /** Rows of one chunk of the baseline. */
  readonly chunkRows: number;
  readonly initial: readonly Cells[];
}

export interface Change {
  readonly table: string;
  readonly before: Cells | null;
  readonly after: Cells | null;
  readonly utcSeconds: number;
}

interface EntryPlace {
  readonly index: number;
  readonly begin: BinlogPosition;
  readonly end: BinlogPosition;
  /** In the binary log from here on. */
  readonly loggedMs: number;
  /** Readers see it from here on: the engine's commit trails the log. */
  readonly visibleMs: number;
  readonly utcSeconds: number;
}

export type Entry = EntryPlace &
  (
    | { readonly kind: 'transaction'; readonly changes: readonly Change[]; readonly isRolledBack: boolean }
    | { readonly kind: 'schema'; readonly table: string; readonly column: SourceColumn }
    /** A group that changes nothing selected, or the end of a file. */
    | { readonly kind: 'other' }
  );

/** What the person asks for: the tables of the task, and those to be taken anew. */
export interface Wish {
  readonly atMs: number;
  readonly tables: readonly string[];
  readonly again: readonly string[] | null;
}

export interface History {
  readonly tables: readonly SimTable[];
  readonly entries: readonly Entry[];
  readonly wishes: readonly Wish[];
  /** The task begins here; earlier entries are history for it. */
  readonly startMs: number;
  readonly endMs: number;
  readonly hasBaselines: boolean;
}

export interface HistoryLimits {
  /** Entries of the log; fewer make a failing seed readable. */
  readonly entriesMax: number;
  /** A transaction that is undone after parts of it were committed is a stop that is known and told. */
  readonly hasRollbacks: boolean;
}

export const database = 'shop';
/** True time at the beginning: a few seconds before an hour ends, so that rows fall into two partitions. */
export const epochMs = Date.UTC(2026, 0, 1, 11, 59, 40);
const firstPosition: BinlogPosition = { file: 'binlog.000001', offset: 4, gtidSet: null, server: 'u' };
const entryBytes = 100;

export function intColumn(name: string, defaultText: string | null = null): SourceColumn {
  const type = { kind: 'int', bytes: 4, unsigned: false } as const;
  return { name, type, typeText: 'int(11)', nullable: true, defaultText, generated: null };
}

export function drawHistory(random: Random, limits: HistoryLimits): History {
  const tables = Array.from({ length: 1 + random.below(3) }, (_, at) => drawTable(random, at));
  const spanMs = random.pick([5_000, 30_000, 30_000, 180_000, 1_200_000]);
  const rollbackShare = random.pick([0, 0, 0.05, 0.2]);
  const writer = new Writer(random, tables, spanMs, limits.hasRollbacks ? rollbackShare : 0);
  // Drawn first, then cut: a shorter history is the beginning of the longer one.
  const entries = writer.write(3 + random.below(28)).slice(0, limits.entriesMax);
  const endMs = entries.at(-1)?.loggedMs ?? 0;
  const startMs = random.chance(0.5) ? 0 : random.between(0, spanMs / 2);
  const wishes = drawWishes(random, tables, startMs, spanMs);
  return { tables, entries, wishes, startMs, endMs: Math.max(endMs, startMs), hasBaselines: random.chance(0.8) };
}

function drawTable(random: Random, at: number): SimTable {
  const isKeyed = random.chance(0.7);
  const count = random.pick([0, 1, 3, 8, 14]);
  return {
    name: `t${at}`,
    isKeyed,
    partitionKeys: random.chance(0.6) ? ['year', 'month', 'day', 'hour'] : ['year', 'month', 'day', 'hour', 'minute'],
    chunkRows: random.pick([2, 4, 100]),
    initial: Array.from({ length: count }, (_, id) => ({ id, v: isKeyed ? id + 1000 * at : random.below(3) })),
  };
}

/** The first wish is the task as it begins; others change it. */
function drawWishes(random: Random, tables: readonly SimTable[], startMs: number, spanMs: number): Wish[] {
  const names = tables.map((table) => table.name);
  const first = random.chance(0.3) ? names.slice(0, 1) : names;
  const wishes: Wish[] = [{ atMs: startMs, tables: first, again: null }];
  for (let left = random.pick([0, 0, 0, 1, 2]); left > 0; left -= 1) {
    const atMs = startMs + random.between(0, spanMs * 1.2);
    wishes.push({ atMs, tables: names, again: random.chance(0.7) ? random.pick([[], [random.pick(names)]]) : null });
  }
  return wishes.sort((a, b) => a.atMs - b.atMs);
}

class Writer {
  readonly #random: Random;
  readonly #tables: readonly SimTable[];
  readonly #rows: Map<string, Cells[]>;
  readonly #columns: Map<string, string[]>;
  /** When the engine shows the last change of a row, or of a whole table. */
  readonly #freeMs = new Map<string, number>();
  readonly #stepMs: number;
  readonly #lagMs: number;
  readonly #rollbackShare: number;
  #values = 0;
  #nowMs = 0;
  #place = firstPosition;

  constructor(random: Random, tables: readonly SimTable[], spanMs: number, rollbackShare: number) {
    this.#random = random;
    this.#tables = tables;
    this.#rows = new Map(tables.map((table) => [table.name, [...table.initial]]));
    this.#columns = new Map(tables.map((table) => [table.name, ['id', 'v']]));
    this.#stepMs = spanMs / 15;
    this.#lagMs = random.pick([0, 20, 500, 5_000]);
    this.#rollbackShare = rollbackShare;
  }

  write(count: number): Entry[] {
    const entries: Entry[] = [];
    for (let index = 0; index < count; index += 1) entries.push(this.#entry(index));
    return entries;
  }

  #entry(index: number): Entry {
    const random = this.#random;
    this.#nowMs += random.chance(0.4) ? random.between(0, 5) : random.between(0, 2 * this.#stepMs);
    const kind = random.next();
    if (kind < 0.06) return this.#schema(index);
    if (kind < 0.12) return { kind: 'other', ...this.#next(index, 0, random.chance(0.5)) };
    const isRolledBack = random.chance(this.#rollbackShare);
    const kept = isRolledBack ? new Map([...this.#rows].map(([name, rows]) => [name, [...rows]])) : null;
    const touched: string[] = [];
    const drafts: Omit<Change, 'utcSeconds'>[] = [];
    for (let left = random.pick([0, 1, 1, 2, 3, 6, 15]); left > 0; left -= 1) drafts.push(this.#change(touched));
    for (const key of touched) this.#nowMs = Math.max(this.#nowMs, this.#freeMs.get(key) ?? 0);
    const place = this.#next(index, isRolledBack ? 0 : random.between(0, this.#lagMs), false);
    for (const key of touched) this.#freeMs.set(key, place.visibleMs);
    if (kept) for (const [name, rows] of kept) this.#rows.set(name, rows);
    // A statement carries the time of its beginning.
    const changes = drafts.map((draft) => ({
      ...draft,
      utcSeconds: place.utcSeconds - (random.chance(0.2) ? random.below(90) : 0),
    }));
    return { kind: 'transaction', changes, isRolledBack, ...place };
  }

  #change(touched: string[]): Omit<Change, 'utcSeconds'> {
    const random = this.#random;
    const table = random.pick(this.#tables);
    const rows = this.#rows.get(table.name) as Cells[];
    const op = rows.length === 0 ? 0 : random.below(4);
    const at = random.below(Math.max(1, rows.length));
    const before = op === 0 ? null : (rows[at] as Cells);
    const after = op === 3 ? null : this.#row(table, before, rows);
    touched.push(table.name);
    for (const row of [before, after]) if (row !== null) touched.push(`${table.name}/${row.id}`);
    // A table lock, as a statement without an index takes it, would hide what concurrent writers do: rows are locked.
    touched.splice(touched.indexOf(table.name), 1);
    if (before === null) rows.push(after as Cells);
    else if (after === null) rows.splice(at, 1);
    else rows[at] = after;
    return { table: table.name, before, after };
  }

  #row(table: SimTable, before: Cells | null, rows: readonly Cells[]): Cells {
    const random = this.#random;
    let id = before?.id as number | undefined;
    const isFree = (wanted: number): boolean => !table.isKeyed || rows.every((row) => row.id !== wanted);
    if (id === undefined || random.chance(0.1)) {
      do id = random.below(40);
      while (!isFree(id) && id !== before?.id);
    }
    this.#values += 1;
    const v = table.isKeyed ? 10_000 + this.#values : random.below(3);
    const added = (this.#columns.get(table.name) as string[]).slice(2);
    return { id, v, ...Object.fromEntries(added.map((name) => [name, random.chance(0.2) ? null : this.#values])) };
  }

  /** ADD COLUMN waits for the transactions on its table, and fills the rows that are there. */
  #schema(index: number): Entry {
    const table = this.#random.pick(this.#tables).name;
    const columns = this.#columns.get(table) as string[];
    const column = intColumn(`c${columns.length - 2}`, this.#random.chance(0.5) ? '7' : null);
    columns.push(column.name);
    for (const [key, freeMs] of this.#freeMs)
      if (key.startsWith(`${table}/`)) this.#nowMs = Math.max(this.#nowMs, freeMs);
    const filled = column.defaultText === null ? null : Number(column.defaultText);
    const rows = (this.#rows.get(table) as Cells[]).map((row) => ({ ...row, [column.name]: filled }));
    this.#rows.set(table, rows);
    return { kind: 'schema', table, column, ...this.#next(index, 0, false) };
  }

  #next(index: number, lagMs: number, endsFile: boolean): EntryPlace {
    const begin = this.#place;
    const number = Number(begin.file.slice(-6)) + 1;
    this.#place = endsFile
      ? { ...begin, file: `binlog.${String(number).padStart(6, '0')}`, offset: 4 }
      : { ...begin, offset: begin.offset + entryBytes };
    const loggedMs = this.#nowMs;
    const utcSeconds = Math.floor((epochMs + loggedMs) / 1000);
    return { index, begin, end: this.#place, loggedMs, visibleMs: loggedMs + lagMs, utcSeconds };
  }
}

/** Rows of a table after these entries, in the order of the log. */
export function rowsAfter(table: SimTable, entries: Iterable<Entry>): Cells[] {
  let rows: Cells[] = [...table.initial];
  for (const entry of entries) {
    if (entry.kind === 'schema' && entry.table === table.name) {
      const { name, defaultText } = entry.column;
      rows = rows.map((row) => ({ ...row, [name]: defaultText === null ? null : Number(defaultText) }));
    }
    if (entry.kind !== 'transaction' || entry.isRolledBack) continue;
    for (const { table: name, before, after } of entry.changes) {
      if (name !== table.name) continue;
      const at = before === null ? -1 : rows.findIndex((row) => sameCells(row, before));
      if (at >= 0) rows.splice(at, 1);
      if (after !== null) rows.push(after);
    }
  }
  return rows;
}

export function sameCells(a: Cells, b: Cells): boolean {
  return renderCells(a) === renderCells(b);
}

/** Columns in one order, so that equal rows are equal texts. */
export function renderCells(cells: Cells): string {
  return Object.keys(cells)
    .sort()
    .map((name) => `${name}=${cells[name]}`)
    .join(' ');
}
