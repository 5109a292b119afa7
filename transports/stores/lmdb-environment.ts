/**
 * One LMDB folder, opened, recognized and held.
 *
 * Theory. LMDB gives atomic transactions, one writer at a time over all processes, and readers that see
 * whole transactions. What is added here:
 *
 * - Durable on resolve. By default the package resolves before the data is flushed (`overlappingSync`); that
 *   is turned off, so that each transaction is flushed within its commit. Transactions queued meanwhile share
 *   the next flush.
 * - One handle for each folder in a process. Two handles of the package on one folder can wait for each
 *   other's lock for ever; server stores of one process therefore share a handle, and a second client store
 *   is refused.
 * - One holder of a client store over all processes: a mark inside the store, written and judged under the
 *   write lock, so that two processes cannot both find the store free. A mark whose process is gone is stale.
 *   Processes must be able to see each other's pid: two containers that share a folder but no pid namespace
 *   are not told apart.
 * - A file that is shorter than its own header says is brought to its length, with zeros. Reading beyond the
 *   end of a mapped file would kill the process; reading zeros is found to be damage.
 */
import { closeSync, fstatSync, mkdirSync, openSync, realpathSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { StoreFailure } from './error.js';
import { checkFiles } from './lmdb-file.js';
import type { LmdbDatabase, LmdbModule } from './lmdb-handle.js';
import { factKey } from './lmdb-keys.js';
import { isRunning, ownIdentity, parseIdentity, printIdentity } from './process-identity.js';

export type StoreKind = 'client' | 'server';

export interface Environment {
  readonly place: string;
  readonly database: LmdbDatabase;
  /** Ends this hold; the last one closes the folder. Called once. */
  release(): Promise<void>;
}

interface Holding {
  readonly kind: StoreKind;
  readonly opening: Promise<LmdbDatabase>;
  count: number;
  closing: Promise<void> | undefined;
}

/** Folders open in this process, by their real path. */
const holdings = new Map<string, Holding>();

const formatKey = factKey('format');
const ownerKey = factKey('owner');
const beginning = { start: Uint8Array.of(0), end: Uint8Array.of(0xff), limit: 1 };

const format = (kind: StoreKind): string => `syncline ${kind} 1`;
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, 200));

/** Codes of LMDB for damage: page not found, corrupted, panic, wrong version, not an LMDB file, bad page. */
const damageCodes: readonly unknown[] = [-30797, -30796, -30795, -30794, -30793, -30779];

/** What the package or the platform threw, as the error that the port promises. */
export const storeFailure = (place: string, cause: unknown): StoreFailure => {
  if (cause instanceof StoreFailure) return cause;
  const detail = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return new StoreFailure(damageCodes.includes(code) ? 'corrupt' : 'failed', place, detail, cause);
};

/**
 * Runs a transaction; resolves when it is durable, rejects with nothing changed.
 * @throws StoreFailure
 */
export const transact = async <T>(place: string, database: LmdbDatabase, action: () => T): Promise<T> => {
  try {
    return await database.childTransaction(action);
  } catch (error) {
    if (error instanceof Error && 'commitError' in error) {
      // The package keeps the reason in a promise, whose rejection must not go unheard.
      const reason: unknown = await Promise.resolve(error.commitError).catch((inner: unknown) => inner);
      throw storeFailure(place, reason);
    }
    throw storeFailure(place, error);
  }
};

const folderAt = (path: string): string => {
  try {
    mkdirSync(path, { recursive: true });
    return realpathSync(path);
  } catch (error) {
    const isFile =
      error instanceof Error && 'code' in error && ['EEXIST', 'ENOTDIR'].includes(String(error.code));
    if (isFile) throw new StoreFailure('foreign', path, 'it is a file, expected a folder', error);
    throw storeFailure(path, error);
  }
};

/** Within the write lock, before any page is read. */
const restoreLength = (place: string, database: LmdbDatabase): void => {
  const stats = database.getStats();
  if (!('lastPageNumber' in stats) || !('pageSize' in stats)) return;
  const expected = (Number(stats.lastPageNumber) + 1) * Number(stats.pageSize);
  const file = openSync(join(place, 'data.mdb'), 'r+');
  try {
    // A healthy file may also lack its last pages: those allocated and given up by one transaction.
    if (fstatSync(file).size < expected) writeSync(file, Uint8Array.of(0), 0, 1, expected - 1);
  } finally {
    closeSync(file);
  }
};

const recognize = (place: string, database: LmdbDatabase, kind: StoreKind): void => {
  const found = database.getBinary(formatKey);
  if (found === undefined) {
    for (const _ of database.getKeys(beginning)) {
      throw new StoreFailure(
        'foreign',
        place,
        `it is a database of another program, expected a ${kind} store`,
      );
    }
    database.put(formatKey, ascii(format(kind)));
  } else if (text(found) !== format(kind)) {
    throw new StoreFailure('foreign', place, `it says '${text(found)}', expected '${format(kind)}'`);
  }
};

const claim = (place: string, database: LmdbDatabase): void => {
  const mark = database.getBinary(ownerKey);
  if (mark !== undefined) {
    const owner = parseIdentity(text(mark));
    if (isRunning(owner)) {
      const who = owner.pid === process.pid ? 'this process' : `process ${owner.pid}`;
      throw new StoreFailure('inUse', place, `${who} has it open, and one holder is allowed`);
    }
  }
  database.put(ownerKey, ascii(printIdentity(ownIdentity())));
};

/** Looks again after a moment: another process may be about to make the file. */
const filesChecked = async (place: string): Promise<void> => {
  try {
    checkFiles(place);
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 20));
    checkFiles(place);
  }
};

const openDatabase = async (lmdb: LmdbModule, place: string, kind: StoreKind): Promise<LmdbDatabase> => {
  await filesChecked(place);
  let database: LmdbDatabase;
  try {
    // A folder whose name has a dot would otherwise be taken for a file.
    database = lmdb.open({
      path: place,
      noSubdir: false,
      encoding: 'binary',
      keyEncoding: 'binary',
      overlappingSync: false,
      // Its promises of whole turns have no owner: a failed commit would end the process as unhandled.
      eventTurnBatching: false,
    });
  } catch (error) {
    throw storeFailure(place, error);
  }
  try {
    await transact(place, database, () => {
      restoreLength(place, database);
      recognize(place, database, kind);
      if (kind === 'client') claim(place, database);
    });
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
};

const closeDatabase = async (place: string, holding: Holding): Promise<void> => {
  const database = await holding.opening;
  try {
    if (holding.kind === 'client') await transact(place, database, () => database.remove(ownerKey));
  } finally {
    await database.close();
  }
};

const hold = async (place: string, holding: Holding): Promise<Environment> => {
  const database = await holding.opening;
  return {
    place,
    database,
    release: async () => {
      holding.count -= 1;
      if (holding.count > 0) return;
      holding.closing = closeDatabase(place, holding).finally(() => holdings.delete(place));
      await holding.closing;
    },
  };
};

/**
 * Opens the folder at `path`, making it where it is not there.
 * @throws StoreFailure `inUse`, `foreign`, `corrupt` or `failed`.
 */
export const openEnvironment = async (
  lmdb: LmdbModule,
  path: string,
  kind: StoreKind,
): Promise<Environment> => {
  const place = folderAt(path);
  for (;;) {
    const held = holdings.get(place);
    if (held === undefined) break;
    if (held.closing === undefined) {
      if (held.kind !== kind) {
        throw new StoreFailure(
          'foreign',
          place,
          `it says '${format(held.kind)}', expected '${format(kind)}'`,
        );
      }
      if (kind === 'client') {
        throw new StoreFailure('inUse', place, 'this process has it open, and one holder is allowed');
      }
      held.count += 1;
      return hold(place, held);
    }
    await held.closing.catch(() => undefined);
  }
  const holding: Holding = {
    kind,
    opening: openDatabase(lmdb, place, kind),
    count: 1,
    closing: undefined,
  };
  holdings.set(place, holding);
  try {
    return await hold(place, holding);
  } catch (error) {
    holdings.delete(place);
    throw error;
  }
};
