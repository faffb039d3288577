/** A wire between client and server that a test can hold, break or bend. */
import { connect as connectTcp, createServer, type Socket } from 'node:net';

/** What becomes of one connection. */
export interface WireFault {
  /** Closed when the server has sent so many bytes; the last of them still pass. */
  readonly cutAfter?: number;
  /** Both sides hear nothing more after so many bytes of the server, and nothing is closed: a firewall that forgot. */
  readonly silentAfter?: number;
  /** Bytes of the server that pass in 10 ms. */
  readonly bytesPerTick?: number;
}

export interface TcpProxy {
  readonly port: number;
  /** Bytes that the server has sent through so far. */
  readonly bytesFromServer: number;
  /** Connections taken so far. */
  readonly connections: number;
  /** While true nothing passes from the server, and nothing is closed either. What was held back never comes. */
  isSilent: boolean;
  /** Sees each chunk of the server before it passes, and may change it in place. */
  onServerChunk: (chunk: Buffer) => void;
  /** Asked for each new connection, by its number from 1. */
  faultOf: (connection: number) => WireFault;
  /** Where new connections go. */
  targetPort: number;
  /** Ends every connection of now. */
  cut(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const state = {
    port: 0,
    targetPort,
    bytesFromServer: 0,
    connections: 0,
    isSilent: false,
    onServerChunk: (_: Buffer): void => {},
    faultOf: (_: number): WireFault => ({}),
    cut,
    close: () =>
      new Promise<void>((resolve) => {
        cut();
        server.close(() => resolve());
      }),
  };
  const server = createServer((client) => {
    state.connections += 1;
    const fault = state.faultOf(state.connections);
    const upstream = connectTcp(state.targetPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    wire(client, upstream, fault);
  });
  function wire(client: Socket, upstream: Socket, { cutAfter, silentAfter, bytesPerTick }: WireFault): void {
    let sent = 0;
    let isDead = silentAfter === 0;
    if (cutAfter === 0) client.destroy();
    client.on('data', (chunk: Buffer) => {
      if (!isDead) upstream.write(chunk);
    });
    upstream.on('data', (whole: Buffer) => {
      isDead ||= state.isSilent;
      if (isDead) return;
      const chunk = whole.subarray(0, Math.min(cutAfter ?? Infinity, silentAfter ?? Infinity) - sent);
      state.onServerChunk(chunk);
      state.bytesFromServer += chunk.length;
      sent += chunk.length;
      isDead = sent === silentAfter;
      if (sent === cutAfter) client.end(chunk, () => client.destroy());
      else if (bytesPerTick !== undefined) trickle(client, upstream, chunk, bytesPerTick);
      else if (!client.write(chunk)) upstream.pause();
    });
    client.on('drain', () => upstream.resume());
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.port = (server.address() as { port: number }).port;
  return state;
}

function trickle(client: Socket, upstream: Socket, chunk: Buffer, bytesPerTick: number): void {
  upstream.pause();
  let at = 0;
  const timer = setInterval(() => {
    client.write(chunk.subarray(at, at + bytesPerTick));
    at += bytesPerTick;
    if (at < chunk.length && !client.destroyed) return;
    clearInterval(timer);
    upstream.resume();
  }, 10);
}
