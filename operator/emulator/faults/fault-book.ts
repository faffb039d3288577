/**
 * Which fault hits a request: the decision without the doing. In: what is known of a request. Out: the effect of the first
 * fault that hits it, or null. Faults behind that one do not see the request. It knows no HTTP and no store.
 */
import { type Effect, effectName, type Fault, type RequestKind, sessionEffects } from './fault.js';

export interface RequestFacts {
  readonly kind: RequestKind;
  /** In lower case; null where the request names none. */
  readonly table: string | null;
  readonly partition: string | null;
}

export interface ListedFault extends Fault {
  readonly id: string;
  readonly times: number | 'always';
  readonly skip: number;
  readonly chance: number;
  readonly seed: number;
  /** Requests that fit, whether they were hit or not. */
  readonly seen: number;
  readonly hits: number;
}

interface Entry {
  readonly id: string;
  readonly fault: Fault;
  readonly seed: number;
  readonly draw: () => number;
  seen: number;
  hits: number;
}

export class FaultBook {
  private readonly entries = new Map<string, Entry>();
  private nextId = 1;

  get isEmpty(): boolean {
    return this.entries.size === 0;
  }

  /** Returns the id. `seed` is taken where the fault has none. */
  add(fault: Fault, seed: number): string {
    const id = `f${this.nextId}`;
    this.nextId += 1;
    const used = fault.seed ?? seed;
    this.entries.set(id, { id, fault, seed: used, draw: randomFrom(used), seen: 0, hits: 0 });
    return id;
  }

  /** False when there is none of this id. */
  remove(id: string): boolean {
    return this.entries.delete(id);
  }

  clear(): void {
    this.entries.clear();
  }

  /** In the order in which they are asked. Those that hit for the last time stay, so that their hits can be read. */
  list(): ListedFault[] {
    return [...this.entries.values()].map(({ id, fault, seed, seen, hits }) => ({
      id,
      ...fault,
      skip: fault.skip ?? 0,
      times: fault.times ?? 1,
      chance: fault.chance ?? 1,
      seed,
      seen,
      hits,
    }));
  }

  decide(facts: RequestFacts): Effect | null {
    for (const entry of this.entries.values()) {
      const { fault } = entry;
      if (!fits(fault, facts)) continue;
      entry.seen += 1;
      const { times = 1, chance = 1, skip = 0 } = fault;
      if (entry.seen <= skip || (times !== 'always' && entry.hits >= times)) continue;
      if (chance < 1 && entry.draw() >= chance) continue;
      entry.hits += 1;
      return fault.do;
    }
    return null;
  }
}

function fits(fault: Fault, facts: RequestFacts): boolean {
  if (fault.on !== 'any' && fault.on !== facts.kind) return false;
  const kinds = sessionEffects[effectName(fault.do)];
  if (kinds !== undefined && !kinds.includes(facts.kind)) return false;
  if (fault.table !== undefined && fault.table.toLowerCase() !== facts.table) return false;
  return fault.partition === undefined || (facts.partition !== null && isSame(fault.partition, facts.partition));
}

/** Clients differ in quotes and spaces. */
function isSame(left: string, right: string): boolean {
  const plain = (spec: string): string => spec.replace(/['"\s]/g, '');
  return plain(left) === plain(right);
}

/** mulberry32: small, and the same everywhere. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
