/** What happens to the wires: to the source, and to the emulator. */
import type { Fault } from './faults.js';
import { isCommit } from './moments.js';
import type { Scene, Thing } from './scene.js';
import type { Wire } from './wire.js';

export const wireFaults: readonly Fault[] = [
  ...faultsOf('source wire', (scene) => scene.world.source),
  ...faultsOf('target wire', (scene) => scene.world.target),
  ...(['cut request', 'cut answer'] as const).map(
    (fate): Fault => ({
      name: fate === 'cut request' ? 'target wire: a commit is lost' : 'target wire: the answer to a commit is lost',
      weight: 2,
      isKill: false,
      isPossible: (scene) => scene.isWhole('target wire'),
      strike: async (scene) => {
        const { target } = scene.world;
        let left = scene.random.between(1, 3);
        target.onPiece = (piece) => {
          if (left === 0 || !isCommit(piece)) return 'pass';
          left -= 1;
          return fate;
        };
        scene.breakFor('target wire', 4_000, () => target.mend());
      },
    }),
  ),
];

function faultsOf(thing: Thing, wireOf: (scene: Scene) => Wire): Fault[] {
  const fault = (name: string, weight: number, strike: (wire: Wire, scene: Scene) => void): Fault => ({
    name: `${thing}: ${name}`,
    weight,
    isKill: false,
    isPossible: (scene) => scene.isWhole(thing) && wireOf(scene).linkCount > 0,
    strike: async (scene) => strike(wireOf(scene), scene),
  });
  return [
    fault('reset', 1.5, (wire) => wire.reset()),
    fault('cut in the middle', 1.5, (wire, scene) => {
      wire.cutAfter(
        scene.random.chance(0.5) ? 'toServer' : 'toClient',
        scene.random.below(scene.random.pick([100, 5_000, 300_000])),
      );
      scene.breakFor(thing, 3_000, () => wire.mend());
    }),
    fault('silent, then goes on', 1, (wire, scene) => {
      wire.silence();
      scene.breakFor(thing, scene.random.between(300, 5_000), () => wire.mend());
    }),
    fault('silent, then reset', 0.8, (wire, scene) => {
      wire.silence();
      scene.breakFor(thing, scene.random.between(300, 5_000), () => {
        wire.reset();
        wire.mend();
      });
    }),
    fault('half-open for ever', 0.5, (wire) => wire.kill()),
    fault('slow', 1, (wire, scene) => {
      wire.slow(scene.random.pick([2_000, 20_000, 200_000]));
      scene.breakFor(thing, scene.random.between(500, 5_000), () => wire.mend());
    }),
  ];
}
