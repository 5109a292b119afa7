import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import type { Instruction, Path } from '../core/model/instruction.js';
import { kinds } from '../core/model/instruction.js';
import type { Key } from '../core/model/key.js';
import {
  parseChangeset,
  parseChangesets,
  parseInstruction,
  parseInstructions,
  printChangeset,
  printChangesets,
  printColumnSpec,
  printInstruction,
  printKey,
  printName,
  printObject,
  printParseError,
  printPath,
  printPlace,
  printTableSpec,
  printValue,
} from '../core/model/notation.js';
import { float, identical, type Payload } from '../core/model/value.js';
import * as arbitrary from './kit/arbitraries.js';
import { changesets, instructions } from './kit/notation.js';
import { suite } from './kit/suite.js';

const notation = suite('notation');

/** Equal to the last bit: `identical` for payloads, else field by field. */
const same = (a: unknown, b: unknown, isPayload = false): boolean => {
  if (isPayload) return identical(a as Payload, b as Payload);
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return Object.is(a, b);
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  const fieldsOfA = a as Readonly<Record<string, unknown>>;
  const fieldsOfB = b as Readonly<Record<string, unknown>>;
  return names.every(
    (name) => Object.hasOwn(b, name) && same(fieldsOfA[name], fieldsOfB[name], name === 'value'),
  );
};

const show = (a: unknown): string => fc.stringify(a);

const roundTrips = <A>(
  print: (a: A) => string,
  parse: (text: string) => E.Either<unknown, A>,
): ((a: A) => void) => {
  return (a) => {
    const text = print(a);
    const parsed = parse(text);
    if (E.isLeft(parsed)) throw new Error(`does not parse: ${text}\n${show(parsed.left)}`);
    assert.ok(same(a, parsed.right), `${text} gave back ${show(parsed.right)} for ${show(a)}`);
    assert.is(print(parsed.right), text);
  };
};

const leftOf = (text: string): string => {
  const parsed = parseInstructions(text);
  if (E.isRight(parsed)) throw new Error(`parsed: ${show(parsed.right)}`);
  return printParseError(parsed.left);
};

notation('print and then parse is the identity on instructions', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(arbitrary.instructions, (instruction) => {
      seen.add(instruction.kind);
      roundTrips(printInstruction, parseInstruction)(instruction);
    }),
    { numRuns: 3000 },
  );
  assert.equal([...seen].sort(), [...kinds].sort());
});

notation('print and then parse is the identity on changesets', () => {
  fc.assert(fc.property(arbitrary.changesets, roundTrips(printChangeset, parseChangeset)), { numRuns: 300 });
  const several = fc.array(arbitrary.changesets, { maxLength: 4 });
  fc.assert(fc.property(several, roundTrips(printChangesets, parseChangesets)), { numRuns: 200 });
});

notation('an instruction is one line of valid Unicode without control characters', () => {
  fc.assert(
    fc.property(arbitrary.instructions, (instruction) => {
      const text = printInstruction(instruction);
      assert.not.match(text, /[\p{Cs}\p{Cc}\p{Zl}\p{Zp}]/u);
    }),
    { numRuns: 1000 },
  );
});

notation('different values print differently', () => {
  fc.assert(
    fc.property(arbitrary.payloads, arbitrary.payloads, (a, b) => {
      assert.is(printValue(a) === printValue(b), identical(a, b));
    }),
    { numRuns: 2000 },
  );
});

/** Texts near the grammar: printed instructions with pieces cut out, doubled and swapped. */
const almost: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(arbitrary.instructions, { minLength: 1, maxLength: 3 }),
    fc.nat(),
    fc.nat({ max: 8 }),
    fc.constantFrom('', '[', ']', '"', '`', '\\', '\n', ' ', '0', '-', '.', ' of 3', 'changeset 1', '\ud800'),
  )
  .map(([parts, seed, length, insert]) => {
    const text = parts.map(printInstruction).join('\n');
    const at = seed % (text.length + 1);
    return text.slice(0, at) + insert + text.slice(at + length);
  });

notation('any text parses or says where it stops', () => {
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme-ascii' }), almost);
  let faults = 0;
  fc.assert(
    fc.property(texts, (text) => {
      const lines = text.split('\n');
      for (const parse of [parseInstruction, parseInstructions, parseChangeset, parseChangesets]) {
        const parsed: E.Either<{ line: number; column: number; found: string; expected: string }, unknown> =
          parse(text);
        if (E.isRight(parsed)) continue;
        faults++;
        const { line, column, found, expected } = parsed.left;
        const at = parse === parseInstruction ? text : lines[line - 1];
        assert.ok(at !== undefined && column >= 1 && column <= at.length + 1, `${line}:${column}`);
        assert.ok(found.length > 0 && !/\p{Cs}/u.test(found) && expected.length > 0);
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(faults > 1000);
});

notation('what parses prints as itself, but for spaces and shorter ways to write a number', () => {
  fc.assert(
    fc.property(almost, (text) => {
      const parsed = parseInstructions(text);
      if (E.isLeft(parsed)) return;
      for (const instruction of parsed.right) roundTrips(printInstruction, parseInstruction)(instruction);
    }),
    { numRuns: 2000 },
  );
});

/** The examples that the notation promises, each in its canonical form. */
const examples = String.raw`
  AddTable Airport topLevel _id: string
  AddTable Airport topLevel _id: int?
  AddTable Reading asymmetric _id: objectId
  AddTable Address embedded
  AddTable Legacy topLevel keyless
  AddTable Legacy asymmetric keyless
  AddTable Legacy topLevel keyless: uuid
  EraseTable Airport
  AddColumn Airport.visits: int?[]
  AddColumn Airport.hub: link(Airport)?
  AddColumn Airport.any: link[]
  AddColumn Airport.extra: mixed?{}
  AddColumn Airport.codes: string<>
  EraseColumn Airport.visits
  CreateObject Airport["JFK"]
  CreateObject Airport[null]
  CreateObject Airport[-9223372036854775808]
  EraseObject Airport[5]
  EraseObject Airport[objectId(5f0000000000000000000003)]
  EraseObject Airport[uuid(00000000-1111-2222-3333-444444444444)]
  EraseObject Airport[global(2-ff)]
  Update Airport["JFK"].visits = 5
  Update Airport["JFK"].visits = -5 default
  Update Airport["JFK"].tags[2] = "x" of 4
  Update Airport["JFK"].tags[0]["street"] = erased
  Update A[1].m = list
  Update A[1].m = dictionary
  Update A[1].m = set
  Update A[1].e = object default
  Update A[1].d = null
  Update A[1].d = double(1.5)
  Update A[1].d = double(-0)
  Update A[1].d = double(1e+21)
  Update A[1].d = double(Infinity)
  Update A[1].d = double(NaN)
  Update A[1].d = double(0x7ff8000000000001)
  Update A[1].f = float(0.1)
  Update A[1].f = float(-Infinity)
  Update A[1].f = float(NaN)
  Update A[1].f = float(0x7fc00001)
  Update A[1].b = true
  Update A[1].b = binary(00ff)
  Update A[1].b = binary()
  Update A[1].t = timestamp(-1, -999999999)
  Update A[1].x = decimal(30400000000000000000000000000001)
  Update A[1].x = link(Airport, "JFK")
  Update A[1].s = "tab\t \"quoted\" \ud800 \u2028 ä"
  AddInteger Airport["JFK"].visits += -5
  ArrayInsert A[1].l[0] = "x" of 3
  ArrayMove A[1].l[0] -> 2 of 3
  ArrayErase A[1].l[0] of 3
  Clear A[1].l list
  Clear A[1].l dictionary
  Clear A[1].l set
  Clear A[1].l[0] single
  SetInsert A[1].s 5
  SetErase A[1].s 5
`;

notation('the examples of the notation are canonical', () => {
  assert.is(`\n  ${instructions(examples).map(printInstruction).join('\n  ')}\n`, examples);
});

notation('an instruction is written as it is held', () => {
  const [first] = instructions`Update Airport["JFK"].tags[0]["street"] = float(0.1) default`;
  assert.equal(first, {
    kind: 'Update',
    table: 'Airport',
    object: 'sJFK',
    field: 'tags',
    path: [0, 'street'],
    value: float(0.1),
    isDefault: true,
    priorSize: null,
  } satisfies Record<keyof Extract<Instruction, { kind: 'Update' }>, unknown>);
});

notation('a changeset has a head, and its instructions follow', () => {
  const [first, second] = changesets`
    changeset 12 base 3 at 1700000000 from 2
      EraseTable A

      EraseTable ${'B'}
    changeset 13 base 3 at 1700000001 from 0
  `;
  assert.equal(first, {
    version: 12,
    base: 3,
    timestamp: 1700000000,
    origin: 2,
    instructions: [
      { kind: 'EraseTable', table: 'A' },
      { kind: 'EraseTable', table: 'B' },
    ],
  });
  assert.equal(second, { version: 13, base: 3, timestamp: 1700000001, origin: 0, instructions: [] });
  if (first === undefined) throw new Error('no changeset');
  assert.is(
    printChangeset(first),
    'changeset 12 base 3 at 1700000000 from 2\n  EraseTable A\n  EraseTable B',
  );
});

notation('parts print on their own, for messages', () => {
  const path: Path = [0, 'a"b'];
  assert.is(printPath(path), '[0]["a\\"b"]');
  assert.is(printObject('A b', 'n' as Key), '`A b`[null]');
  assert.is(printPlace({ table: 'A', object: 'i5' as Key, field: 'f', path }), 'A[5].f[0]["a\\"b"]');
  assert.is(printKey('gff-0' as Key), 'global(ff-0)');
  assert.is(printName('say `a` "b" \\'), '`say \\`a\\` "b" \\\\`');
  assert.is(printTableSpec({ type: 'embedded' }), 'embedded');
  assert.is(printColumnSpec({ type: 'link', nullable: true, collection: 'list', target: 'B' }), 'link(B)?[]');
});

/** Texts that are not notation, and what is said of them. */
const faults: readonly (readonly [text: string, message: string])[] = [
  [
    'update A[1].f = 5',
    'line 1, column 1: found "update", expected an instruction such as Update or CreateObject',
  ],
  ['\n  EraseTable\n', 'line 2, column 13: found the end of the line, expected a class name'],
  ['EraseTable A B', 'line 1, column 14: found "B", expected the end of the line'],
  ['EraseTable 5', 'line 1, column 12: found "5", expected a class name'],
  ['EraseTable `A', 'line 1, column 14: found the end of the line, expected a closing backquote'],
  [
    'AddTable A',
    'line 1, column 11: found the end of the line, expected "topLevel", "asymmetric" or "embedded"',
  ],
  [
    'AddTable A topLevel _id: date',
    'line 1, column 26: found "date", expected the type of a primary key: int, string, objectId or uuid',
  ],
  [
    'Update A[1].l[0] = 5',
    'line 1, column 21: found the end of the line, expected "of" and the size of the list before',
  ],
  [
    'Update A[1].l[0] = 5 default',
    'line 1, column 22: found "default", expected "of" and the size of the list before',
  ],
  ['Update A[1].l = 5 of 3', 'line 1, column 19: found "of", expected the end of the line, or "default"'],
  [
    'ArrayErase A[1].l of 3',
    'line 1, column 19: found "of", expected an index in brackets, since the place must be a list element',
  ],
  [
    'ArrayErase A[1].l["a"] of 3',
    'line 1, column 24: found "of", expected an index in brackets, since the place must be a list element',
  ],
  [
    'ArrayErase A[1].l[4294967296] of 3',
    'line 1, column 19: found "4294967296", expected a key between double quotes, or an index from 0 to 4294967295',
  ],
  [
    'AddInteger A[1].f += 9223372036854775808',
    'line 1, column 22: found "9223372036854775808", expected an integer of 64 bits',
  ],
  ['AddInteger A[1].f += 05', 'line 1, column 22: found "05", expected an integer of 64 bits'],
  ['AddInteger A[1].f += -0', 'line 1, column 22: found "-0", expected an integer of 64 bits'],
  ['AddInteger A[1].f += 1.5', 'line 1, column 22: found "1.5", expected an integer of 64 bits'],
  [
    'CreateObject A[objectId(5F0000000000000000000003)]',
    'line 1, column 25: found "5F0000000000000000000003", expected 24 lower-case hex digits',
  ],
  [
    'CreateObject A[x]',
    'line 1, column 16: found "x", expected a key: null, an integer of 64 bits, "text", objectId(…), uuid(…) or global(…)',
  ],
  [
    'SetInsert A[1].s timestamp(1, -1)',
    'line 1, column 31: found "-1", expected nanoseconds of the sign of the seconds, nearer to zero than 1000000000',
  ],
  [
    'SetInsert A[1].s double(1e999)',
    'line 1, column 25: found "1e999", expected a number within the range of doubles, or 0x and 16 hex digits',
  ],
  [
    'SetInsert A[1].s float(1e39)',
    'line 1, column 24: found "1e39", expected a number within the range of floats, or 0x and 8 hex digits',
  ],
  [
    'SetInsert A[1].s binary(0)',
    'line 1, column 25: found "0", expected an even number of lower-case hex digits',
  ],
  ['SetInsert A[1].s "a', 'line 1, column 20: found the end of the line, expected a closing double quote'],
  [
    'SetInsert A[1].s "\\x"',
    'line 1, column 19: found "\\\\x", expected one of the escapes \\" \\` \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX',
  ],
];

for (const [text, message] of faults) {
  notation(`not notation: ${JSON.stringify(text)}`, () => assert.is(leftOf(text), message));
}

notation('a changeset starts with its head, and parseChangeset wants just one', () => {
  const messageOf = (parsed: ReturnType<typeof parseChangeset>): string =>
    E.isLeft(parsed) ? printParseError(parsed.left) : 'parsed';
  const head = 'changeset 1 base 0 at 5 from 2';
  assert.is(messageOf(parseChangeset(' \n')), 'line 1, column 1: found no text, expected "changeset"');
  assert.is(
    messageOf(parseChangeset('EraseTable A')),
    'line 1, column 1: found "EraseTable", expected "changeset"',
  );
  assert.is(
    messageOf(parseChangeset(`${head}\n  EraseTable A\n${head}`)),
    'line 3, column 1: found "changeset", expected no further changeset',
  );
  assert.is(
    messageOf(parseChangeset('changeset 1 base 0 at 5 from -2')),
    'line 1, column 30: found "-2", expected a whole number',
  );
  assert.equal(parseChangesets(''), E.right([]));
});

notation('long values print and parse', () => {
  const text = `"${'x'.repeat(1_000_000)}"`;
  const hexText = `binary(${'0f'.repeat(1_000_000)})`;
  assert.is(E.isRight(parseInstruction(`SetInsert A[1].s ${text}`)), true);
  assert.is(E.isRight(parseInstruction(`SetInsert A[1].s ${hexText}`)), true);
  assert.is(E.isLeft(parseInstruction(`AddInteger A[1].s += ${'9'.repeat(1_000_000)}`)), true);
});

notation.run();
