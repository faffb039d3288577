/**
 * Observe, plan, execute, again and again, for one task. In: the task's rules, its store, a runtime. Out: how it ended.
 * It decides nothing: decisions are plan.ts. It never leaves a worker running when it ends.
 */
import type { Clock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import type { ExitCode } from '../base/exit-codes.js';
import type { CheckpointStore, Runtime, WorkerFailure } from '../model/ports.js';
import { type Observed, observeDocuments } from './observe.js';
import { plan } from './plan.js';
import { foldRestarts, noRestarts } from './restarts.js';
import type { TaskStatus } from './status.js';
import type { Action, TaskRules } from './view.js';

export interface LoopInput {
  readonly store: CheckpointStore;
  /** Name of the task: the prefix of its documents. */
  readonly name: string;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly rules: TaskRules;
  readonly shardCount: number;
  readonly tickMs: number;
  /** Asks for a clean end. */
  readonly stop: AbortSignal;
  readonly onStatus: (status: TaskStatus, observed: Observed) => void;
  /** The store is away for a moment; the loop goes on. */
  readonly onTrouble: (error: SyncError) => void;
}

export interface LoopResult {
  readonly exitCode: ExitCode;
  readonly failure: WorkerFailure | null;
  readonly status: TaskStatus;
}

export async function runLoop(input: LoopInput): Promise<LoopResult> {
  try {
    return await loop(input);
  } finally {
    const running = (await input.runtime.observe()).filter((worker) => worker.state === 'running');
    await Promise.all(running.map((worker) => input.runtime.stop(worker.role)));
  }
}

async function loop(input: LoopInput): Promise<LoopResult> {
  const { clock, runtime, stop } = input;
  let restarts = noRestarts;
  let epochBefore: number | null = null;
  for (;;) {
    const documents = await observeOrWait(input);
    if (documents) {
      const workers = await runtime.observe();
      restarts = foldRestarts(restarts, documents, workers);
      const writer = documents.checkpoint?.writer;
      epochBefore ??= writer?.epoch ?? 0;
      // A claim is saved with what stood before; what the new writer found out comes with its next save.
      const isCheckpointCurrent = writer !== undefined && writer.epoch > epochBefore && writer.seq > 0;
      const observed = { ...documents, workers, restarts, isCheckpointCurrent };
      const rules = stop.aborted ? { ...input.rules, goal: 'stop' as const } : input.rules;
      const { actions, status } = plan(rules, observed, clock.nowMs());
      input.onStatus(status, observed);
      const done = actions.find((action) => action.kind === 'done');
      if (done) return { exitCode: done.exitCode, failure: done.failure, status };
      await Promise.all(actions.map((action) => execute(action, runtime)));
    }
    // A stop wakes the sleep; once it is asked for, the ticks go on as before until the workers are gone.
    await clock.sleep(input.tickMs, stop.aborted ? undefined : stop).catch((error: unknown) => {
      if (!stop.aborted) throw error;
    });
  }
}

async function observeOrWait(input: LoopInput): Promise<Awaited<ReturnType<typeof observeDocuments>> | null> {
  try {
    return await observeDocuments(input.store, input.name, input.shardCount);
  } catch (error) {
    if (!(error instanceof SyncError) || !error.isRetryable) throw error;
    input.onTrouble(error);
    return null;
  }
}

function execute(action: Action, runtime: Runtime): Promise<void> {
  switch (action.kind) {
    case 'startWorker':
      return runtime.start(action.worker);
    case 'stopWorker':
      return runtime.stop(action.role);
    case 'done':
      return Promise.resolve();
  }
}
