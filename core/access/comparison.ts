/**
 * Comparisons of values, as MongoDB's match language has them. The library `sift` goes through lists and puts
 * operators together; what it compares with is here, since its own comparing takes for equal, or puts in an order,
 * what is not of one kind. Regular expressions are those of RE2, and nothing runs code.
 *
 *     equal      of one kind, and all that is in them; what is not there is null
 *     ordered    numbers, strings and booleans, each among themselves; null and null are equal
 *     lists      match by one of their elements, or as a whole; lists in lists only as a whole
 *     $all       of nothing holds for nothing
 */
import {
  $all,
  $elemMatch,
  $exists,
  $in,
  $ne,
  $nin,
  $not,
  $size,
  createEqualsOperation,
  createQueryTester,
} from 'sift/lib/index.js';
import { expressionLimits, type RuleValue } from './expression.js';
import { compilePattern } from './parse-expression.js';

/**
 * What a tester compares with, and may be told anew before each test: a list for `$in`, `$nin` and `$all`, and
 * neither a list nor a record for what orders.
 */
export class Slot {
  value: RuleValue = null;
}

/** Compiled when the tester is made. */
export interface Pattern {
  readonly pattern: string;
  readonly options: string;
}

/** Operators with what they compare with. */
export interface Operators {
  readonly [operator: string]: Slot | Pattern | Operators | number | boolean;
}

/** What an evaluation may still compare: it takes time in proportion. */
export interface Budget {
  left: number;
}

/** Whether a value satisfies all operators; undefined is a value that is not there. @throws Error where the budget is spent */
export type Tester = (value: RuleValue | undefined, budget: Budget) => boolean;

export const spend = (budget: Budget, amount: number): void => {
  budget.left -= amount;
  if (budget.left < 0) throw new Error('an evaluation compares no more than this');
};

/** A list in a list: the library would look for elements in it. */
class Inner {
  readonly items: readonly RuleValue[];

  constructor(items: readonly RuleValue[]) {
    this.items = items;
  }
}

type Test = (value: unknown) => boolean;
type Options = Parameters<typeof createEqualsOperation>[2];

export const testerOf = (operators: Operators): Tester => {
  let budget: Budget = { left: 0 };
  const isSame = (a: unknown, b: RuleValue): boolean => {
    spend(budget, costOf(a, b));
    if (a === b) return true;
    if (a === undefined || a === null || b === null) return (a ?? null) === b;
    if (typeof b !== 'object') return isNumber(a) && isNumber(b) && orderOf(a, b) === 0;
    if (a instanceof Inner) return isSame(a.items, b);
    if (typeof a !== 'object') return false;
    if (Array.isArray(a) || Array.isArray(b))
      return (
        Array.isArray(a) &&
        Array.isArray(b) &&
        a.length === b.length &&
        b.every((each: RuleValue, k) => isSame(a[k], each))
      );
    const [x, y] = [a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, RuleValue>>];
    const names = Object.keys(y);
    return (
      names.length === Object.keys(x).length &&
      names.every((name) => Object.hasOwn(x, name) && isSame(x[name], y[name] as RuleValue))
    );
  };
  const equalTo =
    (slot: Slot): Test =>
    (value) =>
      isSame(value, slot.value);
  const among =
    (slot: Slot): Test =>
    (value) =>
      elements(slot).some((each) => isSame(value, each));
  const ordering =
    (accepts: (order: number) => boolean) => (slot: Slot, owner: unknown, options: Options) => {
      const test: Test = (value) => {
        spend(budget, costOf(value, slot.value));
        const order = orderOf(value ?? null, slot.value);
        return order !== null && accepts(order);
      };
      return createEqualsOperation(test, owner, options);
    };
  const operations = {
    $eq: (slot: Slot, owner: unknown, options: Options) =>
      createEqualsOperation(equalTo(slot), owner, options),
    $ne: (slot: Slot, owner: unknown, options: Options, name: string) =>
      $ne(equalTo(slot), owner, options, name),
    $in: (slot: Slot, owner: unknown, options: Options, name: string) =>
      $in([among(slot)], owner, options, name),
    $nin: (slot: Slot, owner: unknown, options: Options, name: string) =>
      $nin([among(slot)], owner, options, name),
    $all: (slot: Slot, owner: unknown, options: Options, name: string) => {
      // The library wants to know beforehand how many there are.
      const holds = (value: unknown): boolean => {
        const wanted = elements(slot);
        const found = Array.isArray(value) ? [...value, value] : [value];
        return wanted.length > 0 && wanted.every((each) => found.some((one) => isSame(one, each)));
      };
      return $all([holds], owner, options, name);
    },
    $gt: ordering((order) => order > 0),
    $gte: ordering((order) => order >= 0),
    $lt: ordering((order) => order < 0),
    $lte: ordering((order) => order <= 0),
    $regex: ({ pattern, options: flags }: Pattern, owner: unknown, options: Options) => {
      const compiled = compilePattern(pattern, flags);
      const size = compiled.programSize();
      const test: Test = (value) => {
        if (typeof value !== 'string') return false;
        spend(budget, value.length > expressionLimits.searchedText ? Infinity : value.length * size);
        return compiled.matcher(value).find();
      };
      return createEqualsOperation(test, owner, options);
    },
    $elemMatch,
    $exists,
    $not,
    $size,
  };
  const test = createQueryTester<unknown>(operators, { operations });
  return (value, given) => {
    budget = given;
    return test(withInner(value));
  };
};

/** Texts are compared some characters at a time. */
const costOf = (a: unknown, b: RuleValue): number =>
  typeof a === 'string' && typeof b === 'string' ? 1 + (Math.min(a.length, b.length) >> 4) : 1;

const elements = ({ value }: Slot): readonly RuleValue[] => value as readonly RuleValue[];

const isNumber = (value: unknown): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

/** Null for what is not of one kind. */
const orderOf = (a: unknown, b: RuleValue): number | null => {
  if (a === b) return 0;
  const isComparable =
    (isNumber(a) && isNumber(b)) ||
    (typeof a === 'string' && typeof b === 'string') ||
    (typeof a === 'boolean' && typeof b === 'boolean');
  if (!isComparable) return null;
  return a < b ? -1 : a > b ? 1 : 0;
};

const withInner = (value: RuleValue | undefined): unknown =>
  Array.isArray(value) && value.some(Array.isArray)
    ? value.map((each: RuleValue) => (Array.isArray(each) ? new Inner(each) : each))
    : value;
