/**
 * Text in MessagePack: a string where msgpackr would keep it, and else WTF-8 (`core/base/utf8.ts`) in something
 * else. msgpackr replaces lone surrogates, and drops a byte order mark at the start of a long string.
 */
import { utf8Length, writeUtf8 } from '../base/utf8.js';

/** Whether msgpackr keeps `text` as it is. */
export const isPlainText = (text: string): boolean => !/^\ufeff|\p{Surrogate}/u.test(text);

export const textBytes = (text: string): Uint8Array => {
  const bytes = new Uint8Array(utf8Length(text));
  writeUtf8(text, bytes, 0);
  return bytes;
};
