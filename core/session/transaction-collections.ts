/**
 * Editors of the collections in an object, as a transaction hands them out. An editor names a place, not a
 * thing: every use finds the place anew, sees what the transaction has written, and fails with a WriteError
 * where there is no such collection any more. Indices are those that the application sees.
 *
 * Source of what is emitted: merge-semantics, section 1.9.
 */
import { get, has, sortedKeys } from '../base/trie.js';
import { describeFound } from '../model/edge-kinds.js';
import type { EdgeValue } from '../model/edge-types.js';
import type { SlotInput } from '../model/input.js';
import {
  arrayErase,
  arrayMove,
  type PathElement,
  setErase,
  setInsert,
  update,
} from '../model/instruction.js';
import { type Content, DictionaryNode, ListNode, ObjectNode, SetNode } from '../model/state.js';
import { erased, type Value } from '../model/value.js';
import {
  isCollection,
  itemColumn,
  itemProperty,
  locate,
  type PathArgument,
  readInput,
  type Spot,
} from './transaction-place.js';
import type { Place, Writer } from './transaction-writer.js';
import { WriteError } from './usage-error.js';
import { contentToEdge, rawIndex, visibleItems, visibleMembers } from './view.js';

/** How much a property holds that writing it anew has to take away first: 0 for nothing. */
export const occupancy = (content: Content | undefined): number => {
  if (content instanceof ListNode) return content.items.length;
  if (content instanceof SetNode) return content.members.size;
  if (content instanceof DictionaryNode) return content.entries.size;
  return content instanceof ObjectNode ? 1 : 0;
};

/** Writes what is at a spot anew, whatever it is. */
export const assign = (writer: Writer, spot: Spot, value: unknown): void => {
  const { at, property, content } = spot;
  if (at === 'property') {
    const input = readInput(writer, spot, 0, (reader) => reader.property(property, value));
    writer.property(spot, property, input, occupancy(content), false);
    return;
  }
  const input = readInput(writer, spot, 0, (reader) => reader.value(property, value));
  if (at === 'element') writer.element(spot, input, spot.size);
  else writer.entry(spot, input, content instanceof ObjectNode);
};

const below = ({ table, key, field, path }: Spot, element: PathElement): Place => ({
  table,
  key,
  field,
  path: [...path, element],
});

/** Where editors find their collection. */
class Editor {
  protected readonly writer: Writer;
  protected readonly className: string;
  protected readonly key: unknown;
  protected readonly path: PathArgument;

  constructor(writer: Writer, className: string, key: unknown, path: PathArgument) {
    this.writer = writer;
    this.className = className;
    this.key = key;
    this.path = path;
  }

  protected spot(): Spot {
    return locate(this.writer, this.className, this.key, this.path);
  }

  protected refuse({ text, property }: Spot, expected: string): never {
    const { collection } = property.column;
    const found = collection === 'single' ? 'something else' : `a ${collection}`;
    throw new WriteError('bad-path', text, found, expected);
  }

  /** A collection property that is empty already is left alone; one inside a mixed value never is. */
  protected empty(spot: Spot, collection: 'list' | 'set' | 'dictionary'): void {
    if (!isCollection(spot) || occupancy(spot.content) > 0) this.writer.clear(spot, collection);
  }
}

/** A list property, or a list inside a mixed value. */
export class ListEditor extends Editor {
  get length(): number {
    const { spot, list } = this.open();
    return visibleItems(this.writer.state, itemColumn(spot), list).length;
  }

  /** Undefined where there is no such element. */
  get(index: number): EdgeValue | undefined {
    const { spot, list } = this.open();
    const item = list.items[rawIndex(this.writer.state, itemColumn(spot), list, index)];
    return item === undefined ? undefined : contentToEdge(this.writer.state, itemColumn(spot), item);
  }

  values(): readonly EdgeValue[] {
    const { spot, list } = this.open();
    const column = itemColumn(spot);
    return visibleItems(this.writer.state, column, list).map((item) =>
      contentToEdge(this.writer.state, column, item),
    );
  }

  /** Inserts before the element at `index`, which may be the length. */
  insert(index: number, ...values: readonly unknown[]): void {
    const { spot, list } = this.open();
    const { state } = this.writer;
    const column = itemColumn(spot);
    const isEnd =
      rawIndex(state, column, list, index) < 0 && index === visibleItems(state, column, list).length;
    const at = isEnd ? list.items.length : this.existing(spot, list, index);
    this.insertAt(spot, at, list.items.length, values);
  }

  push(...values: readonly unknown[]): void {
    const { spot, list } = this.open();
    this.insertAt(spot, list.items.length, list.items.length, values);
  }

  set(index: number, value: unknown): void {
    const { spot, list } = this.open();
    const at = this.existing(spot, list, index);
    const input = readInput(this.writer, { ...spot, text: `${spot.text}[${index}]` }, 1, (reader) =>
      reader.value(itemProperty(spot), value),
    );
    this.writer.element(below(spot, at), input, list.items.length);
  }

  /** The element is found at `to` afterwards. */
  move(from: number, to: number): void {
    const { spot, list } = this.open();
    this.moveRaw(spot, this.existing(spot, list, from), this.existing(spot, list, to), list.items.length);
  }

  swap(i: number, j: number): void {
    const { spot, list } = this.open();
    const a = this.existing(spot, list, Math.min(i, j));
    const b = this.existing(spot, list, Math.max(i, j));
    const size = list.items.length;
    this.moveRaw(spot, b, a, size);
    if (b > a + 1) this.moveRaw(spot, a + 1, b, size);
  }

  remove(index: number): void {
    const { spot, list } = this.open();
    const { table, key, field, path } = below(spot, this.existing(spot, list, index));
    this.writer.emit(arrayErase(table, key, field, path, list.items.length));
  }

  clear(): void {
    this.empty(this.open().spot, 'list');
  }

  /** Replaces all elements. */
  assign(values: readonly unknown[]): void {
    const { spot } = this.open();
    if (!Array.isArray(values))
      throw new WriteError('wrong-type', spot.text, describeFound(values), 'an array');
    assign(this.writer, spot, values);
  }

  private open(): { readonly spot: Spot; readonly list: ListNode } {
    const spot = this.spot();
    const { content } = spot;
    return content instanceof ListNode ? { spot, list: content } : this.refuse(spot, 'a list');
  }

  private existing(spot: Spot, list: ListNode, index: number): number {
    const at = Number.isInteger(index) ? rawIndex(this.writer.state, itemColumn(spot), list, index) : -1;
    if (at >= 0) return at;
    throw new WriteError(
      'index-out-of-range',
      spot.text,
      `${describeFound(index)} as index`,
      `the index of one of its ${visibleItems(this.writer.state, itemColumn(spot), list).length} elements`,
    );
  }

  private insertAt(spot: Spot, at: number, size: number, values: readonly unknown[]): void {
    const inputs = values.map(
      (value): SlotInput =>
        readInput(this.writer, spot, 1, (reader) => reader.value(itemProperty(spot), value)),
    );
    for (let i = 0; i < inputs.length; i++)
      this.writer.insertion(below(spot, at + i), inputs[i] as SlotInput, size + i);
  }

  private moveRaw(spot: Spot, from: number, to: number, size: number): void {
    if (from === to) return;
    const { table, key, field, path } = below(spot, from);
    this.writer.emit(arrayMove(table, key, field, path, to, size));
  }
}

/** A set property. */
export class SetEditor extends Editor {
  get size(): number {
    return visibleMembers(this.writer.state, this.open().set).length;
  }

  values(): readonly EdgeValue[] {
    const { spot, set } = this.open();
    return visibleMembers(this.writer.state, set).map((member) =>
      contentToEdge(this.writer.state, itemColumn(spot), member),
    );
  }

  has(value: unknown): boolean {
    return this.member(value) !== null;
  }

  /** Whether it was not a member yet. */
  add(value: unknown): boolean {
    const { spot, set } = this.open();
    const input = readInput(this.writer, spot, 0, (reader) => reader.scalar(spot.property, value));
    if (has(set.members, this.writer.memberId(input))) return false;
    this.writer.emit(setInsert(spot.table, spot.key, spot.field, spot.path, input));
    return true;
  }

  /** Whether it was a member. */
  delete(value: unknown): boolean {
    const found = this.member(value);
    if (found === null) return false;
    const { table, key, field, path } = found.spot;
    this.writer.emit(setErase(table, key, field, path, found.member));
    return true;
  }

  clear(): void {
    this.empty(this.open().spot, 'set');
  }

  private open(): { readonly spot: Spot; readonly set: SetNode } {
    const spot = this.spot();
    const { content } = spot;
    return content instanceof SetNode ? { spot, set: content } : this.refuse(spot, 'a set');
  }

  /** The member that is the same as `value`, as it was inserted; hidden links are none. */
  private member(value: unknown): { readonly spot: Spot; readonly member: Value } | null {
    const { spot, set } = this.open();
    const input = readInput(this.writer, spot, 0, (reader) => reader.scalar(spot.property, value), true);
    const member = get(set.members, this.writer.memberId(input));
    if (member === undefined) return null;
    const isHidden = member !== null && contentToEdge(this.writer.state, itemColumn(spot), member) === null;
    return isHidden ? null : { spot, member };
  }
}

/** A dictionary property, or a dictionary inside a mixed value. */
export class DictionaryEditor extends Editor {
  get size(): number {
    return this.open().dictionary.entries.size;
  }

  /** In ascending order of code units. */
  keys(): readonly string[] {
    return sortedKeys(this.open().dictionary.entries);
  }

  has(key: string): boolean {
    return has(this.open().dictionary.entries, key);
  }

  /** Undefined where there is no such key. */
  get(key: string): EdgeValue | undefined {
    const { spot, dictionary } = this.open();
    const entry = get(dictionary.entries, key);
    return entry === undefined ? undefined : contentToEdge(this.writer.state, itemColumn(spot), entry);
  }

  set(key: string, value: unknown): void {
    const { spot } = this.open();
    if (typeof key !== 'string')
      throw new WriteError('wrong-type', spot.text, `${describeFound(key)} as a key`, 'a string');
    const path = typeof this.path === 'string' ? [this.path, key] : [...this.path, key];
    assign(this.writer, locate(this.writer, this.className, this.key, path), value);
  }

  /** Whether the key was there. */
  delete(key: string): boolean {
    const { spot, dictionary } = this.open();
    if (!has(dictionary.entries, key)) return false;
    const { table, key: object, field, path } = below(spot, key);
    this.writer.emit(update(table, object, field, path, erased));
    return true;
  }

  clear(): void {
    this.empty(this.open().spot, 'dictionary');
  }

  private open(): { readonly spot: Spot; readonly dictionary: DictionaryNode } {
    const spot = this.spot();
    const { content } = spot;
    return content instanceof DictionaryNode
      ? { spot, dictionary: content }
      : this.refuse(spot, 'a dictionary');
  }
}
