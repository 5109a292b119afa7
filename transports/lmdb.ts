/** The entry point `syncline/lmdb`: stores in a folder, on the package `lmdb`. */
export { type LmdbStoreOptions, lmdbClientStore, lmdbServerStore } from './stores/lmdb.js';
export type { LmdbDatabase, LmdbModule, LmdbOptions, LmdbRange } from './stores/lmdb-handle.js';
