/** What the shape of a task alone cannot say: rules across fields, and options that are named but not built yet. */
import type { z } from 'zod';
import { partitionKeysInOrder } from './spec-objects.js';
import { supportedDdl } from './spec-run.js';

interface Breach {
  readonly path: readonly (string | number)[];
  readonly sentence: string;
}

/** Reads below `spec`. Rules run on tasks with other faults too, so nothing about the shape is sure. */
type Reader = (...path: (string | number)[]) => unknown;
type Rule = (read: Reader) => Breach[];

const rules: readonly Rule[] = [
  existingTablesNotBuilt,
  rrsaNotBuilt,
  oneTargetCredential,
  ddlNotBuilt,
  resnapshotOnLossNotBuilt,
  startPositionFitsMode,
  startPositionIsOne,
  startPositionNotBuilt,
  partitionKeysInTheirOrder,
  caNeedsVerification,
  targetTablePlaceholders,
  columnsSaidTwice,
];

/** Every breach of a task, which may have any other fault; paths begin at the task. */
export function ruleBreaches(task: unknown): Breach[] {
  const read: Reader = (...path) => ['spec', ...path].reduce<unknown>(property, task);
  return rules.flatMap((rule) => rule(read)).map(({ path, sentence }) => ({ path: ['spec', ...path], sentence }));
}

/** The rules as a refinement. zod runs it only on tasks of the right shape. */
export function checkRules(task: unknown, context: z.core.$RefinementCtx): void {
  for (const { path, sentence } of ruleBreaches(task)) {
    context.addIssue({ code: 'custom', path: [...path], message: sentence, params: { rule: true }, input: task });
  }
}

function existingTablesNotBuilt(read: Reader): Breach[] {
  const mode = read('target', 'existingTables');
  if (mode !== 'Truncate' && mode !== 'Recreate' && mode !== 'Adopt') return [];
  const sentence = `${mode} is not supported yet; use Fail, or Append to add rows to tables that exist`;
  return [{ path: ['target', 'existingTables'], sentence }];
}

function rrsaNotBuilt(read: Reader): Breach[] {
  if (read('target', 'credentials', 'rrsa') === undefined) return [];
  const sentence = 'rrsa is not supported yet; use secretRef with an access key';
  return [{ path: ['target', 'credentials', 'rrsa'], sentence }];
}

function oneTargetCredential(read: Reader): Breach[] {
  const credentials = read('target', 'credentials');
  if (!isObject(credentials) || 'secretRef' in credentials !== 'rrsa' in credentials) return [];
  return [{ path: ['target', 'credentials'], sentence: 'exactly one of secretRef and rrsa' }];
}

function ddlNotBuilt(read: Reader): Breach[] {
  return Object.entries(supportedDdl).flatMap(([change, supported]) => {
    const policy = read('ddl', change);
    if (policy === undefined || policy === supported || !isPolicy(policy)) return [];
    return [{ path: ['ddl', change], sentence: `${policy} is not supported yet for ${change}; use ${supported}` }];
  });
}

function resnapshotOnLossNotBuilt(read: Reader): Breach[] {
  if (read('recovery', 'onPositionLost') !== 'Resnapshot') return [];
  const sentence = 'Resnapshot is not supported yet; use Stop, and mcsync resnapshot when it has stopped';
  return [{ path: ['recovery', 'onPositionLost'], sentence }];
}

function startPositionFitsMode(read: Reader): Breach[] {
  const isSet = read('startPosition') !== undefined;
  const mode = read('mode');
  if (mode === 'IncrementalOnly' && !isSet) {
    return [
      { path: ['startPosition'], sentence: 'mode IncrementalOnly needs startPosition, for example {latest: true}' },
    ];
  }
  const isOther = mode === 'FullAndIncremental' || mode === 'FullOnly' || mode === undefined;
  if (!isSet || !isOther) return [];
  return [{ path: ['startPosition'], sentence: 'startPosition goes with mode IncrementalOnly only' }];
}

function startPositionIsOne(read: Reader): Breach[] {
  const start = read('startPosition');
  if (!isObject(start)) return [];
  const named = ['latest', 'gtidSet', 'file', 'timestamp'].filter((key) => start[key] !== undefined);
  const breaches: Breach[] = [];
  const isPositionAlone = start.position !== undefined && start.file === undefined;
  if (named.length !== 1 && !isPositionAlone) {
    breaches.push({
      path: ['startPosition'],
      sentence: 'exactly one of latest, gtidSet, file (with position) and timestamp',
    });
  }
  if ((start.file === undefined) !== (start.position === undefined)) {
    breaches.push({ path: ['startPosition'], sentence: 'file and position go together' });
  }
  return breaches;
}

function startPositionNotBuilt(read: Reader): Breach[] {
  return ['gtidSet', 'timestamp']
    .filter((key) => read('startPosition', key) !== undefined)
    .map((key) => ({
      path: ['startPosition', key],
      sentence: `${key} is not supported yet; use latest: true, or file and position`,
    }));
}

function partitionKeysInTheirOrder(read: Reader): Breach[] {
  const keys = read('changeLog', 'partitionKeys');
  if (!Array.isArray(keys)) return [];
  const ranks = keys.map((key) => (partitionKeysInOrder as readonly unknown[]).indexOf(key));
  if (ranks.includes(-1) || ranks.every((rank, index) => index === 0 || rank > (ranks[index - 1] as number))) return [];
  const sentence = 'each key once, from coarse to fine: year, month, day, hour, minute';
  return [{ path: ['changeLog', 'partitionKeys'], sentence }];
}

function caNeedsVerification(read: Reader): Breach[] {
  const mode = read('source', 'tls', 'mode');
  if (read('source', 'tls', 'caSecretRef') === undefined || (mode !== 'Disabled' && mode !== 'Preferred')) return [];
  const sentence = `caSecretRef is not looked at with mode ${mode}; use VerifyCA or VerifyIdentity`;
  return [{ path: ['source', 'tls', 'caSecretRef'], sentence }];
}

function targetTablePlaceholders(read: Reader): Breach[] {
  return eachObject(read).flatMap((rule, index) => {
    const pattern = rule.targetTable;
    if (typeof pattern !== 'string') return [];
    const leftover = pattern.replaceAll('{database}', '').replaceAll('{table}', '');
    if (!/[{}]/.test(leftover)) return [];
    return [
      {
        path: ['objects', index, 'targetTable'],
        sentence: 'a name pattern; the placeholders are {database} and {table}',
      },
    ];
  });
}

function columnsSaidTwice(read: Reader): Breach[] {
  return eachObject(read).flatMap((rule, index) => {
    const excluded = Array.isArray(rule.excludeColumns) ? rule.excludeColumns : [];
    return (['columnNames', 'columnTypes'] as const).flatMap((map) =>
      Object.keys(isObject(rule[map]) ? rule[map] : {})
        .filter((column) => excluded.includes(column))
        .map((column) => ({
          path: ['objects', index, map, column],
          sentence: `column ${JSON.stringify(column)} is in excludeColumns too; it stands in one of the two`,
        })),
    );
  });
}

function eachObject(read: Reader): Record<string, unknown>[] {
  const objects = read('objects');
  return Array.isArray(objects) ? objects.map((rule) => (isObject(rule) ? rule : {})) : [];
}

function property(value: unknown, key: string | number): unknown {
  return isObject(value) || Array.isArray(value) ? (value as Record<string | number, unknown>)[key] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPolicy(value: unknown): value is string {
  return ['Apply', 'Ignore', 'Keep', 'Pause', 'Fail'].includes(value as string);
}
