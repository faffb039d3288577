/** GTID events of both flavours. */
import { readUint32, readUint64 } from './event.js';

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Source `uuid` or `uuid:tag`, and number. Body of the classic event: flags u8, uuid 16 bytes, number u64. */
export function readGtid(
  isTagged: boolean,
  bytes: Buffer,
  body: number,
  end: number,
): { source: string; number: number } {
  if (isTagged) return readTaggedGtid(bytes, body, end);
  return { source: renderUuid(bytes, body + 1), number: readUint64(bytes, body + 17) };
}

function renderUuid(bytes: Buffer, at: number): string {
  let text = '';
  for (let index = 0; index < 16; index += 1) {
    if (index === 4 || index === 6 || index === 8 || index === 10) text += '-';
    text += hex[bytes[at + index] as number];
  }
  return text;
}

/**
 * MySQL 8.3 and later, for GTIDs with a tag: one message of fields in ascending order, each led by its number, all as
 * variable-length integers (Gtid_event::define_fields in libs/mysql/binlog/event/control_events.h): 0 flags, 1 uuid as 16
 * integers, 2 number (signed), 3 tag (length, text). What follows is not needed.
 */
function readTaggedGtid(bytes: Buffer, body: number, end: number): { source: string; number: number } {
  let at = body;
  const next = (): bigint => {
    const [value, width] = readVarint(bytes, at);
    at += width;
    return value;
  };
  next(); // version of the serialization
  next(); // bytes of the message
  next(); // last field that a reader must know
  let uuid = '';
  let number = Number.NaN;
  let tag = '';
  while (at < end) {
    const field = next();
    if (field === 0n) next();
    else if (field === 1n) uuid = renderUuid(Buffer.from(Array.from({ length: 16 }, () => Number(next()))), 0);
    else if (field === 2n) {
      const encoded = next();
      // Signed integers keep the sign in the lowest bit.
      number = Number(encoded >> 1n);
    } else if (field === 3n) {
      const length = Number(next());
      tag = bytes.toString('latin1', at, at + length);
      break;
    } else break;
  }
  return { source: tag === '' ? uuid : `${uuid}:${tag}`, number };
}

/** The count of trailing one bits of the first byte is the count of bytes that follow (mysql/serialization/variable_length_integers.h). */
function readVarint(bytes: Buffer, at: number): [value: bigint, width: number] {
  const first = bytes[at] as number;
  let more = 0;
  while (more < 8 && ((first >> more) & 1) === 1) more += 1;
  let value = 0n;
  for (let index = more; index >= 1; index -= 1) value = (value << 8n) | BigInt(bytes[at + index] as number);
  if (more >= 8) return [value, 9];
  const low = BigInt(first >> (more + 1));
  return [(value << BigInt(7 - more)) | low, more + 1];
}

const mariadbFlag = { standalone: 0x01, groupCommitId: 0x02, preparedXa: 0x40, completedXa: 0x80 } as const;
/** `binlog_alter_two_phase`: an ALTER is logged when it begins, and again when it has ended, well or not. */
const mariadbExtraFlag = { startAlter: 0x02, rollbackAlter: 0x08 } as const;

export interface MariadbGtid {
  readonly domain: number;
  readonly sequence: number;
  readonly isStandalone: boolean;
  /** The statement of this group has no effect yet, or none at all. */
  readonly isWithoutEffect: boolean;
}

/**
 * MariaDB (Gtid_log_event in sql/log_event.cc): sequence u64, domain u32, flags u8, then where flags say so a commit id
 * u64 and an XA id (format u32, two lengths u8, bytes), then extra flags u8. The server id stands in the header.
 */
export function readMariadbGtid(bytes: Buffer, body: number, end: number): MariadbGtid {
  const flags = bytes[body + 12] as number;
  let at = body + 13;
  if ((flags & mariadbFlag.groupCommitId) !== 0) at += 8;
  if ((flags & (mariadbFlag.preparedXa | mariadbFlag.completedXa)) !== 0) {
    at += 6 + (bytes[at + 4] as number) + (bytes[at + 5] as number);
  }
  const extra = at < end ? (bytes[at] as number) : 0;
  return {
    sequence: readUint64(bytes, body),
    domain: readUint32(bytes, body + 8),
    isStandalone: (flags & mariadbFlag.standalone) !== 0,
    isWithoutEffect: (extra & (mariadbExtraFlag.startAlter | mariadbExtraFlag.rollbackAlter)) !== 0,
  };
}
