import { columnDecider } from '../../operator/prepare/columns.js';
import { grantTarget } from '../../operator/prepare/grants.js';
import { isRenamed, targetName } from '../../operator/prepare/names.js';
import { compilePattern, plainName } from '../../operator/prepare/pattern.js';
import { quoteAccount, quoteTable } from '../../operator/prepare/statements.js';
import { column, int, prepare, spec, table } from './facts.js';

describe('shell patterns', () => {
  it.each([
    ['*', 'anything', true],
    ['order_*', 'order_', true],
    ['order_*', 'orders', false],
    ['t?', 't1', true],
    ['t?', 't😀', true],
    ['t?', 't12', false],
    ['[abc]1', 'b1', true],
    ['[!abc]1', 'b1', false],
    ['[a-c]1', 'c1', true],
    ['[]x]', ']', true],
    ['[^]', '^', true],
    ['a.b', 'axb', false],
    ['a+(b)|$', 'a+(b)|$', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['line\nbreak*', 'line\nbreak\n', true],
    ['[open', '[open', true],
    ['x\\', 'x\\', true],
  ])('%j and %j', (pattern, name, isMatch) => {
    expect(compilePattern(pattern, false)(name)).toBe(isMatch);
  });

  it('ignore case where the server does', () => {
    expect(compilePattern('Order*', true)('ORDERS')).toBe(true);
    expect(compilePattern('Order*', false)('ORDERS')).toBe(false);
  });

  it.each([
    ['orders', 'orders'],
    ['a\\*b', 'a*b'],
    ['a\\\\*', null],
    ['order_?', null],
    ['[ab]', null],
  ])('%j names one table: %j', (pattern, name) => {
    expect(plainName(pattern)).toBe(name);
  });
});

describe('the selection', () => {
  const targets = (
    objects: Parameters<typeof spec>[0] extends infer T ? NonNullable<T>['objects' & keyof T] : never,
    lowerCase = '0',
  ) =>
    prepare({
      spec: { objects: objects as never },
      variables: { lower_case_table_names: lowerCase },
      source: { tables: [table('shop.Orders'), table('shop.orders_old'), table('shop.users')] },
    }).plans.map((plan) => `${plan.source.table}: ${plan.baseTable}`);

  it('takes the first rule that matches', () => {
    expect(
      targets([
        { database: 'shop', tables: ['Orders'], targetTable: 'first' },
        { database: 'shop', excludeTables: ['*_old'], targetTable: 's_{table}' },
      ] as never),
    ).toEqual(['Orders: first_base', 'users: s_users_base']);
  });

  it('tells case apart unless the server does not', () => {
    expect(targets([{ database: 'SHOP', tables: ['orders'] }] as never, '0')).toEqual([]);
    expect(targets([{ database: 'SHOP', tables: ['orders'] }] as never, '1')).toEqual(['Orders: orders_base']);
  });
});

describe('names in the target', () => {
  it.each([
    ['orders', 'orders', false],
    ['Orders', 'orders', false],
    ['order-items', 'order_items', true],
    ['1st', 'c_1st', true],
    ['_x', 'c__x', true],
    ['unit price', 'unit_price', true],
    ['größe', 'gr__e', true],
    ['😀', 'c__', true],
    ['select', 'select', false],
  ])('%j becomes %j', (name, expected, isChanged) => {
    expect(targetName(name)).toBe(expected);
    expect(isRenamed(name)).toBe(isChanged);
  });

  it('leave placeholders in the names of tables alone', () => {
    const { plans } = prepare({
      spec: { objects: [{ database: 'shop', targetTable: '{database}_{table}' }] },
      source: { tables: [table('shop.{database}')] },
    });
    expect(plans[0]?.baseTable).toBe('shop__database__base');
  });
});

describe('names in statements', () => {
  it('are quoted as the server wants them', () => {
    expect(quoteTable({ database: 'a`b', table: 'c d' })).toBe('`a``b`.`c d`');
    expect(quoteAccount("o'b@x@10.0.0.%")).toBe("'o''b@x'@'10.0.0.%'");
  });

  it.each([
    ['nothing', {}, '`my\\_shop`.*'],
    ['another database', { shop: ['SELECT'] }, '`my\\_shop`.*'],
    ['the same form', { 'my\\_shop': ['INSERT'], 'my%': ['SELECT'] }, '`my\\_shop`.*'],
    ['the bare name', { my_shop: ['SELECT'], 'my%': ['INSERT'] }, '`my_shop`.*'],
    ['a wider pattern', { 'my%': ['SELECT'] }, '`my%`.*'],
  ])('extend the grant that is there: %s', (_, databases, expected) => {
    expect(grantTarget({ global: [], databases, tables: {} }, 'my_shop')).toBe(expected);
  });
});

describe('the decision on a column that is added later', () => {
  const decide = columnDecider(
    spec({
      objects: [
        {
          database: 'shop',
          excludeColumns: ['secret'],
          columnNames: { Notes: 'remarks' },
          columnTypes: { n: 'STRING' },
        },
      ],
    }),
  );
  const orders = { database: 'shop', table: 'orders' };

  it('is the one that the plan would have made', () => {
    expect(decide(orders, column('N', int(4)))).toEqual({
      targetName: 'n',
      targetType: 'STRING',
      onUnrepresentable: 'Fail',
    });
    expect(decide(orders, column('notes', int(4, true)))).toEqual({
      targetName: 'remarks',
      targetType: 'BIGINT',
      onUnrepresentable: 'Fail',
    });
  });

  it('is none for an excluded column', () => {
    expect(decide(orders, column('SECRET', int(4)))).toBeNull();
  });

  it('finds the rule of a table whose name the server folds', () => {
    expect(decide({ database: 'SHOP', table: 'orders' }, column('a', int(1)))?.targetType).toBe('TINYINT');
  });
});
