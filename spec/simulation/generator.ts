/** What generators are made of. */
import { once, pick, type Random } from '../kit/random.js';
import type { Device } from './device.js';
import type { Kind } from './plan.js';
import type { World } from './world.js';

export interface Generator extends Kind {
  /** Makes it happen once. */
  readonly act: (world: World, random: Random) => void;
}

export const someDevice = (world: World, random: Random): Device => pick(random, world.devices);

export const work = (name: string, weight: number, act: Generator['act']): Generator => ({
  name,
  isFault: false,
  needsSync: false,
  weight,
  rarity: 1,
  act,
});

export const fault = (name: string, rarity: number, weight: number, act: Generator['act']): Generator => ({
  name,
  isFault: true,
  needsSync: false,
  weight,
  rarity,
  act,
});

/** Milliseconds that a lasting fault lasts. */
export const aWhile = (random: Random): number => 500 + random.int(once(random, 4) ? 60_000 : 10_000);

/** The same, where servers sync by a configuration. */
export const ofSync = (generator: Generator): Generator => ({ ...generator, needsSync: true });
