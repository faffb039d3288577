/** Which request a fault hits, and which faults are refused: no server is needed for either. */
import type { Fault } from '../../operator/emulator/faults/fault.js';
import { FaultBook, type RequestFacts } from '../../operator/emulator/faults/fault-book.js';
import { readFaults } from '../../operator/emulator/faults/fault-reader.js';

const commit: RequestFacts = { kind: 'commit', table: 'orders_log', partition: 'y=2026,m=11' };
const put: RequestFacts = { ...commit, kind: 'putBlock' };
const reset = { reset: 'after' } as const;

/** Which of so many equal requests are hit, from 0. */
function hitsOf(fault: Fault, requests: number, seed = 1): number[] {
  const book = new FaultBook();
  book.add(fault, seed);
  return Array.from({ length: requests }, (_, index) => index).filter(() => book.decide(commit) !== null);
}

describe('a fault', () => {
  it('hits once, unless it says how often and after how many', () => {
    expect(hitsOf({ on: 'commit', do: reset }, 5)).toEqual([0]);
    expect(hitsOf({ on: 'commit', do: reset, skip: 2, times: 2 }, 6)).toEqual([2, 3]);
    expect(hitsOf({ on: 'commit', do: reset, skip: 1, times: 'always' }, 4)).toEqual([1, 2, 3]);
  });

  it('hits by chance, the same way for the same seed', () => {
    const fault: Fault = { on: 'commit', do: reset, times: 'always', chance: 0.25, seed: 7 };
    const hits = hitsOf(fault, 4_000);
    expect(hits.length).toBeGreaterThan(900);
    expect(hits.length).toBeLessThan(1_100);
    expect(hitsOf(fault, 4_000, 99)).toEqual(hits);
    expect(hitsOf({ ...fault, seed: 8 }, 4_000)).not.toEqual(hits);
    expect(hitsOf({ ...fault, chance: 0 }, 100)).toEqual([]);
  });

  it('picks by kind, table and partition', () => {
    const isHit = (fault: Partial<Fault>, facts: RequestFacts): boolean => {
      const book = new FaultBook();
      book.add({ on: 'any', do: reset, ...fault }, 1);
      return book.decide(facts) !== null;
    };
    expect(isHit({ on: 'commit' }, put)).toBe(false);
    expect(isHit({ on: 'any' }, put)).toBe(true);
    expect(isHit({ table: 'Orders_LOG' }, commit)).toBe(true);
    expect(isHit({ table: 'orders_base' }, commit)).toBe(false);
    expect(isHit({ table: 'orders_log' }, { ...commit, table: null })).toBe(false);
    expect(isHit({ partition: "y='2026', m='11'" }, commit)).toBe(true);
    expect(isHit({ partition: 'y=2026,m=12' }, commit)).toBe(false);
    expect(isHit({ partition: 'y=2026,m=11' }, { ...commit, partition: null })).toBe(false);
    // What works on a session leaves other requests alone.
    expect(isHit({ do: { blockList: { omit: [0] } } }, commit)).toBe(false);
  });

  it('that hits hides the request from those behind it; one that has hit for the last time does not', () => {
    const book = new FaultBook();
    const first = book.add({ on: 'commit', do: reset }, 1);
    const second = book.add({ on: 'any', do: { halfOpen: 'after' } }, 2);
    expect(book.decide(commit)).toEqual(reset);
    expect(book.decide(commit)).toEqual({ halfOpen: 'after' });
    expect(book.decide(commit)).toBeNull();
    expect(book.list()).toEqual([
      { id: first, on: 'commit', do: reset, skip: 0, times: 1, chance: 1, seed: 1, seen: 3, hits: 1 },
      { id: second, on: 'any', do: { halfOpen: 'after' }, skip: 0, times: 1, chance: 1, seed: 2, seen: 2, hits: 1 },
    ]);
    expect([book.remove(first), book.remove(first), book.isEmpty]).toEqual([true, false, false]);
  });
});

const all = { restart: false, kill: false };
const good: readonly unknown[] = [
  { on: 'commit', do: { answer: { status: 503, when: 'after' } }, table: 't', partition: 'p=1' },
  { on: 'any', do: { answer: { status: 429, code: 'SlotExceeded', message: 'm', retryAfter: 3 } }, times: 'always' },
  { on: 'createUpload', do: { answer: { status: 502, html: true } }, skip: 1, times: 2, chance: 0.5, seed: 4 },
  { on: 'query', do: { reset: 'before' } },
  { on: 'putBlock', do: { reset: { requestByte: 10 } } },
  { on: 'download', do: { reset: { answerByte: 0 } } },
  { on: 'table', do: { slow: { delayMs: 5, bytesPerSecond: 10 } } },
  { on: 'stream', do: { halfOpen: 'before' } },
  { on: 'reload', do: { session: 'forgotten' } },
  { on: 'reload', do: { blockList: { omit: [1], add: [{ id: 7, rows: 3 }], moreRows: -1 } } },
  { on: 'putBlock', do: { loseBlock: true } },
  { on: 'putBlock', do: { late: { lands: { beforeRequest: 1 }, answer: 'success' } } },
  { on: 'commit', do: { late: { lands: { afterMs: 9 }, answer: { status: 500 } } } },
  { on: 'commit', do: { committing: { lands: { afterRequest: 2 }, outcome: 'normal', answer: 'none' } } },
  { on: 'commit', do: { diskFull: true } },
  { on: 'commit', do: { restart: { when: 'after', forgetSessions: true } } },
  { on: 'commit', do: { kill: 'after' } },
];

describe('JSON of faults', () => {
  it('that is right is taken as it is', () => {
    expect(readFaults(good, all)).toEqual({ faults: good, mistakes: [] });
    expect(readFaults(good[0], all).faults).toEqual([good[0]]);
    expect(readFaults([], all)).toEqual({ faults: [], mistakes: [] });
  });

  it.each([
    [null, ['null; wanted: a fault such as']],
    [{}, ['on: missing; wanted: createUpload', 'do: missing; wanted: exactly one of answer']],
    [{ on: 'comit', do: { reset: 'aftr' } }, ['on: "comit"; wanted', 'do.reset: "aftr"; wanted: before, after']],
    [{ on: 'any', do: { reset: 'after', kill: 'after' } }, ['do: reset, kill; wanted: exactly one of']],
    [{ on: 'any', do: { toString: 1 } }, ['do: toString; wanted: exactly one of']],
    [{ on: 'any', do: { reset: { requestByte: 1, answerByte: 1 } } }, ['do.reset: wanted: before']],
    [{ on: 'any', do: { reset: 'after' }, tims: 3 }, ['tims: unknown; known: on, do']],
    [{ on: 'any', do: { reset: 'after' }, times: 0, chance: 2 }, ['times: 0; wanted', 'chance: 2; wanted']],
    [{ on: 'any', do: { reset: 'after' }, skip: -1, seed: 0.5 }, ['skip: -1; wanted', 'seed: 0.5; wanted']],
    [
      { on: 'any', do: { answer: { status: 200, retryAfter: 'x' } } },
      ['do.answer.status: 200', 'do.answer.retryAfter'],
    ],
    [{ on: 'any', do: { slow: {} } }, ['do.slow: wanted: delayMs']],
    [{ on: 'commit', do: { loseBlock: true } }, ['do: loseBlock is for putBlock, not for commit']],
    [{ on: 'putBlock', do: { loseBlock: false } }, ['do.loseBlock: false; wanted: true']],
    [{ on: 'commit', do: { late: {} } }, ['do.late.lands: missing', 'do.late.answer: missing; wanted: success']],
    [
      { on: 'commit', do: { late: { lands: { afterMs: 1, afterRequest: 1 }, answer: 'success' } } },
      ['do.late.lands: wanted: exactly one', 'do.late.answer: success is for putBlock'],
    ],
    [{ on: 'reload', do: { blockList: { add: [{ id: 1 }] } } }, ['do.blockList.add[0].rows: missing']],
    [{ on: 'query', do: { reset: 'after' }, table: 't' }, ['table: a query is not told apart by its tables']],
    [
      [{ on: 'any', do: { kill: 'x' } }, 5],
      ['[0].do.kill: "x"; wanted: before, after', '[1]: 5; wanted: a fault'],
    ],
  ])('that is wrong is told with all its mistakes: %j', (value, expected) => {
    const { faults, mistakes } = readFaults(value, all);
    expect(faults).toEqual([]);
    expect(mistakes).toEqual(expected.map((text) => expect.stringContaining(text)));
  });

  it('that asks for what this emulator cannot do is refused', () => {
    const value = [
      { on: 'any', do: { restart: { when: 'before' } } },
      { on: 'any', do: { kill: 'before' } },
    ];
    expect(readFaults(value, { restart: true, kill: true }).mistakes).toEqual([
      '[0].do: restart needs a data folder: start with --data',
      '[1].do: kill needs an emulator that is a process of its own',
    ]);
  });
});
