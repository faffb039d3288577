/** Cells of a query's result as texts: exact, and the same text for the same value. Moments are given in UTC. */
import type { RecordType } from './records/types.js';
import type { RecordValue, SecondsAndNanos } from './records/values.js';

export function textOfCell(type: RecordType, value: RecordValue): string | null {
  if (value === null) return null;
  switch (type.kind) {
    case 'float':
      return textOfFloat(value as number);
    case 'binary':
      return Buffer.from(value as Uint8Array).toString('hex');
    case 'date':
      return textOfDay((value as number) * 86_400_000);
    case 'datetime':
      return textOfMoment(Math.floor((value as number) / 1000), (((value as number) % 1000) + 1000) % 1000, 3);
    case 'timestamp':
    case 'timestamp_ntz': {
      const { seconds, nanos } = value as SecondsAndNanos;
      return textOfMoment(seconds, nanos, 9);
    }
    case 'interval_day_time': {
      const { seconds, nanos } = value as SecondsAndNanos;
      return `${seconds}.${String(nanos).padStart(9, '0')}`;
    }
    case 'array':
    case 'map':
    case 'struct':
      return JSON.stringify(textsOfNested(type, value));
    default:
      return String(value);
  }
}

type Nested = string | null | readonly Nested[];

function textsOfNested(type: RecordType, value: RecordValue): Nested {
  if (value === null || !Array.isArray(value)) return textOfCell(type, value);
  switch (type.kind) {
    case 'array':
      return value.map((element: RecordValue) => textsOfNested(type.element, element));
    case 'map':
      return (value as readonly (readonly [RecordValue, RecordValue])[]).map(([key, item]) => [
        textsOfNested(type.key, key),
        textsOfNested(type.value, item),
      ]);
    case 'struct':
      return type.fields.map((field, index) => textsOfNested(field.type, value[index] as RecordValue));
    default:
      return textOfCell(type, value);
  }
}

/** The shortest decimal that gives the same 32 bits again. */
function textOfFloat(value: number): string {
  for (let digits = 1; digits <= 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}

function textOfDay(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/T.*$/, '');
}

function textOfMoment(seconds: number, fraction: number, digits: number): string {
  const iso = new Date(seconds * 1000).toISOString();
  const tail = fraction === 0 ? '' : `.${String(fraction).padStart(digits, '0').replace(/0+$/, '')}`;
  return `${iso.slice(0, -5).replace('T', ' ')}${tail}`;
}
