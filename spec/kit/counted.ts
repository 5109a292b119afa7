/**
 * Which cells of the merge matrix decide something, and which pairs of phase and event are met, while something
 * runs: the engine's own tables, counted in place.
 */
import type { Outcome } from '../../core/merge/outcome.js';
import { unchanged } from '../../core/merge/outcome.js';
import { realm, syncline } from '../../core/merge/rule-set.js';
import { clientTable, serverTable } from '../../core/session/phases.js';

type Rule = (...args: readonly unknown[]) => Outcome;
type Cells = Record<string, Rule | null>;

/** What was counted, by name; 0 for what was never met. */
export type Counts = Map<string, number>;

/** Rules that are counted, by what they count and what they were: rule sets that share a rule go on sharing it. */
class Counting {
  readonly counts: Counts = new Map();
  readonly #wrappers = new Map<string, Map<Rule, Rule>>();
  readonly #all = new Set<Rule>();

  #counting(name: string, rule: Rule): Rule {
    const known = this.#wrappers.get(name)?.get(rule);
    if (known !== undefined) return known;
    const { counts } = this;
    counts.set(name, counts.get(name) ?? 0);
    const wrapper: Rule = (...args) => {
      const outcome = rule(...args);
      if (outcome !== unchanged) counts.set(name, (counts.get(name) ?? 0) + 1);
      return outcome;
    };
    this.#wrappers.set(name, (this.#wrappers.get(name) ?? new Map<Rule, Rule>()).set(rule, wrapper));
    this.#all.add(wrapper);
    return wrapper;
  }

  cells(cells: Cells, nameOf: (cell: string) => string): void {
    for (const [cell, rule] of Object.entries(cells))
      if (rule !== null && !this.#all.has(rule)) cells[cell] = this.#counting(nameOf(cell), rule);
  }
}

/** How often each cell that can decide something does, from now on, for as long as the process lives. */
export const countCells = (): Counts => {
  const counting = new Counting();
  for (const rules of [syncline, realm]) {
    const { pairs, nested } = rules as unknown as { pairs: Record<string, Cells>; nested: Cells };
    for (const [first, row] of Object.entries(pairs)) counting.cells(row, (second) => `${first} × ${second}`);
    counting.cells(nested, (outer) => `inside ${outer}`);
  }
  return counting.counts;
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
