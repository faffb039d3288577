/** MaxCompute type names, parsed: `decimal(10,2)`, `map<string,array<bigint>>`. In any case, as servers and clients write them. */
import { SyncError } from '../../base/errors.js';
import { type WireType, wireTypes } from './wire.js';

export type ScalarKind =
  | 'tinyint'
  | 'smallint'
  | 'int'
  | 'bigint'
  | 'boolean'
  | 'float'
  | 'double'
  | 'string'
  | 'varchar'
  | 'char'
  | 'binary'
  | 'decimal'
  | 'json'
  | 'date'
  | 'datetime'
  | 'timestamp'
  | 'timestamp_ntz'
  | 'interval_year_month'
  | 'interval_day_time';

export type RecordType =
  | { readonly kind: ScalarKind; readonly parameters: readonly number[] }
  | { readonly kind: 'array'; readonly element: RecordType }
  | { readonly kind: 'map'; readonly key: RecordType; readonly value: RecordType }
  | { readonly kind: 'struct'; readonly fields: readonly { readonly name: string; readonly type: RecordType }[] };

const scalarWireTypes: Readonly<Record<ScalarKind, WireType>> = {
  tinyint: wireTypes.varint,
  smallint: wireTypes.varint,
  int: wireTypes.varint,
  bigint: wireTypes.varint,
  boolean: wireTypes.varint,
  float: wireTypes.fixed32,
  double: wireTypes.fixed64,
  string: wireTypes.bytes,
  varchar: wireTypes.bytes,
  char: wireTypes.bytes,
  binary: wireTypes.bytes,
  decimal: wireTypes.bytes,
  json: wireTypes.bytes,
  date: wireTypes.varint,
  datetime: wireTypes.varint,
  timestamp: wireTypes.bytes,
  timestamp_ntz: wireTypes.bytes,
  interval_year_month: wireTypes.varint,
  interval_day_time: wireTypes.bytes,
};

export function wireTypeOf(type: RecordType): WireType {
  return 'parameters' in type ? scalarWireTypes[type.kind] : wireTypes.bytes;
}

/** Nesting beyond this is no table that anyone made, and would overflow a stack. */
const depthMax = 32;

export function parseRecordType(text: string): RecordType {
  const tokens = text.match(/[a-z_][a-z0-9_]*|`(?:[^`]|``)+`|\d+|[<>(),:]|\S/gi) ?? [];
  let at = 0;
  const fail = (): never => {
    throw new SyncError('TARGET_PROTOCOL', {
      seen: `type name ${JSON.stringify(text)}`,
      wanted: 'a MaxCompute type that can be carried in records',
      fix: 'Select other columns, or cast the column to STRING.',
    });
  };
  const take = (wanted: string): void => {
    if (tokens[at] !== wanted) fail();
    at += 1;
  };
  const parseAt = (depth: number): RecordType => {
    if (depth > depthMax) fail();
    const kind = (tokens[at] ?? fail()).toLowerCase();
    at += 1;
    if (kind === 'array') {
      take('<');
      const element = parseAt(depth + 1);
      take('>');
      return { kind, element };
    }
    if (kind === 'map') {
      take('<');
      const key = parseAt(depth + 1);
      take(',');
      const value = parseAt(depth + 1);
      take('>');
      return { kind, key, value };
    }
    if (kind === 'struct') {
      take('<');
      const fields: { name: string; type: RecordType }[] = [];
      do {
        if (fields.length > 0) take(',');
        const name = (tokens[at] ?? fail()).replace(/^`|`$/g, '').replaceAll('``', '`');
        at += 1;
        take(':');
        fields.push({ name, type: parseAt(depth + 1) });
      } while (tokens[at] === ',');
      take('>');
      return { kind, fields };
    }
    if (!isScalarKind(kind)) return fail();
    const parameters: number[] = [];
    if (tokens[at] === '(') {
      do {
        at += 1;
        parameters.push(Number(tokens[at] ?? fail()));
        at += 1;
      } while (tokens[at] === ',');
      take(')');
      if (!parameters.every(Number.isInteger)) fail();
    }
    return { kind, parameters };
  };
  const type = parseAt(0);
  if (at !== tokens.length) fail();
  return type;
}

function isScalarKind(kind: string): kind is ScalarKind {
  return Object.hasOwn(scalarWireTypes, kind);
}

/** The name in lower case without spaces, as the tunnel's schemas have it. */
export function formatRecordType(type: RecordType): string {
  switch (type.kind) {
    case 'array':
      return `array<${formatRecordType(type.element)}>`;
    case 'map':
      return `map<${formatRecordType(type.key)},${formatRecordType(type.value)}>`;
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}:${formatRecordType(field.type)}`).join(',')}>`;
    default:
      return type.parameters.length > 0 ? `${type.kind}(${type.parameters.join(',')})` : type.kind;
  }
}
