/**
 * Which cells of the merge matrix decide something, and which pairs of phase and event are met, while something
 * runs: the engine's own tables, counted in place.
 */
import type { Outcome } from '../../core/merge/outcome.js';
import { unchanged } from '../../core/merge/outcome.js';
import { syncline } from '../../core/merge/rule-set.js';
import { clientTable, serverTable } from '../../core/session/phases.js';

type Rule = (...args: readonly unknown[]) => Outcome;
type Cells = Record<string, Rule | null>;

/** What was counted, by name; 0 for what was never met. */
export type Counts = Map<string, number>;

const counting = (counts: Counts, name: string, rule: Rule): Rule => {
  counts.set(name, counts.get(name) ?? 0);
  return (...args) => {
    const outcome = rule(...args);
    if (outcome !== unchanged) counts.set(name, (counts.get(name) ?? 0) + 1);
    return outcome;
  };
};

const counted = (counts: Counts, cells: Cells, nameOf: (cell: string) => string): void => {
  for (const [cell, rule] of Object.entries(cells))
    if (rule !== null) cells[cell] = counting(counts, nameOf(cell), rule);
};

/** How often each cell that can decide something does, from now on, for as long as the process lives. */
export const countCells = (): Counts => {
  const counts: Counts = new Map();
  const { pairs, nested } = syncline as unknown as { pairs: Record<string, Cells>; nested: Cells };
  for (const [first, row] of Object.entries(pairs)) counted(counts, row, (second) => `${first} × ${second}`);
  counted(counts, nested, (outer) => `inside ${outer}`);
  return counts;
};

/** How often each pair of phase and event is looked up in its table, likewise. */
export const countPairs = (): Counts => {
  const counts: Counts = new Map();
  for (const [machine, table] of Object.entries({ client: clientTable, server: serverTable }))
    for (const [phase, row] of Object.entries(table))
      for (const [event, answer] of Object.entries(row)) {
        const name = `${machine}: ${event} while ${phase}`;
        counts.set(name, 0);
        Object.defineProperty(row, event, {
          enumerable: true,
          get: () => {
            counts.set(name, (counts.get(name) ?? 0) + 1);
            return answer;
          },
        });
      }
  return counts;
};

export const missed = (counts: Counts): readonly string[] =>
  [...counts].filter(([, count]) => count === 0).map(([name]) => name);
