/**
 * `mcsync run`, kept running: started again when it was killed or gave up for now. Any other end is a finding of the
 * campaign, told with the last lines that it wrote.
 */
import { join } from 'node:path';
import type { TiedProcess } from '../../operator/cli/quickstart/tied-process.js';
import { lastLines, processesWith, type Role, signal, startProgram, type WorkerProcess, workersOf } from './program.js';
import type { World } from './world.js';

/** 75: "try again later; nothing is lost". */
const giveUpForNow = 'ended with exit code 75';

export class SyncRun {
  readonly log: string;
  readonly #world: World;
  #process: TiedProcess | null = null;
  #end: string | null = null;
  /** Ends that the campaign itself caused, by the process they belong to. */
  #expected = new Set<string>();
  starts = 0;
  givenUp = 0;

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
    if (this.#end !== null && !this.#expected.has(this.#end)) {
      if (this.#end !== giveUpForNow) throw new Error(`mcsync run ${this.#end}\n${lastLines(this.log)}`);
      this.givenUp += 1;
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

  /** Resolves with how it ended. */
  async terminate(): Promise<string> {
    this.#expected.add('ended with exit code 0');
    signal(this.pid, 'SIGTERM');
    return (await this.#process?.ended) ?? 'was not running';
  }

  /** Ends by itself: with `--until`. */
  async end(): Promise<string> {
    this.#expected.add('ended with exit code 0');
    return (await this.#process?.ended) ?? 'was not running';
  }

  /** Whatever is left of any run, workers that a signal had stopped included. */
  sweep(): number {
    this.#process?.kill();
    const left = processesWith(this.#world.state.path);
    for (const pid of left) signal(pid, 'SIGKILL');
    return left.length;
  }

  #kill(): void {
    this.#expected.add('ended by SIGKILL');
    this.#process?.kill();
  }
}
