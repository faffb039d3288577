import { z } from 'zod';
import { durationSchema, sizeSchema } from './quantities.js';

const policies = ['Apply', 'Ignore', 'Keep', 'Pause', 'Fail'] as const;

export const precheckSchema = z.strictObject({
  policy: z
    .enum(['Enforce', 'WarnOnly', 'Skip'])
    .default('Enforce')
    .describe('Enforce: an error stops the task. WarnOnly and Skip: the task starts all the same where it can.'),
  ignoreCodes: z
    .array(z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/, { error: 'a finding code such as FK_CASCADE' }))
    .max(50)
    .default([])
    .describe('Codes of findings whose errors are accepted.'),
  retryInterval: durationSchema('10s', '24h')
    .default('5m')
    .describe('How often the operator tries a failed precheck again without a change of the task.'),
});

export const snapshotSchema = z.strictObject({
  parallelism: z.int().min(1).max(64).default(4).describe('Connections that read at the same time, at most.'),
  chunkRows: z.int().min(100).max(10_000_000).default(100_000).describe('Rows of one chunk of a table, about.'),
  activeDeadline: durationSchema('1m', '720h')
    .optional()
    .describe('Kubernetes: the longest a snapshot Job may run. Default: no limit.'),
});

export const streamingSchema = z.strictObject({
  flushInterval: durationSchema('1s', '1h')
    .default('60s')
    .describe('How often changes are committed to MaxCompute, at most. Full tables are committed earlier.'),
  flushBytes: sizeSchema('1Mi', '1Gi')
    .default('64Mi')
    .describe('Bytes of changes, uncompressed, that are committed without waiting for the interval.'),
  lagThreshold: durationSchema('1s', '168h')
    .default('5m')
    .describe('Lag above which the condition LagWithinThreshold turns False. Nothing stops.'),
});

export const ddlSchema = z.strictObject({
  addColumn: z.enum(policies).default('Apply').describe('A column is added. Apply adds it to both target tables.'),
  dropColumn: z
    .enum(policies)
    .default('Keep')
    .describe('A column is dropped. Keep leaves it in the target. Until that is built, the table stops.'),
  narrow: z
    .enum(policies)
    .default('Pause')
    .describe('A column gets a type that holds less. Pause stops the table before the change.'),
});

/** The one policy of each kind of schema change that is built so far. */
export const supportedDdl = { addColumn: 'Apply', dropColumn: 'Keep', narrow: 'Pause' } as const;

export const recoverySchema = z.strictObject({
  onPositionLost: z
    .enum(['Stop', 'Resnapshot'])
    .default('Stop')
    .describe('What to do when the binary log that the checkpoint needs is gone.'),
  maxRestarts: z
    .int()
    .min(0)
    .max(1000)
    .default(20)
    .describe('Restarts without a move of the checkpoint before the task counts as stalled.'),
});

export const startPositionSchema = z.strictObject({
  latest: z.literal(true).optional().describe('Start at the end of the binary log.'),
  gtidSet: z.string().min(1).max(16384).optional().describe('Executed GTIDs; the stream starts after them.'),
  file: z.string().min(1).max(255).optional().describe('Binary log file; with position.'),
  position: z.int().min(4).optional().describe('Offset in the file; with file.'),
  timestamp: z.iso
    .datetime({ offset: true, error: 'a time with zone such as 2026-01-31T08:00:00Z' })
    .optional()
    .describe('Start at the first event at or after this time.'),
});
