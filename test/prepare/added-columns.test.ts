import { applyAddColumns } from '../../operator/model/schema-history.js';
import type { SourceColumn } from '../../operator/model/source-table.js';
import { columnDecider } from '../../operator/prepare/columns.js';
import { column, int, prepare, spec, table } from './facts.js';

const columns = [column('id', int(4)), column('unit price', int(4))];
const plan = prepare({ source: { tables: [table('shop.orders', { columns })] } }).plans[0]!;

function add(...added: SourceColumn[]): string[] {
  const change = {
    kind: 'addColumns',
    table: plan.source,
    columns: added.map((each) => ({ column: each, after: null })),
  } as const;
  const next = applyAddColumns(plan, change, columnDecider(spec()), 7);
  return next.columns.map((each) => `${each.targetName} ${each.targetType}`);
}

describe('columns that come while the stream runs', () => {
  it('are carried over as the plan would have done', () => {
    expect(add(column('Net-Price', int(8, true)))).toEqual(['id INT', 'unit_price INT', 'net_price DECIMAL(20,0)']);
  });

  it('stop the table where their name is taken: by a column, by one added with them, by one of the change log', () => {
    const clash = { code: 'DDL_INCOMPATIBLE' };
    expect(() => add(column('unit-price', int(4)))).toThrow(expect.objectContaining(clash));
    expect(() => add(column('a b', int(4)), column('a-b', int(4)))).toThrow(expect.objectContaining(clash));
    expect(() => add(column('record_id', int(4)))).toThrow(expect.objectContaining(clash));
    expect(() => add(column('modifytime_hour', int(4)))).toThrow(expect.objectContaining(clash));
  });

  it('may have a name that the change log does not use', () => {
    expect(add(column('modifytime_minute', int(4)))).toContain('modifytime_minute INT');
  });
});
