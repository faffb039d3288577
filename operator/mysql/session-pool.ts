import type { Clock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import { type BinlogPosition, onServer, serverKey } from '../model/position.js';
import type { KnownSource, SourceIdentity } from '../model/source-facts.js';
import { type MySqlSettings, openSession } from './connect.js';
import { assertHolds, readExecutedGtids, refused } from './continuity.js';
import { readIdentity, renderIdentity } from './server-state.js';
import type { Session } from './session.js';

/** A connection that slept longer may have been cut off by what stands between. */
const idleMsMax = 30_000;
const lagMsMaxDefault = 30_000;

/** What a person should know of the server behind the address. */
export type ServerNews =
  /** Another server than before, which has all that was read. */
  | { readonly kind: 'changed'; readonly before: SourceIdentity; readonly now: SourceIdentity }
  /** Another server than before, which still lacks these transactions: it is given a moment to catch up. */
  | { readonly kind: 'waiting'; readonly now: SourceIdentity; readonly missing: string };

export interface SessionPoolOptions {
  /** What the task has read. Absent: the first connection says who the server is, and another one is told as trouble. */
  readonly known?: KnownSource | undefined;
  readonly onServer?: ((news: ServerNews) => void) | undefined;
  /** How long a replica may take to catch up; default 30 s. */
  readonly lagMsMax?: number | undefined;
}

interface Admitted {
  readonly identity: SourceIdentity;
  /** Server and GTID set of the positions that it was found to hold. */
  readonly holds: Set<string>;
}

/**
 * Sessions to read rows with, used again from chunk to chunk. A session leads to the server that the task has read so far, or
 * to one that has all of it: what the task read before, and what sessions of other servers have read since.
 */
export class SessionPool implements AsyncDisposable {
  readonly #settings: MySqlSettings;
  readonly #clock: Clock;
  readonly #options: SessionPoolOptions;
  readonly #idle: { readonly session: Session; readonly sinceMs: number }[] = [];
  readonly #admitted = new WeakMap<Session, Admitted>();
  /** Up to where rows were read from each server. */
  readonly #read = new Map<string, BinlogPosition>();
  /** Of the newest connection. */
  #identity: SourceIdentity | null;

  constructor(settings: MySqlSettings, clock: Clock, options: SessionPoolOptions) {
    this.#settings = settings;
    this.#clock = clock;
    this.#options = options;
    this.#identity = options.known?.identity ?? null;
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
      if (this.#clock.monotonicMs() - entry.sinceMs < idleMsMax) return await this.#checked(entry.session);
      entry.session.destroy();
    }
    const session = await openSession(this.#settings);
    return await this.#checked(session);
  }

  /** A session of a server that was left behind is not used again. */
  release(session: Session): void {
    if (!this.#isOfNow(session)) session.destroy();
    else this.#idle.push({ session, sinceMs: this.#clock.monotonicMs() });
  }

  identityOf(session: Session): SourceIdentity {
    return (this.#admitted.get(session) as Admitted).identity;
  }

  /** Rows were read in a view of now, or of `position`: another server that goes on must have what they show. */
  async remember(session: Session, position?: BinlogPosition): Promise<void> {
    const identity = this.identityOf(session);
    const server = serverKey(identity);
    const gtidSet = position === undefined ? await readExecutedGtids(session, identity) : position.gtidSet;
    this.#read.set(server, { file: '', offset: 0, gtidSet: gtidSet || null, server });
  }

  /** Two sessions for one moment of one server. */
  assertSameServer(one: Session, other: Session): void {
    const [before, seen] = [this.identityOf(one), this.identityOf(other)];
    if (serverKey(before) !== serverKey(seen)) throw twoServers(before, seen);
  }

  /** Throws unless the session's server has every transaction of these positions; waits for a replica that may catch up. */
  async assertHolds(session: Session, positions: readonly BinlogPosition[]): Promise<void> {
    const identity = this.identityOf(session);
    const { holds } = this.#admitted.get(session) as Admitted;
    const open = positions.filter(({ server, gtidSet }) => !holds.has(`${server} ${gtidSet}`));
    await assertHolds(session, identity, open, {
      before: this.#options.known?.identity ?? identity,
      clock: this.#clock,
      lagMsMax: this.#options.lagMsMax ?? lagMsMaxDefault,
      onWait: (missing) => this.#options.onServer?.({ kind: 'waiting', now: identity, missing }),
    });
    for (const { server, gtidSet } of open) holds.add(`${server} ${gtidSet}`);
  }

  async #checked(session: Session): Promise<Session> {
    try {
      const identity = this.#admitted.get(session)?.identity ?? (await readIdentity(session));
      if (this.#admitted.has(session)) await this.assertHolds(session, this.#readElsewhere(identity));
      else await this.#admit(session, identity);
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  async #admit(session: Session, identity: SourceIdentity): Promise<void> {
    const before = this.#identity ?? identity;
    const hasChanged = serverKey(identity) !== serverKey(before) || identity.flavor !== before.flavor;
    const { known, onServer: tell } = this.#options;
    if (hasChanged && !known) throw twoServers(before, identity);
    this.#admitted.set(session, { identity, holds: new Set() });
    const positions = (known?.positions ?? []).map((position) => onServer(position, (known as KnownSource).identity));
    if (hasChanged && positions.length === 0) throw refused(identity, nowhere, null, { before, lagMsMax: 0 });
    await this.assertHolds(session, [...positions, ...this.#readElsewhere(identity)]);
    if (hasChanged) tell?.({ kind: 'changed', before, now: identity });
    this.#identity = identity;
    for (const entry of this.#idle.splice(0)) this.release(entry.session);
  }

  #readElsewhere(identity: SourceIdentity): BinlogPosition[] {
    return [...this.#read.values()].filter(({ server }) => server !== serverKey(identity));
  }

  #isOfNow(session: Session): boolean {
    return this.#identity === null || serverKey(this.identityOf(session)) === serverKey(this.#identity);
  }

  async identity(): Promise<SourceIdentity> {
    if (this.#identity === null) await this.use(async () => undefined);
    return this.#identity as SourceIdentity;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#idle.splice(0).map(({ session }) => session.close()));
  }
}

const nowhere: BinlogPosition = { file: '', offset: 0, gtidSet: null };

function twoServers(before: SourceIdentity, seen: SourceIdentity): SyncError {
  return new SyncError('SOURCE_UNREACHABLE', {
    seen: `one step began on ${renderIdentity(before)} and went on to ${renderIdentity(seen)}`,
    wanted: 'one server from the beginning of a step to its end',
    fix: 'It is tried again by itself. If it lasts, give the address of one server in spec.source, not of a name that leads to several.',
  });
}
