/**
 * The floor of the codec suite: the same changesets packed by hand, as tight and bare as can be. It knows three
 * kinds of instruction, ObjectId keys, small integers and ASCII text; it checks nothing, interns strings by
 * looking through a short list, and writes identifiers out each time.
 *
 *     varints: version, base, timestamp, origin, count
 *     each instruction: kind, table, 12 bytes of key, field, value
 *     a string of the table: its number + 1; or 0, length, text where it comes first
 *     a value: 0 and a zigzag varint, or 1, length, text
 */
import type { Changeset } from '../core/model/changeset.js';
import type { Update } from '../core/model/instruction.js';

export const CREATE = 2;
export const UPDATE = 4;
export const ADD = 5;

let out = new Uint8Array(1 << 16);
let at = 0;
const table: string[] = [];
let known = 0;

const nibbles = new Uint8Array(128);
for (let i = 0; i < 16; i++) nibbles[i.toString(16).charCodeAt(0)] = i;

const putVarint = (value: number): void => {
  let rest = value;
  while (rest > 0x7f) {
    out[at++] = 0x80 | (rest & 0x7f);
    rest = rest > 0x7fffffff ? Math.floor(rest / 0x80) : rest >>> 7;
  }
  out[at++] = rest;
};

const putText = (text: string): void => {
  putVarint(text.length);
  for (let i = 0; i < text.length; i++) out[at++] = text.charCodeAt(i);
};

const putString = (text: string): void => {
  for (let i = 0; i < known; i++) {
    if (table[i] === text) {
      out[at++] = i + 1;
      return;
    }
  }
  table[known++] = text;
  out[at++] = 0;
  putText(text);
};

const putKey = (key: string): void => {
  for (let i = 1; i < 25; i += 2) {
    const high = nibbles[key.charCodeAt(i)] as number;
    out[at++] = (high << 4) | (nibbles[key.charCodeAt(i + 1)] as number);
  }
};

const putInt = (value: bigint): void => {
  const small = Number(value);
  putVarint((small << 1) ^ (small >> 31));
};

const putUpdate = ({ table: name, object, field, value }: Update): void => {
  out[at++] = UPDATE;
  putString(name);
  putKey(object);
  putString(field);
  if (typeof value === 'bigint') {
    out[at++] = 0;
    putInt(value);
  } else {
    out[at++] = 1;
    putText(value as string);
  }
};

/** A view on a chunk that several results share. */
export const encode = ({ version, base, timestamp, origin, instructions }: Changeset): Uint8Array => {
  if (out.length - at < 4096) {
    out = new Uint8Array(1 << 16);
    at = 0;
  }
  const start = at;
  known = 0;
  putVarint(version);
  putVarint(base);
  putVarint(timestamp);
  putVarint(origin);
  putVarint(instructions.length);
  for (let i = 0; i < instructions.length; i++) {
    const instruction = instructions[i];
    switch (instruction?.kind) {
      case 'Update':
        putUpdate(instruction);
        break;
      case 'CreateObject':
        out[at++] = CREATE;
        putString(instruction.table);
        putKey(instruction.object);
        break;
      case 'AddInteger':
        out[at++] = ADD;
        putString(instruction.table);
        putKey(instruction.object);
        putString(instruction.field);
        putInt(instruction.value);
        break;
      default:
        throw new Error(`the floor does not know ${instruction?.kind}`);
    }
  }
  return out.subarray(start, at);
};

let bytes: Uint8Array = out;
let from = 0;

const getVarint = (): number => {
  let byte = bytes[from++] as number;
  if (byte < 0x80) return byte;
  let value = byte & 0x7f;
  for (let weight = 0x80; ; weight *= 0x80) {
    byte = bytes[from++] as number;
    value += (byte & 0x7f) * weight;
    if (byte < 0x80) return value;
  }
};

const getText = (): string => {
  const end = getVarint() + from;
  let text = '';
  while (from + 4 <= end) {
    text += String.fromCharCode(
      bytes[from] as number,
      bytes[from + 1] as number,
      bytes[from + 2] as number,
      bytes[from + 3] as number,
    );
    from += 4;
  }
  while (from < end) text += String.fromCharCode(bytes[from++] as number);
  return text;
};

const getInt = (): number => {
  const zigzag = getVarint();
  return (zigzag >>> 1) ^ -(zigzag & 1);
};

const getString = (strings: string[]): number => {
  const number = bytes[from++] as number;
  return number > 0 ? number - 1 : strings.push(getText()) - 1;
};

/** A changeset that was read: `Text` is what strings are, `Value` what values are. */
interface Read<Text, Value> {
  readonly version: number;
  readonly base: number;
  readonly timestamp: number;
  readonly origin: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly strings: Text[];
  readonly kinds: number[];
  readonly tables: number[];
  /** Offsets of the keys. */
  readonly keys: number[];
  /** -1 where there is none. */
  readonly fields: number[];
  readonly values: Value[];
}

/** Null where there is no value. */
export type Columns = Read<string, number | string | null>;

/** Two numbers for each string: offset and size of its text. Offsets of the values, -1 where there is none. */
export type Offsets = Read<number, number>;

/** Reads the head; the instructions come next. */
const begun = <Text, Value>(encoded: Uint8Array): Read<Text, Value> => {
  bytes = encoded;
  from = 0;
  return {
    version: getVarint(),
    base: getVarint(),
    timestamp: getVarint(),
    origin: getVarint(),
    count: getVarint(),
    bytes,
    strings: [],
    kinds: [],
    tables: [],
    keys: [],
    fields: [],
    values: [],
  };
};

/** Into plain arrays that can be worked with: strings and integers are read, keys stay where they are. */
export const decode = (encoded: Uint8Array): Columns => {
  const read: Columns = begun(encoded);
  const { count, strings, kinds, tables, keys, fields, values } = read;
  for (let i = 0; i < count; i++) {
    const kind = bytes[from++] as number;
    kinds.push(kind);
    tables.push(getString(strings));
    keys.push(from);
    from += 12;
    fields.push(kind === CREATE ? -1 : getString(strings));
    if (kind === CREATE) values.push(null);
    else if (kind === ADD || bytes[from++] === 0) values.push(getInt());
    else values.push(getText());
  }
  return read;
};

const skipString = (strings: number[]): number => {
  const number = bytes[from++] as number;
  if (number > 0) return number - 1;
  const size = getVarint();
  strings.push(from, size);
  from += size;
  return strings.length / 2 - 1;
};

/** Into offsets only: nothing is read but what it takes to find the next thing. */
export const locate = (encoded: Uint8Array): Offsets => {
  const read: Offsets = begun(encoded);
  const { count, strings, kinds, tables, keys, fields, values } = read;
  for (let i = 0; i < count; i++) {
    const kind = bytes[from++] as number;
    kinds.push(kind);
    tables.push(skipString(strings));
    keys.push(from);
    from += 12;
    if (kind === CREATE) {
      fields.push(-1);
      values.push(-1);
    } else {
      fields.push(skipString(strings));
      values.push(from);
      if (kind === ADD || bytes[from++] === 0) getVarint();
      else {
        const size = getVarint();
        from += size;
      }
    }
  }
  return read;
};
