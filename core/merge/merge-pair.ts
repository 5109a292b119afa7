/**
 * Merging one pair: finding its rule.
 *
 * Instructions at different levels are first put to the nested rule of the outer one, then to the pair rule
 * of the two kinds. Only one of the two ever has anything to say: where a nested rule acts, the places
 * differ in length, and the pair rules that accept that are those of EraseColumn (C4), which has no nested
 * rule, and of EraseTable with something in another class (T4, T5), where its nested rule does nothing.
 *
 * Source: merge-semantics, section 4.1.
 */
import { type Instruction, type Kind, kinds } from '../model/instruction.js';
import { mirrored, type Outcome, unchanged } from './outcome.js';
import type { Context, Matrix, NestedRule, PairRule, RuleSet } from './rule.js';

const numbers = Object.fromEntries(kinds.map((kind, number) => [kind, number])) as Record<Kind, number>;

/** The length of the instruction's address. */
export const levelOf = (instruction: Instruction): number => {
  if ('path' in instruction) return 3 + instruction.path.length;
  return instruction.kind === 'AddTable' || instruction.kind === 'EraseTable' ? 1 : 2;
};

// The tables relate the type of a rule to the kinds of its operands, cell by cell. Looking a rule up by
// the kinds of two instructions loses that relation for the compiler, and the two functions below restore it.
const pairRule = (pairs: Matrix, later: Kind, earlier: Kind): PairRule<Kind, Kind> | null =>
  (pairs[later] as Readonly<Record<Kind, unknown>>)[earlier] as PairRule<Kind, Kind> | null;

const nestedRule = (rules: RuleSet, outer: Kind): NestedRule<Kind> | null =>
  rules.nested[outer] as NestedRule<Kind> | null;

/**
 * What becomes of `left` and `right`, which are based on one state and come from different sides; they are
 * `first` and `second` of the outcome. Touches neither; allocates only where an instruction is replaced.
 *
 * Law (with `apply` of the model): where both apply to a state, then left and then the new right gives the
 * same state as right and then the new left.
 */
export const mergePair = (
  left: Instruction,
  right: Instruction,
  leftIsNewer: boolean,
  rules: RuleSet,
  context: Context,
): Outcome => {
  // Most pairs that meet at all are path instructions on different fields, and nothing relates those.
  if ('path' in left && 'path' in right && (left.field !== right.field || left.object !== right.object))
    return unchanged;
  const leftLevel = levelOf(left);
  const rightLevel = levelOf(right);
  if (leftLevel < rightLevel) {
    const rule = nestedRule(rules, left.kind);
    const outcome = rule === null ? unchanged : rule(left, right);
    if (outcome !== unchanged) return outcome;
  } else if (leftLevel > rightLevel) {
    const rule = nestedRule(rules, right.kind);
    const outcome = rule === null ? unchanged : rule(right, left);
    if (outcome !== unchanged) return mirrored(outcome);
  }
  if (numbers[left.kind] >= numbers[right.kind]) {
    const rule = pairRule(rules.pairs, left.kind, right.kind);
    return rule === null ? unchanged : rule(left, right, leftIsNewer, context);
  }
  const rule = pairRule(rules.pairs, right.kind, left.kind);
  return rule === null ? unchanged : mirrored(rule(right, left, !leftIsNewer, context));
};
