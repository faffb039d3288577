/** A request that is refused: HTTP status, code and message; the service tells it as XML, the tunnel as JSON. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export const noSuchProject = (name: string): ServiceError =>
  new ServiceError(404, 'NoSuchProject', `ODPS-0420111: Project not found - '${name}'.`);
export const noSuchTable = (name: string): ServiceError =>
  new ServiceError(404, 'NoSuchTable', `ODPS-0130131:Table not found - table ${name} cannot be resolved`);
export const noSuchPartition = (): ServiceError =>
  new ServiceError(404, 'NoSuchPartition', 'The specified partition does not exist.');
export const invalidArgument = (why: string): ServiceError => new ServiceError(400, 'InvalidArgument', why);
export const notFound = (path: string): ServiceError =>
  new ServiceError(404, 'NoSuchObject', `This emulator has nothing at ${path}.`);
