/** What the task names must be there: databases, tables, columns. */
import { nearest } from '../../api/near.js';
import type { ObjectRule } from '../../api/sync-task.js';
import type { Finding } from '../../model/finding.js';
import type { ReachableSourceFacts } from '../../model/source-facts.js';
import { type TableName, tableKey } from '../../model/source-table.js';
import { error, warning } from '../finding.js';
import { grantTarget } from '../grants.js';
import { compilePattern, plainName } from '../pattern.js';
import { compileRule, compileRules, isSameName } from '../selection.js';
import { grant } from '../statements.js';
import type { SourceRuleInput } from './input.js';

export function databasesAreThere(input: SourceRuleInput): Finding[] {
  const { spec, source, ignoreCase } = input;
  const seen = [...new Set(everyTable(source).map((table) => table.database))];
  const named = [...new Set(spec.objects.map((rule) => rule.database))];
  return named
    .filter((database) => !seen.some((name) => isSameName(database, name, ignoreCase)))
    .flatMap((database) =>
      error('DATABASE_NOT_FOUND', database, {
        seen: `${source.account} sees no table of a database ${database}`,
        wanted: `a database that is there, and SELECT on it${didYouMean(database, seen)}`,
        fix: grant('SELECT', grantTarget(source.privileges, database), source.account),
      }),
    );
}

export function namedTablesAreThere({ spec, source, ignoreCase }: SourceRuleInput): Finding[] {
  return spec.objects.flatMap((rule, index) => {
    const names = everyTable(source)
      .filter((table) => isSameName(rule.database, table.database, ignoreCase))
      .map(({ table }) => table);
    // Without any table the database itself is the finding.
    if (names.length === 0) return [];
    return rule.tables.flatMap((pattern) => {
      if (names.some(compilePattern(pattern, ignoreCase))) return [];
      const name = plainName(pattern);
      if (name === null) {
        return warning('PATTERN_MATCHES_NOTHING', `spec.objects[${index}].tables`, {
          seen: `no table of ${rule.database} matches ${pattern}`,
          wanted: 'a pattern that matches a table; new tables are taken up by a change of the task only',
          fix: 'Mend the pattern, or remove it.',
        });
      }
      return error('TABLE_NOT_FOUND', tableKey({ database: rule.database, table: name }), {
        seen: `${source.account} sees no table ${tableKey({ database: rule.database, table: name })}`,
        wanted: `a table that is there, and SELECT on it${didYouMean(name, names)}`,
        fix: grant('SELECT', grantTarget(source.privileges, rule.database), source.account),
      });
    });
  });
}

export function selectedTablesAreUnderstood({ spec, source, ignoreCase }: SourceRuleInput): Finding[] {
  const ruleOf = compileRules(spec, ignoreCase);
  return (source.undescribed ?? []).flatMap((table) => {
    const found = ruleOf(table);
    if (found === null) return [];
    return error('TABLE_UNSUPPORTED', tableKey(table), {
      seen: table.reason,
      wanted: 'a table whose every column is understood: an excluded one stands in the row events too',
      fix: `Set excludeTables: [${JSON.stringify(table.table)}] in spec.objects[${found.ruleIndex}], or change the table.`,
    });
  });
}

export function somethingIsSelected({ spec, source, selected, ignoreCase }: SourceRuleInput): Finding[] {
  if (selected.length > 0) return [];
  const databases = spec.objects.map((rule) => rule.database);
  const inThem = everyTable(source).filter(({ database }) =>
    databases.some((name) => isSameName(name, database, ignoreCase)),
  );
  return error('NOTHING_SELECTED', 'spec.objects', {
    seen: `the rules select none of the ${inThem.length} tables of ${[...new Set(databases)].join(', ')} that ${source.account} sees`,
    wanted: 'one table at least',
    fix: 'Write the tables to copy into spec.objects[].tables, by name or pattern; check excludeTables.',
  });
}

export function namedColumnsAreThere({ spec, source, ignoreCase }: SourceRuleInput): Finding[] {
  return spec.objects.flatMap((rule, index) => {
    const tables = source.tables.filter(compileRule(rule, ignoreCase));
    const columns = [...new Set(tables.flatMap((table) => table.columns.map(({ name }) => name)))];
    const folded = new Set(columns.map((name) => name.toLowerCase()));
    if (tables.length === 0) return [];
    return namedColumns(rule)
      .filter(({ column }) => !folded.has(column.toLowerCase()))
      .flatMap(({ option, column }) =>
        error('COLUMN_NOT_FOUND', `spec.objects[${index}].${option}`, {
          seen: `none of the tables of this rule has a column ${column}`,
          wanted: `the name of a source column${didYouMean(column, columns)}`,
          fix: `Mend the name in ${option}, or remove it.`,
        }),
      );
  });
}

/** Those that cannot be copied are there all the same. */
function everyTable(source: ReachableSourceFacts): TableName[] {
  return [...source.tables, ...(source.undescribed ?? [])];
}

function namedColumns(rule: ObjectRule): { option: string; column: string }[] {
  return [
    ...rule.excludeColumns.map((column) => ({ option: 'excludeColumns', column })),
    ...Object.keys(rule.columnNames).map((column) => ({ option: 'columnNames', column })),
    ...Object.keys(rule.columnTypes).map((column) => ({ option: 'columnTypes', column })),
  ];
}

function didYouMean(name: string, candidates: readonly string[]): string {
  const meant = nearest(name, candidates);
  return meant === null ? '' : `; did you mean ${meant}?`;
}
