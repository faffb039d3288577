import type { CheckpointTable, ShardDocument, ShardTable } from '../../operator/model/documents.js';
import { Watches } from '../../operator/pipeline/watches.js';
import { positionAfter } from './scripted-source.js';

const copying: CheckpointTable = {
  schemaVersion: 1,
  generation: 1,
  state: 'copying',
  from: positionAfter(0),
  baseWatermark: 0,
  completeAfter: null,
  completeSinceSeconds: null,
  watch: null,
};

function asking(id: string, view: number | null): ShardDocument[] {
  const table: ShardTable = {
    generation: 1,
    rowsRead: 0,
    chunksDone: 0,
    chunks: 1,
    session: null,
    commitIntent: null,
    committed: false,
    completeAfter: null,
    watch: { id, view: view === null ? null : positionAfter(view) },
  };
  const writer = { id: 'snapshot', epoch: 1, seq: 0, version: 'test' };
  return [{ format: 1, minReader: 1, taskId: 't', writer, tables: { 'shop.log': table }, updatedAtMs: 0 }];
}

const at = (transactions: number, recordId: number) => ({ position: positionAfter(transactions), recordId });

test('the watermark is the id of the last transaction on the table at or below the view', () => {
  const watches = new Watches();
  const asked = watches.answer({ 'shop.log': copying }, asking('w', null), at(3, 10));
  expect(asked['shop.log']?.watch).toEqual({ id: 'w', since: positionAfter(3), watermark: null, isLost: false });
  watches.remember('shop.log', positionAfter(4), 12);
  watches.remember('shop.log', positionAfter(6), 15);
  watches.remember('shop.log', positionAfter(8), 19);
  const answered = watches.answer(asked, asking('w', 7), at(9, 20));
  expect(answered['shop.log']?.watch?.watermark).toBe(15);
});

test('without a transaction on the table it is the id at the moment of asking', () => {
  const watches = new Watches();
  const asked = watches.answer({ 'shop.log': copying }, asking('w', null), at(3, 10));
  expect(watches.answer(asked, asking('w', 5), at(6, 30))['shop.log']?.watch?.watermark).toBe(10);
});

test('there is no answer before the stream has passed the view', () => {
  const watches = new Watches();
  const asked = watches.answer({ 'shop.log': copying }, asking('w', null), at(3, 10));
  expect(watches.answer(asked, asking('w', 5), at(4, 11))).toBe(asked);
});

test('a stream that started after the view was taken says that it is lost', () => {
  const before = new Watches();
  const asked = before.answer({ 'shop.log': copying }, asking('w', null), at(3, 10));
  const restarted = new Watches();
  expect(restarted.answer(asked, asking('w', 5), at(6, 14))['shop.log']?.watch).toMatchObject({
    isLost: true,
    watermark: null,
  });
});

test('a stream that started again before the view still answers it', () => {
  const asked = new Watches().answer({ 'shop.log': copying }, asking('w', null), at(3, 10));
  const restarted = new Watches();
  const again = restarted.answer(asked, asking('w', 9), at(6, 14));
  restarted.remember('shop.log', positionAfter(8), 17);
  expect(restarted.answer(again, asking('w', 9), at(9, 18))['shop.log']?.watch?.watermark).toBe(17);
});

test('more transactions than are remembered lose the view', () => {
  const watches = new Watches();
  const asked = watches.answer({ 'shop.log': copying }, asking('w', null), at(0, 0));
  for (let id = 1; id <= 100_001; id += 1) watches.remember('shop.log', positionAfter(id), id);
  expect(watches.answer(asked, asking('w', 50), at(100_001, 100_001))['shop.log']?.watch?.isLost).toBe(true);
});

test('another watch of the same table begins to remember anew', () => {
  const watches = new Watches();
  const first = watches.answer({ 'shop.log': copying }, asking('w', null), at(3, 10));
  watches.remember('shop.log', positionAfter(4), 12);
  const second = watches.answer(first, asking('again', null), at(5, 13));
  expect(second['shop.log']?.watch).toEqual({ id: 'again', since: positionAfter(5), watermark: null, isLost: false });
});

describe('with a view on another server than the stream reads', () => {
  const gtids = (last: number): string => `3e11fa47-71ca-11e1-9e33-c80aa9429562:1-${last}`;
  const on = (server: string, last: number) => ({ ...positionAfter(last), gtidSet: gtids(last), server });
  const viewOn = (server: string, last: number): ShardDocument[] => {
    const [shard] = asking('w', null) as [ShardDocument];
    const table = shard.tables['shop.log'] as ShardTable;
    return [{ ...shard, tables: { 'shop.log': { ...table, watch: { id: 'w', view: on(server, last) } } } }];
  };

  test('the view is lost when transactions on the table were logged since: their order may be another one there', () => {
    const watches = new Watches();
    const asked = watches.answer({ 'shop.log': copying }, asking('w', null), { position: on('a', 3), recordId: 10 });
    watches.remember('shop.log', on('a', 4), 12);
    const answer = watches.answer(asked, viewOn('b', 7), { position: on('a', 9), recordId: 20 })['shop.log']?.watch;
    expect(answer).toMatchObject({ isLost: true, watermark: null });
  });

  test('without one the view is answered when the stream has all that it shows', () => {
    const watches = new Watches();
    const asked = watches.answer({ 'shop.log': copying }, asking('w', null), { position: on('a', 3), recordId: 10 });
    const early = watches.answer(asked, viewOn('b', 7), { position: on('a', 6), recordId: 20 });
    expect(early['shop.log']?.watch?.watermark).toBeNull();
    const answered = watches.answer(asked, viewOn('b', 7), { position: on('a', 7), recordId: 25 });
    expect(answered['shop.log']?.watch).toMatchObject({ watermark: 10, isLost: false });
  });
});
