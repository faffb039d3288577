/**
 * Reads faults from JSON that a person wrote. In: any value. Out: faults, or every mistake at once, each with its path and
 * what was wanted. An unknown key is a mistake: a misspelt fault that never hits would prove nothing.
 */
import { type Effect, type EffectName, type Fault, requestKinds, sessionEffects } from './fault.js';
import { type FieldReader, Mistakes, show } from './mistakes.js';

export interface ReadFaults {
  readonly faults: readonly Fault[];
  readonly mistakes: readonly string[];
}

/** What this emulator cannot do: those faults are refused when they are added, not when they would hit. */
export interface Missing {
  /** It keeps nothing, so it cannot start again with what it had. */
  readonly restart: boolean;
  /** It shares its process with others. */
  readonly kill: boolean;
}

export const cannot = {
  restart: 'restart needs a data folder: start with --data',
  kill: 'kill needs an emulator that is a process of its own',
} as const;

type ReadEffect = { readonly [Name in EffectName]: (value: unknown, read: FieldReader, path: string) => unknown };

const whens = ['before', 'after'] as const;
const hourMs = 3_600_000;

/** One fault or a list of them. */
export function readFaults(value: unknown, missing: Missing): ReadFaults {
  const mistakes = new Mistakes();
  const values = Array.isArray(value) ? value : [value];
  const faults = values.map((each, index) =>
    readFault(each, mistakes, Array.isArray(value) ? `[${index}]` : '', missing),
  );
  return { faults: mistakes.texts.length === 0 ? (faults as Fault[]) : [], mistakes: mistakes.texts };
}

function readFault(value: unknown, mistakes: Mistakes, path: string, missing: Missing): Fault | null {
  const read = mistakes.object(value, path, 'a fault such as {"on": "commit", "do": {"reset": "after"}}');
  if (read === null) return null;
  const on = read.choice('on', requestKinds, true);
  const effect = readEffect(read.take('do'), mistakes, read.at('do'), missing);
  const name = effect === null ? null : (Object.keys(effect)[0] as EffectName);
  const kinds = name === null ? undefined : sessionEffects[name];
  if (on !== undefined && on !== 'any' && kinds !== undefined && !kinds.includes(on)) {
    mistakes.add(read.at('do'), `${name} is for ${kinds.join(', ')}, not for ${on}`);
  }
  if (on !== 'putBlock' && (effect as { late?: { answer?: unknown } } | null)?.late?.answer === 'success') {
    mistakes.add(read.at('do.late.answer'), 'success is for putBlock: a commit that is told is done');
  }
  const table = read.text('table');
  const partition = read.text('partition');
  if (on === 'query' && (table ?? partition) !== undefined) {
    mistakes.add(read.at('table'), 'a query is not told apart by its tables; leave table and partition out');
  }
  const fault = {
    on,
    ...present({ table, partition }),
    do: effect,
    ...present({
      skip: read.integer('skip', 0, 1e9),
      times: read.take('times') === 'always' ? 'always' : read.integer('times', 1, 1e9),
      chance: read.number('chance', 0, 1),
      seed: read.integer('seed', 0, 4_294_967_295),
    }),
  };
  read.end();
  return fault as Fault;
}

function readEffect(value: unknown, mistakes: Mistakes, path: string, missing: Missing): Effect | null {
  const names = Object.keys(effects) as EffectName[];
  const wanted = `exactly one of ${names.join(', ')}`;
  const read = mistakes.object(value, path, wanted);
  if (read === null) return null;
  const given = read.keys();
  const name = given[0] as EffectName | undefined;
  if (name === undefined || given.length !== 1 || !names.includes(name)) {
    mistakes.add(path, `${given.length === 0 ? 'nothing' : given.join(', ')}; wanted: ${wanted}`);
    return null;
  }
  if (name === 'restart' && missing.restart) mistakes.add(path, cannot.restart);
  if (name === 'kill' && missing.kill) mistakes.add(path, cannot.kill);
  return { [name]: effects[name](read.take(name), read, read.at(name)) } as unknown as Effect;
}

const effects: ReadEffect = {
  answer: (value, { mistakes }, path) => readAnswer(value, mistakes, path, true),
  reset: (value, { mistakes }, path) => {
    if (whens.includes(value as never)) return value;
    const wanted = 'before, after, {"requestByte": N} or {"answerByte": N}';
    const read = mistakes.object(value, path, wanted);
    if (read === null) return value;
    const bytes = present({
      requestByte: read.integer('requestByte', 0, 1e12),
      answerByte: read.integer('answerByte', 0, 1e12),
    });
    if (Object.keys(bytes).length !== 1) mistakes.add(path, `wanted: ${wanted}`);
    read.end();
    return bytes;
  },
  slow: (value, { mistakes }, path) => {
    const read = mistakes.object(value, path, '{"delayMs": N, "bytesPerSecond": N}, one of them or both');
    if (read === null) return value;
    const slow = present({
      delayMs: read.integer('delayMs', 0, hourMs),
      bytesPerSecond: read.integer('bytesPerSecond', 1, 1e12),
    });
    if (Object.keys(slow).length === 0) mistakes.add(path, 'wanted: delayMs, bytesPerSecond, or both');
    read.end();
    return slow;
  },
  halfOpen: (value, { mistakes }, path) => mistakes.choice(value, path, whens),
  session: (value, { mistakes }, path) => mistakes.choice(value, path, ['expired', 'canceled', 'forgotten']),
  blockList: (value, { mistakes }, path) => {
    const read = mistakes.object(value, path, '{"omit": [0], "add": [{"id": 7, "rows": 3}], "moreRows": 1}');
    if (read === null) return value;
    const list = present({
      omit: read.list('omit', (item, at) => mistakes.integer(item, at, 0, 19_999)),
      add: read.list('add', (item, at) => {
        const block = mistakes.object(item, at, '{"id": 7, "rows": 3}');
        const known = block && { id: block.integer('id', 0, 19_999, true), rows: block.integer('rows', 0, 1e12, true) };
        block?.end();
        return known;
      }),
      moreRows: read.integer('moreRows', -1e12, 1e12),
    });
    if (Object.keys(list).length === 0) mistakes.add(path, 'wanted: omit, add or moreRows');
    read.end();
    return list;
  },
  loseBlock: (value, { mistakes }, path) => mistakes.yes(value, path),
  late: (value, { mistakes }, path) => {
    const read = mistakes.object(value, path, '{"lands": {"afterMs": 500}, "answer": "none"}');
    if (read === null) return value;
    const late = { lands: readLands(read.take('lands'), mistakes, read.at('lands')), answer: readEarly(read, true) };
    read.end();
    return late;
  },
  committing: (value, { mistakes }, path) => {
    const read = mistakes.object(value, path, '{"lands": {"afterRequest": 2}, "outcome": "closed"}');
    if (read === null) return value;
    const committing = {
      lands: readLands(read.take('lands'), mistakes, read.at('lands')),
      ...present({ outcome: read.choice('outcome', ['closed', 'normal']), answer: readEarly(read, false) }),
    };
    read.end();
    return committing;
  },
  diskFull: (value, { mistakes }, path) => mistakes.yes(value, path),
  restart: (value, { mistakes }, path) => {
    const read = mistakes.object(value, path, '{"when": "after", "forgetSessions": true}');
    if (read === null) return value;
    const restart = {
      when: read.choice('when', whens, true),
      ...present({ forgetSessions: read.boolean('forgetSessions') }),
    };
    read.end();
    return restart;
  },
  kill: (value, { mistakes }, path) => mistakes.choice(value, path, whens),
};

function readLands(value: unknown, mistakes: Mistakes, path: string): unknown {
  const wanted = '{"afterMs": N}, {"beforeRequest": N} or {"afterRequest": N}';
  const read = mistakes.object(value, path, wanted);
  if (read === null) return value;
  const lands = present({
    afterMs: read.integer('afterMs', 0, 48 * hourMs),
    beforeRequest: read.integer('beforeRequest', 1, 1e9),
    afterRequest: read.integer('afterRequest', 1, 1e9),
  });
  if (Object.keys(lands).length !== 1) mistakes.add(path, `wanted: exactly one of ${wanted}`);
  read.end();
  return lands;
}

function readEarly(read: FieldReader, isRequired: boolean): unknown {
  const value = read.take('answer');
  if (value === undefined && !isRequired) return undefined;
  if (typeof value === 'object' && value !== null) return readAnswer(value, read.mistakes, read.at('answer'), false);
  const words = ['success', 'none', 'reset'];
  if (!words.includes(value as string)) {
    read.mistakes.add(read.at('answer'), `${show(value)}; wanted: ${words.join(', ')} or {"status": N}`);
  }
  return value;
}

function readAnswer(value: unknown, mistakes: Mistakes, path: string, hasWhen: boolean): unknown {
  const read = mistakes.object(value, path, 'an answer such as {"status": 503}');
  if (read === null) return value;
  const answer = {
    status: read.integer('status', 400, 599, true),
    ...present({
      code: read.text('code'),
      message: read.text('message'),
      retryAfter: read.integer('retryAfter', 0, 86_400),
      html: read.boolean('html'),
      when: hasWhen ? read.choice('when', whens) : undefined,
    }),
  };
  read.end();
  return answer;
}

/** Without the fields that were not given. */
function present(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
