/** How long a snapshot may take, roughly, for warnings only. */
import type { SelectedTable } from './selection.js';

/** What one connection reads from a busy server over a network, bytes per second: a cautious tenth of what was measured. */
const bytesPerSecond = 10 * 1024 * 1024;

export function estimateSnapshotSeconds({ selected }: { readonly selected: readonly SelectedTable[] }): number {
  const bytes = selected.reduce((sum, { table }) => sum + table.bytesEstimate, 0);
  return Math.ceil(bytes / bytesPerSecond);
}

/** `45 minutes`, `3 hours`, `12 days`: one figure, as a person would say it. */
export function renderSpan(seconds: number): string {
  const units = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ] as const;
  const [unit, size] = units.find(([, unitSeconds]) => seconds >= 2 * unitSeconds) ?? units[3];
  const count = Math.round(seconds / size);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
