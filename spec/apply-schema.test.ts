import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { edit } from '../core/model/apply.js';
import { realmApplyRules } from '../core/model/apply-rules.js';
import { intKey } from '../core/model/key.js';
import { after, base, field, refuses, run, table } from './kit/applying.js';
import { plainObject, plainState } from './kit/plain.js';
import { suite } from './kit/suite.js';

const test = suite('apply: schema and objects');

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

test.run();
