/** Blocks that the official clients wrote, as recorded. */
import { readFileSync } from 'node:fs';
import { columnType } from '../../operator/emulator/sql/column-types.js';
import { BlockReader } from '../../operator/emulator/store/block-reader.js';
import type { Column } from '../../operator/emulator/store/catalog.js';

interface Case {
  case: string;
  value: unknown;
  java?: string;
  pyodps?: string;
}

const recorded = JSON.parse(readFileSync(new URL('../vectors/records.json', import.meta.url), 'utf8')) as {
  types: Record<string, { schema: { columns: { name: string; type: string }[] }; cases: Case[] }>;
};

interface Block {
  readonly name: string;
  readonly columns: Column[];
  readonly bytes: Buffer;
}

const blocks: Block[] = [];
for (const [type, { schema, cases }] of Object.entries(recorded.types)) {
  const known = schema.columns.map((column) => columnType(column.type));
  if (known.some((found) => found === null)) continue;
  const columns = schema.columns.map(({ name }, index) => ({
    name,
    type: known[index]?.name ?? '',
    comment: '',
    isNullable: true,
  }));
  for (const { case: name, java, pyodps } of cases) {
    for (const [client, body] of [
      ['java', java],
      ['pyodps', pyodps],
    ] as const) {
      if (body === undefined || body.startsWith('error')) continue;
      blocks.push({ name: `${type}, ${name}, ${client}`, columns, bytes: Buffer.from(body, 'base64') });
    }
  }
}

function read({ columns, bytes }: Block, pieceBytes: number): string {
  const reader = new BlockReader(columns, null);
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
    return `${reader.end().rows} rows`;
  } catch (error) {
    return (error as Error).message;
  }
}

test('blocks of both clients are read; finer times than microseconds, and -2^63, are refused by name', () => {
  const refused = new Map(blocks.map((block) => [block.name, read(block, 1 << 20)] as const));
  for (const [name, said] of refused) if (said === '1 rows') refused.delete(name);
  expect([...refused].filter(([, said]) => !/finer than a microsecond|below the smallest BIGINT/.test(said))).toEqual(
    [],
  );
  expect(blocks.length - refused.size).toBeGreaterThan(100);
});

test('in pieces of any size the answer is the same', () => {
  for (const block of blocks) {
    const whole = read(block, 1 << 20);
    for (const pieceBytes of [1, 2, 3, 7]) expect([block.name, read(block, pieceBytes)]).toEqual([block.name, whole]);
  }
});

test('a block that is cut, or has one bit changed, is refused', () => {
  // The widest values, and the checksums of PyODPS, which are longer than others.
  for (const block of blocks.filter(({ name }) => /min|pyodps/.test(name))) {
    if (read(block, 1 << 20) !== '1 rows') continue;
    for (let length = 0; length < block.bytes.length; length += 1) {
      expect(read({ ...block, bytes: block.bytes.subarray(0, length) }, 1 << 20)).not.toBe('1 rows');
    }
    for (let bit = 0; bit < block.bytes.length * 8; bit += 1) {
      const changed = Buffer.from(block.bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(read({ ...block, bytes: changed }, 1 << 20)).not.toBe('1 rows');
    }
  }
});
