/**
 * Changesets as bytes.
 *
 * A changeset is a MessagePack array of five: version, base, timestamp, origin, and as a binary the body, which
 * holds the instructions (format: `codec-format.ts`). Stores that keep the numbers elsewhere keep bodies alone.
 *
 * Laws, for well-formed x: decode(encode(x)) = x; equal changesets have equal bytes; encode(decode(b)) = b for
 * all bytes b that decode. Decoding any bytes gives a value or a `DecodeError`, never a throw, and takes memory
 * in proportion to the bytes.
 *
 * The envelope has the bytes that msgpackr gives the same array (a test holds that). It is written and read by
 * hand, because the calls alone would take longer than the body of a small changeset.
 */
import { type Either, isLeft, right } from 'fp-ts/lib/Either.js';
import { Reader, Writer } from '../base/bytes.js';
import { answer, type DecodeError, refuse } from '../base/decode-error.js';
import {
  binHeadSize,
  readArrayHead,
  readBinHead,
  readUint,
  writeBinHead,
  writeUint,
} from '../base/msgpack.js';
import type { Changeset } from './changeset.js';
import { scanBody } from './codec-scan.js';
import { writeBody } from './codec-write.js';
import type { Instruction } from './instruction.js';
import type { PackedChangeset, PackedInstructions } from './packed.js';

const writer = new Writer();
const ARRAY_OF_FIVE = 0x95;
/** An array head and four numbers. */
const NUMBERS_ROOM = 37;

/** A changeset with its body as bytes, from `start` on, whatever they are. */
export interface EncodedChangeset extends Omit<Changeset, 'instructions'> {
  readonly body: { readonly bytes: Uint8Array; readonly start: number };
}

/**
 * Throws where the changeset is not well formed (see `instruction.ts` and `limits`). The result is not to be
 * written to: short results share memory.
 */
export const encodeChangeset = (changeset: Changeset | EncodedChangeset): Uint8Array => {
  writer.begin();
  writer.reserve(NUMBERS_ROOM);
  writer.byte(ARRAY_OF_FIVE);
  writeUint(writer, changeset.version);
  writeUint(writer, changeset.base);
  writeUint(writer, changeset.timestamp);
  writeUint(writer, changeset.origin);
  if ('body' in changeset) {
    const { bytes, start } = changeset.body;
    writer.reserve(5);
    writeBinHead(writer, bytes.length - start);
    writer.raw(bytes.subarray(start));
  } else writeBodyAsBin(changeset.instructions);
  return writer.finish();
};

/** The size stands before the body and is known after it: the body moves where it is not that of most bodies. */
const writeBodyAsBin = (instructions: readonly Instruction[]): void => {
  const before = writer.length;
  writer.reserve(2);
  writer.position += 2;
  writeBody(writer, instructions);
  const size = writer.length - before - 2;
  const extra = binHeadSize(size) - 2;
  writer.reserve(extra);
  const end = writer.position + extra;
  const head = writer.start + before;
  if (extra > 0) writer.bytes.copyWithin(head + 2 + extra, head + 2, writer.position);
  writer.position = head;
  writeBinHead(writer, size);
  writer.position = end;
};

/** The changeset holds on to `bytes`, which are not to be written to afterwards. */
export const decodeChangeset = (bytes: Uint8Array): Either<DecodeError, PackedChangeset> => {
  try {
    const reader = readerOf(bytes);
    const parts = readArrayHead(reader, 'a changeset');
    if (parts !== 5) refuse('malformed', 0, `an array of ${parts} for a changeset: expected 5`);
    const version = readUint(reader, 'the version');
    const base = readUint(reader, 'the base version');
    const timestamp = readUint(reader, 'the timestamp');
    const origin = readUint(reader, 'the origin');
    const size = readBinHead(reader, 'the instructions');
    if (size < reader.remaining) {
      refuse('trailing', reader.position + size, `${reader.remaining - size} bytes after the changeset`);
    }
    return right({ version, base, timestamp, origin, body: scanBody(reader) });
  } catch (thrown) {
    return answer(thrown);
  }
};

/** A body: instructions alone. Throws, and shares memory, as `encodeChangeset` does. */
export const encodeInstructions = (instructions: readonly Instruction[]): Uint8Array => {
  writer.begin();
  writeBody(writer, instructions);
  return writer.finish();
};

/** The packed form of a body. It holds on to `bytes`, which are not to be written to afterwards. */
export const decodeBody = (bytes: Uint8Array): Either<DecodeError, PackedInstructions> => {
  try {
    return right(scanBody(readerOf(bytes)));
  } catch (thrown) {
    return answer(thrown);
  }
};

/** The instructions of a body. */
export const decodeInstructions = (bytes: Uint8Array): Either<DecodeError, Instruction[]> => {
  const body = decodeBody(bytes);
  return isLeft(body) ? body : right(body.right.unpack());
};

/** The packed form of a changeset. Throws as `encodeChangeset` does. */
export const pack = ({ version, base, timestamp, origin, instructions }: Changeset): PackedChangeset => ({
  version,
  base,
  timestamp,
  origin,
  body: scanBody(new Reader(encodeInstructions(instructions))),
});

export { unpack } from './packed.js';

/** Of bytes of the language's own array type, whatever subclass the platform has handed over. */
const readerOf = (bytes: Uint8Array): Reader =>
  new Reader(
    bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length),
  );
