import { compareTable } from '../../operator/cli/quickstart/verify.js';
import type { Warehouse } from '../../operator/model/ports.js';
import type { Session } from '../../operator/mysql/session.js';

type Row = readonly (string | null)[];
type Column = readonly [name: string, type: string, key: '' | 'PRI'];

const keyed: readonly Column[] = [
  ['id', 'int', 'PRI'],
  ['name', 'varchar', ''],
  ['price', 'decimal', ''],
];
const keyless: readonly Column[] = [
  ['a', 'int', ''],
  ['b', 'varchar', ''],
];

/** Both sides as the comparison sees them: a session that answers with the columns, then the rows; a warehouse with rows. */
function compare(columns: readonly Column[], source: readonly Row[], target: readonly Row[]) {
  const session = {
    query: async (sql: string) => (sql.includes('information_schema') ? columns : source),
  } as unknown as Session;
  const warehouse = { query: async () => ({ columns: [], rows: target }) } as unknown as Warehouse;
  return compareTable(session, warehouse, { database: 'shop', table: 't', targetTable: 't' });
}

describe('the comparison of a merged table with its source', () => {
  const rows: readonly Row[] = [
    ['1', 'one', '1.50'],
    ['2', null, '0.00'],
    ['3', '', null],
  ];

  it('finds equal rows equal, in any order and however many zeros a decimal ends with', async () => {
    const target = [...rows]
      .reverse()
      .map(([id, name, price]) => [id ?? null, name ?? null, price?.replace(/\.?0+$/, '') ?? null]);
    expect(await compare(keyed, rows, target)).toEqual({
      table: 't',
      sourceRows: 3,
      targetRows: 3,
      differences: 0,
      examples: [],
    });
  });

  it.each<[string, readonly Row[], string]>([
    ['a row that is missing', rows.slice(1), 'missing: id="1"'],
    ['a row that nobody wrote', [...rows, ['4', 'four', '4']], 'invented: id="4"'],
    ['a row that stands there twice', [...rows, ['3', '', null]], '1 too many: id="3"'],
    ['a value, by its column', [['1', 'One', '1.50'], ...rows.slice(1)], 'differs in name: id="1"'],
    ['NULL where an empty text was written', [...rows.slice(0, 2), ['3', null, null]], 'differs in name: id="3"'],
    [
      'the word NULL where there was none',
      [
        ['1', 'one', '1.5'],
        ['2', 'NULL', '0'],
        ['3', '', null],
      ],
      'differs in name: id="2"',
    ],
  ])('names %s', async (_, target, example) => {
    const verdict = await compare(keyed, rows, target);
    expect(verdict).toMatchObject({ differences: 1, examples: [example] });
  });

  it('counts equal rows where there is no key', async () => {
    const source = [
      ['1', 'x'],
      ['1', 'x'],
      ['1', 'x'],
      [null, null],
    ];
    const verdict = await compare(keyless, source, [
      ['1', 'x'],
      [null, null],
      [null, null],
      ['2', 'y'],
    ]);
    expect(verdict.examples).toEqual(['2 missing: a="1" b="x"', '1 too many: a=null b=null', 'invented: a="2" b="y"']);
  });

  it('names five rows and counts all', async () => {
    const source = Array.from({ length: 40 }, (_, id): Row => [String(id), 'x', '1']);
    const verdict = await compare(keyed, source, []);
    expect(verdict.differences).toBe(40);
    expect(verdict.examples).toHaveLength(5);
  });
});
