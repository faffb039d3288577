import { z } from 'zod';
import { secretKeySchema, secretNameSchema } from './spec-source.js';

const endpointSchema = z
  .string()
  .max(512)
  .regex(/^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/, {
    error: 'a URL such as https://service.cn-hangzhou.maxcompute.aliyun.com/api',
  });

const identifierSchema = z
  .string()
  .max(128)
  .regex(/^[A-Za-z][A-Za-z0-9_]*$/, { error: 'letters, digits and _, starting with a letter, up to 128 characters' });

export const existingTablesModes = ['Fail', 'Append', 'Truncate', 'Recreate', 'Adopt'] as const;

export const targetSchema = z.strictObject({
  endpoint: endpointSchema.describe('Endpoint of the MaxCompute service API.'),
  tunnelEndpoint: endpointSchema.optional().describe('Endpoint of the tunnel. Default: the service is asked for it.'),
  region: z
    .string()
    .max(64)
    .regex(/^[a-z0-9-]+$/, { error: 'a region id such as cn-hangzhou' })
    .optional()
    .describe('Region id. Where it is set, requests are signed with V4 signatures.'),
  project: identifierSchema.describe('MaxCompute project. Immutable.'),
  schema: identifierSchema.optional().describe('Schema, in projects that have three-level names.'),
  quotaName: z.string().min(1).max(128).optional().describe('Tunnel quota to use. Default: the shared one.'),
  credentials: z
    .strictObject({
      secretRef: z
        .strictObject({
          name: secretNameSchema.describe('Name of the Secret.'),
          accessKeyIdKey: secretKeySchema.default('accessKeyId').describe('Key that holds the access key id.'),
          accessKeySecretKey: secretKeySchema
            .default('accessKeySecret')
            .describe('Key that holds the access key secret.'),
          securityTokenKey: secretKeySchema
            .default('securityToken')
            .describe('Key that holds an STS token; the key may be missing from the Secret.'),
        })
        .optional()
        .describe('The Secret with the access key.'),
      rrsa: z
        .strictObject({
          roleArn: z.string().min(1).max(512).describe('ARN of the RAM role.'),
          oidcProviderArn: z.string().min(1).max(512).describe("ARN of the cluster's OIDC provider."),
        })
        .optional()
        .describe('A RAM role taken through the service account of the pod. Not supported yet.'),
    })
    .describe('The MaxCompute account: exactly one of secretRef and rrsa.'),
  existingTables: z
    .enum(existingTablesModes)
    .default('Fail')
    .describe(
      'What to do with target tables that exist and are not ours. Fail refuses (DTS: Precheck and Intercept). Append compares their columns and adds rows (DTS: Ignore).',
    ),
});
