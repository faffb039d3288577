import type { Finding } from '../model/finding.js';
import type { FindingCode } from './finding-codes.js';

type Texts = Pick<Finding, 'seen' | 'wanted' | 'fix'>;

/** Each gives a list of one, so that a rule reads as a chain of conditions. */
export function error(code: FindingCode, subject: string, texts: Texts): Finding[] {
  return [{ code, severity: 'error', subject, ...texts }];
}

export function warning(code: FindingCode, subject: string, texts: Texts): Finding[] {
  return [{ code, severity: 'warning', subject, ...texts }];
}

export function info(code: FindingCode, subject: string, texts: Texts): Finding[] {
  return [{ code, severity: 'info', subject, ...texts }];
}
