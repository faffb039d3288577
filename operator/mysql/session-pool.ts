import type { Clock } from '../base/clock.js';
import type { SourceIdentity } from '../model/source-facts.js';
import { type MySqlSettings, openSession } from './connect.js';
import { assertSameServer, readIdentity } from './server-state.js';
import type { Session } from './session.js';

/** A connection that slept longer may have been cut off by what stands between. */
const idleMsMax = 30_000;

/** Sessions to read rows with, used again from chunk to chunk. All lead to one and the same server, or none is given out. */
export class SessionPool implements AsyncDisposable {
  readonly #settings: MySqlSettings;
  readonly #clock: Clock;
  readonly #idle: { readonly session: Session; readonly sinceMs: number }[] = [];
  #identity: SourceIdentity | null;

  /** `identity` null: the first connection says who the server is. */
  constructor(settings: MySqlSettings, clock: Clock, identity: SourceIdentity | null) {
    this.#settings = settings;
    this.#clock = clock;
    this.#identity = identity;
  }

  /** Runs `step` with a session of its own; after a failure the session is ended, since nobody knows its state. */
  async use<T>(step: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.acquire();
    try {
      const result = await step(session);
      this.release(session);
      return result;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  async acquire(): Promise<Session> {
    for (let entry = this.#idle.pop(); entry; entry = this.#idle.pop()) {
      if (this.#clock.monotonicMs() - entry.sinceMs < idleMsMax) return entry.session;
      entry.session.destroy();
    }
    const session = await openSession(this.#settings);
    try {
      const identity = await readIdentity(session);
      this.#identity ??= identity;
      assertSameServer(this.#identity, identity);
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  release(session: Session): void {
    this.#idle.push({ session, sinceMs: this.#clock.monotonicMs() });
  }

  async identity(): Promise<SourceIdentity> {
    if (this.#identity === null) await this.use(async () => undefined);
    return this.#identity as SourceIdentity;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#idle.splice(0).map(({ session }) => session.close()));
  }
}
