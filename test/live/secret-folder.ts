/** Secrets as files, as a pod mounts them, and a MaxCompute that looks at the token of temporary credentials. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SecretFolder extends AsyncDisposable {
  readonly path: string;
  /** In one step: a reader sees the old value or the new one. */
  write(secret: string, key: string, value: string): Promise<void>;
}

export async function makeSecretFolder(): Promise<SecretFolder> {
  const path = await mkdtemp(join(tmpdir(), 'mcsync-secrets-'));
  return {
    path,
    async write(secret, key, value) {
      await mkdir(join(path, secret), { recursive: true });
      await writeFile(join(path, secret, `.${key}`), value);
      await rename(join(path, secret, `.${key}`), join(path, secret, key));
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

export interface TokenGate extends AsyncDisposable {
  readonly port: number;
  /** What the service takes from now on. */
  token: string;
  /** Requests with another token, all refused before anything was done. */
  readonly refused: number;
  readonly passed: number;
}

/** Stands before the emulator, which knows no temporary credentials. */
export async function startTokenGate(targetPort: number, token: string): Promise<TokenGate> {
  const state = { port: 0, token, refused: 0, passed: 0 };
  const server: Server = createServer((incoming, outgoing) => {
    if (incoming.headers['authorization-sts-token'] !== state.token) {
      state.refused += 1;
      incoming.resume();
      const code = 'ODPS-0410051';
      outgoing.writeHead(401, { 'content-type': 'application/xml', 'x-odps-request-id': 'gate' });
      outgoing.end(
        `<Error><Code>${code}</Code><Message>${code}:Invalid credentials - security token expired</Message></Error>`,
      );
      return;
    }
    state.passed += 1;
    const { method, url: path, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port: targetPort, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.port = (server.address() as AddressInfo).port;
  return Object.assign(state, {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
