/**
 * The built program as processes: `mcsync run` with its workers, the emulator, and commands that end by themselves. All of
 * them end with this process, however it ends.
 */
import { execFile } from 'node:child_process';
import { appendFileSync, closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startTiedProcess, type TiedProcess } from '../../operator/cli/quickstart/tied-process.js';

const program = fileURLToPath(new URL('../../operator/dist/cli/main.js', import.meta.url));
const commandMsMax = 300_000;

export type Role = 'prepare' | 'snapshot' | 'stream';

export interface WorkerProcess {
  readonly pid: number;
  readonly role: Role;
}

/** Starts the program with its output at the end of a file. The process id is the program's own. */
export function startProgram(args: readonly string[], logFile: string, cwd: string): TiedProcess {
  appendFileSync(logFile, `--- mcsync ${args[0]} at ${new Date().toISOString()}\n`);
  const script = 'log=$0; exec "$@" >>"$log" 2>&1';
  return startTiedProcess('/bin/sh', ['-c', script, logFile, process.execPath, program, ...args], { cwd });
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end. Its parent being killed, it is killed too (time-out included). */
export function runProgram(args: readonly string[], msMax = commandMsMax): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...args],
      { timeout: msMax, killSignal: 'SIGKILL', maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
  });
}

/** Workers that this `mcsync run` has at this moment. */
export function workersOf(parent: number): WorkerProcess[] {
  return textOf(`/proc/${parent}/task/${parent}/children`)
    .split(' ')
    .filter((pid) => pid !== '')
    .flatMap((pid) => {
      const role = roleOf(Number(pid));
      return role === null ? [] : [{ pid: Number(pid), role }];
    });
}

/** Processes of the program that have this text on their command line, whoever started them. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .map(Number)
    .filter((pid) => {
      const words = textOf(`/proc/${pid}/cmdline`).split('\0');
      return words[0] === process.execPath && words.includes(program) && words.some((word) => word.includes(text));
    });
}

export function isAlive(pid: number): boolean {
  // A zombie has ended; its parent has just not asked yet.
  const state = /^\d+ \(.*\) (\S)/s.exec(textOf(`/proc/${pid}/stat`))?.[1];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** False where the process has ended already. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

export function lastLines(file: string, bytes = 3_000): string {
  const size = statSync(file).size;
  const from = Math.max(0, size - bytes);
  const handle = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(size - from);
    readSync(handle, buffer, 0, buffer.length, from);
    return buffer.toString('utf8');
  } finally {
    closeSync(handle);
  }
}

function roleOf(pid: number): Role | null {
  const words = textOf(`/proc/${pid}/cmdline`).split('\0');
  const role = words[words.indexOf('worker') + 1];
  return words.includes('worker') && (role === 'prepare' || role === 'snapshot' || role === 'stream') ? role : null;
}

/** Empty where the process has ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
