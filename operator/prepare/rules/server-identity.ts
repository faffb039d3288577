import type { Finding } from '../../model/finding.js';
import { error, info } from '../finding.js';
import { configure, isOff, isOn, makesLog, type SourceRuleInput, setVariable } from './input.js';

export function serverIdIsSet(input: SourceRuleInput): Finding[] {
  if (!makesLog(input.spec) || input.source.variables.server_id !== '0') return [];
  return error('SERVER_ID_ZERO', 'server_id', {
    seen: 'server_id = 0',
    wanted: 'any other server_id: a server with 0 sends its binary log to nobody',
    fix: setVariable(input, 'server_id', '1'),
  });
}

export function serverIdIsOurs({ spec, source, hasCheckpoint }: SourceRuleInput): Finding[] {
  const serverId = spec.source.serverId;
  if (!makesLog(spec) || serverId === undefined) return [];
  const isServers = serverId === source.identity.serverId;
  const isReplicas = source.replicaServerIds.includes(serverId);
  if (!isServers && !isReplicas) return [];
  const taken = new Set([source.identity.serverId, ...source.replicaServerIds]);
  let free = serverId;
  while (taken.has(free)) free = free < 4_294_967_295 ? free + 1 : 1;
  const texts = {
    seen: `server id ${serverId} is ${isServers ? "the server's own" : 'taken by another replica'}`,
    wanted: 'a server id that is used once: of two replicas with one id the server cuts one off',
    fix: `Set spec.source.serverId: ${free}, or leave it out to get a random one.`,
  };
  // While the stream of this task runs, the replica with its id is the task itself.
  return (hasCheckpoint && !isServers ? info : error)('SERVER_ID_CLASH', 'spec.source.serverId', texts);
}

/** `read_only` is how a replica looks to an account that may not ask for more. */
export function replicaLogsWhatItReplicates(input: SourceRuleInput): Finding[] {
  const { variables } = input.source;
  const name = (variables.log_replica_updates ?? null) === null ? 'log_slave_updates' : 'log_replica_updates';
  if (!makesLog(input.spec) || !isOff(variables[name]) || !isOn(variables.read_only)) return [];
  return error('REPLICA_LOG_OFF', name, {
    seen: `the server is read_only, as replicas are, with ${name} = OFF`,
    wanted: `${name} = ON: else changes that come from its own source are not in its binary log`,
    fix: configure(input, `${name} = ON`),
  });
}

export function failoverCanBeFollowed({ spec, source }: SourceRuleInput): Finding[] {
  const mode = source.variables.gtid_mode;
  if (!makesLog(spec) || source.identity.flavor !== 'mysql' || mode === undefined || mode?.toUpperCase() === 'ON')
    return [];
  return info('GTID_OFF', 'gtid_mode', {
    seen: mode === null ? 'the server has no GTIDs' : `gtid_mode = ${mode}`,
    wanted: 'gtid_mode = ON where the server may be replaced by another one: positions of files mean nothing there',
    fix: 'Nothing, for a server that stays; else switch GTIDs on as the MySQL manual describes (Enabling GTID Transactions Online).',
  });
}
