/**
 * `mcsync run`: a task on this machine, by the same control plane as in a cluster. In: a task file and a state folder.
 * Out: progress on stderr, and the exit code of what ended it. It starts nothing before the task, its secrets and the
 * folder are known to be good.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDurationMs } from '../api/quantities.js';
import { systemClock } from '../base/clock.js';
import { renderError } from '../base/errors.js';
import { type ExitCode, exitCodes } from '../base/exit-codes.js';
import { createChildRuntime } from '../local/child-runtime.js';
import { lockFolder } from '../local/folder-lock.js';
import { writeSecrets } from '../local/secrets.js';
import { storeError } from '../local/store-error.js';
import { writeWholeFile } from '../local/whole-file.js';
import type { WorkerRole } from '../model/ports.js';
import { saveConfig } from '../reconcile/config-document.js';
import { type LoopResult, runLoop } from '../reconcile/loop.js';
import { observeDocuments } from '../reconcile/observe.js';
import type { Goal, TaskRules } from '../reconcile/view.js';
import { renderFailure } from './failure.js';
import { renderFindings } from './findings.js';
import type { TaskFlags } from './program.js';
import { ProgressView } from './progress.js';
import { saveRunNote } from './run-note.js';
import { checkStateFolder, storeInUse } from './state-folder.js';
import { checkSecrets, loadTask, type TaskContext } from './task-context.js';
import { version } from './version.js';
import { readLogLine } from './worker-log.js';

export interface RunFlags extends TaskFlags {
  readonly until?: 'synchronizing' | 'caught-up';
  readonly verbose?: boolean;
}

const tickMs = 300;
const repeatMs = 60_000;
const sameKeyMs = 500;

export async function runCommand(flags: RunFlags): Promise<ExitCode> {
  const context = await loadTask(flags);
  checkSecrets(context, flags.file);
  await using _lock = await lockFolder(context.stateDir);
  await checkStateFolder(context, { for: 'write' });
  const writerId = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  await saveConfig({ store: context.store, writerId, version: version() }, context.task);
  const workerArgs = await writeWorkerFiles(context);

  const view = new ProgressView(process.stderr, systemClock);
  view.line(`task ${context.name}: ${context.task.spec.mode}, state in ${context.stateDir}`);
  const result = await supervise(context, flags, view, workerArgs);
  view.end();
  tellEnd(result, flags, view);
  return result.exitCode;
}

async function supervise(
  context: TaskContext,
  flags: RunFlags,
  view: ProgressView,
  args: readonly string[],
): Promise<LoopResult> {
  const stop = listenForStop(view);
  const onLine = (_: WorkerRole, line: string): void => {
    const { level, sentence } = readLogLine(line);
    if (flags.verbose || level !== 'info') view.line(sentence);
  };
  const program = fileURLToPath(new URL('./main.js', import.meta.url));
  const note = saveRunNote(context.stateDir, systemClock);
  let shownFindingsMs = (await lastPrecheckMs(context)) ?? 0;
  let told = { words: '', atMs: 0 };
  const result = await runLoop({
    store: storeInUse(context),
    name: context.name,
    runtime: createChildRuntime({ program, args, clock: systemClock, onLine }),
    clock: systemClock,
    rules: rulesOf(context, flags.until ?? 'stay'),
    shardCount: 1,
    tickMs,
    stop,
    onStatus: (status, { precheck, workers }) => {
      if (precheck && precheck.checkedAtMs > shownFindingsMs) {
        shownFindingsMs = precheck.checkedAtMs;
        view.line(renderFindings(precheck.findings.filter(({ severity }) => flags.verbose || severity !== 'info')));
      }
      // Each new trouble once, and the same one again after a while: a log that repeats itself hides what is new.
      if (status.failure && status.message !== '') {
        const words = renderFailure(status.failure);
        const nowMs = systemClock.monotonicMs();
        if (words !== told.words || nowMs - told.atMs >= repeatMs) {
          view.line(`${words}\n  ${status.message}`);
          told = { words, atMs: nowMs };
        }
      }
      view.update(status);
      note.update(status, workers);
    },
    onTrouble: (error) => view.line(renderError(error)),
  });
  await note.end(result);
  return result;
}

export function rulesOf({ task }: Pick<TaskContext, 'task'>, goal: Goal): TaskRules {
  const { mode, suspend, recovery, streaming } = task.spec;
  const lagThresholdMs = parseDurationMs(streaming.lagThreshold);
  return { mode, suspend, maxRestarts: recovery.maxRestarts, lagThresholdMs, goal };
}

/** What the workers need as files: the task as it stands now, whatever becomes of the user's file, and its secrets. */
async function writeWorkerFiles({ task, stateDir, secretsDir, inlineSecrets }: TaskContext): Promise<string[]> {
  const taskFile = join(stateDir, 'task.json');
  await writeWholeFile(taskFile, `${JSON.stringify(task, null, 2)}\n`).catch((error: unknown) => {
    throw storeError(stateDir, error);
  });
  const secrets = secretsDir ?? join(stateDir, 'secrets');
  if (secretsDir === null) await writeSecrets(secrets, inlineSecrets);
  return ['--task', taskFile, '--store', `dir:${stateDir}`, '--secrets', secrets, '--shard', '0/1'];
}

async function lastPrecheckMs({ store, name }: TaskContext): Promise<number | null> {
  return (await observeDocuments(store, name, 0)).precheck?.checkedAtMs ?? null;
}

/** The first Ctrl-C asks for a clean end; the second ends at once, and the workers end with us. */
function listenForStop(view: ProgressView): AbortSignal {
  const stop = new AbortController();
  let askedMs = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    const nowMs = systemClock.monotonicMs();
    // Wrappers such as npm and timeout pass on a signal that the terminal has sent us already.
    if (stop.signal.aborted && nowMs - askedMs < sameKeyMs) return;
    if (stop.signal.aborted) process.exit(exitCodes.tryAgainLater);
    askedMs = nowMs;
    view.line(`${signal === 'SIGINT' ? 'Ctrl-C' : signal}: committing what was read; once more ends at once`);
    stop.abort(new Error(signal));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return stop.signal;
}

function tellEnd({ exitCode, failure, status }: LoopResult, flags: RunFlags, view: ProgressView): void {
  const again = ['mcsync run', '-f', flags.file, ...(flags.state === undefined ? [] : ['--state', flags.state])].join(
    ' ',
  );
  if (failure) view.line(renderFailure(failure));
  if (exitCode === 0 && status.phase === 'Suspended') {
    view.line(`The task is suspended. Set spec.suspend to false, then: ${again}`);
  } else if (exitCode === 0 && status.phase === 'Completed') {
    view.line('Completed: every baseline is committed.');
  } else if (exitCode === 0) {
    const where = status.position === null ? '' : ` at ${status.position}, record id ${status.recordId}`;
    view.line(`Stopped in phase ${status.phase}${where}. Nothing is lost. Resume with: ${again}`);
  } else if (exitCode === 75) {
    view.line(`Given up for now: ${status.message}. Nothing is lost. Try again with: ${again}`);
  }
}
