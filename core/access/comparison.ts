/**
 * Comparisons of values, as MongoDB's match language has them: those of the library `sift`, with regular
 * expressions of RE2 in the place of the platform's, and without operators that run code.
 */
import {
  $all,
  $elemMatch,
  $eq,
  $exists,
  $gt,
  $gte,
  $in,
  $lt,
  $lte,
  $ne,
  $nin,
  $not,
  $size,
  createEqualsOperation,
  createQueryTester,
} from 'sift/lib/index.js';
import { expressionLimits, type RuleValue } from './expression.js';
import { compilePattern } from './parse-expression.js';

/** Operators with their operands; everything in it is taken as a value, except what stands at its top. */
export interface Operators {
  readonly [operator: string]: RuleValue | Pattern | Operators | undefined;
}

/** Compiled when the tester is made. */
export interface Pattern {
  readonly pattern: string;
  readonly options: string;
}

type Tester = (value: RuleValue | undefined) => boolean;

const $regex = (params: Pattern, owner: unknown, options: Parameters<typeof createEqualsOperation>[2]) => {
  const compiled = compilePattern(params.pattern, params.options);
  const matches = (value: unknown): boolean =>
    typeof value === 'string' &&
    value.length <= expressionLimits.searchedText &&
    compiled.matcher(value).find();
  return createEqualsOperation(matches, owner, options);
};

const operations = {
  $all,
  $elemMatch,
  $eq,
  $exists,
  $gt,
  $gte,
  $in,
  $lt,
  $lte,
  $ne,
  $nin,
  $not,
  $regex,
  $size,
};

/** Whether a value satisfies all of the operators; undefined is a value that is not there. */
export const testerOf = (operators: Operators): Tester => {
  const test = createQueryTester<unknown>({ value: operators }, { operations });
  return (value) => test(value === undefined ? {} : { value });
};
