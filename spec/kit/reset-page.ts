/**
 * The tables of `spec/recovery.md` as scenarios: every row of a table with these columns is one.
 *
 *     situation | device | server | outcome | then
 *
 * `device` and `server` are instructions, separated by semicolons, made on the state that the page begins with;
 * `--` begins another transaction. `outcome` names what the report says of each of the device's instructions,
 * and `then` what the app reads afterwards: `1.l = [1,2]` for a property, `1 is gone` for an object that is not.
 */
import * as E from 'fp-ts/lib/Either.js';
import { LinkView } from '../../core/model/edge-types.js';
import { intKey } from '../../core/model/key.js';
import { findObject, type State } from '../../core/model/state.js';
import type { Outcome } from '../../core/reset/report.js';
import { readObject } from '../../core/session/view.js';
import { instructions } from './notation.js';
import { recover, replayed, resetCase } from './reset-case.js';
import { build } from './worlds.js';

export interface Row {
  readonly kind: string;
  readonly situation: string;
  readonly device: string;
  readonly server: string;
  readonly outcome: string;
  readonly reads: string;
}

const HEAD = ['situation', 'device', 'server', 'outcome', 'then'];

/** `kind` is the heading above the table. */
export const rowsOf = (page: string): readonly Row[] => {
  const rows: Row[] = [];
  let kind = '';
  let isScenario = false;
  for (const line of page.split('\n')) {
    if (line.startsWith('#')) kind = line.replace(/^#+ /, '');
    if (!line.startsWith('|')) {
      isScenario = false;
      continue;
    }
    const cells = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', ''));
    if (cells.join() === HEAD.join()) isScenario = true;
    else if (isScenario && !/^-+$/.test(cells[0] ?? '')) {
      const [situation = '', device = '', server = '', outcome = '', reads = ''] = cells;
      rows.push({ kind, situation, device, server, outcome, reads });
    }
  }
  return rows;
};

export const baseOf = (page: string): State =>
  build(instructions(/^```base\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? ''));

const listed = (cell: string) =>
  cell === 'nothing' ? [] : cell.split(/;\s*/).flatMap((text) => instructions(text));

/** An outcome in a word or two. */
export const outcomeWord = (outcome: Outcome): string => {
  if (outcome.type === 'transformed') return outcome.how;
  return outcome.type === 'parked' ? `parked: ${outcome.why}` : outcome.type;
};

const SET = 'g';

const plain = (name: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return Number(value);
  // Members of a set have no order.
  if (name === SET && Array.isArray(value)) return [...(value as readonly bigint[])].sort();
  if (value instanceof LinkView) return `${value.class}/${String(value.key)}`;
  return value;
};

const reading = (state: State, key: bigint, name: string): string => {
  const found = readObject(state, 'A', key);
  if (E.isLeft(found)) return found.left.message;
  if (found.right === null) return 'gone';
  return JSON.stringify({ [name]: found.right[name] }, plain).slice(name.length + 4, -1);
};

/** The last two cells as they come out. */
export const played = (base: State, row: Row): Pick<Row, 'outcome' | 'reads'> => {
  const transactions = row.device.split(/;?\s*--;?\s*/).map(listed);
  const given = resetCase(base, transactions, build(listed(row.server), base));
  const done = recover(given);
  replayed(done);
  const outcomes = done.report.flatMap(({ instructions: all }) =>
    all.map(({ outcome }) => outcomeWord(outcome)),
  );
  const reads = row.reads.split(/;\s*/).map((claim) => {
    const [, gone] = /^(\d+) is gone$/.exec(claim) ?? [];
    if (gone !== undefined)
      return findObject(done.state, 'A', intKey(BigInt(gone))) === undefined ? claim : `${gone} is there`;
    const [, key = '0', name = ''] = /^(\d+)\.(\w+) =/.exec(claim) ?? [];
    return `${key}.${name} = ${reading(done.state, BigInt(key), name)}`;
  });
  return { outcome: outcomes.join(', '), reads: reads.join('; ') };
};
