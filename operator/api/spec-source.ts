import { z } from 'zod';

/** A name of a Secret, and of a key inside one. The value itself never stands in a task. */
export const secretNameSchema = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, {
    error: 'the name of a Secret: lower-case letters, digits, - and ., up to 253 characters',
  });

/** Also a file name below `--secrets`, so it can never be a path. */
export const secretKeySchema = z
  .string()
  .max(253)
  .regex(/^(?!\.{1,2}$)[-._a-zA-Z0-9]+$/, { error: 'the key of a Secret: letters, digits, -, _ and .' });

const tlsSchema = z.strictObject({
  mode: z
    .enum(['Disabled', 'Preferred', 'Required', 'VerifyCA', 'VerifyIdentity'])
    .default('Required')
    .describe(
      "As MySQL's ssl-mode. Required encrypts without checking who answers; VerifyIdentity checks the certificate and the host name.",
    ),
  caSecretRef: z
    .strictObject({
      name: secretNameSchema.describe('Name of the Secret.'),
      key: secretKeySchema.default('ca.crt').describe('Key that holds the certificate authority, PEM.'),
    })
    .optional()
    .describe(
      "Certificate authority that signs the server's certificate. Default: the authorities that Node.js trusts.",
    ),
  clientCertSecretRef: z
    .strictObject({
      name: secretNameSchema.describe('Name of the Secret.'),
      certKey: secretKeySchema.default('tls.crt').describe('Key that holds the certificate, PEM.'),
      keyKey: secretKeySchema.default('tls.key').describe('Key that holds the private key, PEM.'),
    })
    .optional()
    .describe('Client certificate, where the MySQL account demands one.'),
});

export const sourceSchema = z.strictObject({
  host: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[^\s/@]+$/, { error: 'a host name or address, without scheme, port or user' })
    .describe('DNS name or address of the MySQL or MariaDB server.'),
  port: z.int().min(1).max(65535).default(3306).describe('TCP port.'),
  serverId: z
    .int()
    .min(1)
    .max(4294967295)
    .optional()
    .describe('Replica server id. Default: random in 2^31..2^32-1, saved with the first checkpoint.'),
  credentials: z
    .strictObject({
      secretRef: z
        .strictObject({
          name: secretNameSchema.describe('Name of the Secret.'),
          usernameKey: secretKeySchema.default('username').describe('Key that holds the user name.'),
          passwordKey: secretKeySchema.default('password').describe('Key that holds the password.'),
        })
        .describe('The Secret with user name and password.'),
    })
    .describe('The MySQL account.'),
  tls: tlsSchema.prefault({}).describe('Encryption of the connection.'),
});
