/**
 * A part is something that a test needs and that the repository does not hold: a database server, a Python package, a
 * Java library. Each says whether it is here; a suite whose part is missing is skipped with the reason, or fails where
 * MCSYNC_REQUIRE (names separated by commas) says that the part may not be missing.
 */
export interface Part {
  readonly name: string;
  /** Null when it is here, else the reason why it is not. */
  why(): string | null;
  /** Gets it. Absent where only an administrator can. */
  get?(): Promise<void>;
}

export function describeWithPart(part: Part, title: string, body: () => void): void {
  describeWithParts([part], title, body);
}

export function describeWithParts(parts: readonly Part[], title: string, body: () => void): void {
  const missing = parts.flatMap((part) => {
    const reason = part.why();
    return reason === null ? [] : [{ part, reason }];
  });
  if (missing.length === 0) {
    describe(title, body);
    return;
  }
  const reasons = missing.map(({ part, reason }) => `${part.name}: ${reason}`).join('; ');
  if (missing.some(({ part }) => isRequired(part))) {
    describe(title, () => {
      it('has the parts that MCSYNC_REQUIRE names', () => {
        throw new Error(`missing part. ${reasons}`);
      });
    });
    return;
  }
  process.stderr.write(`skipped: ${title} (${reasons})\n`);
  describe.skip(title, body);
}

function isRequired(part: Part): boolean {
  return (process.env.MCSYNC_REQUIRE ?? '').split(',').some((name) => name.trim() === part.name);
}
