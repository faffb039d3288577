/**
 * What a failed request means. In: an answer that is not a success, or an error of the network. Out: a `SyncError` that keeps
 * the server's own code for those who must tell cases apart. Messages carry the server's words, never a key.
 */
import type { ErrorCode } from '../base/error-codes.js';
import { SyncError } from '../base/errors.js';
import { readServerWords, type ServerWords } from './server-words.js';

export interface FailedAnswer {
  /** What was being done, for a person: `create an upload session`. */
  readonly what: string;
  /** `https://host/path`, without parameters. */
  readonly url: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly table?: string;
}

export class MaxComputeError extends SyncError {
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  /** `NoSuchUpload`, `ODPS-0130131`, ... or ''. */
  readonly serverCode: string;
  /** The server never saw the request: even one that must not run twice may be sent again. */
  readonly isUnsent: boolean;

  constructor(
    code: ErrorCode,
    facts: ConstructorParameters<typeof SyncError>[1],
    server: { readonly status: number; readonly serverCode: string; readonly isUnsent: boolean },
  ) {
    super(code, facts);
    this.status = server.status;
    this.serverCode = server.serverCode;
    this.isUnsent = server.isUnsent;
  }
}

/** Longest text of a server that goes into a message. */
const wordsMax = 600;
const codesByServerCode: Readonly<Record<string, ErrorCode>> = {
  FlowExceeded: 'TARGET_THROTTLED',
  SlotExceeded: 'TARGET_THROTTLED',
  QPSExceeded: 'TARGET_THROTTLED',
  RequestQuotaExceeded: 'TARGET_THROTTLED',
  InternalServerError: 'TARGET_UNREACHABLE',
  ServiceUnavailable: 'TARGET_UNREACHABLE',
  NoPermission: 'TARGET_PRIVILEGE_MISSING',
  AccessDenied: 'TARGET_PRIVILEGE_MISSING',
  'ODPS-0130013': 'TARGET_PRIVILEGE_MISSING',
  'ODPS-0420095': 'TARGET_PRIVILEGE_MISSING',
  NoSuchProject: 'TARGET_PROJECT_MISSING',
  'ODPS-0420111': 'TARGET_PROJECT_MISSING',
  NoSuchTable: 'TARGET_TABLE_MISSING',
  NoSuchPartition: 'TARGET_TABLE_MISSING',
  NoSuchSchema: 'TARGET_TABLE_MISSING',
  'ODPS-0130131': 'TARGET_TABLE_MISSING',
  NoSuchUpload: 'UPLOAD_SESSION_LOST',
  RequestTimeTooSkewed: 'TARGET_CREDENTIALS_REJECTED',
  RequestExpired: 'TARGET_CREDENTIALS_REJECTED',
  AuthenticationRequestExpired: 'TARGET_CREDENTIALS_REJECTED',
  InvalidAccessKeyId: 'TARGET_CREDENTIALS_REJECTED',
  SignatureNotMatch: 'TARGET_CREDENTIALS_REJECTED',
  SignatureDoesNotMatch: 'TARGET_CREDENTIALS_REJECTED',
  Unauthorized: 'TARGET_CREDENTIALS_REJECTED',
  // Of temporary credentials. The ODPS codes come as HTTP 400 or 401 (MaxCompute, "API errors").
  InvalidSecurityToken: 'TARGET_CREDENTIALS_REJECTED',
  SecurityTokenExpired: 'TARGET_CREDENTIALS_REJECTED',
  'InvalidSecurityToken.Expired': 'TARGET_CREDENTIALS_REJECTED',
  'InvalidSecurityToken.Malformed': 'TARGET_CREDENTIALS_REJECTED',
  'ODPS-0410001': 'TARGET_CREDENTIALS_REJECTED',
  'ODPS-0410011': 'TARGET_CREDENTIALS_REJECTED',
  'ODPS-0410031': 'TARGET_CREDENTIALS_REJECTED',
  'ODPS-0410042': 'TARGET_CREDENTIALS_REJECTED',
  'ODPS-0410051': 'TARGET_CREDENTIALS_REJECTED',
  AuthorizationRequired: 'TARGET_CREDENTIALS_REJECTED',
};

export const advice: Partial<Record<ErrorCode, { readonly wanted: string; readonly fix: string }>> = {
  TARGET_UNREACHABLE: {
    wanted: 'an answer of MaxCompute',
    fix: 'Check target.endpoint, the network and the address whitelist of the project. It is tried again by itself.',
  },
  TARGET_THROTTLED: {
    wanted: 'room in the quota of the tunnel or the project',
    fix: 'Nothing to do: it is tried again later. If it stays, raise streaming.flushInterval or buy tunnel slots.',
  },
  TARGET_CREDENTIALS_REJECTED: {
    wanted: 'a signature that MaxCompute accepts',
    fix: 'Check accessKeyId, accessKeySecret and securityToken in the Secret, and the clock of this machine (15 minutes are too many).',
  },
  TARGET_PRIVILEGE_MISSING: {
    wanted: 'the right to do it',
    fix: 'GRANT List, CreateTable, CreateInstance ON PROJECT, and Describe, Select, Alter, Update ON TABLE, to the account of the access key.',
  },
  TARGET_PROJECT_MISSING: {
    wanted: 'a project of this name that the account can see',
    fix: 'Check target.project, and that target.endpoint is of its region.',
  },
  TARGET_TABLE_MISSING: {
    wanted: 'the table, with its partition',
    fix: 'Run the precheck; take the table again (mcsync resnapshot) if it was dropped.',
  },
  TARGET_NOT_MAXCOMPUTE: {
    wanted: 'an answer of the MaxCompute service',
    fix: 'Check target.endpoint: https://service.<region>.maxcompute.aliyun.com/api. A proxy or portal may be answering instead.',
  },
  UPLOAD_SESSION_LOST: { wanted: 'an open upload session', fix: 'Nothing to do: its rows are read again.' },
};

const otherAdvice = {
  wanted: 'a success',
  fix: 'Look for the request id in the logs of the project; it is tried again where that is safe.',
};

export function failureOf(answer: FailedAnswer): MaxComputeError {
  const { status } = answer;
  if (isHtml(answer.headers, answer.body) && status < 500) return notMaxCompute(answer, 'an HTML page');
  const words = readServerWords(answer.body);
  if (words === null && status < 500 && status !== 429 && answer.headers['x-odps-request-id'] === undefined) {
    return notMaxCompute(answer, answer.body === '' ? 'an empty answer' : 'neither XML nor JSON with a Code');
  }
  const code = codeOf(status, words);
  const requestId = words?.requestId || answer.headers['x-odps-request-id'] || '';
  const said = words === null ? '' : `${words.code}: ${words.message}`;
  const retryAfterMs = retryAfterOf(answer.headers, words);
  return new MaxComputeError(
    code,
    {
      seen: `HTTP ${status} from ${answer.url}, asked to ${answer.what}${said && `: ${shorten(said)}`}${requestId && ` (request ${requestId})`}`,
      ...(advice[code] ?? otherAdvice),
      ...(answer.table === undefined ? {} : { table: answer.table }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
    // Throttled, or (409 with a time to wait, as Java reads it) put off: not acted on.
    {
      status,
      serverCode: words?.code ?? '',
      isUnsent: status === 429 || (status === 409 && answer.headers['retry-after'] !== undefined),
    },
  );
}

/** A page of a portal or proxy answered in place of MaxCompute. */
export function isHtml(headers: Readonly<Record<string, string>>, body: string): boolean {
  return (
    (headers['content-type'] ?? '').includes('text/html') || /^\s*<(!doctype html|html)\b/i.test(body.slice(0, 200))
  );
}

export function notMaxCompute(answer: FailedAnswer, what: string): MaxComputeError {
  return new MaxComputeError(
    'TARGET_NOT_MAXCOMPUTE',
    {
      seen: `HTTP ${answer.status} from ${answer.url} with ${what}, asked to ${answer.what}`,
      ...(advice.TARGET_NOT_MAXCOMPUTE as { wanted: string; fix: string }),
    },
    { status: answer.status, serverCode: '', isUnsent: false },
  );
}

function codeOf(status: number, words: ServerWords | null): ErrorCode {
  if (status === 429) return 'TARGET_THROTTLED';
  const said = `${words?.code ?? ''}: ${words?.message ?? ''}`;
  const odpsCode = /ODPS-\d{7}/.exec(said)?.[0] ?? '';
  const known = codesByServerCode[words?.code ?? ''] ?? codesByServerCode[odpsCode];
  if (known !== undefined) return known;
  // Said of tables and of projects; the words tell which.
  if (words?.code === 'NoSuchObject') return /table/i.test(said) ? 'TARGET_TABLE_MISSING' : 'TARGET_PROJECT_MISSING';
  if (status >= 500 || status === 408) return 'TARGET_UNREACHABLE';
  if (status === 401) return 'TARGET_CREDENTIALS_REJECTED';
  if (status === 403) {
    return /access\s?key|signature|token/i.test(said) ? 'TARGET_CREDENTIALS_REJECTED' : 'TARGET_PRIVILEGE_MISSING';
  }
  return 'TARGET_PROTOCOL';
}

function retryAfterOf(headers: Readonly<Record<string, string>>, words: ServerWords | null): number | undefined {
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : words?.holdMs;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > wordsMax ? `${line.slice(0, wordsMax)}...` : line;
}
