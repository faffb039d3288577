/**
 * Stands between a request and its handler: asks which fault hits it, and carries the fault out. In: a request that was
 * authenticated, and the ways to carry it out and to answer it. It spoils nothing itself: what it puts off or leaves out
 * goes through the same doors of the store as any request.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.js';
import type { Answer, PutOff, Request } from '../http.js';
import type { ServiceError } from '../service-error.js';
import type { Disk } from '../store/disk.js';
import type { SessionEnd } from '../store/journal.js';
import { bodyOf, falseAnswer, falseBlockList, sendUntil, slowed } from './false-answers.js';
import type { EarlyAnswer, Effect, Lands, Reset, Slow } from './fault.js';
import type { FaultBook } from './fault-book.js';
import type { LateWork } from './late-work.js';
import { requestFacts } from './request-facts.js';

export interface Exchange {
  readonly request: Request;
  readonly response: ServerResponse;
  /** Never rejects: a refusal is an answer too. */
  readonly act: (request: Request) => Promise<Answer>;
  /** Reads away what is left of the request, then answers. */
  readonly send: (answer: Answer) => Promise<void>;
  /** Reads away what is left of the request. */
  readonly drain: () => Promise<void>;
  readonly render: (error: ServiceError) => Answer;
}

export interface InterposerParts {
  readonly book: FaultBook;
  readonly clock: Clock;
  readonly disk: Disk;
  /** Of the store that runs now. */
  readonly late: () => LateWork;
  readonly ending: () => AbortSignal;
  readonly partitionOfSession: (id: string) => string | null;
  readonly endSession: (id: string, how: SessionEnd) => Promise<unknown>;
  /** Begins a restart and returns at once: the request that asks for it must end first. */
  readonly beginRestart: (forgetSessions: boolean) => void;
  readonly kill: () => void;
}

export class Interposer {
  private readonly parts: InterposerParts;

  constructor(parts: InterposerParts) {
    this.parts = parts;
  }

  /** True while requests need not come here. */
  get isQuiet(): boolean {
    return this.parts.book.isEmpty && this.parts.late().isEmpty;
  }

  async serve(exchange: Exchange): Promise<void> {
    const { request } = exchange;
    const session = request.query.get('uploadid');
    const act = async (changed: Request): Promise<Answer> => {
      const late = this.parts.late();
      if (session !== undefined) await late.before(session);
      const answer = await exchange.act(changed);
      if (session !== undefined) await late.after(session);
      return answer;
    };
    const effect = this.parts.book.decide(requestFacts(request, this.parts.partitionOfSession));
    if (effect === null) await exchange.send(await act(request));
    else await this.carryOut(effect, { ...exchange, act }, session ?? null);
  }

  private async carryOut(effect: Effect, exchange: Exchange, session: string | null): Promise<void> {
    const { request, response, act, send } = exchange;
    const { parts } = this;
    const actIf = async (when: 'before' | 'after'): Promise<void> => {
      if (when === 'after') await act(request);
    };
    if ('answer' in effect) {
      await actIf(effect.answer.when ?? 'before');
      await send(falseAnswer(effect.answer, exchange.render));
    } else if ('reset' in effect) {
      await this.reset(effect.reset, exchange);
    } else if ('slow' in effect) {
      await this.slow(effect.slow, exchange);
    } else if ('halfOpen' in effect) {
      await actIf(effect.halfOpen);
      await exchange.drain();
    } else if ('session' in effect) {
      if (session !== null) await parts.endSession(session, effect.session);
      await send(await act(request));
    } else if ('blockList' in effect) {
      await send(falseBlockList(await act(request), effect.blockList));
    } else if ('loseBlock' in effect) {
      await send(await act({ ...request, putOff: (_, work) => void work.drop() }));
    } else if ('late' in effect) {
      const { lands, answer } = effect.late;
      await this.putOff(exchange, lands, answer, (work) => work.apply);
    } else if ('committing' in effect) {
      const { lands, answer = 'success', outcome = 'closed' } = effect.committing;
      await this.putOff(exchange, lands, answer, (work) => {
        work.hold();
        return outcome === 'closed' ? work.apply : work.drop;
      });
    } else if ('diskFull' in effect) {
      const empty = parts.disk.fill();
      await send(await act(request).finally(empty));
    } else if ('restart' in effect) {
      await actIf(effect.restart.when);
      response.socket?.resetAndDestroy();
      parts.beginRestart(effect.restart.forgetSessions ?? false);
    } else {
      await actIf(effect.kill);
      parts.kill();
    }
  }

  private async reset(reset: Reset, { request, response, act }: Exchange): Promise<void> {
    if (typeof reset === 'object' && 'answerByte' in reset) {
      return await sendUntil(response, await act(request), reset.answerByte);
    }
    if (reset === 'after') await act(request);
    if (typeof reset === 'object') {
      let bytes = 0;
      for await (const chunk of request.body) {
        bytes += chunk.length;
        if (bytes >= reset.requestByte) break;
      }
    }
    response.socket?.resetAndDestroy();
  }

  private async slow({ delayMs = 0, bytesPerSecond }: Slow, { request, act, send }: Exchange): Promise<void> {
    const { clock } = this.parts;
    const ending = this.parts.ending();
    await clock.sleep(delayMs, ending);
    if (bytesPerSecond === undefined) return await send(await act(request));
    const answer = await act({ ...request, body: slowed(request.body, bytesPerSecond, clock, ending) });
    await send({ ...answer, body: slowed(bodyOf(answer), bytesPerSecond, clock, ending) });
  }

  /** A request that is refused before anything would be kept is answered as it is: there is nothing to put off. */
  private async putOff(
    exchange: Exchange,
    lands: Lands,
    told: EarlyAnswer,
    choose: (work: Parameters<PutOff>[1]) => () => Promise<void>,
  ): Promise<void> {
    let isPutOff = false;
    const late = this.parts.late();
    const putOff: PutOff = (session, work) => {
      isPutOff = true;
      late.add(session, lands, choose(work));
    };
    const answer = await exchange.act({ ...exchange.request, putOff });
    if (!isPutOff || told === 'success') await exchange.send(answer);
    else if (told === 'reset') exchange.response.socket?.resetAndDestroy();
    else if (told === 'none') await exchange.drain();
    else await exchange.send(falseAnswer(told, exchange.render));
  }
}
