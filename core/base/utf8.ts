/**
 * Text as bytes: UTF-8, and WTF-8 where a string holds lone surrogates.
 *
 * A string of the engine is any sequence of UTF-16 code units, so text that JavaScript allows survives
 * exactly. Surrogate pairs become the four bytes of their code point; a lone surrogate becomes the three
 * bytes that UTF-8 would give its number. That map is one to one: three-byte forms of a high and a low
 * surrogate side by side are refused, because those two units are a pair and have a four-byte form.
 *
 * Source of the map: "The WTF-8 encoding". Written by hand: the platform's encoders replace lone
 * surrogates, and are not part of the language.
 */

/** Bytes that `text` takes. O(length). */
export const utf8Length = (text: string): number => {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    length += unit < 0x800 ? 1 : 2;
    if (isHigh(unit) && isLow(text.charCodeAt(i + 1))) i++;
  }
  return length;
};

/** Writes `text` at `position`, where `utf8Length(text)` bytes must be free; gives the position after it. */
export const writeUtf8 = (text: string, bytes: Uint8Array, position: number): number => {
  let p = position;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      bytes[p++] = unit;
    } else if (unit < 0x800) {
      bytes[p++] = 0xc0 | (unit >> 6);
      bytes[p++] = 0x80 | (unit & 0x3f);
    } else {
      const next = isHigh(unit) ? text.charCodeAt(i + 1) : 0;
      if (isLow(next)) {
        const point = 0x10000 + ((unit & 0x3ff) << 10) + (next & 0x3ff);
        i++;
        bytes[p++] = 0xf0 | (point >> 18);
        bytes[p++] = 0x80 | ((point >> 12) & 0x3f);
        bytes[p++] = 0x80 | ((point >> 6) & 0x3f);
        bytes[p++] = 0x80 | (point & 0x3f);
      } else {
        bytes[p++] = 0xe0 | (unit >> 12);
        bytes[p++] = 0x80 | ((unit >> 6) & 0x3f);
        bytes[p++] = 0x80 | (unit & 0x3f);
      }
    }
  }
  return p;
};

/**
 * The offset of the first sequence in [start, end) that is not well formed, or -1. Overlong forms, code
 * points above 0x10FFFF and split pairs are not well formed. `end` must not exceed the length.
 */
export const findBadUtf8 = (bytes: Uint8Array, start: number, end: number): number => {
  let afterHigh = -1;
  let p = start;
  while (p < end) {
    const lead = bytes[p] as number;
    if (lead < 0x80) {
      p++;
      continue;
    }
    const size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (size === 0 || p + size > end) return p;
    const second = bytes[p + 1] as number;
    if ((second & 0xc0) !== 0x80) return p;
    if (size > 2 && ((bytes[p + 2] as number) & 0xc0) !== 0x80) return p;
    if (size > 3 && ((bytes[p + 3] as number) & 0xc0) !== 0x80) return p;
    if (lead === 0xe0 && second < 0xa0) return p;
    if (lead === 0xf0 && second < 0x90) return p;
    if (lead === 0xf4 && second > 0x8f) return p;
    if (lead === 0xed && second >= 0xa0) {
      if (second >= 0xb0 && afterHigh === p) return p;
      if (second < 0xb0) afterHigh = p + size;
    }
    p += size;
  }
  return -1;
};

/** The string that well-formed bytes in [start, end) stand for. */
export const readUtf8 = (bytes: Uint8Array, start: number, end: number): string => {
  let text = '';
  let p = start;
  // Eight characters at a time: quicker than one call a character, and than an array of code units.
  while (p + 8 <= end) {
    const a = bytes[p] as number;
    const b = bytes[p + 1] as number;
    const c = bytes[p + 2] as number;
    const d = bytes[p + 3] as number;
    const e = bytes[p + 4] as number;
    const f = bytes[p + 5] as number;
    const g = bytes[p + 6] as number;
    const h = bytes[p + 7] as number;
    if ((a | b | c | d | e | f | g | h) > 0x7f) break;
    text += String.fromCharCode(a, b, c, d, e, f, g, h);
    p += 8;
  }
  if (p === end) return text;
  let units: number[] = [];
  while (p < end) {
    const lead = bytes[p] as number;
    if (lead < 0x80) {
      units.push(lead);
      p++;
    } else if (lead < 0xe0) {
      units.push(((lead & 0x1f) << 6) | low6(bytes, p + 1));
      p += 2;
    } else if (lead < 0xf0) {
      units.push(((lead & 0x0f) << 12) | (low6(bytes, p + 1) << 6) | low6(bytes, p + 2));
      p += 3;
    } else {
      const point =
        ((lead & 0x07) << 18) | (low6(bytes, p + 1) << 12) | (low6(bytes, p + 2) << 6) | low6(bytes, p + 3);
      units.push(0xd7c0 + (point >> 10), 0xdc00 | (point & 0x3ff));
      p += 4;
    }
    if (units.length > 1000) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
};

/** Whether UTF-8 proper can carry `text`: no lone surrogates. */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

const isHigh = (unit: number): boolean => (unit & 0xfc00) === 0xd800;
const isLow = (unit: number): boolean => (unit & 0xfc00) === 0xdc00;
const low6 = (bytes: Uint8Array, position: number): number => (bytes[position] as number) & 0x3f;
