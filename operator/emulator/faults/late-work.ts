/**
 * Requests that were put off and have not landed. In: what to do, and when. Each lands at most once, whatever came of
 * the session meanwhile is for the work itself to look at. What has not landed when the server ends is lost with it.
 */
import type { Clock } from '../../base/clock.js';
import type { Lands } from './fault.js';

interface Waiting {
  readonly lands: Lands;
  readonly apply: () => Promise<void>;
  /** Requests of the session that began since. */
  begun: number;
}

export class LateWork {
  private readonly clock: Clock;
  private readonly log: (line: string) => void;
  /** By session. */
  private readonly waiting = new Map<string, Set<Waiting>>();
  private readonly landing = new Set<Promise<void>>();
  private readonly ending: AbortSignal;

  /** Nothing lands any more once `ending` is aborted. */
  constructor(clock: Clock, ending: AbortSignal, log: (line: string) => void) {
    this.clock = clock;
    this.ending = ending;
    this.log = log;
  }

  get isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  count(session: string): number {
    return this.waiting.get(session)?.size ?? 0;
  }

  add(session: string, lands: Lands, apply: () => Promise<void>): void {
    const one: Waiting = { lands, apply, begun: 0 };
    const ofSession = this.waiting.get(session) ?? new Set();
    this.waiting.set(session, ofSession.add(one));
    if (!('afterMs' in lands)) return;
    this.clock.sleep(lands.afterMs, this.ending).then(
      () => this.land(session, one),
      () => undefined,
    );
  }

  /** Called when a request of the session is about to be carried out. */
  async before(session: string): Promise<void> {
    for (const one of [...(this.waiting.get(session) ?? [])]) {
      one.begun += 1;
      if ('beforeRequest' in one.lands && one.begun >= one.lands.beforeRequest) await this.land(session, one);
    }
  }

  /** Called when it was carried out and is not answered yet. */
  async after(session: string): Promise<void> {
    for (const one of [...(this.waiting.get(session) ?? [])]) {
      if ('afterRequest' in one.lands && one.begun >= one.lands.afterRequest) await this.land(session, one);
    }
  }

  /** Resolves when nothing is landing. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.landing);
  }

  private async land(session: string, one: Waiting): Promise<void> {
    const ofSession = this.waiting.get(session);
    if (this.ending.aborted || !ofSession?.delete(one)) return;
    if (ofSession.size === 0) this.waiting.delete(session);
    const landing = one.apply().catch((error: unknown) => {
      this.log(`a late request of session ${session}: ${error instanceof Error ? error.message : String(error)}`);
    });
    this.landing.add(landing);
    await landing;
    this.landing.delete(landing);
  }
}
