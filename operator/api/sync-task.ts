/**
 * The SyncTask: the one source of its types, defaults and validation, and of the CustomResourceDefinition.
 * In: what stands in a task file or custom resource. Out: a complete task with every default filled in.
 * Strict: an unknown key is a fault, since a misspelt option that is passed over in silence is a wrong sync.
 * The schema files (this one, quantities, rules and spec-*) import nothing but zod, so that the constructs can use them alone.
 */
import { z } from 'zod';
import { checkRules } from './rules.js';
import { changeLogSchema, objectsSchema, typesSchema } from './spec-objects.js';
import {
  ddlSchema,
  precheckSchema,
  recoverySchema,
  snapshotSchema,
  startPositionSchema,
  streamingSchema,
} from './spec-run.js';
import { sourceSchema } from './spec-source.js';
import { targetSchema } from './spec-target.js';
import { podTemplateSchema, resnapshotSchema, resourcesSchema } from './spec-workload.js';

export const apiVersion = 'mcsync.dev/v1alpha1';
export const taskKind = 'SyncTask';

const specSchema = z.strictObject({
  mode: z
    .enum(['FullAndIncremental', 'FullOnly', 'IncrementalOnly'])
    .default('FullAndIncremental')
    .describe('What to copy: the rows that are there, the changes from now on, or both. Immutable.'),
  suspend: z.boolean().default(false).describe('Stops the data workers and keeps the checkpoint.'),
  source: sourceSchema.describe('The MySQL server.'),
  target: targetSchema.describe('The MaxCompute project.'),
  objects: objectsSchema,
  changeLog: changeLogSchema.prefault({}).describe('Shape of the <table>_log tables.'),
  types: typesSchema.prefault({}).describe('How MySQL types become MaxCompute types.'),
  precheck: precheckSchema.prefault({}).describe('What happens with the findings of the precheck.'),
  snapshot: snapshotSchema.prefault({}).describe('Initial full data synchronization.'),
  streaming: streamingSchema.prefault({}).describe('Incremental data synchronization.'),
  ddl: ddlSchema.prefault({}).describe('Schema changes in the source while the stream runs.'),
  recovery: recoverySchema.prefault({}).describe('What to do when the stream cannot go on.'),
  startPosition: startPositionSchema
    .optional()
    .describe('Where IncrementalOnly starts. Immutable; not looked at once a checkpoint exists.'),
  restartNonce: z.int().optional().describe('Any other number restarts the data workers from the checkpoint.'),
  resnapshot: resnapshotSchema.optional().describe('Asks for a new snapshot.'),
  image: z.string().min(1).max(512).optional().describe("Kubernetes: worker image. Default: the operator's."),
  updatePolicy: z
    .enum(['Automatic', 'OnRestart'])
    .default('Automatic')
    .describe(
      'Kubernetes: when an upgrade of the operator changes the image, restart the pods now or at their next restart.',
    ),
  deletionPolicy: z
    .enum(['Retain', 'DeleteCheckpoint'])
    .default('Retain')
    .describe('Kubernetes: what goes with the task. Target tables are never dropped.'),
  serviceAccountName: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe('Kubernetes: identity of the pods. Default: made per task.'),
  resources: resourcesSchema.prefault({}).describe('Kubernetes: CPU and memory of the pods.'),
  podTemplate: podTemplateSchema.optional().describe('Kubernetes: what is added to every pod, within an allow-list.'),
});

/** Child objects are named after the task with suffixes, inside the 63 characters of a DNS label. */
const metadataSchema = z.strictObject({
  name: z
    .string()
    .max(40)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, {
      error: 'a name of lower-case letters, digits and -, up to 40 characters',
    })
    .describe('Name of the task.'),
  namespace: z
    .string()
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, {
      error: 'a namespace of lower-case letters, digits and -, up to 63 characters',
    })
    .default('default')
    .describe('Namespace of the task.'),
  labels: z.record(z.string(), z.string()).optional().describe('Kubernetes labels.'),
  annotations: z.record(z.string(), z.string()).optional().describe('Kubernetes annotations.'),
});

export const syncTaskSchema = z
  .strictObject({
    apiVersion: z.literal(apiVersion).describe('Version of the schema.'),
    kind: z.literal(taskKind).describe('Kind of the object.'),
    metadata: metadataSchema.describe('Name and namespace.'),
    spec: specSchema.describe('What to copy, from where to where.'),
  })
  .superRefine(checkRules);

export type SyncTask = z.output<typeof syncTaskSchema>;
/** What a person writes: defaults may be left out. */
export type SyncTaskInput = z.input<typeof syncTaskSchema>;
export type SyncTaskSpec = SyncTask['spec'];
export type ObjectRule = SyncTaskSpec['objects'][number];
