/** The figures of many seeds, added up. */
import type { SeedResult } from './seed.js';
import { kindOf } from './shrink.js';

export class Totals {
  readonly mutant: string | null;
  readonly firstSeed: number;
  readonly faults: Record<string, number> = {};
  readonly ends: Record<string, number> = {};
  readonly failures: { readonly seed: number; readonly kind: string }[] = [];
  seeds = 0;
  lives = 0;
  kills = 0;
  commits = 0;
  changes = 0;
  rows = 0;
  events = 0;
  simulatedHours = 0;

  constructor(mutant: string | null, firstSeed: number) {
    this.mutant = mutant;
    this.firstSeed = firstSeed;
  }

  get failed(): number {
    return this.failures.length;
  }

  add(result: SeedResult): void {
    this.seeds += 1;
    this.lives += result.lives;
    this.kills += result.kills;
    this.commits += result.commits;
    this.changes += result.changes;
    this.rows += result.rows;
    this.events += result.events;
    this.simulatedHours += result.simulatedMs / 3_600_000;
    addCounts(this.faults, result.faults);
    addCounts(this.ends, result.ends);
    if (result.failure !== null) this.failures.push({ seed: result.seed, kind: kindOf(result) });
  }
}

function addCounts(total: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [key, count] of Object.entries(more)) total[key] = (total[key] ?? 0) + count;
}
