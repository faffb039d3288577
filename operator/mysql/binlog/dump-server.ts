/**
 * Whether the connection that brings the events leads where it should: to the server that was found to go on, and to one that
 * has what was read. In: a dump that has begun. Out: nothing, or a coded error before the first event is handed out.
 */
import { SyncError } from '../../base/errors.js';
import { missingGtids } from '../../model/gtid-set.js';
import { type BinlogPosition, renderPosition, serverKey } from '../../model/position.js';
import type { BinlogTransport } from './transport.js';

export interface WantedServer {
  readonly flavor: 'mysql' | 'mariadb';
  /** `serverKey` of the server that was found to go on from the position; not given: any. */
  readonly server?: string;
}

export async function assertDumpServer(
  transport: BinlogTransport,
  from: BinlogPosition,
  { flavor, server }: WantedServer,
): Promise<void> {
  const asked = serverKeyOf(await transport.query(identityQuery));
  if (transport.server !== asked) throw twoServers(asked, transport.server);
  if (server !== undefined && transport.server !== server) throw twoServers(server, transport.server);
  // MariaDB looks for our last transactions itself, and ends the dump where it lacks one.
  if (!from.gtidSet || flavor !== 'mysql') return;
  const [row] = await transport.query('SELECT @@global.gtid_executed AS executed, @@global.gtid_owned AS owned');
  // Sent to us, and not committed yet: it waits for a semi-synchronous replica.
  const owned = String(row?.owned ?? '').replace(/#\d+/g, '');
  const executed = [String(row?.executed ?? ''), owned].filter((text) => text !== '').join(',');
  const missing = missingGtids('mysql', executed, from.gtidSet);
  if (missing !== '') throw lacks(missing, from);
}

/** For the dump's own connection as well: what stands between may lead each connection to another server. */
export const identityQuery = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_id', 'server_uuid')";

export function serverKeyOf(rows: readonly Record<string, unknown>[]): string {
  const variables = new Map(rows.map((row) => [row.Variable_name, String(row.Value)]));
  return serverKey({ serverUuid: variables.get('server_uuid') ?? null, serverId: Number(variables.get('server_id')) });
}

function twoServers(checked: string, reached: string): SyncError {
  return new SyncError('SOURCE_UNREACHABLE', {
    seen: `server ${checked} has what was read, and the connection for the binary log reached server ${reached}`,
    wanted: 'connections that reach one server',
    fix: 'Nothing was read from it; it is tried again by itself. If it lasts, give the address of one server in spec.source.',
  });
}

/** Such a server sends older history without a word. */
function lacks(missing: string | null, from: BinlogPosition): SyncError {
  return new SyncError('POSITION_LOST', {
    seen: `the server has not executed ${missing ?? 'anything of the kind'}`,
    wanted: `a server that has executed ${from.gtidSet}`,
    fix: 'Point the task at the server it was taken on, or wait until this replica has caught up; otherwise take the tables again (mcsync resnapshot).',
    position: renderPosition(from),
  });
}
