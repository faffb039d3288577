import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { openBlockWriter } from '../../operator/maxcompute/block-writer.js';
import { readRecords, verifyRecords } from '../../operator/maxcompute/records/reader.js';
import { parseRecordType } from '../../operator/maxcompute/records/types.js';
import type { RecordValue, SecondsAndNanos } from '../../operator/maxcompute/records/values.js';
import { writeRecords } from '../../operator/maxcompute/records/writer.js';
import { type RowBatch, type RowKind, type RowSink, rowKind } from '../../operator/model/change.js';
import type { BlockTarget, ClosedBlock } from '../../operator/model/ports.js';
import type { TablePlan, TargetType } from '../../operator/model/table-plan.js';

const types: readonly TargetType[] = [
  'TINYINT',
  'SMALLINT',
  'INT',
  'BIGINT',
  'FLOAT',
  'DOUBLE',
  'BOOLEAN',
  'STRING',
  'BINARY',
  'DATE',
  'DATETIME',
  'TIMESTAMP',
  'TIMESTAMP_NTZ',
  'JSON',
  'DECIMAL(38,18)',
];

const seconds = fc.record({
  seconds: fc.oneof(fc.integer(), fc.integer({ min: -62_135_596_800, max: 253_402_300_799 })),
  nanos: fc.integer({ min: 0, max: 999_999_999 }),
});
const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 190, maxLength: 400 }));
const row = fc.tuple(
  ...[
    fc.integer({ min: -128, max: 127 }),
    fc.integer({ min: -32_768, max: 32_767 }),
    fc.integer(),
    fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }),
    fc.float({ noNaN: true }),
    fc.double({ noNaN: true }),
    fc.boolean(),
    text,
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: -719_162, max: 2_932_896 }),
    fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
    seconds,
    seconds,
    fc.json(),
    fc.constantFrom('0', '-0.5', '99999999999999999999.999999999999999999'),
  ].map((value) => fc.option(value as fc.Arbitrary<RecordValue>, { nil: null })),
) as unknown as fc.Arbitrary<RecordValue[]>;

describe('block writer', () => {
  it('gives the bytes that the general writer gives, for any rows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 8 }), async (rows) => {
        const block = await writeBlock(types, { kind: 'base' }, [
          { kind: 'base', rows: rows.map((cells) => ({ kind: rowKind.base, cells })) },
        ]);
        const expected = writeRecords(types.map(parseRecordType), rows);
        expect(inflate(block).equals(expected)).toBe(true);
        expect(block.rows).toBe(rows.length);
        expect(block.crc).toBe(verifyRecords(types.map(parseRecordType), expected).crc);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the bytes right in tables of many columns, where tags take two bytes', async () => {
    const many = Array.from({ length: 1100 }, (_, index) => types[index % types.length] as TargetType);
    const cells = fc.sample(row, { numRuns: 80, seed: 7 }).flat().slice(0, 1100);
    const block = await writeBlock(many, { kind: 'base' }, [{ kind: 'base', rows: [{ kind: rowKind.base, cells }] }]);
    expect(inflate(block).equals(writeRecords(many.map(parseRecordType), [cells]))).toBe(true);
  });

  it('writes the metadata of each kind of change, one record id for both rows of an update', async () => {
    const counter = { next: 2 ** 40 };
    const block = await writeBlock(['BIGINT', 'STRING'], { kind: 'log', counter }, [
      { kind: 'insert', utcSeconds: 1_700_000_000, rows: [{ kind: rowKind.insert, cells: [1n, 'a'] }] },
      {
        kind: 'update',
        utcSeconds: 4_000_000_000,
        rows: [
          { kind: rowKind.before, cells: [1n, 'a'] },
          { kind: rowKind.after, cells: [2n, null] },
          { kind: rowKind.before, cells: [2n, null] },
          { kind: rowKind.after, cells: [3n, 'c'] },
        ],
      },
      { kind: 'delete', utcSeconds: 4_000_000_000, rows: [{ kind: rowKind.delete, cells: [3n, 'c'] }] },
    ]);
    const id = 2n ** 40n;
    const logTypes = ['bigint', 'string', 'bigint', 'string', 'string', 'bigint', 'string'].map(parseRecordType);
    const rows = [
      [id, 'I', 1_700_000_000n, 'N', 'Y', 1n, 'a'],
      [id + 1n, 'U', 4_000_000_000n, 'Y', 'N', 1n, 'a'],
      [id + 1n, 'U', 4_000_000_000n, 'N', 'Y', 2n, null],
      [id + 2n, 'U', 4_000_000_000n, 'Y', 'N', 2n, null],
      [id + 2n, 'U', 4_000_000_000n, 'N', 'Y', 3n, 'c'],
      [id + 3n, 'D', 4_000_000_000n, 'Y', 'N', 3n, 'c'],
    ];
    expect(readRecords(logTypes, inflate(block))).toEqual(rows);
    expect(inflate(block).equals(writeRecords(logTypes, rows))).toBe(true);
    expect(counter.next).toBe(2 ** 40 + 4);
  });

  it('hands on segments as they fill, with rows larger than a segment among them', async () => {
    const large = Buffer.alloc(8 * 1024 * 1024, 'large value ');
    const rows: RecordValue[][] = Array.from({ length: 6000 }, (_, index) => [
      BigInt(index),
      `value ${index} `.repeat(9),
    ]);
    rows.splice(10, 0, [1n, large.toString()]);
    rows.splice(3000, 0, [2n, large.toString('utf8', 0, 300_000)], [3n, null], [4n, large.toString()]);
    const block = await writeBlock(['BIGINT', 'STRING'], { kind: 'base' }, [
      { kind: 'base', rows: rows.map((cells) => ({ kind: rowKind.base, cells })) },
    ]);
    expect(inflate(block).equals(writeRecords(['bigint', 'string'].map(parseRecordType), rows))).toBe(true);
    expect(block.bodyBytes).toBe(block.body.reduce((sum, chunk) => sum + chunk.length, 0));
  });

  it('takes little memory while a block is small, and none once it is discarded', () => {
    const writer = openBlockWriter(planOf(['BIGINT']), { kind: 'base' });
    expect(writer.heldBytes).toBe(0);
    writer.write(batchOf(['BIGINT'], { kind: 'base', rows: [{ kind: rowKind.base, cells: [1n] }] }));
    expect(writer.rows).toBe(1);
    expect(writer.bytes).toBe(11);
    expect(writer.heldBytes).toBe(16 * 1024);
    writer.discard();
    expect(writer.heldBytes).toBe(0);
  });

  it('can be discarded in the midst of compression', async () => {
    const writer = openBlockWriter(planOf(['STRING']), { kind: 'base' });
    const cells = [Buffer.alloc(3 * 1024 * 1024, 'abc').toString()];
    writer.write(batchOf(['STRING'], { kind: 'base', rows: [{ kind: rowKind.base, cells }] }));
    const drained = writer.drained();
    writer.discard();
    await drained;
    expect(writer.heldBytes).toBe(0);
  });

  it('catches up with a fast source when awaited', async () => {
    const writer = openBlockWriter(planOf(['STRING']), { kind: 'base' });
    const cells = [Buffer.alloc(1024 * 1024, 'abc').toString()];
    for (let round = 0; round < 8; round += 1) {
      writer.write(batchOf(['STRING'], { kind: 'base', rows: [{ kind: rowKind.base, cells }] }));
      await writer.drained();
      expect(writer.heldBytes).toBeLessThan(2 * 1024 * 1024);
    }
    expect((await writer.close()).rows).toBe(8);
  });
});

interface GivenBatch {
  readonly kind: RowBatch['kind'];
  readonly utcSeconds?: number;
  readonly rows: readonly { readonly kind: RowKind; readonly cells: readonly RecordValue[] }[];
}

async function writeBlock(
  columnTypes: readonly TargetType[],
  target: BlockTarget,
  batches: readonly GivenBatch[],
): Promise<ClosedBlock> {
  const writer = openBlockWriter(planOf(columnTypes), target);
  for (const batch of batches) {
    writer.write(batchOf(columnTypes, batch));
    await writer.drained();
  }
  return writer.close();
}

function inflate(block: ClosedBlock): Buffer {
  return inflateSync(Buffer.concat(block.body));
}

function planOf(columnTypes: readonly TargetType[]): TablePlan {
  return {
    source: { database: 'shop', table: 'orders' },
    schemaVersion: 1,
    sourceColumns: [],
    columns: columnTypes.map((targetType, index) => ({
      sourceIndex: index,
      targetName: `c${index}`,
      targetType,
      onUnrepresentable: 'Fail',
    })),
    key: null,
    baseTable: 'orders_base',
    logTable: 'orders_log',
    partitionKeys: ['year'],
    columnNaming: 'Legacy',
    lifecycleDays: null,
    where: null,
    timeZone: 'UTC',
    addedColumns: [],
  };
}

function batchOf(columnTypes: readonly TargetType[], given: GivenBatch): RowBatch {
  return {
    plan: planOf(columnTypes),
    utcSeconds: given.utcSeconds ?? 0,
    kind: given.kind,
    drive(sink) {
      let changes = 0;
      for (const { kind, cells } of given.rows) {
        sink.beginRow(kind);
        for (const [column, value] of cells.entries()) {
          if (value !== null) driveCell(sink, column, columnTypes[column] as TargetType, value);
        }
        sink.endRow();
        if (kind !== rowKind.before) changes += 1;
      }
      return changes;
    },
  };
}

function driveCell(sink: RowSink, column: number, type: TargetType, value: RecordValue): void {
  switch (type) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
      sink.int32(column, value as number);
      return;
    case 'BIGINT': {
      const big = value as bigint;
      sink.int64(column, Number(BigInt.asIntN(32, big >> 32n)), Number(BigInt.asIntN(32, big)));
      return;
    }
    case 'FLOAT':
      sink.float32(column, value as number);
      return;
    case 'DOUBLE':
      sink.float64(column, value as number);
      return;
    case 'BOOLEAN':
      sink.boolean(column, value === true ? 1 : 0);
      return;
    case 'DATE':
      sink.date(column, value as number);
      return;
    case 'DATETIME':
      sink.datetime(column, value as number);
      return;
    case 'TIMESTAMP':
    case 'TIMESTAMP_NTZ': {
      const moment = value as SecondsAndNanos;
      sink.timestamp(column, moment.seconds, moment.nanos);
      return;
    }
    default: {
      const bytes = typeof value === 'string' ? Buffer.from(value) : (value as Uint8Array);
      const source = Buffer.concat([Buffer.from('..'), bytes, Buffer.from('..')]);
      sink.bytes(column, source, 2, 2 + bytes.length);
      return;
    }
  }
}
