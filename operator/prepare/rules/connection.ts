import { isIP } from 'node:net';
import type { Finding } from '../../model/finding.js';
import { info, warning } from '../finding.js';
import { isRds, type SourceRuleInput, versionNumber } from './input.js';

/** MySQL 5.6 is the first with row images and checksums; MariaDB 10.2 the first with the DDL that we read. */
const oldestVersions = { mysql: 5.006, mariadb: 10.002 } as const;

export function serverIsRecent({ source }: SourceRuleInput): Finding[] {
  const { flavor, version } = source.identity;
  if (versionNumber(version) >= oldestVersions[flavor]) return [];
  return warning('SERVER_TOO_OLD', 'the server', {
    seen: `${flavor === 'mysql' ? 'MySQL' : 'MariaDB'} ${version}`,
    wanted: 'MySQL 5.6 or later, or MariaDB 10.2 or later: older ones were never tried',
    fix: 'Upgrade the server, or make a replica of a later version the source.',
  });
}

export function connectionIsEncrypted({ spec, source }: SourceRuleInput): Finding[] {
  if (source.tls.encrypted) return [];
  const texts = {
    seen: `no TLS (source.tls.mode ${spec.source.tls.mode})`,
    wanted: 'an encrypted connection: rows and changes travel in clear text now',
    fix: 'Set spec.source.tls.mode: Required, or VerifyIdentity with the certificate authority of the server.',
  };
  return (isLoopback(spec.source.host) ? info : warning)('TLS_OFF', 'spec.source.tls.mode', texts);
}

export function serverIsVerified({ spec, source }: SourceRuleInput): Finding[] {
  if (!source.tls.encrypted || source.tls.verified || isLoopback(spec.source.host)) return [];
  return warning('TLS_NOT_VERIFIED', 'spec.source.tls.mode', {
    seen: `an encrypted connection to a server that nobody verified (source.tls.mode ${spec.source.tls.mode})`,
    wanted: 'a verified certificate, so that no other server can take its place',
    fix: 'Set spec.source.tls: {mode: VerifyIdentity, caSecretRef: {name: <Secret with ca.crt>}}',
  });
}

export function egressAddressIsKnown({ spec, source }: SourceRuleInput): Finding[] {
  const address = source.egressAddress;
  if (address === null || isLoopback(address) || isLoopback(spec.source.host)) return [];
  const networkBits = { 0: '', 4: '/32', 6: '/128' }[isIP(address)] ?? '';
  const network = `${address}${networkBits}`;
  return info('EGRESS_ADDRESS', address, {
    seen: `the MySQL server sees this task at ${address}`,
    wanted: 'this address in the whitelists of the source, and of the project where it has one',
    fix: isRds(spec)
      ? `In the RDS console, Whitelist and SecGroup: add ${network}`
      : `Allow ${network} to reach port ${spec.source.port}.`,
  });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}
