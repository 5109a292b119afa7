/**
 * How recordings lie in bytes: one or two segments, each beginning anew with all that is needed to follow it.
 *
 *     segment    := "SYNCLREC", version: byte, sequence: 4 bytes, other: 4 bytes, entry*
 *     entry      := size: 4 bytes, body, checksum of sequence and body: 4 bytes
 *
 * `other` is where another segment may begin, counted from the start of the bytes; 0 for none. The one with the
 * higher sequence number is the later one. A size of 0 ends a segment: what lies behind it is older. So two
 * places of fixed size can be written in turn, and whatever moment the writer dies at, what is there can be read
 * up to the last entry that is whole.
 */
import * as E from 'fp-ts/lib/Either.js';
import { Reader } from '../base/bytes.js';
import { answer, type DecodeError, refuse } from '../base/decode-error.js';
import { Checksum } from './checksum.js';

const MAGIC = 'SYNCLREC';
const VERSION = 1;

/** Bytes of the head of a segment. */
export const segmentHeadBytes = MAGIC.length + 9;

/** Bytes of an entry beside its body. */
export const entryExtraBytes = 8;

export const segmentHead = (sequence: number, other: number): Uint8Array => {
  const bytes = new Uint8Array(segmentHeadBytes);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  const view = new DataView(bytes.buffer);
  view.setUint8(MAGIC.length, VERSION);
  view.setUint32(MAGIC.length + 1, sequence);
  view.setUint32(MAGIC.length + 5, other);
  return bytes;
};

const sum = new Checksum();

/** Of the body in [start, end). */
export const entryChecksum = (sequence: number, bytes: Uint8Array, start: number, end: number): number => {
  sum.begin(sequence);
  sum.bytes(bytes, start, end);
  return sum.done();
};

export interface Segment {
  readonly sequence: number;
  /** Of its entries. */
  readonly bodies: readonly Uint8Array[];
  /** Null where it ends as it should; else what is wrong with the bytes that follow. */
  readonly damage: string | null;
}

/** A segment's entries as they are written: for those that have them in one piece. */
export interface RawSegment {
  readonly sequence: number;
  readonly entries: Uint8Array;
}

/** At most two segments, the older one first. */
export const joinSegments = (segments: readonly RawSegment[]): Uint8Array<ArrayBuffer> => {
  let size = 0;
  for (const { entries } of segments) size += segmentHeadBytes + entries.length;
  const bytes = new Uint8Array(size);
  let at = 0;
  segments.forEach(({ sequence, entries }, i) => {
    const end = at + segmentHeadBytes + entries.length;
    bytes.set(segmentHead(sequence, i + 1 < segments.length ? end : 0), at);
    bytes.set(entries, at + segmentHeadBytes);
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

const entriesFrom = (
  bytes: Uint8Array,
  at: number,
  end: number,
  sequence: number,
): Omit<Segment, 'sequence'> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bodies: Uint8Array[] = [];
  for (let p = at; p < end; ) {
    if (end - p < 4) return { bodies, damage: `an entry at ${p} is cut off` };
    const size = view.getUint32(p);
    if (size === 0) break;
    const start = p + 4;
    if (size > end - start - 4) return { bodies, damage: `an entry at ${p} is cut off` };
    if (entryChecksum(sequence, bytes, start, start + size) !== view.getUint32(start + size))
      return { bodies, damage: `an entry at ${p} is damaged` };
    bodies.push(bytes.subarray(start, start + size));
    p = start + size + 4;
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
    const one = { sequence: first.sequence, ...entriesFrom(bytes, segmentHeadBytes, end, first.sequence) };
    if (!hasOther) return E.right([one]);
    const second = otherHead(bytes, other);
    if (second === null) return E.right([one]);
    const from = other + segmentHeadBytes;
    const two = { sequence: second.sequence, ...entriesFrom(bytes, from, bytes.length, second.sequence) };
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
