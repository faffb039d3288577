/**
 * Asks for tables to be copied anew now and then, so that snapshots are under way whenever faults come; and notes what the
 * checker must know of it: changes that lie between the place of the stream and the new start position of a table are in
 * its new baseline, not in its log. A note says which changes these can be at most.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './program.js';
import type { Random } from './random.js';
import { tables, turns } from './tables.js';
import type { World } from './world.js';
import type { Writer } from './writer.js';

/** Beside the large one. `turns` tells whose transaction a log row belongs to, so it is never left out of the log. */
const candidates = tables.filter((table) => table !== turns && table.name !== 'big').map(({ name }) => name);
const lookMs = 200;
/** Another one has the config document at the same moment, or it cannot be saved just now. */
const passingEnds = [68, 75];

export class Resnapshots {
  asked = 0;
  refused = 0;
  readonly #world: World;
  readonly #random: Random;
  readonly #writers: readonly Writer[];
  /** The last start position seen of each table; and the record id at or below which no change of it may be left out. */
  readonly #seen = new Map<string, { readonly start: string; generation: number }>();
  readonly #after = new Map<string, number>();
  readonly #stop: (() => void)[] = [];

  constructor(world: World, random: Random, writers: readonly Writer[]) {
    this.#world = world;
    this.#random = random;
    this.#writers = writers;
    const timer = setInterval(() => this.#look(), lookMs);
    this.#stop.push(() => clearInterval(timer));
    this.#stop.push(world.state.listen((document) => document === 'plan' && this.#look()));
  }

  stop(): void {
    for (const stop of this.#stop) stop();
    this.#look();
  }

  /** All tables are complete, and no request is waiting. */
  get isSettled(): boolean {
    const { state } = this.#world;
    const plan = state.plan();
    const checkpoint = state.checkpoint();
    if (plan?.stage !== 'done' || checkpoint === null) return false;
    if (state.requestedNonce() !== plan.resnapshotNonce) return false;
    return plan.tables.every(({ plan: { source }, generation }) => {
      const table = Object.entries(checkpoint.tables).find(([key]) => key.endsWith(`.${source.table}`))?.[1];
      return table?.state === 'complete' && table.generation === generation;
    });
  }

  async ask(): Promise<void> {
    const { state, taskFile } = this.#world;
    const chosen = [...candidates.filter(() => this.#random.chance(0.25)), 'big'];
    const recordId = state.checkpoint()?.recordId ?? 0;
    for (const table of chosen) this.#after.set(table, recordId);
    const { code, stderr } = await runProgram([
      ...['resnapshot', '-f', taskFile, '--state', state.path],
      ...chosen.map((table) => `campaign.${table}`),
    ]);
    if (code === 0) this.asked += 1;
    else if (passingEnds.includes(code)) this.refused += 1;
    else throw new Error(`mcsync resnapshot ended with ${code}: ${stderr}`);
  }

  /** Each start position that a table is given, with where its writers were when it was seen. */
  #look(): void {
    for (const { plan, generation, from } of this.#world.state.plan()?.tables ?? []) {
      const { table } = plan.source;
      const start = JSON.stringify([generation, from]);
      if (this.#seen.get(table)?.start === start) continue;
      this.#seen.set(table, { start, generation });
      const seqs = this.#writers.map(({ seq }) => seq);
      const note = { table, generation, afterRecordId: this.#after.get(table) ?? 0, seqs };
      appendFileSync(join(this.#world.folder, 'starts.jsonl'), `${JSON.stringify(note)}\n`);
    }
  }
}
