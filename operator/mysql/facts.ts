/**
 * What the precheck knows of the source: read here, judged elsewhere. Each question is asked alone, so that one that the
 * account may not ask, or that this server does not know, takes no other answer with it.
 */
import { SyncError } from '../base/errors.js';
import { type ReachableSourceFacts, type SourceFacts, wantedVariables } from '../model/source-facts.js';
import { type MySqlSettings, openSession } from './connect.js';
import { readGrants } from './grants.js';
import { readSchemas } from './schema-reader.js';
import { readBinlogFiles, readBinlogStatus, readIdentity, readReplicaServerIds, readVariable } from './server-state.js';
import type { Session } from './session.js';

export async function readFacts(settings: MySqlSettings): Promise<SourceFacts> {
  try {
    await using session = await openSession(settings);
    return await readReachable(session);
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    const { code, seen, wanted, fix } = error;
    return { reachable: false, failure: { code, seen, wanted, fix } };
  }
}

async function readReachable(session: Session): Promise<ReachableSourceFacts> {
  const identity = await readIdentity(session);
  const cipher = (await session.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'"))[0]?.[1] || null;
  const variables: Record<string, string | null> = {};
  for (const name of wantedVariables) variables[name] = await readVariable(session, name);
  const { tables, undescribed } = await readSchemas(session, identity.flavor, null);
  return {
    reachable: true,
    identity,
    account: (await session.value('SELECT CURRENT_USER()')) ?? '',
    egressAddress: addressOf((await session.value('SELECT USER()')) ?? ''),
    tls: { encrypted: cipher !== null, verified: session.tls.encrypted && session.tls.verified, cipher },
    variables,
    privileges: await readPrivileges(session),
    binlog: await readBinlog(session),
    tables,
    undescribed: undescribed.map(({ table, reason }) => ({ ...table, reason: reason.seen })),
    replicaServerIds: await readReplicaServerIds(session),
  };
}

/** `name@address`: the server's own view of where we come from. A name may hold an @, an address may not. */
function addressOf(user: string): string | null {
  return user.slice(user.lastIndexOf('@') + 1) || null;
}

/**
 * Privileges of roles count where the role is active. MariaDB lists them by itself; MySQL 8 does with USING, whose list
 * is what CURRENT_ROLE() answers. 1305: no such function, so no roles.
 */
async function readPrivileges(session: Session): Promise<ReachableSourceFacts['privileges']> {
  const own = await session.query('SHOW GRANTS', { doing: 'reading the privileges' });
  const roles = (await session.queryUnless([1305], 'SELECT CURRENT_ROLE()'))?.[0]?.[0] ?? 'NONE';
  const isMySqlRole = roles !== 'NONE' && roles.startsWith('`');
  const ofRoles = isMySqlRole
    ? ((await session.queryUnless([1064, 1141, 3530], `SHOW GRANTS FOR CURRENT_USER() USING ${roles}`)) ?? [])
    : [];
  return readGrants([...own, ...ofRoles].map(([line]) => line ?? ''));
}

async function readBinlog(session: Session): Promise<ReachableSourceFacts['binlog']> {
  try {
    const status = await readBinlogStatus(session);
    return status && { ...status, files: (await readBinlogFiles(session)) ?? [] };
  } catch (error) {
    if (error instanceof SyncError && error.code === 'SOURCE_PRIVILEGE_MISSING') return null;
    throw error;
  }
}
