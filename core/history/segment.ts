/**
 * Segments: a stretch of history as one value, packed. Instructions stand by object, so that a key is
 * written once however often the object was changed; each says which changeset it belongs to. Changesets keep
 * version, base, time and origin, those that are empty, too.
 *
 * Within one changeset the order of instructions on different objects is not kept: nothing depends on it.
 * That of instructions on one object is, and so is where instructions on the schema stand: a changeset that
 * has such instructions becomes several *parts*, each of the schema or of objects only.
 *
 *     segment  := 'S' 'L' 'S' 1, head, block*
 *     head     := number of parts, number of blocks, columns of all parts: version, time, origin, base; checksum
 *     block    := number of instructions, part*, size of the body, body, checksum
 *     part     := zigzag varint: distance to the part of the instruction before, in the same block
 *
 * Versions and times are written as distances to the part before; a version that does not differ continues
 * the changeset. Bases are written as distances to the last base of the same origin. Numbers are varints,
 * columns stand in `segment-columns.ts`, the body is that of a changeset (`core/model/codec-format.ts`). A
 * checksum is over all bytes since the last one; together with the checks of the body it finds out what was
 * damaged, and where.
 *
 * The schema comes first, in a block of its own, then object after object, each ascending by part. A block has
 * no more instructions than a changeset may have, and ends where an object does, unless the object alone has
 * more. What is in another order is read all the same.
 */
import { type Either, isLeft, right } from 'fp-ts/lib/Either.js';
import { Reader } from '../base/bytes.js';
import { answer, type DecodeError, refuse } from '../base/decode-error.js';
import { limits } from '../base/limits.js';
import type { Changeset } from '../model/changeset.js';
import { scanBody } from '../model/codec-scan.js';
import type { Instruction } from '../model/instruction.js';
import type { PackedInstructions } from '../model/packed.js';
import { readColumn } from './segment-columns.js';
import { checksum, MAGIC, type Parts } from './segment-format.js';

export type { Parts } from './segment-format.js';
export { encodeSegment } from './segment-write.js';

export interface Block {
  readonly body: PackedInstructions;
  /** By instruction. */
  readonly parts: Int32Array;
}

export interface Segment {
  readonly parts: Parts;
  readonly blocks: readonly Block[];
}

/** Where things stand in a segment whose bodies have not been looked at. */
export interface SegmentFrame {
  readonly bytes: Uint8Array;
  readonly parts: Parts;
  readonly blocks: readonly BlockFrame[];
}

export interface BlockFrame {
  /** By instruction. */
  readonly parts: Int32Array;
  /** Offsets of the body. */
  readonly start: number;
  readonly end: number;
}

/** Keeps hold of `bytes`, which are not to be written to afterwards. Memory in proportion to the bytes. */
export const decodeSegment = (bytes: Uint8Array): Either<DecodeError, Segment> => {
  const frame = frameSegment(bytes);
  if (isLeft(frame)) return frame;
  const blocks: Block[] = [];
  for (const block of frame.right.blocks) {
    const body = scanBlock(bytes, block);
    if (isLeft(body)) return body;
    blocks.push({ body: body.right, parts: block.parts });
  }
  return right({ parts: frame.right.parts, blocks });
};

/** The same, except that only the checksum speaks for what the bodies hold. */
export const frameSegment = (bytes: Uint8Array): Either<DecodeError, SegmentFrame> => {
  try {
    const reader = new Reader(bytes);
    for (const byte of MAGIC)
      if (reader.byte() !== byte) refuse('unknown', 0, 'no segment, or one of another version');
    const count = reader.varint(MOST_PARTS);
    const blockCount = reader.varint(MOST_PARTS);
    const parts = readParts(reader, count);
    checkSum(reader, 0);
    const blocks: BlockFrame[] = [];
    for (let i = 0; i < blockCount; i++) blocks.push(frameBlock(reader, count));
    reader.end('the segment');
    return right({ bytes, parts, blocks });
  } catch (thrown) {
    return answer(thrown);
  }
};

export const scanBlock = (
  bytes: Uint8Array,
  { parts, start, end }: BlockFrame,
): Either<DecodeError, PackedInstructions> => {
  try {
    const body = scanBody(new Reader(bytes.subarray(0, end), start));
    if (body.count !== parts.length)
      refuse('malformed', start, `${body.count} instructions: expected ${parts.length}`);
    return right(body);
  } catch (thrown) {
    return answer(thrown);
  }
};

const MOST_PARTS = 0x7fffffff;

const checkSum = (reader: Reader, start: number): void => {
  const { position } = reader;
  const expected = checksum(reader.bytes, start, position);
  if (reader.uint32() !== expected) refuse('malformed', start, 'damaged: the checksum differs');
};

const readParts = (reader: Reader, count: number): Parts => {
  const start = reader.position;
  const versions = readColumn(reader, count);
  const timestamps = readColumn(reader, count);
  const origins = readColumn(reader, count);
  const bases = readColumn(reader, count);
  const last = new Map<number, number>();
  let sane = true;
  for (let i = 0; i < count; i++) {
    const origin = origins[i] as number;
    if (i > 0) {
      if ((versions[i] as number) < 0) sane = false;
      versions[i] = (versions[i] as number) + (versions[i - 1] as number);
      timestamps[i] = (timestamps[i] as number) + (timestamps[i - 1] as number);
    }
    const base = (bases[i] as number) + (last.get(origin) ?? 0);
    bases[i] = base;
    last.set(origin, base);
    if (!isCount(versions[i]) || !isCount(timestamps[i]) || !isCount(origin) || !isCount(base)) sane = false;
  }
  if (!sane) refuse('malformed', start, 'versions, times, origins or bases that cannot be');
  return { versions, bases, timestamps, origins };
};

const isCount = (value: number | undefined): boolean =>
  value !== undefined && Number.isSafeInteger(value) && value >= 0;

const frameBlock = (reader: Reader, partCount: number): BlockFrame => {
  const start = reader.position;
  const rows = reader.varint(limits.changesetInstructions);
  if (rows > reader.remaining)
    refuse('truncated', start, `${rows} instructions announced where ${reader.remaining} bytes remain`);
  const parts = new Int32Array(rows);
  let part = 0;
  for (let i = 0; i < rows; i++) {
    const code = reader.varint(0xffffffff);
    part += (code >>> 1) ^ -(code & 1);
    if (part < 0 || part >= partCount)
      refuse('malformed', reader.position - 1, `part ${part} of ${partCount}`);
    parts[i] = part;
  }
  const size = reader.varint(0x7fffffff);
  const bodyStart = reader.position;
  reader.skip(size, 'a block');
  const end = reader.position;
  checkSum(reader, start);
  return { parts, start: bodyStart, end };
};

/** The changesets, in ascending order of versions, readable. Within one, the order of objects is the segment's. */
export const changesetsOf = ({ parts, blocks }: Segment): Changeset[] => {
  const { versions, bases, timestamps, origins } = parts;
  const contents: Instruction[][] = Array.from(versions, () => []);
  for (const { body, parts: partOf } of blocks)
    for (let i = 0; i < body.count; i++) contents[partOf[i] as number]?.push(body.instructionAt(i));
  const changesets: Changeset[] = [];
  for (let i = 0; i < versions.length; ) {
    const version = versions[i] as number;
    const instructions: Instruction[] = [];
    const head = {
      version,
      base: bases[i] as number,
      timestamp: timestamps[i] as number,
      origin: origins[i] as number,
    };
    for (; i < versions.length && versions[i] === version; i++)
      for (const instruction of contents[i] ?? []) instructions.push(instruction);
    changesets.push({ ...head, instructions });
  }
  return changesets;
};
