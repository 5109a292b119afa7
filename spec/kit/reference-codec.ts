/** The reference's binary form of the instructions of one changeset, both ways. */
export { decodeReference, type Positions } from './reference-read.js';
export { encodeReference } from './reference-write.js';
