/** One simulated world: a history, the servers, the network, and whoever watches. Made from a seed and nothing else. */
import { type FaultOptions, Faults } from './faults.js';
import { drawHistory, type History, type HistoryLimits } from './history.js';
import { Host } from './host.js';
import { MaxComputeServer } from './maxcompute-server.js';
import { Monitor } from './monitor.js';
import { Network } from './network.js';
import type { Pipeline } from './pipeline.js';
import { Random } from './random.js';
import { Scheduler } from './scheduler.js';
import { StoreServer } from './store.js';
import { Trace } from './trace.js';

export interface WorldOptions extends FaultOptions, HistoryLimits {
  readonly seed: number;
  readonly pipeline: Pipeline;
  readonly isTraced: boolean;
}

export class World {
  readonly pipeline: Pipeline;
  readonly scheduler = new Scheduler();
  readonly trace: Trace;
  readonly history: History;
  readonly faults: Faults;
  readonly network: Network;
  readonly store = new StoreServer();
  readonly maxCompute: MaxComputeServer;
  readonly monitor: Monitor;
  readonly host: Host;
  /** Nothing more goes wrong from here on. */
  readonly calmAtMs: number;
  #failure: string | null = null;

  constructor(options: WorldOptions) {
    this.pipeline = options.pipeline;
    this.trace = new Trace(options.isTraced, () => this.scheduler.nowMs);
    this.history = drawHistory(new Random(options.seed * 2), options);
    const random = new Random(options.seed * 2 + 1);
    this.calmAtMs = this.history.endMs + random.spread(10_000, 7_200_000);
    this.faults = new Faults(random, this.trace, () => this.scheduler.nowMs > this.calmAtMs, options);
    this.network = new Network(this);
    this.maxCompute = new MaxComputeServer(this);
    this.monitor = new Monitor(this);
    this.host = new Host(this);
  }

  get failure(): string | null {
    return this.#failure;
  }

  /** The first failure is the one that counts: what follows may be its consequence. */
  fail(what: string): void {
    if (this.#failure === null) this.trace.add('FAILURE', what);
    this.#failure ??= what;
  }
}
