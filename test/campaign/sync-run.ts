/**
 * `mcsync run`, kept running: started again when it was killed or gave up for now. Any other end is a finding of the
 * campaign, told with the last lines that it wrote.
 */
import { join } from 'node:path';
import type { TiedProcess } from '../../operator/cli/quickstart/tied-process.js';
import { lastLines, processesWith, type Role, signal, startProgram, type WorkerProcess, workersOf } from './program.js';
import type { World } from './world.js';

/** "Try again later; nothing is lost". */
const givenUpForNow = 'ended with exit code 75';
/** Of a precheck that met a server while it was down. */
const precheckFailed = 'ended with exit code 2';

export class SyncRun {
  readonly log: string;
  readonly #world: World;
  #process: TiedProcess | null = null;
  #end: string | null = null;
  /** Ends that the campaign itself caused, by the process they belong to. */
  #expected = new Set<string>();
  #isClosed = false;
  starts = 0;
  givenUp = 0;
  prechecksFailed = 0;

  constructor(world: World) {
    this.#world = world;
    this.log = join(world.folder, 'mcsync.log');
  }

  get isRunning(): boolean {
    return this.#process !== null && this.#end === null;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  workers(role?: Role): WorkerProcess[] {
    if (!this.isRunning) return [];
    return workersOf(this.pid).filter((worker) => role === undefined || worker.role === role);
  }

  /** Starts it where it does not run; throws where it has ended in a way that it must not. */
  ensure(...more: readonly string[]): void {
    if (this.isRunning) return;
    if (this.#isClosed) throw new Error('the campaign is over');
    if (this.#end !== null && !this.#expected.has(this.#end)) {
      if (this.#end === givenUpForNow) this.givenUp += 1;
      else if (this.#end === precheckFailed && this.#isServerAway()) this.prechecksFailed += 1;
      else throw new Error(`mcsync run ${this.#end}\n${lastLines(this.log)}`);
    }
    this.#expected = new Set();
    this.#end = null;
    this.starts += 1;
    const args = ['run', '-f', this.#world.taskFile, '--state', this.#world.state.path, '--verbose', ...more];
    const started = startProgram(args, this.log, this.#world.folder);
    this.#process = started;
    void started.ended.then((how) => {
      if (this.#process === started) this.#end = how;
    });
  }

  /** SIGKILL to it and to all of its workers, at one moment. */
  async killAll(): Promise<void> {
    const workers = this.workers();
    this.#kill();
    for (const { pid } of workers) signal(pid, 'SIGKILL');
    await this.#process?.ended;
  }

  async killParent(): Promise<void> {
    this.#kill();
    await this.#process?.ended;
  }

  /** Asks it to end; throws where it ends in a way that it must not. */
  async terminate(): Promise<void> {
    // By the signal itself where it came before the program had begun to listen for it.
    for (const end of ['ended with exit code 0', 'ended by SIGTERM', givenUpForNow]) this.#expected.add(end);
    signal(this.pid, 'SIGTERM');
    const end = await this.#process?.ended;
    if (end !== undefined && !this.#expected.has(end))
      throw new Error(`SIGTERM: mcsync run ${end}\n${lastLines(this.log)}`);
  }

  /** Ends by itself: with `--until`. */
  async end(): Promise<string> {
    this.#expected.add('ended with exit code 0');
    return (await this.#process?.ended) ?? 'was not running';
  }

  /** Kills it, and starts it no more. */
  close(): void {
    this.#isClosed = true;
    this.sweep();
  }

  /** Kills whatever is left of any run, workers that a signal had stopped included. Returns how much that was. */
  sweep(): number {
    this.#process?.kill();
    const left = processesWith(this.#world.state.path);
    for (const pid of left) signal(pid, 'SIGKILL');
    return left.length;
  }

  /** A first precheck whose errors all say that a server does not answer; a task that has begun outlives an outage. */
  #isServerAway(): boolean {
    if (this.#world.state.plan() !== null) return false;
    const end = lastLines(this.log, 20_000);
    const lastRun = end.slice(end.lastIndexOf('--- mcsync run'));
    const errors = [...lastRun.matchAll(/^ERROR\s+(\S+)/gm)].map(([, code]) => code);
    return errors.length > 0 && errors.every((code) => code === 'SOURCE_UNREACHABLE' || code === 'TARGET_UNREACHABLE');
  }

  #kill(): void {
    this.#expected.add('ended by SIGKILL');
    this.#process?.kill();
  }
}
