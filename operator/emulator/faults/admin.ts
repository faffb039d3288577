/**
 * The admin API, below `/mcsync`. In: requests with the access key as HTTP Basic, so that curl can send them. Out: JSON. It
 * is there only where it was asked for, and tells nothing to a caller without the key.
 *
 *   GET    /mcsync/faults              all faults, with the requests that each has seen and hit
 *   POST   /mcsync/faults              adds one or a list; answers with their ids
 *   DELETE /mcsync/faults[/ID]         removes one or all
 *   GET    /mcsync/sessions            upload sessions
 *   POST   /mcsync/sessions/ID         {"end": "expired" | "canceled" | "forgotten"}
 *   GET    /mcsync/settings            clock skew, full disk, answer to a second commit
 *   PUT    /mcsync/settings            changes those that are given
 *   POST   /mcsync/restart             {"forgetSessions": true} or nothing
 *   POST   /mcsync/kill                ends the process as kill -9 does; there is no answer
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { AccessKey } from '../auth.js';
import { type Answer, type Request, readText } from '../http.js';
import { ServiceError } from '../service-error.js';
import { type FaultControl, FaultMistakes, type FaultSettings } from './control.js';
import { cannot } from './fault-reader.js';
import { Mistakes } from './mistakes.js';

/** A list of some thousand faults. */
const bodyBytesMax = 1024 * 1024;
/** A year: beyond it dates are no longer plausible, and nothing more grows old. */
const skewMsMax = 366 * 24 * 3_600_000;

export interface AdminOptions {
  readonly key: AccessKey;
  readonly control: FaultControl;
  /** Null where nothing is kept. Begins it and returns at once. */
  readonly restart: ((forgetSessions: boolean) => void) | null;
  /** Null where the emulator shares its process with others. */
  readonly kill: (() => void) | null;
}

export interface AdminAnswer {
  readonly answer: Answer;
  /** To be done when the answer is out. */
  readonly afterwards: (() => void) | null;
}

export async function serveAdmin(options: AdminOptions, request: Request): Promise<AdminAnswer> {
  try {
    if (!isAllowed(request.raw.headers.authorization, options.key)) {
      const headers = { 'WWW-Authenticate': 'Basic realm="mcsync"' };
      return only(
        json(401, { Code: 'Unauthorized', Message: 'Wanted: the access key, as in curl -u ID:SECRET' }, headers),
      );
    }
    return await route(options, request);
  } catch (error) {
    if (error instanceof FaultMistakes) {
      const { mistakes } = error;
      const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`;
      return only(json(400, { Code: 'InvalidArgument', Message: `${count}; nothing was changed`, Mistakes: mistakes }));
    }
    if (error instanceof ServiceError) return only(json(error.status, { Code: error.code, Message: error.message }));
    throw error;
  }
}

/** By digests, so that neither length nor content shows in the time that it takes. */
function isAllowed(header: string | undefined, { id, secret }: AccessKey): boolean {
  const given = /^Basic\s+(\S+)$/i.exec(header ?? '')?.[1] ?? '';
  const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(digest(Buffer.from(given, 'base64').toString('utf8')), digest(`${id}:${secret}`));
}

async function route({ control, restart, kill }: AdminOptions, request: Request): Promise<AdminAnswer> {
  const [, resource, id, ...rest] = request.segments;
  const what = `${request.method} ${resource ?? ''}${id === undefined ? '' : '/ID'}`;
  if (rest.length > 0) throw nothingThere(request);
  switch (what) {
    case 'GET faults':
      return only(json(200, { faults: control.list() }));
    case 'POST faults':
      return only(json(201, { ids: control.add((await readJson(request)) as Parameters<FaultControl['add']>[0]) }));
    case 'DELETE faults':
      control.remove();
      return only(json(200, {}));
    case 'DELETE faults/ID':
      if (!control.remove(id)) throw new ServiceError(404, 'NoSuchObject', `There is no fault ${id}.`);
      return only(json(200, {}));
    case 'GET sessions':
      return only(json(200, { sessions: control.sessions() }));
    case 'POST sessions/ID': {
      const end = readSessionEnd(await readJson(request));
      if (!(await control.endSession(id as string, end)))
        throw new ServiceError(404, 'NoSuchUpload', `There is no session ${id}.`);
      return only(json(200, {}));
    }
    case 'GET settings':
      return only(json(200, control.settings()));
    case 'PUT settings':
      control.set(readSettings(await readJson(request)));
      return only(json(200, control.settings()));
    case 'POST restart': {
      const forgetSessions = readRestart(await readJson(request));
      if (restart === null) throw new FaultMistakes([cannot.restart]);
      return { answer: json(202, {}), afterwards: () => restart(forgetSessions) };
    }
    case 'POST kill':
      if (kill === null) throw new FaultMistakes([cannot.kill]);
      kill();
      return only(json(202, {}));
    default:
      throw nothingThere(request);
  }
}

async function readJson(request: Request): Promise<unknown> {
  const text = await readText(request.body, bodyBytesMax);
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FaultMistakes([`the body is not JSON: ${(error as Error).message}`]);
  }
}

function readSessionEnd(value: unknown): 'expired' | 'canceled' | 'forgotten' {
  return checked((mistakes) => {
    const read = mistakes.object(value, '', '{"end": "expired"}');
    const end = read?.choice('end', ['expired', 'canceled', 'forgotten'], true);
    read?.end();
    return end as 'expired' | 'canceled' | 'forgotten';
  });
}

function readSettings(value: unknown): Partial<FaultSettings> {
  return checked((mistakes) => {
    const read = mistakes.object(value, '', '{"clockSkewMs": 60000}');
    const settings = {
      clockSkewMs: read?.integer('clockSkewMs', -skewMsMax, skewMsMax),
      diskFull: read?.boolean('diskFull'),
      secondCommit: read?.choice('secondCommit', ['conflict', 'success']),
    };
    read?.end();
    return Object.fromEntries(Object.entries(settings).filter(([, setting]) => setting !== undefined));
  });
}

function readRestart(value: unknown): boolean {
  return checked((mistakes) => {
    const read = value === undefined ? null : mistakes.object(value, '', '{"forgetSessions": true}');
    const forgetSessions = read?.boolean('forgetSessions') ?? false;
    read?.end();
    return forgetSessions;
  });
}

function checked<T>(read: (mistakes: Mistakes) => T): T {
  const mistakes = new Mistakes();
  const value = read(mistakes);
  if (mistakes.texts.length > 0) throw new FaultMistakes(mistakes.texts);
  return value;
}

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: `${JSON.stringify(body, null, 2)}\n`,
  };
}

function only(answer: Answer): AdminAnswer {
  return { answer, afterwards: null };
}

function nothingThere({ method, segments }: Request): ServiceError {
  return new ServiceError(
    404,
    'NoSuchObject',
    `There is no ${method} /${segments.join('/')}; known: faults, sessions, settings, restart, kill below /mcsync.`,
  );
}
