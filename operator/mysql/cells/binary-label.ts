import type { SourceType } from '../../model/source-table.js';
import type { BinaryCellPlan, BinaryCellReader } from './binary-cell.js';
import { compileTextTarget } from './bytes-target.js';
import { wireType } from './wire.js';

type LabelType = Extract<SourceType, { kind: 'enum' | 'set' }>;

/** ENUM: the number of the label, 0 for the invalid value '', which SELECT shows too. SET: a bit for each label. */
export function compileBinaryLabel(plan: BinaryCellPlan, type: LabelType): BinaryCellReader | null {
  const { typeCode, fixedBytes } = plan.layout;
  if (typeCode !== (type.kind === 'enum' ? wireType.enum : wireType.set) || fixedBytes === null) return null;
  const labels = type.labels.map((label) => Buffer.from(label, 'utf8'));
  return type.kind === 'enum' ? compileEnum(plan, fixedBytes, labels) : compileSet(plan, fixedBytes, labels);
}

function compileEnum(plan: BinaryCellPlan, width: number, labels: readonly Buffer[]): BinaryCellReader | null {
  if (width !== (labels.length > 255 ? 2 : 1)) return null;
  const send = compileTextTarget(plan.source, plan.column, plan.index, plan.context);
  const texts = [Buffer.alloc(0), ...labels];
  return (bytes, at, sink) => {
    const number = (bytes[at] as number) | (width === 2 ? (bytes[at + 1] as number) << 8 : 0);
    const text = texts[number];
    if (text === undefined) throw plan.mismatch();
    send(sink, text, 0, text.length);
    return at + width;
  };
}

function compileSet(plan: BinaryCellPlan, width: number, labels: readonly Buffer[]): BinaryCellReader | null {
  if (labels.length > 64 || width !== setBytes(labels.length)) return null;
  const send = compileTextTarget(plan.source, plan.column, plan.index, plan.context);
  const scratch = Buffer.alloc(labels.reduce((sum, label) => sum + label.length + 1, 0));
  return (bytes, at, sink) => {
    let end = 0;
    for (let number = 0; number < width * 8; number += 1) {
      if ((((bytes[at + (number >> 3)] as number) >> (number & 7)) & 1) === 0) continue;
      const label = labels[number];
      if (label === undefined) throw plan.mismatch();
      if (end > 0) scratch[end++] = 0x2c;
      for (let index = 0; index < label.length; index += 1) scratch[end++] = label[index] as number;
    }
    send(sink, scratch, 0, end);
    return at + width;
  };
}

/** 1, 2, 3, 4 or 8 (`get_set_pack_length`). */
function setBytes(labels: number): number {
  const bytes = (labels + 7) >> 3;
  return bytes > 4 ? 8 : bytes;
}
