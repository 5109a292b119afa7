/** The engine: pure, deterministic, without input, output, clock or chance. */
export { limits } from './base/limits.js';
export { compareStrings } from './base/order.js';
export type { RecordBatch, RecordEntry, RecordRange } from './base/record.js';
