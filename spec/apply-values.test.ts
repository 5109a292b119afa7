import * as assert from 'uvu/assert';
import { edit } from '../core/model/apply.js';
import { type ApplyRules, realmApplyRules, synclineApplyRules } from '../core/model/apply-rules.js';
import { digest } from '../core/model/digest.js';
import { update, updateElement } from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { list } from '../core/model/value.js';
import { after, base, field, refuses } from './kit/applying.js';
import { suite } from './kit/suite.js';

const test = suite('apply: values');

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

test.run();
