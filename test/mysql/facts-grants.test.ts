import { readDefault } from '../../operator/mysql/column-default.js';
import { readGrants } from '../../operator/mysql/grants.js';

describe('grants', () => {
  it('of MySQL 5.6 are read without the hash behind them', () => {
    const privileges = readGrants([
      "GRANT RELOAD, REPLICATION SLAVE ON *.* TO 'u'@'%' IDENTIFIED BY PASSWORD '*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4' WITH GRANT OPTION",
    ]);
    expect(privileges).toEqual({ global: ['RELOAD', 'REPLICATION SLAVE', 'GRANT OPTION'], databases: {}, tables: {} });
  });

  it('of MySQL 8 are read with dynamic privileges, and roles are none', () => {
    const privileges = readGrants([
      'GRANT SELECT, RELOAD, LOCK TABLES, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `u`@`%`',
      'GRANT BACKUP_ADMIN,XA_RECOVER_ADMIN ON *.* TO `u`@`%`',
      'GRANT `app read`@`%`,`ON`@`%` TO `u`@`%`',
      'GRANT PROXY ON ``@`` TO `u`@`%` WITH GRANT OPTION',
      'REVOKE SELECT ON `secret`.* FROM `u`@`%`',
    ]);
    expect(privileges).toEqual({
      global: [
        'SELECT',
        'RELOAD',
        'LOCK TABLES',
        'REPLICATION SLAVE',
        'REPLICATION CLIENT',
        'BACKUP_ADMIN',
        'XA_RECOVER_ADMIN',
      ],
      databases: {},
      tables: {},
    });
  });

  it('on names that hold quotes, dots and key words are found', () => {
    const privileges = readGrants([
      'GRANT SELECT ON `a``b`.* TO `u`@`%`',
      'GRANT SELECT ON `shop\\_%`.* TO `u`@`%`',
      'GRANT INSERT (`x`, ` ON ``y` ), SELECT ON `db`.`t ON *.* TO` TO `u`@`%`',
      'GRANT EXECUTE ON PROCEDURE `db`.`p` TO `u`@`%`',
    ]);
    expect(privileges).toEqual({
      global: [],
      databases: { 'a`b': ['SELECT'], 'shop\\_%': ['SELECT'] },
      tables: { 'db.`t ON *.* TO`': ['SELECT'] },
    });
  });

  it('of several lines add up', () => {
    const privileges = readGrants(['GRANT SELECT ON `d`.* TO `u`@`%`', 'GRANT LOCK TABLES, SELECT ON `d`.* TO `role`']);
    expect(privileges.databases).toEqual({ d: ['SELECT', 'LOCK TABLES'] });
  });
});

describe('the default of a column', () => {
  const text = {
    kind: 'text',
    charset: 'utf8mb4',
    bytesMax: 80,
    pads: false,
    collation: 'utf8mb4_general_ci',
  } as const;
  const moment = { kind: 'datetime', fsp: 6 } as const;

  it('stands bare on MySQL, where an expression is marked or is the current moment', () => {
    expect(readDefault("it's", '', text, 'mysql')).toBe("it's");
    expect(readDefault('CURRENT_TIMESTAMP', '', text, 'mysql')).toBe('CURRENT_TIMESTAMP');
    expect(readDefault('CURRENT_TIMESTAMP(6)', '', moment, 'mysql')).toBeNull();
    expect(readDefault('uuid()', 'DEFAULT_GENERATED', text, 'mysql')).toBeNull();
    expect(readDefault(null, '', text, 'mysql')).toBeNull();
  });

  it('is SQL on MariaDB', () => {
    expect(readDefault("'it\\'s'", '', text, 'mariadb')).toBe("it's");
    expect(readDefault("'it''s'", '', text, 'mariadb')).toBe("it's");
    expect(readDefault("'NULL'", '', text, 'mariadb')).toBe('NULL');
    expect(readDefault('NULL', '', text, 'mariadb')).toBeNull();
    expect(readDefault('-1.50', '', text, 'mariadb')).toBe('-1.50');
    expect(readDefault('current_timestamp(6)', '', moment, 'mariadb')).toBeNull();
    expect(readDefault('(1 + 2)', '', text, 'mariadb')).toBeNull();
  });
});
