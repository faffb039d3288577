/** Where fetched parts are kept between runs, and how they are fetched: bounded in time, quiet when it goes well. */
import { spawn } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

export function cachePath(name: string): string {
  return `${repositoryRoot}.cache/${name}`;
}

/** Fills `.cache/<name>` by way of a folder beside it, so that a broken fetch leaves nothing that looks whole. */
export async function fillCache(name: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const folder = `${cachePath(name)}.part-${process.pid}`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    await fill(folder);
    rmSync(cachePath(name), { recursive: true, force: true });
    renameSync(folder, cachePath(name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a command to its end; rejects with the last lines of what it said. */
export function runCommand(command: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
    let said = '';
    const listen = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-2_000);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('error', reject);
    child.once('close', (code) => {
      const lastLines = said.trim().split('\n').slice(-3).join(' | ');
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with ${code}: ${lastLines}`));
    });
  });
}
