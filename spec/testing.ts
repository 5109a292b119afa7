/** `syncline/testing`: what each implementation of a port owes, as suites for any test framework. */
export { clientStoreConformance } from './conformance/client-store.js';
export { linkConformance } from './conformance/link.js';
export { serverStoreConformance } from './conformance/server-store.js';
export type { ConformanceTest } from './conformance/test.js';
