/** A wire between client and server that a test can hold, break or bend. */
import { connect as connectTcp, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Bytes that the server has sent through so far. */
  readonly bytesFromServer: number;
  /** While true nothing passes from the server, and nothing is closed either. */
  isSilent: boolean;
  /** Sees each chunk of the server before it passes, and may change it in place. */
  onServerChunk: (chunk: Buffer) => void;
  close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const state = {
    port: 0,
    bytesFromServer: 0,
    isSilent: false,
    onServerChunk: (_: Buffer): void => {},
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  const server = createServer((client) => {
    const upstream = connectTcp(targetPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      if (state.isSilent) return;
      state.onServerChunk(chunk);
      state.bytesFromServer += chunk.length;
      if (!client.write(chunk)) upstream.pause();
    });
    client.on('drain', () => upstream.resume());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.port = (server.address() as { port: number }).port;
  return state;
}
