import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import type { DecodeErrorCode } from '../core/base/decode-error.js';
import { limits } from '../core/base/limits.js';
import { decodeClientMessage, decodeServerMessage } from '../core/protocol/codec.js';
import { suite } from './kit/suite.js';

const wire = suite('messages that are refused');

const refusedMessages: readonly [what: string, DecodeErrorCode, offset: number, bytes: readonly number[]][] =
  [
    ['nothing', 'truncated', 0, []],
    ['no array', 'malformed', 0, [0x05]],
    ['an empty array', 'malformed', 0, [0x90]],
    ['a map', 'malformed', 0, [0x80]],
    ['a type that is not known', 'unknown', 1, [0x92, 0x7f, 1]],
    ['a session that is no number', 'malformed', 2, [0x92, 5, 0xa1, 0x41]],
    ['a negative number', 'malformed', 2, [0x92, 5, 0xff]],
    ['a fraction', 'malformed', 2, [0x92, 5, 0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0]],
    ['a NaN', 'malformed', 2, [0x92, 5, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ['a 64-bit integer', 'malformed', 2, [0x92, 5, 0xd3, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['a field too many', 'trailing', 3, [0x93, 5, 1, 1]],
    ['a field too few', 'malformed', 0, [0x92, 4, 1]],
    ['a number in a longer form', 'notCanonical', 2, [0x92, 5, 0xcc, 1]],
    ['an array in a longer form', 'notCanonical', 0, [0xdc, 0, 2, 5, 1]],
    ['a string in a longer form', 'notCanonical', 4, [0x94, 6, 1, 100, 0xd9, 1, 0x41]],
    ['a string that is not UTF-8', 'badText', 5, [0x94, 6, 1, 100, 0xa1, 0x80]],
    [
      'a string that begins with a byte order mark',
      'notCanonical',
      4,
      [0x94, 6, 1, 100, 0xa3, 0xef, 0xbb, 0xbf],
    ],
    ['a large number in a short form', 'malformed', 2, [0x92, 5, 0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]],
    ['a binary where a string would do', 'notCanonical', 4, [0x94, 6, 1, 100, 0xc4, 1, 0x41]],
    ['a binary that is not UTF-8', 'badText', 6, [0x94, 6, 1, 100, 0xc4, 1, 0x80]],
    ['an error code that is not known', 'unknown', 3, [0x94, 6, 1, 99, 0xa0]],
    ['an action that is not known', 'unknown', 6, [0x96, 21, 1, 100, 0xa0, 0xc2, 6]],
    ['a flag that is no boolean', 'malformed', 5, [0x95, 1, 1, 0xa0, 0xa0, 0]],
    ['downloads that are not held, and said not to be', 'unknown', 9, [0x99, 2, 1, 0, 0, 0, 0, 0, 0, 0xc2]],
    ['changesets that are no array', 'malformed', 6, [0x96, 3, 1, 0, 0, 0, 1]],
    ['a changeset that is no array', 'malformed', 7, [0x96, 3, 1, 0, 0, 0, 0x91, 5]],
    ['a changeset of four', 'malformed', 7, [0x96, 3, 1, 0, 0, 0, 0x91, 0x94, 0, 0, 0, 0]],
    ['a changeset of six', 'trailing', 15, [0x96, 3, 1, 0, 0, 0, 0x91, 0x96, 0, 0, 0, 0, 0xc4, 1, 0, 1]],
    [
      'a bad body that is downloaded',
      'unknown',
      19,
      [0x9a, 18, 1, 0, 0, 0, 0, 0, 0, 0, 0x91, 0x95, 0, 0, 0, 0, 0xc4, 2, 1, 14],
    ],
    ['nothing that msgpackr knows', 'malformed', 2, [0x92, 5, 0xc1]],
    ['a record of msgpackr', 'malformed', 2, [0x92, 5, 0xd4, 0x72, 0x40, 0x91, 0xa1, 0x41, 1]],
    ['a reference of msgpackr', 'malformed', 2, [0x92, 5, 0xd6, 0x69, 0, 0, 0, 1, 0x91, 1]],
    ['an error of msgpackr', 'malformed', 2, [0x92, 5, 0xd4, 0x65, 0, 0x91, 0xa1, 0x41]],
    ['a typed array of msgpackr', 'malformed', 2, [0x92, 5, 0xc7, 2, 0x74, 1, 1]],
    ['strings in a bundle of msgpackr', 'malformed', 2, [0x92, 5, 0xd6, 0x62, 0, 0, 0, 8, 0xc1, 1]],
    ['a date of msgpackr', 'malformed', 2, [0x92, 5, 0xd6, 0xff, 0, 0, 0, 0]],
    ['a huge array', 'truncated', 5, [0xdd, 0xff, 0xff, 0xff, 0xff, 1]],
    ['a huge map', 'malformed', 2, [0x92, 5, 0xdf, 0xff, 0xff, 0xff, 0xff, 1]],
    ['a huge string', 'truncated', 9, [0x94, 6, 1, 100, 0xdb, 0x7f, 0xff, 0xff, 0xff, 1]],
    ['a huge binary', 'truncated', 4, [0x94, 6, 1, 100, 0xc6, 0x7f, 0xff, 0xff, 0xff, 1]],
  ];

for (const [what, code, offset, list] of refusedMessages) {
  wire(`${what} is refused`, () => {
    const bytes = Uint8Array.from(list);
    const isServers = list[1] === 18 || list[1] === 21;
    const decoded = isServers ? decodeServerMessage(bytes) : decodeClientMessage(bytes);
    assert.ok(E.isLeft(decoded), JSON.stringify(decoded));
    assert.equal([decoded.left.code, decoded.left.offset], [code, offset], decoded.left.message);
  });
}

wire('deep nesting, many elements and large messages are refused', () => {
  const deep = new Uint8Array(100_000).fill(0x91);
  const many = new Uint8Array(limits.packedElements + 10);
  many.set([0xdd, 0, 0x0f, 0x42, 0x45]);
  const large = new Uint8Array(limits.messageBytes + 1);
  const changesets = new Uint8Array(limits.messageChangesets + 20);
  changesets.set([0x96, 3, 1, 0, 0, 0, 0xdd, 0, 0x01, 0x86, 0xa1]);
  for (const [bytes, code] of [
    [deep, 'malformed'],
    [many, 'unknown'],
    [large, 'tooLarge'],
    [changesets, 'tooLarge'],
  ] as const) {
    const decoded = decodeClientMessage(bytes);
    assert.ok(E.isLeft(decoded));
    assert.is(decoded.left.code, code);
    if (bytes !== changesets) assert.ok(E.isLeft(decodeServerMessage(bytes)));
  }
});

wire.run();
