/** Checks of what is in the data: the books of `ledger.ts`. */
import type { Client } from '../../transports/client.js';
import type { MakeChecker } from './checkers.js';
import { readBooks, restored, wrongItem } from './ledger.js';
import type { World } from './world.js';

const itemsIn = (world: World, client: Client): string | null =>
  world.sync === null || world.rigor === 'recovered' ? null : wrongItem(client);

/** Wherever a state can be read, its books balance: transactions are whole, and nothing counts twice. */
export const booksBalance: MakeChecker = (world) => ({
  saw: (seen) => {
    if (seen.type !== 'opened' && seen.type !== 'downloaded') return null;
    const books = readBooks(seen.client, world.rigor, world.device(seen.device).home);
    const wrong = typeof books === 'string' ? books : itemsIn(world, seen.client);
    return wrong === null ? null : `${seen.device}: ${wrong}`;
  },
  ended: () => {
    for (const { name, client, home } of world.devices) {
      const books = client === null ? 'it does not run' : readBooks(client, world.rigor, home);
      if (typeof books === 'string') return `${name}: ${books}`;
      const wrong = client === null ? null : itemsIn(world, client);
      if (wrong !== null) return `${name}: ${wrong}`;
    }
    return null;
  },
});

/** What was saved, and all the more what was acknowledged, is there in the end, unless there is an excuse. */
export const nothingIsLost: MakeChecker = (world) => ({
  ended: () => {
    for (const device of world.devices) {
      if (device.client === null) return `${device.name} does not run`;
      const books = readBooks(device.client, world.rigor, device.home);
      if (typeof books === 'string') return books;
      for (const other of world.devices)
        for (const mark of other.marks) {
          if (mark.partition !== device.partition || mark.excuse !== null || books.marks.has(mark.id))
            continue;
          return `${device.name} lacks mark ${mark.id}, which was ${mark.isAcknowledged ? 'acknowledged' : 'saved'}`;
        }
    }
    return null;
  },
});

/**
 * A wait for upload means: the server has it on its disk, or has lost it since. So nobody is told that of what a
 * client reset has discarded or parked. A wait for download means: what the server had is here.
 */
export const waitsTellTheTruth: MakeChecker = (world) => ({
  saw: (seen) => {
    if (seen.type === 'uploaded') {
      for (const mark of seen.marks)
        if (!world.archive(mark.partition).marks.has(mark.id) && mark.excuse !== restored)
          return `${seen.device} was told that mark ${mark.id} is uploaded, and no server has it`;
    } else if (seen.type === 'downloaded') {
      const { marks } = world.archive(world.device(seen.device).partition);
      // A restored server has lost some.
      for (const id of seen.marks)
        if (marks.has(id) && seen.client.object('Mark', id) === null)
          return `${seen.device} was told that all is downloaded, and lacks mark ${id}`;
    }
    return null;
  },
});
