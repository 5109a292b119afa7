/**
 * When two payloads are the same to the merge: same type and same content, doubles and floats by IEEE
 * equality, decimals by their numeric value. The sets of a state must agree with it (`model/member.ts`):
 * what the merge takes for one value has to be one member.
 *
 * Source: merge-semantics, section 1.1.
 */
import { decimalNumber } from '../model/member.js';
import { floatToNumber, identical, type Payload } from '../model/value.js';

export const samePayload = (a: Payload, b: Payload): boolean => {
  if (typeof a === 'number') return a === b;
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b;
  if (a.type === 'float') return b.type === 'float' && floatToNumber(a) === floatToNumber(b);
  if (a.type === 'decimal') return b.type === 'decimal' && decimalNumber(a.hex) === decimalNumber(b.hex);
  // The odd NaNs are the only doubles that are objects, and a NaN differs from every NaN.
  if (a.type === 'double') return false;
  return identical(a, b);
};

/** The same, except that a NaN is the same member as the NaN with the same bits. */
export const sameMember = (a: Payload, b: Payload): boolean => samePayload(a, b) || identical(a, b);
