/**
 * Transactions: how an application writes. A body makes changes through a `Transaction`, sees its own
 * writes, and in the end there is a new state and the instructions that lead to it; or, where the body
 * throws, nothing.
 *
 * The law: applying the instructions to the state before gives exactly the state after. Asymmetric objects
 * are the exception: they are in the instructions and not in the state, because they only go up.
 *
 * Values are given as `core/model/edge.ts` says. Every method either does all that it should, or throws a
 * WriteError and has done nothing.
 *
 * Source: merge-semantics, sections 1.5 to 1.9 and 10.
 */
import * as E from 'fp-ts/lib/Either.js';
import { partitionName, readPartitionValue } from '../access/partition-value.js';
import type { ClassSchema, Schema } from '../model/class-schema.js';
import { keyToEdge } from '../model/edge.js';
import { describeFound, isPlainObject } from '../model/edge-kinds.js';
import { fromEdge, Mismatch } from '../model/edge-read.js';
import { LinkView } from '../model/edge-types.js';
import { addInteger, type Instruction } from '../model/instruction.js';
import { printName, printObject } from '../model/print.js';
import { findObject, findTable, hasObject, type State } from '../model/state.js';
import { assign, DictionaryEditor, ListEditor, occupancy, SetEditor } from './transaction-collections.js';
import {
  findClass,
  findMutableClass,
  isCollection,
  locate,
  noMissingTarget,
  type PathArgument,
  readExistingKey,
  readFields,
  readKey,
} from './transaction-place.js';
import { type MissingTarget, type PartitionProperty, Writer } from './transaction-writer.js';
import { WriteError } from './usage-error.js';
import { type KeyArgument, ObjectsView, type ObjectView, viewOf } from './view.js';

/** Properties by name; values as their types ask for. */
export type Properties = Readonly<Record<string, unknown>>;

export interface Transacted<Result> {
  readonly state: State;
  /** Lead from the state before to `state`; none where nothing was written. */
  readonly instructions: readonly Instruction[];
  readonly result: Result;
}

export class Transaction {
  readonly #writer: Writer;

  /** Use `transact`. */
  constructor(writer: Writer) {
    this.#writer = writer;
  }

  /**
   * Creates an object, with defaults for what is not given, and answers a link to it. The primary key is
   * among the properties, and no object may have it yet.
   */
  create(className: string, properties: Properties): LinkView {
    const shape = findClass(this.#writer, className);
    const fields = placed(this.#writer, shape, plainObject(properties, className));
    const { spec } = shape;
    if (spec.type === 'embedded' || spec.primaryKey === null)
      throw new Error(`${className} is a class that objects cannot be created of`);
    const key = readKey(shape, fields[spec.primaryKey.name]);
    if (hasObject(this.#writer.state, className, key))
      throw new WriteError(
        'object-exists',
        printObject(className, key),
        'an object with this key',
        'a key that no object has',
      );
    this.#writer.create(shape, key, readFields(this.#writer, shape, key, true, fields));
    return new LinkView(className, keyToEdge(key));
  }

  /** Sets a property, a list element or a dictionary entry; a whole list, set or dictionary, too. */
  set(className: string, key: KeyArgument, path: PathArgument, value: unknown): void {
    assign(this.#writer, locate(this.#writer, className, key, path), value);
  }

  /** Sets several properties of an object; all of them or none. */
  update(className: string, key: KeyArgument, properties: Properties): void {
    const shape = findMutableClass(this.#writer, className);
    const object = readExistingKey(this.#writer, shape, key);
    const given = plainObject(properties, className);
    const spots = new Map(
      Object.keys(given)
        .filter((name) => given[name] !== undefined)
        .map((name) => [name, locate(this.#writer, className, key, name)]),
    );
    const fields = readFields(this.#writer, shape, object, false, given);
    for (const [name, spot] of spots) {
      const input = fields.get(name);
      if (input !== undefined)
        this.#writer.property(spot, spot.property, input, occupancy(spot.content), false);
    }
  }

  /** Adds to an integer, wrapping at 64 bits. Concurrent increments add up. */
  increment(className: string, key: KeyArgument, path: PathArgument, by: unknown): void {
    const spot = locate(this.#writer, className, key, path);
    const { content, text } = spot;
    const amount = fromEdge('int', by);
    if (amount instanceof Mismatch)
      throw new WriteError('wrong-type', text, `${amount.found} to add`, amount.expected);
    if (spot.at !== 'property' || isCollection(spot))
      throw new WriteError('bad-path', text, 'no property with one value', 'an int property');
    if (typeof content !== 'bigint' || typeof amount !== 'bigint')
      throw new WriteError(
        'not-an-integer',
        text,
        content === null ? 'null' : 'no integer',
        'an integer to add to',
      );
    this.#writer.emit(addInteger(spot.table, spot.key, spot.field, spot.path, amount));
  }

  /** Deletes an object, after all links to it. */
  delete(className: string, key: KeyArgument): void {
    const shape = findMutableClass(this.#writer, className);
    this.#writer.erase(className, readExistingKey(this.#writer, shape, key));
  }

  /** How many instructions have been written so far. */
  get size(): number {
    return this.#writer.instructions.length;
  }

  /** The editor of a list. */
  list(className: string, key: KeyArgument, path: PathArgument): ListEditor {
    return new ListEditor(this.#writer, className, key, path);
  }

  /** The editor of a set. */
  setOf(className: string, key: KeyArgument, path: PathArgument): SetEditor {
    return new SetEditor(this.#writer, className, key, path);
  }

  /** The editor of a dictionary. */
  dictionary(className: string, key: KeyArgument, path: PathArgument): DictionaryEditor {
    return new DictionaryEditor(this.#writer, className, key, path);
  }

  /** The object as it is now, or null. Later writes do not change the record. */
  object(className: string, key: KeyArgument): ObjectView | null {
    const shape = findMutableClass(this.#writer, className);
    const objectKey = readKey(shape, key);
    const { state } = this.#writer;
    const table = findTable(state, className);
    const object = findObject(state, className, objectKey);
    return table === undefined || object === undefined ? null : viewOf(state, table, objectKey, object);
  }

  /** All objects of a class as they are now. Later writes do not change the view. */
  objects(className: string): ObjectsView {
    findMutableClass(this.#writer, className);
    const state = this.#writer.freeze();
    const table = findTable(state, className);
    if (table === undefined)
      throw new WriteError('schema-mismatch', printName(className), 'a class that the data have lost', 'it');
    return new ObjectsView(state, table);
  }
}

const plainObject = (properties: unknown, className: string): Properties => {
  if (isPlainObject(properties)) return properties;
  throw new WriteError(
    'wrong-type',
    printName(className),
    describeFound(properties),
    'a plain object of properties by name',
  );
};

/** The properties of a new object with that of its partition, which they may name. */
const placed = ({ partitionProperty }: Writer, shape: ClassSchema, fields: Properties): Properties => {
  if (partitionProperty === null || !shape.byName.has(partitionProperty.name)) return fields;
  const { name, value, partition } = partitionProperty;
  const given = fields[name];
  if (given === undefined) return { ...fields, [name]: value };
  const read = readPartitionValue(given);
  if (E.isRight(read) && partitionName(read.right) === partition) return fields;
  const found = E.isRight(read) ? partitionName(read.right) : describeFound(given);
  throw new WriteError(
    'partition-key',
    `${printName(shape.name)}.${printName(name)}`,
    found,
    `${partition}, the partition that is written to, or nothing`,
  );
};

const isThenable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

/**
 * Runs `body`. Left where it threw a WriteError; anything else that it throws goes through. `state` must
 * have the classes of `schema` (`schemaInstructions`). Deterministic, if the body is. `missingTarget`: what is wrong
 * with a link to an object that does not exist: as for apps, that it does not, unless something else is given.
 */
export const transact = <Result>(
  state: State,
  schema: Schema,
  body: (tx: Transaction) => Result,
  missingTarget: MissingTarget = noMissingTarget,
  partitionProperty: PartitionProperty | null = null,
): E.Either<WriteError, Transacted<Result>> => {
  const writer = new Writer(state, schema, missingTarget, partitionProperty);
  let result: Result;
  try {
    result = body(new Transaction(writer));
  } catch (error) {
    if (error instanceof WriteError) return E.left(error);
    throw error;
  } finally {
    writer.close();
  }
  if (writer.failure !== null) return E.left(writer.failure);
  // It has only just begun: what it writes later would be lost.
  if (isThenable(result))
    return E.left(new WriteError('ended', 'the transaction', 'an asynchronous body', 'a body without await'));
  return E.right({ state: writer.commit(), instructions: writer.instructions, result });
};
