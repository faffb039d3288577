/**
 * Loaded into mcsync before its own program: waits for a session that is in doubt, minutes and hours, pass at once, and
 * the clock is ahead by as much afterwards; a server that does not answer is given up after 5 s instead of 120 s. All
 * other waits are as they are.
 */
import { systemClock } from '../../operator/dist/base/clock.js';
import { defaultTimeouts } from '../../operator/dist/maxcompute/http.js';

/** Shorter ones pass as they are: they let the other side get on. */
const waitMsMin = 2_000;
const real = { ...systemClock };
let aheadMs = 0;

systemClock.nowMs = () => real.nowMs() + aheadMs;
systemClock.monotonicMs = () => real.monotonicMs() + aheadMs;
systemClock.sleep = async (durationMs, signal) => {
  const isSettling = durationMs >= waitMsMin && /pipeline[/\\]settle\.js/.test(new Error().stack ?? '');
  if (!isSettling) return await real.sleep(durationMs, signal);
  await real.sleep(50, signal);
  aheadMs += durationMs;
};
defaultTimeouts.answerMs = 5_000;
