/**
 * Starts the workers of one task and starts them again, as `mcsync run` and a cluster do: prepare first, then snapshot and
 * stream side by side; a worker that ended with "try again later" or was killed comes back after a pause; one that was
 * displaced stays away while its successor lives. Any other end must have a reason that was drawn.
 */
import type { Wish } from './history.js';
import { type Role, SimProcess, wallStepMs } from './process.js';
import { drawSettings, runWorker, type Settings } from './workers.js';
import type { World } from './world.js';

/** A wish, and the number of the request for a new snapshot that came with it. */
export type AskedFor = Wish & { readonly nonce: number };

/** Documents that a role claims. */
const claimed: Readonly<Record<Role, readonly string[]>> = {
  prepare: ['shop-plan', 'shop-precheck', 'shop-checkpoint'],
  snapshot: ['shop-shard-0'],
  stream: ['shop-checkpoint', 'shop-schema'],
};

const graceMs = 25_000;

export class Host {
  readonly #world: World;
  readonly #settings: Settings;
  /** The worker that the host believes in, by role. */
  readonly #current = new Map<Role, SimProcess>();
  readonly #alive = new Set<SimProcess>();
  #wishes: Wish[];
  #wish: AskedFor;
  /** What was asked for before it, for a person who takes a change back. */
  #wishBefore: AskedFor | null = null;
  #nonces = 0;
  #phase: 'prepare' | 'work' | 'changing' | 'ending' | 'ended' = 'prepare';
  #isSnapshotDone = false;
  lives = 0;
  kills = 0;
  readonly ends = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
    const [first, ...wishes] = world.history.wishes;
    this.#wish = { ...(first as Wish), nonce: 0 };
    this.#wishes = wishes;
    this.#settings = drawSettings(world.faults);
  }

  get isEnded(): boolean {
    return this.#phase === 'ended';
  }

  begin(): void {
    const { scheduler, history, calmAtMs } = this.#world;
    scheduler.after(history.startMs, () => this.#start('prepare'));
    for (const wish of this.#wishes) scheduler.after(wish.atMs, () => this.#change(wish));
    this.#strike();
    scheduler.after(calmAtMs + 1, () => this.#lookForEnd());
  }

  /** The host cannot tell a worker that stands still from a lost machine, now and then. */
  paused(process: SimProcess, isTakenForLost: boolean): void {
    const { scheduler, faults } = this.#world;
    if (!isTakenForLost || this.#current.get(process.role) !== process) return;
    scheduler.after(faults.random.between(100, 20_000), () => {
      if (this.#current.get(process.role) === process) this.#replace(process.role);
    });
  }

  /** Faults that come by time and not by request. */
  #strike(): void {
    const { scheduler, faults, calmAtMs } = this.#world;
    scheduler.after(faults.random.spread(100, 60_000), () => {
      if (scheduler.nowMs > calmAtMs || this.#phase === 'ended') return;
      this.#strike();
      const victim = [...this.#alive][faults.random.below(Math.max(1, this.#alive.size))];
      if (victim !== undefined) this.#strikeAt(victim);
    });
  }

  #strikeAt(victim: SimProcess): void {
    const { faults } = this.#world;
    const { random } = faults;
    const isCurrent = this.#phase === 'work' && this.#current.get(victim.role) === victim;
    if (faults.happens('killedAnytime', victim.name, 4)) victim.kill();
    else if (faults.happens('clockStep', victim.name, 4)) victim.wallOffsetMs += wallStepMs(random);
    else if (faults.happens('paused', victim.name, 4)) {
      victim.pause(random.spread(100, 3 * 3_600_000));
      this.paused(victim, random.chance(0.7));
    } else if (isCurrent && faults.happens('secondStarter', victim.role, 4)) this.#replace(victim.role);
    else if (isCurrent && faults.happens('stopped', victim.name, 4)) this.#stop(victim);
  }

  /** Another worker of the role becomes the one that counts; the one before it knows nothing of that. */
  #replace(role: Role): void {
    if (!this.#isWanted(role)) return;
    this.#current.delete(role);
    this.#start(role);
  }

  #isWanted(role: Role): boolean {
    return role === 'prepare' ? this.#phase === 'prepare' : this.#phase === 'work';
  }

  #start(role: Role): void {
    if (!this.#isWanted(role) || this.#current.has(role)) return;
    if (role === 'snapshot' && (this.#isSnapshotDone || !this.#world.history.hasBaselines)) return;
    const world = this.#world;
    this.lives += 1;
    const process = new SimProcess(`${role}-${this.lives}`, role, world, (dead) => {
      this.kills += 1;
      this.#gone(dead, 'killed');
    });
    if (world.faults.isDrawn('clockStep')) process.wallOffsetMs = world.faults.random.between(-5_000, 5_000);
    this.#current.set(role, process);
    this.#alive.add(process);
    world.trace.add(process.name, 'starts');
    void runWorker(world, process, this.#settings, this.#wish).then((outcome) => {
      if (process.isDead) return;
      process.end();
      this.#judge(process, outcome);
    });
  }

  #judge(process: SimProcess, error: unknown): void {
    const how = this.#endOf(process, error);
    if (how === null) return;
    this.#world.trace.add(process.name, `ends: ${how}${error instanceof Error ? `, ${error.message}` : ''}`);
    this.#gone(process, how);
  }

  /** Null where no reason for such an end was drawn. */
  #endOf(process: SimProcess, error: unknown): string | null {
    const { pipeline, monitor } = this.#world;
    const { stop, deadline, role, name } = process;
    if (error === undefined) return stop.signal.aborted ? 'stopped' : 'done';
    if (stop.signal.aborted && (error === stop.signal.reason || error === deadline.signal.reason)) return 'stopped';
    if (!(error instanceof pipeline.SyncError)) {
      this.#world.fail(`bug in ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return null;
    }
    const isExpected =
      error.isRetryable ||
      (error.code === 'ANOTHER_WRITER' && monitor.isDisplaced(name, claimed[role], process.startedMs)) ||
      (error.code === 'DDL_INCOMPATIBLE' && this.#takeAgain(error.table)) ||
      (error.code === 'TRANSACTION_TOO_LARGE' && role === 'prepare' && this.#takeBack());
    if (!isExpected) this.#world.fail(`false stop of ${name}: ${error.code}: ${error.seen}`);
    return isExpected ? error.code : null;
  }

  /** A table without a key was altered before its view: the person takes it again, as the error says. */
  #takeAgain(table: string | undefined): boolean {
    const { history, scheduler } = this.#world;
    const altered = history.entries.some((entry) => entry.kind === 'schema' && `shop.${entry.table}` === table);
    const name = table?.slice('shop.'.length) as string;
    if (!altered || history.tables.find((each) => each.name === name)?.isKeyed) return false;
    const wish = { atMs: scheduler.nowMs, tables: this.#wish.tables, again: [name] };
    scheduler.after(1, () => this.#change(wish));
    return true;
  }

  /** A task cannot be changed amid a transaction that is committed in parts: the person waits until it has ended. */
  #takeBack(): boolean {
    const { monitor, scheduler } = this.#world;
    const wish = this.#wish;
    if (!monitor.checkpoint?.partial || this.#wishBefore === null) return false;
    this.#wish = this.#wishBefore;
    this.#wishBefore = null;
    scheduler.after(60_000, () => this.#change(wish));
    return true;
  }

  #gone(process: SimProcess, how: string): void {
    const { scheduler, faults } = this.#world;
    const { role } = process;
    this.ends.set(how, (this.ends.get(how) ?? 0) + 1);
    this.#alive.delete(process);
    if (this.#current.get(role) !== process) return;
    this.#current.delete(role);
    if (this.#phase === 'ending') this.#endWhenAlone();
    else if (this.#phase === 'changing') this.#prepareWhenAlone();
    else if (how !== 'done') scheduler.after(faults.random.spread(200, 30_000), () => this.#start(role));
    else if (role === 'stream') this.#world.fail('a stream ended although nobody asked it to');
    else if (role === 'snapshot') this.#isSnapshotDone = true;
    else this.#work();
  }

  #work(): void {
    this.#phase = 'work';
    this.#isSnapshotDone = false;
    this.#start('stream');
    this.#start('snapshot');
  }

  /** The task is changed: its workers end at a checkpoint, then it is prepared anew. */
  #change(wish: Wish): void {
    const { scheduler, trace } = this.#world;
    if (this.#phase === 'prepare' || this.#phase === 'changing') scheduler.after(5_000, () => this.#change(wish));
    if (this.#phase !== 'work') return;
    trace.add('person', `wants ${wish.tables.join()}${wish.again ? `, anew: ${wish.again.join() || 'all'}` : ''}`);
    this.#wishBefore = this.#wish;
    if (wish.again) this.#nonces += 1;
    this.#wish = { ...wish, nonce: wish.again ? this.#nonces : this.#wish.nonce };
    this.#phase = 'changing';
    for (const process of [...this.#current.values()]) this.#stop(process);
    this.#prepareWhenAlone();
  }

  #prepareWhenAlone(): void {
    if (this.#current.size > 0 || this.#phase !== 'changing') return;
    this.#phase = 'prepare';
    this.#start('prepare');
  }

  #stop(process: SimProcess): void {
    const { scheduler, trace } = this.#world;
    trace.add(process.name, 'is asked to stop');
    scheduler.after(0, () => process.deliver(() => process.stop.abort(new Error('asked to stop'))));
    scheduler.after(graceMs, () =>
      process.deliver(() => process.deadline.abort(new Error('the grace period is over'))),
    );
    scheduler.after(graceMs + 5_000, () => process.kill());
  }

  /** All is copied, all is read: the task can be ended, and what is left is looked at. */
  #lookForEnd(): void {
    if (this.#phase === 'ended') return;
    if (!this.#isAtEnd()) {
      this.#world.scheduler.after(30_000, () => this.#lookForEnd());
      return;
    }
    this.#phase = 'ending';
    for (const process of [...this.#current.values()]) this.#stop(process);
    this.#endWhenAlone();
  }

  #isAtEnd(): boolean {
    const { history, monitor } = this.#world;
    const { checkpoint } = monitor;
    const last = history.entries.at(-1)?.end;
    if (checkpoint === null || this.#phase !== 'work' || !this.#wishesAreMet()) return false;
    const { position, tables, intent } = checkpoint;
    const isRead = last === undefined || (position.file === last.file && position.offset === last.offset);
    const isComplete = Object.values(tables).every((table) => table.state === 'complete');
    const isCopied = this.#isSnapshotDone || !history.hasBaselines;
    return isRead && isComplete && isCopied && intent === null && ![...this.#alive].some((each) => each.isPaused);
  }

  #wishesAreMet(): boolean {
    return this.#world.scheduler.nowMs > (this.#wishes.at(-1)?.atMs ?? 0) + 10_000;
  }

  #endWhenAlone(): void {
    if (this.#current.size > 0) return;
    this.#phase = 'ended';
    for (const process of this.#alive) process.end();
  }
}
