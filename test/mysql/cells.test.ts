import { SyncError } from '../../operator/base/errors.js';
import type { SourceColumn } from '../../operator/model/source-table.js';
import type { ColumnPlan, TargetType, UnrepresentablePolicy } from '../../operator/model/table-plan.js';
import { type BinaryCellReader, compileBinaryCell } from '../../operator/mysql/cells/binary-cell.js';
import { compileTextCell, snapshotExpression } from '../../operator/mysql/cells/text-cell.js';
import { parseColumnType } from '../../operator/mysql/column-type.js';
import { seededRandom } from './cells-cases.js';
import { type CellVector, cellVectors } from './cells-vectors.js';
import { CollectingSink } from './collecting-sink.js';

const table = { database: 'shop', table: 'orders' };

function columnOf(type: string): SourceColumn {
  const charset =
    /character set (\w+)/.exec(type)?.[1] ?? (/^(var)?char|text|^enum|^set|^json/.test(type) ? 'utf8mb4' : null);
  const typeText = type.replace(/ character set \w+| compressed| null/g, '');
  return {
    name: 'v',
    type: parseColumnType(typeText, charset, null),
    typeText,
    nullable: true,
    defaultText: null,
    generated: null,
  };
}

function planOf(targetType: TargetType, onUnrepresentable: UnrepresentablePolicy = 'Fail'): ColumnPlan {
  return { sourceIndex: 0, targetName: 'v', targetType, onUnrepresentable };
}

const isBinary = ({ type }: SourceColumn): boolean =>
  type.kind === 'bytes' || type.kind === 'geometry' || type.kind === 'vector';

/** Reads the cell amid other bytes, and checks that exactly its bytes were taken. */
function readBinary(
  vector: CellVector,
  targetType: TargetType,
  options: { timeZone?: string; policy?: UnrepresentablePolicy; onNulled?: (name: string) => void } = {},
): string | undefined {
  const [typeCode, metadata] = vector.wire;
  const context = { table, timeZone: options.timeZone ?? 'UTC', onNulled: options.onNulled ?? (() => {}) };
  const source = columnOf(vector.type);
  const read: BinaryCellReader = compileBinaryCell(
    source,
    { typeCode, metadata },
    planOf(targetType, options.policy),
    3,
    context,
  );
  const skip: BinaryCellReader = compileBinaryCell(source, { typeCode, metadata }, null, 0, context);
  const cell = Buffer.from(vector.cell, 'hex');
  const packet = Buffer.concat([Buffer.from('a5a5', 'hex'), cell, Buffer.from('ff01ff', 'hex')]);
  const sink = new CollectingSink();
  expect(read(packet, 2, sink)).toBe(2 + cell.length);
  expect(skip(packet, 2, sink)).toBe(2 + cell.length);
  return sink.calls[0];
}

function readText(
  vector: CellVector,
  targetType: TargetType,
  timeZone = 'UTC',
  policy: UnrepresentablePolicy = 'Fail',
): string | undefined {
  const source = columnOf(vector.type);
  const read = compileTextCell(source, planOf(targetType, policy), 3, { table, timeZone, onNulled: () => {} });
  const text = isBinary(source) ? Buffer.from(vector.text, 'hex') : Buffer.from(vector.text, 'utf8');
  const packet = Buffer.concat([Buffer.from('9'), text, Buffer.from('9')]);
  const sink = new CollectingSink();
  read(packet, 1, packet.length - 1, sink);
  return sink.calls[0];
}

function vectorOf(type: string, value: string): CellVector {
  const vector = cellVectors.find((candidate) => candidate.type === type && candidate.value === value);
  if (!vector) throw new Error(`no vector ${type} ${value}`);
  return vector;
}

describe('a cell that becomes STRING, or BINARY where it is bytes', () => {
  it.each(cellVectors.map((vector) => [`${vector.type} ${vector.value} of ${vector.server}`, vector] as const))(
    '%s',
    (_name, vector) => {
      const source = columnOf(vector.type);
      const target = isBinary(source) ? 'BINARY' : 'STRING';
      const seen = readBinary(vector, target);
      expect(seen).toBe(readText(vector, target));
      const shown = isBinary(source) ? Buffer.from(vector.text, 'hex') : Buffer.from(vector.text, 'utf8');
      const isDisplayOnly = /zerofill|float/.test(vector.type);
      if (!isDisplayOnly) expect(seen).toBe(`bytes(3, ${shown.toString('latin1')})`);
    },
  );

  it('leaves out what the server adds for display', () => {
    expect(readBinary(vectorOf('int(8) unsigned zerofill', '42'), 'STRING')).toBe('bytes(3, 42)');
    expect(readBinary(vectorOf('decimal(12,3) unsigned zerofill', '7.25'), 'STRING')).toBe('bytes(3, 7.250)');
    expect(readBinary(vectorOf('float(7,3)', '1'), 'STRING')).toBe('bytes(3, 1)');
    expect(readBinary(vectorOf('float', '1.1'), 'STRING')).toBe('bytes(3, 1.1)');
    expect(readBinary(vectorOf('float', '16777216'), 'STRING')).toBe('bytes(3, 16777216)');
  });
});

describe('a cell that becomes its own type', () => {
  const cases: readonly (readonly [type: string, value: string, target: TargetType, call: string])[] = [
    ['tinyint', '-128', 'TINYINT', 'int32(3, -128)'],
    ['tinyint unsigned', '255', 'SMALLINT', 'int32(3, 255)'],
    ['mediumint', '-8388608', 'INT', 'int32(3, -8388608)'],
    ['int unsigned', '4294967295', 'BIGINT', 'int64(3, 4294967295)'],
    ['bigint', '9223372036854775807', 'BIGINT', 'int64(3, 9223372036854775807)'],
    ['bigint', '-9223372036854775807', 'BIGINT', 'int64(3, -9223372036854775807)'],
    ['bigint', '-1', 'BIGINT', 'int32(3, -1)'],
    ['bigint', '9007199254740993', 'BIGINT', 'int64(3, 9007199254740993)'],
    ['bigint unsigned', '18446744073709551615', 'DECIMAL(20,0)', 'bytes(3, 18446744073709551615)'],
    ['bigint unsigned', '18446744073709551615', 'DOUBLE', 'float64(3, 18446744073709552000)'],
    ['bit(5)', "b'10101'", 'BIGINT', 'int32(3, 21)'],
    ['year', "'0000'", 'INT', 'int32(3, 0)'],
    ['year', '2155', 'INT', 'int32(3, 2155)'],
    ['decimal(20,0)', '10000000000000000000', 'DECIMAL(20,0)', 'bytes(3, 10000000000000000000)'],
    ['decimal(10,2)', '-1234.5', 'DECIMAL(38,18)', 'bytes(3, -1234.50)'],
    ['decimal(10,2)', '-1234.5', 'DECIMAL(10,1)', 'bytes(3, -1234.5)'],
    ['decimal(10,2)', '-1234.5', 'DOUBLE', 'float64(3, -1234.5)'],
    ['float', '1.1', 'FLOAT', 'float32(3, 1.100000023841858)'],
    ['float', '1.1', 'DOUBLE', 'float64(3, 1.100000023841858)'],
    ['double', "'-0'", 'DOUBLE', 'float64(3, -0)'],
    ['double', '1e300', 'DOUBLE', 'float64(3, 1e+300)'],
    ['date', "'2024-02-29'", 'DATE', 'date(3, 19782)'],
    ['date', "'1000-01-01'", 'DATE', 'date(3, -354285)'],
    ['datetime(3)', "'1969-12-31 23:59:59.120'", 'TIMESTAMP_NTZ', 'timestamp(3, -1, 120000000)'],
    ['datetime(3)', "'1969-12-31 23:59:59.120'", 'DATETIME', 'datetime(3, -880)'],
    ['timestamp(6) null', "'2038-01-19 03:14:07.000001'", 'TIMESTAMP', 'timestamp(3, 2147483647, 1000)'],
    ['timestamp(6) null', "'2038-01-19 03:14:07.000001'", 'DATETIME', 'datetime(3, 2147483647000)'],
    ['datetime(3)', "'2024-01-02 03:04:05.678'", 'TIMESTAMP_NTZ', 'timestamp(3, 1704164645, 678000000)'],
  ];
  it.each(cases)('%s %s -> %s is %s', (type, value, target, call) => {
    const vector = vectorOf(type, value);
    expect(readBinary(vector, target)).toBe(call);
    expect(readText(vector, target)).toBe(call);
  });
});

describe('a value that the target cannot hold', () => {
  const bigintMin: CellVector = {
    server: '',
    type: 'bigint',
    value: '',
    wire: [8, 0],
    cell: '0000000000000080',
    text: '-9223372036854775808',
  };
  const largeBlob: CellVector = {
    server: '',
    type: 'longblob',
    value: '',
    wire: [252, 4],
    cell: `01008000${'61'.repeat(8 * 1024 * 1024 + 1)}`,
    text: '61'.repeat(8 * 1024 * 1024 + 1),
  };
  const cases: readonly (readonly [what: string, vector: CellVector, target: TargetType, reason: RegExp])[] = [
    ['the lowest BIGINT', bigintMin, 'BIGINT', /range of the target type/],
    [
      'a large unsigned BIGINT',
      vectorOf('bigint unsigned', '18446744073709551615'),
      'BIGINT',
      /range of the target type/,
    ],
    ['an INT for SMALLINT', vectorOf('int', '-2147483648'), 'SMALLINT', /range of the target type/],
    ['-128 for BOOLEAN', vectorOf('tinyint', '-128'), 'BOOLEAN', /other than 0 and 1/],
    ['a zero date', vectorOf('date', "'0000-00-00'"), 'DATE', /zero or impossible date/],
    ['a date without a month', vectorOf('date', "'2020-00-10'"), 'DATE', /zero or impossible date/],
    ['a zero DATETIME', vectorOf('datetime', "'0000-00-00 00:00:00'"), 'TIMESTAMP_NTZ', /zero or impossible date/],
    ['a zero TIMESTAMP', vectorOf('timestamp null', "'0000-00-00 00:00:00'"), 'TIMESTAMP', /zero or impossible date/],
    [
      'a DECIMAL with more digits',
      vectorOf('decimal(20,0)', '10000000000000000000'),
      'DECIMAL(19,0)',
      /range of the target type/,
    ],
    ['a DECIMAL with more decimals', vectorOf('decimal(10,2)', '-1234.5'), 'DECIMAL(38,0)', /more decimals/],
    ['a DECIMAL with decimals for BIGINT', vectorOf('decimal(10,2)', '-1234.5'), 'BIGINT', /more decimals/],
    ['a DOUBLE beyond FLOAT', vectorOf('double', '1e300'), 'FLOAT', /range of the target type/],
    ['more than 8 MiB', largeBlob, 'BINARY', /more than 8 MiB/],
    ['bytes that are not text', vectorOf('blob', "x'00ff'"), 'STRING', /not UTF-8/],
  ];
  it.each(cases)('%s fails with a code, and without the value', (_what, vector, target, reason) => {
    for (const read of [readBinary, readText]) {
      const error = thrownBy(() => read(vector, target));
      expect(error).toMatchObject({ code: 'VALUE_UNREPRESENTABLE', table: 'shop.orders' });
      expect(error.seen).toMatch(reason);
      expect(error.seen).toContain('column v');
      if (vector.text.length > 4 && vector.text.length < 100)
        expect(JSON.stringify(error) + error.message).not.toContain(vector.text);
    }
  });
  it.each(cases)('%s is left out and counted under the policy Null', (_what, vector, target) => {
    const nulled: string[] = [];
    expect(readBinary(vector, target, { policy: 'Null', onNulled: (name) => nulled.push(name) })).toBeUndefined();
    expect(nulled).toEqual(['v']);
    expect(readText(vector, target, 'UTC', 'Null')).toBeUndefined();
  });
});

describe('a wall clock in the zone of the task', () => {
  // Offsets in seconds: Python 3.11 zoneinfo with fold=0, whose rule for gaps and overlaps is the one of zone.ts.
  const walls = [
    '0001-01-01 00:00:00',
    '1883-11-18 12:03:57',
    '1883-11-18 12:03:58',
    '1900-01-01 00:00:00',
    '1940-06-01 12:00:00',
    '1986-05-04 02:30:00',
    '2011-12-30 12:00:00',
    '2024-03-10 01:59:59',
    '2024-03-10 02:30:00',
    '2024-03-10 03:00:00',
    '2024-11-03 00:59:59',
    '2024-11-03 01:30:00',
    '2024-11-03 02:00:00',
    '2024-10-06 02:15:00',
    '2024-04-07 01:45:00',
    '2024-12-31 23:59:59',
    '2500-07-01 12:00:00',
    '9999-12-31 23:59:59',
  ];
  const offsets: Readonly<Record<string, readonly number[]>> = {
    'America/New_York': [
      -17762, -17762, -18000, -18000, -14400, -14400, -18000, -18000, -18000, -14400, -14400, -14400, -18000, -14400,
      -14400, -18000, -14400, -18000,
    ],
    'Asia/Shanghai': [
      29143, 29143, 29143, 29143, 32400, 28800, 28800, 28800, 28800, 28800, 28800, 28800, 28800, 28800, 28800, 28800,
      28800, 28800,
    ],
    'Pacific/Apia': [
      45184, 45184, 45184, -41216, -41400, -39600, -36000, 46800, 46800, 46800, 46800, 46800, 46800, 46800, 46800,
      46800, 46800, 46800,
    ],
    'Australia/Lord_Howe': [
      38180, 38180, 38180, 36000, 36000, 37800, 39600, 39600, 39600, 39600, 39600, 39600, 39600, 37800, 39600, 39600,
      37800, 39600,
    ],
    'Africa/Casablanca': [
      -1820, -1820, -1820, -1820, 3600, 0, 0, 3600, 3600, 0, 3600, 3600, 3600, 3600, 0, 3600, 3600, 3600,
    ],
    'Europe/London': [-75, 0, 0, 0, 3600, 3600, 0, 0, 0, 0, 0, 0, 0, 3600, 3600, 0, 3600, 0],
    UTC: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    'Asia/Kathmandu': [
      20476, 20476, 20476, 20476, 19800, 20700, 20700, 20700, 20700, 20700, 20700, 20700, 20700, 20700, 20700, 20700,
      20700, 20700,
    ],
  };
  it.each(Object.keys(offsets))('%s', (zone) => {
    const seen = walls.map((text) =>
      readText({ server: '', type: 'datetime', value: '', wire: [18, 0], cell: '', text }, 'DATETIME', zone),
    );
    const wanted = walls.map((text, index) => {
      const wall = Date.parse(`${text.replace(' ', 'T')}Z`);
      return `datetime(3, ${wall - (offsets[zone]?.[index] as number) * 1000})`;
    });
    expect(seen).toEqual(wanted);
  });
});

describe('numbers', () => {
  it('have one zero only as DECIMAL', () => {
    // The bits of -0.00, which no server was seen to write: decimal2bin of a zero with its sign set.
    const negativeZero: CellVector = {
      server: '',
      type: 'decimal(10,2)',
      value: '',
      wire: [246, 522],
      cell: '7fffffffff',
      text: '0.00',
    };
    expect(readBinary(negativeZero, 'DECIMAL(10,2)')).toBe('bytes(3, 0.00)');
    expect(readText(negativeZero, 'DECIMAL(10,2)')).toBe('bytes(3, 0.00)');
  });

  it('give back every kind of single from the text of its double', () => {
    const random = seededRandom(1);
    const words = new Uint32Array(1);
    const singles = new Float32Array(words.buffer);
    const context = { table, timeZone: 'UTC', onNulled: () => {} };
    const read = compileTextCell(columnOf('float'), planOf('FLOAT'), 3, context);
    const edges = [1, 0x7fffff, 0x800000, 0x7f7fffff, 0xff7fffff, 0x80000001, 0x3f800001];
    for (let round = 0; round < 4_000; round += 1) {
      words[0] = edges[round] ?? random() * 0x1_0000_0000;
      const value = singles[0] as number;
      if (!Number.isFinite(value)) continue;
      // JavaScript and the server both print the fewest digits that give the double back.
      const text = Buffer.from(String(value).replace('e+', 'e'));
      const sink = new CollectingSink();
      read(text, 0, text.length, sink);
      expect(sink.calls).toEqual([`float32(3, ${Object.is(value, -0) ? '-0' : value})`]);
    }
  });

  it('of 64 bits are the same from bytes and from text, as halves, digits and doubles', () => {
    const random = seededRandom(2);
    for (let round = 0; round < 1_000; round += 1) {
      const cell = Buffer.alloc(8);
      cell.writeUInt32LE(random() * 0x1_0000_0000, 0);
      cell.writeUInt32LE(random() * 0x1_0000_0000, 4);
      for (const type of ['bigint', 'bigint unsigned']) {
        // Of all sizes.
        const isSigned = type === 'bigint';
        const large = isSigned ? cell.readBigInt64LE() : cell.readBigUInt64LE();
        const value = large >> BigInt(Math.floor(random() * 64));
        const bytes = Buffer.alloc(8);
        if (isSigned) bytes.writeBigInt64LE(value);
        else bytes.writeBigUInt64LE(value);
        const vector: CellVector = {
          server: '',
          type,
          value: '',
          wire: [8, 0],
          cell: bytes.toString('hex'),
          text: String(value),
        };
        expect(readBinary(vector, 'STRING')).toBe(`bytes(3, ${value})`);
        expect(readText(vector, 'STRING')).toBe(`bytes(3, ${value})`);
        const double = `float64(3, ${Number(value)})`;
        expect(readBinary(vector, 'DOUBLE')).toBe(double);
        expect(readText(vector, 'DOUBLE')).toBe(double);
        if (value >= 2n ** 63n) continue;
        const isSmall = value >= -(2n ** 31n) && value < 2n ** 31n;
        const call = isSmall ? `int32(3, ${value})` : `int64(3, ${value})`;
        expect(readBinary(vector, 'BIGINT')).toBe(call);
        expect(readText(vector, 'BIGINT')).toBe(call);
      }
    }
  });
});

describe('what is compiled', () => {
  const context = { table, timeZone: 'UTC', onNulled: () => {} };
  it('refuses a target type that the source type cannot become', () => {
    const error = thrownBy(() => compileTextCell(columnOf('time(3)'), planOf('BIGINT'), 0, context));
    expect(error).toMatchObject({ code: 'VALUE_UNREPRESENTABLE', table: 'shop.orders' });
  });
  it('refuses a charset that it does not know', () => {
    const source: SourceColumn = {
      ...columnOf('varchar(9)'),
      type: { kind: 'text', charset: 'klingon', bytesMax: 9, pads: false, collation: '' },
    };
    expect(
      thrownBy(() => compileBinaryCell(source, { typeCode: 15, metadata: 9 }, planOf('STRING'), 0, context)).code,
    ).toBe('VALUE_UNDECODABLE');
  });
  it('refuses a wire type that it does not know, even for a cell to step over', () => {
    expect(
      thrownBy(() => compileBinaryCell(columnOf('int'), { typeCode: 99, metadata: 0 }, null, 0, context)).code,
    ).toBe('VALUE_UNDECODABLE');
  });
  it.each([
    ['int', 8, 0],
    ['bigint', 246, 10],
    ['datetime(3)', 18, 2],
    ["enum('a')", 15, 9],
    ['double', 4, 4],
    ['varchar(9)', 3, 0],
  ])('refuses %s that travels as type %d with metadata %d', (type, typeCode, metadata) => {
    expect(
      thrownBy(() => compileBinaryCell(columnOf(type), { typeCode, metadata }, planOf('STRING'), 0, context)).code,
    ).toBe('BINLOG_SCHEMA_MISMATCH');
  });
  it('selects numbers so that their text is exact', () => {
    expect(snapshotExpression(columnOf('float(7,3)'), '`f`', 'mysql')).toBe('`f`*1e0');
    expect(snapshotExpression(columnOf('bit(64)'), '`b`', 'mariadb')).toBe('`b`+0');
    expect(snapshotExpression(columnOf('decimal(5,2)'), '`d`', 'mysql')).toBe('`d`');
  });
});

describe('garbled cells', () => {
  const json = (cell: string): CellVector => ({ server: '', type: 'json', value: '', wire: [245, 4], cell, text: '' });
  it('are a coded error', () => {
    // A small object whose only value is itself; a value type that does not exist.
    for (const cell of ['0f00000000' + '01000e0012000000' + '00' + '0000' + '00000000', '020000000d00']) {
      const bytes = cell.slice(8);
      const vector = json(Buffer.from([bytes.length / 2, 0, 0, 0]).toString('hex') + bytes);
      expect(thrownBy(() => readBinary(vector, 'STRING')).code).toBe('VALUE_UNDECODABLE');
    }
    const compressed: CellVector = {
      server: '',
      type: 'text compressed',
      value: '',
      wire: [140, 2],
      cell: '0400 890a ffff'.replaceAll(' ', ''),
      text: '',
    };
    expect(thrownBy(() => readBinary(compressed, 'STRING')).code).toBe('VALUE_UNDECODABLE');
    for (const text of ['2024-1-02', '24:00', '']) {
      expect(
        thrownBy(() => readText({ server: '', type: 'date', value: '', wire: [10, 0], cell: '', text }, 'DATE')).code,
      ).toBe('VALUE_UNDECODABLE');
    }
  });
});

function thrownBy(action: () => unknown): SyncError {
  try {
    action();
  } catch (error) {
    if (error instanceof SyncError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
