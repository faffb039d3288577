/**
 * Secrets change in two places, never at one moment: at the server, and in the file that we read. A worker that is at work
 * waits out the time between; a first run, which may as well have a wrong password, does not (no patience given).
 * In: what to try with the secrets of now. Out: its result, or the last rejection. No secret is kept or told.
 */
import type { Clock } from './clock.js';
import { SyncError } from './errors.js';

export interface RejectionPatience {
  readonly clock: Clock;
  /** From the first rejection to the one that goes up. */
  readonly waitMs: number;
  /** Ends the wait, with its reason. */
  readonly signal?: AbortSignal;
  /** Told before each wait; `delayMs` until the next try with secrets that are still the same. */
  readonly onWait?: (error: SyncError, attempt: number, delayMs: number) => void;
}

export interface RejectedStep<Secrets, T> {
  /** The secrets of now: plain values that JSON can hold. May throw a rejection of its own (a file that is being replaced). */
  readonly read: () => Secrets | Promise<Secrets>;
  readonly isRejection: (error: SyncError) => boolean;
  readonly run: (secrets: Secrets) => Promise<T>;
}

export const rejectionWaitMs = 120_000;
/** A changed file is seen so soon: secrets on disk are looked at once in a second anyway. */
const lookMs = 1_000;
/** With secrets that stay the same few tries, and far apart: servers lock accounts after some (FAILED_LOGIN_ATTEMPTS). */
const firstDelayMs = 15_000;

export async function withPatience<Secrets, T>(
  patience: RejectionPatience | undefined,
  { read, isRejection, run }: RejectedStep<Secrets, T>,
): Promise<T> {
  let firstMs: number | null = null;
  for (let attempt = 1; ; attempt += 1) {
    let used: Secrets | null = null;
    try {
      used = await read();
      return await run(used);
    } catch (error) {
      if (patience === undefined || !(error instanceof SyncError) || !isRejection(error)) throw error;
      const { clock, waitMs, onWait } = patience;
      firstMs ??= clock.monotonicMs();
      const leftMs = firstMs + waitMs - clock.monotonicMs();
      if (leftMs <= 0) throw error;
      const delayMs = Math.min(firstDelayMs * 3 ** (attempt - 1), leftMs);
      onWait?.(error, attempt, delayMs);
      await waitForChange(patience, delayMs, JSON.stringify(used), read);
    }
  }
}

async function waitForChange(
  { clock, signal }: RejectionPatience,
  delayMs: number,
  before: string,
  read: () => unknown,
): Promise<void> {
  const untilMs = clock.monotonicMs() + delayMs;
  for (let leftMs = delayMs; leftMs > 0; leftMs = untilMs - clock.monotonicMs()) {
    await clock.sleep(Math.min(lookMs, leftMs), signal);
    const now = await readOrUnchanged(read, before);
    if (now !== before) return;
  }
}

/** What cannot be read now is no change: it is tried when the time has come. */
async function readOrUnchanged(read: () => unknown, before: string): Promise<string> {
  try {
    return JSON.stringify(await read());
  } catch (error) {
    if (error instanceof SyncError) return before;
    throw error;
  }
}
