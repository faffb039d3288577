/** Answers that are not what happened, slowed bodies, and connections that end in the middle. */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Clock } from '../../base/clock.js';
import type { Answer } from '../http.js';
import { ServiceError } from '../service-error.js';
import type { FalseAnswer, FalseBlockList } from './fault.js';

/** The service's own codes, where it has one for the status. */
const codes: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'NoPermission',
  409: 'StatusConflict',
  429: 'FlowExceeded',
  500: 'InternalServerError',
  501: 'NotImplemented',
  503: 'ServiceUnavailable',
};
/** Slowed bodies go out in ten pieces a second, and in no piece larger than this. */
const piecesPerSecond = 10;
const pieceBytesMax = 64 * 1024;

/** `render`: the form that errors have for this request. */
export function falseAnswer(given: FalseAnswer, render: (error: ServiceError) => Answer): Answer {
  const { status, retryAfter, html = false } = given;
  const headers: Record<string, string> = retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) };
  if (html) return gatewayPage(status, headers);
  const code = given.code ?? codes[status] ?? (status < 500 ? 'InvalidArgument' : 'InternalServerError');
  return render(new ServiceError(status, code, given.message ?? 'A fault that was asked for.', headers));
}

function gatewayPage(status: number, headers: Readonly<Record<string, string>>): Answer {
  const title = `${status} ${STATUS_CODES[status] ?? 'Error'}`;
  return {
    status,
    headers: { 'Content-Type': 'text/html', ...headers },
    body: `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`,
  };
}

interface ToldBlock {
  readonly BlockID: number;
  readonly RecordCount: number;
}

export function falseBlockList(answer: Answer, { omit = [], add = [], moreRows = 0 }: FalseBlockList): Answer {
  if (answer.status !== 200 || typeof answer.body !== 'string') return answer;
  const body = JSON.parse(answer.body) as { readonly UploadedBlockList: readonly ToldBlock[] };
  const told = body.UploadedBlockList.filter((block) => !omit.includes(block.BlockID)).map((block) => ({
    ...block,
    RecordCount: block.RecordCount + moreRows,
  }));
  const added = add.map(({ id, rows }) => ({
    BlockID: id,
    CreateTime: 0,
    Date: new Date(0).toUTCString(),
    FileName: `block-${id}`,
    RecordCount: rows,
    Version: 0,
  }));
  return { ...answer, body: JSON.stringify({ ...body, UploadedBlockList: [...told, ...added] }) };
}

/** The same bytes, with waits between them. */
export async function* slowed(
  bytes: AsyncIterable<Uint8Array>,
  bytesPerSecond: number,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const pieceBytes = Math.min(pieceBytesMax, Math.max(1, Math.ceil(bytesPerSecond / piecesPerSecond)));
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes);
      await clock.sleep((piece.length / bytesPerSecond) * 1000, signal);
      yield piece;
    }
  }
}

export async function* bodyOf(answer: Answer): AsyncGenerator<Uint8Array> {
  if (typeof answer.body === 'string') yield Buffer.from(answer.body, 'utf8');
  else if (answer.body !== undefined) yield* answer.body;
}

/** Writes the first bytes of the answer as they would stand on the wire, then resets the connection. */
export async function sendUntil(response: ServerResponse, answer: Answer, bytesMax: number): Promise<void> {
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`,
    ...Object.entries({ ...response.getHeaders(), ...answer.headers }).map(([name, value]) => `${name}: ${value}`),
    typeof answer.body === 'object'
      ? 'Transfer-Encoding: chunked'
      : `Content-Length: ${Buffer.byteLength(answer.body ?? '')}`,
  ];
  const pieces: Uint8Array[] = [Buffer.from(`${head.join('\r\n')}\r\n\r\n`)];
  let bytes = pieces[0]?.length ?? 0;
  const isChunked = typeof answer.body === 'object';
  for await (const chunk of bodyOf(answer)) {
    const piece = isChunked
      ? Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])
      : chunk;
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= bytesMax) break;
  }
  const { socket } = response;
  if (socket === null) return;
  const sent = Buffer.concat(pieces).subarray(0, bytesMax);
  await new Promise<void>((resolve) => socket.write(sent, () => resolve()));
  socket.resetAndDestroy();
}
