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
import { type Operators, testerOf } from './comparison.js';
import {
  type Call,
  type Comparison,
  type Expansion,
  type Expression,
  expressionLimits,
  type Match,
  type Operand,
  type RuleValue,
} from './expression.js';
import { type PartitionValue, partitionInRules } from './partition-value.js';

export interface RuleRecord {
  readonly [name: string]: RuleValue;
}

export interface AccessUser {
  readonly id: string;
  /** What the identity provider says of the user. */
  readonly data: RuleRecord;
  /** What the app's own records say of the user. */
  readonly customData: RuleRecord;
}

/** What expressions can speak of. */
export interface AccessContext {
  readonly user: AccessUser;
  readonly partition: PartitionValue;
  readonly values: RuleRecord;
  readonly environment: RuleRecord;
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

/** Total: whatever fails makes the part that it stands in unknown. Takes time in proportion to the expression and to the lists it meets. */
export const evaluate = (
  expression: Expression,
  context: AccessContext,
  answers: Answers = noAnswers,
): Evaluation => {
  const evaluator = new Evaluator(context, answers);
  const truth = evaluator.truth(expression);
  return { truth, wanted: truth === null ? evaluator.wanted : [] };
};

/** What an expansion stands for; undefined where there is nothing. */
export const resolveExpansion = (
  { root, path }: Expansion,
  { user, partition, values, environment }: AccessContext,
): RuleValue | undefined => {
  switch (root) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'partition':
      return partitionInRules(partition);
    case 'values':
      return walk(values, path, 0);
    case 'environment':
      return walk(environment, path, 0);
    case 'user':
      if (path[0] === 'id') return user.id;
      return walk(path[0] === 'data' ? user.data : user.customData, path, 1);
  }
};

/** Through an array goes a way for each element, unless an index is named; all that is found is one list. */
const walk = (from: RuleValue, path: readonly string[], start: number): RuleValue | undefined => {
  let value: RuleValue | undefined = from;
  for (let at = start; at < path.length; at++) {
    const name = path[at] as string;
    if (Array.isArray(value) && !/^[0-9]+$/.test(name)) {
      const found: RuleValue[] = [];
      for (const element of value) {
        const each = walk(element, path, at);
        if (Array.isArray(each)) found.push(...each);
        else if (each !== undefined) found.push(each);
        if (found.length > expressionLimits.resolved) return undefined;
      }
      return found.length === 0 ? undefined : found;
    }
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as RuleRecord)[name];
  }
  return Array.isArray(value) && value.length > expressionLimits.resolved ? undefined : value;
};

/** An operand is not known (yet), and with it everything that it is part of. */
const unknown = Symbol('unknown');
type Resolved = RuleValue | typeof unknown;

type Tester = ReturnType<typeof testerOf>;
/** Of matches that compare with nothing but what is written in them. */
const fixedTesters = new WeakMap<Match, Tester>();

class Evaluator {
  readonly wanted: WantedCall[] = [];
  private readonly context: AccessContext;
  private readonly answers: Answers;

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
    const value = resolveExpansion(match.subject, this.context);
    let tester = fixedTesters.get(match);
    if (tester === undefined) {
      const operators = this.operators(match.comparisons);
      if (operators === unknown) return null;
      tester = testerOf(operators);
      if (match.comparisons.every(isFixed)) fixedTesters.set(match, tester);
    }
    if (value === undefined && match.comparisons.some(needsValue)) return false;
    return tester(value);
  }

  private operators(comparisons: readonly Comparison[]): Operators | typeof unknown {
    const read: Record<string, Operators[string]> = {};
    for (const comparison of comparisons) {
      const operand = this.operatorValue(comparison);
      if (operand === unknown) return unknown;
      read[comparison.operator] = operand;
    }
    return read;
  }

  private operatorValue(comparison: Comparison): Operators[string] | typeof unknown {
    switch (comparison.operator) {
      case '$size':
        return comparison.size;
      case '$exists':
        return comparison.exists;
      case '$regex':
        return { pattern: comparison.pattern, options: comparison.options };
      case '$not':
      case '$elemMatch':
        return this.operators(comparison.comparisons);
      case '$in':
      case '$nin': {
        const list = this.resolve(comparison.operand);
        return Array.isArray(list) ? list : unknown;
      }
      case '$all': {
        const list = this.resolve(comparison.operand);
        // The library reads records among the elements as operators.
        return Array.isArray(list) && !list.some(isRecord) ? list : unknown;
      }
      default:
        return this.resolve(comparison.operand);
    }
  }

  private resolve(operand: Operand): Resolved {
    switch (operand.kind) {
      case 'value':
        return operand.value;
      case 'expansion': {
        const value = resolveExpansion(operand, this.context);
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

const isRecord = (value: RuleValue): boolean => typeof value === 'object' && value !== null;

const negated = (truth: Truth): Truth => (truth === null ? null : !truth);

const isFixed = (comparison: Comparison): boolean => {
  if ('comparisons' in comparison) return comparison.comparisons.every(isFixed);
  return !('operand' in comparison) || comparison.operand.kind === 'value';
};

/** Whether the comparison says no of whatever is not there. */
const needsValue = ({ operator }: Comparison): boolean =>
  operator !== '$exists' && operator !== '$ne' && operator !== '$nin' && operator !== '$not';
