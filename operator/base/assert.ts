/** A bug is not an error to handle: say what must hold, and crash when it does not. */
export function assert(condition: unknown, mustHold: string): asserts condition {
  if (!condition) throw new AssertionError(mustHold);
}

/** Closes an exhaustive `switch`: the compiler proves that it is never reached, this proves it at run time. */
export function unreachable(value: never): never {
  throw new AssertionError(`no case for ${JSON.stringify(value)}`);
}

export class AssertionError extends Error {
  override readonly name = 'AssertionError';
  constructor(mustHold: string) {
    super(`bug: this must hold: ${mustHold}`);
  }
}
