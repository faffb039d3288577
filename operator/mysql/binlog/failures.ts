/** What the binary log holds and cannot be applied without loss, and what it holds no longer. */
import { SyncError } from '../../base/errors.js';
import { type BinlogPosition, renderPosition } from '../../model/position.js';
import { type TableName, tableKey } from '../../model/source-table.js';

export function unsupportedEvent(seen: string, position: string, table: TableName | null): SyncError {
  return new SyncError('BINLOG_EVENT_UNSUPPORTED', {
    seen,
    wanted:
      'whole rows of committed transactions (binlog_format=ROW, binlog_row_image=FULL, no PARTIAL_JSON, no XA on selected tables)',
    fix: 'Correct the setting on the server and in the sessions that write, then take the table again: mcsync resnapshot.',
    position,
    ...(table === null ? {} : { table: tableKey(table) }),
  });
}

export function changeAsStatement(table: TableName | null, position: string): SyncError {
  return new SyncError('DML_AS_STATEMENT', {
    seen: 'a change logged as a statement',
    wanted: 'changes logged as rows (binlog_format=ROW in every session that writes)',
    fix: 'SET GLOBAL binlog_format = ROW; restart the sessions that write by statement, then take the table again: mcsync resnapshot.',
    position,
    ...(table === null ? {} : { table: tableKey(table) }),
  });
}

/** RESET MASTER, or an older state of the server, gives a new file the name of one that was read. */
export function begunAnew(from: BinlogPosition, bornSeconds: number): SyncError {
  const iso = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
  return new SyncError('POSITION_LOST', {
    seen: `the server began its file ${from.file} at ${iso(bornSeconds)}: its log was reset (RESET MASTER), or the server restored to another state`,
    wanted: `the ${from.file} that was read, which was begun at ${iso(from.bornSeconds ?? 0)}`,
    fix: 'Nothing of the new log was read. Take the tables again (mcsync resnapshot): what was written into the old one after this place is not known.',
    position: renderPosition(from),
  });
}
