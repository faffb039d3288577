/**
 * Checks who asks: `Authorization: ODPS id:signature`, V2 and V4 side by side, since PyODPS signs its tunnel calls with V2
 * whatever the service calls use. Written apart from the client's signing, so that a mistake there shows here.
 * The date is part of what is signed and is not compared with the clock: sessions are tested at other times than the client's.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ServiceError } from './service-error.js';

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
}

export interface SignedRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Without the prefix of the endpoint (`/api`), still percent-encoded. */
  readonly path: string;
  /** Without the question mark, as sent. */
  readonly query: string;
}

export function authenticate(request: SignedRequest, key: AccessKey): void {
  const header = request.headers.authorization;
  if (header === undefined) throw unauthorized('the request carries no Authorization header');
  const match = /^ODPS ([^:/\s]+)(?:\/(\d{8})\/([^/\s]+)\/odps\/aliyun_v4_request)?:(\S+)$/.exec(header);
  if (match === null) throw unauthorized('the Authorization header has another form than ODPS id:signature');
  const [, id, date, region, signature] = match as unknown as [string, string, string?, string?, string?];
  if (id !== key.id) throw unauthorized('ODPS-0410051:Invalid credentials - accessKeyId not found');
  const signingKey =
    date === undefined || region === undefined ? Buffer.from(key.secret, 'utf8') : v4Key(key.secret, date, region);
  const given = Buffer.from(signature as string, 'utf8');
  for (const canonical of canonicalStrings(request)) {
    const wanted = Buffer.from(createHmac('sha1', signingKey).update(canonical, 'utf8').digest('base64'), 'utf8');
    if (wanted.length === given.length && timingSafeEqual(wanted, given)) return;
  }
  throw unauthorized('ODPS-0410042:Invalid signature value - User signature does not match');
}

function v4Key(secret: string, date: string, region: string): Buffer {
  const step = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text, 'utf8').digest();
  return step(step(step(step(`aliyun_v4${secret}`, date), region), 'odps'), 'aliyun_v4_request');
}

/** What the client may have signed: values decoded once, or twice as PyODPS does with its own URL. */
function canonicalStrings(request: SignedRequest): string[] {
  const once = queryPairs(request.query).map(([name, value]) => [decode(name), decode(value)] as const);
  const twice = once.map(([name, value]) => [decode(name), decode(value)] as const);
  const path = decodePath(request.path);
  return [canonicalString(request, path, once), canonicalString(request, path, twice)];
}

function canonicalString(request: SignedRequest, path: string, pairs: readonly (readonly [string, string])[]): string {
  const header = (name: string): string => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(',') : (value ?? '');
  };
  const signed = new Map<string, string>();
  for (const name of Object.keys(request.headers)) if (name.startsWith('x-odps-')) signed.set(name, header(name));
  for (const [name, value] of pairs) if (name.startsWith('x-odps-')) signed.set(name, value);
  const byName = (left: readonly [string, string], right: readonly [string, string]): number =>
    left[0] < right[0] ? -1 : left[0] > right[0] ? 1 : 0;
  const headerLines = [...signed].sort(byName).map(([name, value]) => `${name}:${value}`);
  const parameters = [...pairs].sort(byName).map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  const resource = parameters.length === 0 ? path : `${path}?${parameters.join('&')}`;
  return [request.method, header('content-md5'), header('content-type'), header('date'), ...headerLines, resource].join(
    '\n',
  );
}

/** Names and values as sent; PyODPS sends a space as `+`. */
export function queryPairs(query: string): [name: string, value: string][] {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=');
      return equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
    });
}

/** Percent-decodes, `+` as a space; what is not valid stays as it is. */
export function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
      try {
        return decodeURIComponent(run);
      } catch {
        return run;
      }
    });
  }
}

export function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function unauthorized(why: string): ServiceError {
  return new ServiceError(401, 'Unauthorized', why);
}
