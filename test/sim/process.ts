/**
 * One simulated worker process. Whatever reaches it, answers and timers, comes through `deliver`: the dead get nothing, the
 * paused get it when they go on. It never ends what it has already sent: that is on its way.
 */
import type { Clock } from '../../operator/base/clock.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';
import type { Trace } from './trace.js';

export type Role = 'prepare' | 'snapshot' | 'stream';

export class SimProcess {
  readonly name: string;
  readonly role: Role;
  readonly stop = new AbortController();
  readonly deadline = new AbortController();
  readonly startedMs: number;
  /** Wall clock against true time. */
  wallOffsetMs = 0;
  readonly #scheduler: Scheduler;
  readonly #trace: Trace;
  readonly #onDeath: (process: SimProcess) => void;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #held: (() => void)[] = [];

  constructor(
    name: string,
    role: Role,
    world: { readonly scheduler: Scheduler; readonly trace: Trace },
    onDeath: (process: SimProcess) => void,
  ) {
    this.name = name;
    this.role = role;
    this.#scheduler = world.scheduler;
    this.#trace = world.trace;
    this.#onDeath = onDeath;
    this.startedMs = world.scheduler.nowMs;
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  deliver(run: () => void): void {
    if (this.#state === 'paused') this.#held.push(run);
    if (this.#state !== 'running') return;
    run();
    this.#scheduler.wake();
  }

  /** Ended by itself: nothing more reaches it. */
  end(): void {
    this.#state = 'dead';
    this.#held = [];
  }

  kill(): void {
    if (this.isDead) return;
    this.#trace.add(this.name, 'killed');
    this.end();
    this.#onDeath(this);
  }

  pause(durationMs: number): void {
    if (this.#state !== 'running') return;
    this.#trace.add(this.name, `paused for ${(durationMs / 1000).toFixed(1)} s`);
    this.#state = 'paused';
    this.#scheduler.after(durationMs, () => this.#resume());
  }

  #resume(): void {
    if (this.#state !== 'paused') return;
    this.#trace.add(this.name, 'goes on');
    this.#state = 'running';
    const held = this.#held;
    this.#held = [];
    for (const run of held) this.#scheduler.after(0, () => this.deliver(run));
  }

  clock(epochMs: number): Clock {
    return {
      nowMs: () => Math.floor(epochMs + this.#scheduler.nowMs + this.wallOffsetMs),
      monotonicMs: () => this.#scheduler.nowMs,
      sleep: (durationMs, signal) => this.#sleep(durationMs, signal),
    };
  }

  #sleep(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#scheduler.after(durationMs, () =>
        this.deliver(() => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        }),
      );
    });
  }
}

/** The step of a wall clock that a person, or a time server, sets. */
export function wallStepMs(random: Random): number {
  return (random.chance(0.5) ? 1 : -1) * random.spread(1_000, 30 * 3_600_000);
}
