/**
 * What a user may do with a partition. Writing implies reading; whoever may do neither is refused; and what
 * cannot be found out is denied.
 *
 * Source: the page on partition-based sync, its permissions.
 */
import {
  type AccessContext,
  type Answers,
  evaluate,
  noAnswers,
  resolveExpansion,
  type Truth,
  type WantedCall,
} from './evaluate.js';
import type { Comparison, Expansion, Expression, Operand, RuleValue } from './expression.js';

export interface Permissions {
  readonly read: Expression;
  readonly write: Expression;
}

export type Access = 'none' | 'read' | 'write';

/** What functions have answered, for either of the two expressions. */
export interface AccessAnswers {
  readonly read: Answers;
  readonly write: Answers;
}

export type AccessVerdict =
  | { readonly type: 'decided'; readonly access: Access }
  /** The verdict hangs on functions: call them, and ask again with their answers besides the earlier ones. */
  | {
      readonly type: 'wanted';
      readonly read: readonly WantedCall[];
      readonly write: readonly WantedCall[];
    };

export const noAccessAnswers: AccessAnswers = { read: noAnswers, write: noAnswers };

/** Decides, or asks for what the verdict hangs on. Each round of answers ends or goes deeper, so that rounds end. */
export const decideAccess = (
  { read, write }: Permissions,
  context: AccessContext,
  answers: AccessAnswers = noAccessAnswers,
): AccessVerdict => {
  const writes = evaluate(write, context, answers.write);
  if (writes.truth === true) return { type: 'decided', access: 'write' };
  if (writes.wanted.length > 0) return { type: 'wanted', read: [], write: writes.wanted };
  const reads = evaluate(read, context, answers.read);
  if (reads.truth === true) return { type: 'decided', access: 'read' };
  if (reads.wanted.length > 0) return { type: 'wanted', read: reads.wanted, write: [] };
  return { type: 'decided', access: 'none' };
};

/**
 * An expression with what came of each of its parts, one a line, indented by levels:
 *
 *     or: yes
 *       %%user.id ("ann") $eq %%partition ("bob"): no
 *       %%user.data.teams (["a","bob"]) $eq %%partition ("bob"): yes
 */
export const explainExpression = (
  expression: Expression,
  context: AccessContext,
  answers: Answers = noAnswers,
): string => lines(expression, context, answers, '').join('\n');

const lines = (
  expression: Expression,
  context: AccessContext,
  answers: Answers,
  indent: string,
): readonly string[] => {
  const { truth } = evaluate(expression, context, answers);
  const verdict = `: ${words(truth)}`;
  const below = (part: Expression) => lines(part, context, answers, `${indent}  `);
  switch (expression.kind) {
    case 'constant':
      return [`${indent}always${verdict}`];
    case 'not':
      return [`${indent}not${verdict}`, ...below(expression.part)];
    case 'and':
    case 'or':
    case 'nor':
      return [`${indent}${expression.kind}${verdict}`, ...expression.parts.flatMap(below)];
    case 'match': {
      const shown = (operand: Operand) => showOperand(operand, context, answers);
      const comparisons = expression.comparisons.map((each) => showComparison(each, shown)).join(' and ');
      return [`${indent}${shown(expression.subject)} ${comparisons}${verdict}`];
    }
  }
};

const words = (truth: Truth): string => (truth === null ? 'unknown' : truth ? 'yes' : 'no');

const showComparison = (comparison: Comparison, shown: (operand: Operand) => string): string => {
  switch (comparison.operator) {
    case '$size':
      return `$size ${comparison.size}`;
    case '$exists':
      return `$exists ${comparison.exists}`;
    case '$regex':
      return `$regex ${JSON.stringify(comparison.pattern)}`;
    case '$not':
    case '$elemMatch':
      return `${comparison.operator} (${comparison.comparisons.map((each) => showComparison(each, shown)).join(' and ')})`;
    default:
      return `${comparison.operator} ${shown(comparison.operand)}`;
  }
};

const showOperand = (operand: Operand, context: AccessContext, answers: Answers): string => {
  switch (operand.kind) {
    case 'value':
      return showValue(operand.value);
    case 'expansion':
      return `${operand.text} (${showExpansion(operand, context)})`;
    case 'list':
      return `[${operand.items.map((item) => showOperand(item, context, answers)).join(', ')}]`;
    case 'call': {
      const given = operand.arguments.map((each) => showOperand(each, context, answers)).join(', ');
      return `${operand.name}(${given}) (${showAnswer(operand.id, answers)})`;
    }
  }
};

const showExpansion = (expansion: Expansion, context: AccessContext): string => {
  try {
    return showValue(resolveExpansion(expansion, context));
  } catch {
    return 'unknown';
  }
};

const showAnswer = (id: number, answers: Answers): string => {
  if (!answers.has(id)) return 'not called';
  const answer = answers.get(id);
  return answer === undefined ? 'failed' : showValue(answer);
};

const longestShown = 200;

const showValue = (value: RuleValue | undefined): string => {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}…`;
};
