/**
 * What a device has of the servers is a state that they had: a history that was compacted has others on its way,
 * which are nobody's, and what comes down in parts is none before the last one. Looked at on disk, and only while a
 * device is behind the servers: where it has caught up, `converges` knows.
 */
import * as E from 'fp-ts/lib/Either.js';
import { digest } from '../../core/model/digest.js';
import { loadClient } from '../../core/reset/reset-records.js';
import { Records } from '../../transports/stores/records.js';
import type { MakeChecker } from './checkers.js';

const isOfBase = (space: string): boolean => space.startsWith('state') || space.startsWith('snapshot');

export const statesAreTheServers: MakeChecker = (world) => {
  const disks = new Map(world.devices.map(({ name }) => [name, new Records()]));
  return {
    saw: (seen) => {
      if (seen.type === 'reset') disks.set(seen.device, new Records());
      if (seen.type !== 'deviceDurable') return null;
      const records = disks.get(seen.device) as Records;
      records.apply(seen.batch);
      // Several histories have been there, and which of them the file is of its records do not say.
      if (world.restorations > 0 || world.sync !== null) return null;
      const { client, partition } = world.device(seen.device);
      const archive = world.archive(partition);
      if (client === null || client.session.describe().serverVersion >= archive.head) return null;
      if (!seen.batch.puts.some(({ space }) => isOfBase(space))) return null;
      const stored = loadClient(records.entries());
      if (E.isLeft(stored)) return `${seen.device}: its disk cannot be read: ${stored.left.message}`;
      const { base, progress } = stored.right.file;
      const { serverVersion } = progress.download;
      return digest(base) === archive.digestAt(serverVersion)
        ? null
        : `${seen.device} has at version ${serverVersion} what the servers never had`;
    },
  };
};
