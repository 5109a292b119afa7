/**
 * A state with a property of every kind, and what tests of application ask of it. `A` is a class with int
 * keys and one object, 1; `B` has nullable string keys, `E` is embedded, `G` keyless, `S` asymmetric.
 */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { type ApplyError, applyAll, edit, type Reason } from '../../core/model/apply.js';
import { type ApplyRules, synclineApplyRules } from '../../core/model/apply-rules.js';
import type { Instruction } from '../../core/model/instruction.js';
import { intKey } from '../../core/model/key.js';
import { emptyState, type State } from '../../core/model/state.js';
import { instructions } from './notation.js';
import { type Plain, type PlainTable, plainObject, plainState } from './plain.js';

export const run = (
  state: State,
  text: string,
  rules: ApplyRules = synclineApplyRules,
): E.Either<ApplyError, State> => applyAll(state, instructions(text), rules);

/** The state after instructions that can be applied. */
export const after = (state: State, text: string, rules?: ApplyRules): State => {
  const result = run(state, text, rules);
  if (E.isLeft(result)) throw new Error(result.left.message);
  return result.right;
};

/** A property of `A[1]`, as plain data. */
export const field = (state: State, name: string): Plain | undefined =>
  plainObject(state, 'A', intKey(1n))?.[name];

export const table = (state: State, name: string): PlainTable | undefined => plainState(state)[name];

export const base = after(
  emptyState,
  `AddTable A topLevel _id: int
   AddTable B topLevel _id: string?
   AddTable E embedded
   AddTable G topLevel keyless
   AddTable S asymmetric _id: objectId
   AddColumn A.int: int
   AddColumn A.int_null: int?
   AddColumn A.string: string
   AddColumn A.double: double
   AddColumn A.mixed: mixed?
   AddColumn A.link: link(B)?
   AddColumn A.any: link?
   AddColumn A.e: link(E)?
   AddColumn A.ints: int[]
   AddColumn A.mixeds: mixed?[]
   AddColumn A.links: link(B)[]
   AddColumn A.es: link(E)[]
   AddColumn A.set: int<>
   AddColumn A.set_null: int?<>
   AddColumn A.set_link: link(B)<>
   AddColumn A.set_mixed: mixed?<>
   AddColumn A.set_double: double<>
   AddColumn A.dict: int{}
   AddColumn A.dict_mixed: mixed?{}
   AddColumn A.dict_link: link(B)?{}
   AddColumn A.dict_e: link(E)?{}
   AddColumn E.int: int
   AddColumn E.e: link(E)?
   AddColumn E.ints: int[]
   CreateObject A[1]`,
);

/** The last instruction of `text` fails for `reason`, those before it do not, and nothing has happened. */
export const refuses = (reason: Reason, text: string, rules: ApplyRules = synclineApplyRules): void => {
  const all = instructions(text);
  const draft = edit(base, rules);
  for (const instruction of all.slice(0, -1)) assert.is(draft.apply(instruction), null);
  const before = plainState(draft.state);
  const error = draft.apply(all.at(-1) as Instruction);
  assert.is(error?.reason, reason, `${text}: ${error?.message}`);
  assert.is(error?.instruction, all.at(-1));
  assert.is(error?.index, all.length - 1);
  assert.match(error?.message ?? '', new RegExp(`^${all.at(-1)?.kind} .+: .+`));
  assert.equal(plainState(draft.state), before);
};
