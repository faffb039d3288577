import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { syncTaskSchema } from '../../operator/api/sync-task.js';
import { parseTaskFile, taskFaults } from '../../operator/api/task-file.js';

const folder = join(import.meta.dirname, '../../operator/samples');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const samples = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

describe('the samples', () => {
  it.each(samples)('%s is a good task file', (name) => {
    expect(taskFaults(read(name))).toEqual([]);
    expect(parseTaskFile(read(name), name).task.kind).toBe('SyncTask');
  });

  it('show every option there is, save two that exclude or are not built', () => {
    const task = parseTaskFile(read('every-option.yaml'), 'every-option.yaml').task;
    const missing = leaves(syncTaskSchema, '').filter((path) => valueAt(task, path) === undefined);
    expect(missing).toEqual([
      'spec.target.credentials.rrsa.roleArn',
      'spec.target.credentials.rrsa.oidcProviderArn',
      'spec.startPosition.latest',
      'spec.startPosition.gtidSet',
      'spec.startPosition.file',
      'spec.startPosition.position',
      'spec.startPosition.timestamp',
      'spec.resources.prepare.limits',
    ]);
  });

  it('give the Secrets beside the task', () => {
    const { secrets } = parseTaskFile(read('mysql.yaml'), 'mysql.yaml');
    expect([...secrets.keys()]).toEqual(['mysql-account', 'warehouse-key']);
    expect(secrets.get('mysql-account')?.get('username')).toBe('mcsync');
  });
});

describe('the schema', () => {
  it('describes every field', () => {
    expect(undescribed(syncTaskSchema, '')).toEqual([]);
  });
});

interface Definition {
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly shape?: Record<string, z.ZodType>;
}

function unwrap(schema: z.ZodType): Definition {
  const definition = schema.def as Definition;
  return definition.innerType ? unwrap(definition.innerType) : definition;
}

function children(schema: z.ZodType): [string, z.ZodType][] {
  const { shape, element } = unwrap(schema);
  if (shape) return Object.entries(shape);
  return element && unwrap(element).shape ? [['0', element]] : [];
}

function leaves(schema: z.ZodType, path: string): string[] {
  const inner = children(schema);
  return inner.length === 0
    ? [path]
    : inner.flatMap(([key, child]) => leaves(child, path === '' ? key : `${path}.${key}`));
}

function undescribed(schema: z.ZodType, path: string): string[] {
  return children(schema).flatMap(([key, child]) => {
    const own = path === '' ? key : `${path}.${key}`;
    return [...(key === '0' || child.description ? [] : [own]), ...undescribed(child, own)];
  });
}

function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
}
