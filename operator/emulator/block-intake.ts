/**
 * Takes one block from the wire. Its bytes go to the block files as they are; beside that they are unpacked once to check
 * every checksum and every value, so that what is listed can be loaded. Bounded memory, whatever the block's size.
 */
import type { IncomingMessage } from 'node:http';
import type { Request } from './http.js';
import { ServiceError } from './service-error.js';
import { BlockFault, BlockReader } from './store/block-reader.js';
import type { Column } from './store/catalog.js';
import { createDecoder } from './store/decoder.js';
import type { Encoding, Extent } from './store/journal.js';
import type { Segments } from './store/segments.js';

/** Bytes are written to the files in pieces of about this size. */
const pieceBytes = 1024 * 1024;
/** The service takes 100 GB; a local disk should not be filled by one request. */
const blockBytesMax = 4 * 1024 * 1024 * 1024;

export interface TakenBlock {
  readonly rows: number;
  readonly encoding: Encoding;
  readonly extents: readonly Extent[];
}

export async function takeBlock(
  { raw, body }: Pick<Request, 'raw' | 'body'>,
  columns: readonly Column[],
  segments: Segments,
): Promise<TakenBlock> {
  const encoding = encodingOf(raw.headers['content-encoding']);
  const reader = new BlockReader(columns, null);
  const extents: Extent[] = [];
  try {
    const decoder = createDecoder(encoding, (bytes) => reader.push(bytes));
    let pieces: Uint8Array[] = [];
    let held = 0;
    let total = 0;
    const write = async (): Promise<void> => {
      extents.push(await segments.append(pieces));
      pieces = [];
      held = 0;
    };
    for await (const bytes of body) {
      total += bytes.length;
      if (total > blockBytesMax)
        throw new ServiceError(413, 'InvalidArgument', `A block of more than ${blockBytesMax} bytes.`);
      pieces.push(bytes);
      held += bytes.length;
      await decoder.push(bytes);
      if (held >= pieceBytes) await write();
    }
    await decoder.end();
    const { rows } = reader.end();
    if (held > 0) await write();
    return { rows, encoding, extents };
  } catch (error) {
    await segments.release(extents);
    throw refusal(error, raw);
  }
}

function encodingOf(header: string | undefined): Encoding {
  switch ((header ?? '').trim().toLowerCase()) {
    case '':
    case 'identity':
      return 'raw';
    case 'deflate':
      return 'deflate';
    case 'zstd':
      return 'zstd';
    default:
      throw new ServiceError(
        415,
        'NotImplemented',
        `Content-Encoding ${header} is not known to this emulator: use deflate, zstd or none.`,
      );
  }
}

function refusal(error: unknown, raw: IncomingMessage): unknown {
  if (error instanceof ServiceError) return error;
  if (error instanceof BlockFault) {
    return new ServiceError(400, error.kind === 'corrupt' ? 'CorruptedDataStream' : 'InvalidArgument', error.message);
  }
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (raw.errored) return new ServiceError(400, 'IncompleteBody', 'The body ended before its end.');
  if (/^Z_|^ERR_ZLIB/.test(code) || /zstd|FSE|data/i.test(String((error as Error).message))) {
    return new ServiceError(400, 'MalformedDataStream', 'The body cannot be unpacked.');
  }
  return error;
}
