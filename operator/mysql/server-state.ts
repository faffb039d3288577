/** What a server says of itself: who it is, and where its binary log stands. Statements that differ between flavours stand here. */
import { type BinlogPosition, serverKey } from '../model/position.js';
import type { SourceIdentity } from '../model/source-facts.js';
import type { QueryOptions, Session, TextRow } from './session.js';

/** Errors: 1064 syntax (the other spelling), 1193 unknown variable, 1227 privilege missing, 1381 binary log is off. */
const syntaxError = 1064;
const unknownVariable = 1193;
const privilegeMissing = 1227;
const noBinaryLog = 1381;

/** Null where this server has no such variable. */
export function readVariable(session: Session, name: string): Promise<string | null> {
  const doing = { doing: `reading the variable ${name}` };
  // 1238: the variable exists as a session variable only.
  return session
    .queryUnless([unknownVariable, 1238], `SELECT @@global.${name}`, doing)
    .then((rows) => rows?.[0]?.[0] ?? null);
}

export async function readIdentity(session: Session): Promise<SourceIdentity> {
  const version = (await session.value('SELECT VERSION()')) ?? '';
  const isMariaDb = /mariadb/i.test(version);
  const gtidDomain = isMariaDb ? await readVariable(session, 'gtid_domain_id') : null;
  return {
    flavor: isMariaDb ? 'mariadb' : 'mysql',
    version,
    serverUuid: isMariaDb ? null : await readVariable(session, 'server_uuid'),
    serverId: Number(await readVariable(session, 'server_id')),
    gtidDomain: gtidDomain === null ? null : Number(gtidDomain),
  };
}

/** Whose log a position of this session is a place in. */
export async function readServerKey(session: Session): Promise<string> {
  const serverUuid = await readVariable(session, 'server_uuid');
  return serverKey({ serverUuid, serverId: Number(await readVariable(session, 'server_id')) });
}

export function renderIdentity(identity: SourceIdentity): string {
  const parts = [`${identity.flavor} ${identity.version}`, `server_id ${identity.serverId}`];
  if (identity.serverUuid !== null) parts.push(`server_uuid ${identity.serverUuid}`);
  if (identity.gtidDomain !== null) parts.push(`gtid domain ${identity.gtidDomain}`);
  return parts.join(', ');
}

export interface BinlogStatus {
  readonly position: BinlogPosition;
  readonly doDb: readonly string[];
  readonly ignoreDb: readonly string[];
}

/**
 * Where the binary log ends. Commits at or below it need not be visible yet: the log moves before InnoDB shows them.
 * Null where the log is off. Throws `SOURCE_PRIVILEGE_MISSING` where the account may not ask.
 */
export async function readBinlogStatus(session: Session): Promise<BinlogStatus | null> {
  return await readStatus(session, gtidSetAt);
}

/**
 * Where the binary log ends, with GTIDs of that moment or a little later: enough to be waited for, never to begin at. MariaDB
 * finds the set of an exact place by reading the file up to there, which takes seconds for a large one.
 */
export async function readLogEnd(session: Session): Promise<BinlogPosition | null> {
  const status = await readStatus(session, async (_session, _file, _offset, executedGtids) =>
    executedGtids === null
      ? normaliseGtidSet((await readVariable(session, 'gtid_binlog_pos')) ?? '')
      : await gtidSetIfOn(session, executedGtids),
  );
  return status?.position ?? null;
}

async function readStatus(session: Session, gtidsOf: typeof gtidSetAt): Promise<BinlogStatus | null> {
  const rows = await queryEitherWay(session, ['SHOW MASTER STATUS', 'SHOW BINARY LOG STATUS'], {
    doing: 'reading the position of the binary log',
  });
  const row = rows[0];
  if (!row) return null;
  const [file, offset, doDb, ignoreDb, executedGtids] = row;
  return {
    position: {
      file: file ?? '',
      offset: Number(offset),
      gtidSet: await gtidsOf(session, file ?? '', Number(offset), executedGtids ?? null),
      server: await readServerKey(session),
    },
    doDb: splitList(doDb),
    ignoreDb: splitList(ignoreDb),
  };
}

/** MariaDB keeps no set beside the position, and answers for any position; the fifth column is MySQL's alone. */
async function gtidSetAt(
  session: Session,
  file: string,
  offset: number,
  executedGtids: string | null,
): Promise<string | null> {
  return executedGtids === null
    ? await readMariaDbGtidSet(session, file, offset)
    : await gtidSetIfOn(session, executedGtids);
}

async function gtidSetIfOn(session: Session, executedGtids: string): Promise<string | null> {
  const gtidSet = normaliseGtidSet(executedGtids);
  // Only ON gives every transaction one; the set of a server that once had them stands still.
  return gtidSet !== null && (await readVariable(session, 'gtid_mode')) === 'ON' ? gtidSet : null;
}

/** 1305: MySQL before GTIDs has no such function. */
export async function readMariaDbGtidSet(session: Session, file: string, offset: number): Promise<string | null> {
  const rows = await session.queryUnless([1305], `SELECT BINLOG_GTID_POS('${file}', ${offset})`);
  return normaliseGtidSet(rows?.[0]?.[0] ?? '');
}

/** MySQL breaks the lines of long sets; an empty set is none. */
export function normaliseGtidSet(text: string): string | null {
  return text.replace(/\s+/g, '') || null;
}

/** Null where the log is off or the account may not ask. */
export async function readBinlogFiles(session: Session): Promise<readonly { name: string; bytes: number }[] | null> {
  const rows = await session.queryUnless([privilegeMissing, noBinaryLog], 'SHOW BINARY LOGS');
  return rows?.map(([name, bytes]) => ({ name: name ?? '', bytes: Number(bytes) })) ?? null;
}

/** Replicas that registered themselves; readers of the log that did not are not listed by any statement. */
export async function readReplicaServerIds(session: Session): Promise<readonly number[]> {
  for (const statement of ['SHOW SLAVE HOSTS', 'SHOW REPLICAS']) {
    const rows = await session.queryUnless([syntaxError, privilegeMissing], statement);
    if (rows !== null) return rows.map(([serverId]) => Number(serverId));
  }
  return [];
}

/** The spelling of before 8.2, then the one that 8.4 and later know alone. */
async function queryEitherWay(
  session: Session,
  statements: readonly [string, string],
  options: QueryOptions,
): Promise<TextRow[]> {
  return (
    (await session.queryUnless([syntaxError], statements[0], options)) ?? (await session.query(statements[1], options))
  );
}

function splitList(text: string | null | undefined): string[] {
  return (text ?? '').split(',').filter((name) => name !== '');
}
