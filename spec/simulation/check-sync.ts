/** Checks of worlds whose servers sync by a configuration: rights, and what the back end has done. */
import type { Server } from '../../transports/server.js';
import { Reports } from './check-losses.js';
import type { MakeChecker } from './checkers.js';
import type { Item } from './sync-side.js';
import type { World } from './world.js';

/**
 * Of what is written by somebody who may not, nothing gets to the servers; and who may not read a partition learns
 * of nothing that gets there from then on.
 */
export const rightsHold: MakeChecker = (world) => {
  /** When the servers had a mark first. */
  const since = new Map<string, number>();
  return {
    saw: (seen) => {
      const { sync } = world;
      if (sync === null) return null;
      if (seen.type === 'restored') since.clear();
      if (seen.type === 'arrived') {
        const now = world.time.now();
        for (const id of seen.marks) {
          if (since.has(id)) continue;
          since.set(id, now);
          const mark = world.devices.flatMap(({ marks }) => marks).find((each) => each.id === id);
          if (mark === undefined) continue;
          const { unwritableSince } = sync.right(world.device(mark.device).link, mark.partition);
          if (unwritableSince !== null && mark.at > unwritableSince)
            return `the servers have mark ${id} of ${mark.device}, who may not write since before it was made`;
        }
      } else if (seen.type === 'changed' && seen.className === 'Mark') {
        const { link, partition } = world.device(seen.device);
        const { unreadableSince } = sync.right(link, partition);
        if (unreadableSince === null) return null;
        for (const id of seen.changes.insertions.map(String))
          if ((since.get(id) ?? 0) > unreadableSince)
            return `${seen.device} gets mark ${id}, which is newer than its right to read was`;
      }
      return null;
    },
  };
};

/** Nobody is reset by what leaves histories as they are: by sync that is disabled, or by rights alone. */
export const resetsHaveCauses: MakeChecker = (world) => ({
  saw: (seen) => {
    if (seen.type !== 'switching' || world.sync === null || world.mayReset) return null;
    const { link, partition } = world.device(seen.device);
    const { hasBeenUnwritable } = world.sync.right(link, partition);
    return hasBeenUnwritable ? null : `${seen.device} is reset, and nothing has happened to its history`;
  },
});

interface Found {
  readonly _id: string;
  readonly count: number;
  readonly by: readonly string[];
  readonly moves: number;
}

/** What a server has of the back end's objects, each with where it is, in all partitions. */
const found = async (server: Server): Promise<ReadonlyMap<string, readonly Found[]>> => {
  const all = new Map<string, Found[]>();
  for (const document of (await server.collection('Item').find().toArray()) as unknown as readonly Found[]) {
    const { _id } = document;
    all.set(_id, [...(all.get(_id) ?? []), document]);
  }
  return all;
};

const wrongWith = (item: Item, places: readonly Found[]): string | null => {
  const { id, inserted, deleted, increments } = item;
  if (places.length > 1) return `item ${id} is in ${places.length} partitions`;
  const [present] = places;
  if (present === undefined) return inserted === 'yes' && deleted === 'no' ? `item ${id} is nowhere` : null;
  if (deleted === 'yes') return `item ${id} was deleted, and is there`;
  if (Number(present.count) !== present.by.length)
    return `item ${id} is at ${present.count}, and has ${present.by.join(' ')}`;
  const missing = increments.find((name) => !present.by.includes(name));
  return missing === undefined ? null : `item ${id} lacks ${missing}, which a server has answered`;
};

/** What devices have added to an object that stayed where it was. */
const wrongForDevices = (world: World, all: ReadonlyMap<string, readonly Found[]>): string | null => {
  for (const { marks } of world.devices)
    for (const { id, item, excuse } of marks) {
      if (item === null || excuse !== null) continue;
      const [present] = all.get(item.id) ?? [];
      if (present === undefined || Number(present.moves) !== item.moves || present.by.includes(id)) continue;
      return `item ${item.id} lacks ${id}, and has not moved since`;
    }
  return null;
};

/** A moved object is in exactly one partition, whole; and nothing that was answered is missing, or is there twice. */
export const documentsAreKept: MakeChecker = (world) => ({
  ended: async () => {
    const { sync } = world;
    if (sync === null || world.rigor === 'recovered') return null;
    for (const { server, name } of world.servers) {
      if (server === null) return `${name} does not run`;
      const all = await found(server);
      for (const item of sync.items.values()) {
        const wrong = wrongWith(item, all.get(item.id) ?? []);
        if (wrong !== null) return `${name}: ${wrong}`;
      }
      const wrong = wrongForDevices(world, all);
      if (wrong !== null) return `${name}: ${wrong}`;
    }
    return null;
  },
});

/**
 * What a device adds to an object that a server has moved meanwhile is lost, and told with its content:
 * where everybody who could tell has lived, as with `lossesAreReported`.
 */
export const lostAdditionsAreReported: MakeChecker = (world) => {
  const reports = new Reports(world);
  const { reported } = reports;
  return {
    saw: (seen) => reports.see(seen, 'SetInsert', 'Item'),
    ended: async () => {
      const server = world.servers[0]?.server ?? null;
      if (reports.isBlind || world.sync === null || server === null) return null;
      const all = await found(server);
      for (const { marks } of world.devices)
        for (const { id, item, excuse } of marks) {
          if (item === null || excuse !== null || reported.has(id)) continue;
          // With what was deleted goes also what had been added to it in time.
          if (all.get(item.id)?.[0]?.by.includes(id) === false)
            return `what ${id} has added to item ${item.id} is lost, and nobody has told so`;
        }
      return null;
    },
  };
};
