/**
 * One stored document with one writer. The fence is the value (epoch, writer, seq), not the store's version: whoever
 * claims last, with a higher epoch, is the writer; an earlier one learns it at its next save and writes no more.
 */
import { assert } from '../base/assert.js';
import { SyncError } from '../base/errors.js';
import { documentFormat, type Envelope, parseDocument, type Writer } from './documents.js';
import type { CheckpointStore, StoredDocument } from './ports.js';

/** What a document says, without its envelope. */
export type Body<T extends Envelope> = Omit<T, keyof Envelope>;

export interface Claim {
  readonly store: CheckpointStore;
  readonly name: string;
  readonly taskId: string;
  /** Unique for each process that ever starts. */
  readonly writerId: string;
  /** Version of mcsync, for people. */
  readonly version: string;
}

/** Claims that lose to a save of the holder they displace are repeated; it saves every few seconds at the most. */
const claimAttemptsMax = 20;
/** Saves whose answer was refused although the old value still stands (a store that answers late). */
const saveAttemptsMax = 5;

export class FencedDocument<T extends Envelope> {
  readonly #claim: Claim;
  #value: T;
  #version: string;
  /** Saves run one after the other: each builds on the value before. */
  #tail: Promise<unknown> = Promise.resolve();
  /**
   * A save whose outcome is not known. It may land yet, so nothing is built upon the value before it: the next one would bear
   * its number, and be taken for it. Only another claim goes on.
   */
  #unsettled: { readonly error: unknown } | null = null;

  private constructor(claim: Claim, value: T, version: string) {
    this.#claim = claim;
    this.#value = value;
    this.#version = version;
  }

  /**
   * Takes the document over with a higher epoch before any other effect. `initial` makes the first body from what was
   * stored, if anything was. Throws `ANOTHER_WRITER` when another starter was faster.
   */
  static async claim<T extends Envelope>(
    claim: Claim,
    initial: (previous: T | null) => Body<T>,
  ): Promise<FencedDocument<T>> {
    let displacedEpoch: number | null = null;
    for (let attempt = 1; attempt <= claimAttemptsMax; attempt += 1) {
      const stored = await claim.store.load(claim.name);
      const previous = stored && parseDocument<T>(claim.name, stored.body, claim.taskId);
      if (previous) refuseNewerFormat(claim.name, previous);
      const epoch: number = previous?.writer.epoch ?? 0;
      // An earlier claim of ours may be what is displaced: only the epoch that was tried for is this one.
      const landedLate = stored && previous?.writer.id === claim.writerId && epoch - 1 === displacedEpoch;
      if (landedLate) return new FencedDocument(claim, previous, stored.version);
      displacedEpoch ??= epoch;
      if (epoch !== displacedEpoch) throw anotherWriter(claim, previous?.writer);
      const value = wrap(claim, epoch + 1, 0, initial(previous));
      const saved = await saveOrReadBack(claim, value, stored?.version ?? null);
      if (saved !== null) return new FencedDocument(claim, value, saved);
    }
    throw anotherWriter(claim, undefined);
  }

  get value(): T {
    return this.#value;
  }

  /** Saves the next body, made from the value that stands when its turn comes. Throws `ANOTHER_WRITER` when displaced. */
  update(next: (value: T) => Body<T>): Promise<T> {
    return this.#inTurn(() =>
      this.#save(next(this.#value)).catch((error: unknown) => {
        this.#unsettled = { error };
        throw error;
      }),
    );
  }

  /** Reads the stored value and proves that it is still the one we wrote. Throws `ANOTHER_WRITER` otherwise. */
  confirm(): Promise<void> {
    return this.#inTurn(() => this.#confirm());
  }

  #inTurn<R>(step: () => Promise<R>): Promise<R> {
    const turn = this.#tail.then(() => {
      if (this.#unsettled !== null) throw this.#unsettled.error;
      return step();
    });
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  async #confirm(): Promise<void> {
    const stored = await this.#claim.store.load(this.#claim.name);
    const value = stored && parseDocument<T>(this.#claim.name, stored.body, this.#claim.taskId);
    if (!value) throw documentGone(this.#claim);
    if (!sameWrite(value.writer, this.#value.writer)) throw anotherWriter(this.#claim, value.writer);
  }

  async #save(body: Body<T>): Promise<T> {
    const { epoch, seq } = this.#value.writer;
    const value = wrap<T>(this.#claim, epoch, seq + 1, body);
    for (let attempt = 1; attempt <= saveAttemptsMax; attempt += 1) {
      const saved = await saveOrReadBack(this.#claim, value, this.#version);
      if (saved !== null) {
        this.#value = value;
        this.#version = saved;
        return value;
      }
      const stored = await this.#claim.store.load(this.#claim.name);
      const current = stored && parseDocument<T>(this.#claim.name, stored.body, this.#claim.taskId);
      if (!stored || !current) throw documentGone(this.#claim);
      if (!sameWrite(current.writer, this.#value.writer)) throw anotherWriter(this.#claim, current.writer);
      this.#version = stored.version;
    }
    throw new SyncError('STORE_UNAVAILABLE', {
      seen: `document ${this.#claim.name} was refused ${saveAttemptsMax} times although nobody else wrote it`,
      wanted: 'a save that is answered',
      fix: 'Look at the health of the store; the worker tries again by itself.',
    });
  }
}

/** What a later version added would be lost in a document that we write back, also in one that it lets us read. */
export function refuseNewerFormat(name: string, { format, writer }: Envelope): void {
  if (format <= documentFormat) return;
  throw new SyncError('STORE_FORMAT_NEWER', {
    seen: `document ${name} has format ${format}, written by mcsync ${writer.version}`,
    wanted: `format ${documentFormat} or earlier, which this version writes`,
    fix: 'Run the mcsync version that wrote it, or a later one.',
  });
}

/** The version when the value stands in the store, null when it does not. A lost answer is settled by reading back. */
async function saveOrReadBack<T extends Envelope>(
  claim: Claim,
  value: T,
  expected: string | null,
): Promise<string | null> {
  let failure: unknown = null;
  try {
    const answer = await claim.store.save(claim.name, JSON.stringify(value), expected);
    if (answer.saved) return answer.version;
  } catch (error) {
    if (!(error instanceof SyncError) || !error.isRetryable) throw error;
    failure = error;
  }
  const stored: StoredDocument | null = await claim.store.load(claim.name);
  if (stored && sameWrite(parseDocument<T>(claim.name, stored.body, claim.taskId).writer, value.writer))
    return stored.version;
  if (failure !== null) throw failure;
  return null;
}

function wrap<T extends Envelope>(claim: Claim, epoch: number, seq: number, body: Body<T>): T {
  assert(epoch > 0, 'an epoch is claimed before anything is written');
  const writer: Writer = { id: claim.writerId, epoch, seq, version: claim.version };
  const envelope: Envelope = { format: documentFormat, minReader: documentFormat, taskId: claim.taskId, writer };
  return { ...body, ...envelope } as T;
}

function sameWrite(a: Writer, b: Writer): boolean {
  return a.id === b.id && a.epoch === b.epoch && a.seq === b.seq;
}

function documentGone(claim: Claim): SyncError {
  return new SyncError('STORE_CORRUPT', {
    seen: `document ${claim.name} is gone from the store while it was in use`,
    wanted: 'the document as this process saved it last',
    fix: 'Bring the store back as it was, from a backup, then start again. Nothing was written in its place.',
  });
}

function anotherWriter(claim: Claim, holder: Writer | undefined): SyncError {
  return new SyncError('ANOTHER_WRITER', {
    seen: holder
      ? `${claim.name} is held by ${inWords(holder.id)} (epoch ${holder.epoch}, save ${holder.seq})`
      : `${claim.name} changed while it was claimed`,
    wanted: `${inWords(claim.writerId)} as its only writer`,
    fix: 'Nothing to do where the other process shall go on. Otherwise stop it, then start this one again.',
  });
}

/** Writers are called HOST/PID/RANDOM; what is called otherwise keeps its name. */
function inWords(writerId: string): string {
  const [, host, pid] = /^(.+)\/(\d+)\/[^/]+$/.exec(writerId) ?? [];
  return pid === undefined ? writerId : `process ${pid} on ${host}`;
}
