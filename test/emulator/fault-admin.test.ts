/** The admin API as curl uses it, and what a restart and a kill leave. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, block, startBench } from './raw-client.js';

const rowOf = (id: number): Uint8Array => block(['bigint'], [[BigInt(id)]]);
const reset = { on: 'commit', do: { reset: 'after' } };
let folder: string;
let bench: Bench;
let killed = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcsync-test-'));
  killed = 0;
  bench = await startBench({
    dataDir: join(folder, 'data'),
    faultApi: true,
    // What kill -9 would leave is what stands in the files at this moment.
    kill: () => {
      killed += 1;
      cpSync(join(folder, 'data'), join(folder, `killed${killed}`), { recursive: true });
    },
  });
  await bench.sql('create table t (id bigint)');
});
afterEach(async () => {
  await bench.close();
  rmSync(folder, { recursive: true });
});

async function admin(method: string, path: string, body?: unknown, key = 'ak:sk') {
  const answer = await fetch(`${bench.root}/mcsync/${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(key).toString('base64')}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: answer.status, headers: answer.headers, json: (await answer.json()) as Record<string, unknown> };
}
const stateOf = async (session: string): Promise<string> => {
  const { text } = await bench.send('GET', '/projects/proj/tables/t', { uploadid: session });
  return JSON.parse(text).Status ?? JSON.parse(text).Code;
};
const ids = async (from: Bench = bench): Promise<number[]> =>
  (await from.rows('select id from t order by id limit 99')).map(([id]) => Number(id));
const filled = async (id: number): Promise<string> => {
  const session = await bench.open('t');
  await bench.put('t', session, 0, rowOf(id));
  return session;
};
/** Until it listens again. */
const back = async (): Promise<void> => {
  while (!(await bench.send('GET', '/api/projects/proj').catch(() => null)));
};

describe('the admin API', () => {
  it.each(['ak:wrong', 'ak:s', 'ak:sk ', 'no:sk', ''])('is closed to %j', async (key) => {
    const answer = await admin('GET', 'faults', undefined, key);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="mcsync"']);
    expect(answer.json).toEqual({ Code: 'Unauthorized', Message: expect.not.stringContaining('sk"') });
    expect((await fetch(`${bench.root}/mcsync/faults`)).status).toBe(401);
  });

  it('is not there unless it was asked for', async () => {
    const plain = await startBench();
    const headers = { authorization: `Basic ${Buffer.from('ak:sk').toString('base64')}` };
    const answer = await fetch(`${plain.root}/mcsync/faults`, { headers });
    expect([answer.status, await answer.text()]).toEqual([401, expect.stringContaining('another form than ODPS')]);
    await plain.close();
  });

  it('adds, lists with counts, and removes', async () => {
    expect((await admin('POST', 'faults', reset)).json).toEqual({ ids: ['f1'] });
    const more = [
      { ...reset, skip: 5 },
      { on: 'reload', do: { session: 'expired' }, table: 'other' },
    ];
    expect(await admin('POST', 'faults', more)).toMatchObject({ status: 201, json: { ids: ['f2', 'f3'] } });
    await expect(bench.commit('t', await filled(1))).rejects.toThrow();
    await bench.commit('t', await filled(2));
    expect((await admin('GET', 'faults')).json).toMatchObject({
      faults: [
        { id: 'f1', ...reset, times: 1, skip: 0, chance: 1, seen: 2, hits: 1 },
        { id: 'f2', skip: 5, seen: 1, hits: 0 },
        { id: 'f3', table: 'other', seen: 0, hits: 0 },
      ],
    });
    expect((await admin('DELETE', 'faults/f1')).status).toBe(200);
    expect((await admin('DELETE', 'faults/f1')).status).toBe(404);
    expect((await admin('DELETE', 'faults')).status).toBe(200);
    expect((await admin('GET', 'faults')).json).toEqual({ faults: [] });
    expect(await ids()).toEqual([1, 2]);
  });

  it('tells all mistakes at once, and changes nothing', async () => {
    const answer = await admin('POST', 'faults', [reset, { on: 'x', do: {} }]);
    expect([answer.status, answer.json]).toEqual([
      400,
      {
        Code: 'InvalidArgument',
        Message: '2 mistakes; nothing was changed',
        Mistakes: [expect.stringContaining('[1].on: "x"'), expect.stringContaining('[1].do: nothing')],
      },
    ]);
    expect((await admin('GET', 'faults')).json).toEqual({ faults: [] });
    expect((await admin('POST', 'faults', '{"on":')).json.Mistakes).toEqual([expect.stringContaining('not JSON')]);
    expect((await admin('PUT', 'settings', { diskFul: true, clockSkewMs: 'x' })).json.Mistakes).toHaveLength(2);
    expect((await admin('GET', 'nothing')).status).toBe(404);
    expect((await admin('GET', 'faults/f1/x')).status).toBe(404);
  });

  it('takes no more than a thousand faults', async () => {
    const many = Array.from({ length: 1_001 }, () => reset);
    expect((await admin('POST', 'faults', many)).json.Mistakes).toEqual([expect.stringContaining('more than 1000')]);
  });

  it('shows sessions, and ends them', async () => {
    const session = await filled(1);
    await admin('POST', 'faults', { on: 'commit', do: { late: { lands: { afterRequest: 9 }, answer: 'reset' } } });
    await expect(bench.commit('t', session)).rejects.toThrow();
    expect((await admin('GET', 'sessions')).json).toEqual({
      sessions: [
        {
          id: session,
          table: 't',
          partition: null,
          status: 'normal',
          blocks: [{ id: 0, rows: 1 }],
          ageMs: expect.any(Number),
          late: 1,
        },
      ],
    });
    expect((await admin('POST', `sessions/${session}`, { end: 'gone' })).status).toBe(400);
    expect((await admin('POST', `sessions/${session}`, { end: 'canceled' })).status).toBe(200);
    expect(await stateOf(session)).toBe('canceled');
    expect((await admin('POST', 'sessions/none', { end: 'expired' })).status).toBe(404);
  });

  it('sets clock, disk and the answer to a second commit', async () => {
    const settings = { clockSkewMs: -90_000, diskFull: true, secondCommit: 'success' };
    expect((await admin('PUT', 'settings', settings)).json).toEqual(settings);
    expect((await admin('PUT', 'settings', { diskFull: false })).json).toEqual({ ...settings, diskFull: false });
    expect((await admin('GET', 'settings')).json).toMatchObject({ clockSkewMs: -90_000 });
  });
});

describe('a restart', () => {
  it('keeps what was answered, with sessions and their ends; what was late is lost', async () => {
    const [closed, open, late, ended] = [await filled(1), await filled(2), await filled(3), await filled(4)];
    await bench.commit('t', closed);
    bench.faults.add({ on: 'commit', do: { committing: { lands: { afterMs: 3_600_000 } } } });
    await bench.commit('t', late);
    await bench.faults.endSession(ended, 'expired');
    expect(await admin('POST', 'restart')).toMatchObject({ status: 202 });
    await back();
    expect(await Promise.all([closed, open, late, ended].map(stateOf))).toEqual([
      'closed',
      'normal',
      'normal',
      'expired',
    ]);
    expect((await bench.commit('t', open)).status).toBe(200);
    expect(await ids()).toEqual([1, 2]);
  });

  it('may forget all sessions, for good, and no committed row', async () => {
    const [closed, open] = [await filled(1), await filled(2)];
    await bench.commit('t', closed);
    await bench.faults.restart({ forgetSessions: true });
    expect([await stateOf(closed), await stateOf(open)]).toEqual(['NoSuchUpload', 'NoSuchUpload']);
    await bench.faults.restart();
    expect([await stateOf(closed), await stateOf(open)]).toEqual(['NoSuchUpload', 'NoSuchUpload']);
    expect(await ids()).toEqual([1]);
  });

  it('comes before or after a request is carried out, and cuts its answer', async () => {
    const [before, after] = [await filled(1), await filled(2)];
    bench.faults.add({ on: 'commit', do: { restart: { when: 'before' } } });
    await expect(bench.commit('t', before)).rejects.toThrow();
    await back();
    expect(await stateOf(before)).toBe('normal');
    bench.faults.add({ on: 'commit', do: { restart: { when: 'after', forgetSessions: true } } });
    await expect(bench.commit('t', after)).rejects.toThrow();
    await back();
    expect(await stateOf(after)).toBe('NoSuchUpload');
    expect(await ids()).toEqual([2]);
  });

  it('waits for nobody: requests that are slow or half open are cut', async () => {
    const session = await filled(1);
    bench.faults.add([
      { on: 'reload', do: { slow: { delayMs: 3_600_000 } } },
      { on: 'commit', do: { halfOpen: 'after' } },
    ]);
    const cut = [stateOf(session), bench.commit('t', session)].map((request) => request.catch(() => 'cut'));
    while (bench.faults.list().some(({ hits }) => hits === 0)) await bench.send('GET', '/api/projects/proj');
    await bench.faults.restart();
    expect(await Promise.all(cut)).toEqual(['cut', 'cut']);
    expect(await ids()).toEqual([1]);
  });

  it('is refused where nothing is kept', async () => {
    const plain = await startBench();
    await expect(plain.faults.restart()).rejects.toThrow('restart needs a data folder');
    expect(() => plain.faults.add({ on: 'any', do: { kill: 'after' } })).toThrow('kill needs an emulator');
    await plain.close();
  });
});

test('a kill leaves what was answered: a commit before it is there, one that was not begun is not', async () => {
  const [before, after] = [await filled(1), await filled(2)];
  bench.faults.add({ on: 'commit', do: { kill: 'before' } });
  bench.faults.add({ on: 'commit', do: { kill: 'after' } });
  const first = bench.commit('t', before).catch(() => null);
  while (killed < 1) await bench.send('GET', '/api/projects/proj');
  const second = bench.commit('t', after).catch(() => null);
  while (killed < 2) await bench.send('GET', '/api/projects/proj');
  for (const [name, rows] of [
    ['killed1', []],
    ['killed2', [2]],
  ] as const) {
    const again = await startBench({ dataDir: join(folder, name) });
    expect(await ids(again)).toEqual(rows);
    expect(JSON.parse((await again.commit('t', before)).text).Status).toBe('closed');
    expect(await ids(again)).toEqual([1, ...rows]);
    await again.close();
  }
  await bench.faults.restart();
  await Promise.all([first, second]);
  expect((await admin('POST', 'kill')).status).toBe(202);
  expect(killed).toBe(3);
});
