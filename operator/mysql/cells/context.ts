import type { TableName } from '../../model/source-table.js';

/** What the cell readers of one table share. */
export interface CellContext {
  readonly table: TableName;
  /** IANA zone that reads the wall clock of a DATETIME into an instant (target type DATETIME). */
  readonly timeZone: string;
  /** A value of this source column could not be held and became NULL, as the policy `Null` demands. */
  onNulled(columnName: string): void;
}
