/**
 * The shape of the merge rules: what a rule is, and tables of rules that do not compile with a cell missing.
 *
 * There are two kinds of rule, and both work on a single pair.
 *
 * A *pair rule* belongs to two kinds of instruction. Every unordered pair of kinds has one cell, in the row
 * of the kind that comes later in `kinds`; 105 in all. Kinds that never influence each other have the cell
 * `independent`: absence is never ambiguous.
 *
 * A *nested rule* belongs to one kind, the *outer*, and says what an instruction of that kind does to any
 * instruction at a deeper level: everything in its class, everything on its object, or everything inside
 * the place that it names. The level of an instruction is the length of its address.
 *
 * Source: merge-semantics, sections 2.1 (levels), 4.1 and 4.2.
 */
import type { Instruction, InstructionOf, Kind, kinds } from '../model/instruction.js';
import type { ColumnSpec } from '../model/schema.js';
import type { Outcome } from './outcome.js';

/** The shape of a column that both sides may know; null where there is none. */
export type ColumnLookup = (table: string, field: string) => ColumnSpec | null;

/** What rules may know besides the pair. */
export interface Context {
  readonly columns: ColumnLookup;
}

/**
 * `firstIsNewer` compares the changesets that the two come from, by timestamp and then origin; it decides
 * every rule in which the last writer wins.
 */
export type PairRule<First extends Kind, Second extends Kind> = (
  first: InstructionOf<First>,
  second: InstructionOf<Second>,
  firstIsNewer: boolean,
  context: Context,
) => Outcome;

/** The two kinds never influence each other. */
export const independent = null;

/** The kinds up to and including `K`. */
type UpTo<K extends Kind, Rest extends readonly Kind[] = typeof kinds> = Rest extends readonly [
  infer Head extends Kind,
  ...infer Tail extends readonly Kind[],
]
  ? Head extends K
    ? Head
    : Head | UpTo<K, Tail>
  : never;

/** The cells of one kind with itself and every kind before it. */
export type Row<First extends Kind> = {
  readonly [Second in UpTo<First>]: PairRule<First, Second> | typeof independent;
};

export type Matrix = { readonly [First in Kind]: Row<First> };

/** The second operand of the outcome is the inner instruction. */
export type NestedRule<Outer extends Kind> = (outer: InstructionOf<Outer>, inner: Instruction) => Outcome;

/** `null`: what is deeper is none of its business. */
export type NestedRules = { readonly [Outer in Kind]: NestedRule<Outer> | null };

/** Rules as a value: both ends of a conversation must merge by the same. */
export interface RuleSet {
  readonly name: string;
  readonly pairs: Matrix;
  readonly nested: NestedRules;
}
