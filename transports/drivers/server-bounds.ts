/** The bounds of a server, as an app gives them. */
import type { ServerOptions } from './server-options.js';

const bounds = [
  'clientMaxOfflineDays',
  'maxConnections',
  'maxBufferedBytes',
  'readPatience',
  'idleTime',
] as const satisfies readonly (keyof ServerOptions)[];

/**
 * The same options.
 *
 * @throws RangeError that names what is no bound: nothing is more than NaN.
 */
export const withBounds = (options: ServerOptions): ServerOptions => {
  for (const name of bounds) {
    const found: unknown = options[name];
    if (found !== undefined && !(typeof found === 'number' && found >= 0))
      throw new RangeError(`${name} of a server is ${String(found)}, expected a number from 0`);
  }
  return options;
};
