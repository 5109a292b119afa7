import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { columnsOf } from '../core/merge/column-lookup.js';
import { syncline } from '../core/merge/rule-set.js';
import { transform } from '../core/merge/transform.js';
import type { Changeset } from '../core/model/changeset.js';
import type { Instruction } from '../core/model/instruction.js';
import { countCells, missed } from './kit/counted.js';
import { mergeExamples } from './kit/merge-examples.js';
import { instructions } from './kit/notation.js';
import { everything, possible, smallWorlds } from './kit/small-worlds.js';
import { suite } from './kit/suite.js';
import { build } from './kit/worlds.js';

const coverage = suite('coverage');
const page = fileURLToPath(new URL('../../spec/merging.md', import.meta.url));

const changeset = (origin: number, timestamp: number, instruction: Instruction): Changeset => ({
  version: 1,
  base: 0,
  timestamp,
  origin,
  instructions: [instruction],
});

coverage('every cell of the merge matrix, and every nested rule, decides something', () => {
  const cells = countCells();
  assert.ok(cells.size > 50);
  for (const world of [everything, ...smallWorlds]) {
    const { base } = world;
    const all = possible(world, base);
    const options = { rules: syncline, columns: columnsOf(base) };
    all.forEach((a, i) => {
      for (const b of all.slice(i))
        for (const time of [1, 3]) transform([changeset(2, time, a)], [changeset(3, 2, b)], options);
    });
  }
  for (const { base, left, right } of mergeExamples(readFileSync(page, 'utf8')))
    transform([left], [right], { rules: syncline, columns: columnsOf(build(base)) });
  const base = build(
    instructions(`
      AddTable A topLevel _id: int
      AddTable B topLevel _id: int
      AddColumn A.s_mixed: mixed?<>
      CreateObject A[1]
      CreateObject B[1]`),
  );
  const [erasure, ...links] = instructions(`
    EraseTable B
    SetInsert A[1].s_mixed link(B, 1)
    SetErase A[1].s_mixed link(B, 1)`);
  for (const link of links)
    transform([changeset(2, 1, erasure as Instruction)], [changeset(3, 2, link)], {
      rules: syncline,
      columns: columnsOf(base),
    });
  // What made the value a collection has discarded the addition before anything inside can meet it.
  assert.equal(missed(cells), ['inside AddInteger']);
});

coverage.run();
