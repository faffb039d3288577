/**
 * What goes wrong in one simulated history. Drawn from the seed: a few kinds of faults per seed, some often and some
 * seldom (all kinds at once would hide what one kind alone brings to light). After `calmAtMs` nothing more goes wrong, so
 * that a task that cannot end by then is itself a failure.
 */
import type { Random } from './random.js';
import type { Trace } from './trace.js';

export const faultKinds = {
  // the network, for each request
  slowNetwork: 'a request or an answer takes seconds, and overtakes others',
  lostRequest: 'a request never arrives',
  lostAnswer: 'a request has its effect, and the answer never arrives',
  lateRequest: 'a request arrives after its sender has given up, up to 30 minutes late',
  serverError: '500 or 503, with or without the effect',
  throttled: '429',
  // MaxCompute
  slowCommit: 'a commit stays COMMITTING for up to 40 minutes, then lands',
  fellBackCommit: 'a commit stays COMMITTING, then falls back to NORMAL',
  refusedCommit: 'a commit is refused with 409 and lands all the same, at once or later',
  undecidedState: 'a session is shown as UNKNOWN, CRITICAL or CLOSING for a while',
  wrongList: 'a session shows a wrong block list once',
  unlistedBlock: 'a block is acknowledged and not kept',
  foreignBlock: 'a session that an intent names holds a block that nobody sent, until it expires',
  canceledSession: 'a session is canceled or expires early',
  forgottenSession: 'the server forgets a session; one that is COMMITTING may land up to 8 minutes later',
  knownAgain:
    'behind the save of an intent its writer stands still for an hour; the server forgets the sessions, and knows them again in between',
  // processes
  killed: 'a worker is killed: before a request, behind it, or behind its effect',
  killedAnytime: 'a worker is killed while it waits',
  paused: 'a worker stands still for seconds up to hours, and its successor may have begun',
  secondStarter: 'a second worker of the same role is started beside the first',
  stopped: 'a worker is asked to stop, and started again',
  // the store
  refusedSave: 'a save is refused although nobody else has saved',
  staleRead: "a read of another worker's document shows an older one",
  // the source
  disconnected: 'the stream of the source ends with a lost connection',
  // clocks
  clockStep: 'the wall clock of a worker steps back or forth by up to 30 hours',
} as const;

export type FaultKind = keyof typeof faultKinds;

/** Faults of one seed that have this many behind them have said enough. */
const faultsMax = 60;
const rates: readonly number[] = [0.004, 0.015, 0.05, 0.15];
/** Each of these holds a task up for a day. */
const slowKinds: ReadonlySet<FaultKind> = new Set(['foreignBlock']);

export interface FaultOptions {
  /** Faults by their number in this seed that are left out: how a failing seed is made smaller. */
  readonly suppressed: ReadonlySet<number>;
}

export class Faults {
  readonly counts = new Map<FaultKind, number>();
  readonly fired: { readonly number: number; readonly kind: FaultKind }[] = [];
  readonly random: Random;
  readonly #rates = new Map<FaultKind, number>();
  readonly #suppressed: ReadonlySet<number>;
  readonly #trace: Trace;
  readonly #isCalm: () => boolean;

  constructor(random: Random, trace: Trace, isCalm: () => boolean, options: FaultOptions) {
    this.random = random;
    this.#trace = trace;
    this.#isCalm = isCalm;
    this.#suppressed = options.suppressed;
    const share = random.pick([0, 0.15, 0.3, 0.3, 0.5, 1]);
    for (const kind of Object.keys(faultKinds) as FaultKind[]) {
      const isDrawn = random.chance(slowKinds.has(kind) ? share / 4 : share);
      const rate = random.pick(rates);
      if (isDrawn) this.#rates.set(kind, rate);
    }
    // A worker that stands still between its last confirmation and its commit, while the session goes and comes back, is
    // more than the protocol can bear: the confirmation makes that an instant, and nothing in MaxCompute closes it.
    if (this.#rates.has('knownAgain')) this.#rates.delete('paused');
  }

  isDrawn(kind: FaultKind): boolean {
    return this.#rates.has(kind);
  }

  /** Whether this fault happens here and now. `scale` makes it more likely where chances are few. */
  happens(kind: FaultKind, who: string, scale = 1): boolean {
    const rate = this.#rates.get(kind);
    if (rate === undefined || !this.random.chance(Math.min(0.5, rate * scale))) return false;
    if (this.#isCalm() || this.fired.length >= faultsMax) return false;
    const number = this.fired.length;
    this.fired.push({ number, kind });
    if (this.#suppressed.has(number)) return false;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.#trace.add(who, `fault ${number}: ${kind}`);
    return true;
  }
}
