/**
 * What led a server from one state to another, guessed from the two states: instructions that a history would
 * hold if it were still there.
 *
 * It is the bridge over the gap in history that makes a client reset a merge. The instructions come in two
 * parts, `early` and then `late`, which take different sides where the order of writers decides: whoever
 * carries his own writes over the gap lets them win over `early`, and puts what he inserted into lists in
 * front of what `late` inserts at the same place, as the reference does (client-reset, 6.2). All insertions
 * into lists, and what is within the elements that they insert, are late; all else is early.
 *
 * Law: applying `early` and then `late` of all objects to the earlier state, with the additions of the schema
 * before them, gives the contents of the later state, unless the difference of the schemas is destructive.
 * Equal objects give no instructions.
 */
import { entries, forEach, get, sortedKeys } from '../base/trie.js';
import type { Instruction, Path } from '../model/instruction.js';
import * as make from '../model/instruction.js';
import type { Key } from '../model/key.js';
import {
  type Column,
  type Content,
  DictionaryNode,
  findObject,
  findTable,
  isDefault,
  ListNode,
  ObjectNode,
  property,
  SetNode,
  type Table,
} from '../model/state.js';
import { dictionary, erased, identical, list, objectValue, type Payload } from '../model/value.js';
import { contentId, countSame, sameContent } from './content.js';
import { align, increasing } from './list-alignment.js';
import { isTableKept, type SchemaDifference } from './schema-difference.js';

export interface ObjectDifference {
  readonly early: readonly Instruction[];
  readonly late: readonly Instruction[];
}

const nothing: ObjectDifference = { early: [], late: [] };

const isCollection = (content: Content): content is ListNode | DictionaryNode =>
  content instanceof ListNode || content instanceof DictionaryNode;

/** What instructions carry to make `content`, before anything is put into it. */
const payloadOf = (content: Content): Payload => {
  if (content instanceof ObjectNode) return objectValue;
  if (content instanceof ListNode) return list;
  if (content instanceof DictionaryNode) return dictionary;
  if (content instanceof SetNode) throw new Error('bug: a set within a value');
  return content;
};

/** What became of one object, or nothing where neither state has it. Time in proportion to the object. */
export const objectDifference = (
  schemas: SchemaDifference,
  tableName: string,
  key: Key,
): ObjectDifference => {
  const table = findTable(schemas.after, tableName);
  const y = findObject(schemas.after, tableName, key);
  const x = isTableKept(schemas.before, schemas.after, tableName)
    ? findObject(schemas.before, tableName, key)
    : undefined;
  if (table === undefined || y === undefined)
    return x === undefined ? nothing : { early: [make.eraseObject(tableName, key)], late: [] };
  if (x === y && schemas.before.era === schemas.after.era) return nothing;
  const writer = new DifferenceWriter(schemas, tableName, key);
  if (x === undefined) writer.early.push(make.createObject(tableName, key));
  writer.object(table, x ?? null, y);
  return writer;
};

class DifferenceWriter implements ObjectDifference {
  readonly early: Instruction[] = [];
  readonly late: Instruction[] = [];
  readonly #schemas: SchemaDifference;
  readonly #table: string;
  readonly #key: Key;
  #field = '';
  /** Whether all is within an element that was inserted. */
  #isInserted = false;

  constructor(schemas: SchemaDifference, table: string, key: Key) {
    this.#schemas = schemas;
    this.#table = table;
    this.#key = key;
  }

  /** The properties of the object itself. */
  object(table: Table, x: ObjectNode | null, y: ObjectNode): void {
    this.#properties(table, x, y, null);
  }

  #out(): Instruction[] {
    return this.#isInserted ? this.late : this.early;
  }

  #update(path: Path, value: Payload): void {
    this.#out().push(make.update(this.#table, this.#key, this.#field, path, value));
  }

  /** `path` is null for the object itself. */
  #properties(table: Table, x: ObjectNode | null, y: ObjectNode, path: Path | null): void {
    for (const { before, after } of this.#schemas.pairs(table)) {
      const there = property(y, after);
      const here = x === null || before === null ? null : property(x, before);
      const isSame =
        here === null
          ? isDefault(after, there)
          : before !== null && sameContent(this.#schemas, before, after, here, there);
      if (isSame) continue;
      if (path === null) this.#field = after.name;
      this.#property(before ?? after, after, here, there, path === null ? [] : [...path, after.name]);
    }
  }

  /** The two differ; `x` null stands for a property that was never set. */
  #property(before: Column, after: Column, x: Content | null, y: Content, path: Path): void {
    if (after.spec.collection === 'single') this.#slot(before, after, x, y, path);
    else if (y instanceof SetNode) this.#set(x instanceof SetNode ? x : null, y, path);
    else this.#inside(before, after, x, y, path);
  }

  /** A single value or an entry: it is set, or goes on from what is there. */
  #slot(before: Column, after: Column, x: Content | null, y: Content, path: Path): void {
    const goesOn =
      (x instanceof ObjectNode && y instanceof ObjectNode) ||
      (x instanceof ListNode && y instanceof ListNode) ||
      (x instanceof DictionaryNode && y instanceof DictionaryNode);
    if (!goesOn) this.#update(path, payloadOf(y));
    this.#inside(before, after, goesOn ? x : null, y, path);
  }

  #inside(before: Column, after: Column, x: Content | null, y: Content, path: Path): void {
    if (y instanceof ObjectNode) {
      const table = get(this.#schemas.after.tables, after.spec.target ?? '') as Table;
      this.#properties(table, x instanceof ObjectNode ? x : null, y, path);
    } else if (y instanceof DictionaryNode)
      this.#entries(before, after, x instanceof DictionaryNode ? x : null, y, path);
    else if (y instanceof ListNode) this.#list(before, after, x instanceof ListNode ? x : null, y, path);
  }

  #set(x: SetNode | null, y: SetNode, path: Path): void {
    const out = this.#out();
    if (x !== null)
      forEach(x.members, (member, id) => {
        if (get(y.members, id) === undefined)
          out.push(make.setErase(this.#table, this.#key, this.#field, path, member));
      });
    forEach(y.members, (member, id) => {
      const old = x === null ? undefined : get(x.members, id);
      if (old === undefined || !identical(old, member))
        out.push(make.setInsert(this.#table, this.#key, this.#field, path, member));
    });
  }

  #entries(before: Column, after: Column, x: DictionaryNode | null, y: DictionaryNode, path: Path): void {
    if (x !== null)
      for (const key of sortedKeys(x.entries))
        if (get(y.entries, key) === undefined) this.#update([...path, key], erased);
    for (const key of sortedKeys(y.entries)) {
      const there = get(y.entries, key) as Content;
      const here = x === null ? undefined : get(x.entries, key);
      if (here !== undefined && sameContent(this.#schemas, before, after, here, there)) continue;
      this.#slot(before, after, here ?? null, there, [...path, key]);
    }
  }

  #list(before: Column, after: Column, x: ListNode | null, y: ListNode, path: Path): void {
    const from = x === null ? new Int32Array(y.items.length).fill(-1) : this.#aligned(before, after, x, y);
    const present = x === null ? [] : this.#rearranged(from, x.items.length, path);
    const wasInserted = this.#isInserted;
    // Elements that stay, by their places before anything is inserted.
    for (let j = 0, at = 0; j < from.length; j++) {
      if (x === null || from[j] === -1) continue;
      const here = x.items[from[j] as number] as Content;
      const there = y.items[j] as Content;
      if (!sameContent(this.#schemas, before, after, here, there))
        this.#element(before, after, here, there, [...path, at], present.length);
      at++;
    }
    this.#isInserted = true;
    for (let j = 0, size = present.length; j < from.length; j++) {
      if (from[j] !== -1) continue;
      const item = y.items[j] as Content;
      const at = [...path, j];
      this.late.push(make.arrayInsert(this.#table, this.#key, this.#field, at, payloadOf(item), size++));
      this.#inside(before, after, null, item, at);
    }
    this.#isInserted = wasInserted;
  }

  #element(before: Column, after: Column, x: Content, y: Content, path: Path, size: number): void {
    const goesOn =
      (x instanceof ObjectNode && y instanceof ObjectNode) ||
      (isCollection(x) && isCollection(y) && x.type === y.type);
    if (!goesOn)
      this.#out().push(make.updateElement(this.#table, this.#key, this.#field, path, payloadOf(y), size));
    this.#inside(before, after, goesOn ? x : null, y, path);
  }

  #aligned(before: Column, after: Column, x: ListNode, y: ListNode): Int32Array {
    const { before: older, after: newer } = this.#schemas;
    const table = after.embedded ? get(newer.tables, after.spec.target ?? '') : undefined;
    const likeness = (i: number, j: number): number => {
      const here = x.items[i] as Content;
      const there = y.items[j] as Content;
      if (here instanceof ObjectNode && there instanceof ObjectNode && table !== undefined)
        return 1 + countSame(this.#schemas, table, here, there, false);
      if (isCollection(here) || isCollection(there))
        return isCollection(here) && isCollection(there) && here.type === there.type ? 1 : 0;
      // A link to something else is something else.
      return after.spec.type === 'link' ? 0 : 1;
    };
    return align(
      x.items.map((item) => contentId(older, before, item)),
      y.items.map((item) => contentId(newer, after, item)),
      likeness,
    );
  }

  /** Erases what has no partner and brings the others into their new order. Answers who is there then. */
  #rearranged(from: Int32Array, size: number, path: Path): readonly number[] {
    const out = this.#out();
    const order = [...from].filter((i) => i >= 0);
    const stays = new Set(order);
    const present: number[] = [];
    for (let i = size - 1, left = size; i >= 0; i--) {
      if (stays.has(i)) present.push(i);
      else out.push(make.arrayErase(this.#table, this.#key, this.#field, [...path, i], left--));
    }
    present.reverse();
    const settled = new Set(increasing(order));
    order.forEach((i, at) => {
      if (settled.has(at)) return;
      const position = present.indexOf(i);
      present.splice(position, 1);
      const to = at === 0 ? 0 : present.indexOf(order[at - 1] as number) + 1;
      present.splice(to, 0, i);
      if (to !== position)
        out.push(
          make.arrayMove(this.#table, this.#key, this.#field, [...path, position], to, present.length),
        );
    });
    return present;
  }
}

/** One object that is not the same in both states. */
export interface DifferingObject {
  readonly table: string;
  readonly key: Key;
}

const SLICE = 512;

/**
 * All objects that may differ, class by class; those of classes that the later state does not have are left
 * out. Yields every few hundred objects, so that whoever asks can do something else in between.
 */
export function* differingObjects(
  schemas: SchemaDifference,
): Generator<undefined, readonly DifferingObject[], undefined> {
  const { before, after } = schemas;
  const found: DifferingObject[] = [];
  let seen = 0;
  for (const name of sortedKeys(after.tables)) {
    const table = findTable(after, name) as Table;
    const old = isTableKept(before, after, name) ? findTable(before, name) : undefined;
    for (const [key, y] of entries(table.objects)) {
      if (++seen % SLICE === 0) yield;
      const x = old === undefined ? undefined : get(old.objects, key);
      if (x === undefined || countSame(schemas, table, x, y, true) < 0)
        found.push({ table: name, key: key as Key });
    }
    if (old === undefined) continue;
    for (const [key] of entries(old.objects)) {
      if (++seen % SLICE === 0) yield;
      if (get(table.objects, key) === undefined) found.push({ table: name, key: key as Key });
    }
  }
  return found;
}

/** Everything that leads from the earlier state to the later one, for tests and small states. */
export const stateDifference = (schemas: SchemaDifference): readonly Instruction[] => {
  const out: Instruction[] = [...schemas.additions];
  const walk = differingObjects(schemas);
  let step = walk.next();
  while (step.done !== true) step = walk.next();
  for (const { table, key } of step.value) {
    const { early, late } = objectDifference(schemas, table, key);
    for (const instruction of early) out.push(instruction);
    for (const instruction of late) out.push(instruction);
  }
  return out;
};
