/**
 * What writing and reading segments share (format: `segment.ts`).
 */

/** What changesets say besides their instructions, in columns of one length. */
export interface Parts {
  /** Ascending; a version that stands twice continues the changeset. */
  readonly versions: Float64Array;
  readonly bases: Float64Array;
  readonly timestamps: Float64Array;
  readonly origins: Float64Array;
}

export const MAGIC: readonly number[] = [0x53, 0x4c, 0x53, 1];

/** 32 bits over the bytes from `start` to `end`. */
export const checksum = (bytes: Uint8Array, start: number, end: number): number => {
  let a = end - start;
  let p = start;
  for (; p + 4 <= end; p += 4) {
    const low = (bytes[p] as number) | ((bytes[p + 1] as number) << 8);
    const word = low | ((bytes[p + 2] as number) << 16) | ((bytes[p + 3] as number) << 24);
    a = Math.imul(a ^ word, 0x9e3779b1);
    a ^= a >>> 15;
  }
  for (; p < end; p++) a = Math.imul(a ^ (bytes[p] as number), 0x85ebca6b) ^ (a >>> 13);
  a = Math.imul(a ^ (a >>> 16), 0xc2b2ae35);
  return (a ^ (a >>> 16)) >>> 0;
};
