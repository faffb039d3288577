import type { Finding } from '../../operator/model/finding.js';
import { applyPolicy, hasErrors } from '../../operator/prepare/policy.js';
import { spec } from './facts.js';

const finding = (severity: Finding['severity'], code: string): Finding => ({
  severity,
  code,
  subject: 's',
  seen: 'a',
  wanted: 'b',
  fix: 'c',
});

const judge = (findings: Finding[], precheck: Parameters<typeof spec>[0] = {}) =>
  applyPolicy(findings, spec(precheck).precheck);

describe('the policy', () => {
  it('puts errors first, accepted ones next, then warnings, then the rest, each in the order of the rules', () => {
    const findings = [
      finding('info', 'GTID_OFF'),
      finding('warning', 'TLS_OFF'),
      finding('error', 'FK_CASCADE'),
      finding('error', 'LOG_BIN_OFF'),
      finding('error', 'BINLOG_FORMAT'),
    ];
    const judged = judge(findings, { precheck: { ignoreCodes: ['FK_CASCADE'] } });
    expect(judged.map(({ code }) => code)).toEqual([
      'LOG_BIN_OFF',
      'BINLOG_FORMAT',
      'FK_CASCADE',
      'TLS_OFF',
      'GTID_OFF',
    ]);
    expect(judged.map(({ ignored }) => ignored ?? false)).toEqual([false, false, true, false, false]);
  });

  it.each(['WarnOnly', 'Skip'] as const)('%s accepts what can be accepted, and nothing else', (policy) => {
    const acceptable = judge([finding('error', 'FK_CASCADE')], { precheck: { policy } });
    expect(hasErrors(acceptable)).toBe(false);
    const impossible = judge([finding('error', 'TABLE_NAME_CLASH')], { precheck: { policy } });
    expect(hasErrors(impossible)).toBe(true);
    const failure = judge([finding('error', 'SOURCE_UNREACHABLE')], { precheck: { policy } });
    expect(hasErrors(failure)).toBe(true);
  });

  it('tells a code that does not exist, and one that cannot be ignored', () => {
    const judged = judge([finding('error', 'LOG_BIN_OFF')], {
      precheck: { ignoreCodes: ['FK_CASCADES', 'LOG_BIN_OFF'] },
    });
    expect(judged.map(({ severity, code, fix }) => [severity, code, fix])).toEqual([
      ['error', 'LOG_BIN_OFF', 'c'],
      ['warning', 'IGNORE_CODE_UNKNOWN', 'Write FK_CASCADE in its place, or remove it.'],
      ['info', 'IGNORE_CODE_REFUSED', 'Mend what the finding names.'],
    ]);
    expect(hasErrors(judged)).toBe(true);
  });
});
