import { mkdir } from 'node:fs/promises';

/** Makes a folder, and those above it, for this user alone; one that is there stays as it is. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // What Node's recursive mkdir makes of a full disk (libuv's ENOSPC is lost on the way); the plain one says what it is.
    await mkdir(path, { mode: 0o700 });
  }
}
