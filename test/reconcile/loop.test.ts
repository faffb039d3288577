/** The loop over a runtime in memory: what is started, stopped and answered; the plan itself is proven in plan.test.ts. */
import type { Clock } from '../../operator/base/clock.js';
import { SyncError } from '../../operator/base/errors.js';
import { documentFormat } from '../../operator/model/documents.js';
import type { CheckpointStore, ObservedWorker, Runtime, WorkerRole } from '../../operator/model/ports.js';
import { type LoopInput, runLoop } from '../../operator/reconcile/loop.js';

const envelope = {
  format: documentFormat,
  minReader: 1,
  taskId: 't1',
  writer: { id: 'w', epoch: 1, seq: 1, version: '0' },
};
const config = { ...envelope, task: {}, inputHash: 'h', resnapshot: null };

class World {
  nowMs = 0;
  readonly documents = new Map<string, unknown>([['shop-config', config]]);
  readonly log: string[] = [];
  readonly workers = new Map<WorkerRole, ObservedWorker>();
  onTick: (tick: number) => void = () => undefined;
  #ticks = 0;

  readonly clock: Clock = {
    nowMs: () => this.nowMs,
    monotonicMs: () => this.nowMs,
    sleep: async (durationMs) => {
      this.nowMs += durationMs;
      this.#ticks += 1;
      if (this.#ticks > 5_000) throw new Error('the loop does not end');
      this.onTick(this.#ticks);
    },
  };

  readonly store: CheckpointStore = {
    load: async (name) => {
      const value = this.documents.get(name);
      if (value instanceof Error) throw value;
      return value === undefined ? null : { body: JSON.stringify(value), version: '1' };
    },
    save: async () => ({ saved: false }),
  };

  readonly runtime: Runtime = {
    observe: async () => [...this.workers.values()],
    start: async (spec) => {
      this.log.push(`start ${spec.role} at ${this.nowMs}`);
      this.workers.set(spec.role, { ...spec, state: 'running', exitCode: null, lastWords: null, endedAtMs: null });
    },
    stop: async (role) => {
      this.log.push(`stop ${role}`);
      this.end(role, 0);
    },
  };

  end(role: WorkerRole, exitCode: number, code?: string): void {
    const worker = this.workers.get(role);
    if (!worker) throw new Error(`${role} was not started`);
    const lastWords = code === undefined ? null : { code, seen: 's', wanted: 'w', fix: 'f' };
    this.workers.set(role, { ...worker, state: 'ended', exitCode, lastWords, endedAtMs: this.nowMs });
  }
}

function inputOf(world: World, stop = new AbortController()): LoopInput {
  return {
    store: world.store,
    name: 'shop',
    runtime: world.runtime,
    clock: world.clock,
    rules: { mode: 'FullAndIncremental', suspend: false, maxRestarts: 3, lagThresholdMs: 1, goal: 'stay' },
    shardCount: 1,
    tickMs: 100,
    stop: stop.signal,
    onStatus: () => undefined,
    onTrouble: (error) => world.log.push(error.code),
  };
}

test('a worker that asks for another try gets it with growing pauses, then the task ends with 75 and the last words', async () => {
  const world = new World();
  world.onTick = () => {
    if (world.workers.get('prepare')?.state === 'running') world.end('prepare', 75, 'TARGET_UNREACHABLE');
  };
  const result = await runLoop(inputOf(world));
  expect(world.log).toEqual([
    'start prepare at 0',
    'start prepare at 1100',
    'start prepare at 3200',
    'start prepare at 7300',
  ]);
  expect(result).toMatchObject({
    exitCode: 75,
    failure: { code: 'TARGET_UNREACHABLE' },
    status: { phase: 'Failed', restarts: 4 },
  });
});

test('a stop ends the workers, then the loop, with 0', async () => {
  const world = new World();
  const stop = new AbortController();
  world.onTick = (tick) => {
    if (tick === 3) stop.abort();
  };
  expect((await runLoop(inputOf(world, stop))).exitCode).toBe(0);
  expect(world.log).toEqual(['start prepare at 0', 'stop prepare']);
});

test('a store that is away for a while is waited for', async () => {
  const world = new World();
  const away = new SyncError('STORE_UNAVAILABLE', { seen: 'disk full', wanted: 'room', fix: 'make some' });
  world.documents.set('shop-config', away);
  const stop = new AbortController();
  world.onTick = (tick) => {
    if (tick === 2) world.documents.set('shop-config', config);
    if (tick === 4) stop.abort();
  };
  await runLoop(inputOf(world, stop));
  expect(world.log).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE', 'start prepare at 200', 'stop prepare']);
});

test('a document that cannot be read ends the loop, and no worker outlives it', async () => {
  const world = new World();
  world.onTick = () => world.documents.set('shop-plan', { minReader: 99, taskId: 't1', writer: { epoch: 1 } });
  await expect(runLoop(inputOf(world))).rejects.toMatchObject({ code: 'STORE_FORMAT_NEWER' });
  expect(world.log).toEqual(['start prepare at 0', 'stop prepare']);
});
