/**
 * Tiny alphabets of instructions on one object, each around one part of the rules of compaction, for tests
 * that go through everything that can be said with them.
 */
import { edit } from '../../core/model/apply.js';
import { arrayErase, type Instruction } from '../../core/model/instruction.js';
import type { State } from '../../core/model/state.js';
import { instructions } from './notation.js';
import { build } from './worlds.js';

export interface Theme {
  readonly name: string;
  readonly base: State;
  readonly alphabet: readonly Instruction[];
  /** Mixed values hold collections: times must not decrease along a history. */
  readonly isMixed: boolean;
}

const schema = instructions(`
  AddTable A topLevel _id: int
  AddTable E embedded
  AddColumn A.n: int?
  AddColumn A.t: string?
  AddColumn A.m: mixed?
  AddColumn A.l: int[]
  AddColumn A.s: double<>
  AddColumn A.d: int{}
  AddColumn A.e: link(E)?
  AddColumn A.ml: mixed?[]
  AddColumn A.md: mixed?{}
  AddColumn A.el: link(E)[]
  AddColumn A.ed: link(E)?{}
  AddColumn E.n: int
  AddColumn E.m: mixed?
  AddColumn E.l: int[]
`);

/** `@` stands for the object. */
const of = (text: string): readonly Instruction[] => instructions(text.replaceAll('@', 'A[1]'));

/** The schema has no more than the alphabet needs: states are compared often. */
const theme = (name: string, isMixed: boolean, base: string, text: string): Theme => {
  const alphabet = of(text);
  const fields = new Set(alphabet.flatMap((letter) => ('path' in letter ? [letter.field] : [])));
  const needed = schema.filter((x) => x.kind !== 'AddColumn' || x.table === 'E' || fields.has(x.field));
  return { name, base: build([...needed, ...of(`CreateObject @\n${base}`)]), alphabet, isMixed };
};

export const themes: readonly Theme[] = [
  theme(
    'objects',
    false,
    '',
    `CreateObject @
     EraseObject @
     Update @.n = 1
     Update @.n = 2 default
     AddInteger @.n += 5`,
  ),
  theme(
    'integers',
    false,
    '',
    `Update @.n = 1
     Update @.n = 2
     Update @.n = null
     Update @.n = 3 default
     Update @.n = null default
     AddInteger @.n += 5
     AddInteger @.n += 7`,
  ),
  theme(
    'mixed values',
    true,
    '',
    `Update @.m = 1
     Update @.m = null
     Update @.m = "s"
     Update @.m = 3 default
     Update @.m = "d" default
     AddInteger @.m += 5
     Update @.m = list
     Update @.m = dictionary
     Clear @.m list
     Clear @.m dictionary
     ArrayInsert @.m[0] = 1 of 0
     ArrayErase @.m[0] of 1
     Update @.m["k"] = 1`,
  ),
  theme(
    'lists',
    false,
    `ArrayInsert @.l[0] = 7 of 0
     ArrayInsert @.l[1] = 8 of 1`,
    `ArrayInsert @.l[0] = 4 of 1
     ArrayInsert @.l[1] = 1 of 2
     ArrayInsert @.l[0] = 2 of 3
     ArrayErase @.l[0] of 2
     ArrayErase @.l[1] of 3
     ArrayErase @.l[0] of 3
     Update @.l[0] = 11 of 2
     Update @.l[1] = 12 of 2
     Update @.l[1] = 13 of 3
     Update @.l[0] = 14 of 1
     ArrayMove @.l[0] -> 1 of 2
     Clear @.l list
     ArrayInsert @.l[0] = 5 of 0`,
  ),
  theme(
    'sets',
    false,
    '',
    `SetInsert @.s double(0)
     SetInsert @.s double(-0)
     SetErase @.s double(0)
     SetInsert @.s double(1)
     SetErase @.s double(1)
     SetInsert @.s double(NaN)
     SetErase @.s double(NaN)
     Clear @.s set`,
  ),
  theme(
    'dictionaries',
    false,
    `Update @.d["k"] = 5`,
    `Update @.d["k"] = 1
     Update @.d["k"] = erased
     Update @.d["l"] = 2
     Clear @.d dictionary`,
  ),
  theme(
    'embedded objects',
    false,
    'Update @.e = object',
    `Update @.e = object
     Update @.e = null
     Update @.e["n"] = 1
     Update @.e["n"] = 2
     AddInteger @.e["n"] += 5
     ArrayInsert @.e["l"][0] = 5 of 0
     Clear @.e["l"] list`,
  ),
  theme(
    'mixed values in embedded objects',
    true,
    'Update @.e = object',
    `Update @.e = object
     Update @.e = null
     Update @.e["m"] = 2
     Update @.e["m"] = "s"
     AddInteger @.e["m"] += 5
     Update @.e["m"] = list
     ArrayInsert @.e["m"][0] = 5 of 0
     Clear @.e["m"] list`,
  ),
  theme(
    'embedded objects in dictionaries',
    false,
    'Update @.ed["k"] = object',
    `Update @.ed["k"] = object
     Update @.ed["k"] = erased
     Update @.ed["k"] = null
     Update @.ed["k"]["n"] = 1
     AddInteger @.ed["k"]["n"] += 2
     Clear @.ed dictionary`,
  ),
  theme(
    'embedded objects in lists',
    false,
    `ArrayInsert @.el[0] = object of 0
     ArrayInsert @.el[1] = object of 1`,
    `Update @.el[0]["n"] = 5
     Update @.el[1]["n"] = 6
     AddInteger @.el[0]["n"] += 3
     ArrayErase @.el[0] of 2
     ArrayErase @.el[1] of 2
     ArrayInsert @.el[0] = object of 2
     ArrayErase @.el[0] of 3
     ArrayMove @.el[0] -> 1 of 2
     Clear @.el list`,
  ),
  theme(
    'collections in lists of mixed values',
    true,
    `ArrayInsert @.ml[0] = list of 0
     ArrayInsert @.ml[1] = 4 of 1`,
    `Update @.ml[0] = "s" of 2
     Update @.ml[0] = list of 2
     Update @.ml[0] = dictionary of 2
     Clear @.ml[0] list
     Clear @.ml[0] dictionary
     ArrayInsert @.ml[0][0] = 1 of 0
     ArrayErase @.ml[0] of 2
     ArrayInsert @.ml[0] = list of 2
     ArrayMove @.ml[0] -> 1 of 2
     Clear @.ml list`,
  ),
  theme(
    'collections in dictionaries of mixed values',
    true,
    'Update @.md["k"] = list',
    `Update @.md["k"] = list
     Update @.md["k"] = dictionary
     Update @.md["k"] = 1
     Update @.md["k"] = erased
     Clear @.md dictionary
     Clear @.md["k"] list
     Clear @.md["k"] dictionary
     ArrayInsert @.md["k"][0] = 1 of 0
     Update @.md["k"]["j"] = 1`,
  ),
];

/** The state behind the instruction; null where it cannot be made. */
const next = (state: State, instruction: Instruction): State | null => {
  if (instruction.kind === 'Update' && instruction.priorSize !== null) {
    // Application does not compare an Update's size with the list, but whoever makes one does.
    const { table, object, field, path, priorSize } = instruction;
    if (edit(state).apply(arrayErase(table, object, field, path, priorSize)) !== null) return null;
  }
  const draft = edit(state);
  return draft.apply(instruction) === null ? draft.finish() : null;
};

/** Every sequence of `length` letters that can be made, one after the other, from `state`. */
export const sequences = (
  alphabet: readonly Instruction[],
  length: number,
  state: State,
): (readonly Instruction[])[] => {
  if (length === 0) return [[]];
  return alphabet.flatMap((letter) => {
    const after = next(state, letter);
    return after === null ? [] : sequences(alphabet, length - 1, after).map((rest) => [letter, ...rest]);
  });
};
