import { addColumnsSql, addPartitionSql, createTableSql, dropTableSql } from '../../operator/maxcompute/ddl.js';

describe('DDL', () => {
  it('creates a change log with its comment, partitions and lifecycle, in this order', () => {
    const sql = createTableSql({
      table: 'orders_log',
      columns: [
        { name: 'record_id', type: 'BIGINT' },
        { name: 'select', type: 'DECIMAL(10,2)', comment: "the customer's\nprice \\ net" },
      ],
      partitionColumns: [{ name: 'modifytime_year', type: 'STRING' }],
      comment: 'mcsync:default/shop:7f3a',
      lifecycleDays: 90,
    });
    expect(sql).toBe(
      [
        'CREATE TABLE IF NOT EXISTS `orders_log` (',
        '  `record_id` BIGINT,',
        "  `select` DECIMAL(10,2) COMMENT 'the customer\\'s\\nprice \\\\ net'",
        ')',
        "COMMENT 'mcsync:default/shop:7f3a'",
        'PARTITIONED BY (',
        '  `modifytime_year` STRING',
        ')',
        'LIFECYCLE 90;',
      ].join('\n'),
    );
  });

  it('leaves out what a baseline does not have', () => {
    expect(
      createTableSql({
        table: 'orders_base',
        columns: [{ name: 'id', type: 'BIGINT' }],
        partitionColumns: [],
        comment: '',
        lifecycleDays: null,
      }),
    ).toBe('CREATE TABLE IF NOT EXISTS `orders_base` (\n  `id` BIGINT\n);');
  });

  it('adds columns, and partitions from the form that the tunnel uses', () => {
    expect(addColumnsSql('t', [{ name: 'a', type: 'STRING' }])).toBe('ALTER TABLE `t` ADD COLUMNS (\n  `a` STRING\n);');
    expect(addPartitionSql('t', 'modifytime_year=2026,modifytime_month=01')).toBe(
      "ALTER TABLE `t` ADD IF NOT EXISTS PARTITION (`modifytime_year`='2026', `modifytime_month`='01');",
    );
    expect(dropTableSql('t')).toBe('DROP TABLE IF EXISTS `t`;');
  });

  it('refuses a comment that MaxCompute would cut', () => {
    const spec = { table: 't', columns: [], partitionColumns: [], lifecycleDays: null };
    expect(() => createTableSql({ ...spec, comment: 'é'.repeat(513) })).toThrow('a comment of 1026 bytes');
  });
});
