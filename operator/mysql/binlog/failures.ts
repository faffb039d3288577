/** What the binary log holds and cannot be applied without loss. */
import { SyncError } from '../../base/errors.js';
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
