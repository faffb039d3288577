import { findingCatalog } from '../../operator/prepare/finding-codes.js';
import { hasErrors } from '../../operator/prepare/policy.js';
import { prepareTask } from '../../operator/prepare/prepare.js';
import { codes, column, int, mark, prepare, type Situation, source, spec, table, target, text } from './facts.js';

const only = (situation: Situation) => {
  const prepared = prepare(situation);
  const told = prepared.findings.filter(({ code }) => code !== 'TARGET_GRANTS' && code !== 'UNREPRESENTABLE_STOPS');
  return { codes: codes(prepared), fix: told[0]?.fix, seen: told[0]?.seen };
};

/** What is wrong, the findings that tell it, and the fix of the first. */
const cases: [string, Situation, string[], string?][] = [
  ['nothing', {}, []],
  [
    'no binary log',
    { variables: { log_bin: '0' } },
    ['error LOG_BIN_OFF log_bin'],
    '[mysqld]\nlog_bin = mysql-bin\nserver_id = 1\nbinlog_format = ROW\n# in my.cnf; then restart the server',
  ],
  [
    'no binary log, which FullOnly does not read',
    {
      spec: { mode: 'FullOnly' },
      variables: { log_bin: '0', binlog_format: 'MIXED' },
      source: { privileges: { global: ['SELECT'], databases: {}, tables: {} } },
    },
    [],
  ],
  [
    'statement format',
    { variables: { binlog_format: 'MIXED' } },
    ['error BINLOG_FORMAT binlog_format'],
    "SET PERSIST binlog_format = 'ROW';\n-- connections that are open keep the old setting: let them reconnect",
  ],
  ['minimal row image', { variables: { binlog_row_image: 'MINIMAL' } }, ['error BINLOG_ROW_IMAGE binlog_row_image']],
  [
    'JSON differences',
    { variables: { binlog_row_value_options: 'PARTIAL_JSON' } },
    ['error BINLOG_ROW_VALUE_OPTIONS binlog_row_value_options'],
    "SET PERSIST binlog_row_value_options = '';\n-- connections that are open keep the old setting: let them reconnect",
  ],
  [
    'compressed transactions',
    { variables: { binlog_transaction_compression: '1' } },
    ['info BINLOG_COMPRESSED binlog_transaction_compression'],
  ],
  [
    'minimal row metadata',
    { variables: { binlog_row_metadata: 'MINIMAL' } },
    ['info BINLOG_ROW_METADATA binlog_row_metadata'],
  ],
  [
    'binary log kept for an hour',
    { variables: { binlog_expire_logs_seconds: '3600' } },
    ['warning BINLOG_RETENTION binlog_expire_logs_seconds'],
    'SET PERSIST binlog_expire_logs_seconds = 604800;',
  ],
  [
    'RDS',
    { spec: { source: { host: 'rm-1.mysql.rds.aliyuncs.com', credentials: { secretRef: { name: 's' } } } } },
    ['warning BINLOG_RETENTION rm-1.mysql.rds.aliyuncs.com'],
  ],
  ['server id 0', { variables: { server_id: '0' } }, ['error SERVER_ID_ZERO server_id'], 'SET PERSIST server_id = 1;'],
  [
    'our server id is a replica',
    {
      spec: { source: { host: 'h', serverId: 7, credentials: { secretRef: { name: 's' } } } },
      source: { replicaServerIds: [7, 8] },
    },
    ['error SERVER_ID_CLASH spec.source.serverId'],
    'Set spec.source.serverId: 9, or leave it out to get a random one.',
  ],
  [
    'our own stream holds our server id',
    {
      hasCheckpoint: true,
      spec: { source: { host: 'h', serverId: 7, credentials: { secretRef: { name: 's' } } } },
      source: { replicaServerIds: [7] },
    },
    ['info SERVER_ID_CLASH spec.source.serverId'],
  ],
  [
    'a replica that does not log',
    { variables: { read_only: '1', log_replica_updates: '0' } },
    ['error REPLICA_LOG_OFF log_replica_updates'],
  ],
  ['no GTID', { variables: { gtid_mode: 'OFF' } }, ['info GTID_OFF gtid_mode']],
  [
    'old temporal format',
    { variables: { mysql56_temporal_format: '0' } },
    ['info TEMPORAL_FORMAT_OLD mysql56_temporal_format'],
  ],
  [
    'binlog_do_db',
    {
      source: {
        binlog: { position: { file: 'b.1', offset: 4, gtidSet: null }, doDb: ['crm'], ignoreDb: [], files: [] },
      },
    },
    ['error BINLOG_DATABASE_FILTERED shop'],
    '[mysqld]\nbinlog_do_db = shop\n# one more line in my.cnf; then restart the server',
  ],
  [
    'no TLS',
    { source: { tls: { encrypted: false, verified: false, cipher: null } } },
    ['warning TLS_OFF spec.source.tls.mode'],
  ],
  [
    'an unverified server',
    { source: { tls: { encrypted: true, verified: false, cipher: 'x' } } },
    ['warning TLS_NOT_VERIFIED spec.source.tls.mode'],
  ],
  [
    'an address for the whitelist',
    { source: { egressAddress: '192.0.2.7' } },
    ['info EGRESS_ADDRESS 192.0.2.7'],
    'Allow 192.0.2.7/32 to reach port 3306.',
  ],
  [
    'MySQL 5.5',
    {
      source: { identity: { flavor: 'mysql', version: '5.5.62-log', serverUuid: null, serverId: 1, gtidDomain: null } },
    },
    ['warning SERVER_TOO_OLD the server'],
  ],
  [
    'no replication rights',
    {
      source: { account: "o'brien@10.0.0.%", privileges: { global: ['SELECT', 'RELOAD'], databases: {}, tables: {} } },
    },
    ['error PRIVILEGE_MISSING REPLICATION SLAVE', 'error PRIVILEGE_MISSING REPLICATION CLIENT'],
    "GRANT REPLICATION SLAVE ON *.* TO 'o''brien'@'10.0.0.%';",
  ],
  [
    'no right to monitor MariaDB',
    {
      source: {
        identity: { flavor: 'mariadb', version: '10.11.6-MariaDB', serverUuid: null, serverId: 1, gtidDomain: 0 },
        privileges: { global: ['SELECT', 'REPLICATION SLAVE'], databases: {}, tables: {} },
      },
    },
    ['error PRIVILEGE_MISSING BINLOG MONITOR'],
    "GRANT BINLOG MONITOR ON *.* TO 'sync'@'%';",
  ],
  [
    'no SELECT',
    {
      source: {
        tables: [table('my_shop.a'), table('my_shop.b')],
        privileges: {
          global: ['REPLICATION SLAVE', 'REPLICATION CLIENT'],
          databases: { 'my\\_%': ['INSERT'] },
          tables: { 'my_shop.a': ['SELECT'] },
        },
      },
      spec: { objects: [{ database: 'my_shop' }] },
    },
    ['error PRIVILEGE_MISSING SELECT on my_shop'],
    "GRANT SELECT ON `my\\_%`.* TO 'sync'@'%';",
  ],
  [
    'SELECT by a pattern',
    {
      source: {
        privileges: {
          global: ['REPLICATION SLAVE', 'REPLICATION CLIENT'],
          databases: { 'sh%': ['SELECT'] },
          tables: {},
        },
      },
    },
    [],
  ],
  [
    'no key and no lock',
    {
      source: {
        tables: [table('shop.log', { key: null })],
        privileges: { global: ['REPLICATION SLAVE', 'REPLICATION CLIENT', 'SELECT'], databases: {}, tables: {} },
      },
    },
    ['error NO_KEY_NEEDS_LOCK shop.log', 'warning NO_PRIMARY_KEY shop.log'],
    "GRANT LOCK TABLES ON `shop`.* TO 'sync'@'%';",
  ],
  [
    'no key on MariaDB, which needs no lock',
    {
      source: {
        identity: { flavor: 'mariadb', version: '10.11.6-MariaDB', serverUuid: null, serverId: 1, gtidDomain: 0 },
        tables: [table('shop.log', { key: null })],
        privileges: { global: ['REPLICATION SLAVE', 'BINLOG MONITOR', 'SELECT'], databases: {}, tables: {} },
      },
    },
    ['warning NO_PRIMARY_KEY shop.log'],
  ],
  [
    'no key and MyISAM',
    { source: { tables: [table('shop.log', { key: null, engine: 'MyISAM' })] } },
    ['error NO_KEY_NO_VIEW shop.log', 'warning NO_PRIMARY_KEY shop.log'],
    'ALTER TABLE `shop`.`log` ENGINE = InnoDB;',
  ],
  [
    'MyISAM',
    { source: { tables: [table('shop.log', { engine: 'MyISAM' })] } },
    ['warning ENGINE_NOT_TRANSACTIONAL shop.log'],
  ],
  [
    'a key without case',
    { source: { tables: [table('shop.t', { columns: [column('id', text('utf8mb4_general_ci'))] })] } },
    ['warning KEY_CASE_INSENSITIVE shop.t'],
  ],
  [
    'an excluded key',
    {
      spec: { objects: [{ database: 'shop', excludeColumns: ['ID'] }] },
      source: { tables: [table('shop.t', { columns: [column('id', int(4)), column('a', int(4))] })] },
    },
    ['error KEY_COLUMN_EXCLUDED shop.t'],
  ],
  [
    'a cascade',
    {
      source: {
        tables: [
          table('shop.items', {
            foreignKeys: [
              {
                name: 'fk`1',
                columns: ['order_id'],
                references: { database: 'shop', table: 'orders' },
                onDelete: 'CASCADE',
                onUpdate: 'RESTRICT',
              },
            ],
          }),
        ],
      },
    },
    ['error FK_CASCADE shop.items'],
    'ALTER TABLE `shop`.`items` DROP FOREIGN KEY `fk``1`;\n-- or accept it: spec.precheck.ignoreCodes: [FK_CASCADE]',
  ],
  [
    'a cascade that is accepted',
    {
      spec: { precheck: { ignoreCodes: ['FK_CASCADE'] } },
      source: {
        tables: [
          table('shop.items', {
            foreignKeys: [
              {
                name: 'fk',
                columns: ['a'],
                references: { database: 'shop', table: 'orders' },
                onDelete: 'SET NULL',
                onUpdate: 'RESTRICT',
              },
            ],
          }),
        ],
      },
    },
    ['ignored error FK_CASCADE shop.items'],
  ],
  [
    'a cascade that the server logs',
    {
      variables: { innodb_native_foreign_keys: '0' },
      source: {
        tables: [
          table('shop.items', {
            foreignKeys: [
              {
                name: 'fk',
                columns: ['a'],
                references: { database: 'shop', table: 'orders' },
                onDelete: 'CASCADE',
                onUpdate: 'RESTRICT',
              },
            ],
          }),
        ],
      },
    },
    [],
  ],
  [
    'a row filter',
    { spec: { objects: [{ database: 'shop', where: 'id > 100' }] } },
    ['warning WHERE_SNAPSHOT_ONLY spec.objects[0].where'],
  ],
  [
    'generated columns',
    {
      source: {
        tables: [table('shop.t', { columns: [column('id', int(4)), column('b', int(4), { generated: 'virtual' })] })],
      },
    },
    ['info GENERATED_COLUMNS shop.t'],
  ],
  [
    '1,192 columns, five of ours, four partitions',
    {
      source: {
        tables: [
          table('shop.t', {
            columns: Array.from({ length: 1192 }, (_, index) => column(index === 0 ? 'id' : `c${index}`, int(4))),
          }),
        ],
      },
    },
    ['error TOO_MANY_COLUMNS shop.t'],
    'Name 1 or more of its columns in excludeColumns.',
  ],
  [
    'all columns excluded',
    {
      spec: { mode: 'FullOnly', objects: [{ database: 'shop', excludeColumns: ['a'] }] },
      source: { tables: [table('shop.t', { key: null, columns: [column('a', int(4))] })] },
    },
    ['error NO_COLUMNS shop.t', 'warning NO_PRIMARY_KEY shop.t'],
  ],
  [
    'a missing database',
    { spec: { objects: [{ database: 'shop' }, { database: 'shpo' }] } },
    ['error DATABASE_NOT_FOUND shpo'],
    "GRANT SELECT ON `shpo`.* TO 'sync'@'%';",
  ],
  [
    'a missing table',
    { spec: { objects: [{ database: 'shop', tables: ['orders', 'oders'] }] } },
    ['error TABLE_NOT_FOUND shop.oders'],
  ],
  [
    'a pattern without a match',
    { spec: { objects: [{ database: 'shop', tables: ['orders', 'x_*'] }] } },
    ['warning PATTERN_MATCHES_NOTHING spec.objects[0].tables'],
  ],
  [
    'nothing selected',
    { spec: { objects: [{ database: 'shop', excludeTables: ['*'] }] } },
    ['error NOTHING_SELECTED spec.objects'],
  ],
  [
    'a table that cannot be described',
    { source: { undescribed: [{ database: 'shop', table: 'odd', reason: 'column x has type xmltype' }] } },
    ['error TABLE_UNSUPPORTED shop.odd'],
  ],
  [
    'a misspelt column',
    { spec: { objects: [{ database: 'shop', excludeColumns: ['idd'] }] } },
    ['error COLUMN_NOT_FOUND spec.objects[0].excludeColumns'],
  ],
  [
    'names that MaxCompute does not take',
    { source: { tables: [table('shop.Order-Items')] } },
    ['warning NAME_CHANGED shop.Order-Items'],
  ],
  [
    'a name that is too long',
    { spec: { objects: [{ database: 'shop', targetTable: `${'x'.repeat(119)}{table}` }] } },
    ['error TABLE_NAME_TOO_LONG shop.orders'],
  ],
  [
    'two databases that meet',
    {
      spec: { objects: [{ database: 'crm' }, { database: 'shop' }] },
      source: { tables: [table('crm.orders'), table('shop.Orders')] },
    },
    ['error TABLE_NAME_CLASH shop.Orders'],
    'Set targetTable: "{database}_{table}" in spec.objects[1].',
  ],
  [
    'columns that meet',
    {
      source: {
        tables: [table('shop.t', { columns: [column('id', int(4)), column('a b', int(4)), column('a-b', int(4))] })],
      },
    },
    ['error COLUMN_NAME_CLASH shop.t', 'warning NAME_CHANGED shop.t'],
    'Set columnNames: {"a-b": a_b_2} in spec.objects[0].',
  ],
  [
    'a column of ours',
    { source: { tables: [table('shop.t', { columns: [column('id', int(4)), column('Modifytime_Day', int(4))] })] } },
    ['error METADATA_COLUMN_CLASH shop.t'],
    'Set columnNames: {"Modifytime_Day": source_modifytime_day} in spec.objects[0], or spec.changeLog.columnNaming: Prefixed.',
  ],
  [
    'a start in a file that is gone',
    { spec: { mode: 'IncrementalOnly', startPosition: { file: 'binlog.000009', position: 4 } } },
    ['error START_POSITION_MISSING spec.startPosition'],
  ],
  [
    'a start behind the end of its file',
    { spec: { mode: 'IncrementalOnly', startPosition: { file: 'binlog.000001', position: 1001 } } },
    ['error START_POSITION_MISSING spec.startPosition'],
  ],
  [
    'a start within its file',
    { spec: { mode: 'IncrementalOnly', startPosition: { file: 'binlog.000001', position: 1000 } } },
    [],
  ],
  [
    'a column that becomes one of ours',
    { source: { tables: [table('shop.t', { columns: [column('id', int(4)), column('operation flag', int(4))] })] } },
    ['error METADATA_COLUMN_CLASH shop.t', 'warning NAME_CHANGED shop.t'],
    'Set columnNames: {"operation flag": source_operation_flag} in spec.objects[0], or spec.changeLog.columnNaming: Prefixed.',
  ],
  [
    'a column of ours, prefixed',
    {
      spec: { changeLog: { columnNaming: 'Prefixed' } },
      source: { tables: [table('shop.t', { columns: [column('id', int(4)), column('record_id', int(4))] })] },
    },
    [],
  ],
  [
    'an unsuitable type',
    { spec: { objects: [{ database: 'shop', columnTypes: { id: 'DATE' } }] } },
    ['error COLUMN_TYPE_UNSUITABLE shop.orders.id'],
  ],
  [
    'a narrow type',
    { spec: { objects: [{ database: 'shop', columnTypes: { id: 'INT' } }] } },
    ['warning COLUMN_TYPE_NARROW shop.orders.id'],
  ],
  [
    'a lossy type',
    { spec: { objects: [{ database: 'shop', columnTypes: { id: 'DOUBLE' } }] } },
    ['warning LOSSY_TYPE shop.orders'],
    'Nothing, or columnTypes: {"id": STRING} in the rule of the table.',
  ],
  [
    'DATETIME in the profile of DTS',
    {
      spec: { types: { profile: 'Dts' } },
      source: {
        tables: [table('shop.t', { columns: [column('id', int(8)), column('at', { kind: 'datetime', fsp: 6 })] })],
      },
    },
    ['warning LOSSY_TYPE shop.t', 'info DATETIME_ZONE spec.types.timeZone'],
  ],
  [
    'TIME',
    {
      source: {
        tables: [table('shop.t', { columns: [column('id', int(8)), column('at', { kind: 'time', fsp: 0 })] })],
      },
    },
    ['info STORED_AS_TEXT shop.t'],
  ],
  [
    'POINT',
    { source: { tables: [table('shop.t', { columns: [column('id', int(8)), column('at', { kind: 'geometry' })] })] } },
    ['info STORED_AS_BINARY shop.t'],
  ],
  [
    'LONGTEXT',
    {
      source: {
        tables: [table('shop.t', { columns: [column('id', int(8)), column('b', text('utf8mb4_bin', 4294967295))] })],
      },
    },
    ['info VALUE_MAY_EXCEED_8_MIB shop.t'],
  ],
  [
    'minutes for ever',
    { spec: { changeLog: { partitionKeys: ['year', 'month', 'day', 'hour', 'minute'] } } },
    ['warning PARTITION_LIMIT spec.changeLog.partitionKeys'],
  ],
  [
    'minutes for a month',
    { spec: { changeLog: { partitionKeys: ['year', 'month', 'day', 'hour', 'minute'], lifecycleDays: 30 } } },
    ['warning LIFECYCLE_CUTS_HISTORY spec.changeLog.lifecycleDays'],
  ],
  [
    'a gap in the partition keys',
    { spec: { changeLog: { partitionKeys: ['year', 'day'] } } },
    ['warning PARTITION_KEY_GAP spec.changeLog.partitionKeys'],
    'Set changeLog.partitionKeys: [year, month, day].',
  ],
  [
    'a short lifecycle',
    { spec: { changeLog: { lifecycleDays: 2 } } },
    ['error LIFECYCLE_TOO_SHORT spec.changeLog.lifecycleDays'],
  ],
  [
    'a right that is missing',
    { target: { missingRights: [{ right: 'CreateTable', seen: 'ODPS-0130013: no privilege' }] } },
    ['error TARGET_PRIVILEGE_MISSING CreateTable'],
  ],
  [
    'a schema in a two-level project',
    {
      spec: {
        target: { endpoint: 'https://s/api', project: 'p', schema: 'ods', credentials: { secretRef: { name: 'k' } } },
      },
    },
    ['error TARGET_SCHEMA_UNSUPPORTED spec.target.schema'],
  ],
];

describe('the precheck', () => {
  for (const [what, situation, expected, fix] of cases) {
    it(`tells ${what}`, () => {
      const found = only(situation);
      expect(found.codes).toEqual(expected);
      if (fix !== undefined) expect(found.fix).toBe(fix);
    });
  }

  it('lists 15 wrong settings in one answer, errors first', () => {
    const { findings } = prepare({
      variables: {
        log_bin: '0',
        binlog_format: 'STATEMENT',
        binlog_row_image: 'MINIMAL',
        binlog_row_value_options: 'PARTIAL_JSON',
        binlog_expire_logs_seconds: '3600',
        server_id: '0',
        read_only: '1',
        log_replica_updates: '0',
      },
      spec: { objects: [{ database: 'shop' }, { database: 'nope' }], changeLog: { lifecycleDays: 1 } },
      source: {
        tls: { encrypted: false, verified: false, cipher: null },
        privileges: { global: ['SELECT'], databases: {}, tables: {} },
        tables: [
          table('shop.log', { key: null }),
          table('shop.items', {
            foreignKeys: [
              {
                name: 'fk',
                columns: ['a'],
                references: { database: 'shop', table: 'orders' },
                onDelete: 'CASCADE',
                onUpdate: 'CASCADE',
              },
            ],
          }),
        ],
      },
      target: { missingRights: [{ right: 'Upload', seen: 'no privilege' }] },
    });
    const wrong = findings.filter(({ severity }) => severity !== 'info');
    expect(wrong.map(({ severity, code, subject }) => `${severity} ${code} ${subject}`)).toEqual([
      'error PRIVILEGE_MISSING REPLICATION SLAVE',
      'error PRIVILEGE_MISSING REPLICATION CLIENT',
      'error NO_KEY_NEEDS_LOCK shop.log',
      'error LOG_BIN_OFF log_bin',
      'error BINLOG_FORMAT binlog_format',
      'error BINLOG_ROW_IMAGE binlog_row_image',
      'error BINLOG_ROW_VALUE_OPTIONS binlog_row_value_options',
      'error SERVER_ID_ZERO server_id',
      'error REPLICA_LOG_OFF log_replica_updates',
      'error DATABASE_NOT_FOUND nope',
      'error FK_CASCADE shop.items',
      'error LIFECYCLE_TOO_SHORT spec.changeLog.lifecycleDays',
      'error TARGET_PRIVILEGE_MISSING Upload',
      'warning TLS_OFF spec.source.tls.mode',
      'warning BINLOG_RETENTION binlog_expire_logs_seconds',
      'warning NO_PRIMARY_KEY shop.log',
    ]);
    expect(hasErrors(findings)).toBe(true);
  });

  it('says something in every part of every finding, and uses only codes of the catalog', () => {
    for (const [, situation] of cases) {
      for (const finding of prepare(situation).findings) {
        expect(Object.keys(findingCatalog)).toContain(finding.code);
        for (const part of [finding.subject, finding.seen, finding.wanted, finding.fix]) expect(part).not.toBe('');
      }
    }
  });

  it('has a case for every code that a rule of the source or the project can give', () => {
    const seen = new Set(cases.flatMap(([, situation]) => prepare(situation).findings.map(({ code }) => code)));
    const elsewhere = [
      'DATETIME_ZONE_UNKNOWN',
      'TARGET_TABLE_EXISTS',
      'TARGET_TABLE_APPENDED',
      'TARGET_SCHEMA_MISMATCH',
      'TARGET_TABLE_OF_ANOTHER_TASK',
      'TARGET_IS_VIEW',
      'MARKED_WITHOUT_CHECKPOINT',
      'IGNORE_CODE_UNKNOWN',
      'IGNORE_CODE_REFUSED',
      // The server's answer to the filters, in test/pipeline/prepare.
      'WHERE_INVALID',
    ];
    expect(
      Object.keys(findingCatalog)
        .filter((code) => !seen.has(code))
        .sort(),
    ).toEqual(elsewhere.sort());
  });

  it('names the day on which minutes fill a table', () => {
    const { findings } = prepare({
      spec: { changeLog: { partitionKeys: ['year', 'month', 'day', 'hour', 'minute'] } },
    });
    expect(findings[0]?.seen).toContain('has 60000 after 41 days, on 2026-02-11');
  });

  it('tells the failure of an end that could not be asked, and checks the other end all the same', () => {
    const failure = { code: 'SOURCE_UNREACHABLE', seen: 'connection refused', wanted: 'a server', fix: 'Start it.' };
    const { plans, findings } = prepareTask({
      spec: spec(),
      mark,
      hasCheckpoint: false,
      source: { reachable: false, failure },
      target: target({ missingRights: [{ right: 'CreateInstance', seen: 'refused' }] }),
    });
    expect(plans).toEqual([]);
    expect(findings.slice(0, 2)).toEqual([
      { ...failure, severity: 'error', subject: 'mysql.example.com:3306' },
      expect.objectContaining({ code: 'TARGET_PRIVILEGE_MISSING', severity: 'error' }),
    ]);
  });

  it('warns where nobody knows the zone of DATETIME', () => {
    const { findings } = prepareTask({
      spec: spec({ types: { profile: 'Dts' } }),
      mark,
      hasCheckpoint: false,
      source: source({
        tables: [table('shop.t', { columns: [column('id', int(8)), column('at', { kind: 'date' })] })],
      }),
      target: target({ project: { name: 'p', owner: 'o', timeZone: null, isThreeLevel: false } }),
    });
    expect(findings.map(({ code }) => code)).toContain('DATETIME_ZONE_UNKNOWN');
  });

  it('gives the grants that an account needs, without its secret', () => {
    const grants = prepare().findings.find(({ code }) => code === 'TARGET_GRANTS');
    expect(grants?.fix).toBe(
      [
        '-- USER is the RAM user that owns access key LTAItest',
        'USE warehouse;',
        'ADD USER RAM$owner@example.com:USER;',
        'CREATE ROLE mcsync;',
        'GRANT List, CreateTable, CreateInstance ON PROJECT warehouse TO ROLE mcsync;',
        'GRANT mcsync TO RAM$owner@example.com:USER;',
      ].join('\n'),
    );
  });
});
