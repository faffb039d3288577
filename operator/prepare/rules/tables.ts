/** What a selected table must be like for its copy to be true. */
import type { Finding } from '../../model/finding.js';
import { type ForeignKey, type SourceColumn, type SourceTable, tableKey } from '../../model/source-table.js';
import { logMetadataColumnCount } from '../../model/table-plan.js';
import { error, info, warning } from '../finding.js';
import { isExcluded } from '../names.js';
import type { SelectedTable } from '../selection.js';
import { listNames, quoteName, quoteTable } from '../statements.js';
import { isOff, makesBaseline, makesLog, type SourceRuleInput } from './input.js';

/** MaxCompute's limit, partition columns included. */
const columnsMax = 1200;
const enginesWithViews = new Set(['innodb', 'rocksdb', 'tokudb', 'xtradb']);
const changingActions = new Set(['CASCADE', 'SET NULL', 'SET DEFAULT']);

export function tablesHaveKeys({ selected }: SourceRuleInput): Finding[] {
  return selected
    .filter(({ table }) => table.key === null)
    .flatMap(({ table }) =>
      warning('NO_PRIMARY_KEY', tableKey(table), {
        seen: 'no primary key, and no unique key without NULLs',
        wanted: 'a key: without one the table is read in one go, and a merge counts equal rows instead of finding them',
        fix: `ALTER TABLE ${quoteTable(table)} ADD COLUMN ${quoteName(freeName(table))} BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY;`,
      }),
    );
}

export function keysAreCarried({ selected }: SourceRuleInput): Finding[] {
  return selected.flatMap(({ table, rule, ruleIndex }) => {
    const excluded = table.key?.columns.filter((column) => isExcluded(rule, column)) ?? [];
    if (excluded.length === 0) return [];
    return error('KEY_COLUMN_EXCLUDED', tableKey(table), {
      seen: `${listNames(excluded)} of the key is in excludeColumns`,
      wanted: 'all columns of the key: a merge finds rows by them',
      fix: `Remove ${listNames(excluded)} from spec.objects[${ruleIndex}].excludeColumns.`,
    });
  });
}

/** Two spellings are one key for MySQL and two for MaxCompute. */
export function keysTellCaseApart({ selected }: SourceRuleInput): Finding[] {
  return selected.flatMap(({ table }) => {
    const folding = keyColumns(table).filter(({ type }) => type.kind === 'text' && !/_(bin|cs)$/.test(type.collation));
    if (folding.length === 0) return [];
    return warning('KEY_CASE_INSENSITIVE', tableKey(table), {
      seen: `key column ${folding.map((column) => `${column.name} (${collationOf(column)})`).join(', ')} ignores case or accents`,
      wanted:
        'nothing, as long as a key keeps its spelling: MaxCompute compares bytes, so "a" and "A" are two keys there',
      fix: 'Join and compare such columns with lower(...) in MaxCompute, or give them a _bin collation in MySQL.',
    });
  });
}

/** InnoDB changes child rows of a foreign key below the binary log, on all servers but MySQL 9.6 and later. */
export function cascadesAreLogged({ spec, source, selected }: SourceRuleInput): Finding[] {
  if (!makesLog(spec) || isOff(source.variables.innodb_native_foreign_keys)) return [];
  return selected.flatMap(({ table }) =>
    table.foreignKeys.filter(changesRows).flatMap((key) =>
      error('FK_CASCADE', tableKey(table), {
        seen: `foreign key ${key.name} to ${tableKey(key.references)}: ON DELETE ${key.onDelete}, ON UPDATE ${key.onUpdate}`,
        wanted: `a foreign key that changes no rows: what it does to ${tableKey(table)} is not in the binary log, and so never in the change log`,
        fix: `ALTER TABLE ${quoteTable(table)} DROP FOREIGN KEY ${quoteName(key.name)};\n-- or accept it: spec.precheck.ignoreCodes: [FK_CASCADE]`,
      }),
    ),
  );
}

export function enginesAreTransactional({ spec, selected }: SourceRuleInput): Finding[] {
  return selected
    .filter(({ table }) => !enginesWithViews.has(table.engine.toLowerCase()))
    .flatMap(({ table }) => {
      const fix = `ALTER TABLE ${quoteTable(table)} ENGINE = InnoDB;`;
      if (table.key === null && makesBaseline(spec) && makesLog(spec)) {
        return error('NO_KEY_NO_VIEW', tableKey(table), {
          seen: `no key, and engine ${table.engine || 'unknown'}`,
          wanted:
            'a key, or an engine with consistent views: rows that change while they are read could not be told apart',
          fix,
        });
      }
      return warning('ENGINE_NOT_TRANSACTIONAL', tableKey(table), {
        seen: `engine ${table.engine || 'unknown'}`,
        wanted: 'InnoDB: changes of other engines can stand in the table and not in the binary log after a crash',
        fix,
      });
    });
}

export function filtersAreUnderstood({ spec, selected }: SourceRuleInput): Finding[] {
  if (!makesLog(spec)) return [];
  return rulesInUse(selected).flatMap(({ rule, ruleIndex }) =>
    rule.where === undefined
      ? []
      : warning('WHERE_SNAPSHOT_ONLY', `spec.objects[${ruleIndex}].where`, {
          seen: 'a row filter',
          wanted: 'to know that it holds for the snapshot only: the change log gets the changes of all rows',
          fix: 'Filter again when reading the merged table, or leave the filter out.',
        }),
  );
}

export function generatedColumnsAreCarried({ selected }: SourceRuleInput): Finding[] {
  return selected.flatMap(({ table, rule }) => {
    const generated = table.columns.filter((column) => column.generated !== null && !isExcluded(rule, column.name));
    if (generated.length === 0) return [];
    return info('GENERATED_COLUMNS', tableKey(table), {
      seen: `generated columns ${listNames(generated.map(({ name }) => name))}`,
      wanted: 'nothing: their values are copied; MaxCompute does not compute them again',
      fix: 'Name them in excludeColumns where they are not needed.',
    });
  });
}

export function columnsFit({ plans }: SourceRuleInput): Finding[] {
  return plans.flatMap((plan) => {
    const subject = tableKey(plan.source);
    if (plan.columns.length === 0) {
      return error('NO_COLUMNS', subject, {
        seen: 'every column is in excludeColumns',
        wanted: 'one column at least',
        fix: 'Shorten excludeColumns, or take the table out of the task with excludeTables.',
      });
    }
    const count =
      plan.columns.length + (plan.logTable === null ? 0 : logMetadataColumnCount + plan.partitionKeys.length);
    if (count <= columnsMax) return [];
    return error('TOO_MANY_COLUMNS', subject, {
      seen: `${count} columns in ${plan.logTable ?? plan.baseTable}`,
      wanted: `${columnsMax} at most, which is MaxCompute's limit`,
      fix: `Name ${count - columnsMax} or more of its columns in excludeColumns.`,
    });
  });
}

function changesRows(key: ForeignKey): boolean {
  return changingActions.has(key.onDelete.toUpperCase()) || changingActions.has(key.onUpdate.toUpperCase());
}

function keyColumns(table: SourceTable): SourceColumn[] {
  const names = new Set(table.key?.columns);
  return table.columns.filter((column) => names.has(column.name));
}

function collationOf(column: SourceColumn): string {
  return column.type.kind === 'text' ? column.type.collation : '';
}

function freeName(table: SourceTable): string {
  const taken = new Set(table.columns.map(({ name }) => name.toLowerCase()));
  return taken.has('id') ? 'row_id' : 'id';
}

function rulesInUse(selected: readonly SelectedTable[]): SelectedTable[] {
  return [...new Map(selected.map((one) => [one.ruleIndex, one])).values()];
}
