/** Events that no server of the suite writes, made by hand after the layouts of libs/mysql/binlog/event. */
import { crc32 } from 'node:zlib';
import type { TableName } from '../../operator/model/source-table.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { eventType } from '../../operator/mysql/binlog/event.js';
import { BinlogReader, type ReaderOptions } from '../../operator/mysql/binlog/reader.js';
import { parseColumnType } from '../../operator/mysql/column-type.js';
import { planFor } from './binlog-helpers.js';
import { CollectingSink } from './collecting-sink.js';

const name: TableName = { database: 'shop', table: 'orders' };
const id = {
  name: 'id',
  type: parseColumnType('int(11)', null, null),
  typeText: 'int(11)',
  nullable: false,
  defaultText: null,
  generated: null,
} as const;
const plan: TablePlan = planFor(name, [id]);

function event(
  type: number,
  body: readonly number[] | Buffer,
  options: { endLogPos?: number; flags?: number } = {},
): Buffer {
  const bytes = Buffer.alloc(19 + body.length);
  bytes.writeUInt32LE(1_700_000_000, 0);
  bytes[4] = type;
  bytes.writeUInt32LE(bytes.length, 9);
  bytes.writeUInt32LE(options.endLogPos ?? 0, 13);
  bytes.writeUInt16LE(options.flags ?? 0, 17);
  bytes.set(body, 19);
  return bytes;
}

const text = (value: string): number[] => [...Buffer.from(value)];
const tableMap = event(eventType.tableMap, [
  7,
  0,
  0,
  0,
  0,
  0,
  1,
  0,
  4,
  ...text('shop'),
  0,
  6,
  ...text('orders'),
  0,
  1,
  3,
  0,
  0,
]);
const insert = (value: number, present = 0xff): Buffer =>
  event(eventType.writeRowsV2, [7, 0, 0, 0, 0, 0, 1, 0, 2, 0, 1, present, 0, value, 0, 0, 0]);
const query = (statement: string, endLogPos = 0): Buffer =>
  event(eventType.query, [0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, ...text('shop'), 0, ...text(statement)], {
    endLogPos,
  });
const xidAt = (endLogPos: number): Buffer => event(eventType.xid, [1, 0, 0, 0, 0, 0, 0, 0], { endLogPos });
const xid = xidAt(900);

function readAll(events: readonly Buffer[], options: Partial<ReaderOptions> = {}): string[] {
  const reader = new BinlogReader({
    flavor: 'mysql',
    from: { file: 'binlog.000001', offset: 4, gtidSet: null },
    planOf: (wanted) => (wanted.table === 'orders' ? plan : null),
    rolledBack: new Set(),
    hasChecksums: false,
    foldsNames: false,
    selectedDatabases: null,
    tableDefaults: () => null,
    onNulled: () => {},
    ...options,
  });
  const [froms, tos] = [events.map(() => 0), events.map((one) => one.length)];
  const arrival = { buffers: [...events], froms, tos, bytes: 0, receivedMs: 0 };
  const told: string[] = [];
  for (const one of reader.read(arrival)) {
    if (one.kind === 'rows') {
      const sink = new CollectingSink();
      one.batch.drive(sink);
      told.push(...sink.calls);
    } else
      told.push(`${one.kind} ${one.position.offset}${one.position.gtidSet === null ? '' : ` ${one.position.gtidSet}`}`);
  }
  return told;
}

const code = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return 'no error';
};

/** A zstd frame of one raw block (RFC 8878, 3.1.1): single segment, content size of four bytes. */
function zstd(bytes: Buffer): Buffer {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32LE(bytes.length, 5);
  head.writeUIntLE((bytes.length << 3) | 1, 9, 3);
  return Buffer.concat([head, bytes]);
}

/** Fields: 3 uncompressed size, 2 compression, 1 size of the payload, 0 end. */
function payload(inner: readonly Buffer[], compression: number, mangle = (bytes: Buffer) => bytes): Buffer {
  const events = Buffer.concat(inner);
  const bytes = mangle(compression === 0 ? zstd(events) : events);
  const algorithm = compression === 255 ? [2, 3, 252, 255, 0] : [2, 1, compression];
  const size = (value: number): number[] => [3, 252, value & 0xff, value >> 8];
  return event(
    eventType.transactionPayload,
    [3, ...size(events.length), ...algorithm, 1, ...size(bytes.length), 0, ...bytes],
    { endLogPos: 900 },
  );
}

describe('a compressed transaction', () => {
  const inner = [query('BEGIN'), tableMap, insert(5), insert(6), xid];

  it.each([0, 255])('is read like a plain one (compression %i)', (compression) => {
    expect(readAll([payload(inner, compression)])).toEqual(['int32(0, 5)', 'int32(0, 6)', 'commit 900']);
    expect(readAll(inner)).toEqual(['int32(0, 5)', 'int32(0, 6)', 'commit 900']);
  });

  it('by an algorithm that is not known stops the stream', () => {
    expect(code(() => readAll([payload(inner, 7)]))).toBe('BINLOG_EVENT_UNSUPPORTED');
  });

  it('that is damaged is read again', () => {
    expect(code(() => readAll([payload(inner, 0, (bytes) => bytes.subarray(0, 30))]))).toBe('BINLOG_CORRUPT');
    expect(code(() => readAll([payload([query('BEGIN'), insert(1).subarray(0, 25)], 255)]))).toBe('BINLOG_CORRUPT');
  });
});

describe('events that cannot be applied', () => {
  it.each([
    ['an incident', event(eventType.incident, [1, 0, 0]), 'BINLOG_EVENT_UNSUPPORTED'],
    [
      'a partial update of a selected table',
      event(eventType.partialUpdateRows, [7, 0, 0, 0, 0, 0, 1, 0]),
      'BINLOG_EVENT_UNSUPPORTED',
    ],
    ['rows without all columns', insert(1, 0xfe), 'BINLOG_EVENT_UNSUPPORTED'],
    ['an event of an unknown type', event(99, [1, 2, 3]), 'BINLOG_EVENT_UNSUPPORTED'],
    ['rows of an old format', event(20, [7, 0, 0, 0, 0, 0, 1, 0]), 'BINLOG_EVENT_UNSUPPORTED'],
    ['an event that is cut short', xid.subarray(0, 22), 'BINLOG_CORRUPT'],
    [
      'rows that are cut short',
      event(eventType.writeRowsV2, [7, 0, 0, 0, 0, 0, 1, 0, 2, 0, 1, 0xff, 0, 1, 2]),
      'BINLOG_CORRUPT',
    ],
    [
      'rows without a table map',
      event(eventType.writeRowsV2, [8, 0, 0, 0, 0, 0, 1, 0, 2, 0, 1, 0xff, 0, 1, 0, 0, 0]),
      'BINLOG_CORRUPT',
    ],
    ['a statement that changes rows', query('UPDATE orders SET id = 1'), 'DML_AS_STATEMENT'],
    ['a call whose tables are not known', query('CALL refresh()'), 'DML_AS_STATEMENT'],
  ])('%s', (_, bytes, expected) => {
    expect(code(() => readAll([query('BEGIN'), tableMap, bytes, xid]))).toBe(expected);
  });

  it('pass when the server marks them as such, or they touch other tables', () => {
    expect(readAll([event(99, [1], { flags: 0x80 })])).toEqual([]);
    expect(readAll([query('BEGIN'), query('UPDATE items SET id = 1'), xid])).toEqual(['commit 900']);
  });
});

describe('positions', () => {
  it('stand after transactions only, and know the file that follows', () => {
    const rotate = event(
      eventType.rotate,
      Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('binlog.000002')]),
    );
    expect(readAll([query('BEGIN', 100), tableMap, insert(1)])).toEqual(['int32(0, 1)']);
    expect(readAll([query('BEGIN', 100), tableMap, insert(1), xid, rotate])).toEqual([
      'int32(0, 1)',
      'commit 900',
      'commit 4',
    ]);
  });

  it('beyond 4 GiB, where no dump can begin, wait for the next file', () => {
    const rotate = event(
      eventType.rotate,
      Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('binlog.000002')]),
    );
    const from = { file: 'binlog.000001', offset: 0xffff_fff0, gtidSet: null };
    const transaction = [query('BEGIN', 0xffff_fffe), tableMap, insert(1), xidAt(500)];
    expect(readAll(transaction, { from })).toEqual(['int32(0, 1)']);
    expect(readAll([...transaction, rotate], { from })).toEqual(['int32(0, 1)', 'commit 4']);
  });

  it('carry the GTIDs of transactions that have ended, tagged ones too', () => {
    const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
    const bytes = [...Buffer.from(uuid.replaceAll('-', ''), 'hex')];
    const plain = (number: number): Buffer => event(eventType.gtid, [1, ...bytes, number, 0, 0, 0, 0, 0, 0, 0]);
    // Integers below 128 are themselves doubled; larger ones take two bytes (mysql serialization).
    const varint = (value: number): number[] => (value < 128 ? [value << 1] : [((value << 2) | 1) & 0xff, value >> 6]);
    const fields = [
      ...varint(0),
      ...varint(1),
      ...varint(1),
      ...bytes.flatMap(varint),
      ...varint(2),
      ...varint(9 << 1),
      ...varint(3),
      ...varint(3),
      ...text('tag'),
    ];
    const tagged = event(eventType.gtidTagged, [...varint(1), ...varint(60), ...varint(5), ...fields]);
    const from = { file: 'binlog.000001', offset: 4, gtidSet: `${uuid}:1-4` };
    const transaction = [query('BEGIN'), tableMap, insert(1), xid];
    expect(
      readAll(
        [
          plain(5),
          ...transaction,
          tagged,
          ...transaction.slice(0, -1),
          xidAt(1800),
          plain(6),
          query('BEGIN'),
          tableMap,
          insert(2),
        ],
        {
          from,
        },
      ),
    ).toEqual(['int32(0, 1)', `commit 900 ${uuid}:1-5`, 'int32(0, 1)', `commit 1800 ${uuid}:1-5:tag:9`, 'int32(0, 2)']);
  });
});

describe('checksums', () => {
  const summed = (bytes: Buffer): Buffer => {
    const whole = Buffer.concat([bytes, Buffer.alloc(4)]);
    whole.writeUInt32LE(whole.length, 9);
    whole.writeUInt32LE(crc32(whole.subarray(0, -4)), whole.length - 4);
    return whole;
  };

  it('are verified, event by event', () => {
    const events = [query('BEGIN'), tableMap, insert(7), xid].map(summed);
    expect(readAll(events, { hasChecksums: true })).toEqual(['int32(0, 7)', 'commit 900']);
    const broken = events[2] as Buffer;
    broken[30] = (broken[30] as number) ^ 1;
    expect(code(() => readAll(events, { hasChecksums: true }))).toBe('BINLOG_CORRUPT');
  });
});
