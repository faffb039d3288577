/** The merge as its reader would do it by hand: the baseline, then the log's rows in the order of their ids. */
import { rowKind } from '../../operator/model/change.js';
import type { TablePlan } from '../../operator/model/table-plan.js';
import { type Cells, renderCells } from './history.js';
import type { LandedRow } from './maxcompute-server.js';

export function foldTable(
  isKeyed: boolean,
  plan: TablePlan,
  base: readonly LandedRow[],
  log: readonly LandedRow[],
): Cells[] {
  const rows = [...base, ...log.toSorted((a, b) => a.recordId - b.recordId || a.kind - b.kind)];
  const filled = rows.map((row) => ({ row, cells: fill(row, plan) }));
  const folded: Cells[] = [];
  for (const { row, cells } of filled) {
    const isGone = row.kind === rowKind.before || row.kind === rowKind.delete;
    const at = folded.findIndex((each) => (isKeyed ? each.id === cells.id : renderCells(each) === renderCells(cells)));
    // A key holds one row, whatever came before; without a key each row counts.
    const replaces = isKeyed && row.kind !== rowKind.base;
    if (at >= 0 && (isGone || replaces)) folded.splice(at, 1);
    if (isGone && at < 0 && !isKeyed) folded.push({ missing: 1, ...cells });
    if (!isGone) folded.push(cells);
  }
  return folded;
}

/** Rows written before a column was added hold its default. */
function fill(row: LandedRow, plan: TablePlan): Cells {
  const cells: Record<string, number | null> = {};
  for (const { targetName } of plan.columns) {
    const added = plan.addedColumns.find((column) => column.targetName === targetName);
    const isOld = added !== undefined && (row.kind === rowKind.base || row.recordId <= added.afterRecordId);
    const filled = added?.defaultText == null ? null : Number(added.defaultText);
    cells[targetName] = isOld ? filled : (row.cells[targetName] ?? null);
  }
  return cells;
}
