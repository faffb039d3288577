/** What a fault may lay hands on, and what is still broken from faults before: each thing is broken once at a time. */
import { sleep } from './moments.js';
import type { Random } from './random.js';
import type { SyncRun } from './sync-run.js';
import type { World } from './world.js';

export type Thing = 'source wire' | 'target wire' | 'server' | 'emulator' | 'service' | 'processes';

export class Scene {
  readonly world: World;
  readonly run: SyncRun;
  readonly random: Random;
  readonly #broken = new Map<Thing, Promise<void>>();
  #failure: unknown = null;
  #isOver = false;

  constructor(world: World, run: SyncRun, random: Random) {
    this.world = world;
    this.run = run;
    this.random = random;
  }

  isWhole(thing: Thing): boolean {
    return !this.#broken.has(thing);
  }

  /** `mend` is called after `ms`, while other faults come. */
  breakFor(thing: Thing, ms: number, mend: () => void | Promise<void>): void {
    const mended = sleep(ms)
      .then(() => (this.#isOver ? undefined : mend()))
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#broken.delete(thing));
    this.#broken.set(thing, mended);
  }

  /** Throws what a mend has found, and where the campaign is over. */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#isOver) throw new Error('the campaign is over');
  }

  /** Nothing is mended or started any more. */
  end(): void {
    this.#isOver = true;
    this.run.close();
  }

  async mended(): Promise<void> {
    await Promise.all(this.#broken.values());
    this.check();
  }
}
