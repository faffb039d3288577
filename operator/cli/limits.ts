import type { BatcherLimits } from '../pipeline/batcher.js';

const mebibyte = 1024 * 1024;

/** Of the blocks of one worker process: with what is being compressed and sent, its memory stays below 300 MiB. */
export const batcherLimits: BatcherLimits = {
  blockBytesMax: 32 * mebibyte,
  heldBytesMax: 64 * mebibyte,
};

/**
 * Of one chunk, which is held whole until it is sent: all connections together hold 96 MiB even of rows that do not
 * compress.
 */
export function chunkBytes(parallelism: number): number {
  return Math.min(32 * mebibyte, Math.floor((96 * mebibyte) / parallelism));
}

/** What a chunk may hold compressed before it is sent in pieces: the estimate of its bytes, with room for its error. */
export const chunkHeldBytes = (parallelism: number): number => Math.ceil(chunkBytes(parallelism) * 1.25);

/** Of one block of a table that is read as a whole: one is filled while two are on their way. */
export const viewBlockBytesMax = 24 * mebibyte;

/** Block ids of a session are 0 to 19,999 (maxcompute manual, batch tunnel). */
export const blocksPerSessionMax = 20_000;
