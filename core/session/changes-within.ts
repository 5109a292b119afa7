/**
 * The changes that a client reset makes, found out before the switch: the same as `changes`, in portions, by
 * looking only at objects that may have changed.
 */
import { emptyTrie, forEach, get, set, type Trie } from '../base/trie.js';
import { difference } from '../model/difference.js';
import { keyToEdge } from '../model/edge.js';
import type { EdgeKey } from '../model/edge-types.js';
import { type Key, keyType } from '../model/key.js';
import { type ObjectNode, type State, Table } from '../model/state.js';
import type { DataChanges } from './view.js';

/** Objects by class. */
export type Candidates = ReadonlyMap<string, ReadonlySet<Key>>;

const SLICE = 128;
/** Comparisons, which cost much less. */
const SORTED = 4096;

interface SortKey {
  readonly key: Key;
  /** Null where keys are compared as they are. */
  readonly number: bigint | null;
}

/** As `ObjectsView` orders them: null first, ints by number, all others by code unit. */
const isBefore = (a: SortKey, b: SortKey): boolean => {
  if (a.number !== null && b.number !== null) return a.number < b.number;
  return a.key < b.key;
};

/** Merge sort, bottom up. */
function* sorted(keys: ReadonlySet<Key>): Generator<undefined, readonly Key[], undefined> {
  let from: SortKey[] = [];
  for (const key of keys) {
    from.push({ key, number: keyType(key) === 'int' ? BigInt(key.slice(1)) : null });
    if (from.length % SORTED === 0) yield;
  }
  let count = 0;
  for (let width = 1; width < from.length; width *= 2) {
    const to: SortKey[] = [];
    for (let start = 0; start < from.length; start += 2 * width) {
      const middle = Math.min(start + width, from.length);
      const end = Math.min(start + 2 * width, from.length);
      let i = start;
      let j = middle;
      while (i < middle || j < end) {
        const takesRight = j < end && (i === middle || isBefore(from[j] as SortKey, from[i] as SortKey));
        to.push((takesRight ? from[j++] : from[i++]) as SortKey);
        if (++count % SORTED === 0) yield;
      }
    }
    from = to;
  }
  return from.map(({ key }) => key);
}

/** The state with no objects but those of `keys` in class `name`. */
const narrowed = (state: State, name: string, keys: readonly Key[]): State => {
  let tables: Trie<Table> = emptyTrie();
  forEach(state.tables, (table) => {
    let objects: Trie<ObjectNode> = emptyTrie();
    if (table.name === name)
      for (const key of keys) {
        const object = get(table.objects, key);
        if (object !== undefined) objects = set(objects, key, object);
      }
    const { spec, columns, byName, slots } = table;
    tables = set(tables, table.name, new Table(null, table.name, spec, columns, byName, slots, objects));
  });
  return { tables, era: state.era };
};

/** `changes(before, after)` of two states that differ at most in `candidates`. Yields now and then. */
export function* changesWithin(
  before: State,
  after: State,
  candidates: Candidates,
): Generator<undefined, ReadonlyMap<string, DataChanges>, undefined> {
  const out = new Map<string, DataChanges>();
  for (const name of [...candidates.keys()].sort()) {
    const keys = yield* sorted(candidates.get(name) ?? new Set());
    const found = { insertions: [] as EdgeKey[], modifications: [] as EdgeKey[], deletions: [] as EdgeKey[] };
    for (let from = 0; from < keys.length; from += SLICE) {
      const part = keys.slice(from, from + SLICE);
      for (const { inserted, modified, deleted } of difference(
        narrowed(before, name, part),
        narrowed(after, name, part),
      )) {
        const kinds = [
          [new Set(inserted), found.insertions],
          [new Set(modified), found.modifications],
          [new Set(deleted), found.deletions],
        ] as const;
        for (const key of part) for (const [all, list] of kinds) if (all.has(key)) list.push(keyToEdge(key));
      }
      yield;
    }
    if (found.insertions.length + found.modifications.length + found.deletions.length > 0)
      out.set(name, found);
  }
  return out;
}
