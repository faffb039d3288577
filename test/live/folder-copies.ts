/** State folders to be damaged: copies of a sound one, their bytes before and after, and the files of their documents. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Each file below the folder with its bytes, as text that compares and shows well. */
export function bytesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'latin1')]));
}

/** A copy in place of what was there. */
export function copyFolder(from: string, to: string): string {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
  return to;
}

/** Paths of all versions of a document, the newest last. */
export function versionsOf(folder: string, document: string): string[] {
  const numbers = readdirSync(folder).flatMap((entry) => {
    const version = entry.startsWith(`${document}.`) ? entry.slice(document.length + 1) : '';
    return /^[1-9]\d*$/.test(version) ? [Number(version)] : [];
  });
  return numbers.sort((a, b) => a - b).map((version) => join(folder, `${document}.${version}`));
}

export function newestOf(folder: string, document: string): string {
  const path = versionsOf(folder, document).at(-1);
  if (path === undefined) throw new Error(`no ${document} in ${folder}: ${readdirSync(folder).join(' ')}`);
  return path;
}

/** While somebody may save: what was the newest a moment ago may be pruned now. */
export function readNewest(folder: string, document: string): string {
  for (;;) {
    try {
      return readFileSync(newestOf(folder, document), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** Changes the newest version of a document in its place, as no writer of ours ever does. */
export function tamper(folder: string, document: string, edit: (value: Record<string, unknown>) => void): void {
  const path = newestOf(folder, document);
  const value = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  edit(value);
  writeFileSync(path, JSON.stringify(value));
}

export function truncate(path: string, length: (whole: number) => number): void {
  const whole = readFileSync(path);
  writeFileSync(path, whole.subarray(0, length(whole.length)));
}
