/** Copies tables with a key: chunk i of a table is block i of its session, read by whichever connection is free. */
import type { ChunkRange } from '../model/ports.js';
import { tableKey } from '../model/source-table.js';
import type { TableCopy } from './snapshot.js';
import { commitBase, recoverBase } from './snapshot-commit.js';
import { sendRows } from './snapshot-rows.js';
import { type BaseSession, baseSession, newBaseSession } from './snapshot-session.js';

interface Chunk {
  readonly table: OpenTable;
  readonly id: number;
  readonly range: ChunkRange;
}

interface OpenTable {
  readonly copy: TableCopy;
  readonly session: BaseSession;
  /** Rows by block id, those of earlier starts included. An empty chunk has no block. */
  readonly rows: Map<number, number>;
  missing: number;
}

/** Tables whose sessions are open at a time: enough to keep the connections busy across small tables. */
const openTablesMax = 8;

export async function copyChunks(copies: readonly TableCopy[]): Promise<void> {
  const first = copies[0];
  if (!first) return;
  const queue = chunkQueue(copies);
  const failure = new AbortController();
  const readers = Array.from({ length: first.settings.parallelism }, async () => {
    for (;;) {
      failure.signal.throwIfAborted();
      first.stop.throwIfAborted();
      const next = await queue();
      if (next === null) return;
      await copyChunk(next, AbortSignal.any([first.stop, failure.signal]));
      next.table.missing -= 1;
      if (next.table.missing === 0) await commitTable(next.table);
    }
  });
  const outcomes = await Promise.allSettled(
    readers.map((reader) =>
      reader.catch((error: unknown) => {
        if (!failure.signal.aborted) failure.abort(error);
        throw error;
      }),
    ),
  );
  if (failure.signal.aborted) throw failure.signal.reason;
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/** Hands out the chunks that no session lists yet, table after table; null when all are given. */
function chunkQueue(copies: readonly TableCopy[]): () => Promise<Chunk | null> {
  const ready: Chunk[] = [];
  let opened = 0;
  let opening: Promise<void> = Promise.resolve();
  const open = async (): Promise<void> => {
    while (ready.length === 0 && opened < copies.length) {
      const batch = copies.slice(opened, opened + openTablesMax);
      opened += batch.length;
      const tables = await Promise.all(batch.map(openTable));
      for (const chunks of tables) ready.push(...chunks);
    }
  };
  return async () => {
    opening = opening.then(open);
    await opening;
    return ready.shift() ?? null;
  };
}

async function openTable(copy: TableCopy): Promise<Chunk[]> {
  const key = tableKey(copy.planned.plan.source);
  if (await recoverBase(copy)) return [];
  const ranges = copy.planned.snapshot?.chunks ?? [];
  // Read in one go, block by block: what a broken start has sent of it cannot be gone on with.
  const session = ranges.length === 1 ? await newBaseSession(copy) : await baseSession(copy);
  const rows = new Map(session.state.blocks.map((block) => [block.id, block.rows]));
  const table: OpenTable = { copy, session, rows, missing: 0 };
  const chunks = ranges.flatMap((range, id) => (rows.has(id) ? [] : [{ table, id, range }]));
  table.missing = chunks.length;
  const rowsKnown = [...rows.values()].reduce((sum, count) => sum + count, 0);
  await copy.progress.set(key, { rowsRead: rowsKnown, chunksDone: rows.size });
  if (chunks.length === 0) await commitTable(table);
  return chunks;
}

async function copyChunk({ table, id, range }: Chunk, signal: AbortSignal): Promise<void> {
  const { copy, session, rows } = table;
  const { plan } = copy.planned;
  const key = tableKey(plan.source);
  const batches = copy.source.readChunk(plan, range, signal);
  if (copy.planned.snapshot?.chunks.length === 1) {
    for (const block of await sendRows(copy, session.ref, batches, signal)) rows.set(block.id, block.rows);
    await copy.progress.count(key, 0, 1);
    return;
  }
  const writer = copy.warehouse.openBlock(plan, { kind: 'base' });
  try {
    for await (const batch of batches) {
      const count = writer.write(batch);
      await writer.drained();
      await copy.progress.count(key, count);
    }
    signal.throwIfAborted();
    if (writer.rows > 0) {
      const block = await writer.close();
      await copy.warehouse.putBlock(session.ref, id, block);
      rows.set(id, block.rows);
    }
    await copy.progress.count(key, 0, 1);
  } finally {
    writer.discard();
  }
}

async function commitTable(table: OpenTable): Promise<void> {
  const blocks = [...table.rows].map(([id, rows]) => ({ id, rows })).toSorted((a, b) => a.id - b.id);
  await commitBase(table.copy, table.session.ref, blocks);
}
