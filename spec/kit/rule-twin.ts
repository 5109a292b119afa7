/**
 * Rules read and answered as plainly as can be: straight from their JSON, with everything looked at and nothing
 * kept. The dumb twin of `core/access/parse-expression.ts` and `core/access/evaluate.ts`; it knows no limits.
 */
import { isPlainObject } from '../../core/model/edge-kinds.js';

export interface RuleWorld {
  readonly userId: string;
  /** Null: what there is cannot be told. */
  readonly data: unknown;
  readonly customData: unknown;
  readonly values: unknown;
  readonly environment: unknown;
  /** As rules see it. */
  readonly partition: string | number | null;
  /** Undefined where the function fails. */
  readonly call: (name: string, given: readonly unknown[]) => unknown;
}

/** Functions that rules may call. */
export const twinFunctions = ['echo', 'fails', 'says'] as const;

export type TwinTruth = boolean | null | 'malformed';

class Malformed extends Error {}
class Unknown extends Error {}

const malformed = (): never => {
  throw new Malformed();
};
const unknown = (): never => {
  throw new Unknown();
};

/** What a rule says, or that it is none. */
export const twinTruth = (rule: unknown, world: RuleWorld): TwinTruth => {
  try {
    return expression(rule, world);
  } catch (error) {
    if (error instanceof Malformed) return 'malformed';
    throw error;
  }
};

type Kleene = boolean | null;
const not = (truth: Kleene): Kleene => (truth === null ? null : !truth);
const all = (truths: readonly Kleene[]): Kleene =>
  truths.includes(false) ? false : truths.includes(null) ? null : true;
const some = (truths: readonly Kleene[]): Kleene =>
  truths.includes(true) ? true : truths.includes(null) ? null : false;

const entriesOf = (record: object): [string, unknown][] =>
  Object.keys(record).map((name) => [name, (record as Record<string, unknown>)[name]]);
const plain = (input: unknown): object => (isPlainObject(input) ? input : malformed());
const list = (input: unknown): readonly unknown[] => (Array.isArray(input) ? input : malformed());

const expression = (rule: unknown, world: RuleWorld): Kleene => {
  if (typeof rule === 'boolean') return rule;
  return all(entriesOf(plain(rule)).map(([name, input]) => condition(name, input, world)));
};

const expressions = (input: unknown, world: RuleWorld): readonly Kleene[] =>
  list(input).length === 0 ? malformed() : list(input).map((each) => expression(each, world));

const condition = (name: string, input: unknown, world: RuleWorld): Kleene => {
  switch (name.replace(/^%(?!%)/, '$')) {
    case '$and':
      return all(expressions(input, world));
    case '$or':
      return some(expressions(input, world));
    case '$nor':
      return not(some(expressions(input, world)));
    case '$not':
      return not(expression(input, world));
    default: {
      const subject = expansion(name);
      const tests = comparisons(input, world, false);
      try {
        const value = subject(world);
        // Whatever cannot be told makes all of it unknown, and so it is asked before anything is decided.
        const ready = tests.map((test) => test());
        if (value === undefined && ready.some(({ needsValue }) => needsValue)) return false;
        return ready.every(({ holds }) => holds(value));
      } catch (error) {
        if (error instanceof Unknown) return null;
        throw error;
      }
    }
  }
};

/** A comparison whose operands are to be found, then one that can be asked. */
interface Ready {
  readonly needsValue: boolean;
  readonly holds: (value: unknown) => boolean;
}
type Test = () => Ready;

const hasOperators = (input: unknown): input is object =>
  isPlainObject(input) && Object.keys(input).some((name) => /^[$%][A-Za-z]/.test(name));

const isExtended = (input: object): boolean =>
  Object.keys(input).length === 1 && ['$oid', '$uuid', '$numberLong'].some((form) => form in input);

const comparisons = (input: unknown, world: RuleWorld, isInElement: boolean): readonly Test[] => {
  if (!hasOperators(input) || isExtended(input) || '%function' in input) {
    const find = operand(input, world);
    return [() => equality(find())];
  }
  const names = Object.keys(input).map((name) => name.replace(/^%/, '$'));
  if (new Set(names).size < names.length) malformed();
  return entriesOf(input).flatMap(([name, given]) =>
    comparison(name === '%function' ? name : name.replace(/^%/, '$'), given, input, world, isInElement),
  );
};

const equality = (wanted: unknown): Ready => ({
  needsValue: true,
  holds: (value) => alternatives(value).some((each) => equal(each, wanted)),
});

/** A list is what its elements are, and itself. */
const alternatives = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? [...value, value] : [value];

const comparison = (
  operator: string,
  input: unknown,
  siblings: object,
  world: RuleWorld,
  isInElement: boolean,
): readonly Test[] => {
  const negative = (make: () => Ready): Test => {
    return () => {
      const { holds } = make();
      return { needsValue: false, holds: (value) => !holds(value) };
    };
  };
  if (isInElement && ['$all', '$size', '$elemMatch'].includes(operator)) malformed();
  switch (operator) {
    case '$eq':
    case '$ne': {
      const find = operand(input, world);
      const make: Test = () => equality(find());
      return [operator === '$eq' ? make : negative(make)];
    }
    case '$in':
    case '$nin':
    case '$all': {
      const isWritten = Array.isArray(input) || (typeof input === 'string' && input.startsWith('%%'));
      if (!isWritten && !(isPlainObject(input) && '%function' in input)) malformed();
      const find = operand(input, world);
      const make: Test = () => {
        const found = find();
        const wanted = Array.isArray(found) ? (found as readonly unknown[]) : unknown();
        const has = (value: unknown) => (each: unknown) => equality(each).holds(value);
        return {
          needsValue: true,
          holds: (value) =>
            operator === '$all'
              ? wanted.length > 0 && wanted.every(has(value))
              : wanted.some((each) => has(value)(each)),
        };
      };
      return [operator === '$nin' ? negative(make) : make];
    }
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte': {
      const isCall = isPlainObject(input) && ('%function' in input || isExtended(input));
      if (typeof input === 'object' && input !== null && !isCall) malformed();
      const find = operand(input, world);
      return [
        () => {
          const wanted = find();
          if (typeof wanted === 'object' && wanted !== null) unknown();
          const accepts = (value: unknown): boolean => {
            const order = compared(value ?? null, wanted);
            if (order === null) return false;
            if (order === 0) return operator === '$gte' || operator === '$lte';
            return order > 0 ? operator.startsWith('$gt') : operator.startsWith('$lt');
          };
          return { needsValue: true, holds: (value) => alternatives(value).some(accepts) };
        },
      ];
    }
    case '$exists': {
      if (typeof input !== 'boolean') malformed();
      return [() => ({ needsValue: false, holds: (value) => (value !== undefined) === input })];
    }
    case '$size': {
      if (!Number.isSafeInteger(input) || (input as number) < 0) malformed();
      return [() => ({ needsValue: true, holds: (value) => Array.isArray(value) && value.length === input })];
    }
    case '$regex': {
      const fields = siblings as Readonly<Record<string, unknown>>;
      const options = fields['$options'] ?? fields['%options'] ?? '';
      if (typeof input !== 'string' || typeof options !== 'string' || !/^[ims]*$/.test(options)) malformed();
      // Of the patterns that are drawn, those that the platform reads as RE2 does.
      if (/\(\?<?[=!]|\\[1-9]/.test(String(input))) malformed();
      const pattern = compiled(String(input), String(options));
      return [
        () => ({
          needsValue: true,
          holds: (value) =>
            alternatives(value).some((each) => typeof each === 'string' && pattern.test(each)),
        }),
      ];
    }
    case '$options':
      return '$regex' in siblings || '%regex' in siblings ? [] : malformed();
    case '$not':
    case '$elemMatch': {
      if (!hasOperators(input)) malformed();
      const tests = comparisons(input, world, isInElement || operator === '$elemMatch');
      const make: Test = () => {
        const ready = tests.map((test) => test());
        const holds = (value: unknown): boolean => ready.every((each) => each.holds(value));
        if (operator === '$not') return { needsValue: false, holds: (value) => !holds(value) };
        const inElement = (each: unknown): boolean => holds(Array.isArray(each) ? new Whole(each) : each);
        return { needsValue: true, holds: (value) => Array.isArray(value) && value.some(inElement) };
      };
      return [make];
    }
    default:
      return malformed();
  }
};

/** A list that is not looked into. */
class Whole {
  readonly list: readonly unknown[];

  constructor(list: readonly unknown[]) {
    this.list = list;
  }
}

const compiled = (pattern: string, options: string): RegExp => {
  try {
    return new RegExp(pattern, [...new Set(options)].join(''));
  } catch {
    return malformed();
  }
};

const equal = (a: unknown, b: unknown): boolean => {
  if (a instanceof Whole) return equal(a.list, b);
  if (a === undefined || a === null || b === null) return (a ?? null) === b;
  if (compared(a, b) === 0) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each, k) => equal(each, b[k]));
  if (!isPlainObject(a) || !isPlainObject(b)) return false;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every(
    (name) => Object.hasOwn(a, name) && Object.hasOwn(b, name) && equal(a[name], b[name]),
  );
};

/** Within one kind only. */
const compared = (a: unknown, b: unknown): number | null => {
  if (a === null && b === null) return 0;
  const kind = (value: unknown): string => (typeof value === 'bigint' ? 'number' : typeof value);
  if (kind(a) !== kind(b) || !['number', 'string', 'boolean'].includes(kind(a))) return null;
  const [x, y] = [a as string, b as string];
  return x < y ? -1 : x > y ? 1 : 0;
};

/** What finds the value of an operand, once all has been read. */
const operand = (input: unknown, world: RuleWorld): (() => unknown) => {
  if (typeof input === 'string' && input.startsWith('%%')) {
    const find = expansion(input);
    return () => {
      const value = find(world);
      return value === undefined ? unknown() : value;
    };
  }
  if (Array.isArray(input)) {
    const items = input.map((each: unknown) => operand(each, world));
    return () => items.map((find) => find());
  }
  if (isPlainObject(input) && '%function' in input) return call(input, world);
  const value = written(input);
  return () => value;
};

const call = (input: Readonly<Record<string, unknown>>, world: RuleWorld): (() => unknown) => {
  const spec = plain(input['%function']) as Readonly<Record<string, unknown>>;
  if (Object.keys(input).length > 1) malformed();
  if (Object.keys(spec).some((name) => name !== 'name' && name !== 'arguments')) malformed();
  const { name, arguments: given } = spec;
  const known = twinFunctions.find((each) => each === name) ?? malformed();
  const finds = list(given === undefined ? [] : given).map((each) => operand(each, world));
  return () => {
    const answer = world.call(
      known,
      finds.map((find) => find()),
    );
    return answer === undefined ? unknown() : answer;
  };
};

const forbidden = ['__proto__', 'constructor', 'prototype'];

const written = (input: unknown): unknown => {
  if (typeof input === 'string') return input.startsWith('%%') ? malformed() : input;
  if (input === null || typeof input === 'boolean') return input;
  if (typeof input === 'number') return Number.isFinite(input) ? input : malformed();
  if (Array.isArray(input)) return input.map(written);
  const record = plain(input) as Readonly<Record<string, unknown>>;
  if (isExtended(record)) return extended(record);
  return Object.fromEntries(
    entriesOf(record).map(([name, value]) =>
      forbidden.includes(name) || /^(?:[$%][A-Za-z]|%%)/.test(name) ? malformed() : [name, written(value)],
    ),
  );
};

const extended = (input: Readonly<Record<string, unknown>>): unknown => {
  const [[form, text] = ['', '']] = entriesOf(input);
  if (typeof text !== 'string') return malformed();
  const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
  if (form === '$oid') return /^[0-9a-f]{24}$/i.test(text) ? text.toLowerCase() : malformed();
  if (form === '$uuid') return uuid.test(text) ? text.toLowerCase() : malformed();
  return /^-?[0-9]{1,19}$/.test(text) ? BigInt(text) : malformed();
};

const expansion = (text: string): ((world: RuleWorld) => unknown) => {
  if (!text.startsWith('%%')) malformed();
  const [root, ...names] = text.slice(2).split('.');
  if (names.some((name) => name === '' || forbidden.includes(name))) malformed();
  const [first, ...below] = names;
  switch (root) {
    case 'true':
    case 'false':
      return names.length > 0 ? malformed() : () => root === 'true';
    case 'partition':
      return names.length > 0 ? malformed() : ({ partition }) => partition;
    case 'values':
    case 'environment':
      return names.length === 0 ? malformed() : (world) => found(world[root], names);
    case 'user':
      if (first === 'id') return below.length > 0 ? malformed() : ({ userId }) => userId;
      if (first === 'data') return ({ data }) => found(data, below);
      if (first === 'custom_data') return ({ customData }) => found(customData, below);
      return malformed();
    default:
      return malformed();
  }
};

const found = (from: unknown, names: readonly string[]): unknown => {
  if (from === null) unknown();
  return below(from, names);
};

const below = (from: unknown, names: readonly string[]): unknown => {
  const [name, ...rest] = names;
  if (name === undefined) return from;
  if (Array.isArray(from) && !/^[0-9]+$/.test(name)) {
    const each = from.map((element: unknown) => below(element, names)).filter((one) => one !== undefined);
    return each.length === 0 ? undefined : each.flat();
  }
  if (typeof from !== 'object' || from === null || !Object.hasOwn(from, name)) return undefined;
  return below((from as Readonly<Record<string, unknown>>)[name], rest);
};
