import * as assert from 'uvu/assert';
import { type ApplyRules, realmApplyRules } from '../core/model/apply-rules.js';
import { after, base, field, refuses } from './kit/applying.js';
import { suite } from './kit/suite.js';

const test = suite('apply: collections');

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

test.run();
