/** What the user accepts: errors that are ignored by code or by policy stay visible, and stop nothing. */
import { nearest } from '../api/near.js';
import type { SyncTaskSpec } from '../api/sync-task.js';
import type { Finding } from '../model/finding.js';
import { info, warning } from './finding.js';
import { findingCatalog, isFindingCode } from './finding-codes.js';

type Precheck = SyncTaskSpec['precheck'];

/** Marks the errors that the precheck settings accept, and puts what stops the task first. */
export function applyPolicy(findings: readonly Finding[], precheck: Precheck): Finding[] {
  const judged = findings.map((finding): Finding => {
    if (finding.severity !== 'error' || !isAccepted(finding.code, precheck)) return finding;
    return { ...finding, ignored: true };
  });
  return [...judged, ...ignoreCodeFindings(findings, precheck)].sort((a, b) => rank(a) - rank(b));
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === 'error' && finding.ignored !== true);
}

function isAccepted(code: string, precheck: Precheck): boolean {
  if (!isFindingCode(code) || !findingCatalog[code].isIgnorable) return false;
  return precheck.policy !== 'Enforce' || precheck.ignoreCodes.includes(code);
}

function rank(finding: Finding): number {
  if (finding.severity === 'error') return finding.ignored ? 1 : 0;
  return finding.severity === 'warning' ? 2 : 3;
}

function ignoreCodeFindings(findings: readonly Finding[], precheck: Precheck): Finding[] {
  return precheck.ignoreCodes.flatMap((code) => {
    if (!isFindingCode(code)) {
      const meant = nearest(code, Object.keys(findingCatalog));
      return warning('IGNORE_CODE_UNKNOWN', 'spec.precheck.ignoreCodes', {
        seen: `${code}, which no finding carries`,
        wanted: 'codes of findings',
        fix: meant ? `Write ${meant} in its place, or remove it.` : 'Remove it.',
      });
    }
    const isError = findings.some((finding) => finding.code === code && finding.severity === 'error');
    if (!isError || findingCatalog[code].isIgnorable) return [];
    return info('IGNORE_CODE_REFUSED', 'spec.precheck.ignoreCodes', {
      seen: `${code}, which cannot be ignored: the task could not go on, or data would be lost`,
      wanted: 'codes of errors that can be accepted',
      fix: 'Mend what the finding names.',
    });
  });
}
