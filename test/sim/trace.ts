/** Who did what, in simulated time. Kept only when a seed is shown: each seed runs the same way a second time. */
export class Trace {
  readonly #lines: { readonly text: string; readonly isPoll: boolean }[] = [];
  readonly #isOn: boolean;
  readonly #nowMs: () => number;

  constructor(isOn: boolean, nowMs: () => number) {
    this.#isOn = isOn;
    this.#nowMs = nowMs;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** `isPoll`: what comes all the time and seldom matters. */
  add(who: string, what: string, isPoll = false): void {
    if (!this.#isOn) return;
    const seconds = (this.#nowMs() / 1000).toFixed(3).padStart(11);
    this.#lines.push({ text: `${seconds}s  ${who.padEnd(12)} ${what}`, isPoll });
  }

  all(): readonly string[] {
    return this.#lines.map((line) => line.text);
  }

  last(count: number): readonly string[] {
    return this.#lines
      .filter((line) => !line.isPoll)
      .slice(-count)
      .map((line) => line.text);
  }
}
