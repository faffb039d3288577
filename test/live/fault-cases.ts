/**
 * The faults of the emulator as they meet a task: for one target table, whether its baseline is filled or its log. Those
 * that mcsync settles within seconds, and those for which it waits longer, which need a clock that jumps.
 */
import type { Effect, Fault, RequestKind } from '../../operator/emulator/faults/fault.js';

export interface FaultCase {
  readonly name: string;
  readonly faults: (table: string) => readonly Fault[];
  /** Part of the short run. */
  readonly isShort?: boolean;
}

const one =
  (on: RequestKind, effect: Effect, more: Partial<Fault> = {}) =>
  (table: string): readonly Fault[] => [{ on, table, do: effect, ...more }];

export const quickCases: readonly FaultCase[] = [
  { name: 'commit carried out, answer lost', faults: one('commit', { reset: 'after' }), isShort: true },
  { name: 'commit cut before', faults: one('commit', { reset: 'before' }) },
  { name: 'commit cut in its answer', faults: one('commit', { reset: { answerByte: 60 } }) },
  { name: 'commit 500', faults: one('commit', { answer: { status: 500 } }) },
  { name: 'commit 503, carried out', faults: one('commit', { answer: { status: 503, when: 'after' } }) },
  {
    name: 'commit 502 of a gateway, carried out',
    faults: one('commit', { answer: { status: 502, html: true, when: 'after' } }),
  },
  { name: 'commit 429', faults: one('commit', { answer: { status: 429, retryAfter: 1 } }, { times: 2 }) },
  { name: 'commit 409, not carried out', faults: one('commit', { answer: { status: 409 } }) },
  {
    name: 'commit refused, lands after it was found open',
    faults: one('commit', { late: { lands: { afterRequest: 1 }, answer: { status: 503 } } }),
    isShort: true,
  },
  {
    name: 'commit refused, lands before anyone asks',
    faults: one('commit', { late: { lands: { beforeRequest: 1 }, answer: { status: 500 } } }),
  },
  { name: 'commit lands by itself', faults: one('commit', { late: { lands: { afterMs: 300 }, answer: 'reset' } }) },
  {
    name: 'commit lands after the second one',
    faults: one('commit', { late: { lands: { afterRequest: 2 }, answer: 'reset' } }),
  },
  {
    name: 'commit under way, lands',
    faults: one('commit', { committing: { lands: { afterRequest: 2 } } }),
    isShort: true,
  },
  {
    name: 'commit under way without an answer of its own, lands',
    faults: one('commit', { committing: { lands: { afterMs: 1_500 }, answer: { status: 504, html: true } } }),
  },
  {
    name: 'commit under way, falls back',
    faults: one('commit', { committing: { lands: { beforeRequest: 2 }, outcome: 'normal', answer: 'reset' } }),
  },
  { name: 'commit slow', faults: one('commit', { slow: { delayMs: 700, bytesPerSecond: 4_000 } }) },
  { name: 'commit on a full disk', faults: one('commit', { diskFull: true }, { times: 2 }) },
  { name: 'session opened, answer lost', faults: one('createUpload', { reset: 'after' }) },
  { name: 'session not opened: 500', faults: one('createUpload', { answer: { status: 500 } }) },
  {
    name: 'session not opened: 503 of a gateway',
    faults: one('createUpload', { answer: { status: 503, html: true } }),
  },
  { name: 'session not opened: 429', faults: one('createUpload', { answer: { status: 429, retryAfter: 1 } }) },
  { name: 'session not opened: full disk', faults: one('createUpload', { diskFull: true }) },
  { name: 'block 500', faults: one('putBlock', { answer: { status: 500 } }) },
  { name: 'block 429', faults: one('putBlock', { answer: { status: 429, retryAfter: 1 } }) },
  { name: 'block taken, answer lost', faults: one('putBlock', { reset: 'after' }) },
  { name: 'block cut in its midst', faults: one('putBlock', { reset: { requestByte: 40 } }), isShort: true },
  { name: 'block cut in its answer', faults: one('putBlock', { reset: { answerByte: 9 } }) },
  { name: 'block slow', faults: one('putBlock', { slow: { bytesPerSecond: 20_000 } }) },
  { name: 'block on a full disk', faults: one('putBlock', { diskFull: true }, { times: 2 }) },
  { name: 'block acknowledged, not kept', faults: one('putBlock', { loseBlock: true }), isShort: true },
  {
    name: 'block late over its own repetition',
    faults: one('putBlock', { late: { lands: { afterRequest: 1 }, answer: { status: 500 } } }),
  },
  {
    name: 'block late, after the list was compared',
    faults: one('putBlock', { late: { lands: { afterRequest: 2 }, answer: 'reset' } }),
  },
  { name: 'block late by itself', faults: one('putBlock', { late: { lands: { afterMs: 400 }, answer: 'reset' } }) },
  { name: 'list without a block', faults: one('reload', { blockList: { omit: [0] } }) },
  {
    name: 'list with a strange block',
    faults: one('reload', { blockList: { add: [{ id: 777, rows: 5 }] } }),
  },
  { name: 'list with other row counts', faults: one('reload', { blockList: { moreRows: 1 } }) },
  { name: 'second list wrong', faults: one('reload', { blockList: { moreRows: -1 } }, { skip: 1 }) },
  { name: 'list 500', faults: one('reload', { answer: { status: 500 } }) },
  { name: 'list 504 of a gateway', faults: one('reload', { answer: { status: 504, html: true } }) },
  { name: 'list cut in its answer', faults: one('reload', { reset: { answerByte: 300 } }) },
  { name: 'session expired at a block', faults: one('putBlock', { session: 'expired' }) },
  { name: 'session forgotten at a block', faults: one('putBlock', { session: 'forgotten' }) },
  { name: 'session canceled at a block', faults: one('putBlock', { session: 'canceled' }) },
  { name: 'restart before a block', faults: one('putBlock', { restart: { when: 'before' } }) },
  { name: 'restart before a commit', faults: one('commit', { restart: { when: 'before' } }), isShort: true },
  { name: 'restart after a commit', faults: one('commit', { restart: { when: 'after' } }) },
  {
    name: 'restart after a commit, sessions forgotten',
    faults: one('commit', { restart: { when: 'after', forgetSessions: true } }),
  },
];

/** Those for which mcsync waits minutes, or for an answer until its time is over. */
export const patientCases: readonly FaultCase[] = [
  { name: 'session forgotten before its commit', faults: one('commit', { session: 'forgotten' }), isShort: true },
  { name: 'session expired before its commit', faults: one('commit', { session: 'expired' }) },
  { name: 'session canceled before its commit', faults: one('commit', { session: 'canceled' }) },
  {
    name: 'restart before a commit, sessions forgotten',
    faults: one('commit', { restart: { when: 'before', forgetSessions: true } }),
  },
  {
    name: 'commit under way for longer than anyone asks',
    faults: one('commit', { committing: { lands: { afterMs: 9_000 }, answer: 'reset' } }),
  },
  {
    name: 'commit under way for long, falls back',
    faults: one('commit', { committing: { lands: { afterMs: 6_000 }, outcome: 'normal' } }),
  },
  { name: 'commit half open', faults: one('commit', { halfOpen: 'before' }) },
  { name: 'commit half open, carried out', faults: one('commit', { halfOpen: 'after' }) },
  { name: 'commit carried out after the client has given up', faults: one('commit', { slow: { delayMs: 7_000 } }) },
  { name: 'block half open', faults: one('putBlock', { halfOpen: 'before' }) },
  { name: 'block taken after the client has given up', faults: one('putBlock', { slow: { delayMs: 7_000 } }) },
  {
    name: 'block without an answer, late over its own repetition',
    faults: one('putBlock', { late: { lands: { afterRequest: 1 }, answer: 'none' } }),
  },
  { name: 'list half open', faults: one('reload', { halfOpen: 'after' }) },
  { name: 'session half opened', faults: one('createUpload', { halfOpen: 'after' }) },
];

export interface ServiceCase {
  readonly name: string;
  readonly faults: () => readonly Fault[];
}

const service = (on: RequestKind, effect: Effect, more: Partial<Fault> = {}): (() => readonly Fault[]) => {
  return () => [{ on, do: effect, ...more }];
};

/** Of no table: what mcsync asks of the service, most of it when it starts. */
export const serviceCases: readonly ServiceCase[] = [
  { name: 'statement 500', faults: service('query', { answer: { status: 500 } }) },
  { name: 'statement 503 of a gateway', faults: service('query', { answer: { status: 503, html: true } }) },
  { name: 'statement run, answer lost', faults: service('query', { reset: 'after' }) },
  { name: 'statement half answered', faults: service('query', { reset: { answerByte: 120 } }) },
  { name: 'statement whose state is not told', faults: service('query', { halfOpen: 'after' }, { skip: 1 }) },
  { name: 'statement on a full disk', faults: service('query', { diskFull: true }) },
  { name: 'result half answered', faults: service('download', { reset: { answerByte: 200 } }, { skip: 1 }) },
  { name: 'partitions not told', faults: service('table', { answer: { status: 504, html: true } }) },
  { name: 'restart at a statement', faults: service('query', { restart: { when: 'after' } }) },
  {
    name: 'one of eight requests cut',
    faults: service('any', { reset: 'after' }, { times: 'always', chance: 0.125, seed: 11 }),
  },
];
