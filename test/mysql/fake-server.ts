/** A server that speaks just enough of the protocol to ask a client for what it must not give. */
import { createServer, type Socket } from 'node:net';

export interface FakeServer extends AsyncDisposable {
  readonly port: number;
  /** All bytes that clients have sent. */
  received(): Buffer;
}

/** `answers[i]` is sent as the payload that follows the i-th packet of the client. */
export async function startFakeServer(defaultPlugin: string, answers: readonly Buffer[]): Promise<FakeServer> {
  const sockets = new Set<Socket>();
  let received = Buffer.alloc(0);
  const server = createServer((socket) => {
    sockets.add(socket);
    let answered = 0;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const answer = answers[answered];
      answered += 1;
      if (answer) socket.write(packet((chunk[3] as number) + 1, answer));
    });
    socket.write(packet(0, greeting(defaultPlugin)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    received: () => received,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const okPacket = Buffer.from([0, 0, 0, 2, 0, 0, 0]);

/** Protocol::AuthSwitchRequest with a scramble of twenty bytes. */
export function switchTo(plugin: string): Buffer {
  return Buffer.concat([Buffer.from([0xfe]), Buffer.from(`${plugin}\0`), Buffer.alloc(20, 7), Buffer.from([0])]);
}

function packet(sequence: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence;
  return Buffer.concat([header, payload]);
}

/** Protocol::HandshakeV10 without TLS. */
function greeting(plugin: string): Buffer {
  const capabilities = 0x0008_a201 | 0x0020_0000;
  const low = Buffer.alloc(2);
  low.writeUInt16LE(capabilities & 0xffff);
  const high = Buffer.alloc(2);
  high.writeUInt16LE(capabilities >>> 16);
  return Buffer.concat([
    Buffer.from([10]),
    Buffer.from('8.0.0\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.alloc(8, 7),
    Buffer.from([0]),
    low,
    Buffer.from([45, 2, 0]),
    high,
    Buffer.from([21]),
    Buffer.alloc(10),
    Buffer.alloc(12, 7),
    Buffer.from([0]),
    Buffer.from(`${plugin}\0`),
  ]);
}
