/**
 * A worker process: one role of one task. In: the task, its documents, its secrets. Out: what its role writes, and an exit
 * code with last words. It ends when it is asked to (SIGTERM, with a flush), and at once when its parent is gone.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { SyncTask } from '../api/sync-task.js';
import { parseTaskFile } from '../api/task-file.js';
import { systemClock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import { type ExitCode, exitCodes } from '../base/exit-codes.js';
import type { LastWords } from '../local/child-runtime.js';
import { createFileStore } from '../local/file-store.js';
import { createSecretReader, type SecretReader } from '../local/secrets.js';
import type { ConfigDocument } from '../model/documents.js';
import type { CheckpointStore, WorkerRole } from '../model/ports.js';
import type { Reporter, TaskDocuments } from '../pipeline/task-documents.js';
import { loadConfig, requireStarted } from '../reconcile/observe.js';
import { reportFailure, toFailure } from './failure.js';
import { version } from './version.js';
import { createWorkerLog } from './worker-log.js';
import { runPrepareWorker } from './worker-prepare.js';
import { runSnapshotWorker } from './worker-snapshot.js';
import { runStreamWorker } from './worker-stream.js';

export interface WorkerFlags {
  readonly task: string;
  readonly store: string;
  readonly secrets: string;
  readonly shard: string;
}

export interface WorkerContext {
  readonly task: SyncTask;
  readonly config: ConfigDocument;
  readonly documents: TaskDocuments;
  readonly secrets: SecretReader;
  readonly report: Reporter;
  /** Asks for an end with a last flush. */
  readonly stop: AbortSignal;
  /** The grace period is nearly over: waits end at once. */
  readonly deadline: AbortSignal;
}

const roles: Readonly<Record<WorkerRole, (context: WorkerContext) => Promise<void>>> = {
  prepare: runPrepareWorker,
  snapshot: runSnapshotWorker,
  stream: runStreamWorker,
};

/** Of the grace period of 30 s that the one who stops us gives; the rest is for an orderly end. */
const flushMsMax = 25_000;

export async function workerCommand(role: string, flags: WorkerFlags): Promise<ExitCode> {
  endWithParent();
  const { stop, deadline } = listenForStop();
  const report = createWorkerLog(role);
  try {
    const work = isRole(role) ? roles[role] : null;
    if (!work) throw usage(`the role ${role}`, 'prepare, snapshot or stream');
    if (flags.shard !== '0/1') throw usage(`--shard ${flags.shard}`, '0/1: one snapshot worker per task');
    await work({ ...(await openContext(flags)), report, stop, deadline });
    return exitCodes.done;
  } catch (error) {
    if (stop.aborted && isAbort(error, [stop, deadline])) return exitCodes.done;
    // A parent tells the words itself; of a bug it needs the stack too.
    const isTold = process.send !== undefined && error instanceof SyncError;
    await sayLastWords(error);
    return isTold ? error.exitCode : reportFailure(error, process.stderr);
  }
}

async function openContext(
  flags: WorkerFlags,
): Promise<Pick<WorkerContext, 'task' | 'config' | 'documents' | 'secrets'>> {
  const { task } = parseTaskFile(await readFile(flags.task, 'utf8'), flags.task);
  const store = openStore(flags.store);
  const name = task.metadata.name;
  const config = await loadConfig(store, name);
  const started = requireStarted(config, name, flags.store);
  const writerId = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  const documents: TaskDocuments = { store, task: name, taskId: started.taskId, writerId, version: version() };
  return { task, config: started, documents, secrets: createSecretReader(flags.secrets, systemClock) };
}

function openStore(place: string): CheckpointStore {
  const path = /^dir:(.+)$/.exec(place)?.[1];
  if (path === undefined) throw usage(`--store ${place}`, 'dir:PATH');
  return createFileStore(path);
}

function isRole(role: string): role is WorkerRole {
  return Object.hasOwn(roles, role);
}

function usage(seen: string, wanted: string): SyncError {
  return new SyncError('USAGE', { seen, wanted, fix: 'Workers are started by `mcsync run` and by pods.' });
}

/** An orphan would write on while nobody watches it, next to the worker that a new parent starts. */
function endWithParent(): void {
  const end = (): never => process.exit(exitCodes.tryAgainLater);
  process.once('disconnect', end);
  // The parent may have died while this program was still being loaded: nobody tells that a second time.
  if (process.connected === false) end();
}

function listenForStop(): { stop: AbortSignal; deadline: AbortSignal } {
  const stop = new AbortController();
  const deadline = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) return;
    stop.abort(new Error('asked to stop'));
    setTimeout(() => deadline.abort(new Error('the grace period is over')), flushMsMax).unref();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return { stop: stop.signal, deadline: deadline.signal };
}

function isAbort(error: unknown, signals: readonly AbortSignal[]): boolean {
  return signals.some((signal) => error === signal.reason) || (error as Error | null)?.name === 'AbortError';
}

/** Resolves when the parent's channel has taken them. */
async function sayLastWords(error: unknown): Promise<void> {
  if (!process.send) return;
  const words: LastWords = { kind: 'lastWords', failure: toFailure(error) };
  await new Promise<void>((resolve) => process.send?.(words, undefined, undefined, () => resolve()));
}
