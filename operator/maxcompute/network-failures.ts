/** What an error of the network means: no answer came, and perhaps the request never left. */
import { advice, MaxComputeError } from './failures.js';

/** Errors of these kinds come before the request leaves. */
const unsentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const handshakeCodes = /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/;

/** undici's name for bytes that are no HTTP; such an error has no code (undici 7, lib/dispatcher/client-h1.js). */
const garbageName = 'HTTPParserError';

const networkWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up now',
  EHOSTUNREACH: 'no way to the host',
  ENETUNREACH: 'no way to the host',
  ETIMEDOUT: 'no connection in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped in its midst',
};

/** Null where the error is none of the network's: a bug, then. */
export function failureOfNetwork(error: unknown, what: string, url: string): MaxComputeError | null {
  if (error instanceof Error && error.name === garbageName) return failureOfGarbage(error, what, url);
  const code = networkCodeOf(error);
  if (code === null) return null;
  const isHandshake = handshakeCodes.test(code);
  return new MaxComputeError(
    isHandshake ? 'TARGET_NOT_MAXCOMPUTE' : 'TARGET_UNREACHABLE',
    {
      seen: `${networkWords[code] ?? 'the connection failed'} (${code}): ${url}, asked to ${what}`,
      ...(isHandshake
        ? {
            wanted: 'a TLS connection with a certificate that this machine trusts',
            fix: 'Check the scheme, host and port of target.endpoint; name a private authority in NODE_EXTRA_CA_CERTS.',
          }
        : (advice.TARGET_UNREACHABLE as { wanted: string; fix: string })),
      cause: error,
    },
    { status: 0, serverCode: code, isUnsent: unsentCodes.has(code) || isHandshake },
  );
}

/** A server of another kind listens there; the request may have reached it. */
function failureOfGarbage(cause: unknown, what: string, url: string): MaxComputeError {
  return new MaxComputeError(
    'TARGET_NOT_MAXCOMPUTE',
    {
      seen: `an answer that is no HTTP: ${url}, asked to ${what}`,
      ...(advice.TARGET_NOT_MAXCOMPUTE as { wanted: string; fix: string }),
      cause,
    },
    { status: 0, serverCode: garbageName, isUnsent: false },
  );
}

function networkCodeOf(error: unknown): string | null {
  // By shape, not by class: an address with several names gives an AggregateError, whose own code may be missing.
  if (typeof error !== 'object' || error === null) return null;
  const { code, errors } = error as { readonly code?: unknown; readonly errors?: unknown };
  if (typeof code !== 'string') return Array.isArray(errors) ? networkCodeOf(errors[0]) : null;
  if (code === 'UND_ERR_INVALID_ARG') return null;
  return /^(E[A-Z]+|UND_ERR_\w+)$/.test(code) || handshakeCodes.test(code) ? code : null;
}
