/** The emulator's wall clock: another one, set forward or back. Session ages, `Initiated` and the Date header follow it. */
import type { Clock } from '../base/clock.js';

export class SkewedClock implements Clock {
  /** Milliseconds that are added to the wall clock; below zero it is slow. */
  skewMs: number;
  private readonly clock: Clock;

  constructor(clock: Clock, skewMs: number) {
    this.clock = clock;
    this.skewMs = skewMs;
  }

  nowMs(): number {
    return this.clock.nowMs() + this.skewMs;
  }

  monotonicMs(): number {
    return this.clock.monotonicMs();
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    return this.clock.sleep(durationMs, signal);
  }
}
