/**
 * The part of the package `lmdb` that the stores use. The embedder passes the module, as in
 * `import * as lmdb from 'lmdb'`: an app without LMDB stores does not load it.
 */
export interface LmdbOptions {
  readonly path: string;
  readonly noSubdir: boolean;
  readonly encoding: 'binary';
  readonly keyEncoding: 'binary';
  readonly overlappingSync: boolean;
  readonly eventTurnBatching: boolean;
}

export interface LmdbRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  readonly limit?: number;
}

export interface LmdbDatabase {
  getBinary(key: Uint8Array): Uint8Array | undefined;
  getKeys(range: LmdbRange): Iterable<Uint8Array>;
  getRange(range: LmdbRange): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>;
  /** Within a transaction: at once. */
  put(key: Uint8Array, value: Uint8Array): unknown;
  remove(key: Uint8Array): unknown;
  /** Runs `action` with the write lock held, in order of the calls; undone if it throws. */
  childTransaction<T>(action: () => T): Promise<T>;
  resetReadTxn(): void;
  getStats(): object;
  close(): Promise<void>;
}

export interface LmdbModule {
  open(options: LmdbOptions): LmdbDatabase;
}
