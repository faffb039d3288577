/**
 * Signatures of MaxCompute requests, version 2 and 4. Both sign the same canonical string; they differ in the key.
 * Rules are those on which PyODPS, the Java and the Go client agree. No secret leaves this file.
 */
import { createHmac } from 'node:crypto';

export interface Credentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Of temporary credentials (STS). */
  readonly securityToken?: string;
}

export interface SignableRequest {
  readonly method: string;
  /** Percent-decoded, without the endpoint's own prefix (`/api`). */
  readonly path: string;
  /** Decoded; an empty value and a bare key are the same. */
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case; `date` must be among them. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Headers that authorize the request. With a region the signature is version 4. */
export function signRequest(
  request: SignableRequest,
  credentials: Credentials,
  region: string | null,
): Record<string, string> {
  const canonical = canonicalString(request);
  const authorization =
    region === null
      ? signV2(canonical, credentials)
      : signV4(canonical, credentials, region, request.headers.date ?? '');
  return credentials.securityToken === undefined
    ? { authorization }
    : { authorization, 'authorization-sts-token': credentials.securityToken };
}

export function canonicalString(request: SignableRequest): string {
  const { method, path, query, headers } = request;
  // Parameters whose name starts with x-odps- are signed among the headers, and among the parameters too.
  const odpsValues = Object.entries({ ...query, ...headers })
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => name.startsWith('x-odps-'))
    .sort(byName)
    .map(([name, value]) => `${name}:${value}`);
  const parameters = Object.entries(query)
    .sort(byName)
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  return [
    method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    headers.date ?? '',
    ...odpsValues,
    parameters.length > 0 ? `${path}?${parameters.join('&')}` : path,
  ].join('\n');
}

function signV2(canonical: string, { accessKeyId, accessKeySecret }: Credentials): string {
  return `ODPS ${accessKeyId}:${createHmac('sha1', accessKeySecret).update(canonical).digest('base64')}`;
}

/** The key is derived for a day and a region with SHA-256; the last step, the signature itself, is SHA-1. */
function signV4(canonical: string, credentials: Credentials, region: string, date: string): string {
  const day = new Date(date).toISOString().slice(0, 10).replaceAll('-', '');
  let key: string | Buffer = `aliyun_v4${credentials.accessKeySecret}`;
  for (const part of [day, region, 'odps', 'aliyun_v4_request']) key = createHmac('sha256', key).update(part).digest();
  const signature = createHmac('sha1', key).update(canonical).digest('base64');
  return `ODPS ${credentials.accessKeyId}/${day}/${region}/odps/aliyun_v4_request:${signature}`;
}

/** By code units, as the clients sort. */
function byName(a: readonly [string, string], b: readonly [string, string]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
