/** `mcsync resnapshot`: asks for tables to be copied anew. The run that works on the task, or the next one, takes it up. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { systemClock } from '../base/clock.js';
import { type ExitCode, exitCodes } from '../base/exit-codes.js';
import { isFolderLocked } from '../local/folder-lock.js';
import { requestResnapshot } from '../reconcile/config-document.js';
import { observeDocuments, requireStarted } from '../reconcile/observe.js';
import { findTables } from './find-tables.js';
import type { TaskFlags } from './program.js';
import { checkStateFolder } from './state-folder.js';
import { loadTask } from './task-context.js';
import { version } from './version.js';

export async function resnapshotCommand(names: readonly string[], flags: TaskFlags): Promise<ExitCode> {
  const context = await loadTask(flags);
  const { store, name, stateDir } = context;
  await checkStateFolder(context, { for: 'write' });
  const { config, plan } = await observeDocuments(store, name, 0);
  const started = requireStarted(config, name, stateDir);
  const tables = findTables(names, plan?.tables.map((table) => table.plan.source) ?? []);
  const writerId = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  await requestResnapshot({ store, writerId, version: version() }, started, tables, systemClock.nowMs());
  process.stdout.write(`asked for a new snapshot of ${tables.join(', ')}\n`);
  process.stderr.write(
    (await isFolderLocked(stateDir))
      ? 'The running task takes it up now; `mcsync status` shows it.\n'
      : `Start it with: mcsync run -f ${flags.file}${flags.state === undefined ? '' : ` --state ${flags.state}`}\n`,
  );
  return exitCodes.done;
}
