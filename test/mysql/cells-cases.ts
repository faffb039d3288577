/** Columns of every type, each with values as SQL: the extremes, and seeded random ones. */
export interface CellCase {
  readonly type: string;
  readonly values: readonly string[];
}

/** mulberry32: the same values on every run. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export function cellCases(flavor: 'mysql' | 'mariadb', version: string, randomCount: number): CellCase[] {
  const random = seededRandom(20_240_229);
  const below = (limit: number): number => Math.floor(random() * limit);
  const many = (make: () => string): string[] => Array.from({ length: randomCount }, make);
  const bits = (count: number): bigint => {
    let value = 0n;
    for (let bit = 0; bit < count; bit += 1) value = (value << 1n) | BigInt(below(2));
    return value >> BigInt(below(count));
  };
  const digits = (count: number): string => Array.from({ length: count }, () => below(10)).join('');
  const pad = (value: number, width: number): string => String(value).padStart(width, '0');
  const sign = (): string => (below(2) ? '-' : '');

  const int = (type: string, width: number): CellCase[] => [
    { type, values: [...signedExtremes(width), ...many(() => String(BigInt.asIntN(width, bits(width))))] },
    { type: `${type} unsigned`, values: [...unsignedExtremes(width), ...many(() => String(bits(width)))] },
    { type: `${type} zerofill`, values: ['0', '42', ...many(() => String(bits(width)))] },
  ];
  const decimal = (precision: number, scale: number, suffix = ''): CellCase => {
    const whole = precision - scale;
    const nines = `${'9'.repeat(whole) || '0'}${scale ? `.${'9'.repeat(scale)}` : ''}`;
    const tiny = scale ? `0.${'1'.padStart(scale, '0')}` : '1';
    const signOf = suffix ? (): string => '' : sign;
    return {
      type: `decimal(${precision},${scale})${suffix}`,
      values: [
        '0',
        '-0',
        '1',
        '0.5',
        nines,
        tiny,
        ...(suffix ? [] : [`-${nines}`, `-${tiny}`, '-1', '-0.5']),
        ...many(() => `${signOf()}${digits(1 + below(Math.max(whole, 1)))}.${digits(1 + below(Math.max(scale, 1)))}`),
        ...many(() => `${signOf()}0.${'0'.repeat(below(scale + 1))}${digits(9)}`),
      ].map((text) => `'${text}'`),
    };
  };
  const dates = [
    "'0000-00-00'",
    "'2020-00-10'",
    "'2020-10-00'",
    "'0001-01-01'",
    "'1000-01-01'",
    "'1969-12-31'",
    "'1970-01-01'",
    "'2000-02-29'",
    "'1900-02-28'",
    "'9999-12-31'",
    "'0000-01-01'",
  ];
  const randomDate = (): string => `${pad(1 + below(9999), 4)}-${pad(1 + below(12), 2)}-${pad(1 + below(28), 2)}`;
  const clock = (): string => `${pad(below(24), 2)}:${pad(below(60), 2)}:${pad(below(60), 2)}.${digits(6)}`;
  const fractions = [0, 1, 2, 3, 4, 5, 6];
  const singles = many(() => `${sign()}${digits(1 + below(8))}.${digits(below(6))}e${below(60) - 34}`);
  const doubles = many(() => `${sign()}${below(10)}.${digits(1 + below(17))}e${below(600) - 300}`);
  const text = (charset: string, sample: string): CellCase[] =>
    ['char(20)', 'varchar(100)', 'text', 'char(200)'].map((type) => ({
      type: `${type} character set ${charset}`,
      values: [
        "''",
        "'a'",
        "'  a b  '",
        "'tab\\tquote\\''",
        `_utf8mb4 x'${Buffer.from(sample).toString('hex')}'`,
        "repeat('xyz ', 5)",
      ],
    }));

  return [
    ...int('tinyint', 8),
    ...int('smallint', 16),
    ...int('mediumint', 24),
    ...int('int', 32),
    ...int('bigint', 64),
    { type: 'tinyint(1)', values: ['0', '1', '2', '-1', '127'] },
    ...[
      [1, 0],
      [5, 0],
      [9, 0],
      [9, 9],
      [10, 2],
      [18, 9],
      [20, 2],
      [30, 10],
      [38, 18],
      [38, 20],
      [65, 30],
      [65, 0],
      [30, 30],
      [11, 10],
      [28, 1],
    ].map(([precision, scale]) => decimal(precision as number, scale as number)),
    decimal(12, 3, ' unsigned'),
    decimal(12, 3, ' zerofill'),
    {
      type: 'float',
      values: [
        "'-0'",
        '0',
        '1.1',
        '16777217',
        '3.4028234e38',
        '-3.4028234e38',
        '1e-45',
        '1.17549435e-38',
        '0.1',
        '123456.789',
        ...singles,
      ],
    },
    {
      type: 'float(7,3)',
      values: [
        "'-0'",
        '0',
        '1.1',
        '1234.567',
        '-9999.999',
        '0.001',
        ...many(() => `${sign()}${below(9999)}.${digits(3)}`),
      ],
    },
    { type: 'float unsigned', values: ['0', '1.1', '5e30'] },
    {
      type: 'double',
      values: [
        "'-0'",
        '0',
        '1.1',
        '1e15',
        '1e16',
        '1e-14',
        '1e-15',
        '1e-16',
        '5e-324',
        '1.7976931348623157e308',
        '-2.2250738585072014e-308',
        '123456789012345678',
        '999999999999999',
        '9007199254740993',
        ...doubles,
      ],
    },
    {
      type: 'double(10,2)',
      values: ["'-0'", '0', '1.1', '99999999.99', '-0.01', ...many(() => `${sign()}${below(99999999)}.${digits(2)}`)],
    },
    { type: 'double(53,2)', values: ['1e40', '123456789012345678.25', '0.1'] },
    ...[1, 7, 8, 9, 15, 16, 31, 32, 33, 53, 54, 63, 64].map((count) => ({
      type: `bit(${count})`,
      values: [
        '0',
        '1',
        String((1n << BigInt(count)) - 1n),
        String(1n << BigInt(count - 1)),
        ...many(() => String(bits(count))),
      ],
    })),
    { type: 'year', values: ["'0000'", '1901', '2155', '1970', '2000', ...many(() => String(1901 + below(255)))] },
    { type: 'date', values: [...dates, ...many(() => `'${randomDate()}'`)] },
    ...fractions.map((fsp) => ({
      type: `datetime(${fsp})`,
      values: [
        "'0000-00-00 00:00:00'",
        "'2020-00-10 01:02:03.5'",
        "'0001-01-01 00:00:00'",
        "'9999-12-31 23:59:59'",
        "'1969-12-31 23:59:59.999999'",
        "'2024-03-10 02:30:00'",
        "'2024-11-03 01:30:00.25'",
        ...many(() => `'${randomDate()} ${clock()}'`),
      ],
    })),
    ...fractions.map((fsp) => ({
      type: `timestamp(${fsp}) null`,
      values: [
        "'0000-00-00 00:00:00'",
        "'1970-01-01 00:00:01'",
        "'2038-01-19 03:14:07'",
        "'2024-02-29 23:59:59.5'",
        "'2001-09-09 01:46:40.123456'",
        ...many(() => `'${pad(1971 + below(66), 4)}-${pad(1 + below(12), 2)}-${pad(1 + below(28), 2)} ${clock()}'`),
      ],
    })),
    ...fractions.map((fsp) => ({
      type: `time(${fsp})`,
      values: [
        "'00:00:00'",
        "'-00:00:00'",
        "'-01:00:00'",
        "'-00:01:00'",
        "'-00:00:01'",
        "'-00:00:00.5'",
        "'-00:00:00.000001'",
        "'838:59:59'",
        "'-838:59:59'",
        "'-838:59:58.999999'",
        "'99:59:59.9'",
        "'100:00:00'",
        "'-100:00:00.25'",
        ...many(() => `'${sign()}${pad(below(839), 2)}:${pad(below(60), 2)}:${pad(below(59), 2)}.${digits(6)}'`),
      ],
    })),
    ...text('utf8mb4', 'añ語😀'),
    ...text('utf8', 'añ語'),
    ...text('latin1', 'aé€ÿ'),
    ...text('ascii', 'plain'),
    ...text('cp1251', 'жЯ№'),
    ...text('koi8r', 'жЯ'),
    ...text('latin2', 'žŁ'),
    ...text('gbk', '汉字€'),
    ...text('big5', '漢字'),
    ...text('sjis', '漢字ｶﾅ\\'),
    ...text('cp932', '漢字①'),
    ...text('ujis', '漢字ｶ丂'),
    ...text('eucjpms', '漢字①'),
    ...text('euckr', '한글갂'),
    ...text('gb2312', '汉字'),
    ...text('ucs2', 'añ語'),
    ...text('utf16', 'añ語😀'),
    ...text('utf16le', 'añ語😀'),
    ...text('utf32', 'añ語😀'),
    ...text('swe7', 'ÅÄÖ'),
    ...text('greek', 'ΑΩ'),
    ...text('hebrew', 'שלום'),
    ...text('tis620', 'ไทย'),
    { type: 'longtext', values: ["repeat('语', 70000)", "repeat('a', 300)", "repeat('b', 65536)"] },
    { type: 'mediumtext character set latin1', values: ["repeat(_latin1 x'e9', 400000)"] },
    { type: 'binary(5)', values: ["''", "'a'", "x'0000'", "x'6100620000'", "x'ffffffffff'", "x'0100'"] },
    { type: 'binary(255)', values: ["''", "repeat(x'ff00', 100)"] },
    { type: 'varbinary(300)', values: ["''", "x'00'", "x'ff0080'", "repeat(x'00ff', 150)"] },
    { type: 'blob', values: ["''", "x'00ff27'", "repeat(x'00ff', 3000)"] },
    { type: 'tinyblob', values: ["''", "x'c328'"] },
    { type: 'mediumblob', values: ["repeat('x', 70000)"] },
    {
      type: "enum('a','b,c','d''e','','語','back\\\\slash')",
      values: ["'a'", "'b,c'", "'d''e'", "'語'", "''", "'not one'", '0', "'back\\\\slash'"],
    },
    {
      type: `enum(${Array.from({ length: 300 }, (_, index) => `'l${index}'`).join(',')})`,
      values: ["'l0'", "'l255'", "'l256'", "'l299'"],
    },
    { type: "enum('é','ß') character set latin1", values: ["'é'", "'ß'"] },
    { type: "set('a','b','d''e','語')", values: ["''", "'a'", "'語,a'", "'a,b,d''e,語'", "'no'"] },
    ...[8, 9, 17, 25, 33, 64].map((count) => ({
      type: `set(${Array.from({ length: count }, (_, index) => `'s${index}'`).join(',')})`,
      values: [
        '0',
        '1',
        String((1n << BigInt(count)) - 1n),
        String(1n << BigInt(count - 1)),
        ...many(() => String(bits(count))),
      ],
    })),
    {
      type: 'geometry',
      values: ["GeomFromText('POINT(1 2)')", "GeomFromText('LINESTRING(0 0,1 1.5)', 4326)"].map((sql) =>
        flavor === 'mysql' && !version.startsWith('5.') ? `ST_${sql.replace('ST_', '')}` : sql,
      ),
    },
    ...(flavor === 'mariadb'
      ? [
          { type: 'json', values: [`'{"b":1.0, "a":[1,2]}'`, "'null'", `'"語"'`] },
          {
            type: 'varchar(300) compressed character set utf8mb4',
            values: ["''", "'ü'", "repeat('yes ', 70)", "repeat('語', 250)"],
          },
          { type: 'blob compressed', values: ["''", "x'00'", "repeat('no ', 3000)"] },
          {
            type: 'inet6',
            values: [
              "'::'",
              "'2001:db8::ff00:42:8329'",
              "'::ffff:192.0.2.128'",
              "'::1.2.3.4'",
              "'1:0:0:2:0:0:0:3'",
              "'fe80::1'",
              "'1:2:3:4:5:6:7:8'",
              "'1:2:3:4:5:6:7::'",
              "'0:2:3:4:5:6:7:8'",
              "'::1'",
              "'::ffff:0:0'",
              "'1::'",
              "'0:0:1::'",
              ...many(
                () => `'${Array.from({ length: 8 }, () => (below(2) ? '0' : below(65536).toString(16))).join(':')}'`,
              ),
            ],
          },
          { type: 'inet4', values: ["'0.0.0.0'", "'192.168.10.1'", "'255.255.255.255'"] },
          {
            type: 'uuid',
            values: [
              "'00000000-0000-0000-0000-000000000000'",
              "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
              "'123e4567-e89b-12d3-a456-426655440000'",
              "'6ccd780c-baba-1026-9564-5b8c656024db'",
              ...many(
                () =>
                  `'${[8, 4, 4, 4, 12].map((count) => Array.from({ length: count }, () => below(16).toString(16)).join('')).join('-')}'`,
              ),
            ],
          },
          { type: 'year(2)', values: ['0', "'70'", "'69'", "'99'", '1'] },
        ]
      : version.startsWith('5.6')
        ? []
        : [{ type: 'json', values: jsonValues(many, below, digits) }]),
  ];
}

function signedExtremes(width: number): string[] {
  const limit = 1n << BigInt(width - 1);
  return ['0', '1', '-1', String(-limit), String(1n - limit), String(limit - 1n)];
}

function unsignedExtremes(width: number): string[] {
  const limit = 1n << BigInt(width);
  return ['0', '1', String(limit / 2n), String(limit / 2n - 1n), String(limit - 1n)];
}

function jsonValues(
  many: (make: () => string) => string[],
  below: (limit: number) => number,
  digits: (count: number) => string,
): string[] {
  const number = (): string =>
    [
      '0',
      '1.0',
      '-0.0',
      `${below(1e9)}`,
      `-${digits(17)}`.replace(/^-0+/, '-1'),
      `${below(10)}.${digits(1 + below(17))}e${below(600) - 300}`,
      '18446744073709551615',
      '-9223372036854775808',
    ][below(8)] as string;
  const value = (depth: number): string => {
    const pick = below(depth > 3 ? 5 : 7);
    if (pick === 0) return number();
    if (pick === 1)
      return `"${['', 'é語😀', '\\\\"', '\\\\u0001\\\\u001f', '/\\\\\\\\', 'x'.repeat(below(200))][below(6)]}"`;
    if (pick === 2) return 'null';
    if (pick === 3) return below(2) ? 'true' : 'false';
    if (pick === 4) return number();
    const count = below(5);
    if (pick === 5) return `[${Array.from({ length: count }, () => value(depth + 1)).join(',')}]`;
    return `{${Array.from({ length: count }, (_, index) => `"${'k'.repeat(below(4))}${index}é":${value(depth + 1)}`).join(',')}}`;
  };
  return [
    "'{}'",
    "'[]'",
    "'null'",
    "'true'",
    `'"s"'`,
    "'1.0'",
    "'1e300'",
    "'123456789012345678901234567890'",
    '\'{"b":1,"a":[1e15,1e16,1e-15,-1.2345678901234567e-300]}\'',
    "json_object('d',cast(2.50 as decimal(10,2)),'dn',cast(-12345678901234567890.123456789 as decimal(40,9)),'d0',cast(0 as decimal(5,0)),'d5',cast(-0.5 as decimal(5,5)))",
    "json_object('t',cast('-01:02:03.4' as time(1)),'t2',time'838:59:59','t3',cast('-00:00:00.000001' as time(6)),'dt',cast('2020-01-02 03:04:05.6' as datetime(6)),'da',date'2020-01-02','ts',timestamp'2020-01-02 03:04:05','y',cast(2020 as year))",
    "json_object('bin',x'00ff41','bit',b'101','s',concat('q\"\\\\/\\n\\t\\b\\f\\r',char(1 using utf8mb4),char(127 using utf8mb4),'é😀'),'empty',x'')",
    "json_array(repeat('x', 127),repeat('y',128),repeat('z',70000))",
    "json_object(repeat('k',300),1,'',2)",
    'json_array(32767,32768,-32768,-32769,65535,65536,2147483647,2147483648,-2147483648,-2147483649,4294967295,4294967296)',
    'json_array(cast(\'{"a":{"b":{"c":[[],{}]}}}\' as json))',
    "json_array(repeat(x'ab',100000))",
    ...many(() => `'${value(0)}'`),
  ];
}
