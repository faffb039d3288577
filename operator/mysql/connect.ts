/**
 * Connections to the source. In: where it is, who we are, what TLS must prove. Out: sessions set up so that what they
 * read does not depend on settings of the server: UTC, utf8mb4, no SQL mode, no time limit on statements.
 * Never: LOCAL INFILE, several statements at once, a password to a server that was not verified (auth-plugins.ts).
 */
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import mysql, { type Connection, type ConnectionOptions } from 'mysql2';
import { SyncError } from '../base/errors.js';
import { type RejectionPatience, withPatience } from '../base/rejection-patience.js';
import { pluginsForUnverifiedServer } from './auth-plugins.js';
import { toSourceError } from './server-error.js';
import { Session, socketOf } from './session.js';

export type TlsMode = 'Disabled' | 'Preferred' | 'Required' | 'VerifyCA' | 'VerifyIdentity';

export interface TlsSettings {
  readonly mode: TlsMode;
  /** PEM texts. Asked at every connection, like the credentials: each may be a getter. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface MySqlCredentials {
  readonly username: string;
  readonly password: string;
}

export interface MySqlSettings {
  readonly host: string;
  readonly port: number;
  /** Asked at every connection: secrets are changed while we run. */
  readonly credentials: () => Promise<MySqlCredentials>;
  readonly tls: TlsSettings;
  /** From the first packet to the end of the log-in; default 10 s. */
  readonly connectMs?: number;
  /** The longest wait for an answer to a statement that does not say otherwise; default 5 minutes. */
  readonly answerMs?: number;
  /** Absent: a rejection goes up at once. */
  readonly patience?: RejectionPatience;
}

const connectMsMax = 10_000;
/** Finds a dead peer behind a firewall that drops silently. */
const keepAliveDelayMs = 30_000;

export async function openSession(settings: MySqlSettings): Promise<Session> {
  const { connection, isEncrypted } = await connect(settings);
  const session = new Session(connection, { encrypted: isEncrypted, verified: isVerified(settings.tls) }, settings);
  try {
    await setUp(session, settings);
  } catch (error) {
    session.destroy();
    throw error;
  }
  return session;
}

/**
 * Runs `step` with options for a library that makes its own mysql2 connections; again, with the secrets of then, when it
 * is rejected and there is patience. Where TLS is only preferred, a first connection finds out.
 */
export function withConnectionOptions<T>(
  settings: MySqlSettings,
  step: (options: ConnectionOptions) => Promise<T>,
): Promise<T> {
  return withPatience(settings.patience, {
    read: () => readLogin(settings),
    isRejection,
    run: async (login) => {
      let isEncrypted = settings.tls.mode !== 'Disabled';
      if (settings.tls.mode === 'Preferred') {
        const probe = await connectWith(settings, login);
        isEncrypted = probe.isEncrypted;
        probe.connection.destroy();
      }
      return step(driverOptions(settings, login, isEncrypted));
    },
  });
}

/** What a log-in needs that may change on disk, as it stands now. */
interface Login extends MySqlCredentials {
  readonly tls: TlsSettings;
}

async function readLogin({ credentials, tls }: MySqlSettings): Promise<Login> {
  return { ...(await credentials()), tls: { ...tls } };
}

/** A password or certificate that was replaced at one end only looks like a wrong one. */
function isRejection({ code }: SyncError): boolean {
  return code === 'SOURCE_CREDENTIALS_REJECTED' || code === 'SOURCE_TLS_FAILED' || code === 'SECRET_MISSING';
}

type Connected = { readonly connection: Connection; readonly isEncrypted: boolean };

function connect(settings: MySqlSettings): Promise<Connected> {
  return withPatience(settings.patience, {
    read: () => readLogin(settings),
    isRejection,
    run: (login) => connectWith(settings, login),
  });
}

async function connectWith(settings: MySqlSettings, login: Login): Promise<Connected> {
  const attempt = async (isEncrypted: boolean): Promise<Connected> => ({
    connection: await logIn(driverOptions(settings, login, isEncrypted)),
    isEncrypted,
  });
  try {
    if (settings.tls.mode !== 'Preferred') return await attempt(settings.tls.mode !== 'Disabled');
    return await attempt(true).catch((error: unknown) => {
      const failure = toSourceError(error, { ...settings, doing: 'connecting' });
      const isTlsMissing = (error as { code?: string }).code?.startsWith('HANDSHAKE_') ?? false;
      if (failure instanceof SyncError && failure.code === 'SOURCE_TLS_FAILED' && isTlsMissing) return attempt(false);
      throw error;
    });
  } catch (error) {
    throw toSourceError(error, { host: settings.host, port: settings.port, doing: 'connecting' });
  }
}

function logIn(options: ConnectionOptions): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const connection = mysql.createConnection(options);
    // Errors after the first one (a socket that ends twice) have nobody left to tell.
    connection.on('error', () => undefined);
    connection.connect((error) => {
      if (error) {
        socketOf(connection).destroy();
        reject(error);
      } else {
        resolve(connection);
      }
    });
  });
}

function driverOptions(settings: MySqlSettings, login: Login, isEncrypted: boolean): ConnectionOptions {
  const { username, password, tls } = login;
  if (isEncrypted) checkCertificates(settings, tls);
  return {
    host: settings.host,
    port: settings.port,
    user: username,
    password,
    connectTimeout: settings.connectMs ?? connectMsMax,
    charset: 'utf8mb4_general_ci',
    multipleStatements: false,
    // Query attributes change the layout of COM_QUERY, which raw-query.ts writes itself.
    flags: ['-LOCAL_FILES', '-CLIENT_QUERY_ATTRIBUTES'],
    stream: () => openSocket(settings),
    ...(isVerified(tls) ? {} : { authPlugins: pluginsForUnverifiedServer() }),
    ...(isEncrypted
      ? {
          ssl: {
            rejectUnauthorized: isVerified(tls),
            verifyIdentity: tls.mode === 'VerifyIdentity',
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.cert === undefined ? {} : { cert: tls.cert }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
          },
        }
      : {}),
  };
}

/** mysql2 reads them in the midst of the log-in, where nobody would catch what Node throws. */
function checkCertificates({ host, port }: MySqlSettings, { ca, cert, key }: TlsSettings): void {
  try {
    createSecureContext({ ca, cert, key });
  } catch (error) {
    throw toSourceError(error, { host, port, doing: 'reading the certificates of spec.source.tls' });
  }
}

function isVerified(tls: TlsSettings): boolean {
  return tls.mode === 'VerifyCA' || tls.mode === 'VerifyIdentity';
}

function openSocket(settings: MySqlSettings): Socket {
  const socket = connectSocket({ host: settings.host, port: settings.port, noDelay: true });
  socket.setKeepAlive(true, keepAliveDelayMs);
  // For an address mysql2 names no server to verify, and Node then compares the certificate with `_host` of the
  // socket, else with "localhost" (onConnectSecure in lib/_tls_wrap.js); net sets `_host` for names only.
  if (isIP(settings.host)) (socket as Socket & { _host?: string })._host = settings.host;
  return socket;
}

/**
 * A reader that is held back by a slow target shall not be cut off: net_write_timeout is 60 s by default, and
 * wait_timeout may be short. One day is longer than any flush.
 */
const patienceSeconds = 86_400;
/** Behind a running ALTER; the server's default is a year. */
const metadataLockWaitSeconds = 60;

/** Statements that read nothing: longer than this, nobody is there to answer. */
const setUpMsMax = 30_000;

async function setUp(session: Session, settings: MySqlSettings): Promise<void> {
  const doing = { doing: 'setting up the session', timeoutMs: settings.answerMs ?? setUpMsMax };
  await session.query('SET NAMES utf8mb4', doing);
  await session.query(
    `SET SESSION time_zone = '+00:00', sql_mode = '', autocommit = 1, completion_type = 'NO_CHAIN',
      sql_select_limit = 18446744073709551615, sql_big_selects = 1,
      net_write_timeout = ${patienceSeconds}, net_read_timeout = 600, wait_timeout = ${patienceSeconds},
      lock_wait_timeout = ${metadataLockWaitSeconds}`,
    doing,
  );
  await session.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ', doing);
  // Each server knows at most one of the two (5.6 none): 1193 is "unknown system variable".
  await session.queryUnless([1193], 'SET SESSION max_execution_time = 0', doing);
  await session.queryUnless([1193], 'SET SESSION max_statement_time = 0', doing);
  const [row] = await session.query(
    'SELECT @@session.time_zone, @@session.sql_mode, @@session.character_set_results',
    doing,
  );
  if (row?.[0] !== '+00:00' || row[1] !== '' || row[2] !== 'utf8mb4') {
    throw new SyncError('SOURCE_QUERY_FAILED', {
      seen: `after SET, time_zone is ${row?.[0]}, sql_mode is "${row?.[1]}", character_set_results is ${row?.[2]}`,
      wanted: 'session settings that hold: time_zone +00:00, no sql_mode, utf8mb4',
      fix: 'Connect to the server itself: a proxy between seems to drop SET statements or to share connections.',
    });
  }
}
