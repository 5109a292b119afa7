/**
 * The one msgpackr packer of the engine, and the walls around it.
 *
 * It has no record structures and does not read or write in sequence, so that its bytes depend on nothing but
 * the value. Maps come back as `Map`, which keeps keys such as `__proto__` that an object would lose.
 *
 * Text that msgpackr would not keep goes in something else than a string (`text.ts`).
 */
import { addExtension, Packr } from 'msgpackr/pack';
import { refuse } from '../base/decode-error.js';
import { scanPacked } from './packed-scan.js';

const packer = new Packr({ useRecords: false, mapsAsObjects: false, variableMapSize: true });

/** Bytes under an extension type of MessagePack. */
export class Extension {
  readonly type: number;
  readonly bytes: Uint8Array;

  constructor(type: number, bytes: Uint8Array) {
    this.type = type;
    this.bytes = bytes;
  }
}

const classes = new Map<number, typeof Extension>();

/**
 * Makes extensions of this type known to the packer; to be called once for each. The table of extensions belongs
 * to the msgpackr module, which an application may use too: a class of our own for each type leaves the
 * application's classes alone, but the type numbers are taken.
 */
export const registerExtension = (type: number): void => {
  const Class = class extends Extension {};
  classes.set(type, Class);
  addExtension({
    Class,
    type,
    pack: (value: Extension) => value.bytes,
    unpack: (bytes: Uint8Array) => new Class(type, bytes),
  });
};

/** Bytes under a type that is registered. */
export const extension = (type: number, bytes: Uint8Array): Extension => {
  const Class = classes.get(type);
  if (Class === undefined) throw new Error(`extension ${type} is not registered`);
  return new Class(type, bytes);
};

/** Plain arrays, maps, numbers, strings, booleans, null, bigints, byte arrays and extensions. */
export const pack = (value: unknown): Uint8Array => {
  const { buffer, byteOffset, byteLength } = packer.pack(value);
  return new Uint8Array(buffer, byteOffset, byteLength);
};

/**
 * The value that the bytes stand for, and the offsets of its elements (see `scanPacked`). Byte arrays in it are
 * views on `bytes`, which gets a property that msgpackr leaves on what it reads. Refuses (see
 * `core/base/decode-error.ts`) what is no MessagePack of ours; but not what is in another form than ours.
 */
export const unpack = (
  bytes: Uint8Array,
): { readonly value: unknown; readonly offsets: readonly number[] } => {
  const offsets = scanPacked(bytes, (type) => classes.has(type));
  return { value: packer.unpack(bytes), offsets };
};

/** Refuses bytes that differ from those that their meaning is packed to. */
export const requireCanonical = (bytes: Uint8Array, canonical: Uint8Array): void => {
  const length = Math.max(bytes.length, canonical.length);
  for (let i = 0; i < length; i++) {
    if (bytes[i] !== canonical[i])
      refuse('notCanonical', i, 'MessagePack in another form than the canonical one');
  }
};
