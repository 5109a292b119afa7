/** What happens in worlds whose servers sync by a configuration. */
import { once, pick, type Random } from '../kit/random.js';
import { disable, enable, increment, insert, move, remove, terminate } from './back-end.js';
import { aWhile, fault, type Generator, ofSync, someDevice, work } from './generator.js';
import type { SimulatedServer } from './server.js';
import { type Item, partitionValues } from './sync-side.js';
import type { World } from './world.js';

/** The fault that takes rights away and gives them back. */
export const changedRights = 'changed rights';

const somewhere = (random: Random): string | null => (once(random, 8) ? null : pick(random, partitionValues));

/** Nothing takes a key away that is required. */
const elsewhere = (world: World, random: Random): string | null => {
  const value = somewhere(random);
  return value === null && world.plan.sync?.isRequired === true ? pick(random, partitionValues) : value;
};

const someItem = (world: World, random: Random): Item | null => {
  const items = [...(world.sync?.items.values() ?? [])];
  return items.length === 0 ? null : pick(random, items);
};

const ends = (world: World, random: Random, server: SimulatedServer): void => {
  if (world.isHealed) return;
  world.crashServer(server, 100);
  world.lasting(aWhile(random), () => server.start());
};

/** The server ends in the middle of what it is doing, or soon afterwards. */
const endsSoon = (world: World, random: Random, server: SimulatedServer): void => {
  const commit = server.disk.health.slowness + 1;
  world.time.schedule(random.int(8 * commit), () => ends(world, random, server));
};

/** The server ends between two of its next commits; `then` is what others do at once. */
const endsBetween = (world: World, random: Random, server: SimulatedServer, then: () => void): void => {
  const commits = 1 + random.int(once(random, 3) ? 12 : 3);
  server.disk.afterCommits(commits, () => {
    ends(world, random, server);
    world.time.schedule(random.int(20), then);
  });
};

/** Now and then. */
const perhapsEnds = (world: World, random: Random, server: SimulatedServer): void => {
  if (!once(random, 3) || world.isHealed) return;
  world.strike('crash amid the administration of sync', server.name, 'is to crash in the middle');
  endsSoon(world, random, server);
};

const works: readonly Generator[] = [
  work('insert document', 2, (world, random) =>
    insert(world, pick(random, world.servers), somewhere(random)),
  ),
  work('add to document', 3, (world, random) => {
    const item = someItem(world, random);
    if (item !== null) increment(world, pick(random, world.servers), item);
  }),
  work('move document', 3, (world, random) => {
    const item = someItem(world, random);
    if (item !== null) move(world, pick(random, world.servers), item, elsewhere(world, random));
  }),
  work('delete document', 1, (world, random) => {
    const item = someItem(world, random);
    if (item !== null && once(random, 2)) remove(world, pick(random, world.servers), item);
  }),
];

/** Until it is enabled again, by whichever server there is. */
const enableLater = (world: World, random: Random, isChanged: boolean): void =>
  world.lasting(aWhile(random), () => {
    const server = pick(random, world.servers);
    enable(world, server, isChanged);
    perhapsEnds(world, random, server);
  });

const faults: readonly Generator[] = [
  fault('disabled sync', 3, 2, (world, random) => {
    const server = pick(random, world.servers);
    world.strike('disabled sync', server.name, 'disables sync');
    disable(world, server);
    perhapsEnds(world, random, server);
    enableLater(world, random, false);
  }),
  fault('terminated sync', 2, 2, (world, random) => {
    const server = pick(random, world.servers);
    world.strike('terminated sync', server.name, 'terminates sync');
    terminate(world, server);
    perhapsEnds(world, random, server);
    enableLater(world, random, once(random, 2));
  }),
  fault(changedRights, 2, 3, (world, random) => {
    const { link, name, partition } = someDevice(world, random);
    const right = pick(random, ['write', 'read', 'none'] as const);
    world.strike('changed rights', name, `has the right: ${right}`);
    world.sync?.give(link, partition, right, world.time.now());
    world.reevaluate(once(random, 3) ? null : link);
  }),
  fault('crash amid move', 2, 2, (world, random) => {
    const item = someItem(world, random);
    const server = pick(random, world.servers);
    if (item === null || server.server === null) return;
    world.strike('crash amid move', server.name, `moves item ${item.id} and is to crash`);
    move(world, server, item, elsewhere(world, random));
    if (once(random, 3)) return endsSoon(world, random, server);
    // What comes in between shows whether the rest of the move is done twice.
    const others = world.servers.filter((each) => each !== server);
    endsBetween(world, random, server, () => {
      if (others.length === 0) return;
      const other = pick(random, others);
      if (once(random, 2)) increment(world, other, item);
      else move(world, other, item, elsewhere(world, random));
    });
  }),
];

export const syncGenerators: readonly Generator[] = [...works, ...faults].map(ofSync);
