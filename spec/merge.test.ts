/** The merge: its examples, its laws on random histories, its errors, its recorder. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { mergePair } from '../core/merge/merge-pair.js';
import type { Decision } from '../core/merge/recorder.js';
import { independent, type Row, type RuleSet } from '../core/merge/rule.js';
import { realm, syncline } from '../core/merge/rule-set.js';
import { type TransformError, type Transformed, transform } from '../core/merge/transform.js';
import type { TransformReason } from '../core/merge/transform-error.js';
import { applyAll, edit } from '../core/model/apply.js';
import { realmApplyRules } from '../core/model/apply-rules.js';
import type { Changeset } from '../core/model/changeset.js';
import { decodeChangeset, encodeChangeset } from '../core/model/codec.js';
import { digest } from '../core/model/digest.js';
import { type Instruction, kinds } from '../core/model/instruction.js';
import { printInstruction } from '../core/model/notation.js';
import { unpack } from '../core/model/packed.js';
import { emptyState, type State } from '../core/model/state.js';
import { contentsOf } from './kit/contents.js';
import { mergeExamples } from './kit/merge-examples.js';
import { after, convergence, options, randomMerge } from './kit/merge-law.js';
import { changesets, instructions } from './kit/notation.js';
import { fromChoices } from './kit/random.js';
import { everything, possible } from './kit/small-worlds.js';
import { suite } from './kit/suite.js';
import { build } from './kit/worlds.js';

const test = suite('merge');

const lines = (list: readonly Instruction[]): string[] => list.map(printInstruction);

const contents = (side: readonly Changeset[]): string[] => side.flatMap((each) => lines(each.instructions));

const merged = (
  left: readonly Changeset[],
  right: readonly Changeset[],
  rules: RuleSet = syncline,
): Transformed => {
  const result = transform(left, right, { rules });
  if (E.isLeft(result)) throw new Error(result.left.message);
  return result.right;
};

const failed = (left: readonly Changeset[], right: readonly Changeset[]): TransformError => {
  const result = transform(left, right, { rules: syncline });
  if (E.isRight(result)) throw new Error('it merges');
  return result.left;
};

// ---- examples ------------------------------------------------------------------------------------------

const page = readFileSync(new URL('../../spec/merging.md', import.meta.url), 'utf8');
const examples = mergeExamples(page);

test('the page has its examples', () => {
  assert.ok(examples.length > 30, `${examples.length} examples`);
});

for (const { name, base, left, right, leftBecomes, rightBecomes, realm: theirs } of examples)
  test(`example: ${name}`, () => {
    const state = build(base);
    const result = transform([left], [right], options(state));
    if (E.isLeft(result)) throw new Error(result.left.message);
    assert.equal(contents(result.right.left), lines(leftBecomes));
    assert.equal(contents(result.right.right), lines(rightBecomes));
    const problem = convergence(state, [left], [right]);
    assert.is(problem, null, problem ?? '');
    const reference = merged([left], [right], realm);
    if (theirs === null) {
      assert.equal(contents(reference.left), lines(leftBecomes));
      assert.equal(contents(reference.right), lines(rightBecomes));
      return;
    }
    assert.equal(contents(reference.left), lines(theirs.left));
    assert.equal(contents(reference.right), lines(theirs.right));
    const end = (first: Changeset, second: readonly Changeset[]): string => {
      const all = [...base, ...first.instructions, ...second.flatMap((each) => each.instructions)];
      const applied = applyAll(emptyState, all, realmApplyRules);
      return E.isLeft(applied) ? applied.left.message : contentsOf(applied.right).join('\n');
    };
    assert.is.not(end(left, reference.right), end(right, reference.left));
  });

test('three sides may end differently in another order of arrival', () => {
  const base = build(
    instructions`AddTable A topLevel _id: int
      AddColumn A.l: string[]
      CreateObject A[1]
      ArrayInsert A[1].l[0] = "p" of 0
      ArrayInsert A[1].l[1] = "q" of 1`,
  );
  const insertA = changesets`changeset 1 base 0 at 1 from 2
    ArrayInsert A[1].l[1] = "a" of 2`;
  const erase = changesets`changeset 1 base 0 at 2 from 3
    ArrayErase A[1].l[0] of 2`;
  const insertC = changesets`changeset 1 base 0 at 3 from 4
    ArrayInsert A[1].l[0] = "c" of 2`;
  const arriving = (order: readonly (readonly Changeset[])[]): string => {
    let history: readonly Changeset[] = [];
    for (const side of order) history = [...history, ...merged(side, history).left];
    const state = after(base, history);
    return typeof state === 'string'
      ? state
      : (contentsOf(state).find((line) => line.includes('.l =')) ?? '');
  };
  assert.is(arriving([insertA, erase, insertC]), 'A[1].l = ["c", "a", "q"]');
  assert.is(arriving([erase, insertA, insertC]), 'A[1].l = ["a", "c", "q"]');
});

// ---- the matrix ----------------------------------------------------------------------------------------

test('the matrix has a cell for every unordered pair of kinds', () => {
  const cells = kinds.flatMap((kind) => Object.keys(syncline.pairs[kind]).map((other) => [kind, other]));
  assert.is(cells.length, 105);
  kinds.forEach((kind, i) => {
    assert.equal(new Set(Object.keys(syncline.pairs[kind])), new Set(kinds.slice(0, i + 1)));
  });
  // @ts-expect-error the cell with EraseTable is missing
  const row: Row<'EraseTable'> = { AddTable: independent };
  assert.is(Object.keys(row).length, 1);
});

test('realm differs in the cells that have defects, and in no other', () => {
  const differing = kinds.flatMap((kind) =>
    Object.entries(syncline.pairs[kind])
      .filter(([other, rule]) => (realm.pairs[kind] as Readonly<Record<string, unknown>>)[other] !== rule)
      .map(([other]) => `${kind} × ${other}`),
  );
  assert.equal(differing, [
    'Update × EraseTable',
    'EraseColumn × Update',
    'EraseColumn × AddInteger',
    'ArrayInsert × EraseTable',
    'ArrayInsert × EraseColumn',
    'ArrayMove × EraseColumn',
    'ArrayErase × EraseColumn',
    'Clear × EraseColumn',
    'Clear × ArrayInsert',
    'Clear × ArrayMove',
    'Clear × ArrayErase',
    'SetInsert × EraseTable',
    'SetInsert × EraseColumn',
    'SetErase × EraseTable',
    'SetErase × EraseColumn',
    'SetErase × SetInsert',
    'SetErase × SetErase',
  ]);
  const nested = kinds.filter((kind) => realm.nested[kind] !== syncline.nested[kind]);
  assert.equal(nested, ['Update', 'ArrayMove']);
});

const frozen = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
};

test('rules change neither of the two, and answer the same to both orders of asking', () => {
  const { base } = everything;
  const all = possible(everything, base).map(frozen);
  const context = { columns: options(base).columns ?? (() => null) };
  const text = (fate: Instruction | string | null): string =>
    typeof fate === 'object' && fate !== null ? printInstruction(fate) : String(fate);
  let changes = 0;
  for (const rules of [syncline, realm])
    for (const a of all)
      for (const b of all) {
        const one = mergePair(a, b, true, rules, context);
        const other = mergePair(b, a, false, rules, context);
        assert.is(text(one.first), text(other.second));
        assert.is(text(one.second), text(other.first));
        assert.is(text(one.beforeFirst), text(other.beforeSecond));
        if (one.rule !== null) changes++;
      }
  assert.ok(changes > 1000);
});

// ---- laws ----------------------------------------------------------------------------------------------

const choices = fc.array(fc.nat({ max: 1023 }), { minLength: 40, maxLength: 300 });

for (const kind of ['contents', 'mixed values', 'schema'] as const)
  test(`random histories converge, can be merged in parts, and merge as naively: ${kind}`, () => {
    fc.assert(
      fc.property(choices, (numbers) => {
        const problem = randomMerge(fromChoices(numbers), kind);
        if (problem !== null) throw new Error(problem);
      }),
      { numRuns: 1500, seed: 1 },
    );
  });

// ---- what stays as it was ------------------------------------------------------------------------------

test('what nothing happened to is the same reference', () => {
  const left = changesets`changeset 1 base 0 at 1 from 2
    Update A[1].x = 1
    Update A[1].y = 1
  changeset 2 base 0 at 1 from 2
    Update A[2].x = 1`;
  const right = changesets`changeset 1 base 0 at 2 from 3
    Update A[1].x = 2`;
  const result = merged(left, right);
  assert.is(result.right, right);
  assert.is(result.left[1], left[1]);
  assert.is.not(result.left[0], left[0]);
  assert.is(result.left[0]?.instructions[0], left[0]?.instructions[1]);
  const apart = merged(left.slice(1), right);
  assert.is(apart.right, right);
});

test('a changeset of which nothing is left keeps its place, and stays away', () => {
  const local = changesets`changeset 5 base 0 at 1 from 2
    ArrayInsert A[1].l[0] = "mine" of 1`;
  const clear = changesets`changeset 1 base 4 at 2 from 3
    Clear A[1].l list`;
  const first = merged(local, clear);
  assert.equal(first.left, [{ ...local[0], instructions: [] }]);
  // What the other file does next was made on a list that is empty there.
  const append = changesets`changeset 2 base 4 at 3 from 3
    ArrayInsert A[1].l[0] = "theirs" of 0`;
  assert.equal(merged(first.left, append).right, append);
  assert.is(failed(local, append).reason, 'prior-size');
});

test('instructions that a rule puts in front take part in the rest of the merge', () => {
  const left = changesets`changeset 1 base 0 at 1 from 2
    EraseTable B`;
  const right = changesets`changeset 1 base 0 at 2 from 3
    AddColumn A.link: link(B)?
    Update A[1].link = null
    EraseColumn A.link`;
  const expected = { left: ['EraseTable B'], right: [] };
  const result = merged(left, right);
  assert.equal({ left: contents(result.left), right: contents(result.right) }, expected);
  const turned = merged(right, left);
  assert.equal({ left: contents(turned.right), right: contents(turned.left) }, expected);
});

test('that a collection is shared is remembered with the instruction, and survives the codec', () => {
  const left = changesets`changeset 1 base 0 at 9 from 2
    Update A[1].m = list`;
  const right = changesets`changeset 1 base 0 at 1 from 3
    Update A[1].m = list
    ArrayInsert A[1].m[0] = 1 of 0`;
  const met = merged(left, right).left;
  assert.equal(met, left, 'it says the same');
  const decoded = decodeChangeset(encodeChangeset(met[0] as Changeset));
  if (E.isLeft(decoded)) throw new Error(decoded.left.message);
  const overwrite = changesets`changeset 2 base 0 at 2 from 3
    Update A[1].m = "s"`;
  for (const again of [met, [unpack(decoded.right)]]) {
    assert.equal(contents(merged(again, overwrite).left), []);
    assert.equal(contents(merged(again, overwrite).right), ['Update A[1].m = "s"']);
  }
  assert.equal(contents(merged(left, overwrite).right), []);
});

// ---- errors --------------------------------------------------------------------------------------------

const disagreements: readonly (readonly [TransformReason, string, string, readonly string[]])[] = [
  ['table-kind', 'AddTable N topLevel _id: int', 'AddTable N embedded', ['class N', 'top level', 'embedded']],
  [
    'table-asymmetry',
    'AddTable N topLevel _id: int',
    'AddTable N asymmetric _id: int',
    ['class N', 'asymmetric'],
  ],
  [
    'primary-key-name',
    'AddTable N topLevel _id: int',
    'AddTable N topLevel id: int',
    ['class N', '_id', ' id '],
  ],
  [
    'primary-key-name',
    'AddTable N topLevel _id: int',
    'AddTable N topLevel keyless',
    ['class N', '_id', 'none'],
  ],
  [
    'primary-key-type',
    'AddTable N topLevel _id: int',
    'AddTable N topLevel _id: uuid',
    ['class N', 'int', 'uuid'],
  ],
  [
    'primary-key-nullability',
    'AddTable N topLevel _id: int',
    'AddTable N topLevel _id: int?',
    ['class N', 'required', 'nullable'],
  ],
  ['column-type', 'AddColumn A.n: int', 'AddColumn A.n: string', ['property A.n', 'int', 'string']],
  ['column-nullability', 'AddColumn A.n: int', 'AddColumn A.n: int?', ['property A.n', 'int ', 'int?']],
  ['column-collection', 'AddColumn A.n: int[]', 'AddColumn A.n: int<>', ['property A.n', 'int[]', 'int<>']],
  [
    'column-target',
    'AddColumn A.n: link(A)?',
    'AddColumn A.n: link(B)?',
    ['property A.n', 'link(A)', 'link(B)'],
  ],
  ['prior-size', 'ArrayInsert A[1].l[0] = 1 of 3', 'ArrayErase A[1].l[0] of 4', ['A[1].l[0]', '3', '4']],
  ['prior-size', 'Update A[1].l[0] = 1 of 3', 'Update A[1].l[0] = 1 of 4', ['A[1].l[0]', '3', '4']],
  ['index-range', 'ArrayErase A[1].l[3] of 3', 'ArrayErase A[1].l[0] of 3', ['A[1].l', '3 of 3', '0 of 3']],
  ['index-range', 'ArrayInsert A[1].l[4] = 1 of 3', 'Update A[1].l[0] = 1 of 3', ['A[1].l', '4 of 3']],
  ['index-range', 'ArrayMove A[1].l[0] -> 3 of 3', 'ArrayErase A[1].l[1] of 3', ['A[1].l', '0 to 3 of 3']],
  ['paths', 'ArrayInsert A[1].m[0] = 1 of 3', 'Update A[1].m["k"] = 1', ['A[1].m']],
  ['paths', 'ArrayInsert A[1].m[0] = 1 of 3', 'Update A[1].m["k"]["l"] = 1', ['A[1].m']],
];

const single = (timestamp: number, origin: number, text: string): readonly Changeset[] => [
  { version: 7, base: 0, timestamp, origin, instructions: instructions(text) },
];

for (const [reason, one, other, words] of disagreements)
  test(`fails: ${one}, against ${other}`, () => {
    for (const [left, right] of [
      [one, other],
      [other, one],
    ] as const) {
      const error = failed(single(1, 2, left), single(2, 3, right));
      assert.is(error.reason, reason);
      assert.equal(lines([error.left.instruction, error.right.instruction]), [left, right]);
      for (const word of [
        ...words,
        `\`${left}\``,
        `\`${right}\``,
        'changeset 7 from 2',
        'changeset 7 from 3',
      ])
        assert.ok(error.message.includes(word), `${word} is missing in: ${error.message}`);
    }
  });

test('the changeset that an error names can be left out, and the rest merges', () => {
  const ours = changesets`changeset 1 base 0 at 1 from 2
    Update A[1].x = 1
  changeset 2 base 0 at 1 from 2
    ArrayErase A[1].l[1] of 2`;
  const theirs = changesets`changeset 1 base 0 at 2 from 3
    Update A[1].x = 2
  changeset 2 base 0 at 2 from 3
    ArrayInsert A[1].l[0] = "bad" of 9
  changeset 3 base 0 at 2 from 3
    Update A[2].x = 3`;
  const error = failed(ours, theirs);
  assert.is(error.right.index, 1);
  assert.is(error.right.changeset, theirs[1]);
  const rest = theirs.filter((_, i) => i !== error.right.index);
  assert.equal(contents(merged(ours, rest).left), ['ArrayErase A[1].l[1] of 2']);
});

// ---- the recorder --------------------------------------------------------------------------------------

const heard = (left: readonly Changeset[], right: readonly Changeset[]): readonly Decision[] => {
  const decisions: Decision[] = [];
  const recorder = { decided: (decision: Decision) => void decisions.push(decision) };
  const result = transform(left, right, { rules: syncline, recorder });
  if (E.isLeft(result)) throw new Error(result.left.message);
  assert.equal(result.right, merged(left, right), 'listening changes nothing');
  return decisions;
};

test('the recorder hears who won, who lost, by which rule, and when they wrote', () => {
  const left = single(5, 2, 'Update A[1].x = 1');
  const right = single(6, 3, 'Update A[1].x = 2');
  const [decision, ...more] = heard(left, right);
  assert.equal(more, []);
  assert.equal(decision, {
    rule: 'U1',
    outcome: 'discarded',
    reason: 'both sides wrote the slot, and the newer write stands',
    winner: { side: 'right', index: 0, changeset: right[0], instruction: right[0]?.instructions[0] },
    loser: { side: 'left', index: 0, changeset: left[0], instruction: left[0]?.instructions[0] },
    result: null,
  });
});

test('the recorder hears what becomes of instructions', () => {
  const story = (left: string, right: string): string[] =>
    heard(single(1, 2, left), single(2, 3, right)).map(
      ({ rule, outcome, loser, result }) =>
        `${rule} ${outcome} ${loser.side}${result === null ? '' : `: ${printInstruction(result)}`}`,
    );
  assert.equal(story('ArrayInsert A[1].l[0] = 1 of 0', 'ArrayInsert A[1].l[0] = 2 of 0'), [
    'L4 moved left: ArrayInsert A[1].l[0] = 1 of 1',
    'L4 moved right: ArrayInsert A[1].l[1] = 2 of 1',
  ]);
  assert.equal(story('Update A[1].n = 1', 'AddInteger A[1].n += 2'), ['U2 adjusted left: Update A[1].n = 3']);
  assert.equal(story('AddTable N embedded', 'AddTable N embedded'), ['T1 joined right']);
  assert.equal(story('EraseTable B', 'AddColumn A.b: link(B)?'), [
    'T4 preceded left: EraseColumn A.b',
    'T4 discarded right',
  ]);
  assert.equal(story('EraseObject A[1]', 'Update A[1].n = 1'), ['n:EraseObject discarded right']);
  assert.equal(story('Update A[1].x = 1', 'Update A[1].y = 1'), []);
});

// ---- bad input -----------------------------------------------------------------------------------------

test('what contradicts its base is refused by the merge or by application, and named', () => {
  const base: State = everything.base;
  const bad = [
    'Update A[1].nope = 1',
    'Update Nope[1].i = 1',
    'Update A[1].i["k"] = 1',
    'ArrayErase A[1].l[9] of 3',
    'ArrayErase A[1].l[0] of 9',
  ];
  for (const text of bad) {
    const [instruction] = instructions(text) as [Instruction];
    const before = digest(base);
    const draft = edit(base);
    const error = draft.apply(instruction);
    assert.is.not(error, null, text);
    assert.ok((error?.message ?? '').length > 0);
    assert.is(error?.instruction, instruction);
    assert.is(digest(draft.finish()), before);
  }
});

test.run();
