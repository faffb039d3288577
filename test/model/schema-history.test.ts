import { type AddColumns, applyAddColumns, type ColumnDecider, fillText } from '../../operator/model/schema-history.js';
import type { SourceColumn } from '../../operator/model/source-table.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { parseColumnType } from '../../operator/mysql/column-type.js';

function column(name: string, typeText = 'int(11)', more: Partial<SourceColumn> = {}): SourceColumn {
  const type = parseColumnType(typeText, 'utf8mb4', 'utf8mb4_bin');
  return { name, type, typeText, nullable: true, defaultText: null, generated: null, ...more };
}

const plan: TablePlan = {
  source: { database: 'shop', table: 'orders' },
  schemaVersion: 1,
  sourceColumns: [column('id'), column('secret'), column('name')],
  columns: [
    { sourceIndex: 0, targetName: 'id', targetType: 'BIGINT', onUnrepresentable: 'Fail' },
    { sourceIndex: 2, targetName: 'name', targetType: 'BIGINT', onUnrepresentable: 'Fail' },
  ],
  key: ['id'],
  baseTable: 'orders_base',
  logTable: 'orders_log',
  partitionKeys: ['year'],
  columnNaming: 'Legacy',
  lifecycleDays: null,
  where: null,
  timeZone: 'UTC',
  addedColumns: [],
};

const decide: ColumnDecider = (_, { name }) =>
  name === 'hidden' ? null : { targetName: name.toLowerCase(), targetType: 'BIGINT', onUnrepresentable: 'Fail' };

function add(...columns: [SourceColumn, string | null][]): AddColumns {
  return {
    kind: 'addColumns',
    table: plan.source,
    columns: columns.map(([added, after]) => ({ column: added, after })),
  };
}

const names = (next: TablePlan): string[] => next.sourceColumns.map((one) => one.name);
const carried = (next: TablePlan): string[] =>
  next.columns.map((one) => `${one.targetName}<${next.sourceColumns[one.sourceIndex]?.name}`);

describe('added columns', () => {
  it('take their place in the source and the end of the target', () => {
    const next = applyAddColumns(
      plan,
      add([column('A'), 'ID'], [column('b'), ''], [column('c'), null], [column('d'), 'A']),
      decide,
      41,
    );
    expect(names(next)).toEqual(['b', 'id', 'A', 'd', 'secret', 'name', 'c']);
    expect(carried(next)).toEqual(['id<id', 'name<name', 'a<A', 'b<b', 'c<c', 'd<d']);
    expect(next.schemaVersion).toBe(2);
    expect(next.addedColumns).toEqual(
      ['a', 'b', 'c', 'd'].map((targetName) => ({ targetName, defaultText: null, afterRecordId: 41 })),
    );
  });

  it('that are excluded are known to the decoder and carried nowhere', () => {
    const next = applyAddColumns(plan, add([column('hidden'), 'id']), decide, 1);
    expect(names(next)).toEqual(['id', 'hidden', 'secret', 'name']);
    expect(carried(next)).toEqual(['id<id', 'name<name']);
    expect(next.addedColumns).toEqual([]);
  });

  it('that are there already change nothing', () => {
    expect(applyAddColumns(plan, add([column('NAME'), null]), decide, 1)).toBe(plan);
    const next = applyAddColumns(plan, add([column('name'), ''], [column('x'), null]), decide, 1);
    expect(names(next)).toEqual(['id', 'secret', 'name', 'x']);
  });

  it('leave the plan before as it was', () => {
    const before = JSON.stringify(plan);
    applyAddColumns(plan, add([column('x'), '']), decide, 1);
    expect(JSON.stringify(plan)).toBe(before);
  });

  it.each([
    ['int(11)', false, '0'],
    ['int(11)', true, null],
    ['varchar(9)', false, ''],
    ['binary(3)', false, '\0\0\0'],
    ["enum('b','a')", false, 'b'],
    ['time(3)', false, '00:00:00.000'],
    ['date', false, null],
  ])('of type %s, nullable %s, fill rows that were there with %j', (typeText, nullable, expected) => {
    expect(fillText(column('x', typeText, { nullable }))).toBe(expected);
  });

  it('with a default fill rows that were there with it', () => {
    expect(fillText(column('x', 'int(11)', { nullable: false, defaultText: '7' }))).toBe('7');
  });
});
