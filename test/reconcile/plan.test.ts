import {
  type CheckpointDocument,
  type ConfigDocument,
  documentFormat,
  type PlanDocument,
  type ShardDocument,
} from '../../operator/model/documents.js';
import type { ObservedWorker, WorkerRole } from '../../operator/model/ports.js';
import type { BinlogPosition } from '../../operator/model/position.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import type { Observed } from '../../operator/reconcile/observe.js';
import { plan } from '../../operator/reconcile/plan.js';
import { noRestarts, type Restarts, restartDelayMs } from '../../operator/reconcile/restarts.js';
import type { Action, Phase, TaskRules } from '../../operator/reconcile/view.js';

const nowMs = Date.UTC(2026, 10, 22, 12, 0, 0);
const place: BinlogPosition = { file: 'binlog.000001', offset: 4, gtidSet: null };
const rules: TaskRules = {
  mode: 'FullAndIncremental',
  suspend: false,
  maxRestarts: 3,
  lagThresholdMs: 300_000,
  goal: 'stay',
};
const envelope = {
  format: documentFormat,
  minReader: documentFormat,
  taskId: 't1',
  writer: { id: 'w', epoch: 1, seq: 1, version: '0' },
};

const config: ConfigDocument = { ...envelope, task: {}, inputHash: 'h1', resnapshot: null };

const orders = {
  source: { database: 'shop', table: 'orders' },
  baseTable: 'orders_base',
  logTable: 'orders_log',
} as TablePlan;

const prepared: PlanDocument = {
  ...envelope,
  inputHash: 'h1',
  stage: 'done',
  start: {
    position: place,
    method: 'lock',
    identity: { flavor: 'mysql', version: '8', serverUuid: 'u', serverId: 1, gtidDomain: null },
  },
  tables: [
    {
      plan: orders,
      from: place,
      generation: 1,
      isMade: true,
      snapshot: { chunks: [], inOneView: false, rowsEstimate: 200 },
    },
  ],
  serverId: 7,
  resnapshotNonce: null,
  firstRecordId: 1,
  lastGeneration: 1,
};

function shard(over: Partial<ShardDocument['tables'][string]> = {}): ShardDocument {
  const table = {
    generation: 1,
    rowsRead: 50,
    chunksDone: 1,
    chunks: 4,
    session: null,
    commitIntent: null,
    committed: false,
    completeAfter: null,
    watch: null,
  };
  return { ...envelope, tables: { 'shop.orders': { ...table, ...over } }, updatedAtMs: nowMs };
}

function checkpoint(state: 'copying' | 'complete', over: Partial<CheckpointDocument> = {}): CheckpointDocument {
  return {
    ...envelope,
    configHash: 'h1',
    identity: prepared.start.identity,
    serverId: 7,
    position: place,
    recordId: 10,
    utcSeconds: nowMs / 1000 - 4,
    intent: null,
    tables: {
      'shop.orders': {
        schemaVersion: 1,
        generation: 1,
        state,
        from: place,
        baseWatermark: 0,
        completeAfter: null,
        completeSinceSeconds: state === 'complete' ? 1_700_000_000 : null,
        watch: null,
      },
    },
    counts: { changes: 5, flushes: 1, nulled: {} },
    savedAtMs: nowMs,
    caughtUp: false,
    ...over,
  };
}

const running = (role: WorkerRole, inputHash = 'h1/'): ObservedWorker => ({
  role,
  inputHash,
  state: 'running',
  exitCode: null,
  lastWords: null,
  endedAtMs: null,
});
const ended = (role: WorkerRole, exitCode: number | null, endedAtMs = nowMs - 100, code?: string): ObservedWorker => ({
  role,
  inputHash: 'h1/',
  state: 'ended',
  exitCode,
  lastWords: code === undefined ? null : { code, seen: 's', wanted: 'w', fix: 'f' },
  endedAtMs,
});

function restarts(role: WorkerRole, count: number, endedAtMs = nowMs - 100): Restarts {
  return { ...noRestarts, [role]: { count, total: count, endedAtMs, progress: '' } };
}

function observed(over: Partial<Observed> = {}): Observed {
  return {
    config,
    precheck: null,
    plan: null,
    shards: [],
    checkpoint: null,
    workers: [],
    restarts: noRestarts,
    isCheckpointCurrent: true,
    ...over,
  };
}

/** `start prepare`, `stop stream`, `done 0` */
function words(actions: readonly Action[]): string[] {
  return actions.map((action) => {
    if (action.kind === 'startWorker') return `start ${action.worker.role}`;
    return action.kind === 'stopWorker' ? `stop ${action.role}` : `done ${action.exitCode}`;
  });
}

type Row = readonly [
  name: string,
  rules: Partial<TaskRules>,
  observed: Partial<Observed>,
  phase: Phase,
  actions: string[],
];

const copying: Partial<Observed> = { plan: prepared, shards: [shard()], checkpoint: checkpoint('copying') };
const complete: Partial<Observed> = {
  plan: prepared,
  shards: [shard({ committed: true })],
  checkpoint: checkpoint('complete'),
};
const both = [running('snapshot'), running('stream')];

const rows: readonly Row[] = [
  ['a new task is prechecked first', {}, {}, 'Prechecking', ['start prepare']],
  ['a precheck under way is left alone', {}, { workers: [running('prepare')] }, 'Prechecking', []],
  [
    'tables being made are the initial schema',
    {},
    { plan: { ...prepared, stage: 'schema' }, workers: [running('prepare')] },
    'InitialSchema',
    [],
  ],
  [
    'a plan of another input is prechecked again',
    {},
    { plan: { ...prepared, inputHash: 'h0' } },
    'Prechecking',
    ['start prepare'],
  ],
  [
    'a refused precheck ends the task',
    {},
    { workers: [ended('prepare', 2, nowMs, 'PRECHECK_FAILED')] },
    'PrecheckFailed',
    ['done 2'],
  ],
  [
    'a precheck that could not ask is tried again after its back-off',
    {},
    { workers: [ended('prepare', 75, nowMs - 100)], restarts: restarts('prepare', 1) },
    'Prechecking',
    [],
  ],
  [
    '... and is started when that is over',
    {},
    { workers: [ended('prepare', 75, nowMs - 1_000)], restarts: restarts('prepare', 1, nowMs - 1_000) },
    'Prechecking',
    ['start prepare'],
  ],
  ['snapshot and stream start together', {}, { plan: prepared }, 'InitialData', ['start stream', 'start snapshot']],
  ['FullOnly has no stream', { mode: 'FullOnly' }, { plan: prepared }, 'InitialData', ['start snapshot']],
  [
    'IncrementalOnly has no snapshot',
    { mode: 'IncrementalOnly' },
    { plan: { ...prepared, tables: [{ ...prepared.tables[0]!, snapshot: null }] } },
    'InitialData',
    ['start stream'],
  ],
  ['while both work there is nothing to do', {}, { ...copying, workers: both }, 'InitialData', []],
  [
    'a snapshot that was killed is started again; the stream goes on',
    {},
    {
      ...copying,
      workers: [ended('snapshot', null, nowMs - 1_000), running('stream')],
      restarts: restarts('snapshot', 1, nowMs - 1_000),
    },
    'InitialData',
    ['start snapshot'],
  ],
  [
    'a finished snapshot is not started again',
    {},
    { ...copying, shards: [shard({ committed: true })], workers: [ended('snapshot', 0), running('stream')] },
    'InitialData',
    [],
  ],
  [
    'every table past its completeAfter: synchronizing',
    {},
    { ...complete, workers: [ended('snapshot', 0), running('stream')] },
    'Synchronizing',
    [],
  ],
  [
    'a stream that asks for another try gets one after its back-off',
    {},
    { ...complete, workers: [ended('stream', 75, nowMs - 7_999)], restarts: restarts('stream', 4 - 1, nowMs - 3_999) },
    'Synchronizing',
    [],
  ],
  [
    'restarts without progress end',
    {},
    { ...complete, workers: [ended('stream', 75)], restarts: restarts('stream', 4) },
    'Failed',
    ['done 75'],
  ],
  [
    '... after the others have flushed',
    {},
    { ...copying, workers: [ended('snapshot', 75), running('stream')], restarts: restarts('snapshot', 4) },
    'Failed',
    ['stop stream'],
  ],
  [
    'FullOnly is complete when every baseline is committed',
    { mode: 'FullOnly' },
    { plan: prepared, shards: [shard({ committed: true })], workers: [ended('snapshot', 0)] },
    'Completed',
    ['done 0'],
  ],
  [
    '... and its worker is gone',
    { mode: 'FullOnly' },
    { plan: prepared, shards: [shard({ committed: true })], workers: [running('snapshot')] },
    'Completed',
    [],
  ],
  [
    'a purged position stops all',
    {},
    { ...copying, workers: [running('snapshot'), ended('stream', 65, nowMs, 'POSITION_LOST')] },
    'PositionLost',
    ['stop snapshot'],
  ],
  [
    '... and ends with 65',
    {},
    { ...copying, workers: [ended('snapshot', 0), ended('stream', 65, nowMs, 'POSITION_LOST')] },
    'PositionLost',
    ['done 65'],
  ],
  [
    'an incompatible change ends with 67',
    {},
    { ...complete, workers: [ended('stream', 67, nowMs, 'DDL_INCOMPATIBLE')] },
    'Failed',
    ['done 67'],
  ],
  ['rejected credentials end with 66', {}, { ...complete, workers: [ended('stream', 66)] }, 'Failed', ['done 66']],
  ['another writer ends with 68', {}, { ...complete, workers: [ended('stream', 68)] }, 'Failed', ['done 68']],
  ['another server ends with 69', {}, { ...complete, workers: [ended('stream', 69)] }, 'Failed', ['done 69']],
  ['a bug ends with 1', {}, { ...complete, workers: [ended('stream', 1)] }, 'Failed', ['done 1']],
  [
    'an exit code that is none of ours is a bug',
    {},
    { ...complete, workers: [ended('stream', 134)] },
    'Failed',
    ['done 1'],
  ],
  [
    'of two failures the first one counts',
    {},
    { ...copying, workers: [ended('snapshot', 66, nowMs - 5), ended('stream', 67, nowMs - 9)] },
    'Failed',
    ['done 67'],
  ],
  [
    'asked to stop: workers flush first',
    { goal: 'stop' },
    { ...copying, workers: both },
    'InitialData',
    ['stop snapshot', 'stop stream'],
  ],
  [
    '... then the end',
    { goal: 'stop' },
    { ...copying, workers: [ended('snapshot', 0), ended('stream', 0)] },
    'InitialData',
    ['done 0'],
  ],
  [
    'suspend stops the workers',
    { suspend: true },
    { ...complete, workers: [running('stream')] },
    'Suspended',
    ['stop stream'],
  ],
  ['... and rests', { suspend: true }, complete, 'Suspended', ['done 0']],
  [
    'until synchronizing',
    { goal: 'synchronizing' },
    { ...complete, workers: [running('stream')] },
    'Synchronizing',
    ['stop stream'],
  ],
  [
    'until synchronizing, stopped',
    { goal: 'synchronizing' },
    { ...complete, workers: [ended('stream', 0)] },
    'Synchronizing',
    ['done 0'],
  ],
  [
    'until caught up goes on before that',
    { goal: 'caught-up' },
    { ...complete, workers: [running('stream')] },
    'Synchronizing',
    [],
  ],
  [
    'until caught up',
    { goal: 'caught-up' },
    { ...complete, checkpoint: checkpoint('complete', { caughtUp: true }), workers: [running('stream')] },
    'Synchronizing',
    ['stop stream'],
  ],
  [
    'caught up in an earlier run does not count',
    { goal: 'caught-up' },
    { ...complete, checkpoint: checkpoint('complete', { caughtUp: true }), isCheckpointCurrent: false },
    'Synchronizing',
    ['start stream'],
  ],
  [
    'caught up while a baseline is copied is not the goal',
    { goal: 'caught-up' },
    { ...copying, checkpoint: checkpoint('copying', { caughtUp: true }), workers: both },
    'InitialData',
    [],
  ],
  [
    'a new snapshot is asked for: workers end at a checkpoint first',
    {},
    { ...complete, config: { ...config, resnapshot: { nonce: 5, tables: [] } }, workers: [running('stream')] },
    'Prechecking',
    ['stop stream'],
  ],
  [
    '... then it is planned',
    {},
    { ...complete, config: { ...config, resnapshot: { nonce: 5, tables: [] } }, workers: [ended('stream', 0)] },
    'Prechecking',
    ['start prepare'],
  ],
  [
    '... then copied, with the stream running',
    {},
    {
      ...complete,
      config: { ...config, resnapshot: { nonce: 5, tables: [] } },
      plan: { ...prepared, resnapshotNonce: 5, tables: [{ ...prepared.tables[0]!, generation: 2 }] },
    },
    'InitialData',
    ['start stream', 'start snapshot'],
  ],
  [
    'a failure of an earlier input does not stop the new one',
    {},
    {
      ...complete,
      config: { ...config, resnapshot: { nonce: 5, tables: [] } },
      workers: [ended('stream', 67, nowMs, 'DDL_INCOMPATIBLE')],
    },
    'Prechecking',
    ['start prepare'],
  ],
  [
    'a worker of another input is replaced',
    {},
    { ...complete, workers: [running('stream', 'h0/')] },
    'Synchronizing',
    ['stop stream'],
  ],
];

test.each(rows)('%s', (_, over, seen, phase, actions) => {
  const decision = plan({ ...rules, ...over }, observed(seen), nowMs);
  expect(decision.status.phase).toBe(phase);
  expect(words(decision.actions)).toEqual(actions);
});

test('the same look twice gives the same decision, and nothing is started twice', () => {
  for (const [, over, seen] of rows) {
    const first = plan({ ...rules, ...over }, observed(seen), nowMs);
    expect(plan({ ...rules, ...over }, observed(seen), nowMs)).toEqual(first);
    const started = first.actions.flatMap((action) => (action.kind === 'startWorker' ? [action.worker] : []));
    for (const { role } of started)
      expect(seen.workers?.some((w) => w.role === role && w.state === 'running') ?? false).toBe(false);
  }
});

test('back-off doubles from one second to five minutes', () => {
  expect([0, 1, 2, 3, 9, 10, 60].map(restartDelayMs)).toEqual([0, 1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
});

describe('the status', () => {
  test('tells why it waits, in the words of the worker', () => {
    const seen = observed({
      ...complete,
      workers: [ended('stream', 75, nowMs - 100, 'SOURCE_UNREACHABLE')],
      restarts: restarts('stream', 3),
    });
    const { status } = plan(rules, seen, nowMs);
    expect(status.message).toBe('stream ended with SOURCE_UNREACHABLE; next try in 4 s');
    expect(status.failure?.fix).toBe('f');
    expect(status.restarts).toBe(3);
  });

  test('counts what became NULL, in the copy and in the stream', () => {
    const shards = [{ ...shard(), nulled: { 'shop.orders.paid': 2, 'shop.orders.born': 1 } }];
    const counts = { changes: 5, flushes: 1, nulled: { 'shop.orders.paid': 3 } };
    const { status } = plan(
      rules,
      observed({ ...copying, shards, checkpoint: checkpoint('copying', { counts }) }),
      nowMs,
    );
    expect(status.nulled).toEqual({ 'shop.orders.paid': 5, 'shop.orders.born': 1 });
  });

  test('shows each table: rows, percent and from when on it can be merged', () => {
    const { status } = plan(rules, observed({ ...copying, workers: both }), nowMs);
    expect(status.tables).toEqual([
      {
        table: 'shop.orders',
        baseTable: 'orders_base',
        logTable: 'orders_log',
        phase: 'Copying',
        rowsCopied: 50,
        rowsEstimate: 200,
        percent: 25,
        completeSince: null,
      },
    ]);
    expect(status.lagMs).toBe(4_000);
    const later = plan(rules, observed({ ...complete, workers: [running('stream')] }), nowMs).status;
    expect(later.tables[0]).toMatchObject({
      phase: 'Synchronizing',
      percent: 100,
      completeSince: '2023-11-14T22:13:20.000Z',
    });
    expect(later.conditions.filter((each) => each.status === 'True').map((each) => each.type)).toEqual([
      'Ready',
      'SnapshotComplete',
      'Streaming',
      'LagWithinThreshold',
      'CredentialsValid',
    ]);
  });

  test('never shows a hundred percent before the commit', () => {
    const seen = observed({ ...copying, shards: [shard({ chunksDone: 4 })], workers: both });
    expect(plan(rules, seen, nowMs).status.tables[0]?.percent).toBe(99);
  });
});
