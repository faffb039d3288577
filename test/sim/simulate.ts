/** Runs the command `npm run simulate` for a test, and gives back its report. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../parts/cache.js';

export interface Report {
  readonly seeds: number;
  readonly lives: number;
  readonly kills: number;
  readonly commits: number;
  readonly changes: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly failures: readonly { readonly seed: number; readonly kind: string; readonly text: string | null }[];
}

export interface Simulated {
  readonly code: number | null;
  readonly report: Report;
  /** What a person would see. */
  readonly shown: string;
}

export async function simulate(args: readonly string[]): Promise<Simulated> {
  const folder = await mkdtemp(join(tmpdir(), 'mcsync-simulate-'));
  try {
    const file = join(folder, 'report.json');
    const node = ['--no-warnings', '--import', './test/typescript.mjs', 'test/sim/main.ts', '--report', file];
    const child = spawn(process.execPath, [...node, ...args], {
      cwd: repositoryRoot,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let shown = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (shown += text));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const report = await readFile(file, 'utf8').catch(() => null);
    if (report === null) throw new Error(`npm run simulate -- ${args.join(' ')} ended with ${code}: ${shown}`);
    return { code, report: JSON.parse(report) as Report, shown };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
