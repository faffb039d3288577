/**
 * The functions of MaxCompute that this emulator answers as MaxCompute does, each as DuckDB SQL. A function that is not
 * listed is refused by name: DuckDB has many of the same name with another meaning.
 */
import { javaDateFormat, odpsDateFormat } from './date-formats.js';
import { type Place, semanticError } from './sql-error.js';

export interface FunctionCall {
  readonly at: Place;
  readonly name: string;
  readonly args: readonly string[];
  /** The value of an argument that is a string literal, else null. */
  readonly literals: readonly (string | null)[];
  readonly isDistinct: boolean;
  /** `OVER (...)`, or null. */
  readonly over: string | null;
}

type Kind = 'scalar' | 'aggregate' | 'window';

interface FunctionEntry {
  readonly kind: Kind;
  readonly argsMin: number;
  readonly argsMax: number;
  readonly write: (args: readonly string[], call: FunctionCall) => string;
}

const many = 1000;

export function writeFunction(call: FunctionCall): string {
  const entry = Object.hasOwn(functions, call.name) ? functions[call.name] : undefined;
  if (entry === undefined) {
    throw semanticError(call.at, `function or view '${call.name}' cannot be resolved (not known to this emulator)`);
  }
  const count = call.args.length;
  if (count < entry.argsMin || count > entry.argsMax) {
    throw semanticError(call.at, `invalid number of arguments of function ${call.name} - ${count} given`);
  }
  if (call.args.includes('*') && call.name !== 'count') throw semanticError(call.at, `${call.name}(*) is no function`);
  if (call.isDistinct && entry.kind !== 'aggregate') throw semanticError(call.at, `${call.name} takes no DISTINCT`);
  if (call.over !== null && entry.kind === 'scalar') throw semanticError(call.at, `${call.name} is no window function`);
  if (call.over === null && entry.kind === 'window') throw semanticError(call.at, `${call.name} needs an OVER clause`);
  const text = entry.write(call.args, call);
  return call.over === null ? text : `${text} ${call.over}`;
}

const scalar = (argsMin: number, argsMax: number, write: FunctionEntry['write']): FunctionEntry => ({
  kind: 'scalar',
  argsMin,
  argsMax,
  write,
});
const renamed = (argsMin: number, argsMax: number, duckName: string): FunctionEntry =>
  scalar(argsMin, argsMax, (args) => `${duckName}(${args.join(', ')})`);
const ofTexts = (count: number, duckName: string): FunctionEntry =>
  scalar(count, count, (args) => `${duckName}(${args.map((arg) => `mc_text(${arg})`).join(', ')})`);
const aggregate = (duckName: string, wrap: (arg: string) => string = (arg) => arg): FunctionEntry => ({
  kind: 'aggregate',
  argsMin: 1,
  argsMax: 1,
  write: ([arg], { isDistinct }) => `${duckName}(${isDistinct ? 'DISTINCT ' : ''}${wrap(arg as string)})`,
});
const window = (argsMin: number, argsMax: number, duckName: string): FunctionEntry => ({
  kind: 'window',
  argsMin,
  argsMax,
  write: (args) => `${duckName}(${args.join(', ')})`,
});

const nullIfAny = (args: readonly string[], value: string): string =>
  `CASE WHEN ${args.map((arg) => `${arg} IS NULL`).join(' OR ')} THEN NULL ELSE ${value} END`;
const notDecimal = (arg: string): string => `mc_not_decimal(${arg})`;
const datePart = (part: string): FunctionEntry => scalar(1, 1, ([arg]) => `date_part('${part}', mc_moment(${arg}))`);
const concat = (args: readonly string[]): string => `(${args.map((arg) => `mc_text(${arg})`).join(' || ')})`;

const functions: Readonly<Record<string, FunctionEntry>> = {
  // texts
  concat: scalar(1, many, concat),
  concat_ws: scalar(
    2,
    many,
    ([separator, ...rest]) => `concat_ws(${separator}, ${rest.map((a) => `mc_text(${a})`).join(', ')})`,
  ),
  substr: scalar(2, 3, substring),
  substring: scalar(2, 3, substring),
  length: scalar(1, 1, ([arg]) => `mc_length(${arg})`),
  lengthb: scalar(1, 1, ([arg]) => `CAST(octet_length(mc_bytes(${arg})) AS BIGINT)`),
  lower: ofTexts(1, 'lower'),
  tolower: ofTexts(1, 'lower'),
  upper: ofTexts(1, 'upper'),
  toupper: ofTexts(1, 'upper'),
  trim: ofTexts(1, 'trim'),
  ltrim: ofTexts(1, 'ltrim'),
  rtrim: ofTexts(1, 'rtrim'),
  reverse: ofTexts(1, 'reverse'),
  replace: ofTexts(3, 'replace'),
  instr: ofTexts(2, 'instr'),
  locate: scalar(2, 2, ([part, whole]) => `instr(mc_text(${whole}), mc_text(${part}))`),
  space: scalar(1, 1, ([count]) => `repeat(' ', CAST(${count} AS BIGINT))`),
  repeat: scalar(2, 2, ([text, count]) => `repeat(mc_text(${text}), CAST(${count} AS BIGINT))`),
  lpad: scalar(3, 3, ([text, size, pad]) => `lpad(mc_text(${text}), CAST(${size} AS INTEGER), ${pad})`),
  rpad: scalar(3, 3, ([text, size, pad]) => `rpad(mc_text(${text}), CAST(${size} AS INTEGER), ${pad})`),
  split: scalar(2, 3, split),
  md5: scalar(1, 1, ([arg]) => `md5(mc_bytes(${arg}))`),
  hex: scalar(1, 1, ([arg]) => `mc_hex(${arg})`),
  unhex: ofTexts(1, 'from_hex'),
  base64: scalar(1, 1, ([arg]) => `to_base64(mc_bytes(${arg}))`),
  unbase64: ofTexts(1, 'from_base64'),
  regexp_replace: scalar(3, 3, ([text, pattern, by]) => `regexp_replace(mc_text(${text}), ${pattern}, ${by}, 'g')`),
  get_json_object: scalar(2, 2, jsonObject),
  json_parse: scalar(1, 1, ([text]) => `CAST(mc_text(${text}) AS JSON)`),
  array: scalar(1, many, (args) => `[${args.join(', ')}]`),
  sequence: scalar(2, 2, ([from, to]) => `mc_sequence(${from}, ${to})`),
  size: renamed(1, 1, 'len'),

  // numbers
  abs: renamed(1, 1, 'abs'),
  sign: scalar(1, 1, ([arg]) => `CAST(sign(${arg}) AS DOUBLE)`),
  ceil: scalar(1, 1, ([arg]) => `CAST(ceil(${arg}) AS BIGINT)`),
  floor: scalar(1, 1, ([arg]) => `CAST(floor(${arg}) AS BIGINT)`),
  round: renamed(1, 2, 'round'),
  pow: renamed(2, 2, 'power'),
  power: renamed(2, 2, 'power'),
  exp: renamed(1, 1, 'exp'),
  sqrt: scalar(1, 1, ([arg]) => `CASE WHEN ${arg} >= 0 THEN sqrt(${arg}) END`),
  greatest: scalar(2, many, (args) => nullIfAny(args, `greatest(${args.join(', ')})`)),
  least: scalar(2, many, (args) => nullIfAny(args, `least(${args.join(', ')})`)),

  // conditions
  if: scalar(3, 3, ([when, then, otherwise]) => `CASE WHEN ${when} THEN ${then} ELSE ${otherwise} END`),
  nvl: renamed(2, 2, 'coalesce'),
  coalesce: renamed(1, many, 'coalesce'),
  nullif: renamed(2, 2, 'nullif'),

  // dates and times, in UTC
  getdate: scalar(0, 0, () => "CAST(timezone('UTC', current_timestamp) AS TIMESTAMP_MS)"),
  current_timestamp: scalar(0, 0, () => 'current_timestamp'),
  to_date: scalar(1, 2, ([text], { at, literals }) =>
    literals.length === 1
      ? `TRY_CAST(mc_moment(${text}) AS DATE)`
      : `CAST(try_strptime(mc_text(${text}), ${odpsDateFormat(at, literals[1] ?? null)}) AS TIMESTAMP_MS)`,
  ),
  to_char: scalar(1, 2, ([value], { at, literals }) =>
    literals.length === 1
      ? `mc_text(${value})`
      : `strftime(mc_only_moment(${value}), ${odpsDateFormat(at, literals[1] ?? null)})`,
  ),
  date_format: scalar(
    2,
    2,
    ([value], { at, literals }) => `strftime(mc_only_moment(${value}), ${javaDateFormat(at, literals[1] ?? null)})`,
  ),
  from_unixtime: scalar(
    1,
    1,
    ([seconds]) => `CAST(make_timestamp(CAST(${seconds} AS BIGINT) * 1000000) AS TIMESTAMP_MS)`,
  ),
  unix_timestamp: scalar(0, 1, ([value]) => `CAST(floor(epoch(mc_moment(${value ?? 'current_timestamp'}))) AS BIGINT)`),
  dateadd: scalar(3, 3, addToDate),
  datediff: scalar(2, 3, ([left, right], { at, literals }) => {
    const unit = literals.length === 2 ? 'day' : dateUnit(at, literals[2] ?? null);
    return `date_diff('${unit}', mc_moment(${right}), mc_moment(${left}))`;
  }),
  date_add: scalar(
    2,
    2,
    ([value, count]) => `CAST(CAST(mc_moment(${value}) AS DATE) + CAST(${count} AS INTEGER) AS DATE)`,
  ),
  date_sub: scalar(
    2,
    2,
    ([value, count]) => `CAST(CAST(mc_moment(${value}) AS DATE) - CAST(${count} AS INTEGER) AS DATE)`,
  ),
  year: datePart('year'),
  month: datePart('month'),
  day: datePart('day'),
  dayofmonth: datePart('day'),
  hour: datePart('hour'),
  minute: datePart('minute'),
  second: datePart('second'),

  // aggregates, over windows too
  count: { kind: 'aggregate', argsMin: 1, argsMax: many, write: count },
  sum: aggregate('sum'),
  avg: aggregate('avg', notDecimal),
  min: aggregate('min'),
  max: aggregate('max'),
  any_value: aggregate('any_value'),
  stddev: aggregate('stddev_pop', notDecimal),
  stddev_samp: aggregate('stddev_samp', notDecimal),
  count_if: aggregate('count_if'),
  wm_concat: {
    kind: 'aggregate',
    argsMin: 2,
    argsMax: 2,
    write: ([separator, arg], { isDistinct }) =>
      `string_agg(${isDistinct ? 'DISTINCT ' : ''}mc_text(${arg}), ${separator})`,
  },

  // window only
  row_number: window(0, 0, 'row_number'),
  rank: window(0, 0, 'rank'),
  dense_rank: window(0, 0, 'dense_rank'),
  lag: window(1, 3, 'lag'),
  lead: window(1, 3, 'lead'),
  first_value: window(1, 1, 'first_value'),
  last_value: window(1, 1, 'last_value'),
};

function substring(args: readonly string[], { at }: FunctionCall): string {
  const [text, from, size] = args as [string, string, string?];
  if (from === '0') throw semanticError(at, 'substr from 0 is not known to this emulator: positions count from 1');
  return size === undefined
    ? `substr(mc_text(${text}), CAST(${from} AS BIGINT))`
    : `substr(mc_text(${text}), CAST(${from} AS BIGINT), CAST(${size} AS BIGINT))`;
}

/** Manual, SPLIT: empty parts at the end are dropped unless the third argument is false. */
function split(args: readonly string[], { at }: FunctionCall): string {
  const [text, pattern, trims] = args as [string, string, string?];
  const parts = `string_split_regex(mc_text(${text}), ${pattern})`;
  if (trims === undefined || trims === 'TRUE') return `mc_trim_tail(${parts})`;
  if (trims === 'FALSE') return parts;
  throw semanticError(at, 'the third argument of split must be a constant');
}

function jsonObject(args: readonly string[], { at, literals }: FunctionCall): string {
  const path = literals[1] ?? null;
  if (path === null || !/^\$(?:\.[A-Za-z_]\w*|\[\d+\])*$/.test(path)) {
    throw semanticError(at, 'get_json_object takes a constant path of plain members and indexes in this emulator');
  }
  return `mc_json(mc_text(${args[0]}), ${args[1]})`;
}

function count(args: readonly string[], { isDistinct }: FunctionCall): string {
  if (args[0] === '*') return 'count(*)';
  if (args.length === 1) return `count(${isDistinct ? 'DISTINCT ' : ''}${args[0]})`;
  const present = args.map((arg) => `${arg} IS NOT NULL`).join(' AND ');
  return `count(${isDistinct ? 'DISTINCT ' : ''}CASE WHEN ${present} THEN (${args.join(', ')}) END)`;
}

function addToDate(args: readonly string[], { at, literals }: FunctionCall): string {
  const unit = dateUnit(at, literals[2] ?? null);
  // DuckDB counts the longer units in 32 bits.
  const countType = /^(year|month|day)$/.test(unit) ? 'INTEGER' : 'BIGINT';
  return `CAST(mc_datetime(${args[0]}) + to_${unit}s(CAST(${args[1]} AS ${countType})) AS TIMESTAMP_MS)`;
}

function dateUnit(at: Place, literal: string | null): string {
  const units: Readonly<Record<string, string>> = {
    yyyy: 'year',
    year: 'year',
    mm: 'month',
    mon: 'month',
    month: 'month',
    dd: 'day',
    day: 'day',
    hh: 'hour',
    hour: 'hour',
    mi: 'minute',
    ss: 'second',
  };
  const unit = units[(literal ?? '').toLowerCase()];
  if (unit === undefined) throw semanticError(at, 'the date part must be a constant: yyyy, mm, dd, hh, mi or ss');
  return unit;
}
