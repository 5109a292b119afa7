import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { Packr } from 'msgpackr/pack';
import * as assert from 'uvu/assert';
import type { DecodeError, DecodeErrorCode } from '../core/base/decode-error.js';
import { limits } from '../core/base/limits.js';
import type { Changeset } from '../core/model/changeset.js';
import {
  decodeBody,
  decodeChangeset,
  decodeInstructions,
  encodeChangeset,
  encodeInstructions,
  pack,
  unpack,
} from '../core/model/codec.js';
import {
  addInteger,
  createObject,
  eraseTable,
  type Instruction,
  kinds,
  setInsert,
  update,
} from '../core/model/instruction.js';
import { intKey, objectIdKey, stringKey } from '../core/model/key.js';
import { FIELD, KIND, OBJECT, type PackedChangeset, REST, STRIDE, TABLE } from '../core/model/packed.js';
import { printChangeset } from '../core/model/print.js';
import { binary, link, type Payload } from '../core/model/value.js';
import * as arbitrary from './kit/arbitraries.js';
import { mutations } from './kit/mutations.js';
import { suite } from './kit/suite.js';

const codec = suite('codec');

const orThrow = <A>(result: E.Either<DecodeError, A>): A => {
  if (E.isLeft(result)) throw new Error(JSON.stringify(result.left));
  return result.right;
};

const namesOf = (instruction: Instruction): string[] => {
  const names = [instruction.table];
  if ('field' in instruction) names.push(instruction.field);
  if (instruction.kind === 'AddTable' && instruction.spec.type === 'topLevel') {
    names.push(instruction.spec.primaryKey?.name ?? 'none');
  }
  if (instruction.kind === 'AddColumn') names.push(instruction.column.target ?? 'none');
  if ('value' in instruction && typeof instruction.value === 'object' && instruction.value?.type === 'link') {
    names.push(instruction.value.table);
  }
  return names;
};

/** Names are never empty in what the codec is given. */
const changesets = arbitrary.changesets.filter(({ instructions }) =>
  instructions.flatMap(namesOf).every((name) => name !== ''),
);

/** Printed, they differ wherever values differ, -0 and 0 among them; which `assert.equal` does not see. */
const assertSame = (actual: Changeset, expected: Changeset): void => {
  assert.is(printChangeset(actual), printChangeset(expected));
  assert.is(actual.version, expected.version);
};

const assertCanonical = (bytes: Uint8Array): DecodeError | null => {
  const decoded = decodeChangeset(bytes);
  if (E.isLeft(decoded)) {
    const { offset, message } = decoded.left;
    assert.ok(offset >= 0 && offset <= bytes.length, `offset ${offset} of ${bytes.length} bytes`);
    assert.match(message, /\S/);
    return decoded.left;
  }
  assert.equal([...encodeChangeset(decoded.right)], [...bytes]);
  assert.equal([...encodeChangeset(unpack(decoded.right))], [...bytes]);
  return null;
};

codec('what was encoded is decoded, packed and readable', () => {
  fc.assert(
    fc.property(changesets, (changeset) => {
      const bytes = encodeChangeset(changeset);
      assert.is(assertCanonical(bytes), null);
      assertSame(unpack(orThrow(decodeChangeset(bytes))), changeset);
      assertSame(unpack(pack(changeset)), changeset);
      const body = encodeInstructions(changeset.instructions);
      const instructions = orThrow(decodeInstructions(body));
      assertSame({ ...changeset, instructions }, changeset);
    }),
    { numRuns: 1000 },
  );
});

codec('the sample has all kinds', () => {
  const seen = new Set<string>();
  for (const { instructions } of fc.sample(changesets, { numRuns: 300, seed: 1 })) {
    for (const { kind } of instructions) seen.add(kind);
  }
  assert.equal([...seen].sort(), [...kinds].sort());
});

codec('equal changesets have equal bytes, whatever was encoded before', () => {
  fc.assert(
    fc.property(changesets, changesets, (a, b) => {
      const first = [...encodeChangeset(a)];
      encodeChangeset(b);
      assert.equal([...encodeChangeset(structuredClone(a))], first);
    }),
  );
});

codec('an encoding stays as it is while others are made', () => {
  const sample = fc.sample(changesets, { numRuns: 200, seed: 2 });
  const all = sample.map(encodeChangeset);
  all.forEach((bytes, i) => {
    assertSame(unpack(orThrow(decodeChangeset(bytes))), sample[i] as Changeset);
  });
});

codec('encodings of all sizes stay as they are, and keep little memory alive', () => {
  const sizes = [0, 900, 1200, 20_000, 40_000, 30, 15_000, 16_000, 2_000_000, 10, 30_000, 1000];
  const all = [...sizes, ...sizes].map((size, i) => {
    const text = String.fromCharCode(97 + i).repeat(size);
    return { text, bytes: encodeInstructions([update('A', intKey(1n), 'a', [], text)]) };
  });
  for (const { text, bytes } of all) {
    assert.is((orThrow(decodeInstructions(bytes))[0] as { value?: Payload }).value, text);
    assert.ok(bytes.buffer.byteLength <= Math.max(bytes.length, 16 * 1024), `${bytes.buffer.byteLength}`);
  }
});

codec('the envelope has the bytes of msgpackr', () => {
  const packer = new Packr({ useRecords: false });
  const sizes = [0, 1, 60, 70, 250, 300, 70_000];
  const numbers = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
  for (const size of sizes) {
    for (const number of numbers) {
      const instructions = [update('A', intKey(1n), 'a', [], 'x'.repeat(size))];
      const changeset = { version: number, base: 0, timestamp: number, origin: 1, instructions };
      const expected = packer.pack([number, 0, number, 1, encodeInstructions(instructions)]);
      assert.equal([...encodeChangeset(changeset)], [...expected]);
      assert.is(assertCanonical(encodeChangeset(changeset)), null);
    }
  }
});

codec('damaged bytes give an error, or are the one encoding of what they now say', () => {
  const codes = new Set<DecodeErrorCode>();
  fc.assert(
    fc.property(
      changesets.chain((changeset) => mutations(encodeChangeset(changeset))),
      (bytes) => {
        const error = assertCanonical(bytes);
        if (error !== null) codes.add(error.code);
      },
    ),
    { numRuns: 4000, seed: 3 },
  );
  const expected = ['badText', 'malformed', 'notCanonical', 'tooLarge', 'trailing', 'truncated', 'unknown'];
  assert.equal([...codes].sort(), expected);
});

codec('damaged bodies give an error, or are the one encoding of what they now say', () => {
  let accepted = 0;
  fc.assert(
    fc.property(
      changesets.chain(({ instructions }) => mutations(encodeInstructions(instructions))),
      (bytes) => {
        const decoded = decodeInstructions(bytes);
        if (E.isLeft(decoded)) return;
        accepted++;
        assert.equal([...encodeInstructions(decoded.right)], [...bytes]);
      },
    ),
    { numRuns: 6000 },
  );
  assert.ok(accepted > 100, `${accepted} accepted`);
});

codec('any bytes give a value or an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      assertCanonical(bytes);
      const instructions = decodeInstructions(bytes);
      if (E.isRight(instructions)) assert.equal([...encodeInstructions(instructions.right)], [...bytes]);
    }),
    { numRuns: 3000 },
  );
});

codec('every truncation is refused', () => {
  for (const changeset of fc.sample(changesets, { numRuns: 60, seed: 4 })) {
    const bytes = encodeChangeset(changeset);
    for (let length = 0; length < bytes.length; length++) {
      assert.is(assertCanonical(bytes.slice(0, length))?.code, 'truncated');
    }
    assert.is(assertCanonical(Uint8Array.of(...bytes, 0))?.code, 'trailing');
  }
});

codec('bytes of a subclass and views into larger memory decode alike', () => {
  const changeset: Changeset = {
    version: 1,
    base: 0,
    timestamp: 5,
    origin: 2,
    instructions: [setInsert('A', stringKey('k'), 'a', ['x', 3], binary(Uint8Array.of(1, 2, 3)))],
  };
  const bytes = encodeChangeset(changeset);
  const room = Buffer.concat([Buffer.from([9, 9, 9]), bytes, Buffer.from([9])]);
  const decoded = unpack(orThrow(decodeChangeset(room.subarray(3, room.length - 1))));
  assertSame(decoded, changeset);
  const [instruction] = decoded.instructions;
  const value = (instruction as { value: Payload }).value as { bytes: Uint8Array };
  assert.is(value.bytes.constructor, Uint8Array);
  assert.is(value.bytes.buffer.byteLength, 3);
});

const changesetOf = (...instructions: Instruction[]): Changeset => ({
  version: 1,
  base: 0,
  timestamp: 0,
  origin: 0,
  instructions,
});

codec('many names are kept apart, and found again', () => {
  const instructions: Instruction[] = [];
  for (let i = 0; i < 600; i++) {
    const key = objectIdKey((i % 200).toString(16).padStart(24, '0'));
    instructions.push(
      update('A', key, `f${i % 150}`, [`k${i % 90}`], link(`T${i % 20}`, intKey(BigInt(i % 50)))),
    );
  }
  const bytes = encodeChangeset(changesetOf(...instructions));
  assert.is(assertCanonical(bytes), null);
  assertSame(unpack(orThrow(decodeChangeset(bytes))), changesetOf(...instructions));
});

codec('columns say who names the same thing, without unpacking', () => {
  const a = objectIdKey('00'.repeat(12));
  const b = objectIdKey('01'.repeat(12));
  const { body } = pack(
    changesetOf(
      createObject('T', a),
      update('T', b, 'x', [], 1n),
      addInteger('T', a, 'y', ['x'], 2n),
      eraseTable('x'),
    ),
  );
  const column = (offset: number): (number | undefined)[] =>
    Array.from({ length: body.count }, (_, i) => body.columns[i * STRIDE + offset]);
  assert.equal(
    column(KIND).map((kind) => (kind ?? 0) & 15),
    ['CreateObject', 'Update', 'AddInteger', 'EraseTable'].map((kind) => kinds.indexOf(kind as 'Update')),
  );
  assert.equal(column(TABLE), [0, 0, 0, 1]);
  assert.equal(column(OBJECT), [0, 1, 0, -1]);
  assert.equal(column(FIELD), [-1, 1, 2, -1]);
  assert.equal([body.stringAt(0), body.stringAt(1), body.stringAt(2)], ['T', 'x', 'y']);
  assert.equal([body.keyAt(0), body.keyAt(1)], [a, b]);
  assert.equal(body.instructionAt(1), update('T', b, 'x', [], 1n));
  assert.is(body.bytes[(body.columns[STRIDE + REST] ?? 0) + 1], 2, 'the integer 1, zigzagged');
});

/** A body of these bytes, and why it must be refused at which byte. */
const refused: readonly [what: string, code: DecodeErrorCode, offset: number, bytes: readonly number[]][] = [
  ['a varint in more bytes than it needs', 'notCanonical', 1, [0x80, 0x00]],
  ['a varint beyond 35 bits', 'tooLarge', 4, [0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ['more instructions than bytes', 'truncated', 0, [0x05, 0x01]],
  ['more instructions than are allowed', 'tooLarge', 0, [0xc1, 0x84, 0x3d]],
  ['a kind beyond the last', 'unknown', 1, [1, 14, 3, 65]],
  ['a flag that the kind does not have', 'malformed', 1, [1, 0x80 | 1, 3, 65]],
  ['the same table as before in the first instruction', 'malformed', 1, [1, 0x10 | 1]],
  ['a table written again', 'notCanonical', 5, [2, 1, 3, 65, 1, 0]],
  ['a string spelled out again', 'notCanonical', 6, [2, 1, 3, 65, 1, 3, 65]],
  ['a string that was not met', 'malformed', 2, [1, 1, 0]],
  ['an empty name', 'malformed', 2, [1, 1, 1]],
  ['text that is not UTF-8', 'badText', 3, [1, 1, 3, 0x80]],
  ['a surrogate pair in two halves', 'badText', 6, [1, 1, 13, 0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80]],
  ['a key spelled out again', 'notCanonical', 7, [2, 2, 3, 65, 1, 2, 0x12, 1, 2]],
  ['an object written again', 'notCanonical', 7, [2, 2, 3, 65, 1, 2, 0x12, 6]],
  ['a key that was not met', 'malformed', 4, [1, 2, 3, 65, 6]],
  [
    'a number that needs 65 bits',
    'tooLarge',
    14,
    [1, 2, 3, 65, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2],
  ],
  ['an empty path written out', 'notCanonical', 8, [1, 0x85, 3, 65, 1, 2, 3, 97, 0, 2]],
  [
    'a path of 101 elements',
    'tooLarge',
    8,
    [1, 0x85, 3, 65, 1, 2, 3, 97, 101, ...new Array<number>(102).fill(0)],
  ],
  [
    'an index beyond 32 bits',
    'tooLarge',
    9,
    [1, 0x85, 3, 65, 1, 2, 3, 97, 1, 0x80, 0x80, 0x80, 0x80, 0x20, 2],
  ],
  ['an array instruction without an index', 'malformed', 1, [1, 8, 3, 65, 1, 2, 3, 97, 0, 0]],
  ['a default in a list', 'malformed', 11, [1, 0x84, 3, 65, 1, 2, 3, 97, 1, 0, 5, 0x80]],
  ['a default in a set', 'malformed', 8, [1, 12, 3, 65, 1, 2, 3, 97, 0x80]],
  ['a value type beyond the last', 'unknown', 8, [1, 4, 3, 65, 1, 2, 3, 97, 20]],
  ['a collection type beyond the last', 'unknown', 8, [1, 11, 3, 65, 1, 2, 3, 97, 4]],
  [
    'nanoseconds beyond a second',
    'tooLarge',
    10,
    [1, 4, 3, 65, 1, 2, 3, 97, 6, 0, 0x80, 0xa8, 0xd6, 0xb9, 0x07],
  ],
  ['a timestamp of two signs', 'malformed', 10, [1, 4, 3, 65, 1, 2, 3, 97, 6, 2, 1]],
  ['an embedded table that is asymmetric', 'malformed', 4, [1, 0, 3, 65, 2]],
  ['a key type without a key', 'malformed', 4, [1, 0, 3, 65, 0x11]],
  ['an element type beyond the last', 'unknown', 6, [1, 6, 3, 65, 3, 97, 12]],
  ['a target of a column that is no link', 'malformed', 6, [1, 6, 3, 65, 3, 97, 0x82, 0]],
  ['bytes after the end', 'trailing', 4, [1, 1, 3, 65, 0]],
];

for (const [what, code, offset, bytes] of refused) {
  codec(`${what} is refused`, () => {
    const decoded = decodeBody(Uint8Array.from(bytes));
    assert.ok(E.isLeft(decoded), 'accepted');
    const { code: actual, offset: at, message } = decoded.left;
    assert.equal([actual, at], [code, offset], message);
    // Counted from the start of what the decoder was given.
    const envelope = Uint8Array.of(0x95, 1, 0, 0, 0, 0xc4, bytes.length, ...bytes);
    const outer = decodeChangeset(envelope);
    assert.ok(E.isLeft(outer) && outer.left.offset === offset + 7 && outer.left.code === code);
  });
}

codec('an envelope in another form is refused', () => {
  const body = [0xc4, 1, 0];
  const cases: readonly [DecodeErrorCode, number, readonly number[]][] = [
    ['malformed', 0, [0x94, 0, 0, 0, 0]],
    ['malformed', 0, [0x80]],
    ['notCanonical', 0, [0xdc, 0, 5, 0, 0, 0, 0, ...body]],
    ['notCanonical', 1, [0x95, 0xcc, 5, 0, 0, 0, ...body]],
    ['notCanonical', 1, [0x95, 0xcd, 0, 200, 0, 0, 0, ...body]],
    ['notCanonical', 1, [0x95, 0xce, 0, 0, 255, 255, 0, 0, 0, ...body]],
    ['malformed', 1, [0x95, 0xff, 0, 0, 0, ...body]],
    ['malformed', 1, [0x95, 0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...body]],
    ['malformed', 1, [0x95, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...body]],
    ['malformed', 1, [0x95, 0xcb, 0xc1, 0xf0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...body]],
    ['malformed', 1, [0x95, 0xcb, 0x43, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...body]],
    ['malformed', 5, [0x95, 0, 0, 0, 0, 0xa1, 65]],
    ['notCanonical', 5, [0x95, 0, 0, 0, 0, 0xc5, 0, 1, 0]],
    ['truncated', 5, [0x95, 0, 0, 0, 0, 0xc6, 0xff, 0xff, 0xff, 0xff, 0]],
  ];
  for (const [code, offset, bytes] of cases) {
    const error = assertCanonical(Uint8Array.from(bytes));
    assert.equal([error?.code, error?.offset], [code, offset], `${bytes}`);
  }
});

codec('announced sizes are not believed', () => {
  const place = [3, 65, 1, 2, 3, 97];
  const huge = [0xff, 0xff, 0xff, 0x07];
  const bodies = [
    [1, 1, 0xff, 0xff, 0xff, 0x0f, 65],
    [1, 4, ...place, 4, ...huge, 65],
    [1, 4, ...place, 5, ...huge, 1],
    [1, 2, 3, 65, 2, ...huge],
    [0xc0, 0x84, 0x3d, 1],
  ];
  const before = process.memoryUsage();
  for (let i = 0; i < 2000; i++) {
    for (const body of bodies) assert.ok(E.isLeft(decodeBody(Uint8Array.from(body))));
  }
  const after = process.memoryUsage();
  assert.ok(after.rss - before.rss < 100_000_000, `${after.rss - before.rss} bytes`);
});

codec('a million instructions of a byte take memory in proportion', () => {
  const count = limits.changesetInstructions;
  const bytes = new Uint8Array(3 + 3 + count - 1);
  bytes.set([0xc0, 0x84, 0x3d, 1, 3, 65]);
  bytes.fill(0x11, 6);
  const packed = orThrow(decodeBody(bytes));
  assert.is(packed.count, count);
  assert.ok(packed.columns.length <= 5 * count + 2);
  assert.equal(packed.instructionAt(count - 1), eraseTable('A'));
});

codec('a packed changeset of eight instructions takes few bytes', () => {
  const instructions: Instruction[] = [];
  for (let i = 0; i < 8; i++) {
    const key = objectIdKey(`65${i.toString(16).padStart(22, '7')}`);
    instructions.push(
      update('Task', key, ['title', 'state'][i % 2] ?? '', [], i % 2 === 0 ? 'a short one' : 42n),
    );
  }
  const changeset: Changeset = { version: 9, base: 8, timestamp: 1_700_000_000_000, origin: 3, instructions };
  const packed: PackedChangeset = orThrow(decodeChangeset(encodeChangeset(changeset)));
  assert.ok(packed.body.bytes.length < 230, `${packed.body.bytes.length}`);
});

codec.run();
