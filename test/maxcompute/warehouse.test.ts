import { inflateSync } from 'node:zlib';
import { parseRecordType } from '../../operator/maxcompute/records/types.js';
import type { RecordValue } from '../../operator/maxcompute/records/values.js';
import { writeRecords } from '../../operator/maxcompute/records/writer.js';
import { createWarehouse } from '../../operator/maxcompute/warehouse.js';
import type { UploadRef, Warehouse } from '../../operator/model/ports.js';
import { type FakeAnswer, type FakeRequest, type FakeService, startFakeService } from './fake-service.js';
import { manualClock } from './manual-clock.js';

const ref: UploadRef = { table: 'orders_log', partition: 'modifytime_year=2026,modifytime_month=01', uploadId: 'U1' };

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing[Symbol.asyncDispose]();
});

async function given(
  answer: (request: FakeRequest, name: string) => FakeAnswer | undefined,
  settings: { schema?: string; quotaName?: string } = {},
): Promise<{ service: FakeService; warehouse: Warehouse }> {
  let host = '';
  const service = await startFakeService((request) => {
    const name = nameOf(request);
    const found = answer(request, name);
    if (found !== undefined) return found;
    if (name === 'GET tunnel') return { status: 200, body: host };
    return { status: 400, body: JSON.stringify({ Code: 'Unexpected', Message: name }) };
  });
  host = service.host;
  const warehouse = createWarehouse(
    {
      endpoint: service.endpoint,
      project: 'warehouse',
      credentials: () => ({ accessKeyId: 'ak', accessKeySecret: 'very-secret' }),
      userAgent: 'mcsync/test',
      ...settings,
    },
    manualClock(),
  );
  open.push(warehouse, service);
  return { service, warehouse };
}

/** `POST table uploads`: method, kind of resource, and the parameters that tell requests apart. */
function nameOf(request: FakeRequest): string {
  const path = request.path.replace(/^\/api/, '').replace(/^\/projects\/warehouse/, '');
  const kind = /\/(tables|instances|tunnel)(\/[^/]+)?$/.exec(path);
  const keys = ['uploads', 'blockid', 'uploadid', 'downloads', 'data', 'taskstatus', 'result', 'partitions'];
  const asked = keys.filter((key) => request.query.has(key));
  return [request.method, kind === null ? 'project' : kind[2] === undefined ? kind[1] : kind[1]?.slice(0, -1), ...asked]
    .join(' ')
    .trim();
}

const json = (value: unknown, status = 200): FakeAnswer => ({ status, body: JSON.stringify(value) });
const error = (status: number, code: string): FakeAnswer => json({ Code: code, Message: 'said' }, status);
const xml = (body: string, status = 200): FakeAnswer => ({ status, body: `<?xml version="1.0"?>\n${body}` });

describe('upload sessions', () => {
  const session = {
    UploadID: 'U1',
    Status: 'normal',
    Initiated: 'Tue, 02 Jan 2024 03:04:05 GMT',
    UploadedBlockList: [],
  };

  it('are created on the tunnel that the service names, asked once', async () => {
    const { service, warehouse } = await given((_request, name) =>
      name === 'POST table uploads' ? json(session, 201) : undefined,
    );
    const made = await warehouse.createUpload(ref.table, ref.partition);
    await warehouse.createUpload('users_base', null);
    expect(made).toEqual({ ...ref, initiatedMs: Date.UTC(2024, 0, 2, 3, 4, 5) });
    expect(service.requests.map((request) => `${request.method} ${request.path}`)).toEqual([
      'GET /api/projects/warehouse/tunnel',
      'POST /projects/warehouse/tables/orders_log',
      'POST /projects/warehouse/tables/users_base',
    ]);
    expect(service.requests[1]?.query.get('partition')).toBe(ref.partition);
    expect(service.requests[1]?.headers['content-length']).toBe('0');
    expect(service.requests[1]?.headers['x-odps-tunnel-version']).toBe('6');
    expect(service.requests[2]?.query.has('partition')).toBe(false);
  });

  it('of a three-level project and a quota are asked for by both', async () => {
    const { service, warehouse } = await given(
      (_request, name) => (name === 'POST table uploads' ? json(session) : undefined),
      {
        schema: 'sales',
        quotaName: 'fast',
      },
    );
    await warehouse.createUpload('t', null);
    expect(service.requests[0]?.query.get('quotaName')).toBe('fast');
    expect(service.requests[1]?.path).toBe('/projects/warehouse/schemas/sales/tables/t');
    expect(service.requests[1]?.query.get('quotaName')).toBe('fast');
  });

  it('take a block as zlib of the record stream, repeated with the same bytes', async () => {
    let tries = 0;
    const { service, warehouse } = await given((_request, name) => {
      if (name !== 'PUT table blockid uploadid') return undefined;
      tries += 1;
      return tries === 1 ? { status: 503 } : { status: 200 };
    });
    const writer = warehouse.openBlock(
      {
        source: { database: 'd', table: 't' },
        schemaVersion: 1,
        sourceColumns: [],
        columns: [{ sourceIndex: 0, targetName: 'id', targetType: 'BIGINT', onUnrepresentable: 'Fail' }],
        key: null,
        baseTable: 't_base',
        logTable: null,
        partitionKeys: [],
        columnNaming: 'Legacy',
        lifecycleDays: null,
        where: null,
        timeZone: 'UTC',
        addedColumns: [],
      },
      { kind: 'base' },
    );
    const block = await writer.close();
    await warehouse.putBlock(ref, 7, block);
    const [, first, second] = service.requests;
    expect(first?.query.get('blockid')).toBe('7');
    expect(first?.headers['content-encoding']).toBe('deflate');
    expect(first?.headers['content-type']).toBe('application/octet-stream');
    expect(inflateSync(first?.body as Buffer).toString('hex')).toBe('f0ffff7f00f8ffff7f00');
    expect(second?.body.equals(first?.body as Buffer)).toBe(true);
  });

  it('send a body of several pieces whole', async () => {
    const { service, warehouse } = await given((_request, name) =>
      name === 'PUT table blockid uploadid' ? { status: 200 } : undefined,
    );
    const body = [Buffer.alloc(100_000, 'a'), Buffer.alloc(70_000, 'b'), Buffer.from('c')];
    await warehouse.putBlock(ref, 0, { rows: 1, crc: 1, body, bodyBytes: 170_001 });
    expect(service.requests[1]?.body.equals(Buffer.concat(body))).toBe(true);
    expect(service.requests[1]?.headers['content-length']).toBe('170001');
  });

  it.each(['NoSuchUpload', 'StatusConflict'])('that are over when a block comes are lost: %s', async (code) => {
    const { warehouse } = await given((_request, name) =>
      name === 'PUT table blockid uploadid' ? error(409, code) : undefined,
    );
    const block = { rows: 1, crc: 1, body: [Buffer.from('c')], bodyBytes: 1 };
    await expect(warehouse.putBlock(ref, 0, block)).rejects.toMatchObject({ code: 'UPLOAD_SESSION_LOST' });
  });

  it.each<[FakeAnswer, unknown]>([
    [
      json({
        Status: 'normal',
        UploadedBlockList: [
          { BlockID: 0, RecordCount: 10, FileName: 'f', Version: 0 },
          { BlockID: 3, RecordCount: 0 },
        ],
      }),
      {
        status: 'NORMAL',
        blocks: [
          { id: 0, rows: 10 },
          { id: 3, rows: 0 },
        ],
      },
    ],
    [json({ Status: 'closed', UploadedBlockList: [] }), { status: 'CLOSED', blocks: [] }],
    [json({ Status: 'committing', UploadedBlockList: [] }), { status: 'COMMITTING', blocks: [] }],
    [json({ Status: 'dreaming', UploadedBlockList: [] }), { status: 'UNKNOWN', blocks: [] }],
    [error(404, 'NoSuchUpload'), { status: 'GONE', blocks: [] }],
  ])('tell their state: %#', async (answer, state) => {
    const { warehouse } = await given((_request, name) => (name === 'GET table uploadid' ? answer : undefined));
    expect(await warehouse.uploadState(ref)).toEqual(state);
  });

  it('are not gone when it is the table that is missing', async () => {
    const { warehouse } = await given((_request, name) =>
      name === 'GET table uploadid' ? error(404, 'NoSuchTable') : undefined,
    );
    await expect(warehouse.uploadState(ref)).rejects.toMatchObject({ code: 'TARGET_TABLE_MISSING' });
  });

  it.each<[string, FakeAnswer, string]>([
    ['2xx and CLOSED', json({ Status: 'closed', UploadedBlockList: [] }), 'committed'],
    ['2xx without a body', { status: 200 }, 'committed'],
    ['2xx and COMMITTING', json({ Status: 'committing' }), 'unknown'],
    ['a page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }, 'unknown'],
    ['409', error(409, 'StatusConflict'), 'refused'],
    ['403', error(403, 'NoPermission'), 'refused'],
    ['404', error(404, 'NoSuchUpload'), 'refused'],
    ['429', error(429, 'FlowExceeded'), 'refused'],
    ['500', error(500, 'InternalServerError'), 'unknown'],
    ['a cut connection', 'cut', 'unknown'],
  ])('are committed by one POST, whatever it gives: %s', async (_name, answer, kind) => {
    const { service, warehouse } = await given((_request, name) =>
      name === 'POST table uploadid' ? answer : undefined,
    );
    expect((await warehouse.commitUpload(ref)).kind).toBe(kind);
    expect(service.requests.filter((request) => nameOf(request) === 'POST table uploadid')).toHaveLength(1);
  });
});

describe('SQL', () => {
  const located: FakeAnswer = { status: 201, headers: { location: 'http://h/api/projects/warehouse/instances/I1' } };
  const instance = (status: string, task: string): FakeAnswer =>
    xml(
      `<Instance><Status>${status}</Status><Tasks><Task Type="SQL"><Name>AnonymousSQLTask</Name><Status>${task}</Status></Task></Tasks></Instance>`,
    );

  function running(more: (request: FakeRequest, name: string) => FakeAnswer | undefined, task = 'Success') {
    let polls = 0;
    return (request: FakeRequest, name: string): FakeAnswer | undefined => {
      if (name === 'POST instances') return located;
      if (name === 'GET instance') {
        polls += 1;
        return instance(polls < 3 ? 'Running' : 'Terminated', task);
      }
      if (name === 'GET instance taskstatus') return instance('Terminated', task);
      return more(request, name);
    };
  }

  it('submits the statement once with its settings, and asks no result of DDL', async () => {
    const { service, warehouse } = await given(running(() => undefined));
    await warehouse.createPartition('orders_log', 'modifytime_year=2026');
    const [submitted] = service.requests;
    const body = submitted?.body.toString() ?? '';
    expect(submitted?.headers['content-type']).toBe('application/xml');
    expect(body).toContain(
      "<Query>ALTER TABLE `orders_log` ADD IF NOT EXISTS PARTITION (`modifytime_year`='2026');</Query>",
    );
    expect(body).toContain('"odps.sql.type.system.odps2":"true"');
    expect(service.requests.map(nameOf)).toEqual([
      'POST instances',
      'GET instance',
      'GET instance',
      'GET instance',
      'GET instance taskstatus',
    ]);
  });

  it('gives rows of every type as texts, NULL as null, through the instance tunnel', async () => {
    const columns: [string, RecordValue, string | null][] = [
      ['bigint', -9223372036854775807n, '-9223372036854775807'],
      ['tinyint', -5, '-5'],
      ['string', 'NULL', 'NULL'],
      ['string', null, null],
      ['decimal(38,18)', '1.500', '1.500'],
      ['double', 0.1, '0.1'],
      ['float', Math.fround(0.1), '0.1'],
      ['boolean', true, 'true'],
      ['binary', Uint8Array.of(0, 255), '00ff'],
      ['date', -1, '1969-12-31'],
      ['datetime', -1, '1969-12-31 23:59:59.999'],
      ['timestamp', { seconds: -1, nanos: 250_000_000 }, '1969-12-31 23:59:59.25'],
      ['timestamp_ntz', { seconds: 1_704_164_645, nanos: 0 }, '2024-01-02 03:04:05'],
      ['map<string,array<bigint>>', [['k', [1n, null]]], '[["k",["1",null]]]'],
    ];
    const { service, warehouse } = await given(
      running((_request, name) => {
        const schema = { columns: columns.map(([type], index) => ({ name: `c${index}`, type })) };
        if (name === 'POST instance downloads') {
          return json({ DownloadID: 'D1', Status: 'normal', RecordCount: 1, Schema: schema });
        }
        if (name !== 'GET instance data') return undefined;
        const types = columns.map(([type]) => parseRecordType(type));
        return { status: 200, body: writeRecords(types, [columns.map(([, value]) => value)]) };
      }),
    );
    const result = await warehouse.query('select * from t where a < 1 and b = "x"', {
      'odps.sql.allow.fullscan': 'true',
    });
    expect(result.rows).toEqual([columns.map(([, , text]) => text)]);
    expect(result.columns[0]).toEqual({ name: 'c0', type: 'bigint' });
    const body = service.requests[0]?.body.toString();
    expect(body).toContain('<Query>select * from t where a &lt; 1 and b = "x";</Query>');
    expect(body).toContain('"odps.sql.allow.fullscan":"true"');
    expect(service.requests.at(-1)?.query.get('rowrange')).toBe('(0,1)');
  });

  it('asks for rows again when they come cut', async () => {
    const whole = writeRecords([parseRecordType('bigint')], [[1n], [2n]]);
    let tries = 0;
    const { warehouse } = await given(
      running((_request, name) => {
        if (name === 'POST instance downloads') {
          return json({ DownloadID: 'D', RecordCount: 2, Schema: { columns: [{ name: 'a', type: 'bigint' }] } });
        }
        if (name !== 'GET instance data') return undefined;
        tries += 1;
        return { status: 200, body: tries === 1 ? whole.subarray(0, 8) : whole };
      }),
    );
    expect((await warehouse.query('SELECT a FROM t')).rows).toEqual([['1'], ['2']]);
    expect(tries).toBe(2);
  });

  it('fails with the words of the server', async () => {
    const words = 'ODPS-0130131:[1,15] Table not found - table warehouse.t cannot be resolved';
    const result = xml(
      `<Instance><Tasks><Task Type="SQL"><Name>AnonymousSQLTask</Name><Result Format="text"><![CDATA[${words}]]></Result></Task></Tasks></Instance>`,
    );
    const { warehouse } = await given(
      running((_request, name) => (name === 'GET instance result' ? result : undefined), 'Failed'),
    );
    await expect(warehouse.query('select * from t')).rejects.toMatchObject({
      code: 'TARGET_SQL_FAILED',
      seen: `${words} (instance I1)`,
    });
  });

  it.each([
    'insert into t select 1',
    'with a as (select 1) insert into t select * from a',
    'alter table t add columns (a int)',
  ])('never submits a statement twice that may write, though the connection is cut: %s', async (statement) => {
    const { service, warehouse } = await given((_request, name) => (name === 'POST instances' ? 'cut' : undefined));
    await expect(warehouse.query(statement)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
    expect(service.requests).toHaveLength(1);
  });

  it('submits again what does no more when it runs twice', async () => {
    const answers = running(() => undefined);
    let cuts = 1;
    const { service, warehouse } = await given((request, name) =>
      name === 'POST instances' && cuts-- > 0 ? 'cut' : answers(request, name),
    );
    await warehouse.createPartition('t', 'y=2026');
    expect(service.requests.map(nameOf).slice(0, 3)).toEqual(['POST instances', 'POST instances', 'GET instance']);
  });
});

describe('catalog', () => {
  const schema = {
    columns: [
      { name: 'id', type: 'bigint', comment: '', isNullable: true },
      { name: 'price', type: 'decimal(10,2)', comment: 'net' },
    ],
    partitionKeys: [{ name: 'pt', type: 'string' }],
    comment: 'mcsync:default/shop:7f3a',
    lifecycle: 90,
  };
  const table = xml(
    `<Table format="Json"><Name>t</Name><Schema format="Json"><![CDATA[${JSON.stringify(schema)}]]></Schema><Comment>mcsync:default/shop:7f3a</Comment><Type>MANAGED_TABLE</Type></Table>`,
  );

  it('describes a table', async () => {
    const { warehouse } = await given((_request, name) => (name === 'GET table' ? table : undefined));
    expect(await warehouse.describeTable('t')).toEqual({
      table: 't',
      columns: [
        { name: 'id', type: 'BIGINT' },
        { name: 'price', type: 'DECIMAL(10,2)', comment: 'net' },
      ],
      partitionColumns: [{ name: 'pt', type: 'STRING' }],
      comment: 'mcsync:default/shop:7f3a',
      lifecycleDays: 90,
      type: 'MANAGED_TABLE',
    });
  });

  it.each(['NoSuchTable', 'NoSuchObject'])('says null of a table that is not there: %s', async (code) => {
    const absent = xml(
      `<Error><Code>${code}</Code><Message>ODPS-0130131:Table not found - table p.t</Message></Error>`,
      404,
    );
    const { warehouse } = await given((_request, name) => (name === 'GET table' ? absent : undefined));
    expect(await warehouse.describeTable('t')).toBeNull();
  });

  it('does not take a missing project for a missing table', async () => {
    const absent = xml('<Error><Code>NoSuchProject</Code><Message>no project</Message></Error>', 404);
    const { warehouse } = await given((_request, name) => (name === 'GET table' ? absent : undefined));
    await expect(warehouse.describeTable('t')).rejects.toMatchObject({ code: 'TARGET_PROJECT_MISSING' });
  });

  it('lists partitions page by page', async () => {
    const partition = (year: string): string =>
      `<Partition><Column Name="y" Value="${year}"/><Column Name="m" Value="01"/><CreationTime>1</CreationTime></Partition>`;
    const { warehouse } = await given((request, name) => {
      if (name !== 'GET table partitions') return undefined;
      return request.query.get('marker') === 'next'
        ? xml(`<Partitions><Marker></Marker><MaxItems>1000</MaxItems>${partition('2027')}</Partitions>`)
        : xml(`<Partitions><Marker>next</Marker>${partition('2025')}${partition('2026')}</Partitions>`);
    });
    expect(await warehouse.listPartitions('t')).toEqual(['y=2025,m=01', 'y=2026,m=01', 'y=2027,m=01']);
  });

  it('adds only the columns that are missing, and none of another type', async () => {
    const { service, warehouse } = await given((_request, name) => {
      if (name === 'GET table') return table;
      if (name === 'POST instances')
        return { status: 403, body: JSON.stringify({ Code: 'NoPermission', Message: 'm' }) };
      return undefined;
    });
    await warehouse.addColumns('t', [{ name: 'PRICE', type: 'DECIMAL(10, 2)' }]);
    expect(service.requests).toHaveLength(1);
    await expect(warehouse.addColumns('t', [{ name: 'id', type: 'STRING' }])).rejects.toMatchObject({
      code: 'TARGET_SCHEMA_MISMATCH',
    });
    await expect(warehouse.addColumns('t', [{ name: 'b', type: 'STRING' }])).rejects.toMatchObject({
      code: 'TARGET_PRIVILEGE_MISSING',
    });
    expect(service.requests.at(-1)?.body.toString()).toContain('ADD COLUMNS (\n  `b` STRING\n);');
  });
});

describe('facts of the target', () => {
  const project = xml(
    '<Project><Name>warehouse</Name><Owner>ALIYUN$me</Owner><Properties><Property><Name>odps.sql.timezone</Name><Value>Asia/Shanghai</Value></Property><Property><Name>odps.schema.model.enabled</Name><Value>true</Value></Property></Properties></Project>',
  );
  const denied = xml('<Error><Code>NoPermission</Code><Message>ODPS-0130013:no CreateInstance</Message></Error>', 403);

  it('name the rights that are missing, each as it was tried', async () => {
    const { warehouse } = await given((_request, name) => {
      if (name === 'GET project') return project;
      if (name === 'GET table') return xml('<Error><Code>NoSuchTable</Code><Message>m</Message></Error>', 404);
      return name === 'POST instances' ? denied : undefined;
    });
    const facts = await warehouse.facts(['Orders_base']);
    expect(facts).toMatchObject({
      reachable: true,
      project: { name: 'warehouse', owner: 'ALIYUN$me', timeZone: 'Asia/Shanghai', isThreeLevel: true },
      missingRights: [{ right: 'CreateInstance' }],
      account: 'ak',
    });
  });

  it('name a table that may not be described, and the right to make tables', async () => {
    let submitted = 0;
    const { warehouse } = await given((_request, name) => {
      if (name === 'GET project') return project;
      if (name === 'GET table') return denied;
      if (name === 'POST instances') {
        submitted += 1;
        if (submitted > 1) return denied;
        return { status: 201, headers: { location: 'http://h/api/projects/warehouse/instances/I1' } };
      }
      const task = '<Tasks><Task Type="SQL"><Name>T</Name><Status>Success</Status></Task></Tasks>';
      if (name.startsWith('GET instance') && !name.endsWith('data')) {
        return xml(`<Instance><Status>Terminated</Status>${task}</Instance>`);
      }
      return name === 'POST instance downloads'
        ? json({ DownloadID: 'D', RecordCount: 0, Schema: { columns: [] } })
        : undefined;
    });
    const facts = await warehouse.facts(['orders_base']);
    expect(facts).toMatchObject({
      missingRights: [
        { right: 'Describe', seen: expect.stringContaining('ODPS-0130013') },
        { right: 'CreateTable', seen: expect.stringContaining('ODPS-0130013') },
      ],
    });
  });

  it('are a failure to tell where the endpoint is not MaxCompute', async () => {
    const { warehouse } = await given(() => ({ status: 200, body: '<html>welcome</html>' }));
    expect(await warehouse.facts([])).toMatchObject({ reachable: false, failure: { code: 'TARGET_NOT_MAXCOMPUTE' } });
  });

  it('are a failure to tell where the key is wrong', async () => {
    const { warehouse } = await given(() =>
      xml('<Error><Code>SignatureNotMatch</Code><Message>m</Message></Error>', 401),
    );
    expect(await warehouse.facts([])).toMatchObject({
      reachable: false,
      failure: { code: 'TARGET_CREDENTIALS_REJECTED' },
    });
  });
});

describe('settings', () => {
  it('are refused when the endpoint is no URL', () => {
    const settings = { project: 'p', credentials: () => ({ accessKeyId: 'a', accessKeySecret: 'b' }), userAgent: 'u' };
    expect(() => createWarehouse({ ...settings, endpoint: 'localhost:80' }, manualClock())).toThrow('TASK_INVALID');
  });
});
