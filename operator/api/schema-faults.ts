/** Says in a person's words what a zod schema finds wrong: what was seen, what is allowed, and what was probably meant. */
import { z } from 'zod';
import { nearest } from './near.js';
import { ruleBreaches } from './rules.js';
import { syncTaskSchema } from './sync-task.js';
import type { Path } from './yaml-places.js';

export interface SchemaFault {
  readonly path: Path;
  readonly sentence: string;
}

type Issue = z.core.$ZodIssue;

/** All faults of a value that should be a SyncTask. */
export function schemaFaults(value: unknown): SchemaFault[] {
  const issues = syncTaskSchema.safeParse(value).error?.issues ?? [];
  const shapeIssues = issues.filter((issue) => issue.code !== 'custom' || issue.params?.rule !== true);
  return [...shapeIssues.flatMap((issue) => readIssue(issue, value)), ...ruleBreaches(value)];
}

function readIssue(issue: Issue, task: unknown): SchemaFault[] {
  const path = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], sentence: unknownKey(key, path) }));
  }
  return [{ path, sentence: sentenceOf(issue, path, valueAt(task, path)) }];
}

function sentenceOf(issue: Issue, path: Path, value: unknown): string {
  const wanted = wantedBy(issue, path, value);
  if (value === undefined) return `missing; wanted: ${wanted}`;
  const isMisspelt = issue.code === 'invalid_value' && issue.values.length > 1 && typeof value === 'string';
  const meant = isMisspelt ? nearest(value, issue.values.map(String)) : null;
  return `seen ${describeValue(value, path)}; ${meant === null ? '' : `did you mean ${meant}? `}wanted: ${wanted}`;
}

function wantedBy(issue: Issue, path: Path, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type': {
      if (!issue.message.startsWith('Invalid input')) return issue.message;
      const isUnquoted = issue.expected === 'string' && (typeof value === 'number' || typeof value === 'boolean');
      return `${typeWords[issue.expected] ?? issue.expected}${isUnquoted ? '; put it in quotes' : ''}`;
    }
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.join(', ')}`;
    case 'too_small':
      return rangeAt(path) ?? bound(issue.origin, 'at least', issue.minimum);
    case 'too_big':
      return rangeAt(path) ?? bound(issue.origin, 'at most', issue.maximum);
    case 'invalid_union':
      return 'a text or a number';
    default:
      return issue.message;
  }
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
};

function bound(origin: string, words: string, limit: number | bigint): string {
  const unit = origin === 'string' ? ' characters' : origin === 'array' || origin === 'set' ? ' items' : '';
  return `${words} ${limit}${limit === 1 && unit ? unit.slice(0, -1) : unit}`;
}

/** Both ends of a number with two, so that the next guess is a good one. */
function rangeAt(path: Path): string | null {
  const schema = schemaAt(path);
  if (!(schema instanceof z.ZodNumber) || schema.minValue === null || schema.maxValue === null) return null;
  return schema.maxValue < Number.MAX_SAFE_INTEGER
    ? `a whole number from ${schema.minValue} to ${schema.maxValue}`
    : null;
}

function unknownKey(key: string, parent: Path): string {
  const allowed = Object.keys(shapeOf(schemaAt(parent)) ?? {});
  const meant = nearest(key, allowed);
  const home = meant === null ? homeOf(key) : null;
  const hint = meant !== null ? `did you mean ${meant}? ` : home !== null ? `it belongs to ${home}. ` : '';
  return `unknown key; ${hint}Allowed: ${allowed.join(', ')}`;
}

/** Values below `credentials` may be secrets that were put in the wrong place. */
function describeValue(value: unknown, path: Path): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (path.includes('credentials')) return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
  if (typeof value !== 'string') return String(value);
  const shown = value.replace(/\/\/[^/]*@/, '//***@');
  return JSON.stringify(shown.length > 60 ? `${shown.slice(0, 57)}...` : shown);
}

/** Where a key that is not allowed here would be, if there is exactly one such place. */
function homeOf(key: string): string | null {
  const homes: string[] = [];
  const visit = (schema: z.ZodType | null, path: string): void => {
    const inner = unwrap(schema);
    const shape = shapeOf(inner);
    const item = elementOf(inner);
    if (item) visit(item, `${path}[]`);
    for (const [name, child] of Object.entries(shape ?? {})) {
      if (name === key) homes.push(path);
      visit(child, path === '' ? name : `${path}.${name}`);
    }
  };
  visit(syncTaskSchema, '');
  return homes.length === 1 ? (homes[0] as string) : null;
}

function schemaAt(path: Path): z.ZodType | null {
  return path.reduce<z.ZodType | null>((schema, key) => {
    const inner = unwrap(schema);
    const shape = shapeOf(inner);
    if (shape) return unwrap(shape[key] ?? null);
    return unwrap(elementOf(inner));
  }, syncTaskSchema);
}

interface Definition {
  readonly innerType?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
}

function unwrap(schema: z.ZodType | null): z.ZodType | null {
  const inner = schema ? (schema.def as Definition).innerType : undefined;
  return inner ? unwrap(inner) : schema;
}

function shapeOf(schema: z.ZodType | null): Readonly<Record<string, z.ZodType>> | null {
  return (schema && (schema.def as Definition).shape) ?? null;
}

function elementOf(schema: z.ZodType | null): z.ZodType | null {
  const definition = schema ? (schema.def as Definition) : null;
  return definition?.element ?? definition?.valueType ?? null;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner as Record<string | number, unknown> | null | undefined)?.[key],
    value,
  );
}
