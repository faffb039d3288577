import type { Clock } from '../../operator/base/clock.js';

/** A clock whose sleeps pass at once: time goes on only by them, and each is remembered. */
export function manualClock(startMs = Date.UTC(2024, 0, 2, 3, 4, 5)): Clock & { readonly sleptMs: number[] } {
  let elapsedMs = 0;
  const sleptMs: number[] = [];
  return {
    sleptMs,
    nowMs: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    sleep: async (durationMs) => {
      sleptMs.push(durationMs);
      elapsedMs += durationMs;
    },
  };
}
