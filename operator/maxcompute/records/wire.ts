/**
 * Constants of the tunnel's record stream: protobuf fields without messages. A data column is field `index + 1`; the
 * fields below end a record or the stream. The layout is that of the official clients' ProtobufRecordStreamWriter.
 */
export const fieldNumbers = {
  /** Followed by the record's CRC, an unsigned varint. */
  endRecord: 33_553_408,
  /** Followed by the CRC of the metrics block. */
  endMetrics: 33_554_176,
  /** Followed by the number of records, zigzag. */
  metaCount: 33_554_430,
  /** Followed by the CRC over all record CRCs; the stream ends after it. */
  metaChecksum: 33_554_431,
  /** An optional text between count and checksum, in downloads only. */
  metrics: 1,
} as const;

/** Wire type `bytes` is also the tag of types whose value carries no length: a reader needs the schema. */
export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
export type WireType = (typeof wireTypes)[keyof typeof wireTypes];

export function tagOf(field: number, wireType: WireType): number {
  return field * 8 + wireType;
}

/** A tag as it stands in the stream. */
export function tagBytes(tag: number): Uint8Array {
  const bytes: number[] = [];
  let rest = tag;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** A value above it is not a cell: the tunnel refuses it, and a length above it in a stream is damage. */
export const cellBytesMax = 8 * 1024 * 1024;

/** The server's `MaxFieldSize` can be raised by a project; a reader takes what a server may have taken. */
export const readCellBytesMax = 64 * 1024 * 1024;
