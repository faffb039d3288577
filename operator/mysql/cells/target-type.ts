import type { TargetType } from '../../model/table-plan.js';

/** MaxCompute's default limit of one field. */
export const fieldBytesMax = 8 * 1024 * 1024;

/** Precision and scale of a DECIMAL; null for any other type. */
export function decimalShape(type: TargetType): { readonly precision: number; readonly scale: number } | null {
  const match = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : null;
}
