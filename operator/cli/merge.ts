/**
 * `mcsync merge`: baseline and change log folded into the table as it was. In: the documents of the task, which say how far
 * the stream is. Out: a table in MaxCompute, or the SQL that makes it. It refuses a moment that it cannot show truly, and
 * never writes into a table that is not a result of a merge.
 */
import { systemClock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import { type ExitCode, exitCodes } from '../base/exit-codes.js';
import { type MergeInput, mergeScript, mergeStatements } from '../merge/merge-sql.js';
import type { Warehouse } from '../model/ports.js';
import { openWarehouse } from './ends.js';
import { findTables } from './find-tables.js';
import { type Cut, loadCut, planMerge } from './merge-cut.js';
import { mergeComment, refuseForeignTable, resultName } from './merge-target.js';
import type { TaskFlags } from './program.js';
import { checkStateFolder } from './state-folder.js';
import { renderCount } from './tables.js';
import { checkSecrets, loadTask, type TaskContext } from './task-context.js';

export interface MergeFlags extends TaskFlags {
  /** Epoch seconds, exclusive. */
  readonly at?: number;
  readonly into?: string;
  readonly print?: boolean;
}

interface Merge {
  /** `database.table` of the source. */
  readonly table: string;
  readonly input: MergeInput;
}

export async function mergeCommand(names: readonly string[], flags: MergeFlags): Promise<ExitCode> {
  const context = await loadTask(flags);
  await checkStateFolder(context, { for: 'read' });
  const cut = await loadCut(context, systemClock.nowMs());
  const tables = findTables(
    names,
    cut.plan.tables.map((planned) => planned.plan.source),
  );
  const merges = planMerges(tables, cut, context, flags);
  tellCut(cut, flags);
  if (flags.print) {
    for (const { table, input } of merges) {
      process.stdout.write(`-- ${table}\n${mergeStatements(input)}`);
    }
    return exitCodes.done;
  }
  checkSecrets(context, flags.file);
  await using warehouse = openWarehouse(context.task, context.secrets);
  for (const { input } of merges) await refuseForeignTable(warehouse, input);
  for (const merge of merges) {
    const rows = await runMerge(warehouse, merge);
    process.stdout.write(
      `${merge.table} -> ${context.task.spec.target.project}.${merge.input.into}: ${renderCount(rows)} rows\n`,
    );
  }
  return exitCodes.done;
}

function planMerges(tables: readonly string[], cut: Cut, { task }: TaskContext, flags: MergeFlags): Merge[] {
  if (flags.into !== undefined && tables.length > 1) {
    throw new SyncError('USAGE', {
      seen: `--into ${flags.into} with ${tables.length} tables`,
      wanted: 'one table with --into',
      fix: 'Leave --into out; each result then has the name of its table and the seconds of the time.',
    });
  }
  const { schema } = task.spec.target;
  return tables.map((table) => {
    const { plan, baseWatermark } = planMerge(table, cut, flags.at ?? null, systemClock.nowMs());
    return {
      table,
      input: {
        plan,
        baseWatermark,
        recordId: cut.recordId,
        beforeUtcSeconds: flags.at ?? null,
        into: resultName(plan, cut, flags),
        comment: mergeComment(task, cut.taskId, table),
        ...(schema === undefined
          ? {}
          : { settings: { 'odps.namespace.schema': 'true', 'odps.default.schema': schema } }),
      },
    };
  });
}

function tellCut(cut: Cut, { at }: MergeFlags): void {
  if (at === undefined) {
    process.stderr.write(
      `Up to record id ${cut.recordId}, the end of a transaction${cut.position === null ? '' : ` (${cut.position})`}.\n`,
    );
    return;
  }
  process.stderr.write(
    `Rows with utc_timestamp < ${at} (${new Date(at * 1000).toISOString()}). Events of one transaction may carry different seconds, so that a moment in time can cut one; without --at the cut is the end of a transaction.\n`,
  );
}

async function runMerge(warehouse: Warehouse, { table, input }: Merge): Promise<number> {
  const startedMs = systemClock.monotonicMs();
  process.stderr.write(`merging ${table} ...\n`);
  const { settings, statements } = mergeScript(input);
  for (const statement of statements) await warehouse.query(statement, settings);
  const counted = await warehouse.query(`SELECT COUNT(*) FROM \`${input.into}\``);
  process.stderr.write(`merged ${table} in ${((systemClock.monotonicMs() - startedMs) / 1000).toFixed(1)} s\n`);
  return Number(counted.rows[0]?.[0]);
}
