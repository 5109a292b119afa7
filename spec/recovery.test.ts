import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { errorTable } from '../core/protocol/errors.js';
import { baseOf, played, rowsOf } from './kit/reset-page.js';
import { suite } from './kit/suite.js';

const page = readFileSync(new URL('../../spec/recovery.md', import.meta.url), 'utf8');
const base = baseOf(page);
const rows = rowsOf(page);

const test = suite('the page on recovery');

for (const row of rows)
  test(`${row.kind}: ${row.situation}`, () => {
    assert.equal(played(base, row), { outcome: row.outcome, reads: row.reads });
  });

test('has scenarios for every kind', () => {
  const kinds = new Set(rows.map(({ kind }) => kind));
  assert.ok(kinds.size >= 9, [...kinds].join());
  assert.ok(rows.length >= 60, `only ${rows.length} rows`);
});

test('names every error that asks for a reset, as the table of errors has it', () => {
  const claims = [...page.matchAll(/^\| (\d{3}) \| (\w+) \| (\w+) \|/gm)].map(([, code, name, action]) => [
    Number(code),
    name,
    action,
  ]);
  const resets = Object.entries(errorTable).flatMap(([code, { name, action }]) =>
    action === 'ClientReset' || action === 'ClientResetNoRecovery' ? [[Number(code), name, action]] : [],
  );
  assert.equal(claims, resets);
});

test.run();
