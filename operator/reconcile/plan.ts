/**
 * What to do about one task, decided from what is seen. In: the task's rules, documents and workers, the time. Out: actions
 * and a status. Pure: the same observation gives the same answer, the phase before is never asked, and a control plane
 * that was restarted goes on as if it had not been.
 *
 * The rules below stand in the order of their weight; the first that applies decides.
 */
import { type ExitCode, exitCodes } from '../base/exit-codes.js';
import type { ObservedWorker, WorkerFailure, WorkerRole } from '../model/ports.js';
import type { Observed } from './observe.js';
import { restartDelayMs } from './restarts.js';
import { describeTask, type TaskStatus } from './status.js';
import {
  type Action,
  areBaselinesCommitted,
  isPrepared,
  type Phase,
  phaseOfData,
  type Ruling,
  type TaskRules,
  type View,
} from './view.js';

export interface Decision {
  readonly actions: readonly Action[];
  readonly status: TaskStatus;
}

export function plan(task: TaskRules, observed: Observed, nowMs: number): Decision {
  const { config } = observed;
  const view: View = {
    task,
    observed,
    nowMs,
    inputHash: `${config?.inputHash ?? ''}/${config?.resnapshot?.nonce ?? ''}`,
  };
  for (const rule of rules) {
    const ruling = rule(view);
    if (ruling) return { actions: ruling.actions, status: describeTask(view, ruling) };
  }
  return { actions: [], status: describeTask(view, { phase: phaseOfData(view), actions: [] }) };
}

const rules: readonly ((view: View) => Ruling | null)[] = [
  endWithFirstTerminalFailure,
  endWhenAsked,
  restWhileSuspended,
  endAfterTooManyRestarts,
  prepareFirst,
  endWhenComplete,
  endWhenGoalIsReached,
  replaceWorkersOfAnotherInput,
  copyAndStreamSideBySide,
];

/** An exit that no restart can mend: the others flush and end too, and a person is told. */
function endWithFirstTerminalFailure(view: View): Ruling | null {
  const ended = endedWorkers(view).filter((worker) => !isRetryable(worker));
  const first = ended.toSorted((a, b) => (a.endedAtMs ?? 0) - (b.endedAtMs ?? 0))[0];
  if (!first) return null;
  const exitCode = toExitCode(first.exitCode);
  const failure = first.lastWords ?? wordless(first);
  return { ...windDown(view, phaseOfExit(exitCode), exitCode, failure), failure };
}

function endWhenAsked(view: View): Ruling | null {
  return view.task.goal === 'stop' ? windDown(view, phaseOfData(view), exitCodes.done, null) : null;
}

function restWhileSuspended(view: View): Ruling | null {
  if (!view.task.suspend) return null;
  return { ...windDown(view, 'Suspended', exitCodes.done, null), message: 'spec.suspend is true' };
}

/** Restarts that get nowhere are not tried for ever: something is wrong that waiting does not mend. */
function endAfterTooManyRestarts(view: View): Ruling | null {
  const { maxRestarts } = view.task;
  const worker = endedWorkers(view).find(({ role }) => view.observed.restarts[role].count > maxRestarts);
  if (!worker) return null;
  const failure = worker.lastWords ?? wordless(worker);
  const message = `${worker.role} ended ${view.observed.restarts[worker.role].count} times without getting further`;
  return { ...windDown(view, 'Failed', exitCodes.tryAgainLater, failure), failure, message };
}

/** No data moves before the precheck of exactly this input has passed and its plan is complete. */
function prepareFirst(view: View): Ruling | null {
  const { plan: planned, workers } = view.observed;
  if (isPrepared(view)) return null;
  const streaming = workers.filter((worker) => worker.state === 'running' && worker.role !== 'prepare');
  if (streaming.length > 0) return { phase: 'Prechecking', actions: streaming.map(({ role }) => stop(role)) };
  const isMakingTables = planned?.stage === 'schema' && planned.inputHash === view.observed.config?.inputHash;
  return { phase: isMakingTables ? 'InitialSchema' : 'Prechecking', ...keepRunning(view, ['prepare']) };
}

function endWhenComplete(view: View): Ruling | null {
  if (view.task.mode !== 'FullOnly' || !areBaselinesCommitted(view) || isRunning(view, 'snapshot')) return null;
  return windDown(view, 'Completed', exitCodes.done, null);
}

function endWhenGoalIsReached(view: View): Ruling | null {
  const { goal } = view.task;
  const { checkpoint, isCheckpointCurrent } = view.observed;
  if (goal === 'stay' || !isCheckpointCurrent || phaseOfData(view) !== 'Synchronizing') return null;
  if (goal === 'caught-up' && !checkpoint?.caughtUp) return null;
  return windDown(view, 'Synchronizing', exitCodes.done, null);
}

function replaceWorkersOfAnotherInput(view: View): Ruling | null {
  const old = view.observed.workers.filter(
    (worker) => worker.state === 'running' && worker.role !== 'prepare' && worker.inputHash !== view.inputHash,
  );
  return old.length === 0 ? null : { phase: phaseOfData(view), actions: old.map(({ role }) => stop(role)) };
}

/** There is no hand-over: the stream writes the log from the start position on while the snapshot fills the baselines. */
function copyAndStreamSideBySide(view: View): Ruling {
  const roles: WorkerRole[] = [];
  if (view.task.mode !== 'FullOnly') roles.push('stream');
  if (!areBaselinesCommitted(view)) roles.push('snapshot');
  return { phase: phaseOfData(view), ...keepRunning(view, roles) };
}

/** Starts what should run and does not, each after its own back-off. */
function keepRunning(view: View, roles: readonly WorkerRole[]): Pick<Ruling, 'actions' | 'message' | 'failure'> {
  const missing = roles.filter((role) => !isRunning(view, role));
  const due = missing.filter((role) => waitMs(view, role) <= 0);
  const actions = due.map((role): Action => ({ kind: 'startWorker', worker: { role, inputHash: view.inputHash } }));
  const waiting = endedWorkers(view).find(({ role }) => missing.includes(role) && !due.includes(role));
  if (!waiting) return { actions };
  const seconds = Math.ceil(waitMs(view, waiting.role) / 1000);
  const failure = waiting.lastWords ?? wordless(waiting);
  return { actions, failure, message: `${waiting.role} ended with ${failure.code}; next try in ${seconds} s` };
}

function waitMs(view: View, role: WorkerRole): number {
  const { count, endedAtMs } = view.observed.restarts[role];
  const hasEnded = endedWorkers(view).some((worker) => worker.role === role);
  return hasEnded && endedAtMs !== null ? endedAtMs + restartDelayMs(count) - view.nowMs : 0;
}

/** Workers flush before they go; the task ends when the last one is gone. */
function windDown(view: View, phase: Phase, exitCode: ExitCode, failure: WorkerFailure | null): Ruling {
  const running = view.observed.workers.filter((worker) => worker.state === 'running');
  const actions: Action[] =
    running.length > 0 ? running.map(({ role }) => stop(role)) : [{ kind: 'done', exitCode, failure }];
  return { phase, actions };
}

function stop(role: WorkerRole): Action {
  return { kind: 'stopWorker', role };
}

function phaseOfExit(exitCode: ExitCode): Phase {
  if (exitCode === exitCodes.precheckFailed) return 'PrecheckFailed';
  return exitCode === exitCodes.positionLost ? 'PositionLost' : 'Failed';
}

function isRunning(view: View, role: WorkerRole): boolean {
  return view.observed.workers.some((worker) => worker.role === role && worker.state === 'running');
}

/** Ended workers of this input, the last of each role. */
function endedWorkers(view: View): ObservedWorker[] {
  return view.observed.workers.filter((worker) => worker.state === 'ended' && worker.inputHash === view.inputHash);
}

/** 0 is no failure; 75 asks for another try; a signal (out of memory, eviction) says nothing about the next time. */
function isRetryable(worker: ObservedWorker): boolean {
  return worker.exitCode === null || worker.exitCode === exitCodes.done || worker.exitCode === exitCodes.tryAgainLater;
}

function toExitCode(code: number | null): ExitCode {
  return Object.values(exitCodes).find((known) => known === code) ?? exitCodes.bug;
}

/** For a worker that had no time to speak. */
function wordless(worker: ObservedWorker): WorkerFailure {
  const how = worker.exitCode === null ? 'by a signal' : `with exit code ${worker.exitCode}`;
  return {
    code: 'WORKER_ENDED',
    seen: `the ${worker.role} worker ended ${how} and left no message`,
    wanted: 'a worker that runs, or says why it ends',
    fix: 'Look at its log lines above. A worker killed by the system may need more memory.',
  };
}
