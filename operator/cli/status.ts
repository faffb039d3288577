/** `mcsync status`: where the task stands, from its documents and the note of the run that works on it. */
import { systemClock } from '../base/clock.js';
import { type ExitCode, exitCodes } from '../base/exit-codes.js';
import { isFolderLocked } from '../local/folder-lock.js';
import type { ObservedWorker, WorkerRole } from '../model/ports.js';
import { observeDocuments, requireStarted } from '../reconcile/observe.js';
import { plan } from '../reconcile/plan.js';
import { noRestarts } from '../reconcile/restarts.js';
import { describeTask, type TaskStatus } from '../reconcile/status.js';
import type { Ruling } from '../reconcile/view.js';
import { renderFailure } from './failure.js';
import { render } from './output.js';
import type { ShowFlags } from './program.js';
import { rulesOf } from './run.js';
import { loadRunNote } from './run-note.js';
import { checkStateFolder } from './state-folder.js';
import { renderCount, renderDuration, renderTable } from './tables.js';
import { loadTask, type TaskContext } from './task-context.js';

/** What `-o json` prints: the status, and whether someone works on it. */
interface ShownStatus extends TaskStatus {
  readonly task: string;
  readonly isRunning: boolean;
}

const watchMs = 1_000;

export async function statusCommand(flags: ShowFlags & { readonly watch?: boolean }): Promise<ExitCode> {
  const context = await loadTask(flags);
  const show = async (): Promise<string> => {
    const status = await readStatus(context);
    return render(status, flags.output, () => renderStatus(status));
  };
  let shown = await show();
  process.stdout.write(shown);
  if (!flags.watch) return exitCodes.done;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  while (!stop.signal.aborted) {
    await systemClock.sleep(watchMs, stop.signal).catch(() => undefined);
    const next = await show();
    if (next === shown || stop.signal.aborted) continue;
    shown = next;
    const isScreen = process.stdout.isTTY && flags.output === 'table';
    process.stdout.write(isScreen ? `\x1b[2J\x1b[H${shown}` : `${flags.output === 'yaml' ? '---' : ''}\n${shown}`);
  }
  return exitCodes.done;
}

async function readStatus(context: TaskContext): Promise<ShownStatus> {
  const { store, name, stateDir } = context;
  await checkStateFolder(context, { for: 'read' });
  const documents = await observeDocuments(store, name, 1);
  requireStarted(documents.config, name, stateDir);
  const isRunning = await isFolderLocked(stateDir);
  const note = await loadRunNote(stateDir);
  const workers = isRunning ? (note?.workers ?? []).map(runningWorker) : [];
  const observed = { ...documents, workers, restarts: noRestarts, isCheckpointCurrent: false };
  const task = rulesOf(context, 'stay');
  const nowMs = systemClock.nowMs();
  const idle = isRunning ? '' : 'not running; `mcsync run` goes on from here';
  const ruling: Ruling = {
    phase: note?.phase ?? plan(task, observed, nowMs).status.phase,
    actions: [],
    message: note?.message || idle,
    ...(note?.failure ? { failure: note.failure } : {}),
  };
  const status = describeTask({ task, observed, nowMs, inputHash: '' }, ruling);
  return { task: name, isRunning, ...status, restarts: note?.restarts ?? 0 };
}

function runningWorker(role: WorkerRole): ObservedWorker {
  return { role, inputHash: '', state: 'running', exitCode: null, lastWords: null, endedAtMs: null };
}

function renderStatus(status: ShownStatus): string {
  const facts: [string, string][] = [
    ['task', `${status.task}${status.isRunning ? '' : ' (not running)'}`],
    ['phase', status.phase],
    ['position', status.position ?? '-'],
    ['lag', status.lagMs === null ? '-' : renderDuration(status.lagMs)],
    ['changes', `${renderCount(status.changes)}${status.caughtUp ? ' (caught up)' : ''}`],
    ['saved', status.savedAt ?? '-'],
    ['restarts', String(status.restarts)],
  ];
  const nulled = Object.entries(status.nulled).map(([column, count]) => `${renderCount(count)} in ${column}`);
  if (nulled.length > 0) facts.push(['nulled', nulled.join(', ')]);
  if (status.message !== '') facts.push(['message', status.message]);
  const rows = status.tables.map((table) => [
    table.table,
    table.phase,
    renderCount(table.rowsCopied),
    table.rowsEstimate === null ? '-' : renderCount(table.rowsEstimate),
    `${table.percent} %`,
    table.completeSince ?? '-',
  ]);
  return [
    facts.map(([name, value]) => `${`${name}:`.padEnd(10)}${value}`).join('\n'),
    ...(status.failure ? [renderFailure(status.failure)] : []),
    ...(rows.length > 0
      ? [renderTable(['TABLE', 'PHASE', 'ROWS COPIED', 'ESTIMATE', 'DONE', 'MERGE FROM'], rows)]
      : []),
  ].join('\n\n');
}
