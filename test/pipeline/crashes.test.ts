/** Random histories, random deaths: whatever happens, each change stands in the log once. */
import { Crash } from './memory-world.js';
import type { Change, Transaction } from './scripted-source.js';
import { expectedLog, loggedRows, StreamBench } from './stream-bench.js';

const runs = 150;
const firstSeed = Number(process.env.MCSYNC_SEED ?? 1);

/** mulberry32: small, and the same everywhere. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomLog(next: () => number): Transaction[] {
  const ops: Change['op'][] = ['insert', 'update', 'delete'];
  return Array.from({ length: 3 + Math.floor(next() * 20) }, (_, at) => ({
    changes: Array.from({ length: Math.floor(next() * 8) }, () => ({
      table: next() < 0.7 ? 'orders' : 'items',
      op: ops[Math.floor(next() * 3)] as Change['op'],
      id: Math.floor(next() * 50),
      utcSeconds: Date.UTC(2026, 0, 1, Math.floor(at / 5)) / 1000,
    })),
    isRolledBack: next() < 0.05,
  }));
}

test(`${runs} histories with deaths, lost answers and forgotten sessions, from seed ${firstSeed}`, async () => {
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const next = random(seed);
    const log = randomLog(next);
    const bench = new StreamBench(log, ['orders', 'items']);
    let deathsLeft = 12;
    const lives = await bench.liveOn((name) => {
      if (deathsLeft === 0 || next() > 0.03) return;
      deathsLeft -= 1;
      const isCommit = name === 'commitUpload';
      for (const session of [...bench.maxCompute.sessions.values()]) {
        const isNamed =
          bench.store.documents.get('shop-checkpoint')?.body.includes(`"${session.ref.uploadId}"`) ?? false;
        if (isCommit && isNamed && next() < 0.5) bench.maxCompute.commit(session.ref);
        if (next() < 0.1) bench.maxCompute.forget(session.ref.uploadId);
      }
      throw new Crash(name);
    });
    for (const table of ['orders', 'items']) {
      const seen = loggedRows(bench, table);
      const wanted = expectedLog(log, table);
      if (JSON.stringify(seen) !== JSON.stringify(wanted))
        throw new Error(`seed ${seed}, ${table}, ${lives} lives: ${JSON.stringify({ seen, wanted })}`);
    }
  }
});
