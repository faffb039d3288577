import { z } from 'zod';

const typePattern =
  /^(TINYINT|SMALLINT|INT|BIGINT|FLOAT|DOUBLE|BOOLEAN|STRING|BINARY|DATE|DATETIME|TIMESTAMP|TIMESTAMP_NTZ|JSON|DECIMAL\(([1-9]|[12]\d|3[0-8]),([0-9]|1[0-8])\))$/;

/** MaxCompute types that `columnTypes` may name, for messages. */
export const columnTypeNames = [
  'TINYINT',
  'SMALLINT',
  'INT',
  'BIGINT',
  'FLOAT',
  'DOUBLE',
  'DECIMAL(p,s)',
  'BOOLEAN',
  'STRING',
  'BINARY',
  'DATE',
  'DATETIME',
  'TIMESTAMP',
  'TIMESTAMP_NTZ',
  'JSON',
] as const;

const sourceNameSchema = z.string().min(1).max(64);
const patternsSchema = z.array(z.string().min(1).max(200)).max(1000);

export const objectSchema = z.strictObject({
  database: sourceNameSchema.describe('Source database, by its exact name.'),
  tables: patternsSchema
    .min(1)
    .default(['*'])
    .describe(
      'Table names or shell patterns (*, ?, [abc], [!abc]; \\ before a character takes it as it is). Default: all.',
    ),
  excludeTables: patternsSchema
    .default([])
    .describe('Names or patterns of tables that this rule leaves to later rules.'),
  targetTable: z
    .string()
    .min(1)
    .max(200)
    .default('{table}')
    .describe('Pattern of the target name, with {database} and {table}; _base and _log are added to it.'),
  excludeColumns: z.array(sourceNameSchema).max(1200).default([]).describe('Source columns that are not carried over.'),
  columnNames: z
    .record(
      sourceNameSchema,
      z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,127}$/, {
        error: 'a MaxCompute column name: letters, digits and _, starting with a letter, up to 128 characters',
      }),
    )
    .default({})
    .describe('Names of columns in the target, by source name.'),
  columnTypes: z
    .record(
      sourceNameSchema,
      z.string().regex(typePattern, {
        error: `a MaxCompute type: ${columnTypeNames.join(', ')} with p from 1 to 38 and s from 0 to 18 (inside { } in quotes, for its comma)`,
      }),
    )
    .default({})
    .describe('MaxCompute types of columns, by source name, where the profile shall not decide.'),
  where: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe("Row filter of the snapshot, in the source's SQL. The change log is not filtered."),
});

export const objectsSchema = z
  .array(objectSchema)
  .min(1)
  .max(500)
  .describe('What to copy: rules in order, the first one that matches a table wins.');

export const partitionKeysInOrder = ['year', 'month', 'day', 'hour', 'minute'] as const;

export const changeLogSchema = z.strictObject({
  partitionKeys: z
    .array(z.enum(partitionKeysInOrder))
    .min(1)
    .max(5)
    .default(['year', 'month', 'day', 'hour'])
    .describe('Partition columns of the change log (modifytime_*), from coarse to fine.'),
  columnNaming: z
    .enum(['Legacy', 'Prefixed'])
    .default('Legacy')
    .describe('Legacy: record_id, operation_flag, ... Prefixed: new_dts_sync_ before each of them.'),
  lifecycleDays: z
    .int()
    .min(1)
    .max(37231)
    .optional()
    .describe('Days after which MaxCompute drops a partition of the change log. Default: never.'),
});

export const typesSchema = z.strictObject({
  profile: z
    .enum(['Faithful', 'Dts'])
    .default('Faithful')
    .describe('Faithful keeps every value exactly. Dts uses only the types that DTS uses.'),
  onUnrepresentable: z
    // Without quotes, YAML takes the word Null for nothing; what else could be meant here?
    .preprocess((word) => (word === null ? 'Null' : word), z.enum(['Fail', 'Null', 'String']))
    .default('Fail')
    .describe(
      'Values that the target type cannot hold (zero dates, BIGINT -2^63, over 8 MiB): stop, write NULL and count, or make such columns STRING.',
    ),
  timeZone: z
    .string()
    .min(1)
    .max(64)
    .refine(isTimeZone, { error: 'an IANA time zone such as Asia/Shanghai or UTC' })
    .optional()
    .describe('Zone that reads MySQL DATETIME into MaxCompute DATETIME. Default: the time zone of the project.'),
});

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone.length > 0;
  } catch {
    return false;
  }
}
