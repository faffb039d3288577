/** Processes as the kernel shows them in /proc: children of a process, what they were started as, what memory they took. Linux only. */
import { readFileSync } from 'node:fs';

/** Children of a process, and theirs; empty where it has ended. */
export function descendantsOf(pid: number): number[] {
  const children = readProc(`${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** The worker of a role that runs below this process; null where none does. */
export function workerBelow(pid: number, role: string): number | null {
  return descendantsOf(pid).find((child) => argumentsOf(child).join(' ').includes(` worker ${role} `)) ?? null;
}

/** MiB of memory that the process has ever held at one time (`VmHWM`), by the kernel's account; 0 where it has ended. */
export function peakMiB(pid: number): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readProc(`${pid}/status`))?.[1];
  return Math.round(Number(kibibytes ?? 0) / 1024);
}

export function isAlive(pid: number): boolean {
  const state = /^State:\s+(\w)/m.exec(readProc(`${pid}/status`))?.[1];
  return state !== undefined && state !== 'Z';
}

function argumentsOf(pid: number): string[] {
  return readProc(`${pid}/cmdline`).split('\0');
}

function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
