import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceType } from '../../operator/model/source-table.js';
import type { ColumnPlan, TargetType } from '../../operator/model/table-plan.js';
import { compileTextCell } from '../../operator/mysql/cells/text-cell.js';
import { choosableTypes, isNarrower, lossOf, profileType } from '../../operator/prepare/types.js';
import { column, int, prepare, table, text } from './facts.js';

const decimal = (precision: number, scale: number): SourceType => ({
  kind: 'decimal',
  precision,
  scale,
  unsigned: false,
});
const bytes: SourceType = { kind: 'bytes', bytesMax: 255, fixedBytes: null };

const mappings: [string, SourceType, TargetType, TargetType][] = [
  ['TINYINT', int(1), 'TINYINT', 'BIGINT'],
  ['TINYINT UNSIGNED', int(1, true), 'SMALLINT', 'BIGINT'],
  ['SMALLINT', int(2), 'SMALLINT', 'BIGINT'],
  ['SMALLINT UNSIGNED', int(2, true), 'INT', 'BIGINT'],
  ['MEDIUMINT', int(3), 'INT', 'BIGINT'],
  ['MEDIUMINT UNSIGNED', int(3, true), 'INT', 'BIGINT'],
  ['INT', int(4), 'INT', 'BIGINT'],
  ['INT UNSIGNED', int(4, true), 'BIGINT', 'BIGINT'],
  ['BIGINT', int(8), 'BIGINT', 'BIGINT'],
  ['BIGINT UNSIGNED', int(8, true), 'DECIMAL(20,0)', 'DECIMAL(20,0)'],
  ['DECIMAL(10,2)', decimal(10, 2), 'DECIMAL(10,2)', 'DECIMAL(10,2)'],
  ['DECIMAL(38,18)', decimal(38, 18), 'DECIMAL(38,18)', 'DECIMAL(38,18)'],
  ['DECIMAL(39,0)', decimal(39, 0), 'STRING', 'STRING'],
  ['DECIMAL(30,19)', decimal(30, 19), 'STRING', 'STRING'],
  ['FLOAT', { kind: 'float' }, 'FLOAT', 'DOUBLE'],
  ['DOUBLE', { kind: 'double' }, 'DOUBLE', 'DOUBLE'],
  ['BIT(1)', { kind: 'bit', bits: 1 }, 'BIGINT', 'BIGINT'],
  ['BIT(63)', { kind: 'bit', bits: 63 }, 'BIGINT', 'BIGINT'],
  ['BIT(64)', { kind: 'bit', bits: 64 }, 'DECIMAL(20,0)', 'DECIMAL(20,0)'],
  ['CHAR, VARCHAR, TEXT', text(), 'STRING', 'STRING'],
  ['BINARY, VARBINARY, BLOB', bytes, 'BINARY', 'BINARY'],
  ['DATE', { kind: 'date' }, 'DATE', 'DATETIME'],
  ['DATETIME(f)', { kind: 'datetime', fsp: 6 }, 'TIMESTAMP_NTZ', 'DATETIME'],
  ['TIMESTAMP(f)', { kind: 'timestamp', fsp: 6 }, 'TIMESTAMP', 'DATETIME'],
  ['TIME(f)', { kind: 'time', fsp: 0 }, 'STRING', 'STRING'],
  ['YEAR', { kind: 'year' }, 'INT', 'BIGINT'],
  ['ENUM', { kind: 'enum', labels: ['a'] }, 'STRING', 'STRING'],
  ['SET', { kind: 'set', labels: ['a'] }, 'STRING', 'STRING'],
  ['JSON', { kind: 'json' }, 'STRING', 'STRING'],
  ['GEOMETRY', { kind: 'geometry' }, 'BINARY', 'BINARY'],
  ['VECTOR', { kind: 'vector' }, 'BINARY', 'BINARY'],
  ['INET6', { kind: 'inet6' }, 'STRING', 'STRING'],
  ['UUID', { kind: 'uuid' }, 'STRING', 'STRING'],
];

const dtsTypes = /^(BIGINT|DOUBLE|DECIMAL\(\d+,\d+\)|STRING|DATETIME|BOOLEAN|BINARY)$/;

describe('types', () => {
  it.each(mappings)('%s', (_, source, faithful, dts) => {
    expect(profileType(source, 'Faithful')).toBe(faithful);
    expect(profileType(source, 'Dts')).toBe(dts);
    expect(dts).toMatch(dtsTypes);
  });

  it('are what docs/types.md says', () => {
    const rows = readFileSync(join(import.meta.dirname, '../../docs/types.md'), 'utf8').split('\n');
    const simple = mappings.filter(([name]) => rows.some((row) => row.startsWith(`| ${name} |`)));
    expect(simple.length).toBeGreaterThan(20);
    for (const [name, , faithful, dts] of simple) expect(rows).toContain(`| ${name} | ${faithful} | ${dts} |`);
  });

  it('of the profile Faithful lose nothing, and are among those that may be chosen', () => {
    for (const [, source, faithful, dts] of mappings) {
      expect(lossOf(source, faithful)).toBeNull();
      expect(isNarrower(source, faithful)).toBe(false);
      expect(isNarrower(source, dts)).toBe(false);
      expect(choosableTypes(source)).toContain(faithful.replace(/\(.*/, ''));
      expect(choosableTypes(source)).toContain(dts.replace(/\(.*/, ''));
    }
  });

  it('that may be chosen are those that values can be turned into', () => {
    const context = { table: { database: 'shop', table: 't' }, timeZone: 'UTC', onNulled: () => {} };
    for (const [, type] of mappings) {
      for (const chosen of choosableTypes(type)) {
        const targetType = (chosen === 'DECIMAL' ? 'DECIMAL(38,0)' : chosen) as TargetType;
        const plan: ColumnPlan = { sourceIndex: 0, targetName: 'c', targetType, onUnrepresentable: 'Fail' };
        expect(() => compileTextCell(column('c', type), plan, 0, context)).not.toThrow();
      }
    }
  });

  it.each<[string, SourceType, TargetType, boolean]>([
    ['BIGINT in INT', int(8), 'INT', true],
    ['INT UNSIGNED in INT', int(4, true), 'INT', true],
    ['BIGINT in DECIMAL(18,0)', int(8), 'DECIMAL(18,0)', true],
    ['BIGINT in DECIMAL(19,0)', int(8), 'DECIMAL(19,0)', false],
    ['BIGINT UNSIGNED in DECIMAL(20,0)', int(8, true), 'DECIMAL(20,0)', false],
    ['DECIMAL(10,2) in DECIMAL(10,3)', decimal(10, 2), 'DECIMAL(10,3)', true],
    ['DECIMAL(10,2) in DECIMAL(11,3)', decimal(10, 2), 'DECIMAL(11,3)', false],
    ['DECIMAL(18,0) in BIGINT', decimal(18, 0), 'BIGINT', false],
    ['DECIMAL(19,0) in BIGINT', decimal(19, 0), 'BIGINT', true],
    ['DECIMAL(4,1) in BIGINT', decimal(4, 1), 'BIGINT', true],
    ['TINYINT in BOOLEAN', int(1), 'BOOLEAN', true],
    ['BIT(1) in BOOLEAN', { kind: 'bit', bits: 1 }, 'BOOLEAN', false],
    ['YEAR in SMALLINT', { kind: 'year' }, 'SMALLINT', false],
    ['YEAR in TINYINT', { kind: 'year' }, 'TINYINT', true],
  ])('narrow: %s %j %s is %s', (_, source, target, expected) => {
    expect(isNarrower(source, target)).toBe(expected);
  });

  it.each<[SourceType, TargetType, string | null]>([
    [int(8), 'DOUBLE', 'whole numbers beyond 2^53 become the nearest DOUBLE'],
    [int(4), 'DOUBLE', null],
    [int(4), 'FLOAT', 'whole numbers beyond 2^24 become the nearest FLOAT'],
    [decimal(4, 2), 'DOUBLE', 'decimal digits become the nearest DOUBLE'],
    [{ kind: 'double' }, 'FLOAT', 'digits beyond the 24 bits of a FLOAT are rounded'],
    [{ kind: 'datetime', fsp: 3 }, 'DATETIME', null],
    [{ kind: 'timestamp', fsp: 4 }, 'DATETIME', 'microseconds are cut to milliseconds'],
  ])('lost: %j in %s: %j', (source, target, loss) => {
    expect(lossOf(source, target)).toBe(loss);
  });
});

describe('values that the target cannot hold', () => {
  const columns = [column('id', int(8)), column('d', { kind: 'date' }), column('n', int(4)), column('big', int(8))];
  const planned = (onUnrepresentable: 'Fail' | 'Null' | 'String') =>
    prepare({
      spec: { types: { onUnrepresentable }, objects: [{ database: 'shop', columnTypes: { big: 'BIGINT' } }] },
      source: { tables: [table('shop.t', { columns })] },
    }).plans[0]?.columns.map((each) => `${each.targetName} ${each.targetType} ${each.onUnrepresentable}`);

  it('stop the task by default', () => {
    expect(planned('Fail')).toEqual(['id BIGINT Fail', 'd DATE Fail', 'n INT Fail', 'big BIGINT Fail']);
  });

  it('become NULL where that is asked for', () => {
    expect(planned('Null')).toEqual(['id BIGINT Null', 'd DATE Null', 'n INT Null', 'big BIGINT Null']);
  });

  it('make their columns STRING where that is asked for, unless a type was chosen by hand', () => {
    expect(planned('String')).toEqual(['id STRING Fail', 'd STRING Fail', 'n INT Fail', 'big BIGINT Fail']);
  });
});
