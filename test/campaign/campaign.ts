/**
 * A fault campaign: writers write, faults come, mcsync goes on; at the end everything is compared. In: how many kills, on
 * which server, from which seed. Out: figures, and the faults that the checker has found in the data.
 */
import { check, type Verdict } from './check.js';
import { drawFault } from './faults.js';
import { moments, sleep } from './moments.js';
import type { CampaignOptions } from './options.js';
import { runProgram } from './program.js';
import { Random } from './random.js';
import { Resnapshots } from './resnapshots.js';
import { Scene } from './scene.js';
import { SyncRun } from './sync-run.js';
import { createTables, database, tables } from './tables.js';
import { openWorld, type World } from './world.js';
import { startWriter, type Writer } from './writer.js';

export interface Progress {
  /** Each fault as it comes. */
  fault(line: string, kills: number): void;
  /** What is done now. */
  stage(line: string): void;
}

export interface CampaignResult {
  readonly options: CampaignOptions;
  readonly serverVersion: string;
  readonly mcsyncVersion: string;
  readonly kills: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly moments: Readonly<Record<string, number>>;
  readonly figures: Readonly<Record<string, number>>;
  readonly faultsMs: number;
  readonly wholeMs: number;
  readonly verdict: Verdict;
  /** Folders that stay for whoever looks for the cause; none where all is well. */
  readonly kept: readonly string[];
}

/** Mean rest of a writer between two transactions: a load that a machine keeps up with while mcsync is killed all the time. */
const writerPauseMs = 120;
const finalRunsMax = 30;

export async function runCampaign(
  options: CampaignOptions,
  progress: Progress,
  stop: AbortSignal,
): Promise<CampaignResult> {
  const startedMs = performance.now();
  progress.stage(`starting ${options.server} and the emulator`);
  const world = await openWorld(options.server, Math.max(100, Math.ceil(options.rows / 25)));
  const run = new SyncRun(world);
  const close = (keep: boolean): Promise<readonly string[]> => {
    run.sweep();
    return world.close({ keep });
  };
  try {
    const result = await perform(options, world, run, progress, stop);
    const wholeMs = performance.now() - startedMs;
    return { ...result, wholeMs, kept: await close(result.verdict.faults.length > 0) };
  } catch (error) {
    const kept = await close(!stop.aborted);
    throw stop.aborted ? error : new Error(`${(error as Error).message}\nkept: ${kept.join(', ')}`, { cause: error });
  }
}

/** Everything that acts during a campaign, each with draws of its own. */
interface Campaign {
  readonly options: CampaignOptions;
  readonly world: World;
  readonly writers: readonly Writer[];
  readonly resnapshots: Resnapshots;
  readonly scene: Scene;
  readonly random: Random;
  readonly progress: Progress;
}

type Outcome = Omit<CampaignResult, 'wholeMs' | 'kept'>;

async function perform(
  options: CampaignOptions,
  world: World,
  run: SyncRun,
  progress: Progress,
  stop: AbortSignal,
): Promise<Outcome> {
  await createTables(world.server, options.writers, options.rows);
  const random = new Random(options.seed);
  const writers = Array.from({ length: options.writers }, (_, writer) =>
    startWriter({
      ...{ server: world.server, writer, writers: options.writers, bigRows: options.rows },
      ...{ folder: world.folder, random: random.fork(), pauseMs: writerPauseMs },
    }),
  );
  const resnapshots = new Resnapshots(world, random.fork(), writers);
  const scene = new Scene(world, run, random.fork());
  const stopped = new Promise<never>((_, reject) => {
    if (stop.aborted) reject(stop.reason);
    stop.addEventListener('abort', () => reject(stop.reason), { once: true });
  });
  try {
    const campaign = { options, world, writers, resnapshots, scene, random: random.fork(), progress };
    return await Promise.race([carryOut(campaign), stopped, ...writers.map(({ failed }) => failed)]);
  } finally {
    scene.end();
    resnapshots.stop();
    for (const writer of writers) writer.abandon();
  }
}

async function carryOut(campaign: Campaign): Promise<Outcome> {
  const { options, world, writers, resnapshots, scene, progress } = campaign;
  progress.stage(`${options.kills} kills, seed ${options.seed}`);
  const fromMs = performance.now();
  const counts = await strike(campaign);
  const faultsMs = performance.now() - fromMs;
  progress.stage('last run, until all is committed');
  await Promise.all(writers.map((writer) => writer.stop()));
  await scene.mended();
  await finish(scene);
  resnapshots.stop();
  progress.stage('merging');
  const merged = await mergeAll(world);
  progress.stage('comparing the history with the change logs, and the merges with the source');
  const verdict = await check(world, merged);
  const serverVersion = (await world.server.query('SELECT VERSION() AS version'))[0]?.version ?? '';
  const mcsyncVersion = (await runProgram(['--version'])).stdout.trim();
  return { options, serverVersion, mcsyncVersion, ...counts, figures: figuresOf(campaign), faultsMs, verdict };
}

type Counts = Pick<CampaignResult, 'kills' | 'faults' | 'moments'>;

/** One fault after the other; each may come while the ones before are still being mended. */
async function strike({ options, scene, resnapshots, random, progress }: Campaign): Promise<Counts> {
  const faults: Record<string, number> = {};
  const atMoments: Record<string, number> = {};
  const endMs = performance.now() + options.minutes * 60_000;
  let kills = 0;
  while (kills < options.kills && performance.now() < endMs) {
    scene.run.ensure();
    if (resnapshots.isSettled && random.chance(0.6)) await resnapshots.ask();
    const moment = random.weighted(moments);
    await moment.wait(scene.world, random);
    scene.check();
    scene.run.ensure();
    const fault = drawFault(scene, random);
    if (fault === null) continue;
    await fault.strike(scene);
    if (fault.isKill) kills += 1;
    faults[fault.name] = (faults[fault.name] ?? 0) + 1;
    atMoments[moment.name] = (atMoments[moment.name] ?? 0) + 1;
    progress.fault(`${moment.name}: ${fault.name}; record id ${scene.world.state.checkpoint()?.recordId ?? 0}`, kills);
    await sleep(random.below(100));
  }
  return { kills, faults, moments: atMoments };
}

/** Everything is whole again: the rest is committed by a run that ends by itself, and nothing is left of the runs before. */
async function finish({ run, world }: Scene): Promise<void> {
  if (run.isRunning) await run.terminate();
  for (let attempt = 1; ; attempt += 1) {
    run.ensure('--until', 'caught-up');
    const end = await run.end();
    if (end === 'ended with exit code 0') break;
    if (attempt === finalRunsMax) throw new Error(`the last run ${end} ${attempt} times; ${run.log}`);
  }
  world.source.mend();
  const left = run.sweep();
  if (left > 0) throw new Error(`${left} processes of mcsync were left over after the last run had ended`);
}

/** All tables at one cut. Returns the names of the results by table, as the command tells them. */
async function mergeAll({ taskFile, state }: World): Promise<Map<string, string>> {
  const names = tables.map(({ name }) => `${database}.${name}`);
  const { code, stdout, stderr } = await runProgram(['merge', '-f', taskFile, '--state', state.path, ...names]);
  if (code !== 0) throw new Error(`mcsync merge ended with ${code}: ${stderr}`);
  const merged = [...stdout.matchAll(/^\w+\.(\w+) -> \w+\.(\w+):/gm)];
  return new Map(merged.map(([, table = '', result = '']) => [table, result]));
}

function figuresOf({ writers, scene, resnapshots }: Campaign): Record<string, number> {
  const sum = (what: 'committed' | 'rolledBack' | 'settled' | 'changes'): number =>
    writers.reduce((total, writer) => total + writer[what], 0);
  return {
    'transactions committed': sum('committed'),
    'transactions rolled back': sum('rolledBack'),
    'commits without an answer': sum('settled'),
    'row changes committed': sum('changes'),
    'starts of mcsync run': scene.run.starts,
    'runs given up for now (75)': scene.run.givenUp,
    'first prechecks that met a server down (2)': scene.run.prechecksFailed,
    'requests for new snapshots': resnapshots.asked,
    'requests for new snapshots, refused': resnapshots.refused,
  };
}
