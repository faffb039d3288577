/** Every choice of a type that a reader of the target must know of, before the first row moves. */
import type { Finding } from '../../model/finding.js';
import { type SourceColumn, tableKey } from '../../model/source-table.js';
import type { ColumnPlan, TablePlan } from '../../model/table-plan.js';
import { chosenType } from '../columns.js';
import { error, info, warning } from '../finding.js';
import { groupBy } from '../group.js';
import { listNames, quoteName, quoteTable } from '../statements.js';
import { choosableTypes, fieldBytesMax, hasUnrepresentable, isChoosable, isNarrower, lossOf } from '../types.js';
import type { SourceRuleInput } from './input.js';

interface PlannedColumn extends ColumnPlan {
  readonly source: SourceColumn;
}

export function chosenTypesSuit({ selected, plans }: SourceRuleInput): Finding[] {
  return selected.flatMap(({ rule, ruleIndex }, index) =>
    columnsOf(plans[index] as TablePlan).flatMap(({ source, targetType }) => {
      if (chosenType(rule, source.name) === undefined) return [];
      const subject = `${tableKey((plans[index] as TablePlan).source)}.${source.name}`;
      if (!isChoosable(source.type, targetType)) {
        return error('COLUMN_TYPE_UNSUITABLE', subject, {
          seen: `columnTypes makes ${source.typeText} a ${targetType}`,
          wanted: `one of ${choosableTypes(source.type).join(', ')}`,
          fix: `Mend or remove it in spec.objects[${ruleIndex}].columnTypes.`,
        });
      }
      if (!isNarrower(source.type, targetType)) return [];
      return warning('COLUMN_TYPE_NARROW', subject, {
        seen: `columnTypes makes ${source.typeText} a ${targetType}, which holds less`,
        wanted:
          'a type that holds every value: one that does not fit stops the task, or becomes NULL where types.onUnrepresentable says so',
        fix: `Take a wider type in spec.objects[${ruleIndex}].columnTypes, if larger values can come.`,
      });
    }),
  );
}

export function lossesAreTold({ plans }: SourceRuleInput): Finding[] {
  return plans.flatMap((plan) =>
    [...groupBy(columnsOf(plan), ({ source, targetType }) => lossOf(source.type, targetType))].flatMap(
      ([loss, columns]) =>
        loss === null
          ? []
          : warning('LOSSY_TYPE', tableKey(plan.source), {
              seen: `${describe(columns)}: ${loss}`,
              wanted: 'to know it before the first row moves',
              fix: `Nothing, or columnTypes: {${columns.map(({ source }) => `${JSON.stringify(source.name)}: STRING`).join(', ')}} in the rule of the table.`,
            }),
    ),
  );
}

export function textFormsAreTold({ plans }: SourceRuleInput): Finding[] {
  return plans.flatMap((plan) => {
    const columns = columnsOf(plan).filter(({ source, targetType }) => targetType === 'STRING' && isNoText(source));
    if (columns.length === 0) return [];
    return info('STORED_AS_TEXT', tableKey(plan.source), {
      seen: describe(columns),
      wanted: 'to know that these become STRING, in the form that the server shows, with every digit',
      fix: 'Cast them when reading.',
    });
  });
}

export function binaryFormsAreTold({ plans }: SourceRuleInput): Finding[] {
  return plans.flatMap((plan) => {
    const columns = columnsOf(plan).filter(
      ({ source }) => source.type.kind === 'geometry' || source.type.kind === 'vector',
    );
    if (columns.length === 0) return [];
    return info('STORED_AS_BINARY', tableKey(plan.source), {
      seen: describe(columns),
      wanted: 'to know their form: 4 bytes SRID and WKB for spatial values, little-endian FLOATs for vectors',
      fix: 'Name them in excludeColumns where they are not needed.',
    });
  });
}

export function largeValuesAreTold({ spec, plans }: SourceRuleInput): Finding[] {
  return plans.flatMap((plan) => {
    const large = columnsOf(plan).filter(({ source }) => bytesMaxOf(source) > fieldBytesMax);
    if (large.length === 0) return [];
    const isNulled = spec.types.onUnrepresentable === 'Null';
    return (isNulled ? warning : info)('VALUE_MAY_EXCEED_8_MIB', tableKey(plan.source), {
      seen: describe(large),
      wanted: `values of 8 MiB at most, MaxCompute's limit of a field: a larger one ${isNulled ? 'becomes NULL, and is counted' : 'stops the task'}`,
      fix: `SELECT ${large.map(({ source }) => `MAX(LENGTH(${quoteName(source.name)}))`).join(', ')} FROM ${quoteTable(plan.source)};\n-- above 8388608: excludeColumns, or types.onUnrepresentable: Null`,
    });
  });
}

export function refusedValuesAreTold({ spec, plans }: SourceRuleInput): Finding[] {
  if (spec.types.onUnrepresentable !== 'Fail') return [];
  const columns = plans.flatMap((plan) =>
    columnsOf(plan)
      .filter(({ source, targetType }) => hasUnrepresentable(source.type, targetType))
      .map(({ source }) => `${tableKey(plan.source)}.${source.name}`),
  );
  if (columns.length === 0) return [];
  return info('UNREPRESENTABLE_STOPS', 'spec.types.onUnrepresentable', {
    seen: `columns that can hold values which MaxCompute cannot (zero dates, BIGINT -2^63): ${listNames(columns, 5)}`,
    wanted: 'to know that such a value stops the task',
    fix: 'Nothing, or types.onUnrepresentable: Null (counted) or String (such columns become STRING).',
  });
}

export function dateTimeZoneIsKnown({ plans, timeZone }: SourceRuleInput): Finding[] {
  const columns = plans.flatMap((plan) =>
    columnsOf(plan)
      .filter(
        ({ source, targetType }) => isWallClock(source) && (targetType === 'DATETIME' || targetType === 'TIMESTAMP'),
      )
      .map(({ source }) => `${tableKey(plan.source)}.${source.name}`),
  );
  if (columns.length === 0) return [];
  if (timeZone === null) {
    return warning('DATETIME_ZONE_UNKNOWN', 'spec.types.timeZone', {
      seen: `DATE and DATETIME columns become instants, and the project does not tell its time zone: ${listNames(columns, 5)}`,
      wanted: 'a zone to read them in; without one it is UTC',
      fix: 'Set types.timeZone, for example Asia/Shanghai.',
    });
  }
  return info('DATETIME_ZONE', 'spec.types.timeZone', {
    seen: `DATE and DATETIME columns become instants, read in ${timeZone}: ${listNames(columns, 5)}`,
    wanted: 'to know that a wall clock time which the zone skips or repeats cannot be told back exactly',
    fix: 'Nothing, or types.profile: Faithful, or columnTypes with TIMESTAMP_NTZ.',
  });
}

function columnsOf(plan: TablePlan): PlannedColumn[] {
  return plan.columns.map((column) => ({ ...column, source: plan.sourceColumns[column.sourceIndex] as SourceColumn }));
}

function describe(columns: readonly PlannedColumn[]): string {
  return listNames(columns.map(({ source, targetType }) => `${source.name} ${source.typeText} -> ${targetType}`));
}

function isWallClock(column: SourceColumn): boolean {
  return column.type.kind === 'datetime' || column.type.kind === 'date';
}

const textKinds = new Set(['text', 'enum', 'set', 'json', 'inet4', 'inet6', 'uuid', 'bytes']);

function isNoText(column: SourceColumn): boolean {
  return !textKinds.has(column.type.kind);
}

function bytesMaxOf(column: SourceColumn): number {
  return column.type.kind === 'text' || column.type.kind === 'bytes' ? column.type.bytesMax : 0;
}
