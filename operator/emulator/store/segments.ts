/**
 * The bytes of uploaded blocks, as they came over the wire, in files that only grow. A file goes away when no block in it
 * is needed any more. What the bytes belong to stands in the journal.
 */
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../../base/assert.js';
import type { Disk } from './disk.js';
import { type Extent, syncFolder } from './journal.js';

/** A new file begins beyond this size, so that space comes back in such pieces. */
const segmentBytesMax = 64 * 1024 * 1024;
/** Read in pieces of this size: a block may be larger than memory should be. */
const readBytes = 1024 * 1024;

export class Segments {
  private readonly folder: string;
  private readonly durable: boolean;
  private readonly disk: Disk;
  private current: { number: number; file: FileHandle; bytes: number } | null = null;
  /** Open for writing: the current one, and full ones until the next sync. */
  private readonly files = new Map<number, FileHandle>();
  private nextNumber: number;
  private writing: Promise<unknown> = Promise.resolve();
  private readonly unsynced = new Set<number>();
  private readonly users = new Map<number, number>();

  private constructor(folder: string, durable: boolean, disk: Disk, nextNumber: number) {
    this.folder = folder;
    this.durable = durable;
    this.disk = disk;
    this.nextNumber = nextNumber;
  }

  /** `needed` are the extents that the journal still wants; files without any are removed. */
  static async open(dataDir: string, durable: boolean, disk: Disk, needed: readonly Extent[]): Promise<Segments> {
    const folder = join(dataDir, 'blocks');
    await mkdir(folder, { recursive: true });
    const numbers = (await readdir(folder)).map((name) => Number.parseInt(name, 10)).filter(Number.isInteger);
    const segments = new Segments(folder, durable, disk, Math.max(0, ...numbers) + 1);
    segments.retain(needed);
    for (const number of numbers) if (!segments.users.has(number)) await rm(segments.path(number), { force: true });
    return segments;
  }

  /** Appends bytes; one after the other, in the order of the calls. */
  append(pieces: readonly Uint8Array[]): Promise<Extent> {
    const written = this.writing.then(() => this.write(pieces));
    this.writing = written.catch(() => undefined);
    return written;
  }

  /** Resolves when all that was appended is on the disk. A stable reference: the journal calls it once per group. */
  readonly sync = async (): Promise<void> => {
    for (const number of [...this.unsynced]) {
      this.unsynced.delete(number);
      try {
        await this.files.get(number)?.datasync();
      } catch (error) {
        this.unsynced.add(number);
        throw error;
      }
    }
    for (const [number, file] of [...this.files]) {
      if (number === this.current?.number || this.unsynced.has(number)) continue;
      this.files.delete(number);
      await file.close();
    }
  };

  retain(extents: readonly Extent[]): void {
    for (const [segment] of extents) this.users.set(segment, (this.users.get(segment) ?? 0) + 1);
  }

  async release(extents: readonly Extent[]): Promise<void> {
    for (const [segment] of extents) {
      const users = (this.users.get(segment) ?? 0) - 1;
      assert(users >= 0, 'an extent is released once');
      this.users.set(segment, users);
      if (users > 0 || segment === this.current?.number) continue;
      this.users.delete(segment);
      await rm(this.path(segment), { force: true });
    }
  }

  async *read(extents: readonly Extent[]): AsyncGenerator<Uint8Array> {
    for (const [segment, offset, bytes] of extents) {
      const file = await open(this.path(segment), 'r');
      try {
        for (let at = 0; at < bytes; ) {
          const buffer = Buffer.allocUnsafe(Math.min(readBytes, bytes - at));
          const { bytesRead } = await file.read(buffer, 0, buffer.length, offset + at);
          assert(bytesRead > 0, 'a block file is as long as the journal says');
          yield buffer.subarray(0, bytesRead);
          at += bytesRead;
        }
      } finally {
        await file.close();
      }
    }
  }

  async close(): Promise<void> {
    await this.writing;
    await this.sync();
    for (const file of this.files.values()) await file.close();
    this.files.clear();
    this.current = null;
  }

  private async write(pieces: readonly Uint8Array[]): Promise<Extent> {
    const segment = await this.segment();
    const offset = segment.bytes;
    let bytes = 0;
    for (const piece of pieces) {
      await this.disk.write(segment.file, piece, offset + bytes);
      bytes += piece.length;
    }
    segment.bytes += bytes;
    this.unsynced.add(segment.number);
    const extent: Extent = [segment.number, offset, bytes];
    this.retain([extent]);
    return extent;
  }

  private async segment(): Promise<{ number: number; file: FileHandle; bytes: number }> {
    if (this.current !== null && this.current.bytes < segmentBytesMax) return this.current;
    const full = this.current;
    const number = this.nextNumber;
    this.nextNumber += 1;
    this.current = { number, file: await open(this.path(number), 'wx'), bytes: 0 };
    this.files.set(number, this.current.file);
    if (this.durable) await syncFolder(this.folder);
    if (full !== null && (this.users.get(full.number) ?? 0) === 0) await rm(this.path(full.number), { force: true });
    return this.current;
  }

  private path(number: number): string {
    return join(this.folder, `${String(number).padStart(8, '0')}.blocks`);
  }
}
