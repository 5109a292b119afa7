/** Checks of conversations: they go on, go forward, and end alike. */
import type { MakeChecker } from './checkers.js';
import type { Device } from './device.js';
import { resetCodes } from './generators.js';
import type { World } from './world.js';

const divergence = new Set<number>(resetCodes);

/** What a session may end for that has no right, or has not the classes yet that others bring. */
const isOfRules = ({ plan, sync }: World, code: number): boolean =>
  sync?.hasChanged === true
    ? code === 206 || code === 230 || (code === 225 && plan.sync?.isDevelopment === true)
    : sync?.hasReaders === true && code === 230;

/** No message is broken, no error goes astray, no write is rejected, and no session ends without a cause. */
export const nothingFails: MakeChecker = (world) => ({
  saw: (seen) => {
    switch (seen.type) {
      case 'fault':
        return `${seen.where}: ${seen.message}`;
      case 'quarantined':
      case 'reported':
        return `${seen.server}: ${seen.message}`;
      case 'sessionFailed': {
        const { code } = seen;
        const isTransient = code === 200 || code === 201 || code === 101;
        const isExpected =
          isTransient ||
          isOfRules(world, code) ||
          code === 202 ||
          code === 203 ||
          (world.mayReset && divergence.has(code));
        return isExpected ? null : `${seen.device} ends its session: ${seen.message}`;
      }
      default:
        return null;
    }
  },
});

/** Cursors of a file never go back while its program runs. */
export const cursorsAscend: MakeChecker = (world) => {
  const before = new Map<Device, { readonly client: unknown; readonly cursors: readonly number[] }>();
  return {
    saw: (seen) => {
      if (seen.type === 'switching') before.delete(world.device(seen.device));
      return null;
    },
    moved: () => {
      for (const device of world.devices) {
        const { client } = device;
        if (client === null || client.session.describe().phase === 'resetting') continue;
        const { localVersion, acknowledgedVersion, serverVersion, newestServerVersion } =
          client.session.describe();
        const cursors = [localVersion, acknowledgedVersion, serverVersion, newestServerVersion];
        const last = before.get(device);
        before.set(device, { client, cursors });
        if (last?.client !== client) continue;
        if (cursors.some((cursor, i) => cursor < (last.cursors[i] as number)))
          return `${device.name}: cursors ${last.cursors.join(', ')} become ${cursors.join(', ')}`;
      }
      return null;
    },
  };
};

/** Bytes that may wait on one link: what a server sends ahead to one who does not read. */
const mostWaiting = 4_000_000;

export const queuesAreBounded: MakeChecker = (world) => ({
  moved: () => {
    const waiting = world.network.mostBuffered;
    return waiting > mostWaiting ? `${waiting} bytes wait on one link` : null;
  },
});

/** Why the world is not at rest; null where it is. */
export const unrest = (world: World): string | null => {
  for (const device of world.devices) {
    const { name, client, partition } = device;
    if (client === null) return `${name} does not run`;
    const { phase, failure, pendingWrites, serverVersion } = client.session.describe();
    if (phase !== 'streaming') return `${name} is ${phase}${failure === null ? '' : `: ${failure}`}`;
    if (pendingWrites > 0) return `${name} keeps ${pendingWrites} writes`;
    const { head } = world.archive(partition);
    if (serverVersion !== head) return `${name} is at version ${serverVersion} of ${head}`;
    if (device.waiting > 0) return `${name} still waits`;
  }
  // Whoever sits on it has the newest version by chance, and has still to find out that nobody hears him.
  if (world.network.hasHalfOpen) return 'a link is half open';
  for (const { name, server } of world.servers) {
    if (server === null) return `${name} does not run`;
    if (world.sync !== null && !(world.sync.finished.has(server) && world.sync.present?.state === 'enabled'))
      return `${name} has not finished: ${world.sync.unfinished}`;
  }
  return null;
};

/** All devices of a partition, its servers, and the history applied from its beginning give one state. */
export const converges: MakeChecker = (world) => ({
  ended: async () => {
    for (const [partition, archive] of world.archives) {
      const expected = archive.digest();
      for (const device of world.devices)
        if (device.partition === partition && device.client?.digest() !== expected)
          return `${device.name} has ${device.client?.digest()}, the history of ${partition} gives ${expected}`;
      for (const { name, server } of world.servers) {
        // A server that nobody has been to lately does not know the newest.
        const version = await server?.version(partition);
        const found = await server?.digest(partition);
        if (version === archive.head && found !== expected)
          return `${name} has ${found}, the history of ${partition} gives ${expected}`;
      }
    }
    return null;
  },
});
