/**
 * Records of fixed rows of numbers: cursors, salts, counters. Eight bytes a number (binary64, big-endian),
 * after one byte that names the layout, so that an old store is recognised and not misread.
 */
/** Throws where a number is no integer from 0 to 2^53 - 1: a bug, and better found now than when it is read back. */
export const encodeNumbers = (layout: number, numbers: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(1 + numbers.length * 8);
  const view = new DataView(bytes.buffer);
  bytes[0] = layout;
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i] as number;
    if (!Number.isSafeInteger(number) || number < 0)
      throw new Error(
        `bug: ${number} in a record of layout ${layout}, expected an integer from 0 to 2^53 - 1`,
      );
    view.setFloat64(1 + i * 8, number);
  }
  return bytes;
};

/** The numbers, or what is wrong: another layout, another length, or something that is no integer from 0 to 2^53 - 1. */
export const decodeNumbers = (
  layout: number,
  count: number | 'any',
  bytes: Uint8Array,
): readonly number[] | string => {
  if (bytes[0] !== layout) return `layout ${bytes[0] ?? 'missing'}, expected ${layout}`;
  const found = (bytes.length - 1) / 8;
  if (!Number.isInteger(found) || (count !== 'any' && found !== count))
    return `${bytes.length} bytes, expected ${count === 'any' ? 'whole numbers' : 1 + count * 8}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers: number[] = [];
  for (let i = 0; i < found; i++) {
    const number = view.getFloat64(1 + i * 8);
    if (!Number.isSafeInteger(number) || number < 0)
      return `number ${i} is ${number}, expected a whole number`;
    numbers.push(number);
  }
  return numbers;
};
