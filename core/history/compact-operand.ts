/**
 * Where the operand of an Update ends in good bytes, for values that stand alone: all but links and markers.
 * Format: `core/model/codec-format.ts`.
 */
import * as format from '../model/codec-format.js';

// A module's own constants cost nothing, whereas imported ones are looked up whenever they are used.
const {
  TAG_BINARY,
  TAG_DECIMAL,
  TAG_DOUBLE,
  TAG_FLOAT,
  TAG_INT,
  TAG_MASK,
  TAG_OBJECT_ID,
  TAG_STRING,
  TAG_TIMESTAMP,
  TAG_UUID,
} = format;

/** The offset behind the value that begins at `start`. */
export const operandEnd = (bytes: Uint8Array, start: number): number => {
  let p = start + 1;
  switch ((bytes[start] as number) & TAG_MASK) {
    case TAG_INT:
      return varintEnd(bytes, p);
    case TAG_STRING:
    case TAG_BINARY: {
      let size = 0;
      let weight = 1;
      let byte = bytes[p++] as number;
      while (byte > 0x7f) {
        size += (byte & 0x7f) * weight;
        weight *= 0x80;
        byte = bytes[p++] as number;
      }
      return p + size + byte * weight;
    }
    case TAG_TIMESTAMP:
      return varintEnd(bytes, varintEnd(bytes, p));
    case TAG_FLOAT:
      return p + 4;
    case TAG_DOUBLE:
      return p + 8;
    case TAG_OBJECT_ID:
      return p + 12;
    case TAG_DECIMAL:
    case TAG_UUID:
      return p + 16;
    default:
      return p;
  }
};

const varintEnd = (bytes: Uint8Array, start: number): number => {
  let p = start;
  while ((bytes[p] as number) > 0x7f) p++;
  return p + 1;
};
