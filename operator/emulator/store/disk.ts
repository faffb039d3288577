/**
 * Where the store's own files are written, so that a full disk can be played: then half of what is asked is written and
 * the rest fails with ENOSPC, as a real disk does it.
 */
import type { FileHandle } from 'node:fs/promises';

export class Disk {
  /** How many reasons there are to be full: the setting is one, and each request that has this fault another. */
  private reasons = 0;

  get isFull(): boolean {
    return this.reasons > 0;
  }

  /** Returns what ends it, once. */
  fill(): () => void {
    this.reasons += 1;
    let isOver = false;
    return () => {
      if (!isOver) this.reasons -= 1;
      isOver = true;
    };
  }

  /** Stands before what DuckDB would write. */
  check(): void {
    if (this.isFull) throw noSpace();
  }

  /** All of the bytes, at this place of the file. */
  async write(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
    const length = this.isFull ? Math.floor(bytes.length / 2) : bytes.length;
    for (let at = 0; at < length; ) {
      at += (await file.write(bytes, at, length - at, position + at)).bytesWritten;
    }
    if (length < bytes.length) throw noSpace();
    this.check();
  }
}

export function isNoSpace(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOSPC';
}

function noSpace(): NodeJS.ErrnoException {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
}
