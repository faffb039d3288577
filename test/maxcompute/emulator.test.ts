import { systemClock } from '../../operator/base/clock.js';
import { type Emulator, startEmulator } from '../../operator/emulator/emulator.js';
import { defaultTimeouts, MaxComputeHttp } from '../../operator/maxcompute/http.js';
import { TunnelQuota } from '../../operator/maxcompute/quota.js';
import { Tunnel } from '../../operator/maxcompute/tunnel.js';
import { createWarehouse, type MaxComputeSettings } from '../../operator/maxcompute/warehouse.js';
import { type RowBatch, type RowSink, rowKind } from '../../operator/model/change.js';
import type { ClosedBlock, Warehouse } from '../../operator/model/ports.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { logTableSpec } from '../../operator/model/target-table.js';

/** The whole way, client and local MaxCompute: two programs written from the same facts by different hands. */
describe('warehouse, against the emulator', () => {
  let emulator: Emulator;
  let warehouse: Warehouse & AsyncDisposable;
  let settings: MaxComputeSettings;

  beforeAll(async () => {
    emulator = await startEmulator({
      port: 0,
      dataDir: null,
      project: 'warehouse',
      accessKeyId: 'ak',
      accessKeySecret: 'sk',
    });
    settings = {
      endpoint: emulator.endpoint,
      project: 'warehouse',
      credentials: () => ({ accessKeyId: 'ak', accessKeySecret: 'sk' }),
      userAgent: 'mcsync/test',
    };
    warehouse = createWarehouse(settings, systemClock);
    await warehouse.createTable(logTableSpec(plan, { namespace: 'default', name: 'shop', taskId: '7f3a' }));
    await warehouse.createPartition('orders_log', partition);
  });
  afterAll(async () => {
    await warehouse[Symbol.asyncDispose]();
    await emulator.close();
  });

  it('finds every right, and leaves no table of the probe behind', async () => {
    const facts = await warehouse.facts(['orders_log', 'nothing_base']);
    expect(facts).toMatchObject({
      reachable: true,
      missingRights: [],
      account: 'ak',
      project: { isThreeLevel: false },
    });
    expect(facts.reachable && [...facts.tables.keys()]).toEqual(['orders_log']);
  });

  it('is told in one answer that the key is wrong', async () => {
    const wrong = createWarehouse(
      { ...settings, credentials: () => ({ accessKeyId: 'ak', accessKeySecret: 'other' }) },
      systemClock,
    );
    expect(await wrong.facts([])).toMatchObject({
      reachable: false,
      failure: { code: 'TARGET_CREDENTIALS_REJECTED' },
    });
    await wrong[Symbol.asyncDispose]();
  });

  it('signs in version 4 where a region is set', async () => {
    const regional = createWarehouse({ ...settings, region: 'cn-hangzhou' }, systemClock);
    expect((await regional.describeTable('orders_log'))?.table).toBe('orders_log');
    await regional[Symbol.asyncDispose]();
  });

  it('describes what it made, with the mark of the task', async () => {
    expect(await warehouse.describeTable('orders_log')).toMatchObject({
      columns: expect.arrayContaining([
        { name: 'record_id', type: 'BIGINT' },
        { name: 'price', type: 'DECIMAL(10,2)' },
      ]),
      partitionColumns: [{ name: 'modifytime_year', type: 'STRING' }],
      comment: 'mcsync:default/shop:7f3a',
      lifecycleDays: 30,
    });
    expect(await warehouse.listPartitions('orders_log')).toEqual([partition]);
    expect(await warehouse.describeTable('nothing_base')).toBeNull();
  });

  it('brings rows in, and reads the same rows back', async () => {
    const session = await warehouse.createUpload('orders_log', partition);
    expect(Math.abs(session.initiatedMs - Date.now())).toBeLessThan(60_000);
    const block = await writeBlock();
    await warehouse.putBlock(session, 0, block);
    await warehouse.putBlock(session, 0, block);
    expect(await warehouse.uploadState(session)).toEqual({ status: 'NORMAL', blocks: [{ id: 0, rows: 3 }] });
    expect(await warehouse.commitUpload(session)).toEqual({ kind: 'committed' });
    expect((await warehouse.uploadState(session)).status).toBe('CLOSED');
    expect((await warehouse.commitUpload(session)).kind).toBe('refused');
    await expect(warehouse.putBlock(session, 1, block)).rejects.toMatchObject({ code: 'UPLOAD_SESSION_LOST' });
    const { rows } = await warehouse.query(
      `SELECT record_id, operation_flag, utc_timestamp, before_flag, after_flag, id, name, price, made FROM orders_log WHERE ${where} ORDER BY record_id, before_flag DESC`,
    );
    expect(rows).toEqual([
      ['41', 'I', '1700000000', 'N', 'Y', '9007199254740993', 'é', '1.50', '2023-11-14 22:13:20.000001'],
      ['42', 'U', '1700000000', 'Y', 'N', '9007199254740993', 'é', '1.50', '2023-11-14 22:13:20.000001'],
      ['42', 'U', '1700000000', 'N', 'Y', '-1', null, null, null],
    ]);
  });

  it('learns from the session that a commit without an answer went through', async () => {
    const session = await warehouse.createUpload('orders_log', partition);
    await warehouse.putBlock(session, 5, await writeBlock());
    emulator.faults.add({ on: 'commit', do: { reset: 'after' } });
    expect((await warehouse.commitUpload(session)).kind).toBe('unknown');
    expect((await warehouse.uploadState(session)).status).toBe('CLOSED');
    expect((await warehouse.query(`SELECT COUNT(*) FROM orders_log WHERE ${where}`)).rows).toEqual([['6']]);
  });

  it('downloads a partition as the rows that went in', async () => {
    const http = new MaxComputeHttp(
      { ...settings, region: null, timeouts: defaultTimeouts, query: { curr_project: 'warehouse' } },
      systemClock,
    );
    const tunnel = new Tunnel(
      {
        namespace: { project: 'warehouse', schema: null },
        endpoint: emulator.endpoint.replace('/api', ''),
        serviceEndpoint: emulator.endpoint,
        quotaName: null,
      },
      http,
      (endpoint) =>
        new MaxComputeHttp(
          { ...settings, endpoint, region: null, timeouts: defaultTimeouts, query: { curr_project: 'warehouse' } },
          systemClock,
        ),
      new TunnelQuota(systemClock),
      systemClock,
    );
    const { columns, rows } = await tunnel.downloadTable('orders_log', partition);
    expect(columns.map((column) => column.name)).toContain('made');
    expect(rows).toHaveLength(6);
    const flags = [41n, 'I', 1_700_000_000n, 'N', 'Y'];
    expect(rows).toContainEqual([...flags, 9007199254740993n, 'é', '1.50', { seconds: 1_700_000_000, nanos: 1000 }]);
    await Promise.all([http.close(), tunnel.close()]);
  });

  it('says of a session that the server does not know that it is gone', async () => {
    const ref = { table: 'orders_log', partition, uploadId: 'no-such-session' };
    expect(await warehouse.uploadState(ref)).toEqual({ status: 'GONE', blocks: [] });
  });

  it('adds a column once', async () => {
    await warehouse.addColumns('orders_log', [{ name: 'note', type: 'STRING' }]);
    await warehouse.addColumns('orders_log', [{ name: 'note', type: 'STRING' }]);
    expect((await warehouse.describeTable('orders_log'))?.columns.at(-1)).toEqual({ name: 'note', type: 'STRING' });
  });

  it('tells a failure of the service from one of the statement: it is tried again later', async () => {
    emulator.faults.add({ on: 'query', do: { diskFull: true } });
    await expect(warehouse.addColumns('orders_log', [{ name: 'more', type: 'STRING' }])).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      seen: expect.stringContaining('ODPS-0010000'),
    });
  });

  it('passes the words of the server on when SQL fails', async () => {
    await expect(warehouse.query('SELECT * FROM nothing')).rejects.toMatchObject({
      code: 'TARGET_SQL_FAILED',
      seen: expect.stringContaining('ODPS-0130131'),
    });
  });
});

const partition = 'modifytime_year=2023';
const where = "modifytime_year = '2023'";

const plan: TablePlan = {
  source: { database: 'shop', table: 'orders' },
  schemaVersion: 1,
  sourceColumns: [],
  columns: [
    { sourceIndex: 0, targetName: 'id', targetType: 'BIGINT', onUnrepresentable: 'Fail' },
    { sourceIndex: 1, targetName: 'name', targetType: 'STRING', onUnrepresentable: 'Fail' },
    { sourceIndex: 2, targetName: 'price', targetType: 'DECIMAL(10,2)', onUnrepresentable: 'Fail' },
    { sourceIndex: 3, targetName: 'made', targetType: 'TIMESTAMP_NTZ', onUnrepresentable: 'Fail' },
  ],
  key: ['id'],
  baseTable: 'orders_base',
  logTable: 'orders_log',
  partitionKeys: ['year'],
  columnNaming: 'Legacy',
  lifecycleDays: 30,
  where: null,
  timeZone: 'UTC',
  addedColumns: [],
};

async function writeBlock(): Promise<ClosedBlock> {
  const warehouse = createWarehouse(
    {
      endpoint: 'http://127.0.0.1:1',
      project: 'p',
      credentials: () => ({ accessKeyId: '', accessKeySecret: '' }),
      userAgent: 'u',
    },
    systemClock,
  );
  const writer = warehouse.openBlock(plan, { kind: 'log', counter: { next: 41 } });
  const full = (sink: RowSink): void => {
    sink.int64(0, 2 ** 21, 1);
    sink.bytes(1, Buffer.from('é'), 0, 2);
    sink.bytes(2, Buffer.from('1.50'), 0, 4);
    sink.timestamp(3, 1_700_000_000, 1000);
  };
  const batch = (kind: RowBatch['kind'], drive: (sink: RowSink) => void): RowBatch => ({
    plan,
    kind,
    utcSeconds: 1_700_000_000,
    drive: (sink) => {
      drive(sink);
      return 1;
    },
  });
  writer.write(
    batch('insert', (sink) => {
      sink.beginRow(rowKind.insert);
      full(sink);
      sink.endRow();
    }),
  );
  writer.write(
    batch('update', (sink) => {
      sink.beginRow(rowKind.before);
      full(sink);
      sink.endRow();
      sink.beginRow(rowKind.after);
      sink.int32(0, -1);
      sink.endRow();
    }),
  );
  return writer.close();
}
