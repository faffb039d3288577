/** Requests that the official clients signed, as recorded. */
import { readFileSync } from 'node:fs';
import { authenticate } from '../../operator/emulator/auth.js';

interface Recorded {
  client: string;
  step: string;
  method: string;
  endpointPath: string;
  path: string;
  query: string | null;
  headers: Record<string, string>;
  authorization: string;
}

const recorded = JSON.parse(readFileSync(new URL('../vectors/signing.json', import.meta.url), 'utf8')) as {
  accessKeyId: string;
  accessKeySecret: string;
  requests: Recorded[];
};
const key = { id: recorded.accessKeyId, secret: recorded.accessKeySecret };
const signed = (request: Recorded) => ({
  method: request.method,
  path: request.path.slice(request.endpointPath.length),
  query: request.query ?? '',
  headers: { ...request.headers, authorization: request.authorization },
});

test('every request that PyODPS and Java signed, with V2 or V4, is let in', () => {
  for (const request of recorded.requests) expect(() => authenticate(signed(request), key)).not.toThrow();
});

test('another secret, another key id, another path or no signature is refused', () => {
  for (const request of recorded.requests) {
    const refused = { status: 401, code: 'Unauthorized' };
    expect(() => authenticate(signed(request), { ...key, secret: 'other' })).toThrow(expect.objectContaining(refused));
    expect(() => authenticate(signed(request), { ...key, id: 'other' })).toThrow(expect.objectContaining(refused));
    const elsewhere = { ...signed(request), path: `${signed(request).path}x` };
    expect(() => authenticate(elsewhere, key)).toThrow(expect.objectContaining(refused));
    expect(() => authenticate({ ...signed(request), headers: {} }, key)).toThrow(expect.objectContaining(refused));
  }
});
