/**
 * Damage to bytes: what an attacker or a bad wire makes of an encoding. Some of it keeps lengths and counts
 * intact, so that the deeper checks of a decoder are reached.
 */
import fc, { type Arbitrary } from 'fast-check';

type Damage = (bytes: number[]) => void;

const nasty = fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xf8, 0xff);
const anyByte = fc.oneof(nasty, fc.nat({ max: 255 }));

const damages = (length: number): Arbitrary<Damage> => {
  const at = fc.nat({ max: Math.max(0, length - 1) });
  return fc.oneof<Arbitrary<Damage>[]>(
    fc.tuple(at, fc.nat({ max: 7 })).map(([i, bit]) => (bytes) => {
      bytes[i] = (bytes[i] ?? 0) ^ (1 << bit);
    }),
    fc.tuple(at, anyByte).map(([i, byte]) => (bytes) => {
      bytes[i] = byte;
    }),
    fc.tuple(at, fc.constantFrom(-2, -1, 1, 2)).map(([i, by]) => (bytes) => {
      bytes[i] = ((bytes[i] ?? 0) + by) & 0xff;
    }),
    fc.tuple(at, anyByte).map(([i, byte]) => (bytes) => {
      bytes.splice(i, 0, byte);
    }),
    at.map((i) => (bytes) => {
      bytes.splice(i, 1);
    }),
    at.map((i) => (bytes) => {
      bytes.length = Math.min(i, bytes.length);
    }),
    fc.tuple(at, at, fc.nat({ max: 20 })).map(([from, to, size]) => (bytes) => {
      bytes.splice(to, 0, ...bytes.slice(from, from + size));
    }),
    // A length or a count grows by far more than there is.
    at.map((i) => (bytes) => {
      bytes.splice(i, 1, 0xff, 0xff, 0xff, 0x07);
    }),
  );
};

/** `original` with one to three things done to it. */
export const mutations = (original: Uint8Array): Arbitrary<Uint8Array> =>
  fc.array(damages(original.length), { minLength: 1, maxLength: 3 }).map((list) => {
    const bytes = [...original];
    for (const damage of list) damage(bytes);
    return Uint8Array.from(bytes);
  });
