/** Names after mapping: what was changed, what is too long, and what meets. */
import type { Finding } from '../../model/finding.js';
import { tableKey } from '../../model/source-table.js';
import { logColumnNames, type TablePlan } from '../../model/table-plan.js';
import { error, warning } from '../finding.js';
import { expandTargetTable, isRenamed, lookUpColumn, nameBytesMax } from '../names.js';
import type { SelectedTable } from '../selection.js';
import type { SourceRuleInput } from './input.js';

export function changedNamesAreTold({ selected, plans }: SourceRuleInput): Finding[] {
  return selected.flatMap(({ table, rule }, index) => {
    const plan = plans[index] as TablePlan;
    const wantedName = expandTargetTable(rule.targetTable, table);
    const changed = plan.columns.flatMap(({ sourceIndex, targetName }) => {
      const name = plan.sourceColumns[sourceIndex]?.name ?? '';
      return isRenamed(lookUpColumn(rule.columnNames, name) ?? name) ? [`column ${name} is ${targetName}`] : [];
    });
    if (isRenamed(wantedName)) changed.unshift(`the table is ${tablesOf(plan).join(' and ')}`);
    if (changed.length === 0) return [];
    return warning('NAME_CHANGED', tableKey(table), {
      seen: `names that MaxCompute does not take; in the target ${changed.join(', ')}`,
      wanted: 'letters, digits and _, starting with a letter',
      fix: 'Nothing, or names of your own: targetTable and columnNames in spec.objects[].',
    });
  });
}

export function tableNamesFit({ selected, plans }: SourceRuleInput): Finding[] {
  return plans.flatMap((plan, index) => {
    const long = tablesOf(plan).filter((name) => name.length > nameBytesMax);
    if (long.length === 0) return [];
    return error('TABLE_NAME_TOO_LONG', tableKey(plan.source), {
      seen: long.map((name) => `target table ${name}, ${name.length} bytes`).join(', '),
      wanted: `${nameBytesMax} bytes at most, _base and _log included`,
      fix: `Set a shorter targetTable in spec.objects[${selected[index]?.ruleIndex}].`,
    });
  });
}

export function tableNamesDiffer({ selected, plans }: SourceRuleInput): Finding[] {
  const owners = new Map<string, TablePlan>();
  const found: Finding[] = [];
  plans.forEach((plan, index) => {
    const clashing = tablesOf(plan).filter((name) => owners.has(name));
    for (const name of tablesOf(plan)) if (!owners.has(name)) owners.set(name, plan);
    const other = owners.get(clashing[0] ?? '');
    if (other) found.push(...tableClash(plan, other, clashing, selected[index] as SelectedTable));
  });
  return found;
}

function tableClash(
  plan: TablePlan,
  other: TablePlan,
  names: readonly string[],
  { rule, ruleIndex }: SelectedTable,
): Finding[] {
  const isOfTwoDatabases = other.source.database !== plan.source.database && rule.targetTable === '{table}';
  return error('TABLE_NAME_CLASH', tableKey(plan.source), {
    seen: `${tableKey(other.source)} and ${tableKey(plan.source)} both become ${names.join(' and ')}`,
    wanted: 'a target name of its own for each table, whatever the case of its letters',
    fix: isOfTwoDatabases
      ? `Set targetTable: "{database}_{table}" in spec.objects[${ruleIndex}].`
      : `Put a rule before spec.objects[${ruleIndex}]: {database: ${JSON.stringify(plan.source.database)}, tables: [${JSON.stringify(plan.source.table)}], targetTable: "${names[0]?.replace(/_(base|log)$/, '')}_2"}`,
  });
}

export function columnNamesDiffer({ selected, plans }: SourceRuleInput): Finding[] {
  return plans.flatMap((plan, index) => {
    const ruleIndex = selected[index]?.ruleIndex;
    const owners = new Map<string, string>();
    return plan.columns.flatMap(({ sourceIndex, targetName }) => {
      const name = plan.sourceColumns[sourceIndex]?.name ?? '';
      const other = owners.get(targetName);
      owners.set(targetName, other ?? name);
      if (other === undefined) return [];
      return error('COLUMN_NAME_CLASH', tableKey(plan.source), {
        seen: `columns ${other} and ${name} both become ${targetName}`,
        wanted: 'a target name of its own for each column',
        fix: `Set columnNames: {${JSON.stringify(name)}: ${targetName}_2} in spec.objects[${ruleIndex}].`,
      });
    });
  });
}

export function metadataColumnsAreFree({ spec, selected, plans }: SourceRuleInput): Finding[] {
  const { partitions, ...metadata } = logColumnNames(spec.changeLog.columnNaming, spec.changeLog.partitionKeys);
  const ours = new Set([...Object.values(metadata), ...partitions]);
  return plans.flatMap((plan, index) => {
    if (plan.logTable === null) return [];
    const clashing = plan.columns.filter(({ targetName }) => ours.has(targetName));
    if (clashing.length === 0) return [];
    const renamed = clashing.map(({ sourceIndex, targetName }) => {
      const name = plan.sourceColumns[sourceIndex]?.name ?? targetName;
      return `${name === targetName ? name : JSON.stringify(name)}: source_${targetName}`;
    });
    const byName = `Set columnNames: {${renamed.join(', ')}} in spec.objects[${selected[index]?.ruleIndex}]`;
    return error('METADATA_COLUMN_CLASH', tableKey(plan.source), {
      seen: `column ${clashing.map(({ targetName }) => targetName).join(', ')}, which mcsync adds to ${plan.logTable}`,
      wanted: 'other names for the columns of the source, or for those of mcsync',
      fix:
        spec.changeLog.columnNaming === 'Legacy'
          ? `${byName}, or spec.changeLog.columnNaming: Prefixed.`
          : `${byName}.`,
    });
  });
}

function tablesOf(plan: TablePlan): string[] {
  return [plan.baseTable, plan.logTable].filter((name) => name !== null);
}
