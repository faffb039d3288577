import type { SyncError } from '../../operator/base/errors.js';
import { type Cut, planMerge } from '../../operator/cli/merge-cut.js';
import type { CheckpointTable } from '../../operator/model/documents.js';
import { planFor } from '../pipeline/stream-bench.js';

const complete: CheckpointTable = {
  schemaVersion: 1,
  generation: 1,
  state: 'complete',
  from: { file: 'binlog.000001', offset: 4, gtidSet: null },
  baseWatermark: 3,
  completeAfter: { file: 'binlog.000001', offset: 900, gtidSet: null },
  completeSinceSeconds: 100,
  watch: null,
};

function cutAt(generation: number): Cut {
  const plan = planFor('orders');
  const planned = { plan, from: complete.from, generation, isMade: true, snapshot: null };
  return {
    plan: { tables: [planned] },
    checkpoint: { tables: { 'shop.orders': complete }, utcSeconds: 200, recordId: 9 },
    shards: [],
    versions: [plan],
    recordId: 9,
    utcSeconds: 200,
  } as unknown as Cut;
}

test('a table is merged with the watermark of its checkpoint', () => {
  expect(planMerge('shop.orders', cutAt(1), null, 0)).toMatchObject({ baseWatermark: 3 });
});

test('a table that is being taken anew is not merged before the stream speaks of its new baseline', () => {
  expect(() => planMerge('shop.orders', cutAt(2), null, 0)).toThrow(
    expect.objectContaining<Partial<SyncError>>({ code: 'MERGE_TOO_EARLY' }),
  );
});
