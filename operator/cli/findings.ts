/** Findings of a precheck as a person reads them: what stops the task first, each with the fix to paste. */
import type { Finding } from '../model/finding.js';
import { renderCount } from './tables.js';

export function renderFindings(findings: readonly Finding[]): string {
  return [...findings.map(renderFinding), renderVerdict(findings)].join('\n\n');
}

function renderFinding(finding: Finding): string {
  const label = finding.ignored ? 'IGNORED' : finding.severity.toUpperCase();
  return [
    `${label.padEnd(7)} ${finding.code}  ${finding.subject}`,
    `        seen:   ${hang(finding.seen)}`,
    `        wanted: ${hang(finding.wanted)}`,
    `        fix:    ${hang(finding.fix)}`,
  ].join('\n');
}

export function renderVerdict(findings: readonly Finding[]): string {
  const errors = findings.filter((finding) => finding.severity === 'error' && !finding.ignored).length;
  const ignored = findings.filter((finding) => finding.ignored).length;
  const warnings = findings.filter((finding) => finding.severity === 'warning').length;
  const told = [
    ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
    ...(ignored > 0 ? [`${plural(ignored, 'error')} ignored`] : []),
  ];
  const rest = told.length > 0 ? `, ${told.join(', ')}` : '';
  return errors > 0 ? `precheck failed: ${plural(errors, 'error')}${rest}` : `precheck passed${rest}`;
}

/** Lines after the first stand below it. */
function hang(text: string): string {
  return text.replaceAll('\n', '\n                ');
}

function plural(count: number, word: string): string {
  return `${renderCount(count)} ${word}${count === 1 ? '' : 's'}`;
}
