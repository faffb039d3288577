/**
 * The truth about uploads: an append-only file of JSON lines, one per session opened, block taken, commit and other end.
 * A line that was synced before the answer survives any end of the process; a line that was cut while being written is
 * dropped when the file is opened again. Writers share one sync: what waits while one runs goes with the next.
 */
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { SyncError } from '../../base/errors.js';
import type { Disk } from './disk.js';

export type JournalEntry =
  | {
      readonly t: 'open';
      readonly id: string;
      /** Number of the table, never used again; a table dropped and made again has another. */
      readonly table: number;
      readonly partition: readonly string[] | null;
      /** How many data columns the table had: later ones are NULL in these rows. */
      readonly columns: number;
      readonly overwrite: boolean;
      readonly at: number;
    }
  | {
      readonly t: 'block';
      readonly id: string;
      readonly block: number;
      readonly rows: number;
      readonly encoding: Encoding;
      readonly extents: readonly Extent[];
      readonly at: number;
    }
  | { readonly t: 'commit'; readonly id: string; readonly at: number }
  | { readonly t: 'end'; readonly id: string; readonly how: SessionEnd; readonly at: number };

/** How a session ends that is not committed: each is told to the client, `forgotten` as one that never was. */
export type SessionEnd = 'expired' | 'canceled' | 'forgotten';

export type Encoding = 'raw' | 'deflate' | 'zstd';

/** Segment number, offset and length of bytes in the block files. */
export type Extent = readonly [segment: number, offset: number, bytes: number];

interface Waiting {
  readonly line: string;
  readonly sync: (() => Promise<void>) | null;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Journal {
  private readonly file: FileHandle;
  private readonly durable: boolean;
  private readonly disk: Disk;
  private bytes: number;
  private waiting: Waiting[] = [];
  private running: Promise<void> | null = null;

  private constructor(file: FileHandle, bytes: number, durable: boolean, disk: Disk) {
    this.file = file;
    this.bytes = bytes;
    this.durable = durable;
    this.disk = disk;
  }

  /** Reads all entries, keeps those that `keep` wants, and goes on behind them. `durable` false: no syncs (throw-away data). */
  static async open(
    folder: string,
    durable: boolean,
    disk: Disk,
    keep: (entries: JournalEntry[]) => JournalEntry[],
  ): Promise<{ journal: Journal; entries: JournalEntry[] }> {
    await mkdir(folder, { recursive: true });
    const path = join(folder, 'uploads.journal');
    const entries = keep(await readEntries(path));
    const fresh = await open(`${path}.new`, 'w');
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    await fresh.writeFile(text);
    if (durable) await fresh.sync();
    await rename(`${path}.new`, path);
    if (durable) await syncFolder(folder);
    return { journal: new Journal(fresh, Buffer.byteLength(text), durable, disk), entries };
  }

  /** Resolves when the entry is written; with `sync`, when that has run and the journal itself is on the disk. */
  append(entry: JournalEntry, sync: (() => Promise<void>) | null = null): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ line: `${JSON.stringify(entry)}\n`, sync, resolve, reject });
      this.running ??= this.run();
    });
  }

  async close(): Promise<void> {
    await this.running;
    await this.file.close();
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      const group = this.waiting;
      this.waiting = [];
      try {
        const syncs = new Set(group.flatMap((one) => (one.sync === null ? [] : [one.sync])));
        if (this.durable) for (const sync of syncs) await sync();
        await this.write(Buffer.from(group.map((one) => one.line).join('')), syncs.size > 0);
        for (const one of group) one.resolve();
      } catch (error) {
        for (const one of group) one.reject(error);
      }
    }
    this.running = null;
  }

  private async write(bytes: Buffer, sync: boolean): Promise<void> {
    try {
      await this.disk.write(this.file, bytes, this.bytes);
      if (this.durable && sync) await this.file.datasync();
      this.bytes += bytes.length;
    } catch (error) {
      // Neither half a line, nor one whose writer was told that it failed, may be found later.
      await this.file.truncate(this.bytes);
      throw error;
    }
  }
}

async function readEntries(path: string): Promise<JournalEntry[]> {
  const file = await open(path, 'a+');
  const text = await file.readFile('utf8');
  await file.close();
  const lines = text.split('\n');
  // After the last line feed stands nothing, or what was being written at the end.
  lines.pop();
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as JournalEntry;
    } catch (cause) {
      throw new SyncError('STORE_CORRUPT', {
        seen: `line ${index + 1} of ${path} is not JSON`,
        wanted: 'a journal as the emulator wrote it',
        fix: 'Restore the data folder, or start the emulator with another one.',
        cause,
      });
    }
  });
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync();
  await handle.close();
}
