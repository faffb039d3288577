/** What the server or the socket says while the binary log is read, as coded errors. No password ever stands in these texts. */
import { SyncError } from '../../base/errors.js';
import { type BinlogPosition, renderPosition } from '../../model/position.js';
import { toSourceError } from '../server-error.js';

/** The parts of a mysql2 error that tell what happened. */
export interface DriverError extends Error {
  readonly code?: string | undefined;
  readonly errno?: number | undefined;
  readonly fatal?: boolean | undefined;
}

/** ER_MASTER_FATAL_ERROR_READING_BINLOG: the dump ended; only the text says why (sql/rpl_binlog_sender.cc, sql/sql_repl.cc). */
const dumpEnded = 1236;

/** ER_SLAVE_SAME_ID of MariaDB; MySQL tells the same with the number above. */
const mariadbSameId = 4052;

export type DumpFailure = 'position-lost' | 'server-id-clash' | 'corrupt' | 'misconfigured' | 'other';

/**
 * By the server's words, of all versions and both flavours. What is not named here is tried again: the next start tells
 * more (`could not find next log` is one of these: whether the position is lost is decided where the dump begins).
 */
export function classifyDumpFailure(message: string): DumpFailure {
  if (/same server_(uu)?id/i.test(message)) return 'server-id-clash';
  if (/server[_ ]id was not set/i.test(message)) return 'misconfigured';
  const lost = [
    // Nothing was logged while it was off: what was written then is in no log.
    /binary log is not open/i,
    /binlog on the master is missing the GTID/i,
    /cannot replicate anonymous transaction/i,
    /could not find first log file name/i,
    /could not open log file/i,
    /start replication from (position >|impossible position)/i,
    /purged (required )?binary logs/i,
    /has purged binary logs containing/i,
    /required binlog files have been purged/i,
    /which is not in the (master|primary)'s binlog/i,
    /more GTIDs than the (master|source)/i,
    /requested to start from GTID/i,
    /could not find GTID state requested/i,
    /cannot start in AUTO_POSITION mode/i,
    /found old binary log without GTIDs/i,
  ];
  if (lost.some((pattern) => pattern.test(message))) return 'position-lost';
  // A length that is none makes an event too large for any packet.
  const corrupt =
    /bogus data|truncated in the middle|event read from binlog did not pass|crc check|exceeded max_allowed/i;
  return corrupt.test(message) ? 'corrupt' : 'other';
}

export interface DumpFacts {
  readonly host: string;
  readonly port: number;
  readonly from: BinlogPosition;
}

export function dumpError(error: DriverError, facts: DumpFacts, oldestFile: string | null): Error {
  if (error instanceof SyncError) return error;
  if (error.errno !== dumpEnded && error.errno !== mariadbSameId) return connectionError(error, facts);
  const { from } = facts;
  const position = renderPosition(from);
  switch (classifyDumpFailure(error.message)) {
    case 'position-lost':
      return new SyncError('POSITION_LOST', {
        seen: `the server cannot send the binary log from ${position}; its oldest file is ${oldestFile ?? 'unknown'}: ${error.message}`,
        wanted: `${from.file} and every later file, kept until they are read`,
        fix: 'Take the tables again (mcsync resnapshot), and keep binary logs longer than the longest outage plus the snapshot (expire_logs_days, binlog_expire_logs_seconds, or the retention in the RDS console).',
        position,
        cause: error,
      });
    case 'server-id-clash':
      return new SyncError('SOURCE_SERVER_ID_CLASH', {
        seen: `the server ended our dump because another replica came with the same server id: ${error.message}`,
        wanted: 'a server id that no other replica of this server has',
        fix: 'Set spec.source.serverId to a free number, or stop the other reader.',
        position,
        cause: error,
      });
    case 'corrupt':
      return new SyncError('BINLOG_CORRUPT', {
        seen: `the server cannot read its own binary log: ${error.message}`,
        wanted: 'a binary log that the server can read',
        fix: 'Reading starts again at the checkpoint. If it happens again, the file is damaged on the server: take the tables again (mcsync resnapshot).',
        position,
        cause: error,
      });
    case 'misconfigured':
      return new SyncError('SOURCE_QUERY_FAILED', {
        seen: `the server sends its binary log to nobody: ${error.message}`,
        wanted: 'a server_id above 0',
        fix: 'SET GLOBAL server_id to a number of its own, also in the configuration file.',
        position,
        cause: error,
      });
    case 'other':
      return lostConnection(`the server ended the dump: ${error.message}`, facts);
  }
}

/** Failures of the connection itself; a thrown value that is no failure of the world passes as it is. */
function connectionError(error: DriverError, facts: DumpFacts): Error {
  const known = toSourceError(error, { host: facts.host, port: facts.port, doing: 'reading the binary log' });
  if (known instanceof SyncError) return known;
  return error.fatal === true ? lostConnection(error.message, facts) : error;
}

export function lostConnection(seen: string, facts: DumpFacts): SyncError {
  return new SyncError('SOURCE_UNREACHABLE', {
    seen: `${facts.host}:${facts.port}, reading the binary log: ${seen}`,
    wanted: 'a connection that stays up',
    fix: 'Check that the server runs and that the network lets long connections live. It is tried again by itself.',
    position: renderPosition(facts.from),
  });
}
