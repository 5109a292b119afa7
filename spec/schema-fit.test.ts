/** Whether what was written for one schema means the same in another: what is parked, and why. */
import * as assert from 'uvu/assert';
import { schemaMisfit } from '../core/reset/schema-fit.js';
import { instructions } from './kit/notation.js';
import { suite } from './kit/suite.js';
import { build } from './kit/worlds.js';

const fit = suite('writes and another schema');

const given = `
  AddTable A topLevel _id: int
  AddTable B topLevel _id: int
  AddTable E embedded
  AddColumn E.i: int
  AddColumn E.e: link(E)?
  AddColumn A.e: link(E)?
  AddColumn A.l: link(E)[]
  AddColumn A.n: int`;
const before = build(instructions(given));

const why = (write: string, change: string): string | null => {
  const [instruction, ...more] = instructions(write);
  if (instruction === undefined || more.length > 0) throw new Error(write);
  const outcome = schemaMisfit(instruction, before, build(instructions(change), before));
  return outcome?.type === 'parked' ? outcome.why : null;
};

fit('what has its place as before is not parked', () => {
  for (const write of [
    'Update A[1].n = 1',
    'Update A[1].e["i"] = 1',
    'Update A[1].l[0]["e"]["i"] = 1',
    'CreateObject A[1]',
    'EraseObject B[1]',
  ])
    assert.is(why(write, 'AddColumn A.other: int'), null, write);
});

fit('what has lost its place is parked, however deep that is', () => {
  assert.is(why('Update A[1].n = 1', 'EraseColumn A.n'), 'propertyGone');
  assert.is(why('Update A[1].n = 1', 'EraseTable A'), 'classGone');
  assert.is(why('CreateObject B[1]', 'EraseTable B\nAddTable B topLevel _id: string'), 'classChanged');
  assert.is(why('Update A[1].n = 1', 'EraseColumn A.n\nAddColumn A.n: string'), 'propertyChanged');
  assert.is(why('Update A[1].e["e"]["i"] = 1', 'EraseColumn E.i'), 'propertyGone');
  assert.is(why('Update A[1].l[0]["i"] = 1', 'EraseColumn E.i\nAddColumn E.i: string'), 'propertyChanged');
});

fit('what the app itself has erased since, or never had, is no doing of the server', () => {
  for (const write of [
    'Update Gone[1].n = 1',
    'CreateObject Gone[1]',
    'Update A[1].gone = 1',
    'Update A[1].e["gone"] = 1',
    'Update A[1].l[0]["e"]["gone"] = 1',
  ])
    assert.is(why(write, 'EraseColumn A.n\nEraseTable B'), null, write);
});

fit('the schema itself is not measured against a schema', () => {
  for (const write of ['AddColumn B.n: int', 'EraseColumn A.n', 'AddTable C embedded', 'EraseTable B'])
    assert.is(why(write, 'EraseTable B'), null, write);
});

fit.run();
