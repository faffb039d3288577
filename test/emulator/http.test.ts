/** What goes over the wire where no client's comfort hides it. */
import { type Bench, startBench } from './raw-client.js';

let bench: Bench;

beforeAll(async () => {
  bench = await startBench();
  await bench.sql('create table t (id bigint)');
});
afterAll(() => bench.close());

test('an error always has a body: XML from the service, JSON from the tunnel', async () => {
  for (const path of [
    '/api/projects/proj/tables/none',
    '/projects/proj/tables/none',
    '/api/nothing',
    '/api/projects/none',
  ]) {
    const answer = await bench.send('GET', path);
    expect(answer.status).toBe(404);
    expect(answer.text).toMatch(/<Error><Code>\w+<\/Code><Message>.+<\/Message><RequestId>\w+<\/RequestId><HostId>/s);
    expect(answer.headers.get('x-odps-request-id')).toMatch(/^\w+$/);
  }
  const upload = await bench.send('POST', '/projects/proj/tables/none', { uploads: '' });
  expect(upload.status).toBe(404);
  expect(JSON.parse(upload.text)).toMatchObject({
    Code: 'NoSuchTable',
    Message: expect.any(String),
    RequestId: expect.any(String),
  });
});

test('a request without a valid signature is refused before its body counts', async () => {
  const unsigned = await fetch(`${bench.root}/api/projects/proj/tables/t`);
  expect([unsigned.status, await unsigned.text()]).toEqual([401, expect.stringContaining('<Code>Unauthorized</Code>')]);
  const wrong = await fetch(`${bench.root}/projects/proj/tables/t?uploadid=u&blockid=0`, {
    method: 'PUT',
    headers: { authorization: 'ODPS ak:nonsense' },
    body: Buffer.alloc(1024 * 1024),
  });
  expect([wrong.status, JSON.parse(await wrong.text()).Code]).toEqual([401, 'Unauthorized']);
});

test('the tunnel is found at the address of the service', async () => {
  for (const prefix of ['/api', '']) {
    const answer = await bench.send('GET', `${prefix}/projects/proj/tunnel`, { service: '' });
    expect(`http://${answer.text}`).toBe(bench.root);
  }
});

test('statements are told by their instance: source, result, summary, and the task under its own name', async () => {
  const id = await bench.sql("select 1 as a, cast(null as string) as b, 'x,\"y' as c");
  const ask = async (what: string) =>
    (await bench.send('GET', `/api/projects/proj/instances/${id}`, { [what]: '' })).text;
  expect(await ask('taskstatus')).toContain('<Name>Test</Name>');
  expect(await ask('source')).toContain('select 1 as a');
  expect(JSON.parse(await ask('instancesummary'))).toMatchObject({ Instance: { JsonSummary: expect.any(String) } });
  const csv = Buffer.from(/CDATA\[([^\]]*)\]/.exec(await ask('result'))?.[1] ?? '', 'base64').toString();
  expect(csv).toBe('"a","b","c"\n1,\\N,"x,""y"\n');
  const ddl = await bench.sql('drop table if exists nothing');
  const download = await bench.send('POST', `/projects/proj/instances/${ddl}`, { downloads: '' });
  expect([download.status, JSON.parse(download.text).Code]).toEqual([400, 'InstanceTypeNotSupported']);
});
