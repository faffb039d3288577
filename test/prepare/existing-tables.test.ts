import type { TargetTable } from '../../operator/model/ports.js';
import { baseTableSpec, logTableSpec, renderMark, type TableMark } from '../../operator/model/target-table.js';
import { targetTableNames } from '../../operator/prepare/prepare.js';
import { codes, mark, prepare, type Situation, spec, table } from './facts.js';

const plan = prepare().plans[0]!;
const base = baseTableSpec(plan, mark);

function existing(table: Partial<TargetTable>, situation: Situation = {}) {
  const whole: TargetTable = { ...base, comment: '', type: 'MANAGED_TABLE', ...table };
  return prepare({ ...situation, target: { tables: new Map([[whole.table, whole]]) } });
}

function madeBy(owner: Partial<TableMark>, hasCheckpoint: boolean) {
  const found = existing({ comment: `orders, ${renderMark({ ...mark, ...owner })}` }, { hasCheckpoint });
  return codes(found);
}

const append: Situation = {
  spec: {
    target: {
      endpoint: 'https://s/api',
      project: 'p',
      credentials: { secretRef: { name: 'k' } },
      existingTables: 'Append',
    },
  },
};

describe('target tables that are there already', () => {
  it('are refused where nobody marked them', () => {
    expect(codes(existing({}))).toEqual(['error TARGET_TABLE_EXISTS orders_base']);
  });

  it('are ours where the mark and a checkpoint say so', () => {
    expect(madeBy({}, true)).toEqual([]);
  });

  it('are no licence to write where the checkpoint is gone', () => {
    expect(madeBy({}, false)).toEqual(['error MARKED_WITHOUT_CHECKPOINT orders_base']);
  });

  it.each([{ namespace: 'other' }, { name: 'crm' }, { taskId: 'task-2' }])('belong to another task: %j', (owner) => {
    expect(madeBy(owner, true)).toEqual(['error TARGET_TABLE_OF_ANOTHER_TASK orders_base']);
  });

  it('may be views, which take no rows', () => {
    expect(codes(existing({ type: 'VIRTUAL_VIEW' }))).toEqual(['error TARGET_IS_VIEW orders_base']);
  });

  it('take more rows with Append, where their columns are the same', () => {
    expect(codes(existing({}, append))).toEqual(['warning TARGET_TABLE_APPENDED orders_base']);
    const log = logTableSpec(plan, mark);
    const upper = log.columns.map(({ name, type }) => ({ name: name.toUpperCase(), type: type.toLowerCase() }));
    expect(codes(existing({ ...log, comment: '', columns: upper }, append))).toEqual([
      'warning TARGET_TABLE_APPENDED orders_log',
    ]);
  });

  it('are compared column by column with Append', () => {
    const log = logTableSpec(plan, mark);
    const [recordId, operationFlag, ...others] = log.columns;
    const columns = [operationFlag!, recordId!, ...others, { name: 'extra', type: 'STRING' }];
    const { findings } = existing({ ...log, comment: '', columns, partitionColumns: [] }, append);
    expect(findings[0]).toEqual({
      code: 'TARGET_SCHEMA_MISMATCH',
      severity: 'error',
      subject: 'orders_log',
      seen:
        'column 1: operation_flag STRING instead of record_id BIGINT, column 2: record_id BIGINT instead of operation_flag STRING, ' +
        'column 7: extra STRING is one too many, partition column 1: modifytime_year STRING is missing, ' +
        'partition column 2: modifytime_month STRING is missing, partition column 3: modifytime_day STRING is missing, ' +
        'partition column 4: modifytime_hour STRING is missing',
      wanted:
        'the columns record_id BIGINT, operation_flag STRING, utc_timestamp BIGINT, before_flag STRING, after_flag STRING, id BIGINT, ' +
        'partitioned by modifytime_year, modifytime_month, modifytime_day, modifytime_hour',
      fix: 'DROP TABLE orders_log;\n-- or another targetTable in the rule of shop.orders',
    });
  });

  it('are mended by a statement where columns at the end are all that is missing', () => {
    const { findings } = existing({ columns: [] }, append);
    expect(findings[0]?.fix).toBe('ALTER TABLE orders_base ADD COLUMNS (`id` BIGINT);');
  });
});

describe('the names to ask the project for', () => {
  it('are both tables of each selected table', () => {
    const tables = [table('shop.orders'), table('shop.tmp_1'), table('crm.orders')];
    const rules = [
      { database: 'shop', excludeTables: ['tmp_*'] },
      { database: 'crm', targetTable: '{database}_{table}' },
    ];
    expect(targetTableNames(spec({ objects: rules }), tables)).toEqual([
      'orders_base',
      'orders_log',
      'crm_orders_base',
      'crm_orders_log',
    ]);
    expect(targetTableNames(spec({ objects: rules, mode: 'FullOnly' }), tables)).toEqual([
      'orders_base',
      'crm_orders_base',
    ]);
  });

  it('include those that a server without case selects', () => {
    expect(
      targetTableNames(spec({ objects: [{ database: 'Shop', tables: ['Orders'] }] }), [table('shop.orders')]),
    ).toEqual(['orders_base', 'orders_log']);
  });
});
