import { z } from 'zod';

const textMapSchema = z.record(z.string(), z.string());
const openObjectSchema = z.record(z.string(), z.unknown());

const requirementsSchema = z.strictObject({
  requests: z
    .record(z.string(), z.union([z.string(), z.number()]))
    .optional()
    .describe('Kubernetes resource requests.'),
  limits: z
    .record(z.string(), z.union([z.string(), z.number()]))
    .optional()
    .describe('Kubernetes resource limits.'),
});

export const resourcesSchema = z.strictObject({
  prepare: requirementsSchema.optional().describe('Resources of the precheck pod.'),
  snapshot: requirementsSchema.optional().describe('Resources of each snapshot pod.'),
  stream: requirementsSchema.optional().describe('Resources of the streaming pod.'),
});

/** An allow-list: what is not here would let a task run as someone else, or somewhere it should not. */
export const podTemplateSchema = z.strictObject({
  metadata: z
    .strictObject({
      labels: textMapSchema.optional().describe('Labels.'),
      annotations: textMapSchema.optional().describe('Annotations.'),
    })
    .optional()
    .describe('Added to the metadata of every pod of the task.'),
  spec: z
    .strictObject({
      nodeSelector: textMapSchema.optional().describe('As in a Pod.'),
      tolerations: z.array(openObjectSchema).max(50).optional().describe('As in a Pod.'),
      affinity: openObjectSchema.optional().describe('As in a Pod.'),
      topologySpreadConstraints: z.array(openObjectSchema).max(10).optional().describe('As in a Pod.'),
      priorityClassName: z.string().max(253).optional().describe('As in a Pod.'),
      imagePullSecrets: z.array(openObjectSchema).max(10).optional().describe('As in a Pod.'),
      hostAliases: z.array(openObjectSchema).max(50).optional().describe('As in a Pod.'),
      dnsConfig: openObjectSchema.optional().describe('As in a Pod.'),
    })
    .optional()
    .describe('Added to the specification of every pod of the task.'),
});

export const resnapshotSchema = z.strictObject({
  nonce: z.int().describe('A change of this number starts the snapshot.'),
  tables: z
    .array(z.string().min(1).max(200))
    .max(1000)
    .default([])
    .describe('Source tables as database.table; none means all.'),
});
