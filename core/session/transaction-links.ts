/**
 * Who links to an object: what has to be known when an object is deleted, because a local deletion takes
 * all links to it away first.
 *
 * States keep no such index. The first deletion of an object of a class reads all objects that can hold
 * links to the class, and notes for every target who links to it; later deletions in the same transaction
 * look it up, and links that the transaction writes are added. A note can be out of date, for links go
 * away too: whoever reads it looks at the object again. So deleting n objects costs one pass over the
 * classes that can link to theirs, and for each the size of the objects that did.
 *
 * Source: merge-semantics, sections 1.7 and 1.9.
 */
import { forEach } from '../base/trie.js';
import { arrayErase, type Instruction, type PathElement, setErase, update } from '../model/instruction.js';
import type { Key } from '../model/key.js';
import {
  type Column,
  type Content,
  DictionaryNode,
  findObject,
  findTable,
  isNode,
  ListNode,
  ObjectNode,
  SetNode,
  type State,
  type Table,
} from '../model/state.js';
import { isLink, type Link } from '../model/value.js';

interface Holder {
  readonly table: string;
  readonly key: Key;
}

export class LinkIndex {
  /** By class and key of the target. A class is there once it has been asked for. */
  private readonly holders = new Map<string, Map<Key, Holder[]>>();

  /** To be told of every instruction of the transaction, once it has been applied. */
  note(instruction: Instruction): void {
    if (this.holders.size === 0 || !('value' in instruction)) return;
    const { value } = instruction;
    if (typeof value !== 'object' || value === null || !isLink(value)) return;
    const byKey = this.holders.get(value.table);
    if (byKey !== undefined) add(byKey, value, { table: instruction.table, key: instruction.object });
  }

  /**
   * The instructions that take away all links to an object from other objects, to be applied in order.
   * Asymmetric objects keep theirs: they are facts of the moment when they were made.
   */
  nullifications(state: State, table: string, key: Key): Instruction[] {
    const out: Instruction[] = [];
    const seen = new Set<string>();
    for (const holder of this.of(state, table).get(key) ?? []) {
      const id = `${holder.table.length}:${holder.table}${holder.key}`;
      if (seen.has(id) || (holder.table === table && holder.key === key)) continue;
      seen.add(id);
      const object = findObject(state, holder.table, holder.key);
      const owner = findTable(state, holder.table);
      if (object !== undefined && owner !== undefined)
        new Nullification(state, holder, table, key, out).object(owner, object, null, []);
    }
    return out;
  }

  private of(state: State, target: string): Map<Key, Holder[]> {
    const known = this.holders.get(target);
    if (known !== undefined) return known;
    const byKey = new Map<Key, Holder[]>();
    this.holders.set(target, byKey);
    forEach(state.tables, (table, name) => {
      if (table.spec.type === 'embedded' || table.spec.asymmetric) return;
      if (!canLink(state, table, target, new Set())) return;
      forEach(table.objects, (object, key) => {
        let holder: Holder | null = null;
        visitLinks(state, table, object, (link) => {
          if (link.table !== target) return;
          holder ??= { table: name, key: key as Key };
          add(byKey, link, holder);
        });
      });
    });
    return byKey;
  }
}

const add = (byKey: Map<Key, Holder[]>, link: Link, holder: Holder): void => {
  const holders = byKey.get(link.key);
  if (holders === undefined) byKey.set(link.key, [holder]);
  else if (holders[holders.length - 1] !== holder) holders.push(holder);
};

/** Whether objects of the class, with what is embedded in them, can hold links to objects of `target`. */
const canLink = (state: State, table: Table, target: string, seen: Set<string>): boolean => {
  if (seen.has(table.name)) return false;
  seen.add(table.name);
  return table.columns.some(({ spec, embedded }) => {
    if (spec.type === 'mixed') return true;
    if (spec.type !== 'link') return false;
    if (!embedded) return spec.target === null || spec.target === target;
    const inner = spec.target === null ? undefined : findTable(state, spec.target);
    return inner !== undefined && canLink(state, inner, target, seen);
  });
};

const innerTable = (state: State, { spec }: Column): Table => {
  const table = spec.target === null ? undefined : findTable(state, spec.target);
  if (table === undefined)
    throw new Error(`an embedded object of a class that does not exist: ${spec.target}`);
  return table;
};

const visitLinks = (state: State, table: Table, object: ObjectNode, visit: (link: Link) => void): void => {
  for (const column of table.columns) {
    const { type } = column.spec;
    if (type !== 'link' && type !== 'mixed') continue;
    const content = object.slots[column.slot];
    if (content !== undefined) visitContent(state, column, content, visit);
  }
};

const visitContent = (state: State, column: Column, content: Content, visit: (link: Link) => void): void => {
  if (typeof content !== 'object' || content === null) return;
  if (content instanceof ObjectNode) visitLinks(state, innerTable(state, column), content, visit);
  else if (content instanceof ListNode)
    for (const item of content.items) visitContent(state, column, item, visit);
  else if (content instanceof DictionaryNode)
    forEach(content.entries, (entry) => visitContent(state, column, entry, visit));
  else if (content instanceof SetNode)
    forEach(content.members, (member) => visitContent(state, column, member, visit));
  else if (isLink(content)) visit(content);
};

/** Collects what takes the links of one object to one target away. */
class Nullification {
  private readonly state: State;
  private readonly holder: Holder;
  private readonly table: string;
  private readonly key: Key;
  private readonly out: Instruction[];

  constructor(state: State, holder: Holder, table: string, key: Key, out: Instruction[]) {
    this.state = state;
    this.holder = holder;
    this.table = table;
    this.key = key;
    this.out = out;
  }

  /** `field` and `path` lead to the object; the field is null at the top. */
  object(table: Table, object: ObjectNode, field: string | null, path: readonly PathElement[]): void {
    for (const column of table.columns) {
      const { type } = column.spec;
      if (type !== 'link' && type !== 'mixed') continue;
      const content = object.slots[column.slot];
      if (content === undefined || !this.isOfInterest(content)) continue;
      if (field === null) this.slot(column, content, column.name, []);
      else this.slot(column, content, field, [...path, column.name]);
    }
  }

  /** A property or an entry; `path` leads to it. */
  private slot(column: Column, content: Content, field: string, path: readonly PathElement[]): void {
    if (this.isTarget(content)) this.out.push(update(this.holder.table, this.holder.key, field, path, null));
    else this.inside(column, content, field, path);
  }

  private inside(column: Column, content: Content, field: string, path: readonly PathElement[]): void {
    if (content instanceof ObjectNode) this.object(innerTable(this.state, column), content, field, path);
    else if (content instanceof ListNode) this.list(column, content, field, path);
    else if (content instanceof DictionaryNode)
      forEach(content.entries, (entry, key) => {
        if (this.isOfInterest(entry)) this.slot(column, entry, field, [...path, key]);
      });
    else if (content instanceof SetNode)
      forEach(content.members, (member) => {
        if (this.isTarget(member))
          this.out.push(setErase(this.holder.table, this.holder.key, field, path, member));
      });
  }

  /** From the end to the start, so that what is left keeps its index until it is its turn. */
  private list(column: Column, { items }: ListNode, field: string, path: readonly PathElement[]): void {
    const { table, key } = this.holder;
    let size = items.length;
    for (let i = items.length - 1; i >= 0; i--) {
      const item = items[i] as Content;
      if (this.isTarget(item)) this.out.push(arrayErase(table, key, field, [...path, i], size--));
      else if (isNode(item)) this.inside(column, item, field, [...path, i]);
    }
  }

  /** Whether it is worth making a path for. */
  private isOfInterest(content: Content): boolean {
    return this.isTarget(content) || isNode(content);
  }

  private isTarget(content: Content): boolean {
    return (
      typeof content === 'object' &&
      content !== null &&
      content.type === 'link' &&
      content.key === this.key &&
      content.table === this.table
    );
  }
}
