/**
 * What a back end does to documents, as changes of one partition: which documents a filter finds there, and the
 * instructions that insert, update, move and delete.
 *
 * The partition key. A document is in the partition that its field says; where the class has a property of that
 * name, it says the same. Without a valid value it is in the null partition where the key is optional, and
 * unassigned where it is required: not synced, and kept with whatever its field says, as a mixed value.
 *
 * Links stay within a partition: to an object of another one they are refused, to one that does not exist at all
 * they are taken, since it may still come.
 */
import * as E from 'fp-ts/lib/Either.js';
import { DocumentError } from '../access/document-error.js';
import type { DocumentFilter } from '../access/document-filter.js';
import { unassigned } from '../access/epoch-name.js';
import { type PartitionValue, partitionName } from '../access/partition-value.js';
import type { PartitionKey } from '../access/repartition.js';
import { sortedKeys } from '../base/trie.js';
import { edit } from '../model/apply.js';
import { type ClassSchema, nestedProperty, type Schema } from '../model/class-schema.js';
import { keyFromEdge, keyToEdge, toEdge } from '../model/edge.js';
import { describeFound, isPlainObject } from '../model/edge-kinds.js';
import { fromEdge, Mismatch, mixedFromEdge } from '../model/edge-read.js';
import type { EdgeKey } from '../model/edge-types.js';
import type { Instruction } from '../model/instruction.js';
import { type Key, objectIdKey, uuidKey } from '../model/key.js';
import { printName, printObject } from '../model/print.js';
import { schemaInstructions } from '../model/schema-instructions.js';
import { emptyState, findObject, findTable, type State } from '../model/state.js';
import type { Value } from '../model/value.js';
import { type Document, documentForm, documentOf, type PartitionField } from './document.js';
import type { DocumentUpdate } from './document-update.js';
import { contentsOf } from './moved-objects.js';
import { type Transacted, type Transaction, transact } from './transaction.js';

/** A class whose objects are documents, and what says where they are. */
export interface DocumentClass {
  readonly schema: Schema;
  readonly shape: ClassSchema;
  readonly partition: PartitionKey;
  /** Name of the primary key. */
  readonly id: string;
}

export const documentClass = (
  schema: Schema,
  partition: PartitionKey,
  className: string,
): E.Either<DocumentError, DocumentClass> => {
  const shape = schema.byName.get(className);
  const known = schema.classes.filter(
    ({ spec }) => spec.type === 'topLevel' && spec.primaryKey !== null && !spec.asymmetric,
  );
  if (shape?.spec.type !== 'topLevel' || shape.spec.primaryKey === null || shape.spec.asymmetric)
    return E.left(
      new DocumentError(
        'unknown-class',
        printName(className),
        shape === undefined
          ? 'a class that the schema does not have'
          : 'a class without documents of its own',
        `one of ${known.map(({ name }) => name).join(', ')}`,
      ),
    );
  return E.right({ schema, shape, partition, id: shape.spec.primaryKey.name });
};

/** Where documents are: the name of the partition, and its value; undefined for those that are unassigned. */
export interface Placement {
  readonly partition: string;
  readonly value: PartitionValue | undefined;
  /** What an unassigned document's field says. */
  readonly stray: Value;
}

/** Where a document with this value in its field is. Left for what cannot be such a value at all. */
export const placementOf = (
  { partition: key, shape }: DocumentClass,
  value: unknown,
): E.Either<DocumentError, Placement> => {
  if (value === undefined || value === null)
    return E.right(key.isRequired ? { partition: unassigned, value: undefined, stray: null } : placed(null));
  const read = fromEdge(key.type === 'long' ? 'int' : key.type, value);
  if (!(read instanceof Mismatch)) return E.right(placed(read as PartitionValue));
  const stray = mixedFromEdge(
    typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value,
  );
  if (key.isRequired && !(stray instanceof Mismatch))
    return E.right({ partition: unassigned, value: undefined, stray });
  return E.left(
    new DocumentError(
      'wrong-partition-value',
      `${shape.name}.${key.key}`,
      read.found,
      `${read.expected}, as the partition key is${key.isRequired ? '' : ', or null'}`,
    ),
  );
};

const placed = (value: PartitionValue): Placement => ({
  partition: partitionName(value),
  value,
  stray: null,
});

const hasKey = ({ shape, partition }: DocumentClass): boolean => shape.byName.has(partition.key);

/** The classes of a partition: where documents are unassigned, the key's property holds anything. */
export const classesIn = (schema: Schema, key: PartitionKey, partition: string): Schema => {
  if (partition !== unassigned) return schema;
  const property = { ...nestedProperty, name: key.key };
  const classes = schema.classes.map((shape): ClassSchema => {
    if (shape.spec.type === 'embedded') return shape;
    const properties = [...shape.properties.filter(({ name }) => name !== key.key), property];
    return { ...shape, properties, byName: new Map(properties.map((each) => [each.name, each])) };
  });
  return { classes, byName: new Map(classes.map((shape) => [shape.name, shape])) };
};

/** A state with all classes, and what added those that it lacked. */
export const withClasses = (
  state: State,
  schema: Schema,
): E.Either<DocumentError, { readonly state: State; readonly instructions: readonly Instruction[] }> => {
  const missing = schemaInstructions(state, schema);
  if (E.isLeft(missing)) {
    const [first] = missing.left;
    return E.left(
      new DocumentError(
        'schema-mismatch',
        printName(first?.class ?? ''),
        first?.inState ?? 'another class',
        `${first?.inSchema}, as the server's schema has it`,
      ),
    );
  }
  if (missing.right.length === 0) return E.right({ state, instructions: [] });
  const draft = edit(state);
  for (const instruction of missing.right) {
    const error = draft.apply(instruction);
    if (error !== null)
      return E.left(
        new DocumentError('schema-mismatch', error.message, 'other classes', "those of the server's schema"),
      );
  }
  return E.right({ state: draft.finish(), instructions: missing.right });
};

/** A filter, read for a class: which partitions and keys come into question. */
export interface Search {
  readonly filter: DocumentFilter;
  /** Undefined: any. */
  readonly keys: readonly Key[] | undefined;
  /** Undefined: any. */
  readonly partitions: readonly string[] | undefined;
}

export const searchOf = (of: DocumentClass, filter: DocumentFilter): Search => {
  const ids = filter.valuesOf(of.id);
  const places = filter.valuesOf(of.partition.key);
  const keys = ids?.flatMap((id) => {
    const key = keyFromEdge(of.shape.spec, id);
    return key instanceof Mismatch ? [] : [key];
  });
  const partitions = places?.flatMap((value) => {
    const placement = placementOf(of, value);
    return E.isLeft(placement) ? [] : [placement.right.partition];
  });
  return {
    filter,
    keys: keys === undefined ? undefined : [...new Set(keys)],
    partitions: partitions === undefined ? undefined : [...new Set(partitions)],
  };
};

/** Keys of the documents that are found, `most` of them, in ascending order. O(objects of the class), where no keys are fixed. */
export const found = (
  { shape }: DocumentClass,
  state: State,
  field: PartitionField,
  { filter, keys }: Search,
  most: number,
): readonly Key[] => {
  const table = findTable(state, shape.name);
  const out: Key[] = [];
  if (table === undefined) return out;
  for (const key of keys ?? (sortedKeys(table.objects) as Key[])) {
    if (out.length >= most) break;
    const object = findObject(state, shape.name, key);
    if (object !== undefined && filter.accepts(documentForm(state, table, key, object, field))) out.push(key);
  }
  return out;
};

export const documentAt = (
  { shape }: DocumentClass,
  state: State,
  field: PartitionField,
  key: Key,
): Document | null => {
  const table = findTable(state, shape.name);
  const object = findObject(state, shape.name, key);
  return table === undefined || object === undefined ? null : documentOf(state, table, key, object, field);
};

/** A document to be inserted. */
export interface NewDocument extends Placement {
  readonly key: Key;
  /** The key was made for it: nobody else has it. */
  readonly isFresh: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** `fresh`: so many hexadecimal digits that nobody else has, for documents of a class whose keys can be made of them. */
export const newDocument = (
  of: DocumentClass,
  input: unknown,
  fresh: (digits: number) => string,
): E.Either<DocumentError, NewDocument> => {
  const { shape, partition, id } = of;
  if (!isPlainObject(input))
    return E.left(
      new DocumentError('wrong-type', shape.name, describeFound(input), 'a document: a plain object'),
    );
  const placement = placementOf(of, input[partition.key]);
  if (E.isLeft(placement)) return placement;
  const given = input[id] === undefined ? freshKey(shape, fresh) : input[id];
  if (given === undefined)
    return E.left(new DocumentError('missing-key', `${shape.name}.${id}`, 'no primary key', 'one'));
  const key = keyFromEdge(shape.spec, given);
  if (key instanceof Mismatch)
    return E.left(new DocumentError('wrong-type', `${shape.name}.${id}`, key.found, key.expected));
  const { [partition.key]: _, ...fields } = input;
  const isFresh = input[id] === undefined;
  return E.right({ ...placement.right, key, isFresh, fields: { ...fields, [id]: keyToEdge(key) } });
};

const freshKey = ({ spec }: ClassSchema, fresh: (digits: number) => string): EdgeKey | undefined => {
  switch (spec.type === 'topLevel' ? spec.primaryKey?.type : undefined) {
    case 'objectId':
      return keyToEdge(objectIdKey(fresh(24)));
    case 'uuid': {
      // Of version 4 and the usual variant, as UUIDs of chance are.
      const digits = fresh(32);
      return keyToEdge(uuidKey(`${digits.slice(0, 12)}4${digits.slice(13, 16)}8${digits.slice(17)}`));
    }
    default:
      return undefined;
  }
};

/**
 * Whether the object that a link is to is in another partition: which. Asked for objects that are not in the link's
 * own one only.
 */
export type Elsewhere = (className: string, key: Key) => string | null;

/** Instructions that insert documents, all into one partition. */
export const insertion = (
  of: DocumentClass,
  state: State,
  documents: readonly NewDocument[],
  elsewhere: Elsewhere,
): E.Either<Error, readonly Instruction[]> => {
  const [first] = documents;
  if (first === undefined) return E.right([]);
  const name = of.shape.name;
  const schema = classesIn(of.schema, of.partition, first.partition);
  return writing(state, schema, elsewhere, (tx) => {
    for (const { fields, key, value, stray } of documents) {
      const said = value === undefined ? stray : hasKey(of) ? value : null;
      if (tx.object(name, keyToEdge(key)) !== null)
        throw duplicate(of, key, `in the partition ${first.partition}`);
      tx.create(
        name,
        said === null ? fields : { ...fields, [of.partition.key]: toEdge(said, value === undefined) },
      );
    }
  });
};

/** What is wrong with documents whatever a partition holds; null where nothing is. */
export const wrongAmong = (of: DocumentClass, documents: readonly NewDocument[]): Error | null => {
  const made = insertion(of, emptyState, documents, nowhere);
  return E.isLeft(made) ? made.left : null;
};

/** `where`: as in `the partition "north"`. */
export const duplicate = ({ shape }: DocumentClass, key: Key, where: string): DocumentError =>
  new DocumentError(
    'duplicate-key',
    printObject(shape.name, key),
    `a document with this key ${where}`,
    'another key',
  );

/** What an update does to a partition. */
export interface Updated {
  readonly instructions: readonly Instruction[];
  readonly matched: number;
  readonly modified: number;
  /** Where objects go whose partition key was changed, and what builds them there. */
  readonly target: string | null;
  readonly parts: readonly (readonly Instruction[])[];
  readonly moved: readonly Key[];
}

export const noneUpdated: Updated = {
  instructions: [],
  matched: 0,
  modified: 0,
  target: null,
  parts: [],
  moved: [],
};

/**
 * Updates what is found in one partition, up to `most`. Objects whose partition key changes are erased, with the
 * links to them; `parts` builds them in their new one.
 */
export const updating = (
  of: DocumentClass,
  state: State,
  field: PartitionField,
  partition: string,
  search: Search,
  update: DocumentUpdate,
  most: number,
  elsewhere: (target: string) => Elsewhere,
): E.Either<Error, Updated> => {
  const { name } = of.shape;
  const target = update.partition === undefined ? null : placementOf(of, update.partition.value);
  if (target !== null && E.isLeft(target)) return target;
  const keys = found(of, state, field, search, most);
  const nothing: Updated = { ...noneUpdated, matched: keys.length };
  const moves = target !== null && target.right.partition !== partition;
  const stray = target !== null && !moves && partition === unassigned ? target.right.stray : undefined;
  if (keys.length === 0 || (update.isEmpty && !moves && stray === undefined)) return E.right(nothing);
  const schema = classesIn(of.schema, of.partition, partition);
  const to = moves ? target.right : null;
  let modified = 0;
  const written = writingAll(state, schema, elsewhere(to?.partition ?? partition), (tx) => {
    for (const key of keys) {
      const before = tx.size;
      update.apply(tx, keyToEdge(key));
      if (stray !== undefined) tx.set(name, keyToEdge(key), of.partition.key, toEdge(stray, true));
      if (tx.size > before) modified++;
    }
  });
  if (E.isLeft(written)) return written;
  if (to === null)
    return E.right({ ...nothing, instructions: modified > 0 ? written.right.instructions : [], modified });
  const erased = writing(state, schema, elsewhere(partition), (tx) => {
    for (const key of keys) tx.delete(name, keyToEdge(key));
  });
  if (E.isLeft(erased)) return erased;
  const isNull = to.value === undefined ? to.stray === null : !hasKey(of);
  const value = to.value === undefined ? to.stray : to.value;
  const said = { name: of.partition.key, value: isNull ? undefined : value };
  return E.right({
    instructions: erased.right,
    matched: keys.length,
    modified: keys.length,
    target: to.partition,
    parts: contentsOf(written.right.state, name, keys, said),
    moved: keys,
  });
};

/** Deletes what is found in one partition, up to `most`, with the links to it. */
export const deleting = (
  of: DocumentClass,
  state: State,
  field: PartitionField,
  partition: string,
  search: Search,
  most: number,
): E.Either<Error, { readonly instructions: readonly Instruction[]; readonly deleted: number }> => {
  const keys = found(of, state, field, search, most);
  if (keys.length === 0) return E.right({ instructions: [], deleted: 0 });
  const schema = classesIn(of.schema, of.partition, partition);
  const erased = writing(state, schema, nowhere, (tx) => {
    for (const key of keys) tx.delete(of.shape.name, keyToEdge(key));
  });
  return E.map((instructions: readonly Instruction[]) => ({ instructions, deleted: keys.length }))(erased);
};

const nowhere: Elsewhere = () => null;

const writing = (
  state: State,
  schema: Schema,
  elsewhere: Elsewhere,
  body: (tx: Transaction) => void,
): E.Either<Error, readonly Instruction[]> =>
  E.map((written: Written) => written.instructions)(writingAll(state, schema, elsewhere, body));

type Written = Pick<Transacted<void>, 'state' | 'instructions'>;

/** A transaction on a state that may lack classes. */
const writingAll = (
  state: State,
  schema: Schema,
  elsewhere: Elsewhere,
  body: (tx: Transaction) => void,
): E.Either<Error, Written> => {
  const ready = withClasses(state, schema);
  if (E.isLeft(ready)) return ready;
  let foreign = false;
  try {
    const written = transact(ready.right.state, schema, body, (table, key) => {
      const other = elsewhere(table, key);
      if (other === null) return null;
      foreign = true;
      return {
        code: 'no-such-object',
        found: `a link to ${printObject(table, key)}, which is in the partition ${other}`,
        expected: 'a link to an object of the same partition',
      };
    });
    if (E.isLeft(written)) {
      const { place, found: what, expected } = written.left;
      return E.left(foreign ? new DocumentError('foreign-link', place, what, expected) : written.left);
    }
    const { state: after, instructions } = written.right;
    return E.right({ state: after, instructions: [...ready.right.instructions, ...instructions] });
  } catch (error) {
    if (error instanceof DocumentError) return E.left(error);
    throw error;
  }
};
