import * as assert from 'uvu/assert';
import { suite } from './kit/suite.js';
import { beyond, explainedBy, isReport, marksOf, printMarks } from './kit/uncovered.js';

const uncovered = suite('branches that nothing takes');

const code = [
  'const a = b ?? 0;',
  '  if (c) throw new Error(',
  "    'no',",
  '  );',
  '  return a;',
  '};',
  '',
].join('\n');
const at = (line: number, from: number, end: number, to: number) => ({
  loc: { start: { line, column: from }, end: { line: end, column: to } },
});
const file = (taken: readonly number[]) => ({
  branchMap: {
    0: at(1, 12, 1, 16),
    1: at(2, 9, 4, 4),
    2: at(6, -1, 6, 2),
    3: at(1, 12, 1, 16),
    4: at(5, 2, 5, 11),
  },
  b: Object.fromEntries(taken.map((times, i) => [String(i), [times]])),
});

uncovered('are lines of code with what was not run, however long it is and wherever it stands', () => {
  const marks = marksOf('x.ts', code, file([0, 0, 0, 0, 3]));
  assert.equal(printMarks(marks), [
    'x.ts: const a = b «?? 0»; (2 times)',
    "x.ts: if (c) «throw new Error( 'no', );»",
  ]);
  const moved = marksOf('x.ts', code, file([1, 1, 1, 1, 0]));
  assert.equal(printMarks(moved), ['x.ts: «return a;»']);
});

uncovered('are explained by the lines of a page, as often as it says', () => {
  const page = [
    '## A reason',
    '```text',
    'x.ts: const a = b «?? 0»;',
    'x.ts: «gone» (3 times)',
    '```',
    '',
  ].join('\n');
  const explained = explainedBy(page);
  const found = marksOf('x.ts', code, file([0, 0, 0, 0, 3]));
  assert.equal(printMarks(beyond(found, explained)), [
    'x.ts: const a = b «?? 0»;',
    "x.ts: if (c) «throw new Error( 'no', );»",
  ]);
  assert.equal(printMarks(beyond(explained, found)), ['x.ts: «gone» (3 times)']);
});

uncovered('come from a report of the form that is known', () => {
  assert.ok(isReport({ 'x.ts': file([1, 1, 1, 1, 1]) }));
  for (const other of [null, 'text', { 'x.ts': null }, { 'x.ts': { b: {} } }])
    assert.is(isReport(other), false);
});

uncovered.run();
