/**
 * Watches what readers of MaxCompute and of the documents can see, at each moment, and says what must not be: a change
 * that is lost, doubled, torn, invented or under another id; a checkpoint that names too much or too little; a table that
 * is called complete and does not give the source's rows. It shares no code with the pipeline.
 */
import type { CheckpointDocument, PlanDocument, SchemaDocument, Writer } from '../../operator/model/documents.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { Expected } from './expected.js';
import { foldTable } from './fold.js';
import { renderCells, rowsAfter, type SimTable } from './history.js';
import type { LandedRow } from './maxcompute-server.js';
import { indexAfter } from './source.js';
import type { SimDocument } from './store.js';
import type { World } from './world.js';

export class Monitor {
  readonly #world: World;
  readonly #expected: Expected;
  readonly #landed = new Set<string>();
  readonly #writers = new Map<string, Writer>();
  readonly #claims: { readonly name: string; readonly writerId: string; readonly atMs: number }[] = [];
  readonly #intents = new Map<string, string>();
  /** What the last merge of a table was made of: the same again gives the same. */
  readonly #merged = new Map<string, string>();
  readonly #sourceRows = new Map<string, readonly string[]>();
  #checkpoint: CheckpointDocument | null = null;
  #landedUpTo = 0;
  #largestLanded = 0;
  #adopted = '';

  constructor(world: World) {
    this.#world = world;
    this.#expected = new Expected(world.history);
  }

  get checkpoint(): CheckpointDocument | null {
    return this.#checkpoint;
  }

  get rowsLanded(): number {
    return this.#landed.size;
  }

  /** A session's rows have come into a table. */
  landed(sessionId: string, rows: readonly LandedRow[]): void {
    const wrong = this.#wrongRows(rows.filter((row) => row.table.endsWith('_log')));
    if (wrong !== null) this.#world.fail(`${wrong} (${sessionId})`);
  }

  saved(name: string, document: SimDocument): void {
    const wrong =
      this.#wrongWriter(name, document.writer) ??
      (name.endsWith('-checkpoint') ? this.#wrongCheckpoint(document as unknown as CheckpointDocument) : null);
    if (wrong !== null) this.#world.fail(wrong);
  }

  /** Somebody else has claimed one of these documents since. */
  isDisplaced(writerId: string, names: readonly string[], sinceMs: number): boolean {
    return this.#claims.some(
      (claim) => claim.writerId !== writerId && names.includes(claim.name) && claim.atMs >= sinceMs,
    );
  }

  #wrongRows(rows: readonly LandedRow[]): string | null {
    const parts = new Map<number, number>();
    for (const row of rows) {
      const wrong = this.#expected.fault(row);
      if (wrong !== null) return wrong;
      const key = `${row.recordId}/${row.kind}`;
      if (this.#landed.has(key)) return `doubled: record_id ${row.recordId}`;
      this.#landed.add(key);
      parts.set(row.recordId, (parts.get(row.recordId) ?? 0) + 1);
      this.#largestLanded = Math.max(this.#largestLanded, row.recordId);
    }
    for (const [recordId, count] of parts)
      if (count !== this.#expected.partsOf(recordId))
        return `torn: ${count} row of the update with record_id ${recordId}`;
    return null;
  }

  #wrongWriter(name: string, writer: Writer): string | null {
    const before = this.#writers.get(name);
    this.#writers.set(name, writer);
    if (before === undefined || writer.epoch > before.epoch) {
      this.#claims.push({ name, writerId: writer.id, atMs: this.#world.scheduler.nowMs });
      return null;
    }
    const isNext = writer.epoch === before.epoch && writer.id === before.id && writer.seq === before.seq + 1;
    const show = ({ id, epoch, seq }: Writer): string => `${id} ${epoch}/${seq}`;
    return isNext ? null : `fence: ${name} of ${show(writer)} over ${show(before)}`;
  }

  #wrongCheckpoint(next: CheckpointDocument): string | null {
    const before = this.#checkpoint;
    this.#checkpoint = next;
    const { entries, tables } = this.#world.history;
    const index = indexAfter(entries, next.position);
    if (before !== null && (index < indexAfter(entries, before.position) || next.recordId < before.recordId))
      return `checkpoint: goes back from record_id ${before.recordId} to ${next.recordId}`;
    const adopted = this.#wrongAdoption(next, index);
    if (adopted !== null) return adopted;
    const wanted = this.#expected.recordIdAt(index);
    if (wanted !== next.recordId)
      return `checkpoint: record_id ${next.recordId} where the source's changes up to there are ${wanted}`;
    const wrong = this.#wrongReach(next) ?? this.#wrongIntent(next);
    if (wrong !== null) return wrong;
    for (const table of tables) {
      const torn = this.#wrongMerge(next, table, index);
      if (torn !== null) return torn;
    }
    return null;
  }

  /** From here on the stream takes other tables, or takes them from other places. */
  #wrongAdoption(next: CheckpointDocument, index: number): string | null {
    const tables = Object.entries(next.tables);
    const adopted = JSON.stringify(tables.map(([key, { generation, from }]) => [key, generation, from]));
    if (adopted === this.#adopted) return null;
    this.#adopted = adopted;
    const recordId = next.partial?.done ?? next.recordId;
    this.#expected.adopt(index, next.recordId, Object.fromEntries(tables.map(([key, { from }]) => [key, from])));
    if (next.intent !== null) return 'checkpoint: tables change while an intent is open';
    return recordId === next.recordId ? null : 'checkpoint: tables change amid a transaction in parts';
  }

  /** Everything up to the checkpoint is there, and nothing beyond what it names. */
  #wrongReach(next: CheckpointDocument): string | null {
    // A transaction that is too large for one intent is there up to its part.
    const done = next.partial?.done ?? next.recordId;
    while (this.#landedUpTo < done) {
      const recordId = this.#landedUpTo + 1;
      if (!this.#isThere(recordId)) return `lost: record_id ${recordId}, and the checkpoint is at ${done}`;
      this.#landedUpTo = recordId;
    }
    const { upTo } = next.intent ?? {};
    const named = Math.max(done, upTo?.recordId ?? 0, upTo?.partial?.done ?? 0);
    return this.#largestLanded > named
      ? `unnamed: the log holds record_id ${this.#largestLanded}, and the checkpoint names ids up to ${named}`
      : null;
  }

  #isThere(recordId: number): boolean {
    return this.#expected.kindsOf(recordId).every((kind) => this.#landed.has(`${recordId}/${kind}`));
  }

  /** A session belongs to one intent. */
  #wrongIntent({ intent }: CheckpointDocument): string | null {
    for (const { uploadId, lo, hi, blocks } of intent?.sessions ?? []) {
      const { position, recordId, partial } = (intent as NonNullable<typeof intent>).upTo;
      const text = JSON.stringify([position.file, position.offset, recordId, partial?.done, lo, hi, blocks]);
      const before = this.#intents.get(uploadId);
      if (before !== undefined && before !== text) return `intent: ${uploadId} is in two intents`;
      this.#intents.set(uploadId, text);
    }
    return null;
  }

  #wrongMerge(next: CheckpointDocument, table: SimTable, index: number): string | null {
    const key = `shop.${table.name}`;
    const known = next.tables[key];
    const { maxCompute, store, history } = this.#world;
    const plan = store.read<PlanDocument>('shop-plan');
    // As a reader must: while the task is being changed, the baseline is not the one that the checkpoint speaks of.
    const generation = plan?.tables.find((planned) => keyOf(planned.plan) === key)?.generation;
    if (plan?.stage !== 'done' || known?.generation !== generation) return null;
    // Amid a transaction in parts no merge is made: its rows are beyond the checkpoint's record_id.
    if (known?.state !== 'complete' || !history.hasBaselines) return null;
    const base = maxCompute.tables.get(`${table.name}_base`)?.rows ?? [];
    const log = maxCompute.tables.get(`${table.name}_log`)?.rows ?? [];
    const seen = [
      index,
      next.recordId,
      known.baseWatermark,
      known.schemaVersion,
      generation,
      base.length,
      log.length,
    ].join();
    if (this.#merged.get(key) === seen) return null;
    this.#merged.set(key, seen);
    const version = this.#planOf(key, known.schemaVersion);
    if (version === null) return `schema: version ${known.schemaVersion} of ${key} is not stored`;
    const kept = log.filter((row) => row.recordId > known.baseWatermark && row.recordId <= next.recordId);
    const folded = foldTable(table.isKeyed, version, base, kept).map(renderCells).sort();
    const wanted = this.#rowsAt(table, index);
    if (folded.join() === wanted.join()) return null;
    const [more, fewer] = [without(folded, wanted), without(wanted, folded)];
    return `merge: ${key} at record_id ${next.recordId} has [${more.join('; ')}] too much and lacks [${fewer.join('; ')}]`;
  }

  #rowsAt(table: SimTable, index: number): readonly string[] {
    const key = `${table.name}/${index}`;
    const known = this.#sourceRows.get(key);
    if (known !== undefined) return known;
    const rows = rowsAfter(table, this.#world.history.entries.slice(0, index)).map(renderCells).sort();
    this.#sourceRows.set(key, rows);
    return rows;
  }

  #planOf(key: string, schemaVersion: number): TablePlan | null {
    const { store } = this.#world;
    const planned = store.read<PlanDocument>('shop-plan')?.tables.map((table) => table.plan) ?? [];
    const versions = store.read<SchemaDocument>('shop-schema')?.versions ?? [];
    const isWanted = (plan: TablePlan): boolean => keyOf(plan) === key && plan.schemaVersion === schemaVersion;
    return [...versions, ...planned].find(isWanted) ?? null;
  }
}

const keyOf = ({ source }: TablePlan): string => `${source.database}.${source.table}`;

/** Each row as often as it is in `rows` more than in `taken`. */
function without(rows: readonly string[], taken: readonly string[]): string[] {
  const left = [...taken];
  return rows.filter((row) => {
    const at = left.indexOf(row);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
