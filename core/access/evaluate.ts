/**
 * What an expression says of a user who opens a partition.
 *
 * Truth has three values: yes, no, and unknown, which is what comes of an error, of a value that is not there
 * to be compared with, and of a function that has not answered. Unknown is not turned into yes by a negation:
 * `not` of it is unknown, and who asks for access on unknown grounds is denied.
 *
 * A field that the user lacks equals nothing, not even the null partition; whether it is there is what
 * `$exists` asks. (In the match language null equals what is missing; here that would open the null partition
 * to everybody of whom nothing is known.)
 *
 * Evaluation is pure. Where the verdict hangs on functions of the embedder, it says which it wants called, and
 * is asked again with their answers; what does not matter to the verdict is not called.
 *
 * Source: the page on partition-based sync, its permissions.
 */
import { type Budget, type Operators, Slot, spend, type Tester, testerOf } from './comparison.js';
import {
  type Call,
  type Comparison,
  type Expansion,
  type Expression,
  expressionLimits,
  type ListOperator,
  listOperators,
  type Match,
  type Operand,
  type RuleValue,
  type ValueOperator,
} from './expression.js';
import { type PartitionValue, partitionInRules } from './partition-value.js';

export interface RuleRecord {
  readonly [name: string]: RuleValue;
}

export interface AccessUser {
  readonly id: string;
  /** What the identity provider says of the user. Null, like all others: it cannot be told, and what hangs on it is unknown. */
  readonly data: RuleRecord | null;
  /** What the app's own records say of the user. */
  readonly customData: RuleRecord | null;
}

/** What expressions can speak of. */
export interface AccessContext {
  readonly user: AccessUser;
  readonly partition: PartitionValue;
  readonly values: RuleRecord | null;
  readonly environment: RuleRecord | null;
}

/** Null: unknown. */
export type Truth = boolean | null;

/** What functions have answered, by the id of the call; undefined, where one failed. */
export type Answers = ReadonlyMap<number, RuleValue | undefined>;

/** A call whose answer the verdict hangs on. */
export interface WantedCall {
  readonly id: number;
  readonly name: string;
  readonly arguments: readonly RuleValue[];
}

export interface Evaluation {
  readonly truth: Truth;
  /** Calls that could still change an unknown truth; empty otherwise. */
  readonly wanted: readonly WantedCall[];
}

export const noAnswers: Answers = new Map();

/**
 * Total: whatever fails makes the part that it stands in unknown. Takes time in proportion to the expression and to
 * the lists it meets, and no more than `expressionLimits.work`: what is left then is unknown.
 */
export const evaluate = (
  expression: Expression,
  context: AccessContext,
  answers: Answers = noAnswers,
): Evaluation => {
  const evaluator = new Evaluator(context, answers);
  const truth = evaluator.truth(expression);
  return { truth, wanted: truth === null ? evaluator.wanted : [] };
};

/** What an expansion stands for; undefined where there is nothing. @throws Error where that is unknown, or too much */
export const resolveExpansion = (
  { root, path }: Expansion,
  { user, partition, values, environment }: AccessContext,
  budget: Budget = { left: expressionLimits.work },
): RuleValue | undefined => {
  switch (root) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'partition':
      return partitionInRules(partition);
    case 'values':
      return walk(known(values), path, 0, budget);
    case 'environment':
      return walk(known(environment), path, 0, budget);
    case 'user':
      if (path[0] === 'id') return user.id;
      return walk(known(path[0] === 'data' ? user.data : user.customData), path, 1, budget);
  }
};

const known = (record: RuleRecord | null): RuleRecord => {
  if (record === null) throw new Error('this is not known');
  return record;
};

/** Through an array goes a way for each element, unless an index is named; all that is found is one list. */
const walk = (
  from: RuleValue,
  path: readonly string[],
  start: number,
  budget: Budget,
): RuleValue | undefined => {
  let value: RuleValue | undefined = from;
  for (let at = start; at < path.length; at++) {
    const name = path[at] as string;
    if (Array.isArray(value) && !/^[0-9]+$/.test(name)) {
      const found: RuleValue[] = [];
      spend(budget, value.length);
      for (const element of value) {
        const each = walk(element, path, at, budget);
        if (Array.isArray(each)) for (const one of each) found.push(one);
        else if (each !== undefined) found.push(each);
        bounded(found);
      }
      return found.length === 0 ? undefined : found;
    }
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as RuleRecord)[name];
  }
  if (Array.isArray(value)) bounded(value);
  return value;
};

const bounded = (list: readonly RuleValue[]): void => {
  if (list.length > expressionLimits.resolved)
    throw new Error(`found more than ${expressionLimits.resolved} values`);
};

/** An operand is not known (yet), and with it everything that it is part of. */
const unknown = Symbol('unknown');
type Resolved = RuleValue | typeof unknown;

/** What an operator can compare with at all. */
const fitsOf = (operator: ValueOperator | ListOperator): Supply['fits'] => {
  if (operator === '$eq' || operator === '$ne') return () => true;
  for (const known of listOperators) if (operator === known) return Array.isArray;
  return hasOrder;
};

const hasOrder = (value: RuleValue): boolean => typeof value !== 'object' || value === null;

/** Where what an operator compares with comes from, and where it goes. */
interface Supply {
  readonly slot: Slot;
  readonly operand: Operand;
  readonly fits: (value: RuleValue) => boolean;
}

interface Compiled {
  readonly tester: Tester;
  /** To be supplied before each test. */
  readonly supplies: readonly Supply[];
  /** Whether all comparisons can hold of what is not there. */
  readonly takesNothing: boolean;
}

const compiledMatches = new WeakMap<Match, Compiled>();

const compiledOf = (match: Match): Compiled => {
  const kept = compiledMatches.get(match);
  if (kept !== undefined) return kept;
  const supplies: Supply[] = [];
  const tester = testerOf(operatorsOf(match.comparisons, supplies));
  const made = { tester, supplies, takesNothing: !match.comparisons.some(needsValue) };
  compiledMatches.set(match, made);
  return made;
};

const operatorsOf = (comparisons: readonly Comparison[], supplies: Supply[]): Operators => {
  const operators: Record<string, Operators[string]> = {};
  for (const comparison of comparisons) operators[comparison.operator] = operatorValue(comparison, supplies);
  return operators;
};

const operatorValue = (comparison: Comparison, supplies: Supply[]): Operators[string] => {
  switch (comparison.operator) {
    case '$size':
      return comparison.size;
    case '$exists':
      return comparison.exists;
    case '$regex':
      return { pattern: comparison.pattern, options: comparison.options };
    case '$not':
    case '$elemMatch':
      return operatorsOf(comparison.comparisons, supplies);
    default: {
      const { operand } = comparison;
      const slot = new Slot();
      if (operand.kind === 'value') slot.value = operand.value;
      else supplies.push({ slot, operand, fits: fitsOf(comparison.operator) });
      return slot;
    }
  }
};

class Evaluator {
  readonly wanted: WantedCall[] = [];
  private readonly context: AccessContext;
  private readonly answers: Answers;
  private readonly budget: Budget = { left: expressionLimits.work };

  constructor(context: AccessContext, answers: Answers) {
    this.context = context;
    this.answers = answers;
  }

  truth(expression: Expression): Truth {
    switch (expression.kind) {
      case 'constant':
        return expression.value;
      case 'and':
        return this.every(expression.parts, true);
      case 'or':
        return this.every(expression.parts, false);
      case 'nor':
        return negated(this.every(expression.parts, false));
      case 'not':
        return negated(this.truth(expression.part));
      case 'match':
        try {
          return this.match(expression);
        } catch {
          return null;
        }
    }
  }

  /** `isAll`: yes where all are; else where one is. Stops at what decides. */
  private every(parts: readonly Expression[], isAll: boolean): Truth {
    let verdict: Truth = isAll;
    for (const part of parts) {
      const truth = this.truth(part);
      if (truth === !isAll) return truth;
      if (truth === null) verdict = null;
    }
    return verdict;
  }

  private match(match: Match): Truth {
    const { tester, supplies, takesNothing } = compiledOf(match);
    spend(this.budget, 1);
    const value = resolveExpansion(match.subject, this.context, this.budget);
    let isUnknown = false;
    for (const { slot, operand, fits } of supplies) {
      const supplied = this.resolve(operand);
      if (supplied === unknown || !fits(supplied)) isUnknown = true;
      else slot.value = supplied;
    }
    if (isUnknown) return null;
    return value === undefined && !takesNothing ? false : tester(value, this.budget);
  }

  private resolve(operand: Operand): Resolved {
    switch (operand.kind) {
      case 'value':
        return operand.value;
      case 'expansion': {
        const value = resolveExpansion(operand, this.context, this.budget);
        return value === undefined ? unknown : value;
      }
      case 'call':
        return this.call(operand);
      case 'list': {
        const items = operand.items.map((item) => this.resolve(item));
        return items.every(isKnown) ? items : unknown;
      }
    }
  }

  private call({ id, name, arguments: operands }: Call): Resolved {
    if (this.answers.has(id)) {
      const answer = this.answers.get(id);
      return answer === undefined ? unknown : answer;
    }
    const values = operands.map((operand) => this.resolve(operand));
    if (values.every(isKnown)) this.wanted.push({ id, name, arguments: values });
    return unknown;
  }
}

const isKnown = (value: Resolved): value is RuleValue => value !== unknown;

const negated = (truth: Truth): Truth => (truth === null ? null : !truth);

/** Whether the comparison says no of whatever is not there. */
const needsValue = ({ operator }: Comparison): boolean =>
  operator !== '$exists' && operator !== '$ne' && operator !== '$nin' && operator !== '$not';
