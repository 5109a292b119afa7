/** Laws of random states. */
import fc from 'fast-check';
import type { State } from '../../core/model/state.js';
import { type Random, seeded } from './random.js';
import { allWeights, randomInstructions } from './valid.js';
import { randomWorld } from './worlds.js';

/** `law` holds of `numRuns` random states, and gets the source of chance for more. The number of steps shrinks. */
export const holdsOfWorlds = (numRuns: number, law: (random: Random, state: State) => void): void =>
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 40 }), (seed, steps) => {
      const random = seeded(seed);
      law(random, randomWorld(random, { weights: allWeights, steps }));
    }),
    { numRuns },
  );

/** A state that comes of `state` by a few random instructions of all kinds. */
export const changed = (random: Random, state: State, actions = 10): State =>
  randomInstructions(random, state, actions, { weights: allWeights }).state;
