import { commitsAtOnceMax, TunnelQuota } from '../../operator/maxcompute/quota.js';
import { manualClock } from './manual-clock.js';

describe('tunnel quota', () => {
  it('lets 500 sessions of a table through in 5 minutes, and the next one when the first is that old', async () => {
    const clock = manualClock();
    const quota = new TunnelQuota(clock);
    for (let count = 0; count < 500; count += 1) await quota.wait('sessions', 'orders_log');
    expect(clock.sleptMs).toEqual([]);
    await quota.wait('sessions', 'orders_log');
    expect(clock.sleptMs).toEqual([300_000]);
  });

  it('counts tables, and kinds, apart', async () => {
    const clock = manualClock();
    const quota = new TunnelQuota(clock);
    for (let count = 0; count < 500; count += 1) {
      await quota.wait('sessions', 'orders_log');
      await quota.wait('blocks', 'orders_log');
      await quota.wait('sessions', 'users_log');
    }
    expect(clock.sleptMs).toEqual([]);
  });

  it('lets 75 commits through in 15 seconds', async () => {
    const clock = manualClock();
    const quota = new TunnelQuota(clock);
    for (let count = 0; count < 76; count += 1) await quota.commit('orders_log', async () => undefined);
    expect(clock.sleptMs).toEqual([15_000]);
  });

  it('runs 32 commits of a table at once, and frees a place when one fails', async () => {
    const quota = new TunnelQuota(manualClock());
    let running = 0;
    let most = 0;
    const ends: (() => void)[] = [];
    const commits = Array.from({ length: 40 }, (_, index) =>
      quota.commit('orders_log', async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise<void>((resolve) => ends.push(resolve));
        running -= 1;
        if (index % 2 === 0) throw new Error('lost');
      }),
    );
    const settled = Promise.allSettled(commits);
    for (let ended = 0; ended < 40; ended += 1) {
      while (ends.length === 0) await Promise.resolve();
      ends.shift()?.();
    }
    const outcomes = await settled;
    expect(most).toBe(commitsAtOnceMax);
    expect(outcomes.filter((outcome) => outcome.status === 'rejected')).toHaveLength(20);
  });
});
