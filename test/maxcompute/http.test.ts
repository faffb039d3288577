import type { SyncError } from '../../operator/base/errors.js';
import { type Call, MaxComputeHttp } from '../../operator/maxcompute/http.js';
import type { Credentials } from '../../operator/maxcompute/sign.js';
import { type FakeAnswer, type FakeRequest, type FakeService, startFakeService } from './fake-service.js';
import { manualClock } from './manual-clock.js';

const read: Call = { what: 'read a table', method: 'GET', path: '/projects/p/tables/t', repeat: 'always', table: 't' };
const xmlError = (code: string, message: string): string =>
  `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message><![CDATA[${message}]]></Message><RequestId>R1</RequestId><HostId>h</HostId></Error>`;
const jsonError = (code: string, message = 'said'): string =>
  JSON.stringify({ Code: code, Message: message, RequestId: 'R1' });

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing[Symbol.asyncDispose]();
});

interface Given {
  readonly service: FakeService;
  readonly http: MaxComputeHttp;
  readonly clock: ReturnType<typeof manualClock>;
}

async function given(
  answer: (request: FakeRequest) => FakeAnswer,
  settings: { region?: string; credentials?: () => Credentials; waitMs?: number } = {},
): Promise<Given> {
  const service = await startFakeService(answer);
  const clock = manualClock();
  const http = new MaxComputeHttp(
    {
      endpoint: service.endpoint,
      credentials: settings.credentials ?? (() => ({ accessKeyId: 'ak', accessKeySecret: 'very-secret' })),
      region: settings.region ?? null,
      userAgent: 'mcsync/test',
      timeouts: { connectMs: 1000, answerMs: 5000, patienceMs: 24_000, throttledMs: 60_000 },
      query: { curr_project: 'p' },
      ...(settings.waitMs === undefined ? {} : { patience: { clock, waitMs: settings.waitMs } }),
    },
    clock,
  );
  open.push({ [Symbol.asyncDispose]: () => http.close() }, service);
  return { service, http, clock };
}

function inTurn(...answers: FakeAnswer[]): () => FakeAnswer {
  let next = 0;
  return () => answers[Math.min(next++, answers.length - 1)] as FakeAnswer;
}

async function failureOf(step: Promise<unknown>): Promise<SyncError> {
  try {
    await step;
  } catch (error) {
    return error as SyncError;
  }
  throw new Error('it succeeded');
}

describe('what an answer means', () => {
  it.each<[string, FakeAnswer, string]>([
    [
      'XML NoPermission',
      { status: 403, body: xmlError('NoPermission', 'ODPS-0130013:no') },
      'TARGET_PRIVILEGE_MISSING',
    ],
    ['XML ODPS-0130013', { status: 400, body: xmlError('ODPS-0130013', 'no') }, 'TARGET_PRIVILEGE_MISSING'],
    ['a bad key', { status: 401, body: xmlError('InvalidAccessKeyId', 'no') }, 'TARGET_CREDENTIALS_REJECTED'],
    ['a bad signature', { status: 403, body: xmlError('SignatureNotMatch', 'no') }, 'TARGET_CREDENTIALS_REJECTED'],
    ['403 about a key', { status: 403, body: jsonError('Odd', 'access key is off') }, 'TARGET_CREDENTIALS_REJECTED'],
    ['a wrong clock', { status: 403, body: xmlError('RequestTimeTooSkewed', 'no') }, 'TARGET_CREDENTIALS_REJECTED'],
    ['401 without words', { status: 401, headers: { 'x-odps-request-id': 'R' } }, 'TARGET_CREDENTIALS_REJECTED'],
    ['no such project', { status: 404, body: xmlError('NoSuchProject', 'no') }, 'TARGET_PROJECT_MISSING'],
    [
      'an absent project',
      { status: 404, body: xmlError('NoSuchObject', 'ODPS-0420111: Project not found - p') },
      'TARGET_PROJECT_MISSING',
    ],
    ['JSON NoSuchTable', { status: 404, body: jsonError('NoSuchTable') }, 'TARGET_TABLE_MISSING'],
    ['JSON NoSuchPartition', { status: 404, body: jsonError('NoSuchPartition') }, 'TARGET_TABLE_MISSING'],
    ['JSON NoSuchUpload', { status: 404, body: jsonError('NoSuchUpload') }, 'UPLOAD_SESSION_LOST'],
    ['JSON StatusConflict', { status: 409, body: jsonError('StatusConflict') }, 'TARGET_PROTOCOL'],
    ['a page with 200', { status: 200, body: '<!DOCTYPE html><html>hi</html>' }, 'TARGET_NOT_MAXCOMPUTE'],
    [
      'a page with 404',
      { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>no' },
      'TARGET_NOT_MAXCOMPUTE',
    ],
    ['404 and nothing else', { status: 404 }, 'TARGET_NOT_MAXCOMPUTE'],
    ['a redirect', { status: 302, headers: { location: '/login' } }, 'TARGET_NOT_MAXCOMPUTE'],
  ])('%s', async (_name, answer, code) => {
    const { http, service } = await given(() => answer);
    const error = await failureOf(http.call(read));
    expect(error.code).toBe(code);
    expect(service.requests).toHaveLength(1);
    expect(`${error.seen}${error.fix}`).not.toContain('very-secret');
  });

  it('an answer that is no HTTP comes from a server of another kind', async () => {
    const { http, clock } = await given(() => 'garbage');
    const error = await failureOf(http.call(read));
    expect(error.code).toBe('TARGET_NOT_MAXCOMPUTE');
    expect(error.seen).toMatch(/^an answer that is no HTTP: http/);
    expect(clock.sleptMs).toEqual([]);
  });

  it('keeps the words and the request id of the server, on one line', async () => {
    const { http } = await given(() => ({ status: 400, body: xmlError('ODPS-0130161', 'parse\n  failed') }));
    const error = await failureOf(http.call(read));
    expect(error.seen).toMatch(
      /^HTTP 400 from http:\/\/127.0.0.1:\d+\/api\/projects\/p\/tables\/t, asked to read a table: ODPS-0130161: parse failed \(request R1\)$/,
    );
    expect(error.table).toBe('t');
  });
});

describe('what is tried again', () => {
  it.each<[string, FakeAnswer]>([
    ['500 with XML', { status: 500, body: xmlError('InternalServerError', 'no') }],
    ['503 without a body', { status: 503 }],
    ['504 with a page', { status: 504, headers: { 'content-type': 'text/html' }, body: '<html></html>' }],
    ['408', { status: 408, body: jsonError('Timeout') }],
    ['429', { status: 429, body: jsonError('QPSExceeded') }],
    ['a cut connection', 'cut'],
  ])('%s, after 1 s, then 2 s', async (_name, failure) => {
    const { http, service, clock } = await given(inTurn(failure, failure, { status: 200, body: 'ok' }));
    expect((await http.call(read)).text).toBe('ok');
    expect(service.requests).toHaveLength(3);
    expect(clock.sleptMs).toEqual([1000, 2000]);
  });

  it('waits as long as the server asks', async () => {
    const busy: FakeAnswer = { status: 429, headers: { 'retry-after': '7' }, body: jsonError('FlowExceeded') };
    const { http, clock } = await given(inTurn(busy, { status: 200, body: 'ok' }));
    await http.call(read);
    expect(clock.sleptMs).toEqual([7000]);
  });

  it('waits the time that a tunnel holds its client, at most 10 s', async () => {
    const body = JSON.stringify({ Code: 'SlotExceeded', Message: 'm', HoldClientMillis: 60_000 });
    const { http, clock } = await given(inTurn({ status: 503, body }, { status: 200, body: 'ok' }));
    await http.call(read);
    expect(clock.sleptMs).toEqual([10_000]);
  });

  it('gives up when its patience ends', async () => {
    const { http, clock } = await given(() => ({ status: 503 }));
    expect((await failureOf(http.call(read))).code).toBe('TARGET_UNREACHABLE');
    expect(clock.sleptMs).toEqual([1000, 2000, 4000, 8000]);
  });

  it('is more patient with a server that asks it to slow down', async () => {
    const { http, clock } = await given(() => ({ status: 429, body: jsonError('FlowExceeded') }));
    expect((await failureOf(http.call(read))).code).toBe('TARGET_THROTTLED');
    expect(clock.sleptMs).toEqual([1000, 2000, 4000, 8000, 16_000]);
  });

  it.each<FakeAnswer>(['cut', { status: 500 }, { status: 503 }])(
    'never a commit, and a submission only when it was not seen: %j',
    async (failure) => {
      const { http, service } = await given(() => failure);
      for (const repeat of ['never', 'unsent'] as const) {
        const error = await failureOf(http.call({ ...read, method: 'POST', repeat }));
        expect(error.code).toBe('TARGET_UNREACHABLE');
      }
      expect(service.requests).toHaveLength(2);
    },
  );

  it('a submission that was throttled, or that found no server', async () => {
    const { http, clock } = await given(inTurn({ status: 429, body: jsonError('x') }, { status: 201, body: '' }));
    expect((await http.call({ ...read, method: 'POST', repeat: 'unsent' })).status).toBe(201);
    expect(clock.sleptMs).toEqual([1000]);

    const closed = await given(() => ({ status: 200 }));
    await closed.service[Symbol.asyncDispose]();
    open.splice(-1);
    const error = await failureOf(closed.http.call({ ...read, method: 'POST', repeat: 'unsent' }));
    expect(error.code).toBe('TARGET_UNREACHABLE');
    expect(error.seen).toMatch(/^connection refused \(ECONNREFUSED\): http/);
    expect(closed.clock.sleptMs).toEqual([1000, 2000, 4000, 8000]);
  });
});

describe('a submission that the service puts off (409 with a time to wait)', () => {
  it('is made again then', async () => {
    const later: FakeAnswer = { status: 409, headers: { 'retry-after': '3' }, body: xmlError('Busy', 'later') };
    const { http, clock } = await given(inTurn(later, { status: 201, body: '' }));
    expect((await http.call({ ...read, method: 'POST', repeat: 'unsent' })).status).toBe(201);
    expect(clock.sleptMs).toEqual([3000]);
  });
});

describe('how a request is signed', () => {
  it('takes the key anew for each try, and the time of the clock', async () => {
    const keys = ['old', 'new'];
    const { http, service } = await given(inTurn({ status: 503 }, { status: 200, body: 'ok' }), {
      credentials: () => ({ accessKeyId: keys.shift() as string, accessKeySecret: 's', securityToken: 'token' }),
    });
    await http.call(read);
    const [first, second] = service.requests.map((request) => request.headers);
    expect(first?.authorization).toMatch(/^ODPS old:/);
    expect(second?.authorization).toMatch(/^ODPS new:/);
    expect(first?.date).toBe('Tue, 02 Jan 2024 03:04:05 GMT');
    expect(second?.date).toBe('Tue, 02 Jan 2024 03:04:06 GMT');
    expect(first?.['authorization-sts-token']).toBe('token');
    expect(first?.['x-odps-user-agent']).toBe('mcsync/test');
  });

  it('goes back to version 2 where the endpoint does not know version 4', async () => {
    const { http, service } = await given(
      (request) =>
        request.headers.authorization?.includes('aliyun_v4_request')
          ? { status: 500, body: xmlError('InternalServerError', 'need ak v3 support') }
          : { status: 200, body: 'ok' },
      { region: 'cn-hangzhou' },
    );
    await http.call(read);
    await http.call(read);
    expect(service.requests.map((request) => request.headers.authorization?.startsWith('ODPS ak:'))).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe('a token that has run out', () => {
  /** The file gets the new one `renewedMs` after the beginning; the service takes that one only. */
  async function renewedAfter(renewedMs: number, waitMs: number | undefined): Promise<Given> {
    let now: () => number = () => 0;
    const taken = await given(
      ({ headers }) =>
        headers['authorization-sts-token'] === 'new'
          ? { status: 200, body: 'ok' }
          : { status: 400, body: xmlError('ODPS-0410031', 'ODPS-0410031:Authentication request expired') },
      {
        credentials: () => ({
          accessKeyId: 'ak',
          accessKeySecret: 's',
          securityToken: now() < renewedMs ? 'old' : 'new',
        }),
        ...(waitMs === undefined ? {} : { waitMs }),
      },
    );
    now = () => taken.clock.monotonicMs();
    return taken;
  }

  it('is waited for by a worker, and the next one is tried within a second', async () => {
    const { http, service, clock } = await renewedAfter(40_500, 120_000);
    expect((await http.call(read)).text).toBe('ok');
    expect(clock.monotonicMs()).toBe(41_000);
    expect(service.requests).toHaveLength(3);
  });

  it('goes up when the time is over, and at once without patience', async () => {
    for (const waitMs of [120_000, undefined]) {
      const { http, clock } = await renewedAfter(Infinity, waitMs);
      expect(await failureOf(http.call(read))).toMatchObject({ code: 'TARGET_CREDENTIALS_REJECTED', exitCode: 66 });
      expect(clock.monotonicMs()).toBe(waitMs ?? 0);
    }
  });

  it('leaves a commit alone: who made it asks for its state first', async () => {
    const { http, service } = await renewedAfter(1_000, 120_000);
    const commit: Call = { ...read, method: 'POST', repeat: 'never' };
    expect(await failureOf(http.call(commit))).toMatchObject({ code: 'TARGET_CREDENTIALS_REJECTED' });
    expect(service.requests).toHaveLength(1);
  });

  it('is no reason to give up version 4 of the signatures', async () => {
    const refusal = { status: 401, body: xmlError('Unauthorized', 'ODPS-0410051:Invalid credentials') };
    const { http, service } = await given(inTurn(refusal, refusal, { status: 200, body: 'ok' }), {
      region: 'cn-hangzhou',
    });
    expect(await failureOf(http.call(read))).toMatchObject({ code: 'TARGET_CREDENTIALS_REJECTED' });
    await http.call(read);
    const versions = service.requests.map(({ headers }) => /aliyun_v4_request/.test(headers.authorization ?? ''));
    expect(versions).toEqual([true, false, true]);
  });
});
