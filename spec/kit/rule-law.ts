/**
 * The law of rules: whatever is written as one is refused with its places, or says what the dumb twin says of it;
 * a part that is not known never opens what the part itself would not; and nothing takes long. The same for the
 * configuration around it: all that is wrong is told at once, and nothing is thrown.
 */
import * as E from 'fp-ts/lib/Either.js';
import { decodePartitionConfig } from '../../core/access/config.js';
import { type AccessContext, evaluate, type RuleRecord, type Truth } from '../../core/access/evaluate.js';
import type { Expression, RuleValue } from '../../core/access/expression.js';
import { parseExpression } from '../../core/access/parse-expression.js';
import { decideAccess, explainExpression } from '../../core/access/permissions.js';
import { toRuleRecord, toRuleValue } from '../../core/access/rule-value.js';
import { Findings } from '../../core/model/schema-findings.js';
import { processorTime } from './processor-time.js';
import { once, pick, type Random } from './random.js';
import { type RuleWorld, twinFunctions, twinTruth } from './rule-twin.js';

const functions: ReadonlySet<string> = new Set(twinFunctions);
/** Milliseconds. An evaluation takes at most some tenths of a second, on a machine that is busy with other things. */
const patience = 15_000;

const names = ['a', 'b', 'team', '0'];
const texts = ['ann', 'bob', 'PUBLIC', 'team-1', '', 'user_id=ann', '%%', '$a', '1'];
const numbers = [0, 1, 2, -1, 1.5, 9007199254740992];
const patterns = [
  '^ann$',
  'a+',
  '^(a+)+$',
  '[a-c]*b',
  '.',
  'team-[0-9]+',
  '(a|aa)*$',
  '(?<=a)b',
  '(a)\\1',
  '(',
];
const forbidden = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', 'length'];

const plainValue = (random: Random, depth: number): unknown => {
  switch (random.int(depth > 3 ? 5 : 8)) {
    case 0:
      return null;
    case 1:
      return pick(random, numbers);
    case 2:
      return once(random, 2);
    case 3:
    case 4:
      return pick(random, texts);
    case 5:
    case 6:
      return Array.from({ length: random.int(4) }, () => plainValue(random, depth + 1));
    default:
      return record(
        Array.from({ length: random.int(3) }, () => [someName(random), plainValue(random, depth + 1)]),
      );
  }
};

/** Names of any kind become fields of their own. */
const record = (entries: readonly (readonly [string, unknown])[]): Record<string, unknown> =>
  Object.fromEntries(entries);

const someName = (random: Random): string =>
  once(random, 12) ? pick(random, forbidden) : pick(random, names);

const someExpansion = (random: Random): string => {
  const path = Array.from({ length: 1 + random.int(2) }, () => `.${someName(random)}`).join('');
  switch (random.int(10)) {
    case 0:
      return '%%partition';
    case 1:
      return '%%user.id';
    case 2:
      return '%%true';
    case 3:
      return '%%false';
    case 4:
      return `%%values${path}`;
    case 5:
      return `%%environment${path}`;
    case 6:
    case 7:
      return `%%user.data${path}`;
    case 8:
      return `%%user.custom_data${path}`;
    default:
      return pick(random, [
        '%%user',
        '%%user.name',
        '%%prev.a',
        '%%',
        '%%values',
        '%%user.data',
        '%%user.data..a',
      ]);
  }
};

const someCall = (random: Random, depth: number): unknown => ({
  '%function': {
    name: once(random, 15) ? pick(random, ['toString', 'other', '__proto__']) : pick(random, twinFunctions),
    arguments: Array.from({ length: random.int(3) }, () => someOperand(random, depth + 1)),
  },
});

const someOperand = (random: Random, depth: number): unknown => {
  switch (random.int(depth > 4 ? 3 : 6)) {
    case 0:
    case 1:
      return someExpansion(random);
    case 2:
      return once(random, 2) ? someData(random) : plainValue(random, 1);
    case 3:
      return Array.from({ length: random.int(4) }, () => someOperand(random, depth + 1));
    case 4:
      return someCall(random, depth);
    default:
      return pick(random, [
        { $numberLong: '2' },
        { $oid: '5f4863e4d49bd2191ff1e623' },
        { $uuid: '00112233-4455-6677-8899-aabbccddeeff' },
        { $oid: 'x' },
        { $numberLong: '' },
        { $regex: 'a' },
      ]);
  }
};

const someOperators = (random: Random, depth: number): unknown => {
  const entries = Array.from({ length: 1 + random.int(2) }, (): [string, unknown] => {
    const sign = once(random, 4) ? '%' : '$';
    switch (random.int(depth > 5 ? 8 : 11)) {
      case 0:
      case 1:
        return [`${sign}${pick(random, ['eq', 'ne'])}`, someOperand(random, depth + 1)];
      case 2:
      case 3: {
        const list = once(random, 3)
          ? someOperand(random, depth)
          : Array.from({ length: random.int(4) }, () => someOperand(random, depth + 2));
        return [`${sign}${pick(random, ['in', 'nin', 'all'])}`, list];
      }
      case 4:
      case 5:
        return [`${sign}${pick(random, ['gt', 'gte', 'lt', 'lte'])}`, someOperand(random, depth + 1)];
      case 6:
        return once(random, 2) ? [`${sign}exists`, once(random, 2)] : [`${sign}size`, random.int(4)];
      case 7:
        return [`${sign}regex`, pick(random, patterns)];
      case 8:
        return [`${sign}not`, someOperators(random, depth + 1)];
      case 9:
        return [`${sign}elemMatch`, someOperators(random, depth + 1)];
      default:
        return [pick(random, ['$where', '$options', '$function', '$type', '$expr', ...forbidden]), true];
    }
  });
  return record(entries);
};

const someRule = (random: Random, depth: number): unknown => {
  switch (random.int(depth > 4 ? 5 : 9)) {
    case 0:
      return once(random, 2);
    case 1:
    case 2:
      return record([[someExpansion(random), someOperand(random, depth + 1)]]);
    case 3:
    case 4:
      return record([[someExpansion(random), someOperators(random, depth + 1)]]);
    case 5:
    case 6: {
      const parts = Array.from({ length: 1 + random.int(3) }, () => someRule(random, depth + 1));
      return record([[`${pick(random, ['$', '%'])}${pick(random, ['and', 'or', 'nor'])}`, parts]]);
    }
    case 7:
      return record([[pick(random, ['$not', '%not']), someRule(random, depth + 1)]]);
    default:
      return record(
        Array.from({ length: random.int(3) }, (): [string, unknown] => [
          someExpansion(random),
          someOperand(random, depth + 1),
        ]),
      );
  }
};

const oddities: readonly unknown[] = [
  null,
  undefined,
  [],
  {},
  '',
  '$or',
  '%%partition',
  Number.NaN,
  Number.POSITIVE_INFINITY,
  10n,
  () => true,
  Symbol('s'),
  new Date(0),
  new Map([['a', 1]]),
  JSON.parse('{ "__proto__": { "%%true": true } }'),
  { constructor: { prototype: { admin: true } } },
];

/** `value` with something in it replaced, renamed or left out. */
const mangled = (random: Random, value: unknown): unknown => {
  if (once(random, 9)) return pick(random, oddities);
  if (Array.isArray(value)) return value.map((each) => (once(random, 3) ? mangled(random, each) : each));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return record(
    Object.entries(value).map(([name, each]) => [
      once(random, 8) ? pick(random, [...forbidden, '$or', '%%true', 'a', '']) : name,
      once(random, 2) ? mangled(random, each) : each,
    ]),
  );
};

/** Levels or values beyond every limit. */
const oversized = (random: Random): unknown => {
  const size = 1 + random.int(60);
  switch (random.int(5)) {
    case 0:
      return Array.from({ length: size }).reduce<unknown>((inner) => ({ $not: inner }), true);
    case 1:
      return Array.from({ length: size }).reduce<unknown>((inner) => ({ $or: [inner, true] }), false);
    case 2:
      return { '%%partition': { $in: Array.from({ length: size * 400 }, (_, k) => `p${k}`) } };
    case 3:
      return {
        $nor: Array.from({ length: size }, () => ({
          '%%user.data.long': { $regex: '(?:(?:a|a?){10}){20}b' },
        })),
      };
    default:
      return {
        $not: {
          $or: Array.from({ length: size }, () => ({ '%%user.data.many': { $in: '%%user.data.many' } })),
        },
      };
  }
};

/** What users have: mostly texts, lists of them, and now and then lists of lists. */
const someData = (random: Random): unknown => {
  const few = (): string => pick(random, ['ann', 'PUBLIC', 'team-1']);
  switch (random.int(5)) {
    case 0:
      return few();
    case 1:
      return Array.from({ length: random.int(3) }, few);
    case 2:
      return [Array.from({ length: 1 + random.int(2) }, few)];
    default:
      return plainValue(random, 0);
  }
};

const someWorld = (random: Random): RuleWorld => {
  const known = (): unknown =>
    once(random, 10)
      ? null
      : record(Array.from({ length: random.int(6) }, () => [pick(random, names), someData(random)]));
  return {
    userId: pick(random, texts),
    data: known(),
    customData: known(),
    values: known(),
    environment: known(),
    partition: pick(random, [...texts, null, 1, 2]),
    call: (name, given) => (name === 'echo' ? given[0] : name === 'says' ? true : undefined),
  };
};

/** As `toRuleRecord` leaves it; null for what cannot be told. */
const told = (given: unknown): RuleRecord | null => (given === null ? null : toRuleRecord(given));

const contextOf = (world: RuleWorld): AccessContext => ({
  user: { id: world.userId, data: told(world.data), customData: told(world.customData) },
  partition: typeof world.partition === 'number' ? BigInt(world.partition) : world.partition,
  values: told(world.values),
  environment: told(world.environment),
});

/** With every function called that the verdict hangs on. */
const truthOf = (rule: Expression, context: AccessContext, call: RuleWorld['call']): Truth => {
  const answers = new Map<number, RuleValue | undefined>();
  for (;;) {
    const { truth, wanted } = evaluate(rule, context, answers);
    if (wanted.length === 0) return truth;
    for (const { id, name, arguments: given } of wanted) answers.set(id, toRuleValue(call(name, given)));
  }
};

const parsed = (rule: unknown): { readonly expression: Expression | null; readonly findings: Findings } => {
  const findings = new Findings();
  return { expression: parseExpression(rule, 'rule', functions, findings), findings };
};

const shown = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'bigint' || typeof each === 'symbol' || typeof each === 'function' ? String(each) : each,
  );

const unknownRule = { '%%partition': '%%values.what nobody has' };

/** Rules that are like `rule` but for one part, which is not known. */
const veiled = (rule: unknown): readonly unknown[] => {
  if (typeof rule !== 'object' || rule === null) return [unknownRule];
  return [
    unknownRule,
    ...Object.entries(rule).flatMap(([name, each]): unknown[] => {
      const within = /^[$%](?:and|or|nor)$/.test(name)
        ? (each as readonly unknown[]).flatMap((part, k) =>
            veiled(part).map((made) => (each as readonly unknown[]).with(k, made)),
          )
        : /^[$%]not$/.test(name)
          ? veiled(each)
          : [];
      return within.map((made) => ({ ...rule, [name]: made }));
    }),
  ];
};

const trials: Readonly<Record<string, (random: Random) => string | null>> = {
  'says what its twin says': (random) => {
    const drawn = someRule(random, 0);
    const rule = once(random, 4) ? mangled(random, drawn) : drawn;
    const world = someWorld(random);
    const { expression, findings } = parsed(rule);
    // What the twin is told went through the same hands.
    const context = contextOf(world);
    const { user, values, environment } = context;
    const expected = twinTruth(rule, {
      ...world,
      data: user.data,
      customData: user.customData,
      values,
      environment,
    });
    const story = (found: unknown): string =>
      `${shown(rule)}\nof ${shown(world)}\nfound ${String(found)}, expected ${String(expected)}`;
    if (expression === null) {
      const isLimit = findings.errors.some(({ expected: most }) => /at most/.test(most));
      if (findings.errors.length === 0) return story('neither a rule nor what is wrong');
      return expected === 'malformed' || isLimit ? null : story(findings.errors[0]?.message);
    }
    const truth = truthOf(expression, context, world.call);
    if (truth !== expected) return story(truth);
    explainExpression(expression, context);
    const access = decideAccess({ read: expression, write: expression }, context);
    const mayEnter = access.type === 'decided' && access.access !== 'none';
    return mayEnter && truth !== true ? story('access') : null;
  },
  'a part that is not known decides nothing': (random) => {
    const rule = someRule(random, 0);
    const { expression } = parsed(rule);
    if (expression === null) return null;
    const world = someWorld(random);
    const context = contextOf(world);
    const truth = truthOf(expression, context, world.call);
    for (const made of veiled(rule)) {
      const veiledRule = parsed(made).expression;
      if (veiledRule === null) return `cannot be read with an unknown part: ${shown(made)}`;
      const veiledTruth = truthOf(veiledRule, context, world.call);
      if (veiledTruth !== null && veiledTruth !== truth)
        return `${shown(made)}\nsays ${veiledTruth}, but ${shown(rule)}\nsays ${truth}, of ${shown(world)}`;
    }
    return null;
  },
  'what is too large is refused, or unknown': (random) => {
    const { expression } = parsed(oversized(random));
    if (expression === null) return null;
    const many = Array.from({ length: 1000 * (1 + random.int(12)) }, (_, k) => `team-${k}`);
    const data = toRuleRecord({ long: 'a'.repeat(random.int(20_000)), many });
    const context = contextOf({ ...someWorld(random), data });
    evaluate(expression, context);
    return null;
  },
  'a configuration tells all that is wrong': (random) => {
    const { config, wrong } = brokenConfig(random);
    const read = decodePartitionConfig(config, functions);
    const paths = E.isLeft(read) ? read.left.map(({ path }) => path) : [];
    const missing = wrong.filter((path) => !paths.some((each) => each.startsWith(path)));
    if (missing.length > 0) return `${missing.join(', ')} is not told, of ${shown(config)}`;
    const isRead = E.isRight(read) === (wrong.length === 0);
    return isRead ? null : `told ${paths.join(', ')} of ${shown(config)}`;
  },
};

const brokenConfig = (random: Random): { readonly config: unknown; readonly wrong: readonly string[] } => {
  const wrong: string[] = [];
  const broken = (path: string, good: unknown, bad: readonly unknown[]): unknown => {
    if (!once(random, 6)) return good;
    wrong.push(path);
    return pick(random, bad);
  };
  const permissions = 'config.partition.permissions';
  const badRules = [
    undefined,
    null,
    'true',
    [],
    { a: 1 },
    { '%%user.data.__proto__': 1 },
    { $where: 'true' },
  ];
  const config: Record<string, unknown> = {
    type: broken('config.type', 'partition', ['flexible', undefined, {}]),
    state: broken('config.state', 'enabled', ['on', true, undefined]),
    development_mode_enabled: broken('config.development_mode_enabled', true, ['yes', 1, null]),
    service_name: broken('config.service_name', 'mongodb-atlas', ['', 1, {}]),
    database_name: broken('config.database_name', 'db', ['', 1, null]),
    partition: {
      key: broken('config.partition.key', 'owner', ['', '_id', '__proto__', 'constructor', 1]),
      type: broken('config.partition.type', 'string', ['int', undefined, 'toString']),
      permissions: {
        read: broken(`${permissions}.read`, { '%%user.id': '%%partition' }, badRules),
        write: broken(`${permissions}.write`, true, badRules),
      },
    },
    last_disabled: broken('config.last_disabled', 1, [-1, Number.NaN, '1', 1e300]),
    client_max_offline_days: broken('config.client_max_offline_days', 30, [-1, '30', 1e9]),
    is_recovery_mode_disabled: broken('config.is_recovery_mode_disabled', false, [0, 'no', null]),
  };
  if (once(random, 6)) {
    const name = pick(random, ['__proto__', 'constructor', 'Type', 'read']);
    Object.defineProperty(config, name, { value: {}, enumerable: true });
    wrong.push('config');
  }
  return { config, wrong };
};

/** Each trial a dozen times. Null where the law holds. */
export const hostileRules = (random: Random): string | null => {
  for (const [name, trial] of Object.entries(trials)) {
    const times = name.startsWith('what is too large') ? 1 : 12;
    for (let k = 0; k < times; k++) {
      const start = processorTime();
      const found = trial(random);
      const took = processorTime() - start;
      if (found !== null) return `${name}:\n${found}`;
      if (took > patience) return `${name}: took ${Math.round(took)} ms`;
    }
  }
  return null;
};
