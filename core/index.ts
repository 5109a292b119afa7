/** The engine: pure, deterministic, without input, output, clock or chance. */
export type { RecordBatch, RecordEntry, RecordRange } from './base/record.js';
