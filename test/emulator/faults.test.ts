/** Each fault of the emulator over the wire: what a client sees, and what is in the table afterwards. */
import { connect } from 'node:net';
import type { Effect, RequestKind } from '../../operator/emulator/faults/fault.js';
import { type Bench, block, startBench } from './raw-client.js';

const types = ['bigint'];
const rowsOf = (...ids: number[]): Uint8Array =>
  block(
    types,
    ids.map((id) => [BigInt(id)]),
  );
let bench: Bench;
let messages: string[] = [];

beforeAll(async () => {
  bench = await startBench({ log: (line) => messages.push(line) });
  await bench.sql('create table t (id bigint)');
});
afterAll(() => bench.close());
beforeEach(async () => {
  messages = [];
  await bench.sql('truncate table t');
});
afterEach(() => {
  const unhit = bench.faults.list().filter((fault) => fault.hits === 0);
  bench.faults.remove();
  expect(unhit).toEqual([]);
});

const fault = (on: RequestKind, effect: Effect, more: object = {}): string[] =>
  bench.faults.add({ on, do: effect, ...more });
const ids = async (): Promise<number[]> =>
  (await bench.rows('select id from t order by id limit 99')).map(([id]) => Number(id));
const state = async (id: string): Promise<{ status: string; blocks: Record<string, number> }> => {
  const answer = await bench.send('GET', '/projects/proj/tables/t', { uploadid: id });
  if (answer.status !== 200) return { status: JSON.parse(answer.text).Code, blocks: {} };
  const body = JSON.parse(answer.text);
  const blocks = body.UploadedBlockList.map((one: { BlockID: number; RecordCount: number }) => [
    one.BlockID,
    one.RecordCount,
  ]);
  return { status: body.Status, blocks: Object.fromEntries(blocks) };
};
/** A session with one block of one row. */
const filled = async (id = 1): Promise<string> => {
  const session = await bench.open('t');
  expect((await bench.put('t', session, 0, rowsOf(id))).status).toBe(200);
  return session;
};
const codeOf = (answer: { text: string }): string => JSON.parse(answer.text).Code;
/** No answer comes while the connection stays open: seen after the next request has been answered. */
const isSilent = async (request: Promise<unknown>): Promise<boolean> => {
  let isSettled = false;
  const settled = (): void => {
    isSettled = true;
  };
  request.then(settled, settled);
  await bench.send('GET', '/api/projects/proj/tables/t');
  return !isSettled;
};

describe('an answer that was asked for', () => {
  it('stands in place of the work: 429 with Retry-After, 500, 503, in the form of each end', async () => {
    const session = await filled();
    fault('commit', { answer: { status: 429, retryAfter: 7 } });
    const throttled = await bench.commit('t', session);
    expect([throttled.status, codeOf(throttled), throttled.headers.get('retry-after')]).toEqual([
      429,
      'FlowExceeded',
      '7',
    ]);
    fault('commit', { answer: { status: 500 } });
    expect(codeOf(await bench.commit('t', session))).toBe('InternalServerError');
    fault('table', { answer: { status: 503, code: 'Busy', message: 'Later.' } });
    const service = await bench.send('GET', '/api/projects/proj/tables/t');
    expect([service.status, service.text]).toEqual([
      503,
      expect.stringContaining('<Code>Busy</Code><Message>Later.</Message>'),
    ]);
    expect(await state(session)).toEqual({ status: 'normal', blocks: { 0: 1 } });
    expect(await ids()).toEqual([]);
  });

  it('is the page of a gateway with html', async () => {
    fault('createUpload', { answer: { status: 502, html: true } });
    const answer = await bench.send('POST', '/projects/proj/tables/t', { uploads: '' });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([502, 'text/html']);
    expect(answer.text).toContain('<h1>502 Bad Gateway</h1>');
  });

  it('hides that the commit was carried out, with when: after', async () => {
    const session = await filled();
    fault('commit', { answer: { status: 503, when: 'after' } });
    expect((await bench.commit('t', session)).status).toBe(503);
    expect((await state(session)).status).toBe('closed');
    expect(await ids()).toEqual([1]);
  });
});

describe('a connection that is reset', () => {
  it('before: nothing was done; after: all of it, and only the answer is lost', async () => {
    const session = await filled();
    fault('commit', { reset: 'before' });
    await expect(bench.commit('t', session)).rejects.toThrow();
    expect((await state(session)).status).toBe('normal');
    fault('commit', { reset: 'after' });
    await expect(bench.commit('t', session)).rejects.toThrow();
    expect((await state(session)).status).toBe('closed');
    expect(await ids()).toEqual([1]);
  });

  it('at a byte of the body leaves no block behind', async () => {
    const session = await bench.open('t');
    const large = rowsOf(...Array.from({ length: 100_000 }, (_, id) => id));
    fault('putBlock', { reset: { requestByte: 70_000 } });
    await expect(bench.put('t', session, 0, large)).rejects.toThrow();
    expect(await state(session)).toEqual({ status: 'normal', blocks: {} });
  });

  it.each([0, 20, 400])('at byte %d of the answer: the work is done, so much of the answer came', async (bytes) => {
    const session = await filled();
    fault('commit', { reset: { answerByte: bytes } });
    const received = await rawCommit(session);
    expect(received.length).toBe(bytes);
    if (bytes > 20) expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Content-Length: \d+\r\n\r\n\{/s);
    expect(await ids()).toEqual([1]);
  });
});

describe('a connection that is slow or silent', () => {
  it('slow: body and answer come at the given speed, and are whole', async () => {
    const session = await bench.open('t');
    fault('putBlock', { slow: { delayMs: 1, bytesPerSecond: 100_000 } });
    fault('reload', { slow: { bytesPerSecond: 20_000 } });
    expect((await bench.put('t', session, 0, rowsOf(1, 2, 3))).status).toBe(200);
    expect(await state(session)).toEqual({ status: 'normal', blocks: { 0: 3 } });
    await bench.commit('t', session);
    expect(await ids()).toEqual([1, 2, 3]);
  });

  it('half open: the request is taken and never answered, carried out or not', async () => {
    const [before, after] = [await filled(1), await filled(2)];
    fault('commit', { halfOpen: 'before' });
    const first = bench.commit('t', before);
    expect(await isSilent(first)).toBe(true);
    fault('commit', { halfOpen: 'after' });
    const second = bench.commit('t', after);
    while ((await state(after)).status !== 'closed');
    expect(await isSilent(second)).toBe(true);
    expect((await state(before)).status).toBe('normal');
    expect(await ids()).toEqual([2]);
  });
});

describe('a session that ends', () => {
  it.each([
    ['expired', 'expired', 409],
    ['canceled', 'canceled', 409],
    ['forgotten', 'NoSuchUpload', 404],
  ] as const)('%s: takes no block and no commit', async (how, told, status) => {
    const session = await filled();
    fault('reload', { session: how });
    expect((await state(session)).status).toBe(told);
    expect((await bench.put('t', session, 1, rowsOf(2))).status).toBe(status);
    expect((await bench.commit('t', session)).status).toBe(status);
    expect(await ids()).toEqual([]);
  });

  it('after its commit keeps its rows', async () => {
    const session = await filled();
    await bench.commit('t', session);
    fault('reload', { session: 'forgotten' });
    expect((await state(session)).status).toBe('NoSuchUpload');
    expect(await ids()).toEqual([1]);
  });
});

describe('blocks', () => {
  it('are told wrongly, for one answer, and are as they were', async () => {
    const session = await filled();
    await bench.put('t', session, 1, rowsOf(2, 3));
    fault('reload', { blockList: { omit: [0] } });
    fault('reload', { blockList: { add: [{ id: 9, rows: 4 }] } });
    fault('reload', { blockList: { moreRows: 2 } });
    expect((await state(session)).blocks).toEqual({ 1: 2 });
    expect((await state(session)).blocks).toEqual({ 0: 1, 1: 2, 9: 4 });
    expect((await state(session)).blocks).toEqual({ 0: 3, 1: 4 });
    expect((await state(session)).blocks).toEqual({ 0: 1, 1: 2 });
    await bench.commit('t', session);
    expect(await ids()).toEqual([1, 2, 3]);
  });

  it('are acknowledged and not kept', async () => {
    const session = await filled();
    fault('putBlock', { loseBlock: true });
    expect((await bench.put('t', session, 1, rowsOf(2))).status).toBe(200);
    expect((await state(session)).blocks).toEqual({ 0: 1 });
    await bench.commit('t', session);
    expect(await ids()).toEqual([1]);
  });

  it('land late after an answer, over a newer block of the same id', async () => {
    const session = await bench.open('t');
    fault('putBlock', { late: { lands: { afterRequest: 2 }, answer: { status: 500 } } });
    expect((await bench.put('t', session, 0, rowsOf(1, 2))).status).toBe(500);
    expect((await bench.put('t', session, 0, rowsOf(3))).status).toBe(200);
    expect((await state(session)).blocks).toEqual({ 0: 1 });
    expect((await state(session)).blocks).toEqual({ 0: 2 });
    await bench.commit('t', session);
    expect(await ids()).toEqual([1, 2]);
  });

  it('land late after the client has given up waiting, and never into a session that is closed', async () => {
    const session = await filled();
    fault('putBlock', { late: { lands: { beforeRequest: 1 }, answer: 'none' } });
    const silent = bench.put('t', session, 1, rowsOf(2));
    while (bench.faults.sessions().find(({ id }) => id === session)?.late !== 1) await isSilent(silent);
    expect(await isSilent(silent)).toBe(true);
    expect((await state(session)).blocks).toEqual({ 0: 1, 1: 1 });
    fault('putBlock', { late: { lands: { afterRequest: 2 }, answer: 'success' } }, {});
    expect((await bench.put('t', session, 2, rowsOf(3))).status).toBe(200);
    expect((await bench.commit('t', session)).status).toBe(200);
    expect(await state(session)).toEqual({ status: 'closed', blocks: { 0: 1, 1: 1 } });
    expect(await state(session)).toEqual({ status: 'closed', blocks: { 0: 1, 1: 1 } });
    expect(await ids()).toEqual([1, 2]);
  });

  it('that are wrong are refused as ever', async () => {
    const session = await bench.open('t');
    fault('putBlock', { late: { lands: { afterMs: 1 }, answer: 'none' } });
    expect((await bench.put('t', session, 0, Buffer.from('nonsense'))).status).toBe(400);
  });
});

describe('a commit', () => {
  it('refused and carried out later finds what it then finds: the session open', async () => {
    const session = await filled();
    fault('commit', { late: { lands: { afterRequest: 1 }, answer: { status: 503 } } });
    expect((await bench.commit('t', session)).status).toBe(503);
    expect((await state(session)).status).toBe('normal');
    expect((await state(session)).status).toBe('closed');
    expect((await bench.commit('t', session)).status).toBe(409);
    expect(await ids()).toEqual([1]);
  });

  it('that lands by time does so without any request', async () => {
    const session = await filled();
    fault('commit', { late: { lands: { afterMs: 20 }, answer: 'reset' } });
    await expect(bench.commit('t', session)).rejects.toThrow();
    while ((await ids()).length === 0);
    expect((await state(session)).status).toBe('closed');
    expect(await ids()).toEqual([1]);
  });

  it('that comes late to a session already committed, or ended, adds nothing', async () => {
    const [again, ended] = [await filled(1), await filled(2)];
    fault('commit', { late: { lands: { afterRequest: 1 }, answer: { status: 503 } } }, { times: 2 });
    await bench.commit('t', again);
    await bench.commit('t', ended);
    expect((await bench.commit('t', again)).status).toBe(200);
    await bench.faults.endSession(ended, 'expired');
    expect((await state(ended)).status).toBe('expired');
    expect((await state(again)).status).toBe('closed');
    expect(await ids()).toEqual([1]);
  });

  it('stays under way, refuses all else meanwhile, and lands', async () => {
    const session = await filled();
    fault('commit', { committing: { lands: { afterRequest: 3 } } });
    const begun = await bench.commit('t', session);
    expect([begun.status, JSON.parse(begun.text).Status]).toEqual([200, 'closing']);
    expect((await state(session)).status).toBe('closing');
    expect((await bench.commit('t', session)).status).toBe(409);
    expect(await ids()).toEqual([]);
    expect((await bench.put('t', session, 1, rowsOf(2))).status).toBe(409);
    expect((await state(session)).status).toBe('closed');
    expect(await ids()).toEqual([1]);
  });

  it('stays under way, and falls back: it may be committed anew', async () => {
    const session = await filled();
    fault('commit', {
      committing: { lands: { beforeRequest: 2 }, outcome: 'normal', answer: { status: 504, html: true } },
    });
    expect((await bench.commit('t', session)).status).toBe(504);
    expect((await state(session)).status).toBe('closing');
    expect(await state(session)).toEqual({ status: 'normal', blocks: { 0: 1 } });
    expect((await bench.commit('t', session)).status).toBe(200);
    expect(await ids()).toEqual([1]);
  });

  it('lands though its session was forgotten meanwhile', async () => {
    const session = await filled();
    fault('commit', { committing: { lands: { afterMs: 30 } } });
    await bench.commit('t', session);
    await bench.faults.endSession(session, 'forgotten');
    expect((await state(session)).status).toBe('NoSuchUpload');
    while ((await ids()).length === 0);
    expect(await ids()).toEqual([1]);
  });

  it('given a second time is answered as set, and adds nothing', async () => {
    const session = await filled();
    await bench.commit('t', session);
    expect((await bench.commit('t', session)).status).toBe(409);
    bench.faults.set({ secondCommit: 'success' });
    const second = await bench.commit('t', session);
    bench.faults.set({ secondCommit: 'conflict' });
    expect([second.status, JSON.parse(second.text).Status]).toEqual([200, 'closed']);
    expect(await ids()).toEqual([1]);
  });
});

describe('a full disk', () => {
  it('refuses blocks, commits and statements; what was answered before stays', async () => {
    const [kept, open] = [await filled(1), await filled(2)];
    await bench.commit('t', kept);
    bench.faults.set({ diskFull: true });
    const session = await bench.open('t').catch((error: Error) => error.message);
    const put = await bench.put('t', open, 1, rowsOf(3));
    const commit = await bench.commit('t', open);
    const ddl = await bench.sql('create table u (id bigint)').catch((error: Error) => error.message);
    bench.faults.set({ diskFull: false });
    expect(session).toContain('No space is left');
    expect([put.status, codeOf(put)]).toEqual([500, 'InternalServerError']);
    expect([commit.status, codeOf(commit)]).toEqual([500, 'InternalServerError']);
    expect(ddl).toContain('ODPS-0010000');
    expect(await state(open)).toEqual({ status: 'normal', blocks: { 0: 1 } });
    expect(await ids()).toEqual([1]);
    expect((await bench.commit('t', open)).status).toBe(200);
    expect(await ids()).toEqual([1, 2]);
  });

  it('for one request only', async () => {
    const session = await bench.open('t');
    fault('putBlock', { diskFull: true }, { skip: 1 });
    expect((await bench.put('t', session, 0, rowsOf(1))).status).toBe(200);
    expect((await bench.put('t', session, 0, rowsOf(2))).status).toBe(500);
    expect((await bench.put('t', session, 1, rowsOf(3))).status).toBe(200);
    await bench.commit('t', session);
    expect(await ids()).toEqual([1, 3]);
  });
});

test('a clock that is set forward lets sessions expire, and shows in Date and Initiated', async () => {
  const session = await filled();
  bench.faults.set({ clockSkewMs: 25 * 3_600_000 });
  const answer = await bench.send('POST', '/projects/proj/tables/t', { uploads: '' });
  const old = await state(session);
  bench.faults.set({ clockSkewMs: 0 });
  const ahead = [answer.headers.get('date') as string, JSON.parse(answer.text).Initiated].map(
    (text) => (Date.parse(text) - Date.now()) / 3_600_000,
  );
  expect(Math.min(...ahead)).toBeGreaterThan(24.5);
  expect(Math.max(...ahead)).toBeLessThan(25.5);
  expect(old.status).toBe('expired');
});

/** All that comes before the end, byte by byte. A reset may follow the last byte so closely that only the end is seen. */
async function rawCommit(session: string): Promise<string> {
  const { host, hostname, port } = new URL(bench.root);
  const signed = bench.signed('POST', '/projects/proj/tables/t', { uploadid: session });
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve(received) : reject(error),
    );
    socket.on('end', () => resolve(received));
    const headers = Object.entries(signed.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`POST ${signed.path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n${headers.join('')}\r\n`);
  });
}
