/**
 * What compaction must not remove, however safe that looks: the counter-examples of merge-semantics, section
 * 6.7, and some that are peculiar to our merge. The notation is that of `compact-cases.ts`.
 */
import type { State } from '../../core/model/state.js';
import { base } from './compact-cases.js';
import { instructions } from './notation.js';
import { build } from './worlds.js';

/** Removals that look safe: `tempting` is what a careless compactor would leave, `pending` meets it and shows. */
export interface Counter {
  readonly name: string;
  readonly from?: State;
  readonly before: string;
  readonly tempting: string;
  readonly pending: string;
  readonly position?: number;
}

export const counters: readonly Counter[] = [
  {
    name: 'an earlier Update overwritten by a later one with an older time',
    before: '[5 by 2]\nUpdate @.x = 1\n[3 by 2]\nUpdate @.x = 2',
    tempting: '[5 by 2]\n[3 by 2]\nUpdate @.x = 2',
    pending: '[4 by 3]\nUpdate @.x = 9',
  },
  {
    name: 'the same with equal times, idents ignored',
    before: '[5 by 4]\nUpdate @.x = 1\n[5 by 2]\nUpdate @.x = 2',
    tempting: '[5 by 4]\n[5 by 2]\nUpdate @.x = 2',
    pending: '[5 by 3]\nUpdate @.x = 9',
  },
  {
    name: 'an AddInteger overwritten by a later Update with an older time',
    before: '[5 by 2]\nAddInteger @.x += 1\n[3 by 2]\nUpdate @.x = 2',
    tempting: '[5 by 2]\n[3 by 2]\nUpdate @.x = 2',
    pending: '[4 by 3]\nUpdate @.x = 9',
  },
  {
    name: 'a mixed value that was a string and became an integer',
    before: '[1 by 2]\nUpdate @.m = "s"\n[2 by 2]\nUpdate @.m = 5',
    tempting: '[1 by 2]\n[2 by 2]\nUpdate @.m = 5',
    pending: '[3 by 3]\nAddInteger @.m += 3',
    from: build(instructions`Update A[1].m = 0`, base),
  },
  {
    name: 'set operations, the later with an older time',
    before: '[5 by 2]\nSetInsert @.s 1\n[2 by 2]\nSetErase @.s 1',
    tempting: '[5 by 2]\n[2 by 2]\nSetErase @.s 1',
    pending: '[4 by 3]\nSetInsert @.s 1',
  },
  {
    name: 'creation and erasure of a primary key, both removed',
    before: '[1 by 2]\nCreateObject A[2]\n[1 by 2]\nEraseObject A[2]',
    tempting: '[1 by 2]\n[1 by 2]',
    pending: '[1 by 3]\nCreateObject A[2]\nUpdate A[2].x = 1',
  },
  {
    name: 'an earlier EraseObject with a newer time',
    before: '[5 by 2]\nEraseObject @\nCreateObject @\n[3 by 2]\nEraseObject @',
    tempting: '[5 by 2]\n[3 by 2]\nEraseObject @',
    pending: '[4 by 3]\nEraseObject @\nCreateObject @',
  },
  {
    name: 'additions of two times made one, at the later',
    before: '[1 by 2]\nAddInteger @.x += 5\n[4 by 2]\nAddInteger @.x += 5',
    tempting: '[1 by 2]\n[4 by 2]\nAddInteger @.x += 10',
    pending: '[3 by 3]\nUpdate @.x = 100',
  },
  {
    name: 'additions of two times made one, at the earlier',
    before: '[1 by 2]\nAddInteger @.x += 5\n[4 by 2]\nAddInteger @.x += 5',
    tempting: '[1 by 2]\nAddInteger @.x += 10\n[4 by 2]',
    pending: '[3 by 3]\nUpdate @.x = 100',
  },
  {
    name: 'an addition folded into an Update of another time',
    before: '[1 by 2]\nUpdate @.x = 10\n[4 by 2]\nAddInteger @.x += 5',
    tempting: '[1 by 2]\nUpdate @.x = 15\n[4 by 2]',
    pending: '[3 by 3]\nUpdate @.x = 100',
  },
  {
    name: 'an addition folded into a default, even in one changeset',
    before: '[2 by 2]\nUpdate @.x = 10 default\nAddInteger @.x += 5',
    tempting: '[2 by 2]\nUpdate @.x = 15 default',
    pending: '[1 by 3]\nUpdate @.x = 100',
  },
  {
    name: 'an element inserted and erased with an insertion of another time between',
    before:
      '[1 by 2]\nArrayInsert @.l[1] = 1 of 2\n[5 by 2]\nArrayInsert @.l[1] = 2 of 3\nArrayErase @.l[2] of 4',
    tempting: '[1 by 2]\n[5 by 2]\nArrayInsert @.l[1] = 2 of 2',
    pending: '[3 by 3]\nArrayInsert @.l[1] = 26 of 2',
  },
  {
    name: 'an element inserted and erased in two changesets, with a device between them',
    before: '[1 by 2]\nArrayInsert @.l[0] = 1 of 2\n[2 by 2]\nArrayErase @.l[0] of 3',
    tempting: '[1 by 2]\n[2 by 2]',
    pending: '[3 by 3]\nArrayInsert @.l[1] = 2 of 3',
    position: 1,
  },
  {
    name: 'an Update that writes what is there already',
    before: '[1 by 2]\nUpdate @.x = 1\n[9 by 2]\nUpdate @.x = 1',
    tempting: '[1 by 2]\nUpdate @.x = 1\n[9 by 2]',
    pending: '[5 by 3]\nUpdate @.x = 2',
  },
  {
    name: 'the creation of an embedded object without what is inside',
    before: '[1 by 2]\nUpdate @.e = object\nUpdate @.e["n"] = 1\n[2 by 2]\nUpdate @.e = null',
    tempting: '[1 by 2]\nUpdate @.e["n"] = 1\n[2 by 2]\nUpdate @.e = null',
    pending: '[1 by 3]\nUpdate @.x = 1',
    from: build(instructions`Update A[1].e = null`, base),
  },
  {
    name: 'the last erasure of an object that was created in the range',
    before: '[1 by 2]\nCreateObject A[2]\nUpdate A[2].x = 1\nEraseObject A[2]',
    tempting: '[1 by 2]',
    pending: '[2 by 3]\nCreateObject A[2]',
  },
  {
    name: 'what is inside a mixed value that is overwritten',
    before: '[1 by 2]\nUpdate @.m = list\nArrayInsert @.m[0] = 1 of 0\n[2 by 2]\nUpdate @.m = "s"',
    tempting: '[1 by 2]\nUpdate @.m = list\n[2 by 2]\nUpdate @.m = "s"',
    pending: '[3 by 3]\nUpdate @.m = list',
  },
  {
    name: 'the making of a collection that is overwritten',
    before: '[1 by 2]\nUpdate @.m = list\n[2 by 2]\nUpdate @.m = "s"',
    tempting: '[1 by 2]\n[2 by 2]\nUpdate @.m = "s"',
    pending: '[3 by 3]\nUpdate @.m = list\nUpdate @.m = 3 default',
  },
  {
    name: 'a Clear behind which another kind of collection is cleared',
    before: '[1 by 2]\nClear @.m list\nClear @.m dictionary',
    tempting: '[1 by 2]\nClear @.m dictionary',
    pending: '[2 by 3]\nUpdate @.m = list\nArrayInsert @.m[0] = 1 of 0',
  },
  {
    name: 'an erased NaN of a set that comes back',
    before:
      '[4 by 2]\nSetErase @.fs double(NaN)\n[6 by 2]\nSetInsert @.fs double(NaN)\n[2 by 2]\nSetErase @.fs double(NaN)',
    tempting: '[4 by 2]\n[6 by 2]\nSetInsert @.fs double(NaN)\n[2 by 2]\nSetErase @.fs double(NaN)',
    pending: '[3 by 3]\nSetInsert @.fs double(NaN)',
  },
];
