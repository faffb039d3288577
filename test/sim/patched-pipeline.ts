/**
 * A copy of the pipeline's source with a few places changed, each found by a text that must be there exactly once: a
 * change of the source that leaves a patch behind is an error, not a patch that does nothing.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../parts/cache.js';

export interface Edit {
  /** Below `operator/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** What the pipeline is made of; it imports nothing else of ours. */
const folders = ['base', 'model', 'pipeline'] as const;

/** The folder of the copy, to be removed by whoever made it. */
export function copyPipeline(edits: readonly Edit[]): string {
  const copy = mkdtempSync(join(tmpdir(), 'mcsync-pipeline-'));
  for (const folder of folders)
    cpSync(join(repositoryRoot, 'operator', folder), join(copy, folder), { recursive: true });
  for (const { file, find, replace } of edits) {
    const path = join(copy, file);
    const source = readFileSync(path, 'utf8');
    const places = source.split(find).length - 1;
    if (places !== 1) throw new Error(`a patch of ${file} fits ${places} places, not one: ${find}`);
    writeFileSync(
      path,
      source.replace(find, () => replace),
    );
  }
  return copy;
}

export function removePipeline(copy: string): void {
  rmSync(copy, { recursive: true, force: true });
}

/** Limits that a simulated task would never meet, made small; nothing else is changed. */
export const smallLimits: readonly Edit[] = [
  { file: 'pipeline/batcher.ts', find: 'const intentBytesMax = 600 * 1024;', replace: 'const intentBytesMax = 700;' },
  {
    file: 'pipeline/batcher.ts',
    find: 'const heldBytesWorthAWait = 4 * 1024 * 1024;',
    replace: 'const heldBytesWorthAWait = 300;',
  },
  { file: 'pipeline/watches.ts', find: 'const rememberedMax = 100_000;', replace: 'const rememberedMax = 2;' },
];
