/** A small file system of its own, to be filled and to be made read-only. Only root can mount one. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Part } from './part.js';

export interface SmallDisk {
  readonly folder: string;
  /** `ro`, `rw`. */
  remount(option: string): void;
  unmount(): void;
}

let reason: string | null | undefined;

export const tmpfs: Part = {
  name: 'tmpfs',
  missing: () => (reason === undefined ? (reason = tryMount()) : reason),
};

/** `options` as mount(8) has them for tmpfs: `size=256k,nr_inodes=64`. */
export function mountSmallDisk(options: string): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'mcsync-disk-'));
  try {
    mount('-t', 'tmpfs', '-o', options, 'tmpfs', folder);
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
  return {
    folder,
    remount: (option) => mount('-o', `remount,${option}`, folder),
    unmount() {
      execFileSync('umount', ['--lazy', folder], { stdio: 'pipe' });
      rmdirSync(folder);
    },
  };
}

function tryMount(): string | null {
  if (process.platform !== 'linux') return `mounts a tmpfs, which ${process.platform} does not know`;
  if (process.getuid?.() !== 0) return 'only root can mount a tmpfs';
  try {
    mountSmallDisk('size=16k').unmount();
    return null;
  } catch (error) {
    return `a tmpfs cannot be mounted here: ${(error as Error).message.split('\n').at(-1)}`;
  }
}

function mount(...args: readonly string[]): void {
  execFileSync('mount', args, { stdio: 'pipe' });
}
