/**
 * Small worlds for exhaustive tests: in each a base state in which one family of instructions can meet, and
 * every instruction of the family that can be applied to a state reached from it.
 *
 * Instructions are listed with all indices, targets and sizes that could occur, valid or not; what can be
 * applied to a given state is found by applying it.
 */
import { edit } from '../../core/model/apply.js';
import type { Instruction } from '../../core/model/instruction.js';
import { read } from '../../core/model/read.js';
import type { State } from '../../core/model/state.js';
import { instructions } from './notation.js';
import { build } from './worlds.js';

export interface SmallWorld {
  readonly name: string;
  readonly base: State;
  /** May be invalid in the base. */
  readonly candidates: readonly Instruction[];
}

/** The candidates that were made for `state`: that can be applied to it, and know the sizes of its lists. */
export const possible = (world: SmallWorld, state: State): readonly Instruction[] =>
  world.candidates.filter(
    (instruction) => edit(state).apply(instruction) === null && knowsSize(instruction, state),
  );

/** Applying an Update does not compare the size that it names. */
const knowsSize = (instruction: Instruction, state: State): boolean => {
  if (instruction.kind !== 'Update' || instruction.priorSize === null) return true;
  const { table, object, field, path, priorSize } = instruction;
  const found = read(state, table, object, field, path.slice(0, -1));
  return found.kind === 'list' && found.node.items.length === priorSize;
};

const world = (name: string, base: string, candidates: readonly string[]): SmallWorld => ({
  name,
  base: build(instructions(base)),
  candidates: instructions(candidates.join('\n')),
});

const upTo = (end: number): number[] => Array.from({ length: end }, (_, i) => i);

/** Every list instruction at `place`, for lists of up to `most` elements; what is inserted or set is `value`. */
const onList = (place: string, value: string, most: number, inserted = value): string[] => [
  ...upTo(most + 1).flatMap((size) => [
    ...upTo(size + 1).map((at) => `ArrayInsert ${place}[${at}] = ${inserted} of ${size}`),
    ...upTo(size).flatMap((at) => [
      `ArrayErase ${place}[${at}] of ${size}`,
      `Update ${place}[${at}] = ${value} of ${size}`,
      ...upTo(size)
        .filter((to) => to !== at)
        .map((to) => `ArrayMove ${place}[${at}] -> ${to} of ${size}`),
    ]),
  ]),
  `Clear ${place} list`,
];

const top = 'AddTable A topLevel _id: int';

export const lists = (size: number): SmallWorld =>
  world(
    `a list of ${size}`,
    `${top}
     AddColumn A.l: int[]
     CreateObject A[1]
     ${upTo(size)
       .map((i) => `ArrayInsert A[1].l[${i}] = ${i} of ${i}`)
       .join('\n')}`,
    onList('A[1].l', '9', size + 1),
  );

export const numbers = world(
  'integers, nulls and defaults',
  `${top}
   AddColumn A.i: int
   AddColumn A.n: int?
   CreateObject A[1]
   Update A[1].n = 4`,
  ['A[1].i', 'A[1].n', 'A[2].n']
    .flatMap((place) => [
      `Update ${place} = 1`,
      `Update ${place} = 2 default`,
      `Update ${place} = null`,
      `AddInteger ${place} += 9223372036854775807`,
    ])
    .concat('CreateObject A[2]', 'EraseObject A[1]', 'CreateObject A[1]'),
);

export const sets = world(
  'sets',
  `${top}
   AddColumn A.s: mixed?<>
   CreateObject A[1]
   SetInsert A[1].s 1
   SetInsert A[1].s "a"`,
  ['1', '2', '"a"', 'double(1)', 'double(0)', 'double(-0)', 'double(NaN)', 'null', 'link(A, 1)', 'binary(00)']
    .flatMap((value) => [`SetInsert A[1].s ${value}`, `SetErase A[1].s ${value}`])
    .concat('Clear A[1].s set'),
);

export const dictionaries = world(
  'dictionaries',
  `${top}
   AddTable E embedded
   AddColumn E.i: int
   AddColumn A.d: int?{}
   AddColumn A.e: link(E)?{}
   CreateObject A[1]
   Update A[1].d["k"] = 1
   Update A[1].e["k"] = object
   Update A[1].e["k"]["i"] = 1`,
  ['"k"', '"l"']
    .flatMap((key) => [
      `Update A[1].d[${key}] = 2`,
      `Update A[1].d[${key}] = null`,
      `Update A[1].d[${key}] = erased`,
      `Update A[1].e[${key}] = object`,
      `Update A[1].e[${key}] = null`,
      `Update A[1].e[${key}] = erased`,
      `Update A[1].e[${key}]["i"] = 3`,
      `AddInteger A[1].e[${key}]["i"] += 5`,
    ])
    .concat('Clear A[1].d dictionary', 'Clear A[1].e dictionary'),
);

export const embedded = world(
  'embedded objects',
  `${top}
   AddTable E embedded
   AddColumn E.i: int
   AddColumn E.e: link(E)?
   AddColumn A.e: link(E)?
   AddColumn A.l: link(E)[]
   CreateObject A[1]
   Update A[1].e = object
   Update A[1].e["i"] = 1
   ArrayInsert A[1].l[0] = object of 0
   Update A[1].l[0]["i"] = 1
   ArrayInsert A[1].l[1] = object of 1`,
  [
    'Update A[1].e = null',
    'Update A[1].e = object',
    'Update A[1].e = object default',
    'Update A[1].e["i"] = 3',
    'AddInteger A[1].e["i"] += 5',
    'Update A[1].e["e"] = object',
    'Update A[1].e["e"] = null',
    'Update A[1].e["e"]["i"] = 7',
    ...upTo(3).map((at) => `AddInteger A[1].l[${at}]["i"] += 5`),
    ...onList('A[1].l', 'object', 2).filter((text) => !text.startsWith('Update')),
  ],
);

/** What one slot of a mixed type may hold, and everything that can be done to it and inside it. */
export const mixed = (content: 'nothing' | 'an integer' | 'a list' | 'a dictionary'): SmallWorld => {
  const contents = {
    nothing: '',
    'an integer': 'Update A[1].m = 5',
    'a list': 'Update A[1].m = list\nArrayInsert A[1].m[0] = 1 of 0',
    'a dictionary': 'Update A[1].m = dictionary\nUpdate A[1].m["k"] = 1',
  };
  return world(
    `a mixed value that holds ${content}`,
    `${top}\nAddColumn A.m: mixed?\nCreateObject A[1]\n${contents[content]}`,
    [
      'Update A[1].m = null',
      'Update A[1].m = "s"',
      'Update A[1].m = 7 default',
      'Update A[1].m = list',
      'Update A[1].m = dictionary',
      'AddInteger A[1].m += 2',
      'Clear A[1].m list',
      'Clear A[1].m dictionary',
      'ArrayInsert A[1].m[0] = 3 of 0',
      'ArrayInsert A[1].m[0] = 3 of 1',
      'ArrayInsert A[1].m[1] = 3 of 1',
      'ArrayErase A[1].m[0] of 1',
      'Update A[1].m[0] = 4 of 1',
      'Update A[1].m["k"] = 4',
      'Update A[1].m["k"] = erased',
      'Update A[1].m["k"] = list',
      'Clear A[1].m["k"] dictionary',
      'Update A[1].m["k"]["l"] = 6',
    ],
  );
};

export const nestedLists = world(
  'lists in lists',
  `${top}
   AddColumn A.l: mixed?[]
   CreateObject A[1]
   ArrayInsert A[1].l[0] = 1 of 0
   ArrayInsert A[1].l[1] = list of 1
   ArrayInsert A[1].l[1][0] = 2 of 0`,
  [
    ...onList('A[1].l', '8', 2),
    ...upTo(3).flatMap((at) => [
      `Update A[1].l[${at}] = list of 2`,
      `Clear A[1].l[${at}] list`,
      `Clear A[1].l[${at}] dictionary`,
      `ArrayInsert A[1].l[${at}][0] = 3 of 1`,
      `ArrayErase A[1].l[${at}][0] of 1`,
      `Update A[1].l[${at}]["k"] = 3`,
    ]),
  ],
);

export const objects = world(
  'objects and links',
  `${top}
   AddTable B topLevel _id: string?
   AddColumn A.l: link(B)?
   AddColumn A.n: int
   AddColumn B.s: link(A)<>
   CreateObject A[1]
   CreateObject B["x"]
   Update A[1].l = link(B, "x")
   SetInsert B["x"].s link(A, 1)`,
  [
    ...['A[1]', 'A[2]', 'B["x"]', 'B[null]'].flatMap((object) => [
      `CreateObject ${object}`,
      `EraseObject ${object}`,
    ]),
    'Update A[1].n = 1',
    'Update A[2].n = 1 default',
    'Update A[1].l = link(B, null)',
    'Update A[1].l = null',
    'SetInsert B["x"].s link(A, 2)',
    'SetErase B["x"].s link(A, 1)',
  ],
);

export const schema = world(
  'classes and columns',
  `${top}
   AddTable B topLevel _id: int
   AddTable E embedded
   AddColumn A.e: link(E)?
   AddColumn E.i: int
   AddColumn A.m: mixed?
   AddColumn A.l: mixed?[]
   CreateObject A[1]
   CreateObject B[1]
   Update A[1].e = object`,
  [
    'AddTable B topLevel _id: int',
    'AddTable C topLevel _id: int',
    'EraseTable A',
    'EraseTable B',
    'EraseTable C',
    'EraseTable E',
    'AddColumn A.b: link(B)?',
    'AddColumn A.c: link(C)?',
    'AddColumn E.b: link(B)?',
    'AddColumn E.i: int',
    'EraseColumn A.b',
    'EraseColumn A.e',
    'EraseColumn A.m',
    'EraseColumn E.i',
    'EraseColumn E.b',
    'CreateObject B[2]',
    'CreateObject C[1]',
    'EraseObject A[1]',
    'Update A[1].b = link(B, 1)',
    'Update A[1].e["b"] = link(B, 1)',
    'AddInteger A[1].e["i"] += 1',
    'Update A[1].e = null',
    'Update A[1].m = link(B, 1)',
    'Update A[1].m = 1',
    'ArrayInsert A[1].l[0] = link(B, 1) of 0',
    'ArrayInsert A[1].l[0] = 1 of 0',
    'Update A[1].l[0] = link(B, 1) of 1',
  ],
);

/** Every kind of instruction on every kind of place: three objects, lists of three. */
export const everything = world(
  'everything',
  `${top}
   AddTable B topLevel _id: string?
   AddTable E embedded
   AddColumn E.i: int
   AddColumn E.l: int[]
   AddColumn A.i: int?
   AddColumn A.b: link(B)?
   AddColumn A.e: link(E)?
   AddColumn A.l: int[]
   AddColumn A.f: link(E)[]
   AddColumn A.x: mixed?[]
   AddColumn A.s: mixed?<>
   AddColumn A.d: mixed?{}
   AddColumn A.m: mixed?
   CreateObject A[1]
   CreateObject A[2]
   CreateObject B["x"]
   Update A[1].e = object
   ArrayInsert A[1].e["l"][0] = 1 of 0
   ${upTo(3)
     .map((i) => `ArrayInsert A[1].l[${i}] = ${i} of ${i}\nArrayInsert A[1].f[${i}] = object of ${i}`)
     .join('\n')}
   ArrayInsert A[1].x[0] = 1 of 0
   ArrayInsert A[1].x[1] = list of 1
   ArrayInsert A[1].x[1][0] = 2 of 0
   ArrayInsert A[1].x[2] = dictionary of 2
   Update A[1].x[2]["k"] = 3
   SetInsert A[1].s 1
   Update A[1].d["k"] = list
   ArrayInsert A[1].d["k"][0] = 1 of 0
   Update A[1].m = dictionary
   Update A[1].m["k"] = 1`,
  [
    'AddTable B topLevel _id: string?',
    'AddTable C embedded',
    'EraseTable A',
    'EraseTable B',
    'AddColumn A.i: int?',
    'AddColumn B.c: link(A)?',
    'AddColumn E.c: link(B)[]',
    ...['A.i', 'A.e', 'A.l', 'A.x', 'A.s', 'A.d', 'A.m', 'E.i', 'E.l'].map(
      (column) => `EraseColumn ${column}`,
    ),
    ...['A[1]', 'A[3]', 'B["x"]', 'B[null]'].flatMap((object) => [
      `CreateObject ${object}`,
      `EraseObject ${object}`,
    ]),
    'Update A[2].i = 1',
    'Update A[1].i = 1',
    'Update A[1].i = 2 default',
    'Update A[1].i = null',
    'AddInteger A[1].i += 3',
    'Update A[1].b = link(B, "x")',
    'Update A[1].e = null',
    'Update A[1].e = object',
    'Update A[1].e["i"] = 1',
    'AddInteger A[1].e["i"] += 3',
    ...onList('A[1].e["l"]', '4', 1),
    ...onList('A[1].l', '4', 3),
    ...onList('A[1].f', 'object', 3).filter((text) => !text.startsWith('Update')),
    ...upTo(3).flatMap((at) => [
      `Update A[1].f[${at}]["i"] = 1`,
      `AddInteger A[1].f[${at}]["i"] += 3`,
      `ArrayInsert A[1].f[${at}]["l"][0] = 4 of 0`,
    ]),
    ...onList('A[1].x', '4', 3),
    ...upTo(3).flatMap((at) => [
      `Update A[1].x[${at}] = list of 3`,
      `Update A[1].x[${at}] = link(B, "x") of 3`,
      `Clear A[1].x[${at}] list`,
      `Clear A[1].x[${at}] dictionary`,
    ]),
    'ArrayInsert A[1].x[1][1] = 5 of 1',
    'ArrayErase A[1].x[1][0] of 1',
    'Update A[1].x[2]["k"] = 5',
    'Update A[1].x[2]["k"] = erased',
    ...['1', '2', 'double(1)', 'link(B, "x")'].flatMap((value) => [
      `SetInsert A[1].s ${value}`,
      `SetErase A[1].s ${value}`,
    ]),
    'Clear A[1].s set',
    ...['k', 'l'].flatMap((key) => [
      `Update A[1].d["${key}"] = 6`,
      `Update A[1].d["${key}"] = erased`,
      `Update A[1].d["${key}"] = list`,
      `Update A[1].d["${key}"] = dictionary`,
      `Clear A[1].d["${key}"] list`,
      `ArrayInsert A[1].d["${key}"][0] = 6 of 1`,
    ]),
    'Clear A[1].d dictionary',
    'Update A[1].m = null',
    'Update A[1].m = 7',
    'Update A[1].m = list',
    'Update A[1].m = dictionary',
    'Update A[1].m = link(B, "x")',
    'Clear A[1].m list',
    'Clear A[1].m dictionary',
    'Update A[1].m["k"] = 7',
    'Update A[1].m["k"] = list',
  ],
);

/** Smaller first. */
export const smallWorlds: readonly SmallWorld[] = [
  lists(2),
  numbers,
  sets,
  dictionaries,
  embedded,
  mixed('nothing'),
  mixed('an integer'),
  mixed('a list'),
  mixed('a dictionary'),
  nestedLists,
  objects,
  schema,
];
