/**
 * How recordings lie in bytes: one or two segments, each beginning anew with all that is needed to follow it.
 *
 *     segment    := "SYNCLREC", version: byte, sequence: 4 bytes, other: 4 bytes, block*
 *     block      := size: 4 bytes, checksum of sequence and entries: 4 bytes, entry*
 *     entry      := size: 4 bytes, body
 *
 * `other` is where another segment may begin, counted from the start of the bytes; 0 for none. The one with the
 * higher sequence number is the later one. A size of 0 ends a segment: what lies behind it is older. So two
 * places of fixed size can be written in turn, and whatever moment the writer dies at, what is there can be read
 * up to the last block that is whole. Blocks end with the entry with which they have a thousand bytes, or earlier
 * where they were written earlier.
 */
import * as E from 'fp-ts/lib/Either.js';
import { Reader } from '../base/bytes.js';
import { answer, type DecodeError, refuse } from '../base/decode-error.js';
import { begun, done, withBytes } from './checksum.js';

const MAGIC = 'SYNCLREC';
const VERSION = 2;

/** Bytes of the head of a segment. */
export const segmentHeadBytes = MAGIC.length + 9;

/** Bytes of a block and of an entry before what they hold. */
export const blockHeadBytes = 8;
export const entryHeadBytes = 4;

/** A block that has as many gets no further entries. */
export const blockBytes = 1024;

export const segmentHead = (sequence: number, other: number): Uint8Array => {
  const bytes = new Uint8Array(segmentHeadBytes);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  const view = new DataView(bytes.buffer);
  view.setUint8(MAGIC.length, VERSION);
  view.setUint32(MAGIC.length + 1, sequence);
  view.setUint32(MAGIC.length + 5, other);
  return bytes;
};

/** Of the entries in [start, end). */
export const blockSum = (sequence: number, bytes: Uint8Array, start: number, end: number): number =>
  done(withBytes(begun(sequence), bytes, start, end));

export interface Segment {
  readonly sequence: number;
  /** Of its entries, views on the bytes. */
  readonly bodies: readonly Uint8Array[];
  /** Null where it ends as it should; else what is wrong with the bytes that follow. */
  readonly damage: string | null;
}

/** A segment's blocks as they are written: for those that have them in one piece. */
export interface RawSegment {
  readonly sequence: number;
  readonly blocks: Uint8Array;
}

/** At most two segments, the older one first. */
export const joinSegments = (segments: readonly RawSegment[]): Uint8Array<ArrayBuffer> => {
  let size = 0;
  for (const { blocks } of segments) size += segmentHeadBytes + blocks.length;
  const bytes = new Uint8Array(size);
  let at = 0;
  segments.forEach(({ sequence, blocks }, i) => {
    const end = at + segmentHeadBytes + blocks.length;
    bytes.set(segmentHead(sequence, i + 1 < segments.length ? end : 0), at);
    bytes.set(blocks, at + segmentHeadBytes);
    at = end;
  });
  return bytes;
};

interface Head {
  readonly sequence: number;
  readonly other: number;
}

const headAt = (bytes: Uint8Array, at: number): Head => {
  const reader = new Reader(bytes, at);
  for (let i = 0; i < MAGIC.length; i++)
    if (reader.byte() !== MAGIC.charCodeAt(i)) refuse('unknown', at, 'it is no recording');
  const version = reader.byte();
  if (version !== VERSION) refuse('unknown', reader.position - 1, `version ${version} of recordings`);
  return { sequence: reader.uint32(), other: reader.uint32() };
};

/** Adds the bodies of the block's entries; false where they are not what its size says. */
const addBodies = (
  bodies: Uint8Array[],
  bytes: Uint8Array,
  view: DataView,
  from: number,
  end: number,
): boolean => {
  let p = from;
  while (end - p >= entryHeadBytes) {
    const start = p + entryHeadBytes;
    const size = view.getUint32(p);
    if (size > end - start) return false;
    bodies.push(bytes.subarray(start, start + size));
    p = start + size;
  }
  return p === end;
};

const blocksFrom = (
  bytes: Uint8Array,
  at: number,
  end: number,
  sequence: number,
): Omit<Segment, 'sequence'> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bodies: Uint8Array[] = [];
  for (let p = at; p < end; ) {
    if (end - p < 4) return { bodies, damage: `a block at ${p} is cut off` };
    const size = view.getUint32(p);
    if (size === 0) break;
    const from = p + blockHeadBytes;
    if (size > end - from) return { bodies, damage: `a block at ${p} is cut off` };
    const isSame = blockSum(sequence, bytes, from, from + size) === view.getUint32(p + 4);
    if (!isSame || !addBodies(bodies, bytes, view, from, from + size))
      return { bodies, damage: `a block at ${p} is damaged` };
    p = from + size;
  }
  return { bodies, damage: null };
};

/** One or two segments, the older one first. */
export const splitSegments = (bytes: Uint8Array): E.Either<DecodeError, readonly Segment[]> => {
  try {
    const first = headAt(bytes, 0);
    const { other } = first;
    const hasOther = other >= segmentHeadBytes && other + segmentHeadBytes <= bytes.length;
    const end = hasOther ? other : bytes.length;
    const one = { sequence: first.sequence, ...blocksFrom(bytes, segmentHeadBytes, end, first.sequence) };
    if (!hasOther) return E.right([one]);
    const second = otherHead(bytes, other);
    if (second === null) return E.right([one]);
    const from = other + segmentHeadBytes;
    const two = { sequence: second.sequence, ...blocksFrom(bytes, from, bytes.length, second.sequence) };
    return E.right(one.sequence < two.sequence ? [one, two] : [two, one]);
  } catch (thrown) {
    return answer(thrown);
  }
};

/** Null where nothing was written there yet. */
const otherHead = (bytes: Uint8Array, at: number): Head | null => {
  try {
    return headAt(bytes, at);
  } catch (thrown) {
    answer(thrown);
    return null;
  }
};
