/** How often a table may be written to, as the service counts: so many calls in a sliding time. Beyond: 429 with a wait. */
import type { Clock } from '../base/clock.js';
import { ServiceError } from './service-error.js';

export interface Quota {
  readonly calls: number;
  readonly periodMs: number;
}

export interface Quotas {
  readonly sessions: Quota;
  readonly blocks: Quota;
  readonly commits: Quota;
}

/** Manual, limits of the batch tunnel, per table. */
export const serviceQuotas: Quotas = {
  sessions: { calls: 500, periodMs: 300_000 },
  blocks: { calls: 500, periodMs: 300_000 },
  commits: { calls: 75, periodMs: 15_000 },
};

export class QuotaCounter {
  private readonly quotas: Quotas | null;
  private readonly clock: Clock;
  /** Times of the calls of the last period, oldest first. */
  private readonly calls = new Map<string, number[]>();

  constructor(quotas: Quotas | null, clock: Clock) {
    this.quotas = quotas;
    this.clock = clock;
  }

  take(what: keyof Quotas, tableId: number): void {
    if (this.quotas === null) return;
    const { calls: callsMax, periodMs } = this.quotas[what];
    // A wall clock that is set back would keep the window shut.
    const now = this.clock.monotonicMs();
    const key = `${what} ${tableId}`;
    const recent = (this.calls.get(key) ?? []).filter((at) => now - at < periodMs);
    this.calls.set(key, recent);
    if (recent.length >= callsMax) {
      const waitSeconds = Math.max(1, Math.ceil(((recent[0] as number) + periodMs - now) / 1000));
      throw new ServiceError(
        429,
        'FlowExceeded',
        `More than ${callsMax} ${what} in ${periodMs / 1000} s on this table.`,
        {
          'Retry-After': String(waitSeconds),
        },
      );
    }
    recent.push(now);
  }
}
