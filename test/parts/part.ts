/**
 * A part is something that a test needs and that the repository does not hold: a database server, a Python package, a
 * Java library. Each says whether it is here; a suite whose part is missing is skipped with the reason, or fails where
 * MCSYNC_REQUIRE (names separated by commas) says that the part may not be missing. all.ts names every part.
 */
export interface Part {
  readonly name: string;
  /** Null when it is here, else the reason why it is not, and how to get it. Quick: suites are declared with it. */
  missing(): string | null;
  /** Gets it, within the signal's time; `npm test` calls it. Absent where only an administrator can. */
  get?(signal: AbortSignal): Promise<void>;
}

/** Stands at the head of a skipped suite's name; the reporter prints such names as the reasons. */
export const skipMark = '[skipped]';

/** `describe`, for a suite that needs a part, or several. */
export function describeWithPart(part: Part | readonly Part[], title: string, body: () => void): void {
  const parts: readonly Part[] = 'name' in part ? [part] : part;
  const missing = parts.flatMap((needed) => {
    const reason = needed.missing();
    return reason === null ? [] : [{ name: needed.name, reason }];
  });
  if (missing.length === 0) {
    describe(title, body);
    return;
  }
  const reasons = missing.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  if (missing.some(({ name }) => requiredParts().has(name))) {
    describe(title, () => {
      it('has the parts that MCSYNC_REQUIRE names', () => {
        throw new Error(`missing part. ${reasons}`);
      });
    });
    return;
  }
  describe.skip(`${skipMark} ${title} (${reasons})`, body);
}

/** `describe`, for a suite that is too slow for every run: MCSYNC_LIVE=1 switches it on, as .ci/run does. */
export function describeWhenLive(part: Part | readonly Part[], title: string, body: () => void): void {
  if (process.env.MCSYNC_LIVE === '1') describeWithPart(part, title, body);
  else describe.skip(`${skipMark} ${title} (slow: MCSYNC_LIVE=1 runs it)`, body);
}

export function requiredParts(): ReadonlySet<string> {
  const names = (process.env.MCSYNC_REQUIRE ?? '').split(',').map((name) => name.trim());
  return new Set(names.filter((name) => name !== ''));
}
