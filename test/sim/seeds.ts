/** Runs many seeds on some processes side by side. Which process takes a seed makes no difference to it. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SeedResult } from './seed.js';

export interface Folders {
  /** The pipeline as it is, and with limits that are small enough to be met. */
  readonly real: string;
  readonly small: string;
}

export interface SeedsInput {
  readonly firstSeed: number;
  readonly runs: number;
  readonly processes: number;
  readonly folders: Folders;
  /** Failures that are made smaller and kept; a mutant needs no more than one. */
  readonly failuresMax: number;
  readonly mutant: unknown;
  readonly isTraced: boolean;
  readonly isQuick: boolean;
  readonly onResult: (result: SeedResult) => void;
}

export interface Job {
  readonly seed: number;
  readonly isTraced: boolean;
  /** Whether a failure is made smaller: by fewer entries of the log, then by fewer faults. */
  readonly isShrunk: boolean;
}

export interface ShownSeed extends SeedResult {
  readonly shrunk: { readonly faultsLeft: number; readonly entriesLeft: number; readonly runs: number } | null;
}

const seedProcess = fileURLToPath(new URL('seed-process.ts', import.meta.url));
const typescript = new URL('../typescript.mjs', import.meta.url).href;

/** Results are told in the order in which they come. Returns the failures to show. */
export async function runSeeds(input: SeedsInput): Promise<ShownSeed[]> {
  const { firstSeed, runs, processes, folders, failuresMax, mutant, onResult } = input;
  const failures: ShownSeed[] = [];
  let next = firstSeed;
  const isOver = (): boolean => next >= firstSeed + runs || (mutant !== null && failures.length > 0);
  const job = (): Job | null => {
    if (isOver()) return null;
    const isTraced = input.isTraced && runs === 1;
    return { seed: next++, isTraced, isShrunk: !input.isQuick && failures.length < failuresMax };
  };
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(seedProcess, [folders.real, folders.small], {
        execArgv: ['--no-warnings', '--import', typescript],
        serialization: 'json',
      });
      let isLast = false;
      const give = (): void => {
        const given = job();
        isLast = given === null;
        if (given) child.send(given);
        else child.disconnect();
      };
      child.on('message', (result: ShownSeed) => {
        onResult(result);
        if ((result.failure !== null || result.trace.length > 0) && failures.length < failuresMax)
          failures.push(result);
        give();
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        if (isLast && code === 0) resolve();
        else reject(new Error(`a process that runs seeds ended with ${code ?? signal}`));
      });
      give();
    });
  await Promise.all(Array.from({ length: Math.min(processes, runs) }, work));
  return failures;
}
