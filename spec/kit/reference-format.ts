/**
 * Numbers in the reference's binary form of instructions: what `reference-read.ts` and `reference-write.ts`
 * share. Opcodes are positions in `kinds`.
 *
 * Source: README of the vectors, "Binary form".
 */
import type { CollectionType } from '../../core/model/schema.js';
import type { PayloadType } from '../../core/model/value.js';

/** Stands where an opcode would, in front of the definition of an interned string. */
export const INTERN = 63;

export const typeCodes: Readonly<Record<PayloadType | 'globalKey', number>> = {
  set: -6,
  list: -5,
  erased: -4,
  dictionary: -3,
  objectValue: -2,
  globalKey: -1,
  null: 0,
  int: 1,
  bool: 2,
  string: 3,
  binary: 4,
  timestamp: 5,
  float: 6,
  double: 7,
  decimal: 8,
  link: 9,
  objectId: 10,
  uuid: 11,
};
export const typesByCode = new Map(
  Object.entries(typeCodes).map(([type, code]) => [code, type as PayloadType | 'globalKey']),
);
export const collections: readonly CollectionType[] = ['single', 'list', 'dictionary', 'set'];
