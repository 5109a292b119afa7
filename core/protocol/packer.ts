/**
 * The one msgpackr packer of the engine, and the walls around it.
 *
 * It has no record structures and does not read or write in sequence, so that its bytes depend on nothing but
 * the value. Maps come back as `Map`, which keeps keys such as `__proto__` that an object would lose.
 *
 * Text: msgpackr replaces lone surrogates, and drops a byte order mark at the start of long strings. Strings
 * with either go as binaries or extensions in WTF-8 (`core/base/utf8.ts`) instead of as strings.
 */
import { Packr } from 'msgpackr/pack';
import { refuse } from '../base/decode-error.js';
import { utf8Length, writeUtf8 } from '../base/utf8.js';
import { scanPacked } from './packed-scan.js';

const packer = new Packr({ useRecords: false, mapsAsObjects: false, variableMapSize: true });

/** Plain arrays, maps, numbers, strings, booleans, null, bigints, byte arrays and registered classes. */
export const packPlain = (value: unknown): Uint8Array => {
  const { buffer, byteOffset, byteLength } = packer.pack(value);
  return new Uint8Array(buffer, byteOffset, byteLength);
};

/**
 * The value that `packPlain` makes these bytes of, and the offsets of its elements (see `scanPacked`). Byte
 * arrays in it are views on `bytes`. Refuses all other bytes.
 */
export const unpackPlain = (
  bytes: Uint8Array,
  extensions: ReadonlySet<number>,
): { readonly value: unknown; readonly offsets: readonly number[] } => {
  const offsets = scanPacked(bytes, extensions);
  const value: unknown = packer.unpack(bytes);
  const canonical = packPlain(value);
  const length = Math.max(bytes.length, canonical.length);
  for (let i = 0; i < length; i++) {
    if (bytes[i] !== canonical[i])
      refuse('notCanonical', i, 'MessagePack in another form than the canonical one');
  }
  return { value, offsets };
};

/** Whether msgpackr keeps `text` as it is. */
export const isPlainText = (text: string): boolean => !/^\ufeff|\p{Surrogate}/u.test(text);

export const textBytes = (text: string): Uint8Array => {
  const bytes = new Uint8Array(utf8Length(text));
  writeUtf8(text, bytes, 0);
  return bytes;
};
