/** Checks of what programs say and tell against what is on their disks. */
import * as E from 'fp-ts/lib/Either.js';
import { downloadedTo } from '../../core/history/ahead.js';
import type { Identify } from '../../core/protocol/messages.js';
import { loadClient } from '../../core/reset/reset-records.js';
import type { Client } from '../../transports/client.js';
import { Records } from '../../transports/stores/records.js';
import type { MakeChecker } from './checkers.js';

/**
 * Law 7: nothing leaves a program that a crash could take back. A device sends no write, and acknowledges no
 * download, that its disk does not hold; a server sends no version and no ident that the disk does not hold.
 */
export const durableBeforeVisible: MakeChecker = (world) => {
  const disks = new Map(world.devices.map(({ name }) => [name, new Records()]));
  const idents = new Set<number>();
  let heads = 0;
  const durableServerVersion = (device: string): number | string => {
    const stored = loadClient((disks.get(device) as Records).entries());
    return E.isLeft(stored) ? stored.left.message : downloadedTo(stored.right.file).serverVersion;
  };
  /** Whose file speaks in a session, by link and number; nobody's where it is the fresh one of a reset. */
  const owners = new Map<string, string | undefined>();
  const ownerOf = (link: string, { ident, salt }: Identify): string | undefined => {
    const names = world.devices.filter((device) => device.link === link).map(({ name }) => name);
    if (names.length === 1) return names[0];
    return names.find((name) => {
      const stored = loadClient((disks.get(name) as Records).entries());
      return E.isRight(stored) && stored.right.file.ident === ident && stored.right.file.salt === salt;
    });
  };
  /** Loading a whole file costs, and downloads are seldom acknowledged twice. */
  const known = new Map<string, number>();
  const acknowledges = (device: string, version: number): string | null => {
    // The fresh file of a reset is beside the old one.
    if (world.device(device).client?.session.describe().phase === 'resetting') return null;
    if (version <= (known.get(device) ?? 0)) return null;
    const durable = durableServerVersion(device);
    if (typeof durable === 'string') return `${device}: its disk cannot be read: ${durable}`;
    known.set(device, durable);
    return version <= durable ? null : `${device} acknowledges version ${version}, its disk is at ${durable}`;
  };
  return {
    saw: (seen) => {
      switch (seen.type) {
        case 'deviceDurable':
          disks.get(seen.device)?.apply(seen.batch);
          return null;
        case 'reset':
          disks.set(seen.device, new Records());
          known.delete(seen.device);
          return null;
        case 'switching':
          known.delete(seen.device);
          return null;
        case 'serverDurable':
          for (const { space, index } of seen.batch.puts) {
            if (space === 'file') idents.add(index);
            if (space === 'log') heads = Math.max(heads, index);
          }
          return null;
        case 'clientSent': {
          const { message } = seen;
          const session = `${seen.device} ${message.session}`;
          if (message.type === 'identify') owners.set(session, ownerOf(seen.device, message));
          const device = owners.get(session);
          if (device === undefined) return null;
          if (message.type === 'identify') return acknowledges(device, message.download.serverVersion);
          if (message.type !== 'upload') return null;
          for (const { version } of message.changesets)
            if (disks.get(device)?.read('local', version, version + 1, 1).length === 0)
              return `${device} sends write ${version}, which is not on its disk`;
          return acknowledges(device, message.progress.lastIntegratedServerVersion);
        }
        case 'serverSent': {
          const { server, message } = seen;
          if (message.type === 'ident' && !idents.has(message.ident))
            return `${server} gives ident ${message.ident}, which is not on the disk`;
          if (message.type === 'download' && message.download.serverVersion > heads)
            return `${server} sends version ${message.download.serverVersion}, the disk is at ${heads}`;
          return null;
        }
        default:
          return null;
      }
    },
  };
};

/** A device that was told that a write is saved has it whenever it starts again. */
export const savedIsKept: MakeChecker = (world) => ({
  saw: (seen) => {
    if (seen.type !== 'opened') return null;
    for (const mark of world.device(seen.device).marks)
      if (mark.isSaved && mark.excuse === null && seen.client.object('Mark', mark.id) === null)
        return `${seen.device} starts without mark ${mark.id}, which was saved`;
    return null;
  },
});

/** What an observer is told adds up to what there is. */
export const observersSeeAll: MakeChecker = (world) => {
  const seenMarks = new Map<string, Set<string>>();
  const present = (client: Client): Set<string> =>
    new Set([...client.objects('Mark')].map((mark) => String(mark['_id'])));
  return {
    saw: (seen) => {
      if (seen.type === 'opened') seenMarks.set(seen.device, present(seen.client));
      if (seen.type !== 'changed') return null;
      const marks = seenMarks.get(seen.device);
      for (const key of seen.changes.insertions.map(String)) {
        if (marks?.has(key) === true) return `${seen.device} is told twice that mark ${key} came`;
        marks?.add(key);
      }
      for (const key of seen.changes.deletions.map(String)) marks?.delete(key);
      return null;
    },
    ended: () => {
      for (const { name, client } of world.devices) {
        if (client === null) continue;
        const [told, there] = [seenMarks.get(name)?.size, present(client).size];
        if (told !== there) return `${name} has ${there} marks, its observer was told of ${told}`;
      }
      return null;
    },
  };
};
