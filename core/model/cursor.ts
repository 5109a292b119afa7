/**
 * A cursor walks the path of an instruction through an object, and stands at a property, a list element
 * or a dictionary entry.
 *
 * With an owner it walks for writing: every node that it goes through is made the owner's (copied unless
 * it is already). That never changes contents, so a walk that fails has had no effect. Without an owner
 * it walks for reading, and copies nothing.
 *
 * Source: merge-semantics, section 2.2; sessions-and-history, section 1.2.
 */
import { emptyTrie, get, type Owner, remove, set } from '../base/trie.js';
import { type Failure, failure } from './apply-error.js';
import type { PathElement } from './instruction.js';
import {
  type Column,
  type Content,
  DictionaryNode,
  ListNode,
  nestedColumn,
  ObjectNode,
  property,
  SetNode,
  type State,
  type Table,
} from './state.js';

export const ownObject = (node: ObjectNode, owner: Owner | null): ObjectNode => {
  if (owner === null) return node;
  if (node.owner !== owner) return new ObjectNode(owner, node.slots.slice());
  node.digest = null;
  return node;
};

const ownList = (node: ListNode, owner: Owner | null): ListNode =>
  owner === null || node.owner === owner ? node : new ListNode(owner, node.items.slice());

const ownDictionary = (node: DictionaryNode, owner: Owner | null): DictionaryNode =>
  owner === null || node.owner === owner ? node : new DictionaryNode(owner, node.entries);

const ownSet = (node: SetNode, owner: Owner | null): SetNode =>
  owner === null || node.owner === owner ? node : new SetNode(owner, node.members, node.order.slice());

const noObject = new ObjectNode(null, []);
const noList = new ListNode(null, []);
const noDictionary = new DictionaryNode(null, emptyTrie());

const elementText = (element: PathElement): string =>
  typeof element === 'number' ? `index ${element}` : `"${element}"`;

const mismatch = (element: PathElement, place: string): Failure =>
  failure('path-mismatch', `${elementText(element)} in the path leads into ${place}`);

export class Cursor {
  owner: Owner | null = null;
  at: 'property' | 'element' | 'entry' = 'property';
  /** Of the property, or of the collection whose element or entry it stands at. */
  column: Column = nestedColumn;
  /** Valid at a property. */
  private object: ObjectNode = noObject;
  /** Valid at an element. */
  private list: ListNode = noList;
  index = 0;
  /** Valid at an entry. */
  private dictionary: DictionaryNode = noDictionary;
  key = '';

  /** Stands at a property of `object`, which the owner already owns. */
  enter(object: ObjectNode, table: Table, field: string): Failure | null {
    const column = table.byName.get(field);
    if (column === undefined) {
      if (table.spec.type === 'topLevel' && table.spec.primaryKey?.name === field)
        return failure('primary-key-is-fixed', 'a primary key is set by creation only');
      return failure('no-such-column', `class ${table.name} has no property ${field}`);
    }
    this.at = 'property';
    this.object = object;
    this.column = column;
    return null;
  }

  /** Whether it stands at one value, and not at a collection property. */
  get isSingle(): boolean {
    return this.at !== 'property' || this.column.spec.collection === 'single';
  }

  /** What is here; undefined where there is no such element or entry. */
  read(): Content | undefined {
    if (this.at === 'property') return property(this.object, this.column);
    return this.at === 'element' ? this.list.items[this.index] : get(this.dictionary.entries, this.key);
  }

  /** Replaces what is here; at an entry, adds it. At an element, the index must be in range. */
  write(content: Content): void {
    if (this.at === 'property') {
      const { slots } = this.object;
      for (let i = slots.length; i < this.column.slot; i++) slots.push(undefined);
      slots[this.column.slot] = content;
    } else if (this.at === 'element') this.list.items[this.index] = content;
    else this.dictionary.entries = set(this.dictionary.entries, this.key, content, this.owner);
  }

  /** Removes the entry, if it is there. */
  removeEntry(): void {
    this.dictionary.entries = remove(this.dictionary.entries, this.key, this.owner);
  }

  /** The list here, to be changed; null if there is something else. */
  openList(): ListNode | null {
    const content = this.read();
    if (!(content instanceof ListNode)) return null;
    const own = ownList(content, this.owner);
    if (own !== content) this.write(own);
    return own;
  }

  openDictionary(): DictionaryNode | null {
    const content = this.read();
    if (!(content instanceof DictionaryNode)) return null;
    const own = ownDictionary(content, this.owner);
    if (own !== content) this.write(own);
    return own;
  }

  openSet(): SetNode | null {
    const content = this.read();
    if (!(content instanceof SetNode)) return null;
    const own = ownSet(content, this.owner);
    if (own !== content) this.write(own);
    return own;
  }

  /** Why there is nothing here. */
  missing(): Failure {
    return this.at === 'element'
      ? failure('index-out-of-range', `found index ${this.index} in a list of ${this.list.items.length}`)
      : failure('no-such-entry', `the dictionary has no key "${this.key}"`);
  }

  /** Goes to the place that `element` names, seen from here. The place need not exist yet, but this one must. */
  step(state: State, element: PathElement): Failure | null {
    const content = this.read();
    if (content === undefined) return this.missing();
    if (content instanceof ObjectNode) return this.stepIntoObject(state, content, element);
    const inner = this.isSingle ? nestedColumn : this.column;
    if (content instanceof ListNode) {
      if (typeof element !== 'number') return mismatch(element, 'a list');
      this.list = this.openList() ?? content;
      this.at = 'element';
      this.index = element;
    } else if (content instanceof DictionaryNode) {
      if (typeof element !== 'string') return mismatch(element, 'a dictionary');
      this.dictionary = this.openDictionary() ?? content;
      this.at = 'entry';
      this.key = element;
    } else if (content === null && this.column.embedded) {
      return failure(
        'null-object',
        `${elementText(element)} in the path leads into an embedded object that is null`,
      );
    } else {
      const plain = content === null ? 'null' : 'a plain value';
      return mismatch(element, content instanceof SetNode ? 'a set' : plain);
    }
    this.column = inner;
    return null;
  }

  private stepIntoObject(state: State, content: ObjectNode, element: PathElement): Failure | null {
    const { target } = this.column.spec;
    if (typeof element !== 'string') return mismatch(element, 'an embedded object');
    const table = target === null ? undefined : get(state.tables, target);
    if (table === undefined) throw new Error(`an embedded object of a class that does not exist: ${target}`);
    const own = ownObject(content, this.owner);
    if (own !== content) this.write(own);
    return this.enter(own, table, element);
  }
}
