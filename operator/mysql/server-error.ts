/**
 * What mysql2 and the server say when something fails, told as a `SyncError`.
 * In: a thrown value and what was being done. Out: a coded error. Never a password, never SQL text (it holds key values),
 * never a server message that quotes a row's value; a thrown value that is no failure of the world passes as it is.
 */

import { isNativeError } from 'node:util/types';
import type { ErrorCode } from '../base/error-codes.js';
import { SyncError } from '../base/errors.js';

export interface FailureContext {
  readonly host: string;
  readonly port: number;
  /** What was being done, to end a sentence: `reading the schemas`. */
  readonly doing: string;
  /** `database.table`, where one is concerned. */
  readonly table?: string;
}

interface DriverError extends Error {
  readonly code?: string;
  readonly errno?: number;
  readonly sqlState?: string;
  /** Set where a call of the system failed, a read of the socket for one. */
  readonly syscall?: string;
}

/** Set by auth-plugins.ts on its own refusals. */
export const serverUnverifiedCode = 'MCSYNC_SERVER_UNVERIFIED';

/** Error numbers as in the MySQL Server Error Message Reference and MariaDB's error code list. */
const codeOfNumber: Readonly<Record<number, ErrorCode>> = {
  1037: 'SOURCE_UNREACHABLE', // out of memory
  1040: 'SOURCE_UNREACHABLE', // too many connections
  1041: 'SOURCE_UNREACHABLE', // out of memory
  1043: 'SOURCE_UNREACHABLE', // bad handshake: the log-in was cut or came too late
  1053: 'SOURCE_UNREACHABLE', // server shutdown in progress
  1077: 'SOURCE_UNREACHABLE', // normal shutdown
  1129: 'SOURCE_UNREACHABLE', // host is blocked after too many errors
  1135: 'SOURCE_UNREACHABLE', // no thread for another connection
  1152: 'SOURCE_UNREACHABLE', // aborted connection
  1158: 'SOURCE_UNREACHABLE', // communication packets, read and write
  1159: 'SOURCE_UNREACHABLE',
  1160: 'SOURCE_UNREACHABLE',
  1161: 'SOURCE_UNREACHABLE',
  1203: 'SOURCE_UNREACHABLE', // max_user_connections
  1205: 'SOURCE_UNREACHABLE', // lock wait timeout
  1213: 'SOURCE_UNREACHABLE', // deadlock
  1226: 'SOURCE_UNREACHABLE', // a resource limit of the account
  1317: 'SOURCE_UNREACHABLE', // query interrupted
  1412: 'SNAPSHOT_VIEW_LOST', // the table was altered between the opening of the view and its first read
  1927: 'SOURCE_UNREACHABLE', // connection was killed (MariaDB)
  1969: 'SOURCE_UNREACHABLE', // max_statement_time (MariaDB)
  3024: 'SOURCE_UNREACHABLE', // max_execution_time
  3032: 'SOURCE_UNREACHABLE', // the server is in offline mode
  3169: 'SOURCE_UNREACHABLE', // the session was killed
  4031: 'SOURCE_UNREACHABLE', // idle for longer than wait_timeout
  1045: 'SOURCE_CREDENTIALS_REJECTED',
  1130: 'SOURCE_CREDENTIALS_REJECTED', // host is not allowed to connect
  1251: 'SOURCE_CREDENTIALS_REJECTED', // authentication protocol not supported
  1698: 'SOURCE_CREDENTIALS_REJECTED', // access denied, no password given
  1820: 'SOURCE_CREDENTIALS_REJECTED', // password expired
  1862: 'SOURCE_CREDENTIALS_REJECTED',
  3118: 'SOURCE_CREDENTIALS_REJECTED', // account locked
  4151: 'SOURCE_CREDENTIALS_REJECTED', // account locked (MariaDB)
  3159: 'SOURCE_TLS_FAILED', // insecure transport prohibited
  1044: 'SOURCE_PRIVILEGE_MISSING', // database
  1142: 'SOURCE_PRIVILEGE_MISSING', // table
  1143: 'SOURCE_PRIVILEGE_MISSING', // column
  1227: 'SOURCE_PRIVILEGE_MISSING', // global privilege
  1370: 'SOURCE_PRIVILEGE_MISSING', // routine
};

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'PROTOCOL_UNEXPECTED_PACKET',
  'PROTOCOL_ERROR',
  'HANDSHAKE_UNKNOWN_ERROR',
]);

/** Messages of these numbers name schema objects and privileges only, no values. */
const harmlessMessages = new Set([
  1044, 1045, 1049, 1054, 1055, 1130, 1140, 1142, 1143, 1146, 1193, 1226, 1227, 1305, 1356, 1370, 1698, 3159,
]);

export function serverErrorNumber(error: unknown): number | null {
  return isNativeError(error) ? ((error as DriverError).errno ?? null) : null;
}

export function toSourceError(thrown: unknown, context: FailureContext): unknown {
  if (thrown instanceof SyncError || !isNativeError(thrown)) return thrown;
  const error = withNumber(thrown as DriverError);
  const code = codeOf(error);
  if (code === null) return thrown;
  const facts = { ...adviceFor(code, error, context), ...(context.table ? { table: context.table } : {}) };
  return new SyncError(code, {
    seen: `${context.host}:${context.port}, ${context.doing}: ${describe(error)}`,
    ...facts,
  });
}

/** Where a server speaks before it closes an idle connection, mysql2 has the bare number as code (lib/base/connection.js). */
function withNumber(error: DriverError): DriverError {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'number' ? Object.assign(new Error(error.message), { errno: code }) : error;
}

function codeOf(error: DriverError): ErrorCode | null {
  const code = error.code ?? '';
  if (code === serverUnverifiedCode || code === 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED') return 'SOURCE_TLS_FAILED';
  if (isCutHandshake(error)) return 'SOURCE_UNREACHABLE';
  if (isTlsFailure(error)) return 'SOURCE_TLS_FAILED';
  if (isFileRequest(error)) return 'SOURCE_QUERY_FAILED';
  if (code === 'AUTH_SWITCH_PLUGIN_ERROR') return 'SOURCE_CREDENTIALS_REJECTED';
  // mysql2 gives no code to a question that comes after the connection was lost (lib/base/connection.js).
  if (networkCodes.has(code) || error.message.includes('in closed state')) return 'SOURCE_UNREACHABLE';
  if (typeof error.errno === 'number' && error.errno >= 1000) {
    return codeOfNumber[error.errno] ?? 'SOURCE_QUERY_FAILED';
  }
  return null;
}

/** mysql2 gives one code to all that ends a TLS handshake, a lost connection too; Node's own words for it (lib/_tls_wrap.js). */
function isCutHandshake(error: DriverError): boolean {
  const isLost = error.syscall !== undefined || /socket disconnected before secure TLS connection/.test(error.message);
  return error.code === 'HANDSHAKE_SSL_ERROR' && isLost;
}

function isTlsFailure(error: DriverError): boolean {
  const code = error.code ?? '';
  return (
    code === 'HANDSHAKE_NO_SSL_SUPPORT' ||
    code === 'HANDSHAKE_SSL_ERROR' ||
    code.startsWith('ERR_TLS') ||
    code.startsWith('ERR_SSL') ||
    code.startsWith('ERR_OSSL')
  );
}

/** mysql2 has answered with an empty file, and has no code for it. */
function isFileRequest(error: DriverError): boolean {
  return error.code === undefined && /LOCAL INFILE/.test(error.message);
}

function describe(error: DriverError): string {
  if (typeof error.errno === 'number' && error.errno >= 1000) {
    const message = harmlessMessages.has(error.errno) ? `: ${error.message}` : '';
    return `error ${error.errno} (${error.code ? `${error.code}, ` : ''}SQLSTATE ${error.sqlState ?? '?'})${message}`;
  }
  return isFileRequest(error) ? 'the server asked for a file of this machine; it got none' : error.message;
}

function adviceFor(code: ErrorCode, error: DriverError, context: FailureContext): { wanted: string; fix: string } {
  const server = `${context.host}:${context.port}`;
  switch (code) {
    case 'SOURCE_UNREACHABLE':
      return {
        wanted: `a MySQL server that answers at ${server} and keeps the connection`,
        fix: 'Check spec.source.host and port, that the server runs, and that firewalls and the IP whitelist let this machine in.',
      };
    case 'SOURCE_CREDENTIALS_REJECTED':
      return {
        wanted: 'an account that this server lets in from this machine',
        fix:
          error.errno === 1130
            ? "Allow the account to log in from this address (CREATE USER 'name'@'%' ...)."
            : 'Check username and password in the Secret of spec.source.credentials, the host part of the account, and whether the server or the account demands TLS: some refuse in the same words.',
      };
    case 'SOURCE_TLS_FAILED':
      return { wanted: `a TLS connection to ${server} as spec.source.tls.mode demands`, fix: tlsFix(error) };
    case 'SOURCE_PRIVILEGE_MISSING':
      return {
        wanted: 'the privilege named by the server',
        fix: 'Run `mcsync precheck -f FILE`: it prints the GRANT statements for this account.',
      };
    case 'SNAPSHOT_VIEW_LOST':
      return {
        wanted: 'a table that keeps its columns while it is read',
        fix: 'Nothing: the table is read again in another view.',
      };
    default:
      return {
        wanted: 'a statement that the server accepts',
        fix: 'Look the error number up in the manual of the server; a filter in spec.objects[].where is a frequent cause.',
      };
  }
}

function tlsFix(error: DriverError): string {
  switch (error.code) {
    case serverUnverifiedCode:
    case 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED':
      return "Set spec.source.tls.mode to VerifyCA or VerifyIdentity and give the server's CA, or use an account with mysql_native_password.";
    case 'HANDSHAKE_NO_SSL_SUPPORT':
      return 'Switch TLS on at the server, or write `tls: {mode: Disabled}` if the network between is trusted.';
    default:
      return error.errno === 3159
        ? 'The server takes TLS connections only: set spec.source.tls.mode to Required or stricter.'
        : 'Check the CA certificate in spec.source.tls.caSecretRef, that it signed the certificate of the server, and the host name in that certificate.';
  }
}
