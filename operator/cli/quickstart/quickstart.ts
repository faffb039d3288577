/**
 * The main job of mcsync, shown and proven on one machine: a MySQL with a shop in it, a local MaxCompute, traffic, the
 * same commands that a user types, and at the end a comparison of every row.
 * In: where to work and whether to stay up. Out: the story on `output`, and an exit code that is 0 only when every
 * table is equal. It must never say so without having looked.
 */
import { rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { systemClock } from '../../base/clock.js';
import { type ExitCode, exitCodes } from '../../base/exit-codes.js';
import { lockFolder } from '../../local/folder-lock.js';
import { commandFailed, type RunningCommand, runCommand, startCommand } from './command.js';
import { awaitCaughtUp, awaitSynchronizing } from './progress.js';
import { shopTables } from './sample-shop.js';
import { openShopSession, openStage, type Stage, statePath, taskPath } from './stage.js';
import { count, createStory, type Story, shownPath } from './story.js';
import { startTraffic, type Traffic } from './traffic.js';
import { judge } from './verdict.js';

export interface QuickstartOptions {
  /** Leaves everything up after the verdict, until the signal. */
  readonly stay: boolean;
  /** Compares once more what a `--stay` in another process keeps up; starts nothing. */
  readonly verify: boolean;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly output: Writable & { readonly isTTY?: boolean };
  /** Default: `.mcsync/quickstart` in the working directory. */
  readonly folder?: string;
}

/** How long the traffic runs on while changes stream, before and after the schema change. */
const streamingMs = 4_000;

export async function runQuickstart(options: QuickstartOptions): Promise<ExitCode> {
  const folder = resolve(options.folder ?? join('.mcsync', 'quickstart'));
  const story = createStory(options.output, performance.now());
  if (options.verify) return judge(folder, story, options.signal);
  await using _lock = await lockFolder(folder);
  const cleanups: (() => Promise<void>)[] = [];
  try {
    return await play(folder, story, options, cleanups);
  } catch (error) {
    if (!options.signal.aborted) throw error;
    story.verdict(false, 'Stopped before the verdict. Nothing is left behind.');
    return exitCodes.tryAgainLater;
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

async function play(
  folder: string,
  story: Story,
  { stay, signal }: QuickstartOptions,
  cleanups: (() => Promise<void>)[],
): Promise<ExitCode> {
  story.step('A MySQL server with a shop in it, and a local MaxCompute');
  cleanups.push(() => removeFolder(folder));
  const stage = await openStage(folder);
  cleanups.push(() => stage.close());
  const { note } = stage;
  story.say(
    `MySQL 5.6 on 127.0.0.1:${note.mysqlPort}: ${Object.keys(shopTables).length} tables, ${count(stage.rows)} rows.`,
  );
  story.say(`MaxCompute emulator at ${note.emulatorUrl}, project ${note.project}.`);
  const traffic = startTraffic(() => openShopSession(note));
  // A writer that failed is told where the story stops the traffic; here the rest must still be cleaned up.
  cleanups.push(() => traffic.stop().catch(() => undefined));
  story.say('Three writers insert, update, delete, change keys and roll back from now on.');

  const onFile = ['-f', shownPath(stage.taskFile)];
  const onState = ['--state', shownPath(stage.stateDir)];
  story.step('The precheck: may this task start?');
  await follow(['precheck', ...onFile], story, signal);

  story.step('Initial schema, initial data, then every change: one command, no locks');
  const runArgs = ['run', ...onFile, ...onState];
  story.command(runArgs);
  let isToldOf = true;
  const run = startCommand(runArgs, (line) => {
    if (isToldOf) story.echo(line);
  });
  cleanups.push(async () => void (await run.stop()));
  await awaitSynchronizing(stage.stateDir, guarded(run, signal));
  story.say(`Synchronizing. The traffic wrote ${count(traffic.counts.transactions)} transactions meanwhile.`);

  await changeSchema(stage, story, traffic, guarded(run, signal));
  await traffic.stop();
  story.step('The traffic stops, the stream catches up');
  const { transactions, rolledBack } = traffic.counts;
  story.say(`${count(transactions)} transactions committed, ${count(rolledBack)} rolled back.`);
  await awaitCaughtUp(note, stage.stateDir, guarded(run, signal));
  await follow(['status', ...onFile, ...onState], story, signal);

  story.step('Baseline and change log become tables again, compared with MySQL row by row');
  isToldOf = false;
  const code = await judge(folder, story, signal);
  if (stay) await stayUp(folder, stage, story, run, signal);
  return code;
}

async function changeSchema(stage: Stage, story: Story, traffic: Traffic, signal: AbortSignal): Promise<void> {
  story.step('A schema change, while rows are written');
  await systemClock.sleep(streamingMs, signal);
  const statement = "ALTER TABLE orders ADD COLUMN channel VARCHAR(20) NOT NULL DEFAULT 'web'";
  story.say(`mysql> ${statement};`);
  await using session = await openShopSession(stage.note);
  await session.query(statement);
  traffic.useColumn('channel');
  story.say('Half of the new orders carry another channel than the default from now on.');
  await systemClock.sleep(streamingMs, signal);
}

async function stayUp(
  folder: string,
  stage: Stage,
  story: Story,
  run: RunningCommand,
  signal: AbortSignal,
): Promise<void> {
  const file = shownPath(taskPath(folder));
  const state = shownPath(statePath(folder));
  story.step('All of it stays up until Ctrl-C. To try in another terminal:');
  for (const line of [
    `npx mcsync status -f ${file} --state ${state} --watch`,
    `npx mcsync precheck -f ${file}`,
    `npx mcsync merge -f ${file} --state ${state} shop.orders --print`,
    'npx mcsync quickstart --verify          merges again and compares every row again',
    `mysql -h 127.0.0.1 -P ${stage.note.mysqlPort} -u root shop     (no password) and change some rows`,
    `PyODPS: ODPS('quickstart', 'quickstart-secret', 'quickstart', endpoint='${stage.note.emulatorUrl}')`,
  ])
    story.say(line);
  const code = await Promise.race([run.ended, aborted(signal)]);
  if (code !== 'aborted') throw commandFailed(['run'], code, run.lastLines());
}

/** Runs a command in the foreground of the story. */
async function follow(args: readonly string[], story: Story, signal: AbortSignal): Promise<void> {
  story.command(args);
  await runCommand(args, (line) => story.echo(line), signal);
}

/** Aborts with the caller's signal, and when the command that everything waits for has ended. */
function guarded(run: RunningCommand, signal: AbortSignal): AbortSignal {
  const failed = new AbortController();
  void run.ended.then((code) => failed.abort(commandFailed(['run'], code, run.lastLines())));
  return AbortSignal.any([signal, failed.signal]);
}

/** Also the folder that it stands in, where nothing else does. */
async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await rmdir(dirname(folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('aborted');
    else signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
}
