/** What all calls of the tunnel share: their headers, and answers that are JSON. */
import { SyncError } from '../base/errors.js';
import type { Answer } from './http.js';

/** The clients' own; a server without them would shift DATETIME as clients of 2015 wanted it. */
export const sessionHeaders = { 'x-odps-tunnel-version': '6', 'odps-tunnel-date-transform': 'v1' } as const;

export function readJson(answer: Answer, what: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(answer.text);
    if (typeof json === 'object' && json !== null) return json as Record<string, unknown>;
  } catch {
    // Told below, with the other forms of a wrong answer.
  }
  throw protocol(`HTTP ${answer.status} without a JSON object, asked to ${what}`);
}

export function protocol(seen: string): SyncError {
  return new SyncError('TARGET_PROTOCOL', {
    seen,
    wanted: 'an answer as the tunnel gives it',
    fix: 'Check target.tunnelEndpoint; it is tried again by itself.',
  });
}
