/**
 * Records of a few named values, for what is rare and small: one byte that names the layout, and the values as
 * JSON text in UTF-8.
 */
import * as E from 'fp-ts/lib/Either.js';
import { findBadUtf8, readUtf8, utf8Length, writeUtf8 } from '../base/utf8.js';

const LAYOUT = 1;

export const encodeText = (value: unknown): Uint8Array => {
  const text = JSON.stringify(value);
  const bytes = new Uint8Array(1 + utf8Length(text));
  bytes[0] = LAYOUT;
  writeUtf8(text, bytes, 1);
  return bytes;
};

/** Left with what is wrong. */
export const decodeText = (bytes: Uint8Array): E.Either<string, unknown> => {
  if (bytes[0] !== LAYOUT) return E.left(`layout ${bytes[0] ?? 'missing'}, expected ${LAYOUT}`);
  if (findBadUtf8(bytes, 1, bytes.length) >= 0) return E.left('its text is not well-formed UTF-8');
  try {
    return E.right(JSON.parse(readUtf8(bytes, 1, bytes.length)));
  } catch {
    return E.left('its text is not JSON');
  }
};
