/**
 * Undoes the Content-Encoding of a block while it comes, and hands the bytes on in pieces: neither the body nor what it
 * unpacks to is held as a whole.
 */
import { once } from 'node:events';
import { createInflate } from 'node:zlib';
import { Decompress } from 'fzstd';
import type { Encoding } from './journal.js';

export interface Decoder {
  push(chunk: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

export function createDecoder(encoding: Encoding, onBytes: (bytes: Uint8Array) => void): Decoder {
  switch (encoding) {
    case 'raw':
      return { push: async (chunk) => onBytes(chunk), end: async () => undefined };
    case 'deflate':
      return deflateDecoder(onBytes);
    case 'zstd': {
      const stream = new Decompress((bytes) => onBytes(bytes));
      return { push: async (chunk) => stream.push(chunk), end: async () => stream.push(new Uint8Array(0), true) };
    }
  }
}

function deflateDecoder(onBytes: (bytes: Uint8Array) => void): Decoder {
  const inflate = createInflate({ chunkSize: 256 * 1024 });
  let failure: unknown = null;
  const ended = once(inflate, 'end').catch((error) => {
    failure ??= error;
  });
  inflate.on('data', (bytes: Uint8Array) => {
    if (failure !== null) return;
    try {
      onBytes(bytes);
    } catch (error) {
      failure = error;
      inflate.destroy(error as Error);
    }
  });
  const check = (): void => {
    if (failure !== null) throw failure;
  };
  return {
    push: async (chunk) => {
      check();
      if (!inflate.write(chunk)) await Promise.race([once(inflate, 'drain'), ended]);
      check();
    },
    end: async () => {
      check();
      inflate.end();
      await ended;
      check();
    },
  };
}
