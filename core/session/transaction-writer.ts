/**
 * The writer of a transaction: turns what is to be written into instructions, as an emitter has to form
 * them, and applies each to the draft at once.
 *
 * Which instructions an action makes is decided here and nowhere else. Two rules keep concurrent writers
 * together: a mixed value that is made a list or a dictionary is always cleared right after, even where it
 * is one already; and an embedded object that takes the place of another comes after a null.
 *
 * Source: merge-semantics, sections 1.8, 1.9 and 4.12 (4 and 7).
 */
import { limits } from '../base/limits.js';
import { type Draft, edit } from '../model/apply.js';
import type { ClassSchema, Property, Schema } from '../model/class-schema.js';
import {
  DictionaryInput,
  type Input,
  ListInput,
  ObjectInput,
  SetInput,
  type SlotInput,
} from '../model/input.js';
import type { LinkRules } from '../model/input-reader.js';
import {
  arrayErase,
  arrayInsert,
  clear,
  createObject,
  eraseObject,
  type Instruction,
  type Path,
  setInsert,
  update,
  updateElement,
} from '../model/instruction.js';
import type { Key } from '../model/key.js';
import { printPlace } from '../model/print.js';
import type { CollectionType } from '../model/schema.js';
import { findColumn, findTable, type State } from '../model/state.js';
import { dictionary, list, objectValue, type Payload, type Value } from '../model/value.js';
import { LinkIndex } from './transaction-links.js';
import { WriteError } from './usage-error.js';

/** A property, an element or an entry, with raw indices. */
export interface Place {
  readonly table: string;
  readonly key: Key;
  readonly field: string;
  readonly path: Path;
}

const inside = ({ table, key, field, path }: Place, element: string | number): Place => ({
  table,
  key,
  field,
  path: [...path, element],
});

/** The property that says in which partition an object is, in the classes that have it. */
export interface PartitionProperty {
  readonly name: string;
  /** The value of all objects here, as applications give it. */
  readonly value: unknown;
  /** Its name (`partitionName`). */
  readonly partition: string;
}

/** What is wrong with a link to an object that does not exist; null where nothing is. */
export type MissingTarget = LinkRules['linkProblem'];

export class Writer {
  readonly schema: Schema;
  readonly missingTarget: MissingTarget;
  /** Null where the transaction knows of none. */
  readonly partitionProperty: PartitionProperty | null;
  readonly instructions: Instruction[] = [];
  /** Why the transaction cannot be committed any more, whatever its body does. */
  failure: WriteError | null = null;
  private readonly before: State;
  private readonly draft: Draft;
  private readonly links = new LinkIndex();
  private readonly ingested: { readonly table: string; readonly key: Key }[] = [];
  private isOpen = true;

  constructor(
    state: State,
    schema: Schema,
    missingTarget: MissingTarget,
    partitionProperty: PartitionProperty | null,
  ) {
    this.before = state;
    this.partitionProperty = partitionProperty;
    this.schema = schema;
    this.missingTarget = missingTarget;
    this.draft = edit(state);
  }

  /** The state as it is now: a view that the next instruction changes. */
  get state(): State {
    return this.draft.state;
  }

  /** The state as it is now, for good. */
  freeze(): State {
    return this.instructions.length === 0 ? this.before : this.draft.finish();
  }

  /** Set members with equal ids are one. */
  memberId(value: Value): string {
    return this.draft.rules.memberId(value);
  }

  /** The state that is to be committed: asymmetric objects have left it, as they do on every device. */
  commit(): State {
    for (const { table, key } of this.ingested) this.draft.apply(eraseObject(table, key));
    return this.freeze();
  }

  /** From here on the transaction refuses to be used. */
  close(): void {
    this.isOpen = false;
  }

  /** Throws where the transaction has ended, or cannot be committed. */
  use(): void {
    if (!this.isOpen)
      throw new WriteError('ended', 'the transaction', 'a use after its end', 'uses during its body only');
    if (this.failure !== null) throw this.failure;
  }

  emit(instruction: Instruction): void {
    if (this.instructions.length >= limits.changesetInstructions)
      this.fail(
        'too-large',
        'the transaction',
        `more than ${limits.changesetInstructions} instructions`,
        'several transactions',
      );
    const error = this.draft.apply(instruction);
    if (error !== null) {
      const place = 'path' in instruction ? printPlace(instruction) : instruction.table;
      this.fail('schema-mismatch', place, error.message, 'data of the shape that the schema has');
    }
    this.instructions.push(instruction);
    this.links.note(instruction);
  }

  private fail(code: 'too-large' | 'schema-mismatch', place: string, found: string, expected: string): never {
    this.failure = new WriteError(code, place, found, expected);
    throw this.failure;
  }

  /** Creates the object, with the defaults of its class where nothing is given. */
  create(shape: ClassSchema, key: Key, given: ReadonlyMap<string, Input>): void {
    const { name: table } = shape;
    this.emit(createObject(table, key));
    if (shape.spec.type === 'topLevel' && shape.spec.asymmetric) this.ingested.push({ table, key });
    this.fill(shape, given, false, (field) => ({ table, key, field, path: [] }));
  }

  /** Takes the links to the object away, then the object. */
  erase(table: string, key: Key): void {
    for (const instruction of this.links.nullifications(this.state, table, key)) this.emit(instruction);
    this.emit(eraseObject(table, key));
  }

  /** Fills an object of the class that was made just now: what is given, else defaults. */
  private fill(
    shape: ClassSchema,
    given: ReadonlyMap<string, Input>,
    isDefault: boolean,
    placeOf: (name: string) => Place,
  ): void {
    for (const property of shape.properties) {
      const input = given.get(property.name);
      if (input !== undefined) this.property(placeOf(property.name), property, input, 0, isDefault);
      else if (property.default !== undefined && this.hasProperty(shape, property))
        this.property(placeOf(property.name), property, property.default, 0, true);
    }
  }

  /** The data may have lost a property that the schema still has, and then its default is not wanted. */
  private hasProperty({ name }: ClassSchema, property: Property): boolean {
    const table = findTable(this.state, name);
    return table !== undefined && findColumn(table, property.name) !== undefined;
  }

  /** Sets a whole property. `size` is that of the collection there, or 1 for an embedded object, else 0. */
  property(place: Place, property: Property, input: Input, size: number, isDefault: boolean): void {
    const { collection } = property.column;
    if (collection !== 'single' || input instanceof SetInput) {
      if (size > 0) this.clear(place, collection);
      this.contents(place, input, isDefault);
    } else if (!isDefault || input !== null || property.embedded === null) {
      // A default null would wipe an embedded object that somebody else creates in the same slot.
      this.slot(place, input, size > 0, isDefault, isDefault);
    }
  }

  /** Sets a dictionary entry; `isOccupied` where it holds an embedded object. Its update is never a default. */
  entry(place: Place, input: SlotInput, isOccupied: boolean, isDefault = false): void {
    this.slot(place, input, isOccupied, false, isDefault);
  }

  /** `isDefault` marks the update itself, `areFieldsDefault` what is inside. */
  private slot(
    place: Place,
    input: SlotInput,
    isOccupied: boolean,
    isDefault: boolean,
    areFieldsDefault: boolean,
  ): void {
    const { table, key, field, path } = place;
    if (input instanceof ObjectInput && isOccupied) this.emit(update(table, key, field, path, null));
    this.emit(update(table, key, field, path, payloadOf(input), isDefault));
    if (input instanceof ObjectInput) this.fields(place, input, areFieldsDefault);
    else if (isCollection(input)) this.refill(place, input, areFieldsDefault);
  }

  /** Replaces the element of a list of `size` at which `place` stands. */
  element(place: Place, input: SlotInput, size: number): void {
    const { table, key, field, path } = place;
    if (input instanceof ObjectInput) {
      this.emit(arrayErase(table, key, field, path, size));
      this.insertion(place, input, size - 1);
      return;
    }
    this.emit(updateElement(table, key, field, path, payloadOf(input), size));
    if (isCollection(input)) this.refill(place, input, false);
  }

  /** Inserts before the element of a list of `size` at which `place` stands. */
  insertion(place: Place, input: SlotInput, size: number, areFieldsDefault = false): void {
    const { table, key, field, path } = place;
    this.emit(arrayInsert(table, key, field, path, payloadOf(input), size));
    if (input instanceof ObjectInput) this.fields(place, input, areFieldsDefault);
    else if (isCollection(input)) this.contents(place, input, areFieldsDefault);
  }

  clear({ table, key, field, path }: Place, collection: CollectionType): void {
    this.emit(clear(table, key, field, path, collection));
  }

  private refill(place: Place, input: ListInput | DictionaryInput, areFieldsDefault: boolean): void {
    this.clear(place, input instanceof ListInput ? 'list' : 'dictionary');
    this.contents(place, input, areFieldsDefault);
  }

  /** Fills an empty collection. Elements and entries carry no mark of a default. */
  private contents(place: Place, input: Input, areFieldsDefault: boolean): void {
    if (input instanceof ListInput)
      for (let i = 0; i < input.items.length; i++)
        this.insertion(inside(place, i), input.items[i] as SlotInput, i, areFieldsDefault);
    else if (input instanceof DictionaryInput)
      for (const [key, entry] of input.entries)
        this.entry(inside(place, key), entry, false, areFieldsDefault);
    else if (input instanceof SetInput) {
      const ids = new Set<string>();
      for (const member of input.members) {
        const id = this.memberId(member);
        if (ids.has(id)) continue;
        ids.add(id);
        this.emit(setInsert(place.table, place.key, place.field, place.path, member));
      }
    }
  }

  private fields(place: Place, input: ObjectInput, isDefault: boolean): void {
    const shape = this.schema.byName.get(input.className);
    if (shape === undefined)
      throw new Error(`an input of a class that is not in the schema: ${input.className}`);
    this.fill(shape, input.given, isDefault, (name) => inside(place, name));
  }
}

const isCollection = (input: SlotInput): input is ListInput | DictionaryInput =>
  input instanceof ListInput || input instanceof DictionaryInput;

const payloadOf = (input: SlotInput): Payload => {
  if (input instanceof ObjectInput) return objectValue;
  if (input instanceof ListInput) return list;
  return input instanceof DictionaryInput ? dictionary : input;
};
