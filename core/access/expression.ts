/**
 * Rule expressions: who may open a partition, as a tree that was checked whole before anything is asked of it.
 *
 *     true                                                         a constant
 *     { "%%user.id": "%%partition" }                               equality of what two expansions stand for
 *     { "%%partition": { "$in": ["PUBLIC (NA)", "PUBLIC (EMEA)"] } }
 *     { "%%user.custom_data.readPartitions": "%%partition" }       membership, where the field holds a list
 *     { "%%true": { "%function": { "name": "mayRead", "arguments": ["%%partition"] } } }
 *     { "$or": [ … ] }                                             `$and`, `$nor` and `$not`, too
 *
 * All entries of an object must hold; an empty one always does. Operators are written with `$` or with `%`.
 *
 * Source: the page on partition-based sync, its permissions; MongoDB's match language for the operators.
 */

/** What rules are about: JSON, and integers that numbers cannot tell apart. */
export type RuleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly RuleValue[]
  | { readonly [name: string]: RuleValue };

export type ExpansionRoot = 'user' | 'partition' | 'values' | 'environment' | 'true' | 'false';

export interface Expansion {
  readonly kind: 'expansion';
  /** As written, with its `%%`. */
  readonly text: string;
  readonly root: ExpansionRoot;
  /** Names and indices below the root. */
  readonly path: readonly string[];
}

/** A function of the embedder, called with arguments. */
export interface Call {
  readonly kind: 'call';
  /** Calls of one expression are counted from 0. */
  readonly id: number;
  readonly name: string;
  readonly arguments: readonly Operand[];
}

export type Operand =
  | { readonly kind: 'value'; readonly value: RuleValue }
  | Expansion
  | Call
  | { readonly kind: 'list'; readonly items: readonly Operand[] };

export const valueOperators = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte'] as const;
export const listOperators = ['$in', '$nin', '$all'] as const;
export type ValueOperator = (typeof valueOperators)[number];
export type ListOperator = (typeof listOperators)[number];

export type Comparison =
  | { readonly operator: ValueOperator | ListOperator; readonly operand: Operand }
  | { readonly operator: '$size'; readonly size: number }
  | { readonly operator: '$exists'; readonly exists: boolean }
  | { readonly operator: '$regex'; readonly pattern: string; readonly options: string }
  | { readonly operator: '$not' | '$elemMatch'; readonly comparisons: readonly Comparison[] };

/** Holds where every comparison does. */
export interface Match {
  readonly kind: 'match';
  readonly subject: Expansion;
  readonly comparisons: readonly Comparison[];
}

export type Expression =
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'and' | 'or' | 'nor'; readonly parts: readonly Expression[] }
  | { readonly kind: 'not'; readonly part: Expression }
  | Match;

/** What an expression may be at most: evaluating it takes time and memory in proportion. */
export const expressionLimits = {
  /** Levels, from the expression to its deepest value. */
  depth: 20,
  /** Values, operators and names, all together. */
  nodes: 10_000,
  /** Code units of a regular expression. */
  pattern: 500,
  /** Code units of a text that is searched by a regular expression. */
  searchedText: 10_000,
  /** Instructions that all its regular expressions come to. */
  program: 10_000,
  /** Values that an expansion may stand for. */
  resolved: 10_000,
  /**
   * Comparisons that an evaluation may make; a text that is searched counts for each of its characters as much as the
   * pattern has instructions.
   */
  work: 1_000_000,
} as const;
