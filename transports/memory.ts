/** The entry point `syncline/memory`: everything within one process, for tests and for apps that keep nothing. */
export {
  type MemoryNetwork,
  type MemoryNetworkOptions,
  memoryNetwork,
  type Passage,
  type Side,
} from './links/memory.js';
export { MemoryDatabase, MemoryFile, memoryClientStore, memoryServerStore } from './stores/memory.js';
