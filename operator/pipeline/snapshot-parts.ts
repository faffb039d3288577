/**
 * The upload sessions of tables that are copied in chunks. In: tables and their chunk ranges. Out: parts, each one session
 * with a run of chunks; a large table has several, since a session takes 20,000 blocks and lives 24 hours. Chunk i is block
 * i of its part, so what is done is what the session lists. Block ids from the half on are for chunks that turn out too
 * large for one block: all pieces but the last go there.
 */
import { SyncError } from '../base/errors.js';
import type { ChunkRange } from '../model/ports.js';
import { sameBlocks } from '../model/recovery.js';
import { tableKey } from '../model/source-table.js';
import type { TableCopy } from './snapshot.js';
import { commitBase, recoverBase } from './snapshot-commit.js';
import { type BaseSession, baseSession, newBaseSession, sessionAgeMsMax } from './snapshot-session.js';

export interface Chunk {
  readonly part: Part;
  readonly blockId: number;
  readonly range: ChunkRange;
}

export interface Part {
  readonly copy: TableCopy;
  readonly session: BaseSession;
  /** The first chunk, which is block 0. */
  readonly from: number;
  /** Chunks that nobody has taken yet, ascending. */
  readonly waiting: number[];
  /** Rows by block id, those of earlier starts included. An empty chunk has no block. */
  readonly rows: Map<number, number>;
  /** The chunk behind the last one. */
  to: number;
  reading: number;
  /** Block id of the next piece of a chunk. */
  nextPiece: number;
}

/** The next part of a table, all chunks of earlier parts being committed; null when there is none. */
export async function openPart(copy: TableCopy): Promise<Part | null> {
  const key = tableKey(copy.planned.plan.source);
  await recoverBase(copy);
  const { committed, committedChunks: from = 0 } = copy.progress.table(key);
  if (committed) return null;
  const chunks = copy.planned.snapshot?.chunks.length ?? 0;
  // Read in one go, block by block: what a broken start has sent of it cannot be gone on with.
  const firstPiece = Math.floor(copy.settings.blocksPerSessionMax / 2);
  const to = Math.min(chunks, from + firstPiece);
  const session = chunks === 1 ? await newBaseSession(copy) : await baseSession(copy, to - from);
  const rows = new Map(session.state.blocks.map((block) => [block.id, block.rows]));
  const waiting = Array.from({ length: to - from }, (_, at) => from + at).filter((chunk) => !rows.has(chunk - from));
  const rowsKnown = [...rows.values()].reduce((sum, count) => sum + count, 0);
  const rowsBefore = from === 0 ? 0 : copy.progress.table(key).rowsRead;
  await copy.progress.set(key, { rowsRead: rowsBefore + rowsKnown, chunksDone: from + rows.size });
  return { copy, session, from, waiting, rows, to, reading: 0, nextPiece: firstPiece };
}

/** A block id for a piece of a chunk; that there are pieces is saved before the first one is sent. */
export async function takePiece(part: Part): Promise<number> {
  const { progress, planned, settings } = part.copy;
  const table = tableKey(planned.plan.source);
  const { session } = progress.table(table);
  if (session && !session.isSplit) await progress.set(table, { session: { ...session, isSplit: true } });
  if (part.nextPiece < settings.blocksPerSessionMax) return part.nextPiece++;
  throw new SyncError('SNAPSHOT_TOO_LARGE', {
    seen: `chunks that fill ${settings.blocksPerSessionMax} blocks`,
    wanted: 'chunks of about the size that the statistics of the server promise',
    fix: 'Run ANALYZE TABLE at the source, then take the table again: mcsync resnapshot.',
    table,
  });
}

/**
 * Null when all of the part are taken; `stale` when its session has grown old before the first. An old session takes no
 * more than what it has begun.
 */
export function takeChunk(part: Part): Chunk | null | 'stale' {
  const { clock, planned } = part.copy;
  if (clock.nowMs() - part.session.initiatedMs > sessionAgeMsMax && closeEarly(part) === 'untouched') return 'stale';
  const chunk = part.waiting.shift();
  if (chunk === undefined) return null;
  part.reading += 1;
  return { part, blockId: chunk - part.from, range: planned.snapshot?.chunks[chunk] as ChunkRange };
}

/** The chunks from the first one on that no block and no reader has; holes before it are still filled. */
function closeEarly(part: Part): 'untouched' | 'begun' {
  const { waiting } = part;
  let to = part.to;
  while (waiting.length > 0 && waiting.at(-1) === to - 1) {
    waiting.pop();
    to -= 1;
  }
  part.to = to;
  return to === part.from ? 'untouched' : 'begun';
}

export const isWhole = (part: Part): boolean => part.waiting.length === 0 && part.reading === 0;

/** Proves that the session lists what was sent, and commits it. */
export async function commitPart({ copy, session, rows, to }: Part): Promise<void> {
  const blocks = [...rows].map(([id, count]) => ({ id, rows: count })).toSorted((a, b) => a.id - b.id);
  const state = await copy.warehouse.uploadState(session.ref);
  const ids = (list: readonly { readonly id: number }[]) => list.map(({ id }) => ({ id, rows: 0 }));
  if (state.status !== 'NORMAL' || !sameBlocks(ids(blocks), ids(state.blocks))) {
    throw new SyncError('UPLOAD_SESSION_LOST', {
      seen: `session ${session.ref.uploadId} is ${state.status} with ${state.blocks.length} blocks`,
      wanted: `NORMAL with the ${blocks.length} blocks that were sent`,
      fix: 'Nothing is at risk: the session was not committed. The worker starts again and reads what is not there.',
      table: tableKey(copy.planned.plan.source),
    });
  }
  await commitBase(copy, session.ref, state.blocks, to);
}
