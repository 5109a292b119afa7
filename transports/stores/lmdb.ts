/**
 * Stores on LMDB, an embedded database in a folder: the default where there is a disk.
 *
 * A commit is one transaction, flushed before it resolves; commits of one turn share a flush. It runs with
 * the write lock of the folder held, which is what makes the comparison of revisions hold between processes.
 * Reads are synchronous within one turn and therefore see one snapshot.
 */
import type { RecordBatch, RecordEntry } from '../../core/index.js';
import { compareStrings } from '../../core/index.js';
import type { ClientStore, CommitOutcome, PartitionStore, ServerStore } from '../ports.js';
import { checkBatch, checkPartitionName, checkRange, checkSpace } from './batch.js';
import { StoreFailure } from './error.js';
import { type Environment, openEnvironment, storeFailure, transact } from './lmdb-environment.js';
import type { LmdbDatabase, LmdbModule } from './lmdb-handle.js';
import * as keys from './lmdb-keys.js';

export interface LmdbStoreOptions {
  /** The module: `import * as lmdb from 'lmdb'`. */
  readonly lmdb: LmdbModule;
  /** The folder, made where it is not there. */
  readonly path: string;
}

/** Deletes first, then puts; O((deleted + put) log n). */
const applyBatch = (database: LmdbDatabase, partition: number, batch: RecordBatch): void => {
  for (const { space, from, to } of batch.deletes) {
    if (from >= to) continue;
    const range = { start: keys.entryKey(partition, space, from), end: keys.entryKey(partition, space, to) };
    // Collected before the first removal, which would move the cursor.
    for (const key of [...database.getKeys(range)]) database.remove(key);
  }
  for (const { space, index, bytes } of batch.puts)
    database.put(keys.entryKey(partition, space, index), bytes);
};

/** The package answers Node buffers; callers are promised plain arrays. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);

/** A store is used until it is closed, and closed once, after its commits. */
class Access {
  readonly #environment: Environment;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) {
      throw new StoreFailure('closed', this.#environment.place, 'open it again to use it');
    }
  }

  read<T>(action: (database: LmdbDatabase) => T): T {
    this.#checkOpen();
    const { place, database } = this.#environment;
    try {
      // Another process may have committed since the snapshot of this turn was taken.
      database.resetReadTxn();
      return action(database);
    } catch (error) {
      throw storeFailure(place, error);
    }
  }

  write<T>(action: (database: LmdbDatabase) => T): Promise<T> {
    this.#checkOpen();
    const { place, database } = this.#environment;
    const outcome = transact(place, database, () => action(database));
    this.#last = outcome.catch(() => undefined);
    return outcome;
  }

  close(): Promise<void> {
    this.#closing ??= this.#last.then(() => this.#environment.release());
    return this.#closing;
  }
}

/**
 * The store of one client file, in a folder of its own.
 * @throws StoreFailure; `inUse` while this or another process has it open.
 */
export const lmdbClientStore = async (options: LmdbStoreOptions): Promise<ClientStore> => {
  const environment = await openEnvironment(options.lmdb, options.path, 'client');
  const access = new Access(environment);
  let failure: Error | undefined;
  return {
    place: environment.place,
    load: async () =>
      access.read((database) => {
        const entries: RecordEntry[] = [];
        for (const { key, value } of database.getRange(keys.anyEntry)) {
          entries.push({ space: keys.entrySpace(key), index: keys.entryIndex(key), bytes: plain(value) });
        }
        return entries;
      }),
    commit: async (batch) => {
      checkBatch(batch);
      try {
        await access.write((database) => {
          if (failure !== undefined) throw failure;
          applyBatch(database, 0, batch);
        });
      } catch (error) {
        failure ??= storeFailure(environment.place, error);
        throw error;
      }
    },
    close: () => access.close(),
  };
};

interface PartitionHead {
  readonly number: number;
  readonly revision: number;
}

const readHead = (database: LmdbDatabase, key: Uint8Array): PartitionHead | undefined => {
  const head = database.getBinary(key);
  return head && { number: keys.readNumber(head, 0), revision: keys.readNumber(head, 8) };
};

const writeHead = (database: LmdbDatabase, key: Uint8Array, head: PartitionHead): void => {
  const bytes = new Uint8Array(16);
  keys.writeNumber(bytes, 0, head.number);
  keys.writeNumber(bytes, 8, head.revision);
  database.put(key, bytes);
};

const countKey = keys.factKey('partitions');

/** Numbers a new partition, from 1. Within a transaction. */
const nextNumber = (database: LmdbDatabase): number => {
  const found = database.getBinary(countKey);
  const number = (found === undefined ? 0 : keys.readNumber(found, 0)) + 1;
  const bytes = new Uint8Array(8);
  keys.writeNumber(bytes, 0, number);
  database.put(countKey, bytes);
  return number;
};

/** Entries of one space of one partition with `from <= index < to`. */
const range = (database: LmdbDatabase, number: number, space: string, from: number, to: number) =>
  database.getRange({ start: keys.entryKey(number, space, from), end: keys.entryKey(number, space, to) });

const partitionStore = (access: Access, name: string): PartitionStore => {
  const key = keys.partitionKey(name);
  return {
    load: async (spaces) => {
      for (const space of spaces) checkSpace(space);
      return access.read((database) => {
        const head = readHead(database, key);
        const entries: RecordEntry[] = [];
        if (head === undefined) return { revision: 0, entries };
        for (const space of [...new Set(spaces)].sort(compareStrings)) {
          for (const found of range(database, head.number, space, 0, 2 ** 53)) {
            entries.push({ space, index: keys.entryIndex(found.key), bytes: plain(found.value) });
          }
        }
        return { revision: head.revision, entries };
      });
    },
    read: async (space, from, to, maxBytes) => {
      checkRange({ space, from, to });
      return access.read((database) => {
        const head = readHead(database, key);
        const entries: RecordEntry[] = [];
        if (head === undefined || from >= to) return entries;
        let total = 0;
        for (const found of range(database, head.number, space, from, to)) {
          entries.push({ space, index: keys.entryIndex(found.key), bytes: plain(found.value) });
          total += found.value.length;
          if (total >= maxBytes) break;
        }
        return entries;
      });
    },
    commit: async (expected, batch) => {
      checkBatch(batch);
      return access.write((database): CommitOutcome => {
        const found = readHead(database, key);
        const revision = found?.revision ?? 0;
        if (revision !== expected) return { type: 'conflict', revision };
        const head = { number: found?.number ?? nextNumber(database), revision: revision + 1 };
        applyBatch(database, head.number, batch);
        writeHead(database, key, head);
        return { type: 'committed', revision: head.revision };
      });
    },
  };
};

/**
 * The store of a server. Several processes may have the same folder open, on one machine.
 * @throws StoreFailure
 */
export const lmdbServerStore = async (options: LmdbStoreOptions): Promise<ServerStore> => {
  const access = new Access(await openEnvironment(options.lmdb, options.path, 'server'));
  return {
    partition: async (name) => {
      checkPartitionName(name);
      return access.read(() => partitionStore(access, name));
    },
    partitions: async () =>
      access.read((database) => Array.from(database.getKeys(keys.anyPartition), keys.partitionName)),
    close: () => access.close(),
  };
};
