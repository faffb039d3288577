/** MySQL types to MaxCompute types: the two profiles, and what may be chosen by hand. The table stands in docs/types.md. */
import type { SyncTaskSpec } from '../api/sync-task.js';
import { unreachable } from '../base/assert.js';
import type { SourceType } from '../model/source-table.js';
import type { TargetType } from '../model/table-plan.js';

export type TypeProfile = SyncTaskSpec['types']['profile'];

/** MaxCompute's default limit of one field. */
export const fieldBytesMax = 8 * 1024 * 1024;
const decimalDigitsMax = 38;
const decimalScaleMax = 18;

export function profileType(source: SourceType, profile: TypeProfile): TargetType {
  const faithful = faithfulType(source);
  return profile === 'Faithful' ? faithful : dtsType(faithful);
}

/** Keeps every value exactly, where MaxCompute can hold it at all. */
function faithfulType(source: SourceType): TargetType {
  switch (source.kind) {
    case 'int':
      return source.unsigned ? unsignedTypes[source.bytes] : signedTypes[source.bytes];
    case 'decimal':
      // Digits beyond DECIMAL(38,18) would be rounded; text keeps them.
      if (source.precision > decimalDigitsMax || source.scale > decimalScaleMax) return 'STRING';
      return `DECIMAL(${source.precision},${source.scale})`;
    case 'float':
      return 'FLOAT';
    case 'double':
      return 'DOUBLE';
    case 'bit':
      return source.bits < 64 ? 'BIGINT' : 'DECIMAL(20,0)';
    case 'date':
      return 'DATE';
    case 'datetime':
      return 'TIMESTAMP_NTZ';
    case 'timestamp':
      return 'TIMESTAMP';
    case 'year':
      return 'INT';
    // TIME goes from -838:59:59 to 838:59:59: a duration, which no MaxCompute type of a time of day can hold.
    case 'time':
    case 'text':
    case 'enum':
    case 'set':
    case 'json':
    case 'inet4':
    case 'inet6':
    case 'uuid':
      return 'STRING';
    case 'bytes':
    case 'geometry':
    case 'vector':
      return 'BINARY';
    default:
      return unreachable(source);
  }
}

const signedTypes = { 1: 'TINYINT', 2: 'SMALLINT', 3: 'INT', 4: 'INT', 8: 'BIGINT' } as const;
const unsignedTypes = { 1: 'SMALLINT', 2: 'INT', 3: 'INT', 4: 'BIGINT', 8: 'DECIMAL(20,0)' } as const;

/** The types that DTS uses, for those who replace it: BIGINT, DOUBLE, DECIMAL, STRING, DATETIME, BINARY. */
function dtsType(faithful: TargetType): TargetType {
  switch (faithful) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
      return 'BIGINT';
    case 'FLOAT':
      return 'DOUBLE';
    case 'DATE':
    case 'TIMESTAMP':
    case 'TIMESTAMP_NTZ':
      return 'DATETIME';
    default:
      return faithful;
  }
}

const numberTypes = ['TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'DECIMAL', 'FLOAT', 'DOUBLE', 'STRING'] as const;
const dateTypes = ['DATE', 'DATETIME', 'TIMESTAMP', 'TIMESTAMP_NTZ', 'STRING'] as const;

/** What `columnTypes` may name for a column; DECIMAL stands for every precision and scale. */
export function choosableTypes(source: SourceType): readonly string[] {
  switch (source.kind) {
    case 'int':
    case 'bit':
      return [...numberTypes, 'BOOLEAN'];
    case 'year':
    case 'decimal':
      return numberTypes;
    case 'float':
    case 'double':
      return ['FLOAT', 'DOUBLE', 'STRING'];
    case 'date':
      return dateTypes;
    case 'datetime':
    case 'timestamp':
      return dateTypes.filter((type) => type !== 'DATE');
    case 'json':
    case 'text':
      return ['STRING', 'JSON', 'BINARY'];
    case 'bytes':
    case 'geometry':
    case 'vector':
      return ['BINARY', 'STRING'];
    case 'enum':
    case 'set':
    case 'inet4':
    case 'inet6':
    case 'uuid':
      return ['STRING', 'BINARY'];
    case 'time':
      return ['STRING'];
    default:
      return unreachable(source);
  }
}

export function isChoosable(source: SourceType, target: TargetType): boolean {
  return choosableTypes(source).includes(target.startsWith('DECIMAL') ? 'DECIMAL' : target);
}

/** The type has values of this column that MaxCompute's type has not, and STRING would hold them. */
export function hasUnrepresentable(source: SourceType, target: TargetType): boolean {
  switch (source.kind) {
    case 'int':
      return source.bytes === 8 && !source.unsigned && target === 'BIGINT';
    case 'date':
    case 'datetime':
    case 'timestamp':
      return target !== 'STRING';
    default:
      return false;
  }
}

/** What a value loses in this type, for a person; null where nothing is lost in silence. */
export function lossOf(source: SourceType, target: TargetType): string | null {
  const isFloating = target === 'FLOAT' || target === 'DOUBLE';
  switch (source.kind) {
    case 'int':
    case 'bit': {
      const bits = source.kind === 'bit' ? source.bits : source.bytes * 8;
      if (target === 'DOUBLE' && bits > 53) return 'whole numbers beyond 2^53 become the nearest DOUBLE';
      return target === 'FLOAT' && bits > 24 ? 'whole numbers beyond 2^24 become the nearest FLOAT' : null;
    }
    case 'decimal':
      return isFloating ? `decimal digits become the nearest ${target}` : null;
    case 'double':
      return target === 'FLOAT' ? 'digits beyond the 24 bits of a FLOAT are rounded' : null;
    case 'datetime':
    case 'timestamp':
      return target === 'DATETIME' && source.fsp > 3 ? 'microseconds are cut to milliseconds' : null;
    default:
      return null;
  }
}

/** The chosen type holds a smaller range than the column; values outside are refused, never changed. */
export function isNarrower(source: SourceType, target: TargetType): boolean {
  const wanted = digitsOf(source);
  if (wanted === null) return false;
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(target);
  if (decimal) {
    const scale = Number(decimal[2]);
    return scale < wanted.scale || Number(decimal[1]) - scale < wanted.whole;
  }
  const bitsHeld = integerBits[target];
  if (bitsHeld !== undefined) return wanted.bits > bitsHeld || wanted.scale > 0;
  return target === 'BOOLEAN' && wanted.bits > 1;
}

/** Bits of the size of a number, without its sign. */
const integerBits: Readonly<Partial<Record<TargetType, number>>> = { TINYINT: 7, SMALLINT: 15, INT: 31, BIGINT: 63 };

function digitsOf(source: SourceType): { bits: number; whole: number; scale: number } | null {
  if (source.kind === 'decimal') {
    const whole = source.precision - source.scale;
    return { bits: Math.ceil(whole * Math.log2(10)), whole, scale: source.scale };
  }
  if (source.kind === 'year') return { bits: 12, whole: 4, scale: 0 };
  if (source.kind !== 'int' && source.kind !== 'bit') return null;
  const bits = source.kind === 'bit' ? source.bits : source.bytes * 8 - (source.unsigned ? 0 : 1);
  return { bits, whole: Math.floor(bits * Math.log10(2)) + 1, scale: 0 };
}
