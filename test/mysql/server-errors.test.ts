/** What servers and sockets say, and the code that it gets. The words are those of the servers' sources and of runs. */
import { SyncError } from '../../operator/base/errors.js';
import { dumpError } from '../../operator/mysql/binlog/server-errors.js';
import { toSourceError } from '../../operator/mysql/server-error.js';

const context = { host: 'h', port: 3306, doing: 'reading' };
const facts = { host: 'h', port: 3306, from: { file: 'binlog.000007', offset: 1_234, gtidSet: null } };
const failure = (message: string, more: Record<string, unknown> = {}): Error => Object.assign(new Error(message), more);

describe('the end of a dump, error 1236', () => {
  it.each([
    ['Could not find first log file name in binary log index file', 'POSITION_LOST'],
    ['could not find log file: Could not open log file', 'POSITION_LOST'],
    ['Client requested master to start replication from position > file size', 'POSITION_LOST'],
    ['Client requested source to start replication from position > file size', 'POSITION_LOST'],
    ['Client requested master to start replication from impossible position', 'POSITION_LOST'],
    [
      'The slave is connecting using CHANGE MASTER TO MASTER_AUTO_POSITION = 1, but the master has purged binary logs containing GTIDs that the slave requires.',
      'POSITION_LOST',
    ],
    [
      'Cannot replicate because the source purged required binary logs. Replicate the missing transactions from elsewhere, or provision a new replica from backup.',
      'POSITION_LOST',
    ],
    [
      "Slave has more GTIDs than the master has, using the master's SERVER_UUID. This may indicate that the end of the binary log was truncated",
      'POSITION_LOST',
    ],
    ["Replica has more GTIDs than the source has, using the source's SERVER_UUID.", 'POSITION_LOST'],
    [
      'The replication sender thread cannot start in AUTO_POSITION mode: this server has GTID_MODE = OFF instead of ON.',
      'POSITION_LOST',
    ],
    [
      'Cannot replicate anonymous transaction when AUTO_POSITION = 1, at file ./binlog.000009, position 4.',
      'POSITION_LOST',
    ],
    [
      "Error: connecting slave requested to start from GTID 0-1-100, which is not in the master's binlog",
      'POSITION_LOST',
    ],
    [
      'The binlog on the master is missing the GTID 0-1-100 requested by the slave (even though a subsequent sequence number does exist), and GTID strict mode is enabled',
      'POSITION_LOST',
    ],
    [
      'Could not find GTID state requested by slave in any binlog files. Probably the slave state is too old and required binlog files have been purged.',
      'POSITION_LOST',
    ],
    ['Binary log is not open', 'POSITION_LOST'],
    [
      'A slave with the same server_uuid/server_id as this slave has connected to the master; the first event',
      'SOURCE_SERVER_ID_CLASH',
    ],
    [
      'A replica with the same server_uuid/server_id as this replica has connected to the source; the first event',
      'SOURCE_SERVER_ID_CLASH',
    ],
    ["bogus data in log event; the first event 'binlog.000007' at 1234", 'BINLOG_CORRUPT'],
    ['binlog truncated in the middle of event; consider out of disk space on master', 'BINLOG_CORRUPT'],
    ['log event entry exceeded max_allowed_packet; Increase max_allowed_packet on master', 'BINLOG_CORRUPT'],
    ['event read from binlog did not pass crc check', 'BINLOG_CORRUPT'],
    ['Misconfigured master - server_id was not set', 'SOURCE_QUERY_FAILED'],
    ['Misconfigured source - server_id was not set', 'SOURCE_QUERY_FAILED'],
    ["could not find next log; the first event 'binlog.000007' at 1234", 'SOURCE_UNREACHABLE'],
    ['I/O error reading log event', 'SOURCE_UNREACHABLE'],
    ['memory allocation failed reading log event', 'SOURCE_UNREACHABLE'],
  ])('%s', (message, code) => {
    const told = dumpError(failure(message, { errno: 1236, fatal: true }), facts, 'binlog.000011') as SyncError;
    expect(told.code).toBe(code);
    expect(told.seen).toContain(message);
    if (code !== 'POSITION_LOST') return;
    expect(told.seen).toContain('binlog.000007:1234');
    expect(told.seen).toContain('its oldest file is binlog.000011');
    expect(told.wanted).toContain('binlog.000007');
    expect(told.fix).toContain('mcsync resnapshot');
  });
});

describe('a failure of a connection', () => {
  it.each<[string, Error, string]>([
    [
      'a server that has no place',
      failure('Too many connections', { errno: 1040, code: 'ER_CON_COUNT_ERROR' }),
      'SOURCE_UNREACHABLE',
    ],
    ['a server in offline mode', failure('offline', { errno: 3032 }), 'SOURCE_UNREACHABLE'],
    ['a killed session', failure('killed', { errno: 3169 }), 'SOURCE_UNREACHABLE'],
    [
      'an idle one that the server closes with a word',
      failure('inactivity', { code: 4031, fatal: true }),
      'SOURCE_UNREACHABLE',
    ],
    [
      'an idle one that the server kills with a word',
      failure('Connection was killed', { code: 1927, fatal: true }),
      'SOURCE_UNREACHABLE',
    ],
    ['a log-in that was cut', failure('Bad handshake', { errno: 1043 }), 'SOURCE_UNREACHABLE'],
    [
      'a TLS handshake that was cut',
      failure('Client network socket disconnected before secure TLS connection was established', {
        code: 'HANDSHAKE_SSL_ERROR',
      }),
      'SOURCE_UNREACHABLE',
    ],
    [
      'a TLS handshake that was reset',
      failure('read ECONNRESET', { code: 'HANDSHAKE_SSL_ERROR', errno: -104, syscall: 'read' }),
      'SOURCE_UNREACHABLE',
    ],
    ['a wrong certificate', failure('self-signed certificate', { code: 'HANDSHAKE_SSL_ERROR' }), 'SOURCE_TLS_FAILED'],
    [
      'a key that does not fit',
      failure('key values mismatch', { code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' }),
      'SOURCE_TLS_FAILED',
    ],
    ['a wrong password', failure("Access denied for user 'a'@'b'", { errno: 1045 }), 'SOURCE_CREDENTIALS_REJECTED'],
  ])('%s', (_, error, code) => {
    const told = toSourceError(error, context);
    expect(told).toBeInstanceOf(SyncError);
    expect((told as SyncError).code).toBe(code);
  });

  it('that is none of the world passes as it is', () => {
    const bug = new TypeError('x is not a function');
    expect(toSourceError(bug, context)).toBe(bug);
  });
});
