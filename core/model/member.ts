/**
 * Identity of set members: which two values are one element.
 *
 * It is coarser than `identical` in three places: 0.0 and -0.0 are one element, decimals of one numeric
 * value are one element, and the reference's sets of mixed values treat numbers of different types as one
 * where they are numerically equal. We do not follow the last: the merge compares by type and payload, and
 * a state that joins what the merge keeps apart lets two replicas keep different representations.
 * A NaN equals itself when the bits are the same.
 *
 * Source: merge-semantics, section 1.1.
 */
import { doubleToBits, type Float, floatToNumber, type Value, valueId } from './value.js';

/** Values with equal strings are one member of a set. */
export type MemberId = (value: Value) => string;

const MAX_COEFFICIENT = 10n ** 34n - 1n;
const BIAS = 6176;

/**
 * A text that is equal for two decimals exactly when they are numerically equal; for a NaN, when the bits
 * are equal. Finite decimals have the form `[-]<coefficient>e<exponent>` without trailing zeros; zero is `0`.
 */
export const decimalNumber = (hex: string): string => {
  const bits = BigInt(`0x${hex}`);
  const sign = bits >> 127n === 1n ? '-' : '';
  const top = Number((bits >> 122n) & 31n);
  if (top === 0b11111) return `NaN${hex}`;
  if (top === 0b11110) return `${sign}Infinity`;
  // Two leading ones announce the form with an implied high digit, whose coefficients are all out of range.
  const coefficient = top >> 3 === 0b11 ? 0n : bits & ((1n << 113n) - 1n);
  if (coefficient === 0n || coefficient > MAX_COEFFICIENT) return '0';
  const exponent = Number((bits >> 113n) & 0x3fffn) - BIAS;
  return sign + withoutTrailingZeros(coefficient.toString(), exponent);
};

/** `digits` times ten to the `exponent`, in the form that `decimalNumber` promises. */
const withoutTrailingZeros = (digits: string, exponent: number): string => {
  let end = digits.length;
  while (end > 1 && digits.charCodeAt(end - 1) === 0x30) end--;
  return `${digits.slice(0, end)}e${exponent + digits.length - end}`;
};

const isZero = (value: Float): boolean => (value.bits & 0x7fffffff) === 0;

/** Syncline's members: type-strict. */
export const memberId: MemberId = (value) => {
  if (typeof value === 'number') return value === 0 ? 'd0' : valueId(value);
  if (typeof value === 'object' && value !== null) {
    if (value.type === 'float') return isZero(value) ? 'f0' : valueId(value);
    if (value.type === 'decimal') return `m${decimalNumber(value.hex)}`;
  }
  return valueId(value);
};

/** The number as `decimalNumber` writes it; a double by its shortest decimal form, as the reference compares. */
const numberId = (value: number): string => {
  if (value === 0) return '0';
  if (!Number.isFinite(value)) return String(value);
  const sign = value < 0 ? '-' : '';
  const size = Math.abs(value);
  // Integers are compared with 64-bit integers exactly.
  if (Number.isInteger(size) && size < 2 ** 64)
    return sign + withoutTrailingZeros(BigInt(size).toString(), 0);
  const [mantissa = '', exponent = '0'] = size.toExponential().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return sign + withoutTrailingZeros(whole + fraction, Number(exponent) - fraction.length);
};

/** The reference's members: numbers of all types that are numerically equal are one. */
export const realmMemberId: MemberId = (value) => {
  if (typeof value === 'bigint') {
    if (value === 0n) return 'q0';
    const digits = withoutTrailingZeros((value < 0n ? -value : value).toString(), 0);
    return value < 0n ? `q-${digits}` : `q${digits}`;
  }
  if (typeof value === 'number') {
    return Number.isNaN(value) ? `D${doubleToBits(value)}` : `q${numberId(value)}`;
  }
  if (typeof value === 'object' && value !== null) {
    if (value.type === 'float') {
      const number = floatToNumber(value);
      return Number.isNaN(number) ? valueId(value) : `q${numberId(number)}`;
    }
    if (value.type === 'decimal') return `q${decimalNumber(value.hex)}`;
  }
  return valueId(value);
};
