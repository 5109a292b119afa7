import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ApplyError, apply, applyAll, edit, type Reason } from '../core/model/apply.js';
import { type ApplyRules, realmApplyRules, synclineApplyRules } from '../core/model/apply-rules.js';
import { digest } from '../core/model/digest.js';
import {
  addTable,
  type Instruction,
  isPathInstruction,
  kinds,
  type Path,
  update,
  updateElement,
} from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { printInstruction } from '../core/model/notation.js';
import { emptyState, type State } from '../core/model/state.js';
import { list } from '../core/model/value.js';
import * as arbitrary from './kit/arbitraries.js';
import { instructions } from './kit/notation.js';
import { type PlainTable, plainObject, plainState } from './kit/plain.js';
import { pick, type Random, seeded } from './kit/random.js';
import { allWeights, randomInstruction, randomInstructions } from './kit/valid.js';
import { randomWorld } from './kit/worlds.js';

const test = suite('apply');

const run = (
  state: State,
  text: string,
  rules: ApplyRules = synclineApplyRules,
): E.Either<ApplyError, State> => applyAll(state, instructions(text), rules);

const after = (state: State, text: string, rules?: ApplyRules): State => {
  const result = run(state, text, rules);
  if (E.isLeft(result)) throw new Error(result.left.message);
  return result.right;
};

/** The field of object `A[1]`, as plain data. */
const field = (state: State, name: string): unknown => plainObject(state, 'A', intKey(1n))?.[name];

const table = (state: State, name: string): PlainTable | undefined => plainState(state)[name];

const base = after(
  emptyState,
  `AddTable A topLevel _id: int
   AddTable B topLevel _id: string?
   AddTable E embedded
   AddTable G topLevel keyless
   AddTable S asymmetric _id: objectId
   AddColumn A.int: int
   AddColumn A.int_null: int?
   AddColumn A.string: string
   AddColumn A.double: double
   AddColumn A.mixed: mixed?
   AddColumn A.link: link(B)?
   AddColumn A.any: link?
   AddColumn A.e: link(E)?
   AddColumn A.ints: int[]
   AddColumn A.mixeds: mixed?[]
   AddColumn A.links: link(B)[]
   AddColumn A.es: link(E)[]
   AddColumn A.set: int<>
   AddColumn A.set_null: int?<>
   AddColumn A.set_link: link(B)<>
   AddColumn A.set_mixed: mixed?<>
   AddColumn A.set_double: double<>
   AddColumn A.dict: int{}
   AddColumn A.dict_mixed: mixed?{}
   AddColumn A.dict_link: link(B)?{}
   AddColumn A.dict_e: link(E)?{}
   AddColumn E.int: int
   AddColumn E.e: link(E)?
   AddColumn E.ints: int[]
   CreateObject A[1]`,
);

/** The last instruction of `text` fails for `reason`, those before it do not, and nothing has happened. */
const refuses = (reason: Reason, text: string, rules: ApplyRules = synclineApplyRules): void => {
  const all = instructions(text);
  const draft = edit(base, rules);
  for (const instruction of all.slice(0, -1)) assert.is(draft.apply(instruction), null);
  const before = plainState(draft.state);
  const error = draft.apply(all.at(-1) as Instruction);
  assert.is(error?.reason, reason, `${text}: ${error?.message}`);
  assert.is(error?.instruction, all.at(-1));
  assert.is(error?.index, all.length - 1);
  assert.match(error?.message ?? '', new RegExp(`^${all.at(-1)?.kind} .+: .+`));
  assert.equal(plainState(draft.state), before);
};

test('AddTable makes a class, and again changes nothing', () => {
  const text = 'AddTable T topLevel _id: uuid?';
  const once = after(base, text);
  assert.is(table(once, 'T')?.spec, 'topLevel _id: uuid?');
  assert.equal(plainState(after(once, text)), plainState(once));
});

test('AddTable refuses a class that exists with other properties, and bad names', () => {
  refuses('table-mismatch', 'AddTable A embedded');
  refuses('table-mismatch', 'AddTable A topLevel _id: int?');
  refuses('table-mismatch', 'AddTable A topLevel id: int');
  refuses('table-mismatch', 'AddTable A topLevel keyless');
  refuses('table-mismatch', 'AddTable A asymmetric _id: int');
  refuses('table-mismatch', 'AddTable E topLevel _id: int');
  refuses('invalid-name', 'AddTable `` embedded');
  refuses('invalid-name', `AddTable ${'x'.repeat(256)} embedded`);
  refuses('invalid-name', `AddTable \`${'ä'.repeat(128)}\` embedded`);
  refuses('invalid-name', 'AddTable T topLevel ``: int');
});

test('EraseTable removes class and objects; again it is done already', () => {
  const state = after(base, 'CreateObject G[global(0-1)]\nEraseTable G');
  assert.is(table(state, 'G'), undefined);
  assert.is(E.isRight(run(state, 'EraseTable G')), true);
  refuses('no-such-table', 'EraseTable G\nEraseTable G', realmApplyRules);
  const again = after(state, 'AddTable G topLevel keyless');
  assert.equal(table(again, 'G')?.objects, {});
});

test('EraseTable refuses while other classes link to it', () => {
  refuses('table-in-use', 'EraseTable B');
  refuses('table-in-use', 'EraseTable E');
  const free = `EraseColumn A.link
    EraseColumn A.links
    EraseColumn A.set_link
    EraseColumn A.dict_link`;
  assert.is(E.isRight(run(base, `${free}\nEraseTable B`)), true);
  refuses('table-in-use', `${free}\nUpdate A[1].mixed = link(B, "x")\nEraseTable B`);
  refuses('table-in-use', `${free}\nUpdate A[1].any = link(B, "x")\nEraseTable B`);
  refuses('table-in-use', `${free}\nSetInsert A[1].set_mixed link(B, "x")\nEraseTable B`);
  refuses(
    'table-in-use',
    `${free}
     AddColumn E.mixed: mixed?
     Update A[1].dict_e["k"] = object
     Update A[1].dict_e["k"]["mixed"] = list
     ArrayInsert A[1].dict_e["k"]["mixed"][0] = link(B, "x") of 0
     EraseTable B`,
  );
  // What has been erased links no more.
  const gone = `${free}\nUpdate A[1].mixed = link(B, "x")\nEraseColumn A.mixed\nEraseTable B`;
  assert.is(E.isRight(run(base, gone)), true);
});

test('EraseTable takes a class with what is embedded in it, but for the reference', () => {
  const text = `AddColumn E.mixed: mixed?
    Update A[1].e = object
    Update A[1].e["mixed"] = link(A, 1)
    EraseTable A`;
  assert.is(table(after(base, text), 'A'), undefined);
  refuses('table-in-use', text, realmApplyRules);
  assert.is(E.isRight(run(base, 'Update A[1].mixed = link(A, 1)\nEraseTable A', realmApplyRules)), true);
});

test('AddColumn makes a property with its default value, and again changes nothing', () => {
  const once = after(base, 'AddColumn A.new: string?');
  assert.is(field(once, 'new'), 'null');
  assert.equal(plainState(after(once, 'AddColumn A.new: string?')), plainState(once));
  assert.is(E.isRight(run(base, 'AddColumn A._id: int')), true);
});

test('AddColumn refuses what exists otherwise and what cannot exist', () => {
  refuses('no-such-table', 'AddColumn X.a: int');
  refuses('no-such-table', 'AddColumn A.a: link(X)?');
  refuses('column-mismatch', 'AddColumn A.int: string');
  refuses('column-mismatch', 'AddColumn A.int: int[]');
  refuses('column-mismatch', 'AddColumn A.link: link(A)?');
  refuses('column-mismatch', 'AddColumn A.int: int?');
  refuses('column-mismatch', 'AddColumn A._id: string');
  refuses('column-mismatch', 'AddColumn A._id: int?');
  refuses('invalid-column', 'AddColumn A.a: link(E)<>');
  refuses('invalid-column', 'AddColumn A.a: link<>');
  refuses('invalid-column', 'AddColumn A.a: link?{}');
  refuses('invalid-column', 'AddColumn A.a: link(S)?');
  refuses('invalid-name', 'AddColumn A.``: int');
  assert.is(E.isRight(run(base, 'AddColumn A.int: int?', realmApplyRules)), true);
  const odd = { type: 'int', nullable: false, collection: 'single', target: 'B' } as const;
  assert.is(
    edit(base).apply({ kind: 'AddColumn', table: 'A', field: 'a', column: odd })?.reason,
    'invalid-column',
  );
});

test('EraseColumn removes a property for good; again it is done already', () => {
  const state = after(base, 'Update A[1].int = 5\nEraseColumn A.int');
  assert.is(field(state, 'int'), undefined);
  assert.is(E.isRight(run(state, 'EraseColumn A.int')), true);
  assert.is(field(after(state, 'AddColumn A.int: int'), 'int'), '0');
  refuses('no-such-column', 'EraseColumn A.nope', realmApplyRules);
  refuses('no-such-table', 'EraseColumn X.a');
  refuses('primary-key-is-fixed', 'EraseColumn A._id');
});

test('CreateObject makes an object with defaults, and leaves one that is there alone', () => {
  const state = after(base, 'Update A[1].int = 5\nCreateObject A[1]\nCreateObject A[2]');
  assert.is(field(state, 'int'), '5');
  assert.equal(plainObject(state, 'A', intKey(2n)), plainObject(base, 'A', intKey(1n)));
  assert.is(E.isRight(run(base, 'CreateObject B[null]\nCreateObject G[global(1-1)]')), true);
});

test('CreateObject and EraseObject refuse keys that do not fit', () => {
  for (const kind of ['CreateObject', 'EraseObject']) {
    refuses('no-such-table', `${kind} X[1]`);
    refuses('embedded-table', `${kind} E[1]`);
    refuses('key-type-mismatch', `${kind} A["1"]`);
    refuses('key-type-mismatch', `${kind} A[null]`);
    refuses('key-type-mismatch', `${kind} A[global(0-1)]`);
    refuses('key-type-mismatch', `${kind} G[1]`);
    refuses('key-type-mismatch', `${kind} G[null]`);
  }
});

test('EraseObject removes the object, whether or not it is there', () => {
  const state = after(base, 'EraseObject A[1]\nEraseObject A[1]');
  assert.is(plainObject(state, 'A', intKey(1n)), null);
});

test('links to an erased object stay, and the object that comes back has none of its old values', () => {
  const state = after(
    base,
    `AddColumn B.n: int
     CreateObject B["b"]
     Update B["b"].n = 7
     Update A[1].link = link(B, "b")
     ArrayInsert A[1].links[0] = link(B, "b") of 0
     EraseObject B["b"]
     ArrayInsert A[1].links[1] = link(B, "c") of 1
     CreateObject B["b"]`,
  );
  assert.is(field(state, 'link'), 'link(B, "b")');
  assert.equal(field(state, 'links'), ['link(B, "b")', 'link(B, "c")']);
  assert.equal(Object.values(table(state, 'B')?.objects ?? {}), [{ n: '0' }]);
});

test('path instructions refuse what is not there', () => {
  for (const kind of [
    'Update A[1].x = 1',
    'AddInteger A[1].x += 1',
    'Clear A[1].x list',
    'SetErase A[1].x 1',
  ]) {
    refuses('no-such-table', kind.replace(' A', ' X'));
    refuses('embedded-table', kind.replace(' A', ' E'));
    refuses('key-type-mismatch', kind.replace('[1]', '["1"]'));
    refuses('no-such-object', kind.replace('[1]', '[2]'));
    refuses('no-such-column', kind);
    refuses('primary-key-is-fixed', kind.replace('.x', '._id'));
  }
});

test('paths lead through embedded objects and collections only', () => {
  const setup = `Update A[1].e = object
    Update A[1].mixed = list
    ArrayInsert A[1].mixed[0] = dictionary of 0
    Update A[1].mixed[0]["k"] = 5
    ArrayInsert A[1].es[0] = object of 0
    Update A[1].dict_e["k"] = object
    Update A[1].dict_e["n"] = null
    Update A[1].dict_mixed["k"] = list
    ArrayInsert A[1].ints[0] = 1 of 0
    SetInsert A[1].set 1
    Update A[1].link = link(B, "b")
`;
  const state = after(
    base,
    `${setup}
     Update A[1].e["e"] = object
     Update A[1].e["e"]["int"] = 1
     Update A[1].es[0]["int"] = 2
     Update A[1].dict_e["k"]["int"] = 3
     ArrayInsert A[1].dict_e["k"]["ints"][0] = 4 of 0`,
  );
  assert.equal(field(state, 'e'), {
    object: { e: { object: { e: 'null', int: '1', ints: [] } }, int: '0', ints: [] },
  });
  assert.equal(field(state, 'es'), [{ object: { e: 'null', int: '2', ints: [] } }]);
  assert.equal(field(state, 'mixed'), [{ dictionary: { k: '5' } }]);
  refuses('path-mismatch', `${setup}Update A[1].int["a"] = 1`);
  refuses('path-mismatch', `${setup}Update A[1].e[0] = 1 of 1`);
  refuses('path-mismatch', `${setup}Update A[1].ints["0"] = 1`);
  refuses('path-mismatch', `${setup}Update A[1].ints[0][0] = 1 of 1`);
  refuses('path-mismatch', `${setup}Update A[1].dict[0] = 1 of 1`);
  refuses('path-mismatch', `${setup}Update A[1].set["a"] = 1`);
  refuses('path-mismatch', `${setup}Update A[1].link["a"] = 1`);
  refuses('path-mismatch', `${setup}Update A[1].mixed["k"] = 1`);
  refuses('path-mismatch', `${setup}Update A[1].mixed[0][0] = 1 of 1`);
  refuses('path-mismatch', `${setup}Update A[1].mixed[0]["k"]["k"] = 1`);
  refuses('no-such-column', `${setup}Update A[1].e["nope"] = 1`);
  refuses('null-object', 'Update A[1].e["int"] = 1');
  refuses('null-object', `${setup}Update A[1].dict_e["n"]["int"] = 1`);
  refuses('no-such-entry', `${setup}Update A[1].dict_e["x"]["int"] = 1`);
  refuses('no-such-entry', `${setup}Update A[1].mixed[0]["x"]["y"] = 1`);
  refuses('index-out-of-range', `${setup}Update A[1].es[1]["int"] = 1`);
  refuses('index-out-of-range', `${setup}Update A[1].mixed[1]["k"] = 1`);
});

test('paths have at most a hundred elements', () => {
  const draft = edit(base);
  let path: number[] = [];
  assert.is(draft.apply(update('A', intKey(1n), 'mixed', [], list)), null);
  for (;;) {
    path = [...path, 0];
    const error = draft.apply({
      kind: 'ArrayInsert',
      table: 'A',
      object: intKey(1n),
      field: 'mixed',
      path,
      value: list,
      priorSize: 0,
    });
    if (error === null) continue;
    assert.is(error.reason, 'path-too-long');
    break;
  }
  assert.is(path.length, 101);
  assert.is(digest(draft.state).length, 32);
});

test('Update sets a property to a value of its type', () => {
  const state = after(
    base,
    `Update A[1].int = 5
     Update A[1].int_null = 6
     Update A[1].string = "s" default
     Update A[1].double = double(-0)
     Update A[1].mixed = decimal(30400000000000000000000000000001)
     Update A[1].link = link(B, null)
     Update A[1].any = link(A, 9)`,
  );
  assert.equal(
    ['int', 'int_null', 'string', 'double', 'mixed', 'link', 'any'].map((name) => field(state, name)),
    [
      '5',
      '6',
      '"s"',
      'double(-0)',
      'decimal(30400000000000000000000000000001)',
      'link(B, null)',
      'link(A, 9)',
    ],
  );
  assert.is(field(after(state, 'Update A[1].int_null = null'), 'int_null'), 'null');
  assert.is(field(after(state, 'Update A[1].mixed = null'), 'mixed'), 'null');
  assert.is(field(after(state, 'Update A[1].link = null'), 'link'), 'null');
});

test('Update refuses values that do not fit', () => {
  refuses('type-mismatch', 'Update A[1].int = "s"');
  refuses('type-mismatch', 'Update A[1].double = 1');
  refuses('type-mismatch', 'Update A[1].int = link(B, "b")');
  refuses('type-mismatch', 'Update A[1].link = 1');
  refuses('type-mismatch', 'Update A[1].e = link(B, "b")');
  refuses('type-mismatch', 'Update A[1].link = object');
  refuses('type-mismatch', 'Update A[1].int = object');
  refuses('type-mismatch', 'Update A[1].mixed = object');
  refuses('type-mismatch', 'Update A[1].int = list');
  refuses('type-mismatch', 'Update A[1].link = dictionary');
  refuses('type-mismatch', 'Update A[1].mixed = set');
  refuses('type-mismatch', 'Update A[1].mixed = erased');
  refuses('not-nullable', 'Update A[1].int = null');
  refuses('link-target-mismatch', 'Update A[1].link = link(A, 1)');
  refuses('link-target-mismatch', 'Update A[1].mixed = link(X, 1)');
  refuses('link-target-mismatch', 'Update A[1].any = link(X, 1)');
  refuses('link-target-mismatch', 'Update A[1].mixed = link(E, 1)');
  refuses('link-target-mismatch', `Update A[1].mixed = link(S, objectId(${'0'.repeat(24)}))`);
  refuses('link-target-mismatch', 'Update A[1].link = link(B, 1)');
  refuses('wrong-place', 'Update A[1].ints = 1');
  refuses('wrong-place', 'Update A[1].set = null');
  refuses('wrong-place', 'Update A[1].dict = dictionary');
});

test('Update with an object creates one where there is none, and keeps one that is there', () => {
  const state = after(base, 'Update A[1].e = object\nUpdate A[1].e["int"] = 5\nUpdate A[1].e = object');
  assert.equal(field(state, 'e'), { object: { e: 'null', int: '5', ints: [] } });
  const fresh = after(state, 'Update A[1].e = null\nUpdate A[1].e = object');
  assert.equal(field(fresh, 'e'), { object: { e: 'null', int: '0', ints: [] } });
});

test('Update with a list or dictionary makes a mixed value one, and keeps one that is there', () => {
  const state = after(
    base,
    'Update A[1].mixed = list\nArrayInsert A[1].mixed[0] = 1 of 0\nUpdate A[1].mixed = list',
  );
  assert.equal(field(state, 'mixed'), ['1']);
  const other = after(state, 'Update A[1].mixed = dictionary\nUpdate A[1].mixed["k"] = "v"');
  assert.equal(field(other, 'mixed'), { dictionary: { k: '"v"' } });
  assert.equal(field(after(other, 'Update A[1].mixed = list'), 'mixed'), []);
});

test('Update of a list element', () => {
  const setup = `ArrayInsert A[1].ints[0] = 1 of 0
    ArrayInsert A[1].mixeds[0] = list of 0
    ArrayInsert A[1].mixeds[0][0] = 1 of 0
    ArrayInsert A[1].es[0] = object of 0
    Update A[1].es[0]["int"] = 5
    ArrayInsert A[1].links[0] = link(B, "a") of 0
`;
  const state = after(
    base,
    `${setup}
     Update A[1].ints[0] = 2 of 1
     Update A[1].mixeds[0] = list of 1
     Update A[1].es[0] = object of 1
     Update A[1].links[0] = link(B, "b") of 1`,
  );
  assert.equal(field(state, 'ints'), ['2']);
  assert.equal(field(state, 'mixeds'), [['1']]);
  assert.equal(field(state, 'es'), [{ object: { e: 'null', int: '5', ints: [] } }]);
  assert.equal(field(state, 'links'), ['link(B, "b")']);
  // The size is a matter of the merge, not of application.
  assert.equal(field(after(state, 'Update A[1].ints[0] = 3 of 9'), 'ints'), ['3']);
  refuses('index-out-of-range', `${setup}Update A[1].ints[1] = 2 of 1`);
  refuses('index-out-of-range', `${setup}Update A[1].es[1] = object of 1`);
  refuses('type-mismatch', `${setup}Update A[1].ints[0] = erased of 1`);
  refuses('type-mismatch', `${setup}Update A[1].ints[0] = list of 1`);
  refuses('type-mismatch', `${setup}Update A[1].ints[0] = object of 1`);
  refuses('not-nullable', `${setup}Update A[1].ints[0] = null of 1`);
  refuses('not-nullable', `${setup}Update A[1].links[0] = null of 1`);
  refuses('not-nullable', `${setup}Update A[1].es[0] = null of 1`);
  for (const index of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    const error = edit(state).apply(updateElement('A', intKey(1n), 'ints', [index], 1n, 1));
    assert.is(error?.reason, 'index-out-of-range');
  }
});

test('Update of a dictionary entry adds, overwrites and erases', () => {
  const state = after(
    base,
    `Update A[1].dict["a"] = 1
     Update A[1].dict["b"] = 1
     Update A[1].dict["b"] = 2
     Update A[1].dict["c"] = 3
     Update A[1].dict["c"] = erased
     Update A[1].dict["c"] = erased
     Update A[1].dict["__proto__"] = 4
     Update A[1].dict_link["a"] = link(B, "b")
     Update A[1].dict_link["b"] = null
     Update A[1].dict_mixed["l"] = list
     ArrayInsert A[1].dict_mixed["l"][0] = 1 of 0
     Update A[1].dict_mixed["l"] = list
     Update A[1].dict_mixed["d"] = dictionary`,
  );
  assert.equal(field(state, 'dict'), {
    dictionary: Object.fromEntries([
      ['__proto__', '4'],
      ['a', '1'],
      ['b', '2'],
    ]),
  });
  assert.equal(field(state, 'dict_link'), { dictionary: { a: 'link(B, "b")', b: 'null' } });
  assert.equal(field(state, 'dict_mixed'), { dictionary: { d: { dictionary: {} }, l: ['1'] } });
  refuses('type-mismatch', 'Update A[1].dict["a"] = "x"');
  refuses('not-nullable', 'Update A[1].dict["a"] = null');
  refuses('type-mismatch', 'Update A[1].dict["a"] = object');
  refuses('type-mismatch', 'Update A[1].dict["a"] = list');
});

test('Update with an object keeps one under a dictionary key, but for the reference', () => {
  const text = `Update A[1].dict_e["k"] = null
    Update A[1].dict_e["k"] = object
    Update A[1].dict_e["k"]["int"] = 5
    Update A[1].dict_e["k"] = object`;
  const int = (rules: ApplyRules): unknown => {
    const plain = field(after(base, text, rules), 'dict_e') as {
      dictionary: { k: { object: { int: string } } };
    };
    return plain.dictionary.k.object.int;
  };
  assert.is(int(synclineApplyRules), '5');
  assert.is(int(realmApplyRules), '0');
});

test('AddInteger adds and wraps, leaves null, and works in mixed values that are integers', () => {
  const state = after(
    base,
    `AddInteger A[1].int += 9223372036854775807
     AddInteger A[1].int += 2
     AddInteger A[1].int_null += 5
     Update A[1].mixed = 1
     AddInteger A[1].mixed += -2
     Update A[1].e = object
     AddInteger A[1].e["int"] += 3`,
  );
  assert.is(field(state, 'int'), '-9223372036854775807');
  assert.is(field(state, 'int_null'), 'null');
  assert.is(field(state, 'mixed'), '-1');
  assert.equal(field(state, 'e'), { object: { e: 'null', int: '3', ints: [] } });
  assert.is(field(after(base, 'AddInteger A[1].mixed += 1'), 'mixed'), 'null');
  refuses('not-an-integer', 'AddInteger A[1].string += 1');
  refuses('not-an-integer', 'AddInteger A[1].double += 1');
  refuses('not-an-integer', 'Update A[1].mixed = double(1)\nAddInteger A[1].mixed += 1');
  refuses('wrong-place', 'AddInteger A[1].ints += 1');
  refuses('wrong-place', 'ArrayInsert A[1].ints[0] = 1 of 0\nAddInteger A[1].ints[0] += 1');
  refuses('wrong-place', 'Update A[1].dict["k"] = 1\nAddInteger A[1].dict["k"] += 1');
});

test('ArrayInsert inserts before the index', () => {
  const state = after(
    base,
    `ArrayInsert A[1].ints[0] = 1 of 0
     ArrayInsert A[1].ints[1] = 3 of 1
     ArrayInsert A[1].ints[1] = 2 of 2
     ArrayInsert A[1].ints[0] = 0 of 3
     ArrayInsert A[1].es[0] = object of 0
     ArrayInsert A[1].mixeds[0] = dictionary of 0
     ArrayInsert A[1].mixeds[1] = list of 1
     ArrayInsert A[1].mixeds[1][0] = null of 0`,
  );
  assert.equal(field(state, 'ints'), ['0', '1', '2', '3']);
  assert.equal(field(state, 'es'), [{ object: { e: 'null', int: '0', ints: [] } }]);
  assert.equal(field(state, 'mixeds'), [{ dictionary: {} }, ['null']]);
});

test('ArrayInsert refuses bad sizes, indices, values and places', () => {
  refuses('prior-size-mismatch', 'ArrayInsert A[1].ints[0] = 1 of 1');
  refuses('index-out-of-range', 'ArrayInsert A[1].ints[1] = 1 of 0');
  refuses('type-mismatch', 'ArrayInsert A[1].ints[0] = "s" of 0');
  refuses('not-nullable', 'ArrayInsert A[1].ints[0] = null of 0');
  refuses('not-nullable', 'ArrayInsert A[1].links[0] = null of 0');
  refuses('link-target-mismatch', 'ArrayInsert A[1].links[0] = link(A, 1) of 0');
  refuses('type-mismatch', 'ArrayInsert A[1].ints[0] = object of 0');
  refuses('type-mismatch', 'ArrayInsert A[1].mixeds[0] = object of 0');
  refuses('type-mismatch', 'ArrayInsert A[1].mixeds[0] = erased of 0');
  refuses('type-mismatch', 'ArrayInsert A[1].mixeds[0] = set of 0');
  refuses('type-mismatch', 'ArrayInsert A[1].ints[0] = list of 0');
  refuses('wrong-place', 'ArrayInsert A[1].int[0] = 1 of 0');
  refuses('wrong-place', 'ArrayInsert A[1].set[0] = 1 of 0');
  refuses('wrong-place', 'ArrayInsert A[1].mixed[0] = 1 of 0');
  refuses('wrong-place', 'Update A[1].mixed = dictionary\nArrayInsert A[1].mixed[0] = 1 of 0');
  refuses('index-out-of-range', 'ArrayInsert A[1].mixeds[0][0] = 1 of 0');
});

const three = `ArrayInsert A[1].ints[0] = 0 of 0
  ArrayInsert A[1].ints[1] = 1 of 1
  ArrayInsert A[1].ints[2] = 2 of 2
`;

test('ArrayMove takes an element out and puts it where it will be found', () => {
  const moved = (from: number, to: number): unknown =>
    field(after(base, `${three}ArrayMove A[1].ints[${from}] -> ${to} of 3`), 'ints');
  assert.equal(moved(0, 2), ['1', '2', '0']);
  assert.equal(moved(0, 1), ['1', '0', '2']);
  assert.equal(moved(2, 0), ['2', '0', '1']);
  assert.equal(moved(2, 1), ['0', '2', '1']);
  refuses('index-out-of-range', `${three}ArrayMove A[1].ints[3] -> 0 of 3`);
  refuses('index-out-of-range', `${three}ArrayMove A[1].ints[0] -> 3 of 3`);
  refuses('move-to-same-place', `${three}ArrayMove A[1].ints[1] -> 1 of 3`);
  refuses('prior-size-mismatch', `${three}ArrayMove A[1].ints[0] -> 1 of 2`);
  refuses('wrong-place', 'ArrayMove A[1].int[0] -> 1 of 2');
});

test('ArrayErase takes an element out', () => {
  const erased = (index: number): unknown =>
    field(after(base, `${three}ArrayErase A[1].ints[${index}] of 3`), 'ints');
  assert.equal(erased(0), ['1', '2']);
  assert.equal(erased(1), ['0', '2']);
  assert.equal(erased(2), ['0', '1']);
  refuses('index-out-of-range', `${three}ArrayErase A[1].ints[3] of 3`);
  refuses('prior-size-mismatch', `${three}ArrayErase A[1].ints[0] of 4`);
  refuses('wrong-place', 'ArrayErase A[1].int[0] of 1');
});

test('Clear empties a collection, named by its kind or as old senders did', () => {
  const full = `${three}SetInsert A[1].set 1\nUpdate A[1].dict["k"] = 1\n`;
  for (const kind of ['list', 'single'])
    assert.equal(field(after(base, `${full}Clear A[1].ints ${kind}`), 'ints'), []);
  for (const kind of ['set', 'single'])
    assert.equal(field(after(base, `${full}Clear A[1].set ${kind}`), 'set'), { set: [] });
  for (const kind of ['dictionary', 'single'])
    assert.equal(field(after(base, `${full}Clear A[1].dict ${kind}`), 'dict'), { dictionary: {} });
  refuses('collection-mismatch', 'Clear A[1].ints set');
  refuses('collection-mismatch', 'Clear A[1].set dictionary');
  refuses('collection-mismatch', 'Clear A[1].dict list');
  refuses('wrong-place', 'Clear A[1].int list');
  refuses('wrong-place', 'Clear A[1].e dictionary');
});

test('Clear makes a mixed place an empty collection, whatever it was', () => {
  const cleared = (setup: string, kind: string): unknown =>
    field(after(base, `${setup}\nClear A[1].mixed ${kind}`), 'mixed');
  assert.equal(cleared('Update A[1].mixed = 5', 'list'), []);
  assert.equal(cleared('Update A[1].mixed = list\nArrayInsert A[1].mixed[0] = 1 of 0', 'list'), []);
  assert.equal(cleared('Update A[1].mixed = list\nArrayInsert A[1].mixed[0] = 1 of 0', 'dictionary'), {
    dictionary: {},
  });
  const nested = after(
    base,
    `ArrayInsert A[1].mixeds[0] = 5 of 0
     Clear A[1].mixeds[0] list
     Update A[1].dict_mixed["k"] = 5
     Clear A[1].dict_mixed["k"] dictionary`,
  );
  assert.equal(field(nested, 'mixeds'), [[]]);
  assert.equal(field(nested, 'dict_mixed'), { dictionary: { k: { dictionary: {} } } });
  refuses('collection-mismatch', 'Clear A[1].mixed set');
  refuses('collection-mismatch', 'Clear A[1].mixed single');
  refuses('index-out-of-range', 'Clear A[1].mixeds[0] list');
});

test('Clear under a missing dictionary key creates the collection, but for the reference', () => {
  const text = 'Clear A[1].dict_mixed["k"] list';
  assert.equal(field(after(base, text), 'dict_mixed'), { dictionary: { k: [] } });
  refuses('no-such-entry', text, realmApplyRules);
});

test('SetInsert and SetErase add and remove a member once', () => {
  const state = after(
    base,
    `SetInsert A[1].set 1
     SetInsert A[1].set 1
     SetInsert A[1].set 2
     SetErase A[1].set 2
     SetErase A[1].set 2
     SetInsert A[1].set_null null
     SetInsert A[1].set_link link(B, "b")`,
  );
  assert.equal(field(state, 'set'), { set: ['1'] });
  assert.equal(field(state, 'set_null'), { set: ['null'] });
  assert.equal(field(state, 'set_link'), { set: ['link(B, "b")'] });
  for (const kind of ['SetInsert', 'SetErase']) {
    refuses('type-mismatch', `${kind} A[1].set "s"`);
    refuses('not-nullable', `${kind} A[1].set null`);
    refuses('not-nullable', `${kind} A[1].set_link null`);
    refuses('link-target-mismatch', `${kind} A[1].set_link link(A, 1)`);
    for (const marker of ['object', 'list', 'dictionary', 'set', 'erased'])
      refuses('type-mismatch', `${kind} A[1].set_mixed ${marker}`);
    refuses('wrong-place', `${kind} A[1].ints 1`);
    refuses('wrong-place', `${kind} A[1].int 1`);
    refuses('wrong-place', `Update A[1].mixed = list\n${kind} A[1].mixed 1`);
  }
});

test('SetErase of null is fine where null fits, but for the reference', () => {
  const text = 'SetInsert A[1].set_null null\nSetErase A[1].set_null null';
  assert.equal(field(after(base, text), 'set_null'), { set: [] });
  refuses('type-mismatch', text, realmApplyRules);
  const mixed = 'SetInsert A[1].set_mixed null\nSetErase A[1].set_mixed null';
  assert.equal(field(after(base, mixed, realmApplyRules), 'set_mixed'), { set: [] });
});

test('members are distinguished by type and value, and the last representation stays', () => {
  const members = (name: string, values: readonly string[], rules?: ApplyRules): unknown => {
    const text = values.map((value) => `SetInsert A[1].${name} ${value}`).join('\n');
    return (field(after(base, text, rules), name) as { set: string[] }).set;
  };
  const [one, oneHundredths] = ['30400000000000000000000000000001', '303c0000000000000000000000000064'];
  const numbers = ['1', 'double(1)', 'float(1)', `decimal(${one})`, `decimal(${oneHundredths})`];
  const inOrder = ['1', `decimal(${oneHundredths})`, 'double(1)', 'float(1)'];
  assert.equal(members('set_mixed', numbers), inOrder);
  assert.equal(members('set_mixed', numbers, realmApplyRules), ['1']);
  assert.equal(members('set_mixed', ['double(-0)', 'double(0)', 'float(0)', 'float(-0)']), [
    'double(0)',
    'float(-0)',
  ]);
  const odd = 'double(0x7ff8000000000001)';
  assert.equal(members('set_double', ['double(NaN)', odd, 'double(NaN)']), [odd, 'double(NaN)']);
});

test('a NaN in a set of doubles equals nothing for the reference', () => {
  const text = `SetInsert A[1].set_double double(NaN)
    SetInsert A[1].set_double double(NaN)
    SetErase A[1].set_double double(NaN)`;
  assert.equal(field(after(base, text), 'set_double'), { set: [] });
  assert.equal(field(after(base, text, realmApplyRules), 'set_double'), {
    set: ['double(NaN)', 'double(NaN)'],
  });
  const mixed = text.replaceAll('set_double', 'set_mixed');
  assert.equal(field(after(base, mixed, realmApplyRules), 'set_mixed'), { set: [] });
});

test('a NaN hides another double for the reference', () => {
  const values = ['-2.25', '0', 'NaN', '1.5', '1e300', '-Infinity'];
  const text = values.map((value) => `SetInsert A[1].set_double double(${value})`).join('\n');
  const state = after(base, text, realmApplyRules);
  const erased = after(state, 'SetErase A[1].set_double double(0)', realmApplyRules);
  assert.is((field(erased, 'set_double') as { set: string[] }).set.length, values.length);
  const twice = after(state, 'SetInsert A[1].set_double double(0)', realmApplyRules);
  assert.is((field(twice, 'set_double') as { set: string[] }).set.length, values.length + 1);
  assert.is((field(state, 'set_double') as { set: string[] }).set.length, values.length);
  const sound = after(base, text.replace('NaN', '7'), realmApplyRules);
  const without = after(sound, 'SetErase A[1].set_double double(0)', realmApplyRules);
  assert.is((field(without, 'set_double') as { set: string[] }).set.length, values.length - 1);
});

test('numbers of different types are one member for the reference where they are equal', () => {
  const merged = (a: string, b: string): boolean => {
    const state = after(
      base,
      `SetInsert A[1].set_mixed ${a}\nSetInsert A[1].set_mixed ${b}`,
      realmApplyRules,
    );
    return (field(state, 'set_mixed') as { set: string[] }).set.length === 1;
  };
  const decimal = (coefficient: bigint, exponent: number): string => {
    const bits = (BigInt(exponent + 6176) << 113n) | coefficient;
    return `decimal(${bits.toString(16).padStart(32, '0')})`;
  };
  assert.ok(merged('1152921504606846976', 'double(1152921504606846976)'));
  assert.not.ok(merged('1152921504606846977', 'double(1152921504606846976)'));
  assert.ok(merged('-5', 'float(-5)'));
  assert.ok(merged('1000', decimal(1n, 3)));
  assert.ok(merged('double(0.1)', decimal(1n, -1)));
  assert.ok(merged('double(1e-7)', decimal(1n, -7)));
  assert.ok(merged('double(1.5e300)', decimal(15n, 299)));
  assert.ok(merged('double(-0)', '0'));
  assert.ok(merged('double(Infinity)', 'decimal(78000000000000000000000000000000)'));
  assert.not.ok(merged('double(0.5)', 'true'));
  assert.not.ok(merged('"1"', '1'));
});

test('a draft is read in the middle, dropped without a trace, and goes on after it is finished', () => {
  const draft = edit(base);
  assert.is(draft.apply(update('A', intKey(1n), 'int', [], 1n)), null);
  assert.is(field(draft.state, 'int'), '1');
  assert.is(field(base, 'int'), '0');
  const first = draft.finish();
  assert.is(draft.apply(update('A', intKey(1n), 'int', [], 2n)), null);
  assert.is(field(first, 'int'), '1');
  assert.is(field(draft.finish(), 'int'), '2');
  assert.is(field(base, 'int'), '0');
});

test('a draft to which nothing happened answers the state it was made of', () => {
  assert.is(edit(base).finish(), base);
});

test('applyAll does all or nothing, and says which instruction failed', () => {
  const result = run(base, 'Update A[1].int = 5\nUpdate A[2].int = 5\nUpdate A[1].int = 6');
  assert.ok(E.isLeft(result));
  assert.is(result.left.index, 1);
  assert.is(result.left.message, 'Update A[2].int: there is no such object');
  assert.is(field(base, 'int'), '0');
});

test('apply does one', () => {
  const result = apply(emptyState, addTable('T', { type: 'embedded' }));
  assert.ok(E.isRight(result));
  assert.is(table(result.right, 'T')?.spec, 'embedded');
});

/** An instruction with parts of another: mostly well-formed, mostly inapplicable, and nearly right. */
const crossed = (random: Random, one: Instruction, other: Instruction): Instruction => {
  const taken = Object.entries(other).filter(
    ([part]) =>
      part !== 'kind' &&
      part in one &&
      (part !== 'value' || one.kind !== 'AddInteger') &&
      random.int(3) === 0,
  );
  const path: Path = isPathInstruction(one) ? one.path : [];
  const longer = [...path, pick(random, [0, 1, 'k', 'e', 'int', -1, 0.5])];
  return {
    ...one,
    ...Object.fromEntries(taken),
    ...(isPathInstruction(one) && random.int(4) === 0 ? { path: longer } : {}),
    ...('priorSize' in one && random.int(6) === 0 ? { priorSize: random.int(4) } : {}),
  } as Instruction;
};

test('every instruction is applied or refused without effect, under both sets of rules', () => {
  const reasons = new Set<Reason>();
  const applied = new Set<string>();
  const holds = (state: State, instruction: Instruction, rules: ApplyRules): void => {
    const draft = edit(state, rules);
    const before = digest(state);
    const error = draft.apply(instruction);
    if (error === null) applied.add(instruction.kind);
    else {
      reasons.add(error.reason);
      assert.is(digest(draft.finish()), before, printInstruction(instruction));
    }
    assert.is(digest(state), before, printInstruction(instruction));
  };
  const wild = fc.array(arbitrary.instructions, { maxLength: 4 });
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 40 }), wild, (seed, steps, others) => {
      const random = seeded(seed);
      const state = randomWorld(random, { weights: allWeights, steps });
      for (const rules of [synclineApplyRules, realmApplyRules]) {
        for (const instruction of others) holds(state, instruction, rules);
        for (let i = 0; i < 6; i++) {
          const one = randomInstruction(random, state, { weights: allWeights });
          holds(state, one, rules);
          holds(
            state,
            crossed(random, one, randomInstruction(random, state, { weights: allWeights })),
            rules,
          );
        }
      }
    }),
    { numRuns: 300 },
  );
  for (const kind of kinds) assert.ok(applied.has(kind), `${kind} was never applied`);
  assert.ok(reasons.size >= 12, [...reasons].join(' '));
});

test('an error in the middle leaves the draft as it was, and it goes on', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = seeded(seed);
    const state = randomWorld(random, { weights: allWeights });
    const { instructions: valid } = randomInstructions(random, state, 15, { weights: allWeights });
    const clean = edit(state);
    const disturbed = edit(state);
    for (const instruction of valid) {
      const other = randomInstruction(random, clean.state, { weights: allWeights });
      const wrong = crossed(random, instruction, other);
      const before = digest(disturbed.state);
      if (edit(clean.state).apply(wrong) !== null) assert.ok(disturbed.apply(wrong) !== null);
      assert.is(digest(disturbed.state), before);
      assert.is(clean.apply(instruction), null);
      assert.is(disturbed.apply(instruction), null);
      assert.is(digest(disturbed.state), digest(clean.state));
    }
    assert.equal(plainState(disturbed.finish()), plainState(clean.finish()));
  }
});

test('a finished state never changes, whatever is done to drafts made of it', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = seeded(seed);
    const draft = edit(randomWorld(random, { weights: allWeights }));
    const kept: { readonly state: State; readonly plain: unknown }[] = [];
    for (let i = 0; i < 8; i++) {
      const state = draft.finish();
      kept.push({ state, plain: plainState(state) });
      for (const instruction of randomInstructions(random, state, 4, { weights: allWeights }).instructions)
        assert.is(draft.apply(instruction), null);
    }
    for (const { state, plain } of kept) assert.equal(plainState(state), plain);
  }
});

test('one by one or all in one draft, the outcome is the same', () => {
  for (let seed = 100; seed < 160; seed++) {
    const random = seeded(seed);
    const state = randomWorld(random);
    const whole = randomInstructions(random, state, 20, { weights: allWeights });
    let single = state;
    for (const instruction of whole.instructions) {
      const next = apply(single, instruction);
      assert.ok(E.isRight(next));
      single = next.right;
    }
    assert.equal(plainState(single), plainState(whole.state));
  }
});

test.run();
