/**
 * Which objects differ between two versions of a state: what change notifications are made of.
 *
 * An object is modified when a property that both versions of its class have reads differently; adding or
 * erasing a property alone modifies no object. Links that resolve or cease to do so without being written
 * modify nothing either. Subtrees that both versions share are not visited, so the cost is in proportion
 * to the change; only a property that was erased and added again makes it compare all objects of the class.
 */

import { compareStrings } from '../base/order.js';
import { diffTries, emptyTrie, forEach, get, sortedKeys } from '../base/trie.js';
import type { Key } from './key.js';
import {
  type Column,
  type Content,
  DictionaryNode,
  isNode,
  ListNode,
  ObjectNode,
  property,
  SetNode,
  type State,
  type Table,
} from './state.js';
import { identical } from './value.js';

/** Keys in ascending order of code units. */
export interface TableDifference {
  readonly table: string;
  readonly inserted: readonly Key[];
  readonly modified: readonly Key[];
  readonly deleted: readonly Key[];
}

/** One entry for each class with differing objects, in ascending order of names. */
export const difference = (before: State, after: State): TableDifference[] => {
  const out: TableDifference[] = [];
  const comparison = new Comparison(before, after);
  const compare = (name: string, a: Table | undefined, b: Table | undefined): void => {
    const inserted: Key[] = [];
    const modified: Key[] = [];
    const deleted: Key[] = [];
    comparison.objects(a, b, (key, x, y) => {
      if (x === undefined) inserted.push(key as Key);
      else if (y === undefined) deleted.push(key as Key);
      else if (a !== undefined && b !== undefined && !comparison.sameProperties(a, b, x, y))
        modified.push(key as Key);
    });
    if (inserted.length + modified.length + deleted.length > 0)
      out.push({
        table: name,
        inserted: inserted.sort(),
        modified: modified.sort(),
        deleted: deleted.sort(),
      });
  };
  if (before.era === after.era) diffTries(before.tables, after.tables, compare);
  else {
    // Classes that are the same in both may embed others whose properties have changed.
    const names = new Set([...sortedKeys(before.tables), ...sortedKeys(after.tables)]);
    for (const name of names) compare(name, get(before.tables, name), get(after.tables, name));
  }
  return out.sort((a, b) => compareStrings(a.table, b.table));
};

class Comparison {
  private readonly before: State;
  private readonly after: State;
  private unstable: Set<string> | null = null;

  constructor(before: State, after: State) {
    this.before = before;
    this.after = after;
  }

  /** Visits the objects that may differ; with `undefined` for those that one side does not have. */
  objects(
    a: Table | undefined,
    b: Table | undefined,
    visit: (key: string, x: ObjectNode | undefined, y: ObjectNode | undefined) => void,
  ): void {
    const x = a?.objects ?? emptyTrie<ObjectNode>();
    const y = b?.objects ?? emptyTrie<ObjectNode>();
    diffTries(x, y, visit);
    if (a === undefined || b === undefined || this.isStable(a.name)) return;
    forEach(x, (object, key) => {
      if (get(y, key) === object) visit(key, object, object);
    });
  }

  sameProperties(a: Table, b: Table, x: ObjectNode, y: ObjectNode): boolean {
    if (x === y && this.isStable(a.name)) return true;
    for (const column of a.columns) {
      const other = b.byName.get(column.name);
      if (other === undefined) continue;
      if (!this.sameContent(column, other, property(x, column), property(y, other))) return false;
    }
    return true;
  }

  /** Whether a node that both versions share reads the same in both. */
  private isStable(name: string): boolean {
    this.unstable ??= this.findUnstable();
    return !this.unstable.has(name);
  }

  /** Classes with a property that was erased and added again, and those that embed such classes. */
  private findUnstable(): Set<string> {
    const unstable = new Set<string>();
    if (this.before.era === this.after.era) return unstable;
    let size = -1;
    while (size !== unstable.size) {
      size = unstable.size;
      forEach(this.before.tables, (a, name) => {
        const b = get(this.after.tables, name);
        const moved = a.columns.some((column) => {
          const other = b?.byName.get(column.name);
          if (other === undefined) return false;
          return other !== column || (column.embedded && unstable.has(column.spec.target ?? ''));
        });
        if (moved) unstable.add(name);
      });
    }
    return unstable;
  }

  /** The class of embedded objects in both versions; null where it holds none in one of them. */
  private inner(column: Column, other: Column): { readonly a: Table; readonly b: Table } | null {
    if (!column.embedded || !other.embedded) return null;
    const a = get(this.before.tables, column.spec.target ?? '');
    const b = get(this.after.tables, other.spec.target ?? '');
    return a === undefined || b === undefined ? null : { a, b };
  }

  private sameContent(column: Column, other: Column, x: Content, y: Content): boolean {
    if (x instanceof ObjectNode) {
      const inner = this.inner(column, other);
      return y instanceof ObjectNode && inner !== null && this.sameProperties(inner.a, inner.b, x, y);
    }
    if (x instanceof ListNode) {
      if (!(y instanceof ListNode) || x.items.length !== y.items.length) return false;
      return x.items.every((item, i) => this.sameContent(column, other, item, y.items[i] as Content));
    }
    if (x instanceof DictionaryNode)
      return y instanceof DictionaryNode && this.sameEntries(column, other, x, y);
    if (x instanceof SetNode) {
      if (!(y instanceof SetNode) || x.members.size !== y.members.size) return false;
      let same = true;
      diffTries(x.members, y.members, (_, v, w) => {
        same &&= v !== undefined && w !== undefined && identical(v, w);
      });
      return same;
    }
    return !isNode(y) && identical(x, y);
  }

  private sameEntries(column: Column, other: Column, x: DictionaryNode, y: DictionaryNode): boolean {
    if (x.entries.size !== y.entries.size) return false;
    let same = true;
    const compare = (_: string, v: Content | undefined, w: Content | undefined): void => {
      same &&= v !== undefined && w !== undefined && this.sameContent(column, other, v, w);
    };
    if (column.embedded) forEach(x.entries, (v, key) => compare(key, v, get(y.entries, key)));
    else diffTries(x.entries, y.entries, compare);
    return same;
  }
}
