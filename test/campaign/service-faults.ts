/**
 * What the service itself does wrong, by the emulator's fault API (docs/emulator.md): answers that are false or late, requests
 * that land after they were given up, sessions that end. Not here is what makes mcsync wait for many minutes on purpose: a
 * session that is forgotten after its commit was asked for.
 */
import type { Fault as EmulatorFault } from '../../operator/emulator/faults/fault.js';
import type { Fault } from './faults.js';
import type { Random } from './random.js';
import type { Emulator } from './world.js';
import { accessKey } from './world.js';

const lastsMs = 5_000;

export const serviceFaults: readonly Fault[] = [
  service('429 with Retry-After', 0.7, () => ({ on: 'any', do: { answer: { status: 429, retryAfter: 1 } }, times: 5 })),
  service('500 or 503', 0.7, (random) => ({
    on: random.pick(['any', 'commit', 'putBlock', 'query']),
    do: {
      answer: { status: random.pick([500, 503]), html: random.chance(0.5), when: random.pick(['before', 'after']) },
    },
    times: random.between(1, 4),
  })),
  service('a commit that lands late', 1.5, (random) => ({
    on: 'commit',
    do: { late: { lands: { afterMs: random.between(100, 3_000) }, answer: random.pick(['reset', { status: 500 }]) } },
    times: random.between(1, 4),
  })),
  service('a commit that stays COMMITTING', 1.5, (random) => ({
    on: 'commit',
    do: {
      committing: {
        lands: { afterMs: random.between(100, 3_000) },
        outcome: random.chance(0.7) ? 'closed' : 'normal',
        answer: random.pick(['success', 'reset', { status: 502 }]),
      },
    },
    times: random.between(1, 4),
  })),
  service('a block that lands late', 1, (random) => ({
    on: 'putBlock',
    do: {
      late: {
        lands: random.pick([{ afterMs: random.between(100, 2_000) }, { beforeRequest: 1 }, { afterRequest: 1 }]),
        answer: random.pick(['reset', { status: 500 }]),
      },
    },
    times: random.between(1, 4),
  })),
  service('a block that is acknowledged and lost', 0.7, () => ({ on: 'putBlock', do: { loseBlock: true } })),
  service('a block list that is wrong once', 0.7, (random) => ({
    on: 'reload',
    do: { blockList: random.pick([{ omit: [0] }, { add: [{ id: 77, rows: 5 }] }, { moreRows: 1 }]) },
    times: random.between(1, 2),
  })),
  service('a session that ends while it is filled', 0.7, (random) => ({
    on: 'putBlock',
    do: { session: random.pick(['expired', 'canceled', 'forgotten']) },
  })),
  service('a connection that breaks at a byte', 0.7, (random) => ({
    on: random.pick(['any', 'putBlock', 'commit']),
    do: { reset: random.pick([{ requestByte: random.below(2_000) }, { answerByte: random.below(400) }]) },
    times: random.between(1, 3),
  })),
];

function service(name: string, weight: number, draw: (random: Random) => EmulatorFault): Fault {
  return {
    name: `service: ${name}`,
    weight,
    isKill: false,
    isPossible: (scene) => scene.isWhole('emulator') && scene.isWhole('service'),
    strike: async (scene) => {
      const { emulator } = scene.world;
      const fault = { ...draw(scene.random), seed: scene.random.below(1_000_000) };
      await ask(emulator, 'POST', fault);
      // A kill in between takes the faults with it; they are not kept.
      scene.breakFor('service', lastsMs, () => ask(emulator, 'DELETE').catch(() => undefined));
    },
  };
}

async function ask({ port }: Emulator, method: 'POST' | 'DELETE', fault?: EmulatorFault): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/mcsync/faults`, {
    method,
    headers: { Authorization: `Basic ${Buffer.from(`${accessKey.id}:${accessKey.secret}`).toString('base64')}` },
    ...(fault === undefined ? {} : { body: JSON.stringify(fault) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`the emulator refuses ${JSON.stringify(fault)}: ${text}`);
}
