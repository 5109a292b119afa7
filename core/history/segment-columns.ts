/**
 * Columns of integers, packed: in each run of 128 values every value takes as many bits as the largest
 * distance from the smallest needs.
 *
 *     column  := run*                          as many as the number of values asks for
 *     run     := byte width 0 to 32, least: number, distances, least significant bit first, up to a whole byte
 *              | byte 64, number*              where distances are greater
 *     number  := byte: size + 0x80 negative, size bytes of the magnitude, least significant first
 */
import type { Reader, Writer } from '../base/bytes.js';
import { refuse } from '../base/decode-error.js';

const RUN = 128;
const WIDE = 64;
const NEGATIVE = 0x80;
const MOST_SIZE = 7;

/** Values are safe integers. */
export const writeColumn = (writer: Writer, values: Float64Array): void => {
  for (let start = 0; start < values.length; start += RUN) {
    const end = Math.min(start + RUN, values.length);
    let least = values[start] as number;
    let most = least;
    for (let i = start + 1; i < end; i++) {
      const value = values[i] as number;
      if (value < least) least = value;
      else if (value > most) most = value;
    }
    writer.reserve((end - start + 1) * (MOST_SIZE + 1) + 1);
    if (most - least > 0xffffffff) {
      writer.byte(WIDE);
      for (let i = start; i < end; i++) writeNumber(writer, values[i] as number);
      continue;
    }
    const width = most === least ? 0 : 32 - Math.clz32(most - least);
    writer.byte(width);
    writeNumber(writer, least);
    if (width > 0) writeDistances(writer, values, start, end, least, width);
  }
};

const writeDistances = (
  writer: Writer,
  values: Float64Array,
  start: number,
  end: number,
  least: number,
  width: number,
): void => {
  const { bytes } = writer;
  let { position } = writer;
  let held = 0;
  let bits = 0;
  const low = Math.min(width, 16);
  const mask = (1 << low) - 1;
  for (let i = start; i < end; i++) {
    const distance = (values[i] as number) - least;
    held |= (distance & mask) << bits;
    bits += low;
    while (bits >= 8) {
      bytes[position++] = held;
      held >>>= 8;
      bits -= 8;
    }
    if (width === low) continue;
    held |= (distance >>> 16) << bits;
    bits += width - 16;
    while (bits >= 8) {
      bytes[position++] = held;
      held >>>= 8;
      bits -= 8;
    }
  }
  if (bits > 0) bytes[position++] = held;
  writer.position = position;
};

const writeNumber = (writer: Writer, value: number): void => {
  let rest = Math.abs(value);
  const head = writer.position;
  writer.byte(0);
  while (rest > 0) {
    writer.byte(rest % 0x100);
    rest = Math.floor(rest / 0x100);
  }
  writer.bytes[head] = (writer.position - head - 1) | (value < 0 ? NEGATIVE : 0);
};

/** `count` values. Refuses what `writeColumn` cannot have written. */
export const readColumn = (reader: Reader, count: number): Float64Array => {
  // Every run takes two bytes at least, so that memory is in proportion to what is there.
  if (Math.ceil(count / RUN) * 2 > reader.remaining)
    refuse('truncated', reader.position, `a column of ${count} where ${reader.remaining} bytes remain`);
  const values = new Float64Array(count);
  for (let start = 0; start < count; start += RUN) {
    const end = Math.min(start + RUN, count);
    const at = reader.position;
    const width = reader.byte();
    if (width === WIDE) for (let i = start; i < end; i++) values[i] = readNumber(reader);
    else if (width > 32) refuse('malformed', at, `a run of width ${width}: expected at most 32, or ${WIDE}`);
    else {
      const least = readNumber(reader);
      if (width === 0) values.fill(least, start, end);
      else readDistances(reader, values, start, end, least, width);
    }
  }
  return values;
};

const readDistances = (
  reader: Reader,
  values: Float64Array,
  start: number,
  end: number,
  least: number,
  width: number,
): void => {
  const { bytes } = reader;
  let { position } = reader;
  reader.skip(Math.ceil(((end - start) * width) / 8), 'a run');
  let held = 0;
  let bits = 0;
  const low = Math.min(width, 16);
  for (let i = start; i < end; i++) {
    while (bits < low) {
      held |= (bytes[position++] as number) << bits;
      bits += 8;
    }
    let distance = held & ((1 << low) - 1);
    held >>>= low;
    bits -= low;
    if (width > low) {
      const high = width - low;
      while (bits < high) {
        held |= (bytes[position++] as number) << bits;
        bits += 8;
      }
      distance += (held & ((1 << high) - 1)) * 0x10000;
      held >>>= high;
      bits -= high;
    }
    values[i] = least + distance;
  }
};

const readNumber = (reader: Reader): number => {
  const start = reader.position;
  const head = reader.byte();
  const size = head & ~NEGATIVE;
  if (size > MOST_SIZE)
    refuse('malformed', start, `a number of ${size} bytes: expected at most ${MOST_SIZE}`);
  let value = 0;
  let weight = 1;
  for (let i = 0; i < size; i++) {
    value += reader.byte() * weight;
    weight *= 0x100;
  }
  if (!Number.isSafeInteger(value)) refuse('tooLarge', start, `${value} is no safe integer`);
  return (head & NEGATIVE) === 0 ? value : -value;
};
