/**
 * Places as an application names them: a class, a primary key and a path, such as
 * `('Person', 7, ['addresses', 0, 'street'])`. Finding one checks every step of the way, and turns the
 * indices that the application sees into those of instructions.
 */
import { get } from '../base/trie.js';
import { type ClassSchema, nestedProperty, type Property } from '../model/class-schema.js';
import { keyFromEdge } from '../model/edge.js';
import { describeFound } from '../model/edge-kinds.js';
import { Mismatch } from '../model/edge-read.js';
import { InputReader, type LinkRules, propertiesOf } from '../model/input-reader.js';
import type { PathElement } from '../model/instruction.js';
import type { Key } from '../model/key.js';
import { printName, printObject, printPath, printPlace } from '../model/print.js';
import {
  type Column,
  type Content,
  property as contentOf,
  DictionaryNode,
  findColumn,
  findObject,
  findTable,
  hasObject,
  ListNode,
  nestedColumn,
  ObjectNode,
  SetNode,
  type Table,
} from '../model/state.js';
import type { MissingTarget, Place, Writer } from './transaction-writer.js';
import { type UsageCode, WriteError } from './usage-error.js';
import { elementOf, rawIndex } from './view.js';

/** A property, or a property and what follows: names of embedded objects' properties, keys, indices. */
export type PathArgument = string | readonly PathElement[];

/** An existing place. */
export interface Spot extends Place {
  readonly at: 'property' | 'element' | 'entry';
  /** What the schema says of the value here, or of the elements where this is a whole collection. */
  readonly property: Property;
  /** The same in the data. */
  readonly column: Column;
  /** Undefined for an entry that does not exist. */
  readonly content: Content | undefined;
  /** At an element: how many the list has, hidden ones included. */
  readonly size: number;
  /** As the application names it. */
  readonly text: string;
}

export const isCollection = ({ at, property }: Spot): boolean =>
  at === 'property' && property.column.collection !== 'single';

/** What the elements or entries of the collection here are. */
export const itemProperty = (spot: Spot): Property => (isCollection(spot) ? spot.property : nestedProperty);
export const itemColumn = (spot: Spot): Column =>
  isCollection(spot) ? elementOf(spot.column) : nestedColumn;

/** The class, which can be asymmetric but not embedded. */
export const findClass = (writer: Writer, className: string): ClassSchema => {
  writer.use();
  const shape = writer.schema.byName.get(className);
  if (shape === undefined)
    throw new WriteError(
      'unknown-class',
      typeof className === 'string' ? printName(className) : 'the class name',
      typeof className === 'string' ? 'a class that the schema does not have' : describeFound(className),
      `one of ${writer.schema.classes.map(({ name }) => name).join(', ')}`,
    );
  if (shape.spec.type === 'embedded')
    throw new WriteError(
      'embedded-class',
      printName(className),
      'an embedded class',
      'a class of objects with keys: embedded objects are reached by the path from their owner',
    );
  return shape;
};

/** A class whose objects can be written after their creation, too. */
export const findMutableClass = (writer: Writer, className: string): ClassSchema => {
  const shape = findClass(writer, className);
  if (shape.spec.type === 'topLevel' && shape.spec.asymmetric)
    throw new WriteError(
      'asymmetric-class',
      printName(className),
      'an asymmetric class',
      'a class whose objects can be read and changed: those of this one can be created, and nothing else',
    );
  return shape;
};

export const readKey = ({ name, spec }: ClassSchema, key: unknown): Key => {
  const read = keyFromEdge(spec, key);
  if (read instanceof Mismatch)
    throw new WriteError(
      'wrong-type',
      printName(name),
      `${read.found} as key`,
      `a primary key: ${read.expected}`,
    );
  return read;
};

export const readExistingKey = (writer: Writer, shape: ClassSchema, key: unknown): Key => {
  const read = readKey(shape, key);
  if (!hasObject(writer.state, shape.name, read))
    throw new WriteError(
      'no-such-object',
      printObject(shape.name, read),
      'no object',
      'the key of an object that exists',
    );
  return read;
};

/** `place`: the object, for errors. */
const readPath = (path: unknown, place: string): readonly [string, ...PathElement[]] => {
  const elements: readonly unknown[] = Array.isArray(path) ? path : [path];
  const [first, ...rest] = elements;
  const isElement = (element: unknown): element is PathElement =>
    typeof element === 'string' || (Number.isSafeInteger(element) && Number(element) >= 0);
  if (typeof first !== 'string' || !rest.every(isElement)) {
    const wrong = typeof first !== 'string' ? first : rest.find((element) => !isElement(element));
    throw new WriteError(
      'bad-path',
      place,
      `${describeFound(wrong)} in the path`,
      'a property, or an array of a property, then names, keys and indices',
    );
  }
  return [first, ...rest];
};

/** Throws a WriteError where there is no such place; only an entry need not exist. */
export const locate = (writer: Writer, className: string, key: unknown, path: PathArgument): Spot => {
  const shape = findMutableClass(writer, className);
  const object = readExistingKey(writer, shape, key);
  const elements = readPath(path, printObject(shape.name, object));
  const walk = new Walk(writer, shape, object, elements[0]);
  for (let i = 1; i < elements.length; i++) walk.step(elements[i] as PathElement);
  return walk;
};

class Walk implements Spot {
  readonly table: string;
  readonly key: Key;
  readonly field: string;
  readonly path: PathElement[] = [];
  at: 'property' | 'element' | 'entry' = 'property';
  property = nestedProperty;
  column = nestedColumn;
  content: Content | undefined;
  size = 0;
  text: string;
  private readonly writer: Writer;

  constructor(writer: Writer, shape: ClassSchema, key: Key, field: string) {
    this.writer = writer;
    this.table = shape.name;
    this.key = key;
    this.field = field;
    this.text = printPlace({ table: this.table, object: key, field, path: [] });
    const object = findObject(writer.state, shape.name, key);
    const table = findTable(writer.state, shape.name);
    if (object === undefined || table === undefined) throw new Error(`${this.text}: the object has gone`);
    if (shape.spec.type === 'topLevel' && shape.spec.primaryKey?.name === field)
      this.fail('primary-key', 'the primary key', 'another property: a primary key never changes');
    if (writer.partitionProperty?.name === field && shape.byName.has(field))
      this.fail(
        'partition-key',
        'the partition key',
        'another property: it says in which partition the object is',
      );
    this.enter(shape, table, object, field);
  }

  step(element: PathElement): void {
    const { content } = this;
    this.text += printPath([element]);
    if (content instanceof ObjectNode) this.stepIntoObject(content, element);
    else if (content instanceof ListNode) this.stepIntoList(content, element);
    else if (content instanceof DictionaryNode) this.stepIntoDictionary(content, element);
    else {
      const found =
        content instanceof SetNode
          ? 'a set, whose members have no places'
          : content === undefined
            ? 'a key that the dictionary does not have'
            : content === null
              ? 'null'
              : 'a value without inner structure';
      this.fail('bad-path', `${found} on the way`, 'an embedded object, a list or a dictionary');
    }
  }

  private fail(code: UsageCode, found: string, expected: string): never {
    throw new WriteError(code, this.text, found, expected);
  }

  private enter(shape: ClassSchema, table: Table, object: ObjectNode, name: string): void {
    const property = shape.byName.get(name);
    if (property === undefined)
      this.fail('unknown-property', 'a property that the class does not have', propertiesOf(shape));
    const column = findColumn(table, name);
    if (column === undefined)
      this.fail(
        'schema-mismatch',
        'a property that the data have lost',
        'data of the shape that the schema has',
      );
    this.at = 'property';
    this.property = property;
    this.column = column;
    this.content = contentOf(object, column);
  }

  private stepIntoObject(object: ObjectNode, element: PathElement): void {
    const { embedded } = this.property;
    const shape = embedded === null ? undefined : this.writer.schema.byName.get(embedded);
    const table = embedded === null ? undefined : findTable(this.writer.state, embedded);
    if (shape === undefined || table === undefined)
      throw new Error(`${this.text}: an embedded object of a class that does not exist: ${embedded}`);
    if (typeof element !== 'string')
      this.fail('bad-path', `index ${element} in an embedded object`, propertiesOf(shape));
    this.enter(shape, table, object, element);
    this.path.push(element);
  }

  private stepIntoList(list: ListNode, element: PathElement): void {
    if (typeof element !== 'number') this.fail('bad-path', `${describeFound(element)} in a list`, 'an index');
    this.descend('element');
    const raw = rawIndex(this.writer.state, this.column, list, element);
    if (raw < 0) this.fail('index-out-of-range', `index ${element}`, 'the index of an element');
    this.content = list.items[raw];
    this.size = list.items.length;
    this.path.push(raw);
  }

  private stepIntoDictionary(dictionary: DictionaryNode, element: PathElement): void {
    if (typeof element !== 'string')
      this.fail('bad-path', `index ${element} in a dictionary`, 'a key, which is a string');
    this.descend('entry');
    this.content = get(dictionary.entries, element);
    this.path.push(element);
  }

  /** From a collection to what it holds. */
  private descend(at: 'element' | 'entry'): void {
    const property = itemProperty(this);
    this.column = itemColumn(this);
    this.property = property;
    this.at = at;
  }
}

/** Links are to objects that exist, but for those that the transaction lets pass; `creating` counts as one. */
const linkRules = (
  writer: Writer,
  mixed: boolean,
  creating: { readonly table: string; readonly key: Key } | null,
): LinkRules => ({
  mixed,
  linkProblem: (table, key) =>
    hasObject(writer.state, table, key) || (creating?.table === table && creating.key === key)
      ? null
      : writer.missingTarget(table, key),
});

/** As apps write: links are to objects that exist. */
export const noMissingTarget: MissingTarget = (table, key) => ({
  code: 'no-such-object',
  found: `a link to ${printObject(table, key)}, which does not exist`,
  expected: 'a link to an object that exists',
});

const refuse = (reader: InputReader, textOf: (path: readonly PathElement[]) => string): void => {
  const problem = reader.problems[0];
  if (problem !== undefined)
    throw new WriteError(problem.code, textOf(problem.path), problem.found, problem.expected);
};

/**
 * Reads what is to be written at a spot, or `further` path elements below it. Throws a WriteError for what
 * does not fit, also for links to objects that do not exist, unless `anyLink` lets them pass.
 */
export const readInput = <A>(
  writer: Writer,
  spot: Spot,
  further: number,
  read: (reader: InputReader) => A | undefined,
  anyLink = false,
): A => {
  const rules = anyLink ? { mixed: true, linkProblem: () => null } : linkRules(writer, true, null);
  const reader = new InputReader(writer.schema.byName, rules, spot.path.length + further);
  const input = read(reader);
  refuse(reader, (path) => spot.text + printPath(path));
  if (input === undefined) throw new Error(`${spot.text}: an input was refused without a reason`);
  return input;
};

/** Reads properties by name: of a new object where `isNew`, its primary key aside; else of one that exists. */
export const readFields = (
  writer: Writer,
  shape: ClassSchema,
  key: Key,
  isNew: boolean,
  value: Readonly<Record<string, unknown>>,
): ReturnType<InputReader['fields']> => {
  const { name: table, spec } = shape;
  const isAsymmetric = spec.type === 'topLevel' && spec.asymmetric;
  const rules = linkRules(writer, !isAsymmetric, isNew ? { table, key } : null);
  // The first name of each path is the field, which is no element of the instruction's path.
  const reader = new InputReader(writer.schema.byName, rules, -1);
  const keyName = spec.type === 'topLevel' ? spec.primaryKey?.name : undefined;
  const fields = reader.fields(shape, value, keyName);
  refuse(reader, ([field, ...path]) => printPlace({ table, object: key, field: String(field), path }));
  return fields;
};
