/**
 * What compaction removes and what it folds: small histories, each around one rule.
 */
import type { Changeset } from '../../core/model/changeset.js';
import { changesets, instructions } from './notation.js';
import { build } from './worlds.js';

export const schema = instructions`
  AddTable A topLevel _id: int
  AddTable E embedded
  AddColumn A.x: int
  AddColumn A.t: string?
  AddColumn A.m: mixed?
  AddColumn A.l: int[]
  AddColumn A.s: int<>
  AddColumn A.fs: double<>
  AddColumn A.d: int{}
  AddColumn A.e: link(E)?
  AddColumn A.el: link(E)[]
  AddColumn E.n: int
  AddColumn E.o: link(E)?
`;
const empty = build(schema);
export const base = build(
  instructions`
    CreateObject A[1]
    Update A[1].e = object
    ArrayInsert A[1].l[0] = 10 of 0
    ArrayInsert A[1].l[1] = 20 of 1
    ArrayInsert A[1].el[0] = object of 0
  `,
  empty,
);

/** `@` stands for the object, `[3 by 2]` begins a changeset made at 3 by 2. */
export const history = (text: string): readonly Changeset[] => {
  let version = 0;
  const whole = text
    .replaceAll('@', 'A[1]')
    .replace(
      /\[(\d+) by (\d+)\]/g,
      (_, time, ident) => `changeset ${++version} base 0 at ${time} from ${ident}`,
    );
  return changesets(whole);
};

export interface Example {
  readonly rule: string;
  /** What goes is marked by a minus. */
  readonly text: string;
}

export const examples: readonly Example[] = [
  {
    rule: 'U: the documented example',
    text: `[1 by 2]
             CreateObject A[2]
           - Update A[2].x = 4
           [2 by 2]
           - Update A[2].x = 10
           [3 by 3]
             Update A[2].x = 42`,
  },
  {
    rule: 'U: additions, too, and through any number of changesets',
    text: `[1 by 2]
           - Update @.x = 1
           - AddInteger @.x += 1
           [1 by 3]
           - AddInteger @.x += 5
           [2 by 2]
             Update @.x = 9`,
  },
  {
    rule: 'U: a default goes for a default or a value, a value not for a default',
    text: `[1 by 2]
           - Update @.x = 1 default
           [2 by 2]
             Update @.x = 2
           [3 by 2]
           - Update @.x = 3 default
           [4 by 2]
             Update @.x = 4 default`,
  },
  {
    rule: 'U: inside an embedded object, and all of it with the object',
    text: `[1 by 2]
           - Update @.e["n"] = 1
           [2 by 2]
           - Update @.e["n"] = 2
           [1 by 3]
           - Update @.e["o"] = object
           - Update @.e["o"]["n"] = 4
           [3 by 3]
             Update @.e = null`,
  },
  {
    rule: 'U: what is inside goes whatever the times, what is at the place does not',
    text: `[5 by 2]
             Update @.e = object
           - Update @.e["n"] = 1
           [3 by 2]
             Update @.e = null`,
  },
  {
    rule: 'U: not across the creation of what it is in',
    text: `[1 by 2]
             Update @.e["n"] = 1
           [2 by 2]
             Update @.e = object
           [3 by 2]
             Update @.e["n"] = 2`,
  },
  {
    rule: 'U: dictionary entries, each for itself',
    text: `[1 by 2]
           - Update @.d["k"] = 1
             Update @.d["l"] = 1
           [2 by 2]
             Update @.d["k"] = erased`,
  },
  {
    rule: 'U: list elements, unless the list changes shape in between',
    text: `[1 by 2]
             Update @.l[0] = 1 of 2
             Update @.l[1] = 2 of 2
             ArrayMove @.l[0] -> 1 of 2
           - Update @.l[0] = 3 of 2
             Update @.l[1] = 4 of 2
           [2 by 2]
             Update @.l[0] = 5 of 2`,
  },
  {
    rule: 'U: a string may go for null where nothing can be added to',
    text: `[1 by 2]
           - Update @.t = "s"
           [2 by 2]
             Update @.t = null
           [1 by 3]
             Update @.m = "s"
           [2 by 3]
             Update @.m = null`,
  },
  {
    rule: 'U: mixed values: an integer goes for anything plain, nothing plain for an integer',
    text: `[1 by 2]
           - Update @.m = 5
           [2 by 2]
             Update @.m = "s"
           [3 by 2]
           - Update @.m = 1
           [4 by 2]
             Update @.m = 2`,
  },
  {
    rule: 'U: what makes, empties or fills a collection in a mixed value stays',
    text: `[1 by 2]
             Update @.m = list
             Clear @.m list
             ArrayInsert @.m[0] = 1 of 0
           [2 by 2]
             Update @.m = "s"`,
  },
  {
    rule: 'E and E2: all lives of an object but what is behind the last erasure',
    text: `[1 by 2]
           - CreateObject A[2]
           - Update A[2].x = 1
           - EraseObject A[2]
           [2 by 3]
           - CreateObject A[2]
           - SetInsert A[2].s 1
           [3 by 2]
             EraseObject A[2]
           [4 by 2]
             CreateObject A[2]
             Update A[2].x = 2`,
  },
  {
    rule: 'E: whatever the times; E2: not for an older erasure',
    text: `[5 by 2]
           - CreateObject A[2]
             EraseObject A[2]
           - CreateObject A[2]
           [3 by 2]
             EraseObject A[2]`,
  },
  {
    rule: 'a creation begins another life',
    text: `[1 by 2]
             Update A[1].x = 1
             CreateObject A[1]
             Update A[1].x = 2`,
  },
  {
    rule: 'C and C2: a collection that is cleared',
    text: `[1 by 2]
           - ArrayInsert @.l[0] = 1 of 2
           - ArrayErase @.l[2] of 3
           - Clear @.l list
           - ArrayInsert @.l[0] = 2 of 0
           [2 by 2]
             Clear @.l list
             ArrayInsert @.l[0] = 3 of 0
           [1 by 3]
           - SetInsert @.s 4
           [2 by 3]
             Clear @.s set
           [3 by 3]
           - Update @.d["k"] = 5
           [1 by 4]
             Clear @.d dictionary`,
  },
  {
    rule: 'C2: not for an older one',
    text: `[5 by 2]
             Clear @.l list
           [4 by 2]
             Clear @.l list`,
  },
  {
    rule: 'C: of a list says nothing of a dictionary that was there',
    text: `[1 by 2]
             Update @.m = dictionary
             Update @.m["k"] = 1
           - Clear @.m list
           - ArrayInsert @.m[0] = 1 of 0
             Clear @.m list`,
  },
  {
    rule: 'S: one value of a set',
    text: `[1 by 2]
           - SetInsert @.s 1
             SetInsert @.s 2
           [2 by 2]
           - SetErase @.s 1
           [3 by 2]
             SetInsert @.s 1
           [2 by 3]
             SetErase @.s 1`,
  },
  {
    rule: 'S: two representations are one value, NaNs are none',
    text: `[1 by 2]
           - SetInsert @.fs double(0)
           - SetErase @.fs double(-0)
             SetInsert @.fs double(0)
             SetInsert @.fs double(NaN)
             SetErase @.fs double(NaN)`,
  },
  {
    rule: 'AE: a list element that is erased',
    text: `[5 by 2]
           - Update @.l[0] = 1 of 2
           [2 by 2]
             ArrayErase @.l[0] of 2
           [1 by 3]
           - Update @.el[0]["n"] = 1
           - Update @.el[0]["o"] = object
           [1 by 4]
             ArrayErase @.el[0] of 1`,
  },
  {
    rule: 'AE: only as long as the list keeps its shape',
    text: `[1 by 2]
             Update @.l[0] = 1 of 2
             ArrayInsert @.l[0] = 2 of 2
             ArrayErase @.l[1] of 3`,
  },
  {
    rule: 'the schema stays, and nothing reaches across what it loses',
    text: `[1 by 2]
             Update @.x = 1
             EraseColumn A.x
             AddColumn A.x: int
             Update @.x = 2
             AddColumn A.y: int
             EraseColumn A.y
             AddColumn A.y: int
           - Update @.y = 1
             Update @.y = 2
           [1 by 2]
             EraseTable E2
             AddTable E2 embedded`,
  },
];

export const split = (text: string): { before: string; after: string } => {
  const lines = text.split('\n');
  return {
    before: lines.map((line) => line.replace(/^\s*- /, '  ')).join('\n'),
    after: lines.filter((line) => !/^\s*- /.test(line)).join('\n'),
  };
};

export const folds: readonly (readonly [string, string, string])[] = [
  [
    'A: additions of one changeset are summed',
    '[1 by 2]\nAddInteger @.x += 5\nUpdate @.t = "s"\nAddInteger @.x += -7\n[1 by 2]\nAddInteger @.x += 1',
    '[1 by 2]\nUpdate @.t = "s"\nAddInteger @.x += -2\n[1 by 2]\nAddInteger @.x += 1',
  ],
  [
    'A: not across a value that may be a default',
    '[1 by 2]\nAddInteger @.x += 5\nUpdate @.x = 1 default\nAddInteger @.x += 6',
    '[1 by 2]\nAddInteger @.x += 5\nUpdate @.x = 1 default\nAddInteger @.x += 6',
  ],
  [
    'UA: a value takes what is added to it',
    '[1 by 2]\nUpdate @.x = 9223372036854775807\nAddInteger @.x += 1\nAddInteger @.x += 1',
    '[1 by 2]\nUpdate @.x = -9223372036854775807',
  ],
  [
    'IU: a new element has the value that it gets',
    '[1 by 2]\nArrayInsert @.l[1] = 1 of 2\nUpdate @.l[1] = 2 of 3\nUpdate @.l[1] = 3 of 3',
    '[1 by 2]\nArrayInsert @.l[1] = 3 of 2',
  ],
  [
    'IU: not across anything else on the property',
    '[1 by 2]\nArrayInsert @.l[1] = 1 of 2\nUpdate @.l[0] = 3 of 3\nUpdate @.l[1] = 2 of 3',
    '[1 by 2]\nArrayInsert @.l[1] = 1 of 2\nUpdate @.l[0] = 3 of 3\nUpdate @.l[1] = 2 of 3',
  ],
  [
    'IE: a new element that goes at once has never been',
    '[1 by 2]\nArrayInsert @.el[1] = object of 1\nUpdate @.el[1]["n"] = 4\nArrayErase @.el[1] of 2',
    '[1 by 2]',
  ],
  [
    'IE: insertions in between find one element less',
    `[1 by 2]\nArrayInsert @.l[1] = 1 of 2\nArrayInsert @.l[0] = 2 of 3\nArrayInsert @.l[3] = 3 of 4
     ArrayInsert @.l[2] = 4 of 5\nArrayErase @.l[3] of 6`,
    '[1 by 2]\nArrayInsert @.l[0] = 2 of 2\nArrayInsert @.l[2] = 3 of 3\nArrayInsert @.l[2] = 4 of 4',
  ],
  [
    'IE: not across a move, nor across changesets',
    `[1 by 2]\nArrayInsert @.l[0] = 1 of 2\nArrayMove @.l[0] -> 1 of 3\nArrayErase @.l[1] of 3
     ArrayInsert @.l[0] = 2 of 2\n[1 by 2]\nArrayErase @.l[0] of 3`,
    `[1 by 2]\nArrayInsert @.l[0] = 1 of 2\nArrayMove @.l[0] -> 1 of 3\nArrayErase @.l[1] of 3
     ArrayInsert @.l[0] = 2 of 2\n[1 by 2]\nArrayErase @.l[0] of 3`,
  ],
];
