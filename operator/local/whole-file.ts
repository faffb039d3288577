/**
 * Small files that are replaced as a whole. In: a path and a text. Out: the file holds the text, or what it held before: a
 * reader never sees half of it, and a disk that is full takes nothing away. Documents with more than one writer need more
 * (file-store.ts).
 */
import { rename, unlink, writeFile } from 'node:fs/promises';

export async function writeWholeFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text, { mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined); // its room is needed
    throw error;
  }
}
