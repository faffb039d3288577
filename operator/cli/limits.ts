import type { BatcherLimits } from '../pipeline/batcher.js';

/** Of the blocks of one worker process: with what is being compressed and sent, its memory stays below 300 MiB. */
export const batcherLimits: BatcherLimits = {
  blockBytesMax: 32 * 1024 * 1024,
  heldBytesMax: 64 * 1024 * 1024,
};
