/** One seed, from its first worker to its last look. */
import type { FaultKind } from './faults.js';
import type { WorldOptions } from './world.js';
import { World } from './world.js';

export interface SeedResult {
  readonly seed: number;
  /** What must not be and was; null when all was well. */
  readonly failure: string | null;
  readonly lives: number;
  readonly kills: number;
  readonly commits: number;
  readonly rows: number;
  readonly changes: number;
  readonly events: number;
  readonly simulatedMs: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly ends: Readonly<Record<string, number>>;
  readonly firedFaults: readonly { readonly number: number; readonly kind: FaultKind }[];
  readonly entries: number;
  readonly trace: readonly string[];
  readonly lastLines: readonly string[];
}

/** A task whose end takes more is a task that does not end. */
const eventsMax = 400_000;
/** Behind the calm: sessions that hold up a task expire within a day, some of them one after the other. */
const calmMsMax = 8 * 24 * 3_600_000;
const linesShown = 40;

export async function runSeed(options: WorldOptions): Promise<SeedResult> {
  const world = new World(options);
  const onRejection = (error: unknown): void =>
    world.fail(`a promise rejected with nobody to hear it: ${String(error)}`);
  process.on('unhandledRejection', onRejection);
  try {
    world.host.begin();
    const limits = { events: eventsMax, untilMs: world.calmAtMs + calmMsMax };
    const end = await world.scheduler.run(() => world.failure !== null || world.host.isEnded, limits);
    if (end !== 'over') world.fail(`no end: ${end} after ${(world.scheduler.nowMs / 3_600_000).toFixed(1)} hours`);
    // What is still on its way lands, whoever sent it.
    await world.scheduler.run(() => world.failure !== null, { ...limits, untilMs: Number.POSITIVE_INFINITY });
    return resultOf(options.seed, world);
  } finally {
    process.off('unhandledRejection', onRejection);
  }
}

function resultOf(seed: number, world: World): SeedResult {
  const { host, maxCompute, monitor, scheduler, faults, trace, history } = world;
  return {
    seed,
    failure: world.failure,
    lives: host.lives,
    kills: host.kills,
    commits: maxCompute.commits,
    rows: monitor.rowsLanded,
    changes: monitor.checkpoint?.recordId ?? 0,
    events: scheduler.eventsRun,
    simulatedMs: scheduler.nowMs,
    faults: Object.fromEntries(faults.counts),
    ends: Object.fromEntries(host.ends),
    firedFaults: faults.fired,
    entries: history.entries.length,
    trace: trace.all(),
    lastLines: trace.last(linesShown),
  };
}
