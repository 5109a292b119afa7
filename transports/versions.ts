/** Versions of the protocol, on which both ends of a link agree before the first message. */
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from '../core/client.js';

/** What one side speaks (`core/protocol/version.ts`): 1 to 255. */
export interface VersionRange {
  readonly oldest: number;
  readonly newest: number;
}

export const ownVersions: VersionRange = { oldest: OLDEST_PROTOCOL_VERSION, newest: PROTOCOL_VERSION };

/** The newest version that both sides speak. */
export const commonVersion = (one: VersionRange, other: VersionRange): number | undefined => {
  const newest = Math.min(one.newest, other.newest);
  return newest >= Math.max(one.oldest, other.oldest) ? newest : undefined;
};

/** For people. */
export const printVersions = ({ oldest, newest }: VersionRange): string =>
  oldest === newest ? `version ${newest}` : `versions ${oldest} to ${newest}`;
