/** The built command line as a user runs it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../operator/dist/cli/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  stderr(): string;
}

export function start(args: readonly string[], cwd: string): Running {
  if (!existsSync(program)) throw new Error('operator/dist is missing: npm run build');
  const child = spawn(process.execPath, [program, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (part) => (stdout += part));
  child.stderr.on('data', (part) => (stderr += part));
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  return { process: child, ended, stderr: () => stderr };
}

export function mcsync(args: readonly string[], cwd: string): Promise<Ended> {
  return start(args, cwd).ended;
}

export interface TaskOptions {
  readonly mysqlPort: number;
  readonly endpoint: string;
  readonly password?: string;
  /** YAML below `spec`, two blanks deep. */
  readonly more?: string;
}

export function taskText({ mysqlPort, endpoint, password = 'pw-of-the-source', more = '' }: TaskOptions): string {
  return `apiVersion: mcsync.dev/v1alpha1
kind: SyncTask
metadata: {name: shop}
spec:
  source:
    host: 127.0.0.1
    port: ${mysqlPort}
    credentials: {secretRef: {name: m}}
    tls: {mode: Disabled}
  target:
    endpoint: ${endpoint}
    project: p
    credentials: {secretRef: {name: w}}
  objects: [{database: shop}]
  streaming: {flushInterval: 1s}
${more}---
apiVersion: v1
kind: Secret
metadata: {name: m}
stringData: {username: mc, password: ${password}}
---
apiVersion: v1
kind: Secret
metadata: {name: w}
stringData: {accessKeyId: ak, accessKeySecret: secret-of-the-target}
`;
}
