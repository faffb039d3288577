/**
 * One request and its answer between a process and a server, and all that can happen to both. The server's effect happens
 * when the request lands, whatever has become of the one who sent it by then.
 */
import type { Faults } from './faults.js';
import type { SimProcess } from './process.js';
import type { Scheduler } from './scheduler.js';
import type { Trace } from './trace.js';

/** Nobody knows whether the request had its effect. */
export class NoAnswer extends Error {}

/** The server's own word. Below 500 it had no effect, unless the server lies. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, word: string) {
    super(`${status} ${word}`);
    this.status = status;
  }
}

export interface Request<T> {
  readonly what: string;
  readonly timeoutMs: number;
  /** The effect at the server; throws a `Refusal`. */
  readonly land: () => T;
  /** Before the answer goes out, on top of the network's own time. */
  readonly busyMs?: () => number;
  /** The server can answer 429 and 5xx. */
  readonly isHttp: boolean;
  readonly isPoll?: boolean;
}

export class Network {
  readonly #scheduler: Scheduler;
  readonly #faults: Faults;
  readonly #trace: Trace;

  constructor(world: { readonly scheduler: Scheduler; readonly faults: Faults; readonly trace: Trace }) {
    this.#scheduler = world.scheduler;
    this.#faults = world.faults;
    this.#trace = world.trace;
  }

  send<T>(process: SimProcess, request: Request<T>): Promise<T> {
    if (process.isDead) return new Promise(() => {});
    const { random } = this.#faults;
    const { name } = process;
    const happens = (kind: Parameters<Faults['happens']>[0]): boolean => this.#faults.happens(kind, name);
    if (this.#trace.isOn) this.#trace.add(name, `-> ${request.what}`, request.isPoll);
    const kill = happens('killed') ? random.pick(['before', 'behind', 'landed'] as const) : null;
    if (kill === 'before') {
      process.kill();
      return new Promise(() => {});
    }
    let requestMs = random.between(0.2, 15);
    let answerMs = random.between(0.2, 15);
    if (happens('slowNetwork')) requestMs = random.spread(100, request.timeoutMs);
    if (happens('slowNetwork')) answerMs = random.spread(100, request.timeoutMs);
    if (happens('lateRequest')) requestMs = request.timeoutMs + random.spread(100, 30 * 60_000);
    const isRequestLost = happens('lostRequest');
    const isAnswerLost = happens('lostAnswer');
    const refusal = request.isHttp ? this.#refusal(name) : null;
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const settle = (delayMs: number, run: () => void): void =>
        this.#scheduler.after(delayMs, () =>
          process.deliver(() => {
            if (!isSettled) run();
            isSettled = true;
          }),
        );
      const timeOut = (delayMs: number): void =>
        settle(delayMs, () => reject(new NoAnswer(`${request.what}: no answer`)));
      if (isRequestLost) return timeOut(random.chance(0.5) ? request.timeoutMs : 5);
      if (requestMs > request.timeoutMs) timeOut(request.timeoutMs);
      if (kill === 'behind') this.#scheduler.after(0, () => process.kill());
      this.#scheduler.after(requestMs, () => {
        // What a killed process had not yet handed to the network is gone with it.
        if (process.isDead && random.chance(0.3)) return;
        const reply = refusal?.isBefore ? { refused: refusal.error } : this.#land(request, process);
        if (kill === 'landed') process.kill();
        const sinceMs = requestMs + answerMs + (request.busyMs?.() ?? 0);
        if (isAnswerLost || sinceMs > request.timeoutMs) return timeOut(Math.max(5, request.timeoutMs - requestMs));
        settle(sinceMs - requestMs, () => {
          if ('refused' in reply) reject(reply.refused);
          else if (refusal) reject(refusal.error);
          else resolve(reply.value);
        });
      });
    });
  }

  #land<T>(request: Request<T>, process: SimProcess): { readonly value: T } | { readonly refused: Refusal } {
    try {
      const value = request.land();
      if (process.isDead) this.#trace.add(process.name, `   ${request.what} lands after its death`, request.isPoll);
      return { value };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#trace.add('server', `answers ${process.name}: ${request.what}: ${error.message}`);
      return { refused: error };
    }
  }

  #refusal(who: string): { readonly error: Refusal; readonly isBefore: boolean } | null {
    if (this.#faults.happens('throttled', who)) return { error: new Refusal(429, 'FlowExceeded'), isBefore: true };
    if (!this.#faults.happens('serverError', who)) return null;
    return { error: new Refusal(503, 'ServiceUnavailable'), isBefore: this.#faults.random.chance(0.5) };
  }
}
