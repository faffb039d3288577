/**
 * A wire between mcsync and one of its servers that can be cut and bent: reset, silent for a while, dead for ever while
 * new connections work, slow, cut in the middle of a packet, or cut before or after a request that matters.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export type Direction = 'toServer' | 'toClient';

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Neither end hears of the other again; both stay open. */
  isDead: boolean;
  /** The next bytes of the server are swallowed, and the link is cut. */
  isAnswerCut: boolean;
}

/** A dead link is taken away after a while: a server keeps only so many connections. */
const deadMsMax = 120_000;

export class Wire {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #targetPort: number;
  #isSilent = false;
  #bytesPerSecond = Number.POSITIVE_INFINITY;
  #cut: { readonly direction: Direction; bytes: number } | null = null;
  /** Sees the first bytes of each piece from a client before they pass; says whether to cut the link before or after. */
  onPiece: ((piece: Buffer) => 'pass' | 'cut request' | 'cut answer') | null = null;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#join(client));
  }

  static async open(targetPort: number): Promise<Wire> {
    const wire = new Wire(targetPort);
    await new Promise<void>((resolve) => wire.#server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get linkCount(): number {
    return this.#links.size;
  }

  reset(): void {
    for (const link of this.#links) cut(link);
  }

  /** Nothing passes, nothing is lost, nothing is closed: as when the network comes back after a while. */
  silence(): void {
    this.#isSilent = true;
    for (const link of this.#links) this.#steer(link);
  }

  /** What stands now never passes a byte again, and neither end is told. */
  kill(): void {
    for (const link of this.#links) {
      link.isDead = true;
      this.#steer(link);
      setTimeout(() => cut(link), deadMsMax).unref();
    }
  }

  slow(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Cuts the link that carries the byte after so many more in this direction. */
  cutAfter(direction: Direction, bytes: number): void {
    this.#cut = { direction, bytes };
  }

  /** Ends all that `silence`, `slow`, `cutAfter` and `onPiece` began. */
  mend(): void {
    this.#isSilent = false;
    this.#bytesPerSecond = Number.POSITIVE_INFINITY;
    this.#cut = null;
    this.onPiece = null;
    for (const link of this.#links) this.#steer(link);
  }

  async close(): Promise<void> {
    this.reset();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(client: Socket): void {
    const server = connect(this.#targetPort, '127.0.0.1');
    const link: Link = { client, server, isDead: false, isAnswerCut: false };
    this.#links.add(link);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#links.delete(link);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (piece: Buffer) => this.#pass(link, 'toServer', piece));
    server.on('data', (piece: Buffer) => this.#pass(link, 'toClient', piece));
    client.on('drain', () => this.#steer(link));
    server.on('drain', () => this.#steer(link));
    this.#steer(link);
  }

  #pass(link: Link, direction: Direction, piece: Buffer): void {
    if (link.isDead) return;
    const [from, to] = direction === 'toServer' ? [link.client, link.server] : [link.server, link.client];
    if (direction === 'toServer' && this.onPiece !== null) {
      const fate = this.onPiece(piece);
      if (fate === 'cut request') {
        cut(link);
        return;
      }
      if (fate === 'cut answer') link.isAnswerCut = true;
    }
    if (direction === 'toClient' && link.isAnswerCut) {
      cut(link);
      return;
    }
    if (this.#cut?.direction === direction) {
      if (this.#cut.bytes < piece.length) {
        const { bytes } = this.#cut;
        this.#cut = null;
        to.write(piece.subarray(0, bytes), () => cut(link));
        from.pause();
        return;
      }
      this.#cut.bytes -= piece.length;
    }
    const hasRoom = to.write(piece);
    if (!hasRoom) from.pause();
    if (this.#bytesPerSecond === Number.POSITIVE_INFINITY) return;
    from.pause();
    setTimeout(() => this.#steer(link), (1000 * piece.length) / this.#bytesPerSecond);
  }

  #steer(link: Link): void {
    const mayFlow = !this.#isSilent && !link.isDead;
    for (const [from, to] of [
      [link.client, link.server],
      [link.server, link.client],
    ] as const) {
      if (mayFlow && !to.writableNeedDrain) from.resume();
      else from.pause();
    }
  }
}

/** By RST, as a broken connection ends. */
function cut({ client, server }: Link): void {
  client.resetAndDestroy();
  server.resetAndDestroy();
}
