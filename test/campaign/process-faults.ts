/** What happens to processes: killed, stopped for a while, asked to end, started twice. */
import type { Fault } from './faults.js';
import { sleep } from './moments.js';
import { isAlive, type Role, runProgram, signal } from './program.js';
import type { Scene } from './scene.js';

/** A worker whose parent is gone ends as soon as it runs; the bound is for a machine that hardly runs at all. */
const orphanMsMax = 60_000;
const secondRunMsMax = 60_000;
const anotherWriter = 68;

export const processFaults: readonly Fault[] = [
  {
    name: 'kill -9 of run and workers',
    weight: 20,
    isKill: true,
    isPossible: (scene) => scene.isWhole('processes'),
    strike: (scene) => scene.run.killAll(),
  },
  {
    name: 'kill -9 of run alone',
    weight: 10,
    isKill: true,
    isPossible: (scene) => scene.isWhole('processes'),
    strike: (scene) => scene.run.killParent(),
  },
  killWorker('stream', 10),
  // Not always there: drawn often while they are.
  killWorker('snapshot', 40),
  killWorker('prepare', 25),
  {
    name: 'kill -9 of run, its stopped worker comes back later',
    weight: 4,
    isKill: true,
    isPossible: (scene) => scene.isWhole('processes') && scene.run.workers().length > 0,
    strike: leaveOrphan,
  },
  {
    name: 'kill -9 of the database server',
    weight: 3,
    isKill: true,
    isPossible: (scene) => scene.isWhole('server'),
    strike: async (scene) => {
      scene.world.server.kill();
      scene.breakFor('server', scene.random.below(2_000), () => scene.world.server.restart());
    },
  },
  {
    name: 'kill -9 of the emulator',
    weight: 4,
    isKill: true,
    isPossible: (scene) => scene.isWhole('emulator'),
    strike: async (scene) => {
      await scene.world.emulator.kill();
      scene.breakFor('emulator', scene.random.below(2_000), () => scene.world.emulator.start());
    },
  },
  {
    name: 'SIGTERM to run',
    weight: 2,
    isKill: false,
    isPossible: (scene) => scene.isWhole('processes'),
    strike: (scene) => scene.run.terminate(),
  },
  {
    name: 'SIGSTOP, SIGCONT later',
    weight: 3,
    isKill: false,
    isPossible: (scene) => scene.isWhole('processes'),
    strike: async (scene) => {
      const { random, run } = scene;
      const workers = run.workers().map(({ pid }) => pid);
      const stopped = random.chance(0.5) || workers.length === 0 ? [run.pid, ...workers] : [random.pick(workers)];
      for (const pid of stopped) signal(pid, 'SIGSTOP');
      scene.breakFor('processes', random.between(200, 4_000), () => {
        for (const pid of stopped) signal(pid, 'SIGCONT');
      });
    },
  },
  {
    name: 'a second run on the folder',
    weight: 0.5,
    isKill: false,
    isPossible: (scene) => scene.isWhole('processes') && scene.run.isRunning,
    strike: startSecond,
  },
];

function killWorker(role: Role, weight: number): Fault {
  return {
    name: `kill -9 of the ${role} worker`,
    weight,
    isKill: true,
    isPossible: (scene) => scene.run.workers(role).length > 0,
    strike: async (scene) => {
      for (const { pid } of scene.run.workers(role)) signal(pid, 'SIGKILL');
    },
  };
}

/** A worker sleeps through the death of its parent, and wakes up beside the worker of the next run. */
async function leaveOrphan(scene: Scene): Promise<void> {
  const { random, run } = scene;
  const orphans = run.workers().map(({ pid }) => pid);
  for (const pid of orphans) signal(pid, 'SIGSTOP');
  await run.killParent();
  run.ensure();
  scene.breakFor('processes', random.between(200, 6_000), async () => {
    for (const pid of orphans) signal(pid, 'SIGCONT');
    const deadlineMs = performance.now() + orphanMsMax;
    while (orphans.some(isAlive)) {
      if (performance.now() > deadlineMs)
        throw new Error(`a worker of a killed run lives on: ${orphans.filter(isAlive)}`);
      await sleep(50);
    }
  });
}

/** It must end at once and name the process that has the folder. */
async function startSecond({ run, world }: Scene): Promise<void> {
  const holder = run.pid;
  // Before it has the folder, the second would be the first.
  while (world.state.holder() !== holder) {
    if (run.pid !== holder || !run.isRunning) return;
    await sleep(20);
  }
  const { code, stderr } = await runProgram(['run', '-f', world.taskFile, '--state', world.state.path], secondRunMsMax);
  if (run.pid !== holder || !run.isRunning) return;
  if (code !== anotherWriter || !stderr.includes(`process ${holder} `))
    throw new Error(
      `a second run ended with ${code}, not ${anotherWriter} naming process ${holder}: ${stderr.slice(-500)}`,
    );
}
