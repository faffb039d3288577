/** Numbers drawn from a seed: one seed, one sequence. (mulberry32: 32 bits of state, enough to draw faults and rows.) */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('nothing to pick from');
    return list[this.below(list.length)] as T;
  }

  weighted<T extends { readonly weight: number }>(list: readonly T[]): T {
    let place = this.next() * list.reduce((sum, { weight }) => sum + weight, 0);
    for (const each of list) {
      place -= each.weight;
      if (place < 0) return each;
    }
    return this.pick(list);
  }

  /** Draws of its own, so that what one part draws does not depend on how often another one drew. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 4_294_967_296));
  }
}
