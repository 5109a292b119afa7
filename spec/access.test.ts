/** Rules of partitions: the examples of the documentation, Kleene's tables, and whatever a stranger may write. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type AccessContext, type Answers, evaluate, type Truth } from '../core/access/evaluate.js';
import type { RuleValue } from '../core/access/expression.js';
import { parseExpression } from '../core/access/parse-expression.js';
import { decideAccess, explainExpression } from '../core/access/permissions.js';
import { toRuleRecord } from '../core/access/rule-value.js';
import { Findings } from '../core/model/schema-findings.js';
import { objectId, uuid } from '../core/model/value.js';
import { processorTime } from './kit/processor-time.js';
import { suite } from './kit/suite.js';

const access = suite('access');

const functions = new Set(['canReadPartition', 'fails']);

const contextOf = (given: Partial<AccessContext> = {}): AccessContext => ({
  user: { id: 'ann', data: {}, customData: {} },
  partition: 'Store 42',
  values: {},
  environment: {},
  ...given,
});

const read = (input: unknown) => {
  const findings = new Findings();
  const expression = parseExpression(input, 'rule', functions, findings);
  return { expression, errors: findings.errors };
};

const truthOf = (input: unknown, given: Partial<AccessContext> = {}, answers: Answers = new Map()): Truth => {
  const { expression, errors } = read(input);
  if (expression === null) throw new Error(errors.map(({ message }) => message).join('\n'));
  return evaluate(expression, contextOf(given), answers).truth;
};

const errorsOf = (input: unknown): readonly string[] => read(input).errors.map(({ message }) => message);

const userWith = (data: Readonly<Record<string, RuleValue>>) => ({
  user: { id: 'ann', data, customData: data },
});

access('takes constants for everybody and nobody', () => {
  assert.is(truthOf(true), true);
  assert.is(truthOf(false), false);
  assert.is(truthOf({ '%%true': true }), true);
  assert.is(truthOf({ '%%false': true }), false);
  assert.is(truthOf({}), true);
});

access('compares the partition', () => {
  assert.is(truthOf({ '%%partition': 'Store 42' }), true);
  assert.is(truthOf({ '%%partition': 'PUBLIC' }), false);
  const some = { '%%partition': { $in: ['PUBLIC (NA)', 'PUBLIC (EMEA)', 'PUBLIC (APAC)'] } };
  assert.is(truthOf(some, { partition: 'PUBLIC (EMEA)' }), true);
  assert.is(truthOf(some, { partition: 'PUBLIC' }), false);
});

access('compares the user', () => {
  const one = { '%%user.id': '5f4863e4d49bd2191ff1e623' };
  const user = { id: '5f4863e4d49bd2191ff1e623', data: {}, customData: {} };
  assert.is(truthOf(one, { user }), true);
  assert.is(truthOf(one), false);
  assert.is(truthOf({ '%%user.id': { $in: ['5f48640dd49bd2191ff1e624', user.id] } }, { user }), true);
  assert.is(truthOf({ '%%user.id': '%%partition' }, { partition: 'ann' }), true);
});

access('finds the partition in a list of the user', () => {
  const readers = { '%%user.custom_data.readPartitions': '%%partition' };
  assert.is(truthOf(readers, userWith({ readPartitions: ['a', 'Store 42'] })), true);
  assert.is(truthOf(readers, userWith({ readPartitions: ['a', 'b'] })), false);
  assert.is(truthOf(readers, userWith({ readPartitions: 'Store 42' })), true);
  assert.is(truthOf(readers), false);
  assert.is(
    truthOf({ '%%user.data.writePartitions': '%%partition' }, userWith({ writePartitions: ['Store 42'] })),
    true,
  );
  assert.is(
    truthOf(
      { '%%user.data.teams.name': '%%partition' },
      userWith({ teams: [{ name: 'x' }, { name: 'Store 42' }] }),
    ),
    true,
  );
  assert.is(
    truthOf(
      { '%%user.data.teams.0.name': '%%partition' },
      userWith({ teams: [{ name: 'x' }, { name: 'Store 42' }] }),
    ),
    false,
  );
  assert.is(
    truthOf({ '%%partition': { $in: '%%user.data.teams' } }, userWith({ teams: ['Store 42'] })),
    true,
  );
});

access('knows the operators, with either sign', () => {
  const user = userWith({ level: 3, name: 'Ann Smith', tags: ['a', 'b'], address: { city: 'Bern' } });
  const level = (operators: unknown) => truthOf({ '%%user.data.level': operators }, user);
  assert.equal([{ $gt: 2 }, { $gte: 3 }, { $lt: 3 }, { $lte: 3 }, { $ne: 3 }, { $eq: 3 }].map(level), [
    true,
    true,
    false,
    true,
    false,
    true,
  ]);
  assert.equal([{ '%gt': 2, '%lt': 4 }, { $not: { $gt: 2 } }, { $nin: [1, 2] }].map(level), [
    true,
    false,
    true,
  ]);
  assert.is(truthOf({ '%%user.data.tags': { $all: ['a', 'b'] } }, user), true);
  assert.is(truthOf({ '%%user.data.tags': { $size: 3 } }, user), false);
  assert.is(truthOf({ '%%user.data.tags': { $elemMatch: { $eq: 'b' } } }, user), true);
  assert.is(truthOf({ '%%user.data.address': { city: 'Bern' } }, user), true);
  assert.is(truthOf({ '%%user.data.name': { $regex: '^ann\\b', $options: 'i' } }, user), true);
  assert.is(truthOf({ '%%user.data.missing': { $exists: false } }, user), true);
  assert.is(
    truthOf({ '%and': [{ '%not': { '%%user.data.level': 4 } }, { $nor: [{ '%%user.id': 'bob' }] }] }, user),
    true,
  );
});

access('compares ids by their text, and longs as numbers', () => {
  const hex = '5f4863e4d49bd2191ff1e623';
  const dashed = '00112233-4455-6677-8899-aabbccddeeff';
  assert.is(truthOf({ '%%partition': { $oid: hex.toUpperCase() } }, { partition: objectId(hex) }), true);
  assert.is(
    truthOf(
      { '%%user.data.stores': '%%partition' },
      { partition: objectId(hex), ...userWith({ stores: [hex] }) },
    ),
    true,
  );
  assert.is(
    truthOf({ '%%partition': { $uuid: dashed } }, { partition: uuid(dashed.replaceAll('-', '')) }),
    true,
  );
  assert.is(
    truthOf({ '%%user.data.store': '%%partition' }, { partition: 42n, ...userWith({ store: 42 }) }),
    true,
  );
  const large = { $numberLong: '9007199254740993' };
  assert.is(truthOf({ '%%partition': large }, { partition: 9007199254740993n }), true);
  assert.is(truthOf({ '%%partition': large }, { partition: 9007199254740992n }), false);
});

access('does not take what is missing for null', () => {
  const own = { '%%user.data.team': '%%partition' };
  assert.is(truthOf(own, { partition: null }), false);
  assert.is(truthOf(own, { partition: null, ...userWith({ team: null }) }), true);
  assert.is(truthOf({ $not: own }, { partition: null }), true);
  assert.is(truthOf({ '%%partition': '%%user.data.team' }, { partition: null }), null);
  assert.is(truthOf({ $not: { '%%partition': '%%user.data.team' } }, { partition: null }), null);
});

access('has three values, after Kleene', () => {
  const parts = { yes: true, no: false, unknown: { '%%partition': '%%values.missing' } } as const;
  const truths = { yes: true, no: false, unknown: null } as const;
  const names = ['yes', 'no', 'unknown'] as const;
  for (const a of names) {
    assert.is(truthOf({ $not: parts[a] }), truths[a] === null ? null : !truths[a]);
    for (const b of names) {
      const both = [truths[a], truths[b]];
      const and = both.includes(false) ? false : both.includes(null) ? null : true;
      const or = both.includes(true) ? true : both.includes(null) ? null : false;
      assert.is(truthOf({ $and: [parts[a], parts[b]] }), and, `${a} and ${b}`);
      assert.is(truthOf({ $or: [parts[a], parts[b]] }), or, `${a} or ${b}`);
      assert.is(truthOf({ $nor: [parts[a], parts[b]] }), or === null ? null : !or, `neither ${a} nor ${b}`);
    }
  }
});

access('asks for the functions that matter, and for no others', () => {
  const called = {
    '%%true': { '%function': { name: 'canReadPartition', arguments: ['%%partition', { a: ['x'] }] } },
  };
  const { expression } = read(called);
  assert.ok(expression !== null);
  const wanted = [{ id: 0, name: 'canReadPartition', arguments: ['Store 42', { a: ['x'] }] }];
  assert.equal(evaluate(expression, contextOf()), { truth: null, wanted });
  assert.is(truthOf(called, {}, new Map([[0, true]])), true);
  assert.is(truthOf(called, {}, new Map([[0, false]])), false);
  assert.is(truthOf(called, {}, new Map([[0, 'true']])), false);
  assert.is(truthOf(called, {}, new Map([[0, undefined]])), null);
  const open = read({ $or: [{ '%%partition': 'Store 42' }, called] }).expression;
  assert.ok(open !== null);
  assert.equal(evaluate(open, contextOf()), { truth: true, wanted: [] });
});

access('lets those who write read, and denies the unknown', () => {
  const decide = (readRule: unknown, writeRule: unknown, answers?: Parameters<typeof decideAccess>[2]) => {
    const [reading, writing] = [read(readRule).expression, read(writeRule).expression];
    if (reading === null || writing === null) throw new Error('malformed');
    return decideAccess({ read: reading, write: writing }, contextOf(), answers);
  };
  const unknown = { '%%partition': '%%environment.missing' };
  assert.equal(decide(false, true), { type: 'decided', access: 'write' });
  assert.equal(decide(true, false), { type: 'decided', access: 'read' });
  assert.equal(decide(false, false), { type: 'decided', access: 'none' });
  assert.equal(decide(unknown, { $not: unknown }), { type: 'decided', access: 'none' });
  const call = { '%%true': { '%function': { name: 'canReadPartition' } } };
  const wanted = [{ id: 0, name: 'canReadPartition', arguments: [] }];
  assert.equal(decide(call, call), { type: 'wanted', read: [], write: wanted });
  const refused = { read: new Map(), write: new Map([[0, false]]) };
  assert.equal(decide(call, call, refused), { type: 'wanted', read: wanted, write: [] });
  assert.equal(decide(call, call, { ...refused, read: new Map([[0, true]]) }), {
    type: 'decided',
    access: 'read',
  });
});

access('explains each part', () => {
  const { expression } = read({
    $or: [
      { '%%user.id': '%%partition' },
      { '%%user.data.shared': '%%partition' },
      { '%%true': { '%function': { name: 'fails' } } },
    ],
  });
  assert.ok(expression !== null);
  assert.is(
    explainExpression(expression, contextOf(userWith({ shared: ['Store 42'] }))),
    [
      'or: yes',
      '  %%user.id ("ann") $eq %%partition ("Store 42"): no',
      '  %%user.data.shared (["Store 42"]) $eq %%partition ("Store 42"): yes',
      '  %%true (true) $eq fails() (not called): unknown',
    ].join('\n'),
  );
});

access('names what it does not understand, all of it', () => {
  assert.equal(errorsOf({ name: 'x' }), [
    'rule.name: found the name of a field, expected an expansion such as %%user.id or %%partition, or $and, $or, $nor, $not',
  ]);
  assert.is(errorsOf({ '%%user.id': { $where: 'true' }, '%%usr.id': 1, $or: [] }).length, 3);
  for (const wrong of [
    null,
    'true',
    1,
    [],
    { '%%user': 'x' },
    { '%%user.name': 'x' },
    { '%%user.data.__proto__.x': 1 },
    { '%%user.data.constructor': 1 },
    { '%%partition.length': 1 },
    { '%%values': 1 },
    { '%%prevRoot.x': 1 },
    { '%%user.data.x': { y: { $ne: 1 } } },
    { '%%user.data.x': JSON.parse('{"__proto__": {"$ne": 1}}') },
    { '%%user.data.x': { $in: 'x' } },
    { '%%user.data.x': { $regex: '(?<=a)b' } },
    { '%%user.data.x': { $regex: '(a)\\1' } },
    { '%%user.data.x': { $regex: 'a'.repeat(501) } },
    { '%%user.data.x': { $oid: 'xyz' } },
    { '%%user.data.x': Number.NaN },
    { '%%true': { '%function': { name: 'unheardOf' } } },
    { '%%true': { '%function': { name: 'fails', arguments: 'x' } } },
    { '%%true': { '%function': { name: 'fails' }, $ne: true } },
    { $function: {} },
  ])
    assert.ok(errorsOf(wrong).length > 0, JSON.stringify(wrong));
});

access('bounds depth and size', () => {
  const deep = Array.from({ length: 50 }).reduce<unknown>((inner) => ({ $not: inner }), true);
  assert.match(errorsOf(deep)[0] ?? '', /at most 20 levels/);
  const wide = { '%%partition': { $in: Array.from({ length: 20_000 }, String) } };
  assert.is(errorsOf(wide).length, 1);
  assert.match(errorsOf(wide)[0] ?? '', /at most 10000 values/);
});

access('searches in linear time, whatever the pattern', () => {
  const hostile = { '%%user.data.x': { $regex: '^(a+)+(a|aa)*(.*)*$' } };
  const start = processorTime();
  truthOf(hostile, userWith({ x: `${'a'.repeat(9999)}!` }));
  // A backtracking engine would not end before the sun does.
  assert.ok(processorTime() - start < 20_000);
});

access('finds nothing out about what is too much, whichever way the question goes', () => {
  const long = userWith({ x: 'a'.repeat(10_001) });
  const many = userWith({ x: Array.from({ length: 10_001 }, () => 'a') });
  assert.is(truthOf({ '%%user.data.x': { $regex: 'a' } }, long), null);
  assert.is(truthOf({ '%%user.data.x': { $not: { $regex: 'b' } } }, long), null);
  for (const question of [{ $in: ['a'] }, { $nin: ['b'] }, { $ne: 'b' }, { $exists: false }])
    assert.is(truthOf({ '%%user.data.x': question }, many), null);
  assert.is(truthOf({ $not: { '%%user.data.x': { $ne: 'b' } } }, many), null);
});

access('takes a time that has an end, whatever the rule and the user', () => {
  const hostile = { '%%user.data.x': { $regex: '(?:(?:a|a?){10}){90}b' } };
  const text = userWith({ x: 'a'.repeat(9_999) });
  const all = { $nor: [hostile, hostile] };
  const product = { '%%user.data.x': { $in: '%%user.data.y' } };
  const texts = (end: string) => Array.from({ length: 9_000 }, (_, k) => `${k}${end}`.padStart(5_000));
  const words = userWith({ x: texts('x'), y: texts('y') });
  const pairs = { $nor: Array.from({ length: 2_000 }, () => product) };
  const start = processorTime();
  assert.is(truthOf(all, text), null);
  assert.is(truthOf(pairs, words), null);
  assert.ok(processorTime() - start < 10_000);
  const large = { $and: Array.from({ length: 20 }, () => ({ '%%user.data.x': { $regex: '(a?){500}b' } })) };
  assert.match(errorsOf(large).join('\n'), /more than 10000 instructions/);
});

access('knows nothing of a user who cannot be told', () => {
  const withoutBan = { '%%user.custom_data.banned': { $ne: true } };
  assert.is(truthOf(withoutBan), true);
  assert.is(truthOf(withoutBan, { user: { id: 'ann', data: {}, customData: null } }), null);
  const { expression } = read(withoutBan);
  assert.ok(expression !== null);
  assert.is(
    explainExpression(expression, contextOf({ user: { id: 'ann', data: {}, customData: null } })),
    '%%user.custom_data.banned (unknown) $ne true: unknown',
  );
  let deep: unknown = 1;
  for (let level = 0; level < 30; level++) deep = { deep };
  assert.is(toRuleRecord({ banned: true, deep }), null);
  assert.is(toRuleRecord('banned'), null);
  assert.equal(toRuleRecord(undefined), {});
  assert.equal(toRuleRecord({ level: 5n }), { level: 5 });
});

access('compares what is of one kind only', () => {
  const x = (value: RuleValue) => userWith({ x: value });
  // In lists, elements; in lists in lists, nothing.
  assert.is(truthOf({ '%%user.data.x': 'a' }, x([['a']])), false);
  assert.is(truthOf({ '%%user.data.x': ['a'] }, x([['a']])), true);
  assert.is(truthOf({ '%%user.data.x': { $size: 2 } }, x([['a', 'b']])), false);
  // Neither lists nor records have an order.
  assert.is(
    truthOf({ '%%user.data.x': { $gte: '%%values.least' } }, { ...x([5]), values: { least: null } }),
    false,
  );
  assert.is(
    truthOf({ '%%user.data.x': { $gte: '%%values.least' } }, { ...x({}), values: { least: {} } }),
    null,
  );
  assert.is(errorsOf({ '%%user.data.x': { $gte: { a: 1 } } }).length, 1);
  assert.is(truthOf({ '%%partition': { $gt: 5 } }, { partition: 2n ** 60n }), true);
  // All of nothing is held by nobody.
  assert.is(
    truthOf({ '%%user.data.x': { $all: '%%values.teams' } }, { ...x(['a']), values: { teams: [] } }),
    false,
  );
  assert.is(truthOf({ '%%user.data.x': { $all: '%%user.data.x' } }, x([{ a: 1 }])), true);
  // A field that holds null is not any field.
  assert.is(truthOf({ '%%user.data.x': { a: null } }, x({ b: 1 })), false);
});

access('reads no part of a rule as another one', () => {
  assert.match(errorsOf({ '%%user.data.x': { $ne: 'a', '%ne': 'b' } })[0] ?? '', /\$ne a second time/);
  assert.match(errorsOf({ '%%user.data.x': { a: '%%partition' } })[0] ?? '', /in a value/);
  assert.match(
    errorsOf({ '%%user.data.x': { $elemMatch: { $not: { $size: 2 } } } })[0] ?? '',
    /\$size in \$elemMatch/,
  );
});

access('never reads a value of the user as an operator', () => {
  for (const value of [
    { $ne: null },
    { $exists: true },
    { $regex: '' },
    [{ $ne: null }],
    { $in: ['Store 42'] },
  ]) {
    const given = userWith({ x: value as RuleValue });
    assert.is(truthOf({ '%%partition': '%%user.data.x' }, given), false);
    assert.is(truthOf({ '%%partition': { $in: ['%%user.data.x'] } }, given), false);
    assert.is(
      truthOf({ '%%partition': { $all: '%%user.data.x' } }, userWith({ x: [value as RuleValue] })),
      false,
    );
  }
});

const json = fc.jsonValue({ maxDepth: 4 });
const operatorName = fc.constantFrom(
  '$and',
  '$or',
  '$not',
  '$in',
  '$eq',
  '$ne',
  '$regex',
  '%function',
  '$exists',
  '__proto__',
  'constructor',
  '%%user.id',
  '%%user.data.x',
  '%%partition',
  '%%true',
  '$elemMatch',
  '$all',
  '$size',
);
const { rule } = fc.letrec((tie) => ({
  rule: fc.oneof(
    { maxDepth: 5 },
    json,
    fc.array(tie('rule'), { maxLength: 3 }),
    fc.array(fc.tuple(operatorName, tie('rule')), { maxLength: 3 }).map((entries) => {
      const record: Record<string, unknown> = {};
      for (const [name, value] of entries)
        Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
      return record;
    }),
  ),
}));

access('is total: any rule is refused with places, or answers', () => {
  fc.assert(
    fc.property(rule, json, json, (input, data, partition) => {
      const { expression, errors } = read(input);
      if (expression === null) {
        assert.ok(errors.length > 0 && errors.every(({ path }) => path.startsWith('rule')));
        return;
      }
      assert.is(errors.length, 0);
      const given = {
        partition: typeof partition === 'string' ? partition : null,
        ...userWith({ x: data as RuleValue }),
      };
      const { truth, wanted } = evaluate(expression, contextOf(given));
      assert.ok(truth === null || wanted.length === 0);
      assert.ok(explainExpression(expression, contextOf(given)).length > 0);
    }),
    { numRuns: 1000 },
  );
});

access.run();
