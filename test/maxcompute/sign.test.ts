import { readFileSync } from 'node:fs';
import { canonicalString, type SignableRequest, signRequest } from '../../operator/maxcompute/sign.js';

interface RecordedRequest {
  readonly client: string;
  readonly step: string;
  readonly method: string;
  readonly endpointPath: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Record<string, string>;
  readonly canonical: string;
  readonly scheme: string;
  readonly authorization: string;
}

const recorded = JSON.parse(readFileSync('test/vectors/signing.json', 'utf8')) as {
  accessKeyId: string;
  accessKeySecret: string;
  requests: RecordedRequest[];
};

function requestOf(given: RecordedRequest): SignableRequest {
  return {
    method: given.method,
    path: decodeURIComponent(given.path.slice(given.endpointPath.length)),
    query: Object.fromEntries(new URLSearchParams(given.query)),
    headers: given.headers,
  };
}

describe('signatures of the official clients', () => {
  // PyODPS decodes twice, which turns a plus into a space; the others are reproduced from what they sent.
  const once = recorded.requests.filter((request) => !request.scheme.includes('twice decoded'));

  it('are all there but the one that is decoded twice', () => {
    expect(once).toHaveLength(recorded.requests.length - 1);
    expect(new Set(once.map((request) => request.scheme))).toEqual(new Set(['v2', 'v4']));
  });

  it.each(
    once.map((request, index) => [`${index} ${request.step}: ${request.method} ${request.path}`, request] as const),
  )('come out equal: %s', (_name, request) => {
    const region = request.scheme === 'v4' ? 'cn-hangzhou' : null;
    expect(canonicalString(requestOf(request))).toBe(request.canonical);
    expect(signRequest(requestOf(request), recorded, region)).toEqual({ authorization: request.authorization });
  });
});

describe('signatures of the protocol notes', () => {
  const credentials = { accessKeyId: 'LTAItestAccessKeyId0', accessKeySecret: 'testSecretAccessKey1234567890ab' };
  const date = 'Tue, 02 Jan 2024 03:04:05 GMT';
  const agent = { date, 'x-odps-user-agent': 'mc-sync/1.0' };
  const tunnel = { ...agent, 'x-odps-tunnel-version': '6', 'odps-tunnel-date-transform': 'v1' };
  const table = '/projects/my_proj/tables/my_table';
  const curr_project = 'my_proj';
  const partition = 'pt=20240102,region=cn';

  it.each<[string, SignableRequest, string]>([
    ['a read', { method: 'GET', path: table, query: { curr_project }, headers: agent }, 'DwRu7CspsLLHDxcUo52Iw+x7Sko='],
    [
      'a statement',
      {
        method: 'POST',
        path: '/projects/my_proj/instances',
        query: { curr_project },
        headers: { ...agent, 'content-type': 'application/xml' },
      },
      '0UNEHklK7fkP4TRX/qG9salVfaI=',
    ],
    [
      'a new session',
      { method: 'POST', path: table, query: { uploads: '1', partition, curr_project }, headers: tunnel },
      '+44qyVviugJduEvFXXGqlvPIcG4=',
    ],
    [
      'a new session with a bare key',
      { method: 'POST', path: table, query: { uploads: '', partition, curr_project }, headers: tunnel },
      'Ebt3BdLHBsd7jj8P3QDDhLBvu7Q=',
    ],
    [
      'a block',
      {
        method: 'PUT',
        path: table,
        query: { blockid: '0', uploadid: '20240102000000aabbccdd', partition, curr_project },
        headers: { ...tunnel, 'content-type': 'application/octet-stream' },
      },
      'm+fJMoLS1xgNC8W5fIRwZZy5vjo=',
    ],
    [
      'a partition of odd characters',
      {
        method: 'PUT',
        path: '/projects/p/tables/t',
        query: { partition: 'pt=a b/c', uploadid: 'u' },
        headers: { date },
      },
      'i0ien+yxG0reyvl7wGWTGpHITu8=',
    ],
  ])('come out equal for %s', (_name, request, signature) => {
    expect(signRequest(request, credentials, null).authorization).toBe(`ODPS LTAItestAccessKeyId0:${signature}`);
  });

  it('come out equal in version 4', () => {
    const request = { method: 'GET', path: table, query: { curr_project }, headers: agent };
    expect(signRequest(request, credentials, 'cn-hangzhou').authorization).toBe(
      'ODPS LTAItestAccessKeyId0/20240102/cn-hangzhou/odps/aliyun_v4_request:MBS6Q/ryYXMVUIAL7bSYO0Ctiqk=',
    );
  });

  it('carry the token of temporary credentials beside the signature', () => {
    const request = { method: 'GET', path: table, query: { curr_project }, headers: agent };
    expect(signRequest(request, { ...credentials, securityToken: 'token' }, null)).toEqual({
      authorization: 'ODPS LTAItestAccessKeyId0:DwRu7CspsLLHDxcUo52Iw+x7Sko=',
      'authorization-sts-token': 'token',
    });
  });
});
