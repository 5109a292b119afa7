/**
 * The reference, imitated for the replay of its merges: its rules of merging and application, what it does
 * besides, and what its messages mean in our terms.
 */
import type { NestedRule, RuleSet } from '../../core/merge/rule.js';
import { realmWith } from '../../core/merge/rule-set.js';
import { samePayload } from '../../core/merge/same-payload.js';
import type { TransformReason } from '../../core/merge/transform-error.js';
import { edit } from '../../core/model/apply.js';
import type { Reason } from '../../core/model/apply-error.js';
import { type ApplyRules, realmApplyRules } from '../../core/model/apply-rules.js';
import type { Changeset } from '../../core/model/changeset.js';
import type { Instruction } from '../../core/model/instruction.js';
import { printInstruction } from '../../core/model/notation.js';
import type { State } from '../../core/model/state.js';
import { contentsOf } from './contents.js';
import { type Contents, nameOf } from './contents-text.js';
import type { Positions } from './reference-codec.js';

const named = (instruction: Instruction): Instruction =>
  'field' in instruction && instruction.field === ''
    ? { ...instruction, field: nameOf(instruction.field) }
    : instruction;

/** The state after all of them; or why one cannot be applied, beginning with the reason's code. */
export const applied = (
  state: State,
  changesets: readonly { readonly instructions: readonly Instruction[] }[],
  rules: ApplyRules,
): State | string => {
  const draft = edit(state, rules);
  for (const { instructions } of changesets)
    for (const instruction of instructions) {
      const error = draft.apply(named(instruction));
      if (error !== null) return `${error.reason}: ${error.message} (${printInstruction(instruction)})`;
    }
  return draft.finish();
};

/**
 * As the reference applies: what the state holds in the end, or why an instruction cannot be applied. Within
 * one changeset it keeps the class that it touched last, by name: if that class is erased and added again,
 * it works on the one that is gone, and fails.
 */
export const endInRealm = (base: State, changesets: readonly Changeset[]): Contents | string => {
  for (const { instructions } of changesets) {
    let last: string | null = null;
    let removed = false;
    for (const { kind, table } of instructions) {
      if (kind === 'EraseTable') removed ||= table === last;
      else if (kind !== 'AddTable') {
        if (table === last && removed) return 'removed';
        if (table !== last) removed = false;
        last = table;
      }
    }
  }
  const end = applied(base, changesets, realmApplyRules);
  return typeof end === 'string' ? end : contentsOf(end);
};

/** The reference's rules, comparing set erasures by the positions from which they were read. */
export const realmBy = (positions: Positions): RuleSet => {
  const rules = realmWith((first, second) => {
    const a = positions.get(first);
    const b = positions.get(second);
    return a === undefined || b === undefined ? samePayload(first.value, second.value) : a === b;
  });
  // Rewriting an erasure does not change from where it was read.
  const carrying =
    <K extends 'ArrayInsert' | 'ArrayMove' | 'ArrayErase'>(rule: NestedRule<K>): NestedRule<K> =>
    (outer, inner) => {
      const outcome = rule(outer, inner);
      const { second } = outcome;
      if (inner.kind === 'SetErase' && typeof second === 'object' && second.kind === 'SetErase') {
        const position = positions.get(inner);
        if (position !== undefined) positions.set(second, position);
      }
      return outcome;
    };
  const { ArrayInsert, ArrayMove, ArrayErase } = rules.nested;
  if (ArrayInsert === null || ArrayMove === null || ArrayErase === null) throw new Error('a rule is missing');
  return {
    ...rules,
    nested: {
      ...rules.nested,
      ArrayInsert: carrying(ArrayInsert),
      ArrayMove: carrying(ArrayMove),
      ArrayErase: carrying(ArrayErase),
    },
  };
};

const transformReasons: readonly (readonly [RegExp, TransformReason])[] = [
  [/is an embedded table on one side|has a primary key on one side/, 'table-kind'],
  [/has primary key '.*' on one side, but primary key/, 'primary-key-name'],
  [/has primary key '.*', which is of type/, 'primary-key-type'],
  [/has primary key '.*', which is nullable/, 'primary-key-nullability'],
  [/asymmetric/, 'table-asymmetry'],
  [/^Schema mismatch: Link property/, 'column-target'],
  [/^Schema mismatch: Property .* is of type/, 'column-type'],
  [/^Schema mismatch: Property .* nullable on one side/, 'column-nullability'],
  [/^Schema mismatch: Property .* (?:single value|list|dictionary|set)/, 'column-collection'],
  [/is_array_update|Inconsistent paths/, 'paths'],
  [/prior_size == .*prior_size/, 'prior-size'],
  [/(?:index|ndx).* <=? .*prior_size/, 'index-range'],
];

/** What the reference's message says, as ours; null where only the failure counts. */
export const reasonOf = (message: string): TransformReason | null =>
  transformReasons.find(([pattern]) => pattern.test(message))?.[1] ?? null;

const applyReasons: readonly (readonly [RegExp, Reason | 'removed'])[] = [
  [/No such field/, 'no-such-column'],
  [/No such object/, 'no-such-object'],
  [/ArrayMove to same location/, 'move-to-same-place'],
  [/out of bounds|out of range/i, 'index-out-of-range'],
  [/prior_size/, 'prior-size-mismatch'],
  [/target of outside links/, 'table-in-use'],
  [/Key not found/, 'no-such-entry'],
  [/^removed$/, 'removed'],
];

export const applyReasonOf = (message: string): Reason | 'removed' | null =>
  applyReasons.find(([pattern]) => pattern.test(message))?.[1] ?? null;
