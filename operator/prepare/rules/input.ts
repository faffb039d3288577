import type { SyncTaskSpec } from '../../api/sync-task.js';
import type { Finding } from '../../model/finding.js';
import type { TargetFacts } from '../../model/ports.js';
import type { ReachableSourceFacts } from '../../model/source-facts.js';
import type { TablePlan } from '../../model/table-plan.js';
import type { TableMark } from '../../model/target-table.js';
import type { SelectedTable } from '../selection.js';

export type ReachableTarget = Extract<TargetFacts, { reachable: true }>;

/** What a rule about the source, its tables and their plans is told. */
export interface SourceRuleInput {
  readonly spec: SyncTaskSpec;
  readonly hasCheckpoint: boolean;
  /** Milliseconds since the epoch; null where forecasts shall not name a day. */
  readonly nowMs: number | null;
  readonly source: ReachableSourceFacts;
  readonly ignoreCase: boolean;
  readonly selected: readonly SelectedTable[];
  /** One for each of `selected`, in its order. */
  readonly plans: readonly TablePlan[];
  /** Null where neither the task nor the project says which zone DATETIME is read in. */
  readonly timeZone: string | null;
}

/** What a rule about the project is told; without an answer of the source there are no plans. */
export interface TargetRuleInput {
  readonly spec: SyncTaskSpec;
  readonly mark: TableMark;
  readonly hasCheckpoint: boolean;
  readonly target: ReachableTarget;
  readonly plans: readonly TablePlan[];
}

export type SourceRule = (input: SourceRuleInput) => Finding[];
export type TargetRule = (input: TargetRuleInput) => Finding[];

export function makesLog(spec: SyncTaskSpec): boolean {
  return spec.mode !== 'FullOnly';
}

export function makesBaseline(spec: SyncTaskSpec): boolean {
  return spec.mode !== 'IncrementalOnly';
}

/** MySQL says `ON` or `1`, depending on how it is asked. */
export function isOn(variable: string | null | undefined): boolean {
  return variable !== null && variable !== undefined && /^(on|1|yes|true)$/i.test(variable);
}

export function isOff(variable: string | null | undefined): boolean {
  return variable !== null && variable !== undefined && /^(off|0|no|false)$/i.test(variable);
}

/** ApsaraDB RDS: settings are changed in its console, not by SET GLOBAL, and the binary log lives its own life. */
export function isRds(spec: SyncTaskSpec): boolean {
  return /\.rds\.aliyuncs\.com$/i.test(spec.source.host);
}

/** How a server variable is set for good on this server; `note` says what else to do, as a comment. */
export function setVariable(input: SourceRuleInput, name: string, value: string, note?: string): string {
  if (isRds(input.spec)) return `In the RDS console, Parameters: ${name} = ${value}`;
  const literal = /^\d+$/.test(value) ? value : `'${value}'`;
  const { flavor, version } = input.source.identity;
  const isPersisted = flavor === 'mysql' && versionNumber(version) >= 8;
  return [
    `SET ${isPersisted ? 'PERSIST' : 'GLOBAL'} ${name} = ${literal};`,
    ...(isPersisted ? [] : [`-- and for the next restart, below [mysqld] in my.cnf: ${name} = ${value}`]),
    ...(note === undefined ? [] : [`-- ${note}`]),
  ].join('\n');
}

/** A setting that takes effect with a restart only. */
export function configure(input: SourceRuleInput, lines: string): string {
  if (isRds(input.spec)) return `In the RDS console, Parameters: ${lines.replaceAll('\n', ', ')}`;
  return `[mysqld]\n${lines}\n# in my.cnf; then restart the server`;
}

/** `5.6.24-log` as a number that compares: 5.006. */
export function versionNumber(version: string): number {
  const [major = '0', minor = '0'] = version.split('.');
  return Number.parseInt(major, 10) + Number.parseInt(minor, 10) / 1000;
}
