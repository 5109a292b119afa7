/**
 * Forms: how values are laid out as bytes in a recording. A form writes a value and reads it back; forms are put
 * together from others, so that each shape is said once for both directions.
 *
 * Law: read(write(x)) = x. Reading any bytes gives a value or refuses (see `core/base/decode-error.ts`), in
 * memory that is in proportion to the bytes.
 */
import type { Reader, Writer } from '../base/bytes.js';
import { refuse } from '../base/decode-error.js';
import { readUint, writeUint } from '../base/msgpack.js';
import { readUtf8 } from '../base/utf8.js';

export interface Form<T> {
  write(to: Writer, value: T): void;
  read(from: Reader): T;
  /** In a record: the property may be missing. */
  readonly mayBeMissing?: boolean;
}

/** Bytes of one text or binary: more than any message or changeset has. */
const MOST_BYTES = 2 ** 30;

/** An integer from 0 to 2^53 - 1. */
export const uint: Form<number> = {
  write: (to, value) => {
    to.reserve(9);
    writeUint(to, value);
  },
  read: (from) => readUint(from, 'a number of a recording'),
};

/** An integer from 0 to 2^32 - 1, in four bytes. */
export const word: Form<number> = {
  write: (to, value) => {
    to.reserve(4);
    to.uint32(value);
  },
  read: (from) => from.uint32(),
};

const scratch = new DataView(new ArrayBuffer(8));

/** Any number; all NaNs are one. */
export const float: Form<number> = {
  write: (to, value) => {
    to.reserve(8);
    to.float64(value);
  },
  read: (from) => {
    scratch.setUint32(0, from.uint32());
    scratch.setUint32(4, from.uint32());
    return scratch.getFloat64(0);
  },
};

export const bool: Form<boolean> = {
  write: (to, value) => {
    to.reserve(1);
    to.byte(value ? 1 : 0);
  },
  read: (from) => {
    const start = from.position;
    const byte = from.byte();
    return byte > 1 ? refuse('malformed', start, `${byte} where 0 or 1 was expected`) : byte === 1;
  },
};

export const text: Form<string> = {
  write: (to, value) => void to.text(value, 0, 1, 0),
  read: (from) => {
    const size = from.varint(MOST_BYTES);
    const start = from.position;
    from.skipText(size, 'a text');
    return readUtf8(from.bytes, start, start + size);
  },
};

/** What is read is a view. */
export const binary: Form<Uint8Array> = {
  write: (to, value) => {
    to.reserve(5);
    to.varint(value.length);
    to.raw(value);
  },
  read: (from) => {
    const size = from.varint(MOST_BYTES);
    const start = from.position;
    from.skip(size, 'a binary');
    return from.bytes.subarray(start, start + size);
  },
};

export const nullable = <T>(form: Form<T>): Form<T | null> => ({
  write: (to, value) => {
    bool.write(to, value !== null);
    if (value !== null) form.write(to, value);
  },
  read: (from) => (bool.read(from) ? form.read(from) : null),
});

/** A property of a record that may be missing. */
export const optional = <T>(form: Form<T>): Form<T> => ({ ...form, mayBeMissing: true });

/** Elements take at least a byte each. */
export const list = <T>(form: Form<T>): Form<readonly T[]> => ({
  write: (to, values) => {
    uint.write(to, values.length);
    for (const value of values) form.write(to, value);
  },
  read: (from) => {
    const start = from.position;
    const count = uint.read(from);
    if (count > from.remaining) refuse('truncated', start, `${count} elements in ${from.remaining} bytes`);
    const values: T[] = [];
    for (let i = 0; i < count; i++) values.push(form.read(from));
    return values;
  },
});

/** One of a few texts, by its position among them. */
export const oneOf = <T extends string>(choices: readonly T[]): Form<T> => ({
  write: (to, value) => {
    to.reserve(1);
    to.byte(choices.indexOf(value));
  },
  read: (from) => {
    const start = from.position;
    const number = from.byte();
    return choices[number] ?? refuse('unknown', start, `choice ${number} of ${choices.join(', ')}`);
  },
});

/** The forms of all properties, in the order in which they are laid out. */
export type Properties<T> = { readonly [K in keyof T]-?: Form<T[K]> };

export const record = <T extends object>(properties: Properties<T>): Form<T> => {
  const entries = Object.entries(properties) as [string, Form<unknown>][];
  return {
    write: (to, value) => {
      for (const [name, form] of entries) {
        const property = (value as Readonly<Record<string, unknown>>)[name];
        if (form.mayBeMissing === true) {
          bool.write(to, property !== undefined);
          if (property === undefined) continue;
        }
        form.write(to, property);
      }
    },
    read: (from) => {
      const value: Record<string, unknown> = {};
      for (const [name, form] of entries)
        if (form.mayBeMissing !== true || bool.read(from)) value[name] = form.read(from);
      return value as T;
    },
  };
};

/** Records that their `type` tells apart; the forms are those of all other properties. */
export const union = <T extends { readonly type: string }>(
  forms: {
    readonly [K in T['type']]: Form<Omit<Extract<T, { readonly type: K }>, 'type'>>;
  },
): Form<T> => {
  const types = Object.keys(forms) as T['type'][];
  const type = oneOf(types);
  const of = forms as Readonly<Record<string, Form<object>>>;
  return {
    write: (to, value) => {
      type.write(to, value.type);
      of[value.type]?.write(to, value);
    },
    read: (from) => {
      const name = type.read(from);
      return { type: name, ...of[name]?.read(from) } as unknown as T;
    },
  };
};

/** A form by way of another: `inside` gives what is written, `outside` makes of it what was. */
export const through = <T, U>(
  form: Form<U>,
  inside: (value: T) => U,
  outside: (value: U, offset: number) => T,
): Form<T> => ({
  write: (to, value) => form.write(to, inside(value)),
  read: (from) => {
    const start = from.position;
    return outside(form.read(from), start);
  },
});
