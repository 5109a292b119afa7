/** The folder of a server's store, as a command names it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The same, where a store is there. Commands that only look must not make one. */
export const existingFolder = (directory: string): string => {
  if (!existsSync(directory)) throw new Error(`${directory}: there is no such folder`);
  if (!existsSync(join(directory, 'data.mdb')))
    throw new Error(`${directory}: no server has its data there, data.mdb is missing`);
  return directory;
};
