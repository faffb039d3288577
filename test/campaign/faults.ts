/** All faults, with how often each is drawn. */
import { processFaults } from './process-faults.js';
import type { Random } from './random.js';
import type { Scene } from './scene.js';
import { serviceFaults } from './service-faults.js';
import { wireFaults } from './wire-faults.js';

export interface Fault {
  readonly name: string;
  readonly weight: number;
  /** Ends a process by SIGKILL. */
  readonly isKill: boolean;
  readonly isPossible: (scene: Scene) => boolean;
  readonly strike: (scene: Scene) => Promise<void>;
}

export const faults: readonly Fault[] = [...processFaults, ...wireFaults, ...serviceFaults];

/** Null where everything is broken already. */
export function drawFault(scene: Scene, random: Random): Fault | null {
  const possible = faults.filter((fault) => fault.isPossible(scene));
  return possible.length === 0 ? null : random.weighted(possible);
}
