/** The MaxCompute project and what the account may do in it. */
import type { Finding } from '../../model/finding.js';
import { error, info } from '../finding.js';
import { groupBy } from '../group.js';
import type { TargetRuleInput } from './input.js';

const role = 'mcsync';

export function rightsAreGranted(input: TargetRuleInput): Finding[] {
  const { target } = input;
  return [...groupBy(target.missingRights, ({ right }) => right)].flatMap(([right, refusals]) =>
    error('TARGET_PRIVILEGE_MISSING', right, {
      seen: `access key ${target.account} in project ${target.project.name}: ${refusals[0]?.seen}`,
      wanted: purposes[right],
      fix: grantStatements(input).join('\n'),
    }),
  );
}

/** For those who do not have their grants made by code: everything a new account needs, no more. */
export function grantsAreTold(input: TargetRuleInput): Finding[] {
  const { project } = input.target;
  return info('TARGET_GRANTS', project.name, {
    seen: `project ${project.name}, owner ${project.owner}, access key ${input.target.account}`,
    wanted: 'an account that may do what the task needs, and no more; tables that the task makes are its own',
    fix: grantStatements(input).join('\n'),
  });
}

export function schemaIsUsable({ spec, target }: TargetRuleInput): Finding[] {
  if (spec.target.schema === undefined || target.project.isThreeLevel) return [];
  return error('TARGET_SCHEMA_UNSUPPORTED', 'spec.target.schema', {
    seen: `schema ${spec.target.schema}, and project ${target.project.name} has two-level names`,
    wanted: 'a schema in projects with three-level names only',
    fix: 'Remove spec.target.schema, or switch the project to the schema model.',
  });
}

const purposes = {
  CreateInstance: 'CreateInstance on the project, to run SQL',
  CreateTable: 'CreateTable on the project, to make <table>_base and <table>_log',
  Upload: 'Alter and Update on the tables (their owner has both), to upload rows',
  Describe: 'Describe and Select on the tables (their owner has both), to see what is there',
} as const;

/** Console, odpscmd or DataWorks, as the owner of the project or its administrator. */
function grantStatements({ spec, target, plans }: TargetRuleInput): string[] {
  const { name, owner, isThreeLevel } = target.project;
  const ownerName = owner.replace(/^(ALIYUN|RAM)\$/, '').replace(/:.*$/, '') || 'OWNER';
  const user = `RAM$${ownerName}:USER`;
  const schema = spec.target.schema;
  const existing = plans
    .flatMap((plan) => [plan.baseTable, plan.logTable])
    .filter((table) => table !== null && target.tables.has(table));
  return [
    `-- USER is the RAM user that owns access key ${target.account}`,
    `USE ${name};`,
    `ADD USER ${user};`,
    `CREATE ROLE ${role};`,
    `GRANT List, CreateTable, CreateInstance ON PROJECT ${name} TO ROLE ${role};`,
    ...(isThreeLevel && schema !== undefined ? [`GRANT CreateTable ON SCHEMA ${schema} TO ROLE ${role};`] : []),
    ...existing.map((table) => `GRANT Describe, Select, Alter, Update ON TABLE ${table} TO ROLE ${role};`),
    `GRANT ${role} TO ${user};`,
  ];
}
