/**
 * Updates of documents, in MongoDB's language, as the writes of a transaction:
 *
 *     $set       a property, or what a dotted path leads to, anew
 *     $unset     the property is null or empty, as it was before it was ever set; the entry of a dictionary goes
 *     $inc       adds to an integer, so that concurrent increments add up; a double is set to the sum
 *     $push      appends to a list; with $each several, with $position elsewhere
 *     $addToSet  adds to a set, or to a list that does not have it; with $each several
 *     $pull      takes out of a list or set what is equal to a value, or fulfils a condition
 *
 * An update is read whole before it is applied, and writes no place twice. What cannot be told from what is there,
 * as by setting a number to itself, is not written, so that it overrules nobody.
 */

import { Double } from 'bson';
import * as E from 'fp-ts/lib/Either.js';
import { DocumentError } from '../access/document-error.js';
import { elementFilter, filterLimits } from '../access/document-filter.js';
import { edgeForm, type Form, sameForm } from '../access/document-form.js';
import { type ClassSchema, nestedProperty, type Property, type Schema } from '../model/class-schema.js';
import { keyFromEdge } from '../model/edge.js';
import { describeFound, isPlainObject } from '../model/edge-kinds.js';
import { fromEdge, Mismatch } from '../model/edge-read.js';
import { type EdgeKey, type EdgeValue, LinkView } from '../model/edge-types.js';
import type { PathElement } from '../model/instruction.js';
import { pathOf } from '../model/schema-findings.js';
import type { Transaction } from './transaction.js';
import { WriteError } from './usage-error.js';

export interface DocumentUpdate {
  /** What the partition key is set to; undefined where the update leaves it as it is. */
  readonly partition: { readonly value: unknown } | undefined;
  /** Whether there is anything to apply, besides. */
  readonly isEmpty: boolean;
  /** Writes to one object. Throws a WriteError that names the operator, or a DocumentError. */
  readonly apply: (tx: Transaction, key: EdgeKey) => void;
}

const operators = ['$set', '$unset', '$inc', '$push', '$addToSet', '$pull'] as const;
type Operator = (typeof operators)[number];

interface Edit {
  readonly operator: Operator;
  readonly names: readonly [string, ...string[]];
  /** As in `Task update.$inc.votes`. */
  readonly place: string;
  readonly operand: unknown;
  /** Of `$pull`: whether an element goes. */
  readonly goes: (element: Form) => boolean;
}

/** Reads an update of a class. `keyField`: the field of the partition key. */
export const documentUpdate = (
  schema: Schema,
  shape: ClassSchema,
  keyField: string,
  input: unknown,
): E.Either<DocumentError, DocumentUpdate> => {
  return reading(() => {
    const rest: Edit[] = [];
    let partition: { readonly value: unknown } | undefined;
    for (const edit of readEdits(`${shape.name} update`, input)) {
      if (edit.names[0] !== keyField) rest.push(edit);
      else if (edit.names.length > 1 || (edit.operator !== '$set' && edit.operator !== '$unset'))
        fail('bad-update', edit.place, `${edit.operator} on the partition key`, '$set or $unset');
      else partition = { value: edit.operator === '$set' ? edit.operand : null };
    }
    return updateOf(schema, shape, partition, rest);
  });
};

/** Reads a document that takes the place of another: what it does not say is null or empty afterwards, and the partition key, too. */
export const documentReplacement = (
  schema: Schema,
  shape: ClassSchema,
  keyField: string,
  input: unknown,
): E.Either<DocumentError, DocumentUpdate> =>
  reading(() => {
    const place = `${shape.name} replacement`;
    if (!isPlainObject(input)) return fail('bad-update', place, describeFound(input), 'a document');
    const edits: Edit[] = [];
    for (const name of new Set([...shape.byName.keys(), ...Object.keys(input)])) {
      const operand = input[name];
      const at = pathOf(place, name);
      if (name.startsWith('$')) fail('bad-update', at, `the operator ${name}`, 'fields only');
      if (name === keyField) continue;
      const operator = operand === undefined ? '$unset' : '$set';
      edits.push({ operator, names: [name], place: at, operand, goes: () => false });
    }
    return updateOf(schema, shape, { value: input[keyField] }, edits);
  });

const updateOf = (
  schema: Schema,
  shape: ClassSchema,
  partition: DocumentUpdate['partition'],
  edits: readonly Edit[],
): DocumentUpdate => ({
  partition,
  isEmpty: edits.length === 0,
  apply: (tx, key) => {
    for (const edit of edits) applied(new Applier(schema, shape, tx, key), edit);
  },
});

const reading = (read: () => DocumentUpdate): E.Either<DocumentError, DocumentUpdate> => {
  try {
    return E.right(read());
  } catch (error) {
    if (error instanceof DocumentError) return E.left(error);
    throw error;
  }
};

const fail = (code: DocumentError['code'], place: string, found: string, expected: string): never => {
  throw new DocumentError(code, place, found, expected);
};

const readEdits = (place: string, input: unknown): readonly Edit[] => {
  const expected = `operators: ${operators.join(', ')}`;
  if (!isPlainObject(input)) return fail('bad-update', place, describeFound(input), expected);
  const edits: Edit[] = [];
  for (const name of Object.keys(input)) {
    const at = pathOf(place, name);
    const operator = operators.find((each) => each === name);
    if (operator === undefined) {
      if (name.startsWith('$')) return fail('unsupported-operator', at, `the operator ${name}`, expected);
      return fail('bad-update', at, 'a field outside of operators', expected);
    }
    const fields = input[name];
    if (!isPlainObject(fields)) return fail('bad-update', at, describeFound(fields), 'an object of fields');
    for (const path of Object.keys(fields))
      edits.push(readEdit(operator, path, fields[path], pathOf(at, path)));
  }
  if (edits.length === 0) fail('bad-update', place, 'nothing to do', expected);
  edits.forEach((edit, i) => {
    const other = edits.find((each, k) => k !== i && edit.names.every((name, at) => each.names[at] === name));
    if (other !== undefined)
      fail('bad-update', edit.place, `a place that ${other.place} writes as well`, 'one of them');
  });
  return edits;
};

const readEdit = (operator: Operator, path: string, operand: unknown, place: string): Edit => {
  const [first = '', ...more] = path.split('.');
  if (first === '' || more.includes('')) fail('bad-update', place, 'an empty name', 'names between dots');
  if (operand === undefined) fail('bad-update', place, 'undefined', 'a value');
  let goes = (_: Form): boolean => false;
  if (operator === '$pull') {
    const condition = elementFilter(place, operand);
    if (E.isLeft(condition)) throw condition.left;
    goes = condition.right;
  }
  return { operator, names: [first, ...more], place, operand, goes };
};

const applied = (applier: Applier, edit: Edit): void => {
  try {
    applier.apply(edit);
  } catch (error) {
    if (!(error instanceof WriteError)) throw error;
    throw new WriteError(error.code, `${edit.place}, ${error.place}`, error.found, error.expected);
  }
};

/** What several values are given as: `{ $each: […] }`; null where it is not. */
const eachOf = (
  { operand, place }: Edit,
  more: readonly string[],
): Readonly<Record<string, unknown>> | null => {
  if (!isPlainObject(operand) || !Object.keys(operand).some((name) => name.startsWith('$'))) return null;
  const unknown = Object.keys(operand).find((name) => name !== '$each' && !more.includes(name));
  const expected = ['$each', ...more].join(', ');
  if (unknown !== undefined) fail('unsupported-operator', place, `the modifier ${unknown}`, expected);
  if (!Array.isArray(operand['$each']))
    fail('bad-update', place, `${describeFound(operand['$each'])} as $each`, 'an array');
  return operand;
};

/** Types whose values are the same when they are equal. Links may be to what is not there, and read as null. */
const exactTypes: ReadonlySet<string> = new Set([
  'bool',
  'int',
  'string',
  'binary',
  'timestamp',
  'objectId',
  'uuid',
]);

class Applier {
  private readonly schema: Schema;
  private readonly shape: ClassSchema;
  private readonly tx: Transaction;
  private readonly key: EdgeKey;

  constructor(schema: Schema, shape: ClassSchema, tx: Transaction, key: EdgeKey) {
    this.schema = schema;
    this.shape = shape;
    this.tx = tx;
    this.key = key;
  }

  apply(edit: Edit): void {
    switch (edit.operator) {
      case '$set':
        this.set(edit);
        return;
      case '$unset':
        this.unset(edit);
        return;
      case '$inc':
        this.increment(edit);
        return;
      case '$push':
        this.push(edit);
        return;
      case '$addToSet':
        this.add(edit);
        return;
      case '$pull':
        this.pull(edit);
        return;
    }
  }

  private set(edit: Edit): void {
    const { operand } = edit;
    const { path, value } = this.find(edit);
    if (path.length === 1 && this.isOwnKey(path[0], operand)) return;
    const { column } = this.propertyAt(edit).property;
    const form = edgeForm(operand, filterLimits.depth);
    const isSame =
      value !== undefined &&
      exactTypes.has(column.type) &&
      !(form instanceof Mismatch) &&
      sameForm(edgeForm(value, filterLimits.depth), form);
    // What has another type than the property is refused, equal or not.
    if (!isSame || typeof operand !== typeof value) this.tx.set(this.shape.name, this.key, path, operand);
  }

  /** The primary key never changes: naming it changes nothing. */
  private isOwnKey(name: string, operand: unknown): boolean {
    const { spec } = this.shape;
    if (spec.type !== 'topLevel' || spec.primaryKey?.name !== name) return false;
    return keyFromEdge(spec, operand) === keyFromEdge(spec, this.key);
  }

  private unset(edit: Edit): void {
    const { path, value } = this.find(edit);
    const { name } = this.shape;
    const { property, isCollection } = this.propertyAt(edit);
    if (isEmpty(value) && property.column.type !== 'mixed' && property.column.type !== 'link') return;
    const last = path[path.length - 1];
    if (path.length > 1 && typeof last === 'string' && this.isDictionary(path.slice(0, -1)))
      this.tx.dictionary(name, this.key, path.slice(0, -1)).delete(last);
    else if (!isCollection) this.tx.set(name, this.key, path, null);
    else this.tx.set(name, this.key, path, property.column.collection === 'dictionary' ? {} : []);
  }

  private isDictionary(path: readonly PathElement[]): boolean {
    try {
      return this.tx.dictionary(this.shape.name, this.key, path).size >= 0;
    } catch (error) {
      if (error instanceof WriteError && error.code === 'bad-path') return false;
      throw error;
    }
  }

  private increment(edit: Edit): void {
    const { operand, place } = edit;
    const { path, value } = this.find(edit);
    const { name } = this.shape;
    const isDouble = value instanceof Double;
    const { type } = this.propertyAt(edit).property.column;
    if (type === 'double' || type === 'float' || isDouble) {
      const by = fromEdge('double', operand);
      const number = isDouble ? value.value : value;
      if (typeof by !== 'number' || typeof number !== 'number')
        throw new WriteError(
          'wrong-type',
          place,
          typeof by === 'number' ? describeFound(value) : `${describeFound(operand)} to add`,
          'a number',
        );
      this.tx.set(name, this.key, path, isDouble ? new Double(number + by) : number + by);
    } else this.tx.increment(name, this.key, path, operand);
  }

  private push(edit: Edit): void {
    const list = this.tx.list(this.shape.name, this.key, this.find(edit).path);
    const modified = eachOf(edit, ['$position']);
    if (modified === null) {
      list.push(edit.operand);
      return;
    }
    const values = modified['$each'] as readonly unknown[];
    const { $position: position = list.length } = modified;
    if (typeof position !== 'number' || !Number.isSafeInteger(position))
      throw new DocumentError(
        'bad-update',
        edit.place,
        `${describeFound(position)} as $position`,
        'an index',
      );
    // Below 0 it counts from the end; beyond the end is the end.
    const at = position < 0 ? Math.max(0, list.length + position) : Math.min(position, list.length);
    list.insert(at, ...values);
  }

  private add(edit: Edit): void {
    const { path } = this.find(edit);
    const { property, isCollection } = this.propertyAt(edit);
    const values = (eachOf(edit, [])?.['$each'] ?? [edit.operand]) as readonly unknown[];
    if (isCollection && property.column.collection === 'set') {
      const set = this.tx.setOf(this.shape.name, this.key, path);
      for (const value of values) set.add(value);
      return;
    }
    const list = this.tx.list(this.shape.name, this.key, path);
    for (const value of values) {
      const form = formIn(property, value);
      const isThere = (item: EdgeValue): boolean => meets(property, item, (each) => sameForm(each, form));
      // What has no form is for the list to refuse.
      if (form === undefined || !list.values().some(isThere)) list.push(value);
    }
  }

  private pull(edit: Edit): void {
    const { path } = this.find(edit);
    const { property, isCollection } = this.propertyAt(edit);
    if (isCollection && property.column.collection === 'set') {
      const set = this.tx.setOf(this.shape.name, this.key, path);
      for (const member of set.values()) if (meets(property, member, edit.goes)) set.delete(member);
      return;
    }
    const list = this.tx.list(this.shape.name, this.key, path);
    const values = list.values();
    for (let i = values.length - 1; i >= 0; i--)
      if (meets(property, values[i] as EdgeValue, edit.goes)) list.remove(i);
  }

  /** The path as transactions take it, and what is there; undefined where nothing is. */
  private find({ names }: Edit): {
    readonly path: readonly [string, ...PathElement[]];
    readonly value: EdgeValue | undefined;
  } {
    const [first, ...more] = names;
    const object = this.tx.object(this.shape.name, this.key);
    const path: [string, ...PathElement[]] = [first];
    let value = object === null || !Object.hasOwn(object, first) ? undefined : object[first];
    for (const name of more) {
      const isIndex = Array.isArray(value) && /^[0-9]{1,9}$/.test(name);
      const step = isIndex ? Number(name) : name;
      path.push(step);
      value =
        typeof value === 'object' && value !== null && Object.hasOwn(value, step)
          ? (value as Readonly<Record<PathElement, EdgeValue>>)[step]
          : undefined;
    }
    return { path, value };
  }

  /** What the schema says of the place; of mixed values nothing, and of what does not exist neither. */
  private propertyAt({ names }: Edit): { readonly property: Property; readonly isCollection: boolean } {
    let shape: ClassSchema | undefined = this.shape;
    let property = nestedProperty;
    let isCollection = false;
    for (const name of names) {
      if (isCollection) isCollection = false;
      else {
        property = shape?.byName.get(name) ?? nestedProperty;
        isCollection = property.column.collection !== 'single';
      }
      shape = property.embedded === null ? undefined : this.schema.byName.get(property.embedded);
    }
    return { property, isCollection };
  }
}

const isEmpty = (value: EdgeValue | undefined): boolean =>
  value === null ||
  (Array.isArray(value) ? value.length === 0 : isPlainObject(value) && Object.keys(value).length === 0);

/** A member or element as filters compare it: links to one class by their keys. Undefined for what has more levels. */
const formIn = ({ column }: Property, value: unknown): Form | undefined => {
  const plain =
    value instanceof LinkView && column.type === 'link' && column.target !== null ? value.key : value;
  const form = edgeForm(plain, filterLimits.depth);
  return form instanceof Mismatch ? undefined : form;
};

const meets = (property: Property, element: EdgeValue, test: (form: Form) => boolean): boolean => {
  const form = formIn(property, element);
  return form !== undefined && test(form);
};
