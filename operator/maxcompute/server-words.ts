/** What a server says of an error, in XML or JSON. */
import { childOf, parseXml, textOf } from './xml.js';

export interface ServerWords {
  readonly code: string;
  readonly message: string;
  readonly requestId: string;
  /** The server asks to wait before anything else. */
  readonly holdMs: number | undefined;
}

/** As Java: a server cannot hold a client longer than this. */
const holdMsMax = 10_000;

/** Tunnel errors are JSON, service errors XML; gateways mix them up. */
export function readServerWords(body: string): ServerWords | null {
  const text = body.trim();
  if (text.startsWith('{')) {
    try {
      const json = JSON.parse(text) as Record<string, unknown>;
      if (typeof json.Code !== 'string') return null;
      const hold = json.HoldClientMillis;
      return {
        code: json.Code,
        message: String(json.Message ?? ''),
        requestId: String(json.RequestId ?? ''),
        holdMs: typeof hold === 'number' ? Math.min(hold, holdMsMax) : undefined,
      };
    } catch {
      return null;
    }
  }
  const root = parseXml(text);
  if (root === null) return null;
  const error = Object.values(root)[0];
  const code = textOf(childOf(error, 'Code'));
  if (code === '') return null;
  return {
    code,
    message: textOf(childOf(error, 'Message')),
    requestId: textOf(childOf(error, 'RequestId')),
    holdMs: undefined,
  };
}
