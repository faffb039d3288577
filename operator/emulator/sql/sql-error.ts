/** A statement that is refused, as MaxCompute words it: `ODPS-0130161:[line,column] Parse exception - ...`. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}:${message}`);
    this.code = code;
  }
}

/** Where in the script, both counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What is not MaxCompute SQL, or is, but not part of the subset that this emulator answers exactly. */
export function parseError(at: Place, why: string): SqlError {
  return new SqlError('ODPS-0130161', `[${at.line},${at.column}] Parse exception - ${why}`);
}

export function semanticError(at: Place, why: string): SqlError {
  return new SqlError('ODPS-0130071', `[${at.line},${at.column}] Semantic analysis exception - ${why}`);
}

export function tableNotFound(at: Place, name: string): SqlError {
  return new SqlError('ODPS-0130131', `[${at.line},${at.column}] Table not found - table ${name} cannot be resolved`);
}

export function executionError(why: string): SqlError {
  return new SqlError('ODPS-0121095', `Invalid argument - ${why}`);
}
