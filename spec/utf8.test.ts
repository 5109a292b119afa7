import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { findBadUtf8, readUtf8, utf8Length, writeUtf8 } from '../core/base/utf8.js';
import { suite } from './kit/suite.js';

const utf8 = suite('utf8');

const encode = (text: string): Uint8Array => {
  const bytes = new Uint8Array(utf8Length(text));
  assert.is(writeUtf8(text, bytes, 0), bytes.length);
  return bytes;
};
const decode = (bytes: Uint8Array): string => readUtf8(bytes, 0, bytes.length);

const surrogate = fc.integer({ min: 0xd800, max: 0xdfff });
const unit = fc.oneof(surrogate, fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 0x7f }));
const anyText = fc.array(unit, { maxLength: 40 }).map((units) => String.fromCharCode(...units));
const properText = fc.string({ unit: 'binary', maxLength: 40 });

utf8('text without lone surrogates has the bytes of the platform', () => {
  const encoder = new TextEncoder();
  fc.assert(
    fc.property(properText, (text) => {
      const bytes = encode(text);
      assert.equal([...bytes], [...encoder.encode(text)]);
      assert.is(decode(bytes), text);
    }),
    { numRuns: 1000 },
  );
});

utf8('any code units come back', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const bytes = encode(text);
      assert.is(findBadUtf8(bytes, 0, bytes.length), -1);
      assert.is(decode(bytes), text);
    }),
    { numRuns: 2000 },
  );
});

utf8('long text comes back', () => {
  for (const text of [
    'a'.repeat(5000),
    'é'.repeat(5000),
    '\u{1f6eb}'.repeat(3000),
    `${'x'.repeat(999)}\ud800`,
  ]) {
    assert.is(decode(encode(text)), text);
  }
});

const byte = fc.oneof(
  fc.constantFrom(0x41, 0x7f, 0x80, 0x9f, 0xa0, 0xb0, 0xbf, 0xc1, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5),
  fc.nat({ max: 255 }),
);

utf8('bytes are well formed exactly where some text has them', () => {
  let good = 0;
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 5 }), (list) => {
      const bytes = Uint8Array.from(list);
      const wellFormed = findBadUtf8(bytes, 0, bytes.length) === -1;
      // Ill-formed bytes are read as some text too, but no text is written as ill-formed bytes.
      assert.is([...encode(decode(bytes))].join() === list.join(), wellFormed, list.join());
      if (wellFormed) good++;
    }),
    { numRuns: 20_000 },
  );
  assert.ok(good > 500, `${good} well formed`);
});

utf8('the first bad sequence is found', () => {
  const cases: readonly [number, readonly number[]][] = [
    [0, [0x80]],
    [1, [0x41, 0xc0, 0x80]],
    [1, [0x41, 0xc1, 0xbf]],
    [2, [0xc3, 0xa9, 0xc3]],
    [0, [0xe0, 0x9f, 0xbf]],
    [0, [0xf0, 0x8f, 0xbf, 0xbf]],
    [0, [0xf4, 0x90, 0x80, 0x80]],
    [0, [0xf5, 0x80, 0x80, 0x80]],
    [0, [0xe2, 0x82]],
    [3, [0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80]],
    [-1, [0xed, 0xb0, 0x80, 0xed, 0xa0, 0x80]],
    [-1, [0xed, 0xa0, 0x80, 0x41, 0xed, 0xb0, 0x80]],
    [-1, [0xf4, 0x8f, 0xbf, 0xbf]],
  ];
  for (const [offset, list] of cases) {
    assert.is(findBadUtf8(Uint8Array.from(list), 0, list.length), offset, list.join());
  }
});

utf8.run();
