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
  readonly #sourceRows = new Map<string, string>();
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
    const parts = new Map<number, number>();
    for (const row of rows) {
      if (!row.table.endsWith('_log')) continue;
      const wrong = this.#expected.fault(row);
      if (wrong !== null) return this.#world.fail(`${sessionId}: ${wrong}`);
      const key = `${row.recordId}/${row.kind}`;
      if (this.#landed.has(key)) return this.#world.fail(`doubled: record_id ${row.recordId} by ${sessionId}`);
      this.#landed.add(key);
      parts.set(row.recordId, (parts.get(row.recordId) ?? 0) + 1);
      this.#largestLanded = Math.max(this.#largestLanded, row.recordId);
    }
    for (const [recordId, count] of parts)
      if (count !== this.#expected.partsOf(recordId))
        return this.#world.fail(`torn: ${count} row of the update with record_id ${recordId} in ${sessionId}`);
  }

  saved(name: string, document: SimDocument): void {
    this.#checkWriter(name, document.writer);
    if (name.endsWith('-checkpoint')) this.#checkCheckpoint(document as unknown as CheckpointDocument);
  }

  /** Somebody else has claimed one of these documents since. */
  isDisplaced(writerId: string, names: readonly string[], sinceMs: number): boolean {
    return this.#claims.some(
      (claim) => claim.writerId !== writerId && names.includes(claim.name) && claim.atMs >= sinceMs,
    );
  }

  #checkWriter(name: string, writer: Writer): void {
    const before = this.#writers.get(name);
    this.#writers.set(name, writer);
    if (before === undefined || writer.epoch > before.epoch) {
      this.#claims.push({ name, writerId: writer.id, atMs: this.#world.scheduler.nowMs });
      return;
    }
    const isNext = writer.epoch === before.epoch && writer.id === before.id && writer.seq === before.seq + 1;
    if (!isNext)
      this.#world.fail(
        `fence: ${name} of ${writer.id} ${writer.epoch}/${writer.seq} over ${before.id} ${before.epoch}/${before.seq}`,
      );
  }

  #checkCheckpoint(next: CheckpointDocument): void {
    const before = this.#checkpoint;
    this.#checkpoint = next;
    const { entries } = this.#world.history;
    const index = indexAfter(entries, next.position);
    if (before !== null && (index < indexAfter(entries, before.position) || next.recordId < before.recordId))
      return this.#world.fail(`checkpoint: goes back from record_id ${before.recordId} to ${next.recordId}`);
    this.#adopt(next, index);
    const wanted = this.#expected.recordIdAt(index);
    if (wanted !== next.recordId)
      return this.#world.fail(
        `checkpoint: record_id ${next.recordId} where the source's changes up to there are ${wanted}`,
      );
    this.#checkRows(next);
    this.#checkIntent(next);
    for (const table of this.#world.history.tables) this.#checkComplete(next, table, index);
  }

  /** From here on the stream takes other tables, or takes them from other places. */
  #adopt(next: CheckpointDocument, index: number): void {
    const tables = Object.fromEntries(Object.entries(next.tables).map(([key, { from }]) => [key, from]));
    const adopted = JSON.stringify(
      Object.entries(next.tables).map(([key, table]) => [key, table.generation, table.from]),
    );
    if (adopted === this.#adopted) return;
    if (next.intent !== null) this.#world.fail('checkpoint: tables change while an intent is open');
    this.#adopted = adopted;
    this.#expected.adopt(index, next.recordId, tables);
  }

  /** Everything up to the checkpoint is there, and nothing beyond what it names. */
  #checkRows(next: CheckpointDocument): void {
    const done = partialOf(next) ?? next.recordId;
    while (this.#landedUpTo < done) {
      const recordId = this.#landedUpTo + 1;
      if (!this.#isThere(recordId))
        return this.#world.fail(`lost: record_id ${recordId}, and the checkpoint is at ${done}`);
      this.#landedUpTo = recordId;
    }
    const { upTo } = next.intent ?? {};
    const named = Math.max(done, upTo?.recordId ?? 0, upTo?.partial?.done ?? 0);
    if (this.#largestLanded > named)
      this.#world.fail(`checkpoint: names ids up to ${named}, and the log holds ${this.#largestLanded}`);
  }

  #isThere(recordId: number): boolean {
    return this.#expected.kindsOf(recordId).every((kind) => this.#landed.has(`${recordId}/${kind}`));
  }

  /** A session belongs to one intent. */
  #checkIntent(next: CheckpointDocument): void {
    for (const session of next.intent?.sessions ?? []) {
      const { upTo } = next.intent as NonNullable<CheckpointDocument['intent']>;
      const { file, offset } = upTo.position;
      const text = JSON.stringify([file, offset, upTo.recordId, session.lo, session.hi, session.blocks]);
      const before = this.#intents.get(session.uploadId);
      if (before !== undefined && before !== text) this.#world.fail(`intent: ${session.uploadId} is in two intents`);
      this.#intents.set(session.uploadId, text);
    }
  }

  #checkComplete(next: CheckpointDocument, table: SimTable, index: number): void {
    const key = `shop.${table.name}`;
    const known = next.tables[key];
    const { maxCompute, store, history } = this.#world;
    const plan = store.read<PlanDocument>('shop-plan');
    // As a reader must: while the task is being changed, the baseline is not the one that the checkpoint speaks of.
    const generation = plan?.tables.find((planned) => keyOf(planned.plan) === key)?.generation;
    if (plan?.stage !== 'done' || known?.generation !== generation) return;
    if (known?.state !== 'complete' || !history.hasBaselines) return;
    const base = maxCompute.tables.get(`${table.name}_base`)?.rows ?? [];
    const log = maxCompute.tables.get(`${table.name}_log`)?.rows ?? [];
    const version = this.#planOf(key, known.schemaVersion);
    if (version === null) return this.#world.fail(`schema: version ${known.schemaVersion} of ${key} is not stored`);
    const kept = log.filter((row) => row.recordId > known.baseWatermark && row.recordId <= next.recordId);
    const folded = foldTable(table.isKeyed, version, base, kept).map(renderCells).sort().join('; ');
    const wanted = this.#rowsAt(table, index);
    if (folded === wanted) return;
    this.#world.fail(`merge: ${key} at record_id ${next.recordId} gives (${folded}), the source has (${wanted})`);
  }

  #rowsAt(table: SimTable, index: number): string {
    const key = `${table.name}/${index}`;
    const known = this.#sourceRows.get(key);
    if (known !== undefined) return known;
    const rows = rowsAfter(table, this.#world.history.entries.slice(0, index));
    const text = rows.map(renderCells).sort().join('; ');
    this.#sourceRows.set(key, text);
    return text;
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

/** Record ids up to here are in the logs already, of a transaction that is too large for one intent. */
function partialOf(document: CheckpointDocument): number | null {
  return document.partial?.done ?? null;
}
