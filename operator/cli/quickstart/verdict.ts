/**
 * The verdict: merges each table by the command that users run, compares it with MySQL, and says what differs.
 * Where the source has not moved since the last comparison, the merged tables are first compared as they stand, so that
 * a row broken in them is named and not silently made again.
 */
import { type ExitCode, exitCodes } from '../../base/exit-codes.js';
import type { Warehouse } from '../../model/ports.js';
import { renderPosition } from '../../model/position.js';
import type { Session } from '../../mysql/session.js';
import { runCommand } from './command.js';
import { awaitCaughtUp, sourcePosition } from './progress.js';
import { type ShopTable, shopDatabase, shopTables } from './sample-shop.js';
import { openShopSession, openWarehouse, readNote, statePath, taskPath, writeNote } from './stage.js';
import { count, type Story, shownPath } from './story.js';
import { compareTable, type TableVerdict } from './verify.js';

const tables = Object.keys(shopTables) as ShopTable[];

export async function judge(folder: string, story: Story, signal: AbortSignal): Promise<ExitCode> {
  const note = await readNote(folder);
  await using session = await openShopSession(note);
  await using warehouse = openWarehouse(note);
  await awaitCaughtUp(note, statePath(folder), signal);
  const position = renderPosition(await sourcePosition(note));

  const broken = note.comparedAt === position ? await compareAll(session, warehouse, signal) : [];
  const wereBroken = broken.filter((verdict) => verdict.differences > 0);
  if (wereBroken.length > 0) {
    story.say('The merged tables as they stand, although nothing was written in MySQL since they were made:');
    tell(story, wereBroken);
    story.say('Made again from baseline and change log:');
  }
  await mergeAll(folder, story, signal);
  const verdicts = await compareAll(session, warehouse, signal);
  await writeNote(folder, { ...note, comparedAt: position });
  tell(story, verdicts);
  return conclude(story, wereBroken, verdicts);
}

async function mergeAll(folder: string, story: Story, signal: AbortSignal): Promise<void> {
  const commands = tables.map((table) => [
    ...['merge', '-f', shownPath(taskPath(folder)), '--state', shownPath(statePath(folder))],
    ...[`${shopDatabase}.${table}`, '--into', table],
  ]);
  story.command(commands[0] ?? []);
  story.say(`... and so for each of the ${tables.length} tables`);
  // Two at a time: most of a merge is the start of a process, and two cores are what everyone has.
  for (let index = 0; index < commands.length; index += 2)
    await Promise.all(commands.slice(index, index + 2).map((args) => runCommand(args, () => undefined, signal)));
}

async function compareAll(session: Session, warehouse: Warehouse, signal: AbortSignal): Promise<TableVerdict[]> {
  const verdicts: TableVerdict[] = [];
  for (const table of tables) {
    signal.throwIfAborted();
    verdicts.push(await compareTable(session, warehouse, { database: shopDatabase, table, targetTable: table }));
  }
  return verdicts;
}

function tell(story: Story, verdicts: readonly TableVerdict[]): void {
  story.table(
    ['table', 'in MySQL', 'merged', 'verdict'],
    verdicts.map(({ table, sourceRows, targetRows, differences }) => [
      table,
      count(sourceRows),
      count(targetRows),
      differences === 0 ? 'equal' : `DIFFERENT in ${count(differences)} rows`,
    ]),
  );
  for (const { table, differences, examples } of verdicts) {
    if (differences === 0) continue;
    story.say(
      `${table}: ${count(differences)} rows differ${differences > examples.length ? '; the first of them' : ''}:`,
    );
    for (const example of examples) story.say(`  ${example}`);
  }
}

function conclude(story: Story, wereBroken: readonly TableVerdict[], verdicts: readonly TableVerdict[]): ExitCode {
  const different = new Set(
    [...wereBroken, ...verdicts.filter(({ differences }) => differences > 0)].map(({ table }) => table),
  );
  const rows = verdicts.reduce((sum, { sourceRows }) => sum + sourceRows, 0);
  if (different.size === 0) {
    story.verdict(true, `Equal: ${verdicts.length} tables, ${count(rows)} rows, every value.`);
    return exitCodes.done;
  }
  story.verdict(false, `Different: ${[...different].join(', ')}. The rows are named above.`);
  return exitCodes.bug;
}
