import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { Fingerprinter, fingerprintText } from '../core/base/hash.js';
import { applyAll, edit } from '../core/model/apply.js';
import { realmApplyRules, synclineApplyRules } from '../core/model/apply-rules.js';
import { difference } from '../core/model/difference.js';
import { digest } from '../core/model/digest.js';
import { type Instruction, type PathElement, update } from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { decimalNumber, memberId, realmMemberId } from '../core/model/member.js';
import { printInstruction } from '../core/model/notation.js';
import { type Reading, read } from '../core/model/read.js';
import { toInstructions } from '../core/model/snapshot.js';
import { defaultValue, emptyState, hasObject, isNullable, type State } from '../core/model/state.js';
import { identical, isMarker, typeOf } from '../core/model/value.js';
import { columnSpecs } from './kit/alphabet.js';
import * as arbitrary from './kit/arbitraries.js';
import { instructions } from './kit/notation.js';
import { plainState } from './kit/plain.js';
import { fromChoices, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { allWeights, randomInstructions } from './kit/valid.js';
import { changed, holdsOfWorlds } from './kit/world-law.js';
import { build, randomWorld, wholeSchema } from './kit/worlds.js';

const test = suite('state');

const lines = (all: readonly Instruction[]): string[] => all.map(printInstruction);

// The generators that these tests and others rest on

test('random instructions can be applied under both sets of rules, whatever chance decrees', () => {
  const choices = fc.array(fc.nat({ max: 1 << 16 }), { maxLength: 100 });
  fc.assert(
    fc.property(choices, fc.boolean(), (numbers, emitted) => {
      const random = fromChoices(numbers);
      const state = randomWorld(random, { weights: allWeights, emitted });
      const run = randomInstructions(random, state, 10, { weights: allWeights, emitted });
      for (const rules of [synclineApplyRules, realmApplyRules]) {
        const base = applyAll(emptyState, toInstructions(state), rules);
        const after = E.chain((from: State) => applyAll(from, run.instructions, rules))(base);
        assert.ok(E.isRight(after), E.isLeft(after) ? after.left.message : '');
      }
    }),
    { numRuns: 150 },
  );
});

// Values and defaults

test('every default fits its column, and is null exactly where null fits', () => {
  for (const spec of columnSpecs.values()) {
    const value = defaultValue(spec);
    if (spec.collection !== 'single') assert.is(value, null);
    else if (isNullable(spec)) assert.is(value, null);
    else assert.is(typeOf(value), spec.type);
  }
  assert.is(isNullable({ type: 'mixed', nullable: false, collection: 'dictionary', target: null }), true);
  assert.is(isNullable({ type: 'link', nullable: false, collection: 'single', target: 'A' }), true);
  assert.is(isNullable({ type: 'link', nullable: true, collection: 'list', target: 'A' }), false);
});

test('decimals are one number when they are numerically equal', () => {
  const decimal = (coefficient: bigint, exponent: number, negative = false): string =>
    ((negative ? 1n << 127n : 0n) | (BigInt(exponent + 6176) << 113n) | coefficient)
      .toString(16)
      .padStart(32, '0');
  assert.is(decimalNumber(decimal(1n, 0)), '1e0');
  assert.is(decimalNumber(decimal(100n, -2)), '1e0');
  assert.is(decimalNumber(decimal(12300n, -6176, true)), '-123e-6174');
  assert.is(decimalNumber(decimal(0n, 50, true)), '0');
  assert.is(decimalNumber('78000000000000000000000000000000'), 'Infinity');
  assert.is(decimalNumber('f8000000000000000000000000000000'), '-Infinity');
  // Coefficients out of range count as zero: one above 10^34 - 1, and every one of the long form.
  assert.is(decimalNumber(decimal(10n ** 34n - 1n, 0)), `${'9'.repeat(34)}e0`);
  assert.is(decimalNumber(decimal(10n ** 34n, 0)), '0');
  assert.is(decimalNumber('6c000000000000000000000000000001'), '0');
  assert.is(
    fc
      .sample(fc.tuple(fc.bigInt({ min: 1n, max: 10n ** 20n }), fc.integer({ min: -90, max: 90 })), 300)
      .every(
        ([coefficient, exponent]) =>
          decimalNumber(decimal(coefficient, exponent)) ===
          decimalNumber(decimal(coefficient * 1000n, exponent - 3)),
      ),
    true,
  );
});

test('identical values are one member; members of different types are different, but for numbers in the reference', () => {
  const values = arbitrary.payloads.filter((payload) => !isMarker(payload));
  fc.assert(
    fc.property(values, values, (a, b) => {
      if (isMarker(a) || isMarker(b)) return;
      if (identical(a, b)) {
        assert.is(memberId(a), memberId(b));
        assert.is(realmMemberId(a), realmMemberId(b));
      }
      const numeric = ['int', 'double', 'float', 'decimal'];
      if (typeOf(a) !== typeOf(b)) {
        assert.is.not(memberId(a), memberId(b));
        if (!numeric.includes(typeOf(a)) || !numeric.includes(typeOf(b)))
          assert.is.not(realmMemberId(a), realmMemberId(b));
      } else if (!numeric.includes(typeOf(a))) assert.is(memberId(a) === memberId(b), identical(a, b));
    }),
    { numRuns: 3000 },
  );
});

// Reading

const sample = build(
  instructions`
    AddTable A topLevel _id: int
    AddTable E embedded
    AddColumn A.int: int
    AddColumn A.mixed: mixed?
    AddColumn A.e: link(E)?
    AddColumn A.es: link(E)[]
    AddColumn A.set: int<>
    AddColumn A.dict: int{}
    AddColumn E.int: int
    CreateObject A[1]
    Update A[1].e = object
    ArrayInsert A[1].es[0] = object of 0
    Update A[1].es[0]["int"] = 5
    Update A[1].mixed = list
    ArrayInsert A[1].mixed[0] = dictionary of 0
    Update A[1].mixed[0]["k"] = "v"
    SetInsert A[1].set 7
    Update A[1].dict["k"] = 1
  `,
);

const reading = (field: string, ...path: PathElement[]): Reading =>
  read(sample, 'A', intKey(1n), field, path);

test('read answers what is at a place, with the column that types it', () => {
  const value = reading('es', 0, 'int');
  assert.ok(value.kind === 'value' && value.value === 5n && value.column.name === 'int');
  const nested = reading('mixed', 0, 'k');
  assert.ok(nested.kind === 'value' && nested.value === 'v' && nested.column.spec.type === 'mixed');
  const embedded = reading('e');
  assert.ok(embedded.kind === 'embedded' && embedded.column.spec.target === 'E');
  const items = reading('es');
  assert.ok(items.kind === 'list' && items.node.items.length === 1 && items.column.embedded);
  const inner = reading('mixed', 0);
  assert.ok(inner.kind === 'dictionary' && inner.node.entries.size === 1);
  const members = reading('set');
  assert.ok(members.kind === 'set' && members.node.members.size === 1);
  const unset = reading('int');
  assert.ok(unset.kind === 'value' && unset.value === 0n);
});

test('read answers what is missing where there is nothing', () => {
  const reason = (found: Reading): unknown => (found.kind === 'absent' ? found.failure.reason : found);
  assert.is(reason(reading('es', 1)), 'index-out-of-range');
  assert.is(reason(reading('es', 1, 'int')), 'index-out-of-range');
  assert.is(reason(reading('dict', 'x')), 'no-such-entry');
  assert.is(reason(reading('nope')), 'no-such-column');
  assert.is(reason(reading('int', 'x')), 'path-mismatch');
  assert.is(reason(read(sample, 'X', intKey(1n), 'int', [])), 'no-such-table');
  assert.is(reason(read(sample, 'A', intKey(2n), 'int', [])), 'no-such-object');
  assert.is(hasObject(sample, 'A', intKey(1n)), true);
  assert.is(hasObject(sample, 'A', intKey(2n)), false);
  assert.is(hasObject(sample, 'X', intKey(1n)), false);
});

test('reading changes nothing, in a state or in the middle of a draft', () => {
  const draft = edit(sample);
  assert.is(draft.apply(update('A', intKey(1n), 'dict', ['k'], 2n)), null);
  const before = plainState(draft.state);
  assert.is(read(draft.state, 'A', intKey(1n), 'dict', ['k']).kind, 'value');
  assert.is(read(draft.state, 'A', intKey(1n), 'es', [0, 'int']).kind, 'value');
  assert.equal(plainState(draft.state), before);
  const seen = read(draft.state, 'A', intKey(1n), 'dict', ['k']);
  assert.ok(seen.kind === 'value' && seen.value === 2n);
  const old = reading('dict', 'k');
  assert.ok(old.kind === 'value' && old.value === 1n);
});

// Snapshot

test('the snapshot of a state is its canonical history', () => {
  assert.equal(
    lines(toInstructions(sample)).slice(9),
    lines(instructions`
      CreateObject A[1]
      Update A[1].dict["k"] = 1
      Update A[1].e = object
      ArrayInsert A[1].es[0] = object of 0
      Update A[1].es[0]["int"] = 5
      Update A[1].mixed = list
      ArrayInsert A[1].mixed[0] = dictionary of 0
      Update A[1].mixed[0]["k"] = "v"
      SetInsert A[1].set 7
    `),
  );
  assert.equal(lines(toInstructions(sample)).slice(0, 3), [
    'AddTable A topLevel _id: int',
    'AddTable E embedded',
    'AddColumn A.dict: int{}',
  ]);
  assert.equal(toInstructions(emptyState), []);
});

for (const [name, rules] of Object.entries({ ours: synclineApplyRules, reference: realmApplyRules }))
  test(`the snapshot builds a state of the same contents, under the rules called ${name}`, () => {
    holdsOfWorlds(150, (_, world) => {
      // Sets are keyed by the rules, so the world is built again by them.
      const first = applyAll(emptyState, toInstructions(world), rules);
      assert.ok(E.isRight(first), E.isLeft(first) ? first.left.message : '');
      const snapshot = toInstructions(first.right);
      const again = applyAll(emptyState, snapshot, rules);
      assert.ok(E.isRight(again), E.isLeft(again) ? again.left.message : '');
      assert.equal(plainState(again.right), plainState(first.right));
      assert.is(digest(again.right), digest(first.right));
      assert.equal(lines(toInstructions(again.right)), lines(snapshot));
    });
  });

// Digest

test('the digest is the same on every machine', () => {
  const fingerprinter = new Fingerprinter();
  fingerprinter.text('Syncline');
  fingerprinter.bytes(new Uint8Array([1, 2, 3, 4, 5]));
  fingerprinter.word(-1);
  assert.is(fingerprintText(fingerprinter.done()), 'a59986cc6f28dc5e65be27b4df940237');
  assert.is(digest(sample), 'd94f3402565e809074c6726f180e701b');
});

test('fingerprints tell apart what differs in framing only', () => {
  const of = (...texts: string[]): string => {
    const fingerprinter = new Fingerprinter();
    for (const text of texts) fingerprinter.text(text);
    return fingerprintText(fingerprinter.done());
  };
  const bytes = (...all: number[][]): string => {
    const fingerprinter = new Fingerprinter();
    for (const each of all) fingerprinter.bytes(new Uint8Array(each));
    return fingerprintText(fingerprinter.done());
  };
  const all = [of('ab', 'c'), of('a', 'bc'), of('abc'), of('abc', ''), of('', 'abc'), of('a\u0000'), of('a')];
  all.push(
    bytes([1, 2], [3]),
    bytes([1], [2, 3]),
    bytes([1, 2, 3]),
    bytes([0, 1]),
    bytes([1, 0]),
    bytes([1]),
  );
  assert.is(new Set(all).size, all.length);
});

test('digests are equal exactly when the contents are', () => {
  holdsOfWorlds(150, (random, world) => {
    const other = changed(random, world, random.int(3));
    const same = JSON.stringify(plainState(world)) === JSON.stringify(plainState(other));
    assert.is(digest(world) === digest(other), same);
  });
});

test('the digest does not depend on the order of independent writes, nor on slots', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = seeded(seed);
    const all = toInstructions(randomWorld(random, { weights: allWeights, steps: 40 }));
    const tables = all.filter(({ kind }) => kind === 'AddTable');
    const columns = all.filter(({ kind }) => kind === 'AddColumn');
    const runs: Instruction[][] = [];
    for (const instruction of all)
      if (instruction.kind === 'CreateObject') runs.push([instruction]);
      else if ('object' in instruction) runs.at(-1)?.push(instruction);
    // The instructions of each object keep their order; classes, columns and objects do not.
    const shuffle = <T>(items: T[]): T[] => {
      const keyed = items.map((item) => [random.int(1 << 20), item] as const);
      return keyed.sort(([x], [y]) => x - y).map(([, item]) => item);
    };
    const shuffled = [...shuffle(tables), ...shuffle(columns), ...shuffle(runs).flat()];
    assert.is(digest(build(shuffled)), digest(build(all)));
  }
});

test('what was set back to its default counts as never set', () => {
  const schema = wholeSchema();
  const never = build([...schema, ...instructions`CreateObject A[1]`]);
  const back = build(
    instructions`
      Update A[1].int = 5
      Update A[1].int = 0
      Update A[1].int_null = null
      Update A[1].string = ""
      Update A[1].embedded = object
      Update A[1].embedded = null
      ArrayInsert A[1].l_int[0] = 1 of 0
      ArrayErase A[1].l_int[0] of 1
      SetInsert A[1].s_int 1
      SetErase A[1].s_int 1
      Update A[1].d_int["k"] = 1
      Update A[1].d_int["k"] = erased
      Clear A[1].d_mixed dictionary
    `,
    never,
  );
  assert.is(digest(back), digest(never));
  assert.equal(lines(toInstructions(back)), lines(toInstructions(never)));
  assert.equal(difference(never, back), []);
  assert.is.not(digest(build(instructions`Update A[1].double = double(-0)`, never)), digest(never));
  assert.is.not(digest(build(instructions`Update A[1].mixed = list`, never)), digest(never));
});

test('a digest in the middle of a draft does not outlive the next change', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = seeded(seed);
    const world = randomWorld(random, { steps: 10 });
    const draft = edit(world);
    for (const instruction of randomInstructions(random, world, 20, { weights: allWeights }).instructions) {
      assert.is(draft.apply(instruction), null);
      assert.is(digest(draft.state), digest(build(toInstructions(draft.state))));
    }
  }
});

test.run();
