/**
 * Keeps to the tunnel's documented quotas per table, so that the server need not refuse: a refusal costs more than a
 * wait. In: what is about to be done to which table. Out: the moment when there is room.
 */
import type { Clock } from '../base/clock.js';

export type QuotaKind = 'sessions' | 'blocks' | 'commits';

/** "Limits" of the batch tunnel in the MaxCompute manual. */
export const quotas: Readonly<Record<QuotaKind, { readonly countMax: number; readonly windowMs: number }>> = {
  sessions: { countMax: 500, windowMs: 300_000 },
  blocks: { countMax: 500, windowMs: 300_000 },
  commits: { countMax: 75, windowMs: 15_000 },
};
export const commitsAtOnceMax = 32;

/** Tables remembered; beyond it those without a recent entry are dropped. */
const windowsMax = 4096;

export class TunnelQuota {
  private readonly clock: Clock;
  /** By kind and table: when the last ones were let through, oldest first. */
  private readonly windows = new Map<string, number[]>();
  private readonly committing = new Map<string, { running: number; readonly waiting: (() => void)[] }>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Resolves when one more fits the window of this table. */
  async wait(kind: QuotaKind, table: string): Promise<void> {
    const { countMax, windowMs } = quotas[kind];
    const times = this.windowOf(`${kind} ${table}`);
    for (;;) {
      const nowMs = this.clock.monotonicMs();
      while (times.length > 0 && (times[0] as number) <= nowMs - windowMs) times.shift();
      if (times.length < countMax) {
        times.push(nowMs);
        return;
      }
      await this.clock.sleep((times[0] as number) + windowMs - nowMs);
    }
  }

  /** Runs a commit within both limits of its table. */
  async commit<T>(table: string, step: () => Promise<T>): Promise<T> {
    const state = this.committing.get(table) ?? { running: 0, waiting: [] };
    this.committing.set(table, state);
    if (state.running >= commitsAtOnceMax) await new Promise<void>((resolve) => state.waiting.push(resolve));
    else state.running += 1;
    try {
      await this.wait('commits', table);
      return await step();
    } finally {
      const next = state.waiting.shift();
      if (next !== undefined) next();
      else {
        state.running -= 1;
        if (state.running === 0) this.committing.delete(table);
      }
    }
  }

  private windowOf(key: string): number[] {
    const known = this.windows.get(key);
    if (known !== undefined) return known;
    if (this.windows.size >= windowsMax) this.forgetIdle();
    const times: number[] = [];
    this.windows.set(key, times);
    return times;
  }

  private forgetIdle(): void {
    const nowMs = this.clock.monotonicMs();
    for (const [key, times] of this.windows) {
      const { windowMs } = quotas[key.slice(0, key.indexOf(' ')) as QuotaKind];
      if ((times.at(-1) ?? Number.NEGATIVE_INFINITY) <= nowMs - windowMs) this.windows.delete(key);
    }
  }
}
