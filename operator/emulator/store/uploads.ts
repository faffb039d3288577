/**
 * Upload sessions. A session is born in the journal, takes blocks (the same id again replaces), and is committed once; what
 * is committed waits here until the loader has put its rows into DuckDB.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.js';
import type { Encoding, Extent, Journal, JournalEntry, SessionEnd } from './journal.js';
import type { Segments } from './segments.js';

export const sessionLifeMs = 24 * 3600 * 1000;

export interface UploadBlock {
  readonly id: number;
  readonly rows: number;
  readonly encoding: Encoding;
  /** Emptied when the rows are in DuckDB. */
  extents: readonly Extent[];
  readonly atMs: number;
}

export type UploadStatus = 'normal' | 'committing' | 'closed' | 'expired' | 'canceled';

export interface Upload {
  readonly id: string;
  readonly tableId: number;
  readonly partition: readonly string[] | null;
  readonly columns: number;
  readonly overwrite: boolean;
  readonly openedMs: number;
  readonly blocks: Map<number, UploadBlock>;
  status: UploadStatus;
}

export class Uploads {
  private readonly journal: Journal;
  private readonly segments: Segments;
  private readonly clock: Clock;
  private readonly sessions = new Map<string, Upload>();
  /** Committed and not yet in DuckDB, by table, in the order of the commits. */
  private readonly pending = new Map<number, Upload[]>();
  private sweptMs: number;

  constructor(journal: Journal, segments: Segments, clock: Clock) {
    this.journal = journal;
    this.segments = segments;
    this.clock = clock;
    this.sweptMs = clock.nowMs();
  }

  /** Builds the state that the journal tells; `loaded` are the sessions whose rows DuckDB has. */
  restore(entries: readonly JournalEntry[], loaded: ReadonlySet<string>): void {
    const forgotten: string[] = [];
    for (const entry of entries) {
      if (entry.t === 'open') {
        this.sessions.set(entry.id, {
          id: entry.id,
          tableId: entry.table,
          partition: entry.partition,
          columns: entry.columns,
          overwrite: entry.overwrite,
          openedMs: entry.at,
          blocks: new Map(),
          status: 'normal',
        });
        continue;
      }
      const session = this.sessions.get(entry.id);
      if (session === undefined) continue;
      if (entry.t === 'block') session.blocks.set(entry.block, blockOf(entry, loaded.has(entry.id)));
      else if (entry.t === 'commit' && session.status !== 'closed') {
        session.status = 'closed';
        if (!loaded.has(entry.id)) this.enqueue(session);
      } else if (entry.t === 'end') {
        if (entry.how === 'forgotten') forgotten.push(entry.id);
        else session.status = entry.how;
      }
    }
    // At the end: a commit that was under way when its session was forgotten stands behind that line.
    for (const id of forgotten) this.sessions.delete(id);
  }

  async open(about: Pick<Upload, 'tableId' | 'partition' | 'columns' | 'overwrite'>): Promise<Upload> {
    await this.sweep();
    const openedMs = this.clock.nowMs();
    const stamp = new Date(openedMs).toISOString().replace(/\D/g, '').slice(0, 14);
    const upload: Upload = {
      ...about,
      id: `${stamp}${randomBytes(9).toString('hex')}`,
      openedMs,
      blocks: new Map(),
      status: 'normal',
    };
    const { tableId: table, partition, columns, overwrite } = about;
    await this.journal.append({ t: 'open', id: upload.id, table, partition, columns, overwrite, at: openedMs });
    this.sessions.set(upload.id, upload);
    return upload;
  }

  get(id: string): Upload | null {
    const upload = this.sessions.get(id);
    if (upload === undefined) return null;
    if (upload.status === 'normal' && this.clock.nowMs() - upload.openedMs >= sessionLifeMs) upload.status = 'expired';
    return upload;
  }

  /** False when the session takes no blocks any more; the bytes are given up then. */
  async put(
    upload: Upload,
    id: number,
    rows: number,
    encoding: Encoding,
    extents: readonly Extent[],
  ): Promise<boolean> {
    if (this.get(upload.id)?.status !== 'normal') {
      await this.segments.release(extents);
      return false;
    }
    const at = this.clock.nowMs();
    const entry = { t: 'block', id: upload.id, block: id, rows, encoding, extents, at } as const;
    // Into memory first: a commit that comes while the line is written must take this block, whose line stands before its own.
    const replaced = upload.blocks.get(id);
    const block: UploadBlock = { id, rows, encoding, extents, atMs: at };
    upload.blocks.set(id, block);
    try {
      await this.journal.append(entry);
    } catch (error) {
      // What the journal does not tell must not be listed, nor be in a commit that is written after it.
      if (upload.blocks.get(id) === block) {
        if (replaced) upload.blocks.set(id, replaced);
        else upload.blocks.delete(id);
      }
      await this.segments.release(extents);
      throw error;
    }
    if (replaced) await this.segments.release(replaced.extents);
    return true;
  }

  /** Durable when it resolves. The caller has seen that the status is normal. */
  async commit(upload: Upload): Promise<void> {
    upload.status = 'committing';
    try {
      await this.journal.append({ t: 'commit', id: upload.id, at: this.clock.nowMs() }, this.segments.sync);
    } catch (error) {
      upload.status = 'normal';
      throw error;
    }
    upload.status = 'closed';
    this.enqueue(upload);
  }

  /** A commit has begun: its state says so, and nothing of it is in the table until `commit`, or ever after `letGo`. */
  hold(upload: Upload): void {
    upload.status = 'committing';
  }

  letGo(upload: Upload): void {
    if (upload.status === 'committing') upload.status = 'normal';
  }

  /** Ends a session otherwise than by a commit. Rows that were committed stay; a commit under way goes on. */
  async end(upload: Upload, how: SessionEnd): Promise<void> {
    if (how === 'canceled' && upload.status !== 'normal') return;
    await this.journal.append({ t: 'end', id: upload.id, how, at: this.clock.nowMs() });
    const isOpen = upload.status === 'normal';
    this.applyEnd(upload, how);
    if (isOpen) await this.giveUpBytes(upload);
  }

  /** No session that there was can be asked about any more. */
  async forgetAll(): Promise<void> {
    await Promise.all(this.list().map((upload) => this.end(upload, 'forgotten')));
  }

  /** All that can be asked about, oldest first. */
  list(): Upload[] {
    return [...this.sessions.keys()].flatMap((id) => this.get(id) ?? []);
  }

  /** Committed sessions of a table whose rows are not in DuckDB yet. */
  waiting(tableId: number): readonly Upload[] {
    return this.pending.get(tableId) ?? [];
  }

  /** DuckDB has the rows of these sessions, durably; or their table is gone. */
  async loaded(uploads: readonly Upload[]): Promise<void> {
    for (const upload of uploads) {
      const queue = this.pending.get(upload.tableId) ?? [];
      queue.splice(queue.indexOf(upload), 1);
      await this.giveUpBytes(upload);
    }
  }

  async dropTable(tableId: number): Promise<void> {
    await this.loaded([...this.waiting(tableId)]);
    this.pending.delete(tableId);
  }

  private applyEnd(upload: Upload, how: SessionEnd): void {
    if (how === 'forgotten') this.sessions.delete(upload.id);
    if (upload.status === 'committing') return;
    if (how !== 'forgotten') upload.status = how;
    // Whoever still holds it must not fill or commit what nobody can ask about.
    else if (upload.status === 'normal') upload.status = 'canceled';
  }

  private enqueue(upload: Upload): void {
    const queue = this.pending.get(upload.tableId);
    if (queue) queue.push(upload);
    else this.pending.set(upload.tableId, [upload]);
  }

  private async giveUpBytes(upload: Upload): Promise<void> {
    for (const block of upload.blocks.values()) {
      await this.segments.release(block.extents);
      block.extents = [];
    }
  }

  /** Forgets sessions that are long over. Every ten minutes is often enough for the space they take. */
  private async sweep(): Promise<void> {
    const now = this.clock.nowMs();
    if (now - this.sweptMs < 600_000) return;
    this.sweptMs = now;
    for (const upload of this.sessions.values()) {
      const ageMs = now - upload.openedMs;
      const isWaiting = this.waiting(upload.tableId).includes(upload);
      if (ageMs < sessionLifeMs || upload.status === 'committing' || isWaiting) continue;
      if (upload.status === 'normal') upload.status = 'expired';
      await this.giveUpBytes(upload);
      if (ageMs >= 2 * sessionLifeMs) this.sessions.delete(upload.id);
    }
  }
}

/** What a journal that is opened again must still tell. */
export function neededEntries(
  entries: readonly JournalEntry[],
  loaded: ReadonlySet<string>,
  tableExists: (id: number) => boolean,
  nowMs: number,
): JournalEntry[] {
  const committed = new Set(entries.filter((entry) => entry.t === 'commit').map((entry) => entry.id));
  const forgotten = new Set(
    entries.filter((entry) => entry.t === 'end' && entry.how === 'forgotten').map((entry) => entry.id),
  );
  const kept = new Set<string>();
  for (const entry of entries) {
    if (entry.t !== 'open' || !tableExists(entry.table)) continue;
    const isPending = committed.has(entry.id) && !loaded.has(entry.id);
    if (isPending || (nowMs - entry.at < 2 * sessionLifeMs && !forgotten.has(entry.id))) kept.add(entry.id);
  }
  return entries.filter((entry) => kept.has(entry.id));
}

/** The bytes that sessions of these entries may still need. */
export function neededExtents(entries: readonly JournalEntry[], loaded: ReadonlySet<string>): Extent[] {
  const blocks = new Map<string, readonly Extent[]>();
  for (const entry of entries) {
    if (entry.t === 'block' && !loaded.has(entry.id)) blocks.set(`${entry.id} ${entry.block}`, entry.extents);
  }
  return [...blocks.values()].flat();
}

function blockOf(entry: Extract<JournalEntry, { t: 'block' }>, isLoaded: boolean): UploadBlock {
  const { block: id, rows, encoding, extents, at: atMs } = entry;
  return { id, rows, encoding, extents: isLoaded ? [] : extents, atMs };
}
