/** The tags of a block's data columns, packed so that the hot path writes each without a loop. */
import { assert } from '../base/assert.js';
import type { TargetType } from '../model/table-plan.js';
import { tagOf, type WireType, wireTypes } from './records/wire.js';

/** A tag of two bytes carries field numbers up to here; a MaxCompute table has 1,200 columns at most. */
const fieldNumberMax = 2047;

/** By column: the one or two bytes of its tag, the first one lowest. */
export function packTags(types: readonly TargetType[], firstField: number): Int32Array {
  assert(types.length + firstField <= fieldNumberMax + 1, 'a tag takes two bytes at most');
  return Int32Array.from(types, (type, column) => packTag(tagOf(column + firstField, wireTypeOfTarget(type))));
}

function packTag(tag: number): number {
  return tag < 0x80 ? tag : (tag & 0x7f) | 0x80 | ((tag >>> 7) << 8);
}

/** Not by parsing the name: hundreds of blocks of a hundred columns may be opened with each flush. */
function wireTypeOfTarget(type: TargetType): WireType {
  switch (type) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'BOOLEAN':
    case 'DATE':
    case 'DATETIME':
      return wireTypes.varint;
    case 'FLOAT':
      return wireTypes.fixed32;
    case 'DOUBLE':
      return wireTypes.fixed64;
    case 'STRING':
    case 'BINARY':
    case 'JSON':
    case 'TIMESTAMP':
    case 'TIMESTAMP_NTZ':
      return wireTypes.bytes;
    default:
      assert(type.startsWith('DECIMAL('), `${type} is a type that is written`);
      return wireTypes.bytes;
  }
}
