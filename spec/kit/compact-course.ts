/** Courses of events at random, up to the moment at which somebody compacts. */
import { coreColumns } from './alphabet.js';
import { CompactWorld } from './compact-world.js';
import { once, pick, type Random } from './random.js';
import { contentWeights, randomInstructions } from './valid.js';
import { randomWorld } from './worlds.js';

/**
 * Writes, uploads and downloads of three devices. Where the times ascend causally, mixed values take part;
 * otherwise the times are drawn without regard to anything.
 */
export const randomCourse = (random: Random, isCausal: boolean): CompactWorld => {
  const columns = isCausal ? coreColumns : coreColumns.filter((name) => !name.includes('mixed'));
  const chosen = once(random, 2) ? columns : [pick(random, columns), pick(random, columns)];
  const from = randomWorld(random, { columns: chosen, steps: 6, columnsPerTable: 3, emitted: true });
  const world = new CompactWorld(from, [2, 3, 4]);
  const weights = pick(random, [
    contentWeights,
    { ...contentWeights, EraseObject: 5, Clear: 8 },
    { CreateObject: 1, EraseObject: 1, Update: 10, AddInteger: 6, SetInsert: 6, SetErase: 6, ArrayErase: 6 },
  ]);
  let clock = 1;
  for (let steps = 6 + random.int(20); steps > 0; steps--) {
    const device = pick(random, world.devices);
    const choice = random.int(6);
    if (choice < 3) {
      const options = { emitted: true, weights };
      const { instructions: made } = randomInstructions(random, device.state, 1 + random.int(4), options);
      clock += random.int(2);
      world.write(device, made, isCausal ? Math.max(clock, device.stamp) : random.int(6));
    } else if (choice < 5) world.upload(device, 1 + random.int(2));
    else world.download(device, device.position + random.int(world.head - device.position + 1));
  }
  return world;
};
