/**
 * Stores in memory: for tests, for simulations, and for apps that keep nothing.
 *
 * What outlives a store, as a file outlives a process, is a value that the caller holds: a `MemoryFile` for
 * a client, a `MemoryDatabase` for servers. Commits take effect within the call.
 */
import type { RecordBatch } from '../../core/client.js';
import { compareStrings } from '../../core/client.js';
import type { ClientStore, CommitOutcome, PartitionStore, ServerStore } from '../ports.js';
import { checkBatch, checkPartitionName, checkRange, checkSpace } from './batch.js';
import { StoreFailure } from './error.js';
import { Records } from './records.js';

/** What a client store leaves behind. */
export class MemoryFile {
  readonly name: string;
  readonly records = new Records();
  /** Whether a store is open on this file. */
  held = false;

  constructor(name = 'memory') {
    this.name = name;
  }
}

/** @throws StoreFailure `inUse` while another store on this file is open. */
export const memoryClientStore = (file: MemoryFile = new MemoryFile()): ClientStore => {
  if (file.held) throw new StoreFailure('inUse', file.name, 'it is open already, and one holder is allowed');
  file.held = true;
  let open = true;
  const checkOpen = (): void => {
    if (!open) throw new StoreFailure('closed', file.name, 'open it again to use it');
  };
  return {
    load: async () => {
      checkOpen();
      return file.records.entries();
    },
    commit: async (batch: RecordBatch) => {
      checkOpen();
      checkBatch(batch);
      file.records.apply(batch);
    },
    close: async () => {
      if (open) file.held = false;
      open = false;
    },
  };
};

interface MemoryPartition {
  revision: number;
  readonly records: Records;
}

/** What server stores share and leave behind. */
export class MemoryDatabase {
  readonly name: string;
  readonly partitions = new Map<string, MemoryPartition>();

  constructor(name = 'memory') {
    this.name = name;
  }
}

/** Any number of stores may be open on one database, as any number of servers on one real one. */
export const memoryServerStore = (database: MemoryDatabase = new MemoryDatabase()): ServerStore => {
  let open = true;
  const checkOpen = (): void => {
    if (!open) throw new StoreFailure('closed', database.name, 'open it again to use it');
  };
  const partitionStore = (name: string): PartitionStore => {
    const present = (): MemoryPartition | undefined => database.partitions.get(name);
    return {
      load: async (spaces: readonly string[]) => {
        checkOpen();
        for (const space of spaces) checkSpace(space);
        const partition = present();
        if (partition === undefined) return { revision: 0, entries: [] };
        return { revision: partition.revision, entries: partition.records.entries(spaces) };
      },
      read: async (space: string, from: number, to: number, maxBytes: number) => {
        checkOpen();
        checkRange({ space, from, to });
        return present()?.records.read(space, from, to, maxBytes) ?? [];
      },
      commit: async (expected: number, batch: RecordBatch): Promise<CommitOutcome> => {
        checkOpen();
        checkBatch(batch);
        const partition = present() ?? { revision: 0, records: new Records() };
        if (partition.revision !== expected) return { type: 'conflict', revision: partition.revision };
        partition.records.apply(batch);
        partition.revision += 1;
        database.partitions.set(name, partition);
        return { type: 'committed', revision: partition.revision };
      },
    };
  };
  return {
    partition: async (name: string) => {
      checkOpen();
      checkPartitionName(name);
      return partitionStore(name);
    },
    partitions: async () => {
      checkOpen();
      return [...database.partitions.keys()].sort(compareStrings);
    },
    close: async () => {
      open = false;
    },
  };
};
