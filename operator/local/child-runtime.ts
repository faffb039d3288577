/**
 * Workers as child processes. In: what to run. Out: which workers run or ended, and their last words.
 * A worker never outlives its parent: it ends when the channel between them closes, so a kill -9 of the parent leaves
 * nothing behind. What a worker writes to stderr is handed on line by line.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import type { ObservedWorker, Runtime, WorkerFailure, WorkerRole, WorkerSpec } from '../model/ports.js';

export interface ChildRuntimeOptions {
  /** Script that takes `worker ROLE ...`. */
  readonly program: string;
  /** Arguments after the role: task, store, secrets. */
  readonly args: readonly string[];
  readonly clock: Clock;
  readonly onLine: (role: WorkerRole, line: string) => void;
  readonly env?: Readonly<Record<string, string>>;
}

/** A worker's message to its parent, sent before it ends. */
export interface LastWords {
  readonly kind: 'lastWords';
  readonly failure: WorkerFailure;
}

/** The heap of a worker; with blocks in flight outside of it, the process stays below 300 MiB. */
const heapMiBMax = 128;
/** A last flush uploads what is held and commits it. */
const graceMs = 30_000;

interface Child {
  readonly spec: WorkerSpec;
  readonly process: ChildProcess;
  readonly ended: Promise<void>;
  observed: ObservedWorker;
}

export function createChildRuntime(options: ChildRuntimeOptions): Runtime {
  const children = new Map<WorkerRole, Child>();
  return {
    observe: async () => [...children.values()].map((child) => child.observed),
    async start(spec) {
      assert(children.get(spec.role)?.observed.state !== 'running', `one ${spec.role} worker at a time`);
      children.set(spec.role, startChild(spec, options));
    },
    async stop(role) {
      const child = children.get(role);
      if (!child || child.observed.state === 'ended') return;
      child.process.kill('SIGTERM');
      const timer = setTimeout(() => child.process.kill('SIGKILL'), graceMs);
      await child.ended;
      clearTimeout(timer);
    },
  };
}

function startChild(spec: WorkerSpec, options: ChildRuntimeOptions): Child {
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${heapMiBMax}`, options.program, 'worker', spec.role, ...options.args],
    {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ...options.env },
      // Its own group: Ctrl-C reaches the parent alone, which stops its workers in order.
      detached: true,
    },
  );
  const state: Child = {
    spec,
    process: child,
    ended: new Promise((resolve) => child.once('close', () => resolve())),
    observed: { ...spec, state: 'running', exitCode: null, lastWords: null, endedAtMs: null },
  };
  if (child.stderr) createInterface({ input: child.stderr }).on('line', (line) => options.onLine(spec.role, line));
  child.on('message', (message) => {
    const words = message as Partial<LastWords>;
    if (words.kind === 'lastWords' && words.failure) state.observed = { ...state.observed, lastWords: words.failure };
  });
  const end = (exitCode: number | null): void => {
    state.observed = { ...state.observed, state: 'ended', exitCode, endedAtMs: options.clock.nowMs() };
  };
  child.once('error', (error: NodeJS.ErrnoException) => {
    options.onLine(spec.role, `cannot be started: ${error.code}`);
    end(null);
  });
  child.once('close', (code) => end(code));
  return state;
}
