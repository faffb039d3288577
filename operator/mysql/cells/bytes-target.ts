import { isUtf8 } from 'node:buffer';
import type { RowSink } from '../../model/change.js';
import type { SourceColumn } from '../../model/source-table.js';
import type { ColumnPlan } from '../../model/table-plan.js';
import type { CellContext } from './context.js';
import { compileRefusal, pairRefused, type Refuse } from './refusal.js';
import { fieldBytesMax } from './target-type.js';

export type BytesTarget = (sink: RowSink, bytes: Buffer, from: number, to: number) => void;

/** Text, as UTF-8 already, into STRING, BINARY or JSON. */
export function compileTextTarget(
  source: SourceColumn,
  column: ColumnPlan,
  index: number,
  context: CellContext,
): BytesTarget {
  const target = column.targetType;
  if (target !== 'STRING' && target !== 'BINARY' && target !== 'JSON') throw pairRefused(source, column, context);
  return compileLimit(index, compileRefusal(source, column, context));
}

/** Binary values into BINARY; into STRING only where they are UTF-8, since its readers break on anything else. */
export function compileBinaryTarget(
  source: SourceColumn,
  column: ColumnPlan,
  index: number,
  context: CellContext,
): BytesTarget {
  const refuse = compileRefusal(source, column, context);
  const send = compileLimit(index, refuse);
  if (column.targetType === 'BINARY') return send;
  if (column.targetType !== 'STRING') throw pairRefused(source, column, context);
  return (sink, bytes, from, to) => {
    if (isUtf8(bytes.subarray(from, to))) send(sink, bytes, from, to);
    else refuse('bytes that are not UTF-8');
  };
}

function compileLimit(index: number, refuse: Refuse): BytesTarget {
  return (sink, bytes, from, to) => {
    if (to - from > fieldBytesMax) refuse('a value of more than 8 MiB');
    else sink.bytes(index, bytes, from, to);
  };
}
