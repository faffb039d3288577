import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { Clock } from '../../operator/base/clock.js';
import { startEmulator } from '../../operator/emulator/emulator.js';
import { serviceQuotas } from '../../operator/emulator/quotas.js';
import { readRecords } from '../../operator/maxcompute/records/reader.js';
import { parseRecordType } from '../../operator/maxcompute/records/types.js';
import { type Bench, block, startBench } from './raw-client.js';

const types = ['bigint', 'string'];
const one = (id: bigint, name: string | null = null): Uint8Array => block(types, [[id, name]]);
const listed = async (bench: Bench, id: string) =>
  JSON.parse((await bench.send('GET', '/projects/proj/tables/t', { uploadid: id })).text);

class HandClock implements Clock {
  ms = Date.UTC(2026, 0, 1);
  nowMs(): number {
    return this.ms;
  }
  monotonicMs(): number {
    return this.ms;
  }
  sleep(): Promise<void> {
    return new Promise(() => undefined);
  }
}

describe('an upload session', () => {
  let bench: Bench;
  const clock = new HandClock();

  beforeAll(async () => {
    bench = await startBench({ clock });
    await bench.sql('create table t (id bigint, name string)');
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    await bench.sql('truncate table t');
  });

  it('shows nothing before its commit, and its blocks once after it', async () => {
    const id = await bench.open('t');
    await bench.put('t', id, 0, one(1n));
    await bench.put('t', id, 7, one(2n));
    expect(await bench.rows('select id from t')).toEqual([]);
    expect(await listed(bench, id)).toMatchObject({
      Status: 'normal',
      UploadedBlockList: [
        { BlockID: 0, RecordCount: 1 },
        { BlockID: 7, RecordCount: 1 },
      ],
    });
    expect((await bench.commit('t', id)).status).toBe(200);
    expect(await bench.rows('select id from t order by id limit 9')).toEqual([[1n], [2n]]);
    expect(await listed(bench, id)).toMatchObject({ Status: 'closed' });
  });

  it('takes the last content of a block that is sent again', async () => {
    const id = await bench.open('t');
    await bench.put('t', id, 0, one(1n));
    await bench.put(
      't',
      id,
      0,
      block(types, [
        [5n, 'x'],
        [6n, 'y'],
      ]),
    );
    await bench.commit('t', id);
    expect(await bench.rows('select id, name from t order by id limit 9')).toEqual([
      [5n, 'x'],
      [6n, 'y'],
    ]);
  });

  it('is committed once: later commits and blocks meet a StatusConflict', async () => {
    const id = await bench.open('t');
    await bench.put('t', id, 0, one(1n));
    const answers = await Promise.all([1, 2, 3].map(() => bench.commit('t', id)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409, 409]);
    const late = await bench.put('t', id, 1, one(2n));
    expect([late.status, JSON.parse(late.text).Code]).toEqual([409, 'StatusConflict']);
    expect(await bench.rows('select count(*) from t')).toEqual([[1n]]);
  });

  it('refuses a block with a wrong byte, or cut, and does not list it', async () => {
    const id = await bench.open('t');
    const wrong = Buffer.from(one(1n, 'a'));
    wrong[1] = 4;
    const answer = await bench.put('t', id, 0, wrong);
    expect([answer.status, JSON.parse(answer.text).Code]).toEqual([400, 'CorruptedDataStream']);
    expect((await bench.put('t', id, 0, one(1n).subarray(0, 5))).status).toBe(400);
    expect((await bench.put('t', id, 20_000, one(1n))).status).toBe(400);
    expect((await listed(bench, id)).UploadedBlockList).toEqual([]);
  });

  it('takes deflate and zstd, and refuses other encodings and Arrow with a code', async () => {
    const id = await bench.open('t');
    const encoded = (encoding: string, body: Uint8Array, at: number) =>
      bench.put('t', id, at, body, { 'content-encoding': encoding });
    expect((await encoded('deflate', deflateSync(one(1n)), 0)).status).toBe(200);
    expect((await encoded('deflate', one(1n), 1)).status).toBe(400);
    expect((await encoded('deflate', deflateSync(one(1n)).subarray(0, 9), 1)).status).toBe(400);
    expect((await encoded('x-snappy-framed', one(1n), 1)).status).toBe(415);
    await bench.commit('t', id);
    expect(await bench.rows('select id from t')).toEqual([[1n]]);
  });

  it('reads the blocks that the official clients compressed', async () => {
    const { compressedBlocks } = JSON.parse(readFileSync(new URL('../vectors/records.json', import.meta.url), 'utf8'));
    const { schema: _, ...clients } = compressedBlocks as Record<
      string,
      { 'Content-Encoding': string | null; base64: string }[]
    >;
    let taken = 0;
    for (const { 'Content-Encoding': encoding, base64 } of Object.values(clients).flat()) {
      if (encoding !== null && encoding !== 'deflate' && encoding !== 'zstd') continue;
      await bench.sql('truncate table t');
      const id = await bench.open('t');
      const headers: Record<string, string> = encoding === null ? {} : { 'content-encoding': encoding };
      await bench.put('t', id, 0, Buffer.from(base64, 'base64'), headers);
      await bench.commit('t', id);
      expect(await bench.rows('select * from t order by id limit 9')).toEqual([
        [1n, 'a'],
        [2n, null],
      ]);
      taken += 1;
    }
    expect(taken).toBe(5);
  });

  it('is expired after 24 hours, and takes no commit then', async () => {
    const id = await bench.open('t');
    await bench.put('t', id, 0, one(1n));
    clock.ms += 24 * 3600 * 1000;
    expect(await listed(bench, id)).toMatchObject({ Status: 'expired' });
    expect((await bench.commit('t', id)).status).toBe(409);
    expect(await bench.rows('select count(*) from t')).toEqual([[0n]]);
  });

  it('is unknown under another id, another table, or after the table was dropped', async () => {
    await bench.sql('create table gone (id bigint, name string)');
    const id = await bench.open('gone');
    const codes = [];
    codes.push(JSON.parse((await bench.commit('t', id)).text).Code);
    codes.push(JSON.parse((await bench.commit('t', 'nope')).text).Code);
    await bench.sql('drop table gone');
    codes.push(JSON.parse((await bench.commit('gone', id)).text).Code);
    await bench.sql('create table gone (id bigint, name string)');
    codes.push(JSON.parse((await bench.commit('gone', id)).text).Code);
    expect(codes).toEqual(['NoSuchUpload', 'NoSuchUpload', 'NoSuchTable', 'NoSuchUpload']);
  });

  it('gives NULL to columns that were added after it was opened', async () => {
    await bench.sql('create table w (id bigint) partitioned by (pt string)');
    const id = await bench.open('w', { partition: 'pt=1', create_partition: 'true' });
    await bench.send(
      'PUT',
      '/projects/proj/tables/w',
      { uploadid: id, blockid: '0', partition: 'pt=1' },
      block(['bigint'], [[1n]]),
      { 'content-type': 'x' },
    );
    await bench.sql('alter table w add columns (more string comment "c")');
    await bench.send('POST', '/projects/proj/tables/w', { uploadid: id, partition: 'pt=1' });
    expect(await bench.rows('select * from w')).toEqual([[1n, null, '1']]);
  });

  it('overwrites the partition where it was asked to', async () => {
    await bench.sql('create table o (id bigint) partitioned by (pt string)');
    await bench.upload('o', block(['bigint'], [[1n]]), { partition: 'pt=a', create_partition: '' });
    await bench.upload('o', block(['bigint'], [[2n]]), { partition: 'pt=b', create_partition: '' });
    await bench.upload('o', block(['bigint'], [[3n]]), { partition: 'pt=a', overwrite: 'true' });
    expect(await bench.rows('select * from o order by id limit 9')).toEqual([
      [2n, 'b'],
      [3n, 'a'],
    ]);
  });
});

test('uploads, queries, downloads and table changes go on beside each other', async () => {
  const bench = await startBench();
  try {
    await bench.sql('create table t (id bigint, name string); create table sums (n bigint, s bigint)');
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      for (let round = 0; round < 10; round += 1) {
        const ids = Array.from({ length: 50 }, (_, row) => BigInt(writer * 1000 + round * 50 + row));
        await bench.upload(
          't',
          block(
            types,
            ids.map((id) => [id, `row ${id}`]),
          ),
        );
      }
    });
    const seen: bigint[] = [];
    const reader = (async () => {
      for (let round = 0; round < 15; round += 1) {
        const [[count]] = (await bench.rows('select count(*) from t')) as [[bigint]];
        seen.push(count);
        await bench.sql('insert overwrite table sums select count(*), sum(id) from t');
        if (round === 5) await bench.sql('alter table t add columns (more bigint)');
      }
    })();
    await Promise.all([...writers, reader]);
    // A session is there as a whole or not at all, and never goes away again.
    expect(seen.filter((count) => count % 50n !== 0n)).toEqual([]);
    expect(seen).toEqual([...seen].sort((left, right) => (left < right ? -1 : 1)));
    expect(await bench.rows('select count(*), count(distinct id), count(more) from t')).toEqual([[3000n, 3000n, 0n]]);
  } finally {
    await bench.close();
  }
});

test('a download of rows that were since replaced is told so; rows added later change nothing', async () => {
  const bench = await startBench();
  try {
    await bench.sql("create table t (id bigint, name string); insert into t values (1, 'a'), (2, 'b')");
    const session = JSON.parse((await bench.send('POST', '/projects/proj/tables/t', { downloads: '' })).text);
    expect(session).toMatchObject({ Status: 'normal', RecordCount: 2 });
    const query = { downloadid: session.DownloadID, data: '', rowrange: '(0,2)', columns: 'name,id' };
    const read = async () => {
      const answer = await bench.send('GET', '/projects/proj/tables/t', query);
      return answer.status === 200
        ? readRecords(
            [types[1], types[0]].map((type) => parseRecordType(type as string)),
            answer.bytes,
          )
        : JSON.parse(answer.text).Code;
    };
    await bench.sql("insert into t values (3, 'c')");
    expect(await read()).toEqual([
      ['a', 1n],
      ['b', 2n],
    ]);
    await bench.sql('insert overwrite table t select * from t');
    expect(await read()).toBe('TableModified');
  } finally {
    await bench.close();
  }
});

describe('the quotas', () => {
  it('refuse the 76th commit in 15 seconds with a wait, and take it after the wait', async () => {
    const clock = new HandClock();
    const bench = await startBench({ clock, quotas: serviceQuotas });
    try {
      await bench.sql('create table t (id bigint, name string)');
      const ids = [];
      for (let index = 0; index < 76; index += 1) ids.push(await bench.open('t'));
      const answers = [];
      for (const id of ids) answers.push(await bench.commit('t', id));
      expect(answers.filter((answer) => answer.status === 200)).toHaveLength(75);
      expect(answers[75]).toMatchObject({ status: 429 });
      expect(answers[75]?.headers.get('retry-after')).toBe('15');
      clock.ms += 15_000;
      expect((await bench.commit('t', ids[75] as string)).status).toBe(200);
    } finally {
      await bench.close();
    }
  });
});

describe('a data folder', () => {
  it('holds what was answered when the process ends without warning', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcsync-test-'));
    const first = await startBench({ dataDir: join(folder, 'a') });
    try {
      await first.sql('create table t (id bigint, name string) comment "kept"');
      await first.sql("create table p (id bigint) partitioned by (pt string); alter table p add partition (pt='x')");
      await first.upload('t', one(1n, 'loaded'));
      expect(await first.rows('select count(*) from t')).toEqual([[1n]]);
      await first.upload('t', one(2n, 'waiting'));
      await first.upload('p', block(['bigint'], [[3n]]), { partition: 'pt=x' });
      const open = await first.open('t');
      await first.put('t', open, 0, one(4n, 'later'));
      await first.sql("insert into t values (9, 'by sql')");
      await first.upload('t', one(5n, 'last'));

      // What a kill leaves: the files as they are, the last line of the journal perhaps half written.
      const killed = join(folder, 'b');
      cpSync(join(folder, 'a'), killed, { recursive: true });
      appendFileSync(join(killed, 'uploads.journal'), '{"t":"commit","id":"');
      const second = await startBench({ dataDir: killed });
      try {
        expect(await second.rows('select id, name from t order by id limit 9')).toEqual([
          [1n, 'loaded'],
          [2n, 'waiting'],
          [5n, 'last'],
          [9n, 'by sql'],
        ]);
        expect(await second.rows('select * from p')).toEqual([[3n, 'x']]);
        expect((await second.commit('t', open)).status).toBe(200);
        expect((await second.commit('t', open)).status).toBe(409);
        expect(await second.rows('select name from t where id = 4')).toEqual([['later']]);
      } finally {
        await second.close();
      }
      const third = await startBench({ dataDir: killed });
      expect(await third.rows('select count(*) from t')).toEqual([[5n]]);
      await third.close();
    } finally {
      await first.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('that another emulator has open, or whose journal is damaged inside, is refused with a code', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcsync-test-'));
    try {
      const first = await startBench({ dataDir: folder });
      await first.sql('create table t (id bigint, name string)');
      await first.upload('t', one(1n));
      await first.close();
      const path = join(folder, 'uploads.journal');
      const { size } = statSync(path);
      truncateSync(path, size - 3);
      appendFileSync(path, '\n{}\n');
      await expect(startBench({ dataDir: folder })).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('a port that is taken is told as PORT_IN_USE', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const options = { port, dataDir: null, project: 'p', accessKeyId: 'a', accessKeySecret: 's' };
  await expect(startEmulator(options)).rejects.toMatchObject({ code: 'PORT_IN_USE' });
  await new Promise((resolve) => server.close(resolve));
});
