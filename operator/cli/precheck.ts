/** `mcsync precheck`: every finding at once. Changes nothing on either side, and nothing in the state folder. */
import { type ExitCode, exitCodes } from '../base/exit-codes.js';
import type { Finding } from '../model/finding.js';
import { hasErrors, runPrecheck } from '../pipeline/prepare.js';
import { observeDocuments } from '../reconcile/observe.js';
import { decideFor, markOf } from './decide.js';
import { openSource, openWarehouse } from './ends.js';
import { renderFindings } from './findings.js';
import { render } from './output.js';
import type { ShowFlags } from './program.js';
import { checkStateFolder } from './state-folder.js';
import { checkSecrets, loadTask } from './task-context.js';

/** What `-o json` prints. */
interface PrecheckResult {
  readonly task: string;
  readonly result: 'Passed' | 'PassedWithWarnings' | 'Failed';
  readonly findings: readonly Finding[];
}

export async function precheckCommand(flags: ShowFlags): Promise<ExitCode> {
  const context = await loadTask(flags);
  checkSecrets(context, flags.file);
  const { task, secrets, store, name } = context;
  await checkStateFolder(context, { for: 'read' });
  const { config, plan } = await observeDocuments(store, name, 0);
  await using source = openSource(task, secrets);
  await using warehouse = openWarehouse(task, secrets);
  // A task that was never started has marked no table: its id meets none.
  const decide = decideFor(task, markOf(task, config?.taskId ?? 'not-started'));
  const { findings } = await runPrecheck({ source, warehouse, decide }, plan !== null);
  const isFailed = hasErrors(findings);
  const hasNews = findings.some((finding) => finding.severity !== 'info');
  const result: PrecheckResult = {
    task: name,
    result: isFailed ? 'Failed' : hasNews ? 'PassedWithWarnings' : 'Passed',
    findings,
  };
  process.stdout.write(render(result, flags.output, () => renderFindings(findings)));
  return isFailed ? exitCodes.precheckFailed : exitCodes.done;
}
