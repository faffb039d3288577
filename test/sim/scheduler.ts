/**
 * Simulated time. Whatever happens in the simulated world is an event in one queue, ordered by its time; between two
 * events the code under test runs until all of its promises wait. No real timer and no real clock is asked.
 */
interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export type RunEnd = 'over' | 'empty' | 'too long';

export class Scheduler {
  readonly #heap: Event[] = [];
  #nowMs = 0;
  #order = 0;
  #hasWoken = false;
  eventsRun = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): void {
    this.#push({ atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run });
  }

  /** Something that the code under test waits for has come: it runs before the next event. */
  wake(): void {
    this.#hasWoken = true;
  }

  async run(isOver: () => boolean, limits: { readonly events: number; readonly untilMs: number }): Promise<RunEnd> {
    await settled();
    while (!isOver()) {
      const event = this.#pop();
      if (event === undefined) return 'empty';
      this.eventsRun += 1;
      if (this.eventsRun > limits.events || event.atMs > limits.untilMs) return 'too long';
      this.#nowMs = event.atMs;
      event.run();
      if (!this.#hasWoken) continue;
      this.#hasWoken = false;
      await settled();
    }
    return 'over';
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent] as Event)) break;
      heap[at] = heap[parent] as Event;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child += 1;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** A turn of the event loop comes only when no promise job is left, so all code under test waits then. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
