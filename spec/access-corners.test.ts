/** Rules, configurations and partition keys at the edges of what they may say. */
import { ObjectId, UUID } from 'bson';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { decodePartitionConfig } from '../core/access/config.js';
import { type AccessContext, evaluate, type Truth } from '../core/access/evaluate.js';
import { expressionLimits, type RuleValue } from '../core/access/expression.js';
import { changedRules } from '../core/access/fixed-rules.js';
import { parseExpression } from '../core/access/parse-expression.js';
import {
  type PartitionType,
  type PartitionValue,
  partitionInRules,
  partitionName,
  partitionOfField,
  partitionOfName,
  partitionTypes,
  readPartitionValue,
} from '../core/access/partition-value.js';
import { explainExpression } from '../core/access/permissions.js';
import { type PartitionKey, Repartition } from '../core/access/repartition.js';
import { toRuleRecord, toRuleValue } from '../core/access/rule-value.js';
import { joinedSchema } from '../core/access/schema-change.js';
import { looseLinks, refusedWrites, type UploadPolicy } from '../core/access/upload-policy.js';
import type { Schema } from '../core/model/class-schema.js';
import { createObject, type Instruction, update } from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { decodeSchema } from '../core/model/schema-config.js';
import { Findings } from '../core/model/schema-findings.js';
import { emptyState } from '../core/model/state.js';
import { dictionary, objectId, uuid } from '../core/model/value.js';
import { instructions } from './kit/notation.js';
import { suite } from './kit/suite.js';
import { build } from './kit/worlds.js';

const corners = suite('corners of access');

const read = (input: unknown, functions: ReadonlySet<string> = new Set()) => {
  const findings = new Findings();
  return { expression: parseExpression(input, 'rule', functions, findings), errors: findings.errors };
};
const errorsOf = (input: unknown): string =>
  read(input)
    .errors.map(({ message }) => message)
    .join('\n');

const contextOf = (data: Readonly<Record<string, RuleValue>>, partition: PartitionValue): AccessContext => ({
  user: { id: 'ann', data, customData: {} },
  partition,
  values: {},
  environment: {},
});

const truthOf = (
  input: unknown,
  data: Readonly<Record<string, RuleValue>> = {},
  partition: PartitionValue = 'b',
): Truth => {
  const { expression, errors } = read(input);
  if (expression === null) throw new Error(errors.map(({ message }) => message).join('\n'));
  return evaluate(expression, contextOf(data, partition), new Map()).truth;
};

corners('lists within lists of a user are one list of what is found', () => {
  const teams = [{ names: ['a', 'b'] }, { names: [] }, {}, { names: ['c'] }, { names: 'd' }, 5];
  const rule = { '%%user.data.teams.names': '%%partition' };
  for (const [partition, is] of [
    ['a', true],
    ['c', true],
    ['d', true],
    ['e', false],
  ] as const)
    assert.is(truthOf(rule, { teams }, partition), is, partition);
  assert.is(truthOf(rule, { teams: [{}, 5, { names: [] }] }, 'a'), false);
});

corners('integers beyond what numbers can tell apart are compared with numbers as what they are', () => {
  const big = 2n ** 53n;
  const level = (operators: unknown, value: RuleValue) =>
    truthOf({ '%%partition': operators }, { value }, big);
  assert.is(level({ $gte: '%%user.data.value' }, Number(big)), true);
  assert.is(level({ $gt: '%%user.data.value' }, Number(big)), false);
  assert.is(level({ $lte: '%%user.data.value' }, Number(big)), true);
  assert.is(level({ $lt: '%%user.data.value' }, Number(big) + 2), true);
  assert.is(level({ $gt: { $numberLong: '9007199254740991' } }, 0), true);
  const { expression } = read({ '%%partition': { $gt: { $numberLong: '9223372036854775807' } } });
  assert.ok(expression !== null);
  assert.is(
    explainExpression(expression, contextOf({}, 2n ** 62n)),
    '%%partition ("4611686018427387904") $gt "9223372036854775807": no',
  );
});

corners('patterns take their options', () => {
  const lines = { text: 'one\ntwo' };
  const matches = ($regex: string, $options?: string) =>
    truthOf({ '%%user.data.text': $options === undefined ? { $regex } : { $regex, $options } }, lines);
  assert.equal(
    [
      matches('^two'),
      matches('^two', 'm'),
      matches('one.two'),
      matches('one.two', 's'),
      matches('ONE.TWO', 'is'),
    ],
    [false, true, false, true, true],
  );
  for (const options of ['x', 'g', 5, ['i']])
    assert.match(
      errorsOf({ '%%user.data.text': { $regex: 'a', $options: options } }),
      /options among i, m and s|the options/,
    );
});

const nested = (depth: number, inner: unknown, around: (each: unknown) => unknown): unknown => {
  let value = inner;
  for (let i = 0; i < depth; i++) value = around(value);
  return value;
};

corners('what is too deep is refused wherever it is, and so is a function where there is none', () => {
  const { depth } = expressionLimits;
  for (const [what, rule] of [
    ['operators', { '%%user.id': nested(depth, { $eq: 'a' }, (each) => ({ $not: each })) }],
    ['lists', { '%%user.id': { $in: nested(depth, 'a', (each) => [each]) } }],
    ['values', { '%%user.data.x': nested(depth, 'a', (each) => ({ x: each })) }],
    ['groups', nested(depth, true, (each) => ({ $and: [each] }))],
    [
      'arguments',
      { '%%true': nested(depth, 'a', (each) => ({ '%function': { name: 'f', arguments: [each] } })) },
    ],
  ] as const)
    assert.match(
      read(rule, new Set(['f']))
        .errors.map(({ message }) => message)
        .join('\n'),
      new RegExp(`at most ${depth} levels`),
      what,
    );
  assert.match(errorsOf({ '%%true': { '%function': { name: 'f' } } }), 'but none is registered');
});

corners('what rules are told is data, with ids and moments as texts', () => {
  const id = new ObjectId();
  const unique = new UUID();
  class Odd {
    readonly x = 1;
  }
  const given = {
    id,
    unique,
    at: new Date(0),
    never: new Date(Number.NaN),
    odd: new Odd(),
    list: [new Odd(), id, [new Date(Number.NaN)], Number.NaN],
    big: 2n ** 60n,
    call: () => 1,
    none: undefined,
    nothing: null,
    inner: { constructor: 1, ['__proto__']: 2, x: 1 },
  };
  assert.equal(toRuleRecord(given), {
    id: id.toString(),
    unique: unique.toString(),
    at: '1970-01-01T00:00:00.000Z',
    list: [null, id.toString(), [null], null],
    big: 2n ** 60n,
    nothing: null,
    inner: { x: 1 },
  });
  for (const odd of [new Odd(), [], 'text', 5, new Date(), new Map()]) assert.is(toRuleRecord(odd), null);
  assert.equal([toRuleRecord(null), toRuleRecord(undefined)], [{}, {}]);
  assert.is(toRuleValue(nested(30, 1, (each) => [each])), undefined);
});

const hex = '5f4863e4d49bd2191ff1e623';
const digits = '00112233445566778899aabbccddeeff';
const partitions: readonly (readonly [PartitionType | 'null', PartitionValue, unknown])[] = [
  ['null', null, null],
  ['string', 'Store 42', 'Store 42'],
  ['long', 42n, 42],
  ['long', 2n ** 60n, 2n ** 60n],
  ['objectId', objectId(hex), new ObjectId(hex)],
  ['uuid', uuid(digits), new UUID(digits)],
];

corners('each value of a partition key has one name, and is of one type', () => {
  for (const [type, value, given] of partitions) {
    const name = partitionName(value);
    for (const each of partitionTypes) {
      const fits = type === each || type === 'null';
      const found = partitionOfName(name, each, false);
      assert.is(E.isRight(found), fits, `${name} as ${each}`);
      if (E.isRight(found)) assert.equal(found.right, value);
      assert.is(E.isRight(partitionOfName(name, each, true)), type === each);
      assert.equal(partitionOfField(value, each), fits ? value : undefined, `${name} in a field of ${each}`);
    }
    assert.equal(readPartitionValue(given), E.right(value));
    assert.ok(['string', 'number', 'bigint', 'object'].includes(typeof partitionInRules(value)));
  }
  for (const value of [true, 1.5, dictionaryOf()] as never[])
    for (const each of partitionTypes) assert.is(partitionOfField(value, each), undefined);
  for (const name of [
    '',
    'Store 42',
    '"open',
    '"\\u0041"',
    '"a" ',
    '42',
    'true',
    `{"$oid":"${hex.slice(1)}"}`,
    `{"$oid":"${hex.toUpperCase()}"}`,
    `{"$uuid":"${digits}"}`,
    '{"$numberLong":"042"}',
    '{"$numberLong":"-0"}',
    '{"$numberLong":"9223372036854775808"}',
    '{"$numberLong":"a"}',
    '{"$date":"1"}',
  ])
    for (const each of partitionTypes)
      assert.ok(E.isLeft(partitionOfName(name, each, false)), `${name} as ${each}`);
  for (const given of [1.5, Number.NaN, 2n ** 64n, {}, [], true, undefined, new Date()]) {
    const refused = readPartitionValue(given);
    assert.match(E.isLeft(refused) ? refused.left : '', 'no value of a partition: found');
  }
});

const dictionaryOf = () => ({ type: 'binary', bytes: new Uint8Array(1) });

const config = {
  type: 'partition',
  state: 'enabled',
  partition: { key: 'region', type: 'string', permissions: { read: true, write: true } },
};

corners('a configuration is refused with the place of each thing that is wrong', () => {
  const placesOf = (input: unknown): readonly string[] => {
    const decoded = decodePartitionConfig(input);
    return E.isLeft(decoded) ? decoded.left.map(({ message }) => message.split(':')[0] ?? '') : [];
  };
  assert.equal(placesOf(config), []);
  assert.equal(placesOf(null), ['config']);
  assert.equal(placesOf({ ...config, partition: 'region' }), ['config.partition']);
  const { partition } = config;
  const within = (more: object) => placesOf({ ...config, partition: { ...partition, ...more } });
  assert.equal(within({ permissions: true }), ['config.partition.permissions']);
  assert.equal(within({ required: 'yes' }), ['config.partition.required']);
  assert.equal(within({ key: '_id', type: 'int' }), ['config.partition.key', 'config.partition.type']);
  assert.equal(placesOf({ ...config, development_mode_enabled: true }), ['config.database_name']);
  assert.equal(placesOf({ ...config, development_mode_enabled: true, database_name: '' }), [
    'config.database_name',
  ]);
  assert.equal(placesOf({ ...config, development_mode_enabled: true, database_name: 'db' }), []);
  assert.equal(placesOf({ ...config, client_max_offline_days: -1, last_disabled: 'now' }), [
    'config.last_disabled',
    'config.client_max_offline_days',
  ]);
});

corners('rules that say the same in another order are no other rules', () => {
  const withRead = (read: unknown, more: object = {}) => ({
    ...config,
    ...more,
    partition: { ...config.partition, permissions: { read, write: true } },
  });
  const one = { $or: [{ '%%user.id': 'a', '%%partition': { $in: ['x', 'y'] } }, true] };
  const same = { $or: [{ '%%partition': { $in: ['x', 'y'] }, '%%user.id': 'a' }, true] };
  const other = { $or: [true, { '%%partition': { $in: ['x', 'y'] }, '%%user.id': 'a' }] };
  assert.equal(changedRules(withRead(one), withRead(same)), []);
  const [changed, ...more] = changedRules(withRead(one), withRead(other));
  assert.equal(more, []);
  assert.match(changed?.message ?? '', /^config\.partition\.permissions\.read: found \{"\$or":\[true,/);
  assert.match(changed?.message ?? '', 'as long as sync is not terminated');
  assert.equal(
    changedRules(withRead(true), withRead(true, { service_name: 's', client_max_offline_days: 5 })).map(
      ({ message }) => message.split(':')[0],
    ),
    ['config.service_name'],
  );
  assert.is(
    changedRules(config, { ...config, partition: null }).length,
    4,
    'a key, a type and two rules are gone',
  );
});

const policy: UploadPolicy = { key: 'region', type: 'string', partition: '"north"' };
const changeset = (version: number, all: readonly Instruction[]) => ({
  version,
  base: 0,
  timestamp: 1,
  origin: 0,
  instructions: all,
});

corners('a device says where its objects are only as they are', () => {
  const refused = (value: Parameters<typeof update>[4]) =>
    refusedWrites(policy, true, [
      changeset(1, [createObject('A', intKey(1n))]),
      changeset(2, [update('A', intKey(1n), 'region', [], value)]),
    ])?.versions ?? null;
  assert.is(refused('north'), null);
  for (const value of ['south', null, 5n, dictionary, objectId(hex)]) assert.equal(refused(value), [2]);
});

corners('links are loose to what neither was there nor was made nor has gone', () => {
  const state = build(instructions('AddTable A topLevel _id: int\nCreateObject A[1]'));
  const loose = (uploaded: string, met = ''): readonly number[] =>
    looseLinks(
      uploaded.split('--').map((text, i) => changeset(i + 1, instructions(text))),
      state,
      [changeset(9, instructions(met))],
    ).map(({ version }) => version);
  assert.equal(loose('Update A[1].l = link(A, 1)'), []);
  assert.equal(loose('Update A[1].l = link(A, 2)'), [1]);
  assert.equal(loose('Update A[1].l = link(A, 2)', 'EraseObject A[2]'), []);
  assert.equal(loose('CreateObject A[2]\nUpdate A[1].l = link(A, 2)--SetInsert A[1].s link(A, 3)'), [2]);
  assert.equal(loose('SetErase A[1].s link(A, 3)\nAddInteger A[1].i += 5\nUpdate A[1].l = null'), []);
});

const schemaOf = (...classes: readonly object[]): Schema => {
  const decoded = decodeSchema(classes);
  if (E.isLeft(decoded)) throw new Error(JSON.stringify(decoded.left));
  return decoded.right;
};
const thing = (properties: object) => ({
  name: 'A',
  primaryKey: '_id',
  properties: { _id: 'int', ...properties },
});

corners('schemas that say different things of one class are not joined', () => {
  const before = schemaOf(thing({ x: 'int' }));
  const joined = joinedSchema(
    before,
    schemaOf(thing({ x: 'string', y: 'int' }), { ...thing({}), name: 'B' }),
  );
  assert.match(E.isLeft(joined) ? joined.left.map(({ message }) => message).join() : '', /^schema\.A\.x: /);
  const more = joinedSchema(before, schemaOf(thing({ y: 'int' }), { ...thing({}), name: 'B' }));
  assert.ok(E.isRight(more));
  assert.equal([...more.right.byName.keys()], ['A', 'B']);
  assert.equal([...(more.right.byName.get('A')?.byName.keys() ?? [])], ['x', 'y']);
  const same = joinedSchema(before, before);
  assert.ok(E.isRight(same) && same.right === before);
});

const divide = (before: PartitionKey, after: PartitionKey, schema: Schema, longestName = 400) =>
  new Repartition({ before, after, schema, longestName });
const region: PartitionKey = { key: 'region', type: 'string', isRequired: false };
const owner: PartitionKey = { key: 'owner', type: 'string', isRequired: false };

const stateWith = (text: string) =>
  build(
    instructions(
      `AddTable A topLevel _id: int\nAddColumn A.owner: mixed?\nAddColumn A.n: int\nAddColumn A.l: int[]\n${text}`,
    ),
  );

corners('objects that would be twice in a partition are all told, up to a number', () => {
  const schema = schemaOf(thing({ owner: 'mixed', n: 'int' }));
  const two = (after: PartitionKey) => {
    const work = divide(region, after, schema);
    work.take('"n"', 'n', stateWith('CreateObject A[1]\nUpdate A[1].owner = "x"\nCreateObject A[2]'));
    work.take('"s"', 's', stateWith('CreateObject A[1]\nUpdate A[1].owner = "x"\nCreateObject A[2]'));
    const done = work.finish();
    return E.isLeft(done) ? done.left.map(({ message }) => message) : [];
  };
  assert.equal(two(region), []);
  assert.equal(two(owner).length, 2);
  assert.match(
    two(owner)[0] ?? '',
    /^A\[1\]: found it in the partitions "n" and "s", expected .* would be in "x"/,
  );
  assert.match(
    two({ ...owner, isRequired: true })[1] ?? '',
    'since neither has a value of the partition key',
  );
  const many = divide(region, owner, schema);
  const all = Array.from({ length: 150 }, (_, i) => `CreateObject A[${i}]`).join('\n');
  for (const name of ['n', 's']) many.take(`"${name}"`, name, stateWith(all));
  const done = many.finish();
  assert.is(E.isLeft(done) && done.left.length, 100);
});

corners('what does not fit in the new schema is told and counted, and the rest is kept', () => {
  const work = divide(region, region, schemaOf(thing({ n: 'string', other: 'int', owner: 'mixed' })));
  work.take('"n"', 'n', stateWith('CreateObject A[1]\nUpdate A[1].n = 5\nUpdate A[1].owner = "x"'));
  work.take('"s"', 's', stateWith('CreateObject A[1]\nUpdate A[1].n = 6\nArrayInsert A[1].l[0] = 1 of 0'));
  work.take('"t"', 't', build(instructions('AddTable Gone topLevel _id: int\nCreateObject Gone[1]')));
  work.take('"u"', 'u', emptyState);
  const done = work.finish();
  assert.ok(E.isRight(done));
  assert.equal([done.right.objects, done.right.unassigned], [2, 0]);
  assert.equal(done.right.dropped, [
    { class: 'A', property: 'n', count: 2 },
    { class: 'A', property: 'l', count: 1 },
    { class: 'Gone', property: null, count: 1 },
  ]);
});

corners('where the new key says nothing that can be a partition, objects are in none', () => {
  const schema = schemaOf(thing({ owner: 'mixed', l: 'int[]' }));
  const placed = (after: PartitionKey, text: string, longestName = 400) => {
    const work = divide(region, after, schema, longestName);
    work.take('"n"', 'n', stateWith(`CreateObject A[1]\n${text}`));
    const done = work.finish();
    return E.isRight(done) ? [...done.right.states.keys()].filter((name) => name !== '"n"') : [];
  };
  const [stray] = placed({ ...owner, isRequired: true }, '');
  assert.ok(stray !== undefined && stray !== 'null');
  assert.equal(placed(owner, ''), ['null']);
  assert.equal(placed(owner, 'Update A[1].owner = "x"'), ['"x"']);
  assert.equal(placed(owner, 'Update A[1].owner = 5'), [stray]);
  assert.equal(placed(owner, 'Update A[1].owner = list'), [stray]);
  assert.equal(placed(owner, `Update A[1].owner = "${'x'.repeat(500)}"`), [stray]);
  assert.equal(placed({ key: 'l', type: 'long', isRequired: false }, 'ArrayInsert A[1].l[0] = 1 of 0'), [
    stray,
  ]);
});

corners.run();
