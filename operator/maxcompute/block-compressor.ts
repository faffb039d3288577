/**
 * Compresses one block as it comes. In: segments of wire bytes, in order. Out: one zlib stream (the tunnel's "deflate" is
 * RFC 1950), on the thread pool. Hundreds of blocks may be open and small, so the compressor's own memory is taken
 * only when a first segment is full; a block that never fills one is compressed in a single call at its end.
 */
import { finished } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createDeflate, type Deflate, deflate, deflateSync } from 'node:zlib';
import { assert } from '../base/assert.js';

/** Full segments go to the compressor: large enough that a hand-over costs nothing, small enough for many open blocks. */
export const segmentBytes = 256 * 1024;

/** The fastest level: rows shrink to a fifth or so already, and more costs more than the network does. */
const options = { level: constants.Z_BEST_SPEED, chunkSize: 32 * 1024 };

/** Below this a call on the thread pool costs more than compressing here. */
const inlineBytesMax = 16 * 1024;

/** A larger hash table is worth an eighth of the time where much is compressed. */
const streamOptions = { ...options, memLevel: constants.Z_MAX_MEMLEVEL };

/** What zlib takes for one such stream: window and hash table. */
const streamBytes = 384 * 1024;

const deflateInPool = promisify<Uint8Array, typeof options, Buffer>(deflate);

export class BlockCompressor {
  private stream: Deflate | null = null;
  private chunks: Uint8Array[] = [];
  private chunkBytes = 0;
  private pending = 0;
  private pendingBytes = 0;
  private spare: Uint8Array | null = null;
  private failure: Error | null = null;
  private waiting: (() => void)[] = [];

  get heldBytes(): number {
    return (
      this.chunkBytes +
      this.pendingBytes +
      (this.stream === null ? 0 : streamBytes) +
      (this.spare === null ? 0 : segmentBytes)
    );
  }

  /** Takes a segment over; the caller goes on in the buffer that is answered. */
  add(segment: Uint8Array, length: number): Uint8Array {
    const stream = this.stream ?? this.open();
    this.pending += 1;
    this.pendingBytes += segment.length;
    stream.write(segment.subarray(0, length), () => {
      this.pending -= 1;
      this.pendingBytes -= segment.length;
      if (segment.length === segmentBytes) this.spare = segment;
      this.wake();
    });
    const next = this.spare ?? new Uint8Array(segmentBytes);
    this.spare = null;
    return next;
  }

  /** Resolves when no more than one segment waits: the next fills while it is compressed. */
  async drained(): Promise<void> {
    while (this.pending > 1 && this.failure === null && this.stream !== null) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    if (this.failure !== null) throw this.failure;
  }

  /** Compresses the last piece and gives the whole body. */
  async finish(last: Uint8Array): Promise<readonly Uint8Array[]> {
    if (this.stream === null) {
      return [last.length <= inlineBytesMax ? deflateSync(last, options) : await deflateInPool(last, options)];
    }
    const stream = this.stream;
    stream.end(last);
    await finished(stream);
    this.stream = null;
    return this.chunks;
  }

  discard(): void {
    this.stream?.destroy();
    this.stream = null;
    this.chunks = [];
    this.chunkBytes = 0;
    this.spare = null;
    this.wake();
  }

  private open(): Deflate {
    assert(this.chunks.length === 0, 'a block is compressed once');
    const stream = createDeflate(streamOptions);
    stream.on('data', (chunk: Uint8Array) => {
      this.chunks.push(chunk);
      this.chunkBytes += chunk.length;
    });
    stream.on('error', (error: Error) => {
      this.failure = error;
      this.wake();
    });
    this.stream = stream;
    return stream;
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}
