import type { Clock } from './clock.js';
import { SyncError } from './errors.js';

export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attemptsMax: number;
  /** Wait before the second try; doubles from there. */
  readonly firstDelayMs: number;
  readonly delayMsMax: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Told before each wait, so that a long outage is seen by the one who waits. */
  readonly onRetry?: (error: SyncError, attempt: number, delayMs: number) => void;
}

/**
 * Runs `step` until it succeeds, for as long as it fails with a retryable `SyncError`.
 * A terminal `SyncError`, and anything that is not a `SyncError` (a bug), passes through at once.
 */
export async function retry<T>(policy: RetryPolicy, step: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await step(attempt);
    } catch (error) {
      if (!(error instanceof SyncError) || !error.isRetryable || attempt >= policy.attemptsMax) throw error;
      const backoffMs = Math.min(policy.firstDelayMs * 2 ** (attempt - 1), policy.delayMsMax);
      const delayMs = Math.max(backoffMs, error.retryAfterMs ?? 0);
      policy.onRetry?.(error, attempt, delayMs);
      await policy.clock.sleep(delayMs, policy.signal);
    }
  }
}
