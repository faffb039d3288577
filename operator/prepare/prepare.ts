/**
 * Decides what a task means on this source and this project. Pure.
 * In: the task, and what the two ends answered. Out: a plan per selected table, and every finding at once.
 * It asks nobody and changes nothing: the caller asks the source, then the project about `targetTableNames`.
 * Plans of tables that findings speak against are given all the same; whether to use them is for `hasErrors` to say.
 */
import type { SyncTaskSpec } from '../api/sync-task.js';
import type { Finding } from '../model/finding.js';
import type { TargetFacts, WorkerFailure } from '../model/ports.js';
import type { ReachableSourceFacts, SourceFacts } from '../model/source-facts.js';
import type { SourceTable } from '../model/source-table.js';
import type { TablePlan } from '../model/table-plan.js';
import type { TableMark } from '../model/target-table.js';
import { decideColumn } from './columns.js';
import { isExcluded, targetTables } from './names.js';
import { applyPolicy } from './policy.js';
import * as binaryLog from './rules/binary-log.js';
import * as changeLog from './rules/change-log.js';
import * as columnTypes from './rules/column-types.js';
import * as connection from './rules/connection.js';
import * as existence from './rules/existence.js';
import * as existingTables from './rules/existing-tables.js';
import type { SourceRule, TargetRule } from './rules/input.js';
import * as privileges from './rules/privileges.js';
import * as project from './rules/project.js';
import * as serverIdentity from './rules/server-identity.js';
import * as tables from './rules/tables.js';
import * as targetNames from './rules/target-names.js';
import { compileRule, ignoresCase, type SelectedTable, selectTables } from './selection.js';

export interface PrepareInput {
  readonly spec: SyncTaskSpec;
  readonly mark: TableMark;
  readonly hasCheckpoint: boolean;
  readonly source: SourceFacts;
  readonly target: TargetFacts;
  /** Lets forecasts name a day. */
  readonly nowMs?: number;
}

export interface Prepared {
  /** One per selected table, in the order of the server. */
  readonly plans: TablePlan[];
  /** Errors first; those that the task accepts are marked as ignored. */
  readonly findings: Finding[];
}

const sourceRules: readonly SourceRule[] = [
  connection.serverIsRecent,
  connection.connectionIsEncrypted,
  connection.serverIsVerified,
  connection.egressAddressIsKnown,
  privileges.mayReplicate,
  privileges.mayAskPosition,
  privileges.mayReadTables,
  privileges.mayLockTablesWithoutKey,
  binaryLog.logIsOn,
  binaryLog.formatIsRow,
  binaryLog.rowImageIsFull,
  binaryLog.jsonIsLoggedWhole,
  binaryLog.compressionIsRead,
  binaryLog.rowMetadataIsFull,
  binaryLog.logIsKept,
  binaryLog.databasesAreLogged,
  binaryLog.startIsInLog,
  binaryLog.temporalFormatIsNew,
  serverIdentity.serverIdIsSet,
  serverIdentity.serverIdIsOurs,
  serverIdentity.replicaLogsWhatItReplicates,
  serverIdentity.failoverCanBeFollowed,
  existence.databasesAreThere,
  existence.namedTablesAreThere,
  existence.selectedTablesAreUnderstood,
  existence.somethingIsSelected,
  existence.namedColumnsAreThere,
  tables.tablesHaveKeys,
  tables.keysAreCarried,
  tables.keysTellCaseApart,
  tables.cascadesAreLogged,
  tables.enginesAreTransactional,
  tables.filtersAreUnderstood,
  tables.generatedColumnsAreCarried,
  tables.columnsFit,
  targetNames.changedNamesAreTold,
  targetNames.tableNamesFit,
  targetNames.tableNamesDiffer,
  targetNames.columnNamesDiffer,
  targetNames.metadataColumnsAreFree,
  columnTypes.chosenTypesSuit,
  columnTypes.lossesAreTold,
  columnTypes.textFormsAreTold,
  columnTypes.binaryFormsAreTold,
  columnTypes.largeValuesAreTold,
  columnTypes.refusedValuesAreTold,
  columnTypes.dateTimeZoneIsKnown,
  changeLog.partitionsLast,
  changeLog.partitionKeysHaveNoGap,
  changeLog.lifecycleIsLongEnough,
];

const targetRules: readonly TargetRule[] = [
  project.rightsAreGranted,
  project.schemaIsUsable,
  existingTables.existingTablesAreOurs,
  project.grantsAreTold,
];

export function prepareTask(input: PrepareInput): Prepared {
  const { spec, mark, hasCheckpoint, source, target } = input;
  const timeZone = spec.types.timeZone ?? (target.reachable ? target.project.timeZone : null);
  const selected = source.reachable ? select(spec, source) : [];
  const plans = selected.map((one) => planTable(spec, one, timeZone ?? 'UTC'));
  const nowMs = input.nowMs ?? null;
  const findings = [
    ...(source.reachable
      ? runRules(sourceRules, {
          spec,
          hasCheckpoint,
          nowMs,
          source,
          ignoreCase: ignoresCase(source.variables.lower_case_table_names),
          selected,
          plans,
          timeZone,
        })
      : [failureFinding(source.failure, `${spec.source.host}:${spec.source.port}`)]),
    ...(target.reachable
      ? runRules(targetRules, { spec, mark, hasCheckpoint, target, plans })
      : [failureFinding(target.failure, `${spec.target.endpoint} project ${spec.target.project}`)]),
  ];
  return { plans, findings: applyPolicy(findings, spec.precheck) };
}

/**
 * Names of the target tables to ask the project about. May hold names that no plan has in the end, where rules differ
 * in case only.
 */
export function targetTableNames(spec: SyncTaskSpec, sourceTables: readonly SourceTable[]): string[] {
  const rules = spec.objects.map((rule) => ({ rule, matches: compileRule(rule, true) }));
  const names = sourceTables.flatMap((table) =>
    rules
      .filter(({ matches }) => matches(table))
      .flatMap(({ rule }) => Object.values(targetTables(spec.mode, rule, table)))
      .filter((name): name is string => name !== null),
  );
  return [...new Set(names)];
}

function select(spec: SyncTaskSpec, source: ReachableSourceFacts): SelectedTable[] {
  return selectTables(spec, source.tables, ignoresCase(source.variables.lower_case_table_names));
}

function planTable(spec: SyncTaskSpec, { table, rule }: SelectedTable, timeZone: string): TablePlan {
  const { base, log } = targetTables(spec.mode, rule, table);
  return {
    source: { database: table.database, table: table.table },
    schemaVersion: 1,
    sourceColumns: table.columns,
    columns: table.columns.flatMap((column, sourceIndex) =>
      isExcluded(rule, column.name) ? [] : [{ sourceIndex, ...decideColumn(spec, rule, column) }],
    ),
    key: table.key?.columns ?? null,
    ...(table.key === null ? {} : { keyName: table.key.name }),
    baseTable: base,
    logTable: log,
    partitionKeys: spec.changeLog.partitionKeys,
    columnNaming: spec.changeLog.columnNaming,
    lifecycleDays: spec.changeLog.lifecycleDays ?? null,
    where: rule.where ?? null,
    timeZone,
    addedColumns: [],
  };
}

function runRules<Input>(rules: readonly ((input: Input) => Finding[])[], input: Input): Finding[] {
  return rules.flatMap((rule) => rule(input));
}

/** An end that could not be asked is one finding, in the words of the failure. */
function failureFinding({ code, seen, wanted, fix }: WorkerFailure, subject: string): Finding {
  return { code, severity: 'error', subject, seen, wanted, fix };
}
