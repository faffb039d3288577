/** A Query event: the statement's text, its default database, and what of the session decides how the text reads. */
import { TextDecoder } from 'node:util';

export interface QueryEvent {
  readonly database: string;
  /** Null when its charset cannot be decoded here. */
  readonly statement: string | null;
  readonly ansiQuotes: boolean;
  readonly backslashEscapes: boolean;
  readonly realIsFloat: boolean;
}

/** Post-header: thread id u32, seconds u32, length of the database u8, error u16, length of the status variables u16. */
const postHeaderBytes = 13;
const realAsFloatMode = 0x1;
const ansiQuotesMode = 0x4;
const noBackslashEscapesMode = 0x10_0000;

/** Where the statement begins: after status variables, database and its NUL. `extraBytes` for longer post-headers. */
export function statementOffset(bytes: Buffer, body: number, extraBytes = 0): number {
  const databaseBytes = bytes[body + 8] as number;
  return body + postHeaderBytes + extraBytes + bytes.readUInt16LE(body + 11) + databaseBytes + 1;
}

export function readQueryEvent(bytes: Buffer, body: number, statement: Buffer, extraBytes = 0): QueryEvent {
  const statusFrom = body + postHeaderBytes + extraBytes;
  const statusTo = statusFrom + bytes.readUInt16LE(body + 11);
  const { sqlMode, clientCollation } = readStatusVariables(bytes, statusFrom, statusTo);
  return {
    database: bytes.toString('utf8', statusTo, statusTo + (bytes[body + 8] as number)),
    statement: decodeStatement(statement, clientCollation),
    ansiQuotes: (sqlMode & ansiQuotesMode) !== 0,
    backslashEscapes: (sqlMode & noBackslashEscapesMode) === 0,
    realIsFloat: (sqlMode & realAsFloatMode) !== 0,
  };
}

/**
 * Status variables in the server's order of writing (Query_event in libs/mysql/binlog/event/statement_events.h); the two
 * that matter come before any of unknown length.
 */
function readStatusVariables(bytes: Buffer, from: number, to: number): { sqlMode: number; clientCollation: number } {
  let sqlMode = 0;
  let clientCollation = 0;
  let at = from;
  while (at < to) {
    const code = bytes[at] as number;
    at += 1;
    if (code === 0) at += 4;
    else if (code === 1) {
      sqlMode = bytes.readUInt32LE(at);
      at += 8;
    } else if (code === 2) at += 2 + (bytes[at] as number);
    else if (code === 3) at += 4;
    else if (code === 4) {
      clientCollation = bytes.readUInt16LE(at);
      break;
    } else if (code === 5 || code === 6) at += 1 + (bytes[at] as number);
    else break;
  }
  return { sqlMode, clientCollation };
}

/** Collation ids of client charsets that are not UTF-8, by the decoder that reads them (information_schema.collations). */
const decoders: readonly { readonly label: string; readonly collations: readonly number[] }[] = [
  { label: 'windows-1252', collations: [5, 8, 15, 31, 47, 48, 49, 94] },
  { label: 'gbk', collations: [24, 28, 86, 87] },
  { label: 'gb18030', collations: [248, 249, 250] },
  { label: 'big5', collations: [1, 84] },
  { label: 'shift_jis', collations: [13, 88, 95, 96] },
  { label: 'euc-kr', collations: [19, 85] },
  { label: 'euc-jp', collations: [12, 91, 97, 98] },
  { label: 'windows-1251', collations: [14, 23, 50, 51, 52] },
  { label: 'windows-1250', collations: [26, 34, 44, 66, 99] },
];

function decodeStatement(statement: Buffer, collation: number): string | null {
  const label = decoders.find(({ collations }) => collations.includes(collation))?.label ?? 'utf-8';
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(statement);
  } catch {
    return null;
  }
}
