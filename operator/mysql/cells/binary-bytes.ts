/** Readers of cells that are bytes: text of any charset, BINARY and BLOB, GEOMETRY, VECTOR, JSON, INET and UUID. */
import { SyncError } from '../../base/errors.js';
import type { SourceType } from '../../model/source-table.js';
import { tableKey } from '../../model/source-table.js';
import type { BinaryCellPlan, BinaryCellReader } from './binary-cell.js';
import { type BytesTarget, compileBinaryTarget, compileTextTarget } from './bytes-target.js';
import { charsetDecoder, isAscii } from './charset.js';
import { uncompress } from './compressed-column.js';
import { type IdentifierKind, identifierBytes, identifierTextBytesMax, identifierWriters } from './identifier-text.js';
import { JsonOutput } from './json-output.js';
import { writeJson } from './json-text.js';
import { compileRefusal } from './refusal.js';
import { fieldBytesMax } from './target-type.js';
import { readPrefix, wireType } from './wire.js';

export function compileBinaryText(plan: BinaryCellPlan, charset: string): BinaryCellReader | null {
  const { prefixBytes } = plan.layout;
  if (prefixBytes === 0) return null;
  const send = compileTextTarget(plan.source, plan.column, plan.index, plan.context);
  const decoder = charsetDecoder(charset);
  if (decoder === null) throw charsetUnknown(plan, charset);
  if (decoder === 'copy') return compilePrefixed(plan, send);
  const refuse = compileRefusal(plan.source, plan.column, plan.context);
  const scratch = new Scratch();
  return compilePrefixed(plan, (sink, bytes, from, to) => {
    if (decoder.keepsAscii && isAscii(bytes, from, to)) {
      send(sink, bytes, from, to);
      return;
    }
    if (to - from > fieldBytesMax * decoder.shrinkMax) {
      refuse('a value of more than 8 MiB');
      return;
    }
    const out = scratch.take(Math.ceil((to - from) * decoder.growthMax));
    send(sink, out, 0, decoder.write(bytes, from, to, out));
  });
}

export function compileBinaryBytes(plan: BinaryCellPlan, type: SourceType): BinaryCellReader | null {
  const { prefixBytes } = plan.layout;
  if (prefixBytes === 0) return null;
  switch (type.kind) {
    case 'bytes':
    case 'geometry':
    case 'vector': {
      const send = compileBinaryTarget(plan.source, plan.column, plan.index, plan.context);
      const fixedBytes = type.kind === 'bytes' ? type.fixedBytes : null;
      return compilePrefixed(plan, fixedBytes === null ? send : compilePadding(fixedBytes, send));
    }
    case 'json':
      if (plan.layout.typeCode === wireType.json) return compileJson(plan);
      // MariaDB's JSON is text.
      return compilePrefixed(plan, compileTextTarget(plan.source, plan.column, plan.index, plan.context));
    case 'inet4':
    case 'inet6':
    case 'uuid':
      return compileIdentifier(plan, type.kind);
    default:
      return null;
  }
}

function compilePrefixed(plan: BinaryCellPlan, send: BytesTarget): BinaryCellReader {
  const { prefixBytes, typeCode } = plan.layout;
  const isCompressed = typeCode === wireType.blobCompressed || typeCode === wireType.varcharCompressed;
  const take = isCompressed ? compileUncompressed(plan, send) : send;
  return (bytes, at, sink) => {
    const from = at + prefixBytes;
    const to = from + readPrefix(bytes, at, prefixBytes);
    take(sink, bytes, from, to);
    return to;
  };
}

function compileUncompressed(plan: BinaryCellPlan, send: BytesTarget): BytesTarget {
  const refuse = compileRefusal(plan.source, plan.column, plan.context);
  return (sink, bytes, from, to) => {
    let plain: Buffer | null;
    try {
      plain = uncompress(bytes, from, to);
    } catch (cause) {
      throw plan.garbled(cause);
    }
    if (plain === null) refuse('a value of more than 8 MiB');
    else send(sink, plain, 0, plain.length);
  };
}

function compileIdentifier(plan: BinaryCellPlan, kind: IdentifierKind): BinaryCellReader {
  const send = compileTextTarget(plan.source, plan.column, plan.index, plan.context);
  const write = identifierWriters[kind];
  const scratch = Buffer.alloc(identifierTextBytesMax);
  const toText: BytesTarget = (sink, bytes, from) => send(sink, scratch, 0, write(bytes, from, scratch));
  // They travel as BINARY(n) does.
  return compilePrefixed(plan, compilePadding(identifierBytes[kind], toText));
}

function compileJson(plan: BinaryCellPlan): BinaryCellReader {
  const send = compileTextTarget(plan.source, plan.column, plan.index, plan.context);
  const refuse = compileRefusal(plan.source, plan.column, plan.context);
  const out = new JsonOutput();
  return compilePrefixed(plan, (sink, bytes, from, to) => {
    out.reset();
    try {
      writeJson(bytes, from, to, out);
    } catch (cause) {
      throw plan.garbled(cause);
    }
    if (out.isTooLong) refuse('a value of more than 8 MiB');
    else send(sink, out.bytes, 0, out.length);
  });
}

/** BINARY(n): the server strips zeros from the end of the cell (sql/field.cc `Field_string::pack`); SELECT shows them. */
function compilePadding(fixedBytes: number, send: BytesTarget): BytesTarget {
  const scratch = Buffer.alloc(fixedBytes);
  return (sink, bytes, from, to) => {
    if (to - from === fixedBytes) {
      send(sink, bytes, from, to);
      return;
    }
    for (let index = 0; index < fixedBytes; index += 1) {
      scratch[index] = from + index < to ? (bytes[from + index] as number) : 0;
    }
    send(sink, scratch, 0, fixedBytes);
  };
}

/** Memory for one converted cell, kept from cell to cell up to a bound. */
class Scratch {
  #kept = Buffer.alloc(256);

  /** Larger than 1 MiB is rare, and would stay for the life of the table. */
  static readonly #keptBytesMax = 1024 * 1024;

  take(bytes: number): Buffer {
    if (bytes <= this.#kept.length) return this.#kept;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, this.#kept.length * 2));
    if (larger.length <= Scratch.#keptBytesMax) this.#kept = larger;
    return larger;
  }
}

function charsetUnknown(plan: BinaryCellPlan, charset: string): SyncError {
  return new SyncError('VALUE_UNDECODABLE', {
    table: tableKey(plan.context.table),
    seen: `column ${plan.source.name} (${plan.source.typeText}) has the charset ${charset}`,
    wanted: 'a charset that mcsync converts to UTF-8',
    fix: `Convert the column to utf8mb4, or exclude it: excludeColumns: [${plan.source.name}].`,
  });
}
