/**
 * Application: what an instruction does to a state.
 *
 * `edit` opens a draft on a state; the draft applies instructions one by one, changing in place what it
 * has already copied, and can be read in the middle. `finish` answers the new state; the old one is as it
 * was, and a draft that is dropped is a rollback.
 *
 * Application is total: an instruction either takes effect, or answers a typed error and has no effect
 * at all. It never forgives: what a merge should have removed is an error here.
 *
 * Cost: one hash lookup for each change of object, and work in proportion to the path; a list that the
 * draft touches first is copied once, and inserting in its middle moves what follows.
 *
 * Source: merge-semantics, sections 2.2 and 2.3.
 */
import * as E from 'fp-ts/lib/Either.js';
import { limits } from '../base/limits.js';
import { get, newOwner, type Owner, remove, set } from '../base/trie.js';
import {
  applyArrayErase,
  applyArrayInsert,
  applyArrayMove,
  applyClear,
  applySetErase,
  applySetInsert,
} from './apply-collection.js';
import { type ApplyError, applyError, type Failure, failure } from './apply-error.js';
import { type ApplyRules, synclineApplyRules } from './apply-rules.js';
import { applyAddColumn, applyAddTable, applyEraseColumn, applyEraseTable } from './apply-schema.js';
import { applyAddInteger, applyUpdate } from './apply-value.js';
import { Cursor, ownObject } from './cursor.js';
import type { Edit, EditState } from './edit.js';
import { keyFits } from './fits.js';
import type { CreateObject, EraseObject, Instruction, PathInstruction } from './instruction.js';
import type { Key } from './key.js';
import { ObjectNode, type State, Table } from './state.js';

export type { ApplyError, Reason } from './apply-error.js';

export class Draft implements Edit {
  readonly rules: ApplyRules;
  readonly cursor = new Cursor();
  /** @internal */
  owner: Owner;
  private draft: EditState;
  private base: State;
  private applied = 0;
  // The last class and object that instructions named, owned by this edit: changesets name them in runs.
  private table: Table | null = null;
  private object: ObjectNode | null = null;
  private key: Key | null = null;

  constructor(state: State, rules: ApplyRules) {
    this.base = state;
    this.rules = rules;
    this.draft = { tables: state.tables, era: state.era };
    this.owner = newOwner();
    this.cursor.owner = this.owner;
  }

  /** The state as it is now. A view for reading: the next `apply` changes it. */
  get state(): EditState {
    return this.draft;
  }

  /** Null where the instruction took effect; an error where it could not, and had no effect. */
  apply(instruction: Instruction): ApplyError | null {
    const failed = this.perform(instruction);
    if (failed !== null) return applyError(failed, instruction, this.applied);
    this.applied++;
    return null;
  }

  /** The state with everything applied so far, for good. The draft goes on from there. */
  finish(): State {
    const { tables, era } = this.draft;
    if (tables !== this.base.tables || era !== this.base.era) this.base = { tables, era };
    this.draft = { tables, era };
    this.owner = newOwner();
    this.cursor.owner = this.owner;
    this.forget();
    return this.base;
  }

  private forget(): void {
    this.table = null;
    this.object = null;
    this.key = null;
  }

  private perform(instruction: Instruction): Failure | null {
    switch (instruction.kind) {
      case 'Update':
        return this.walk(instruction, instruction.path.length) ?? applyUpdate(this, instruction);
      case 'AddInteger':
        return this.walk(instruction, instruction.path.length) ?? applyAddInteger(this, instruction);
      case 'ArrayInsert':
        return this.walk(instruction, instruction.path.length - 1) ?? applyArrayInsert(this, instruction);
      case 'ArrayMove':
        return this.walk(instruction, instruction.path.length - 1) ?? applyArrayMove(this, instruction);
      case 'ArrayErase':
        return this.walk(instruction, instruction.path.length - 1) ?? applyArrayErase(this, instruction);
      case 'Clear':
        return this.walk(instruction, instruction.path.length) ?? applyClear(this, instruction);
      case 'SetInsert':
        return this.walk(instruction, instruction.path.length) ?? applySetInsert(this, instruction);
      case 'SetErase':
        return this.walk(instruction, instruction.path.length) ?? applySetErase(this, instruction);
      case 'CreateObject':
        return this.createObject(instruction);
      case 'EraseObject':
        return this.eraseObject(instruction);
      case 'AddTable':
        this.forget();
        return applyAddTable(this, instruction);
      case 'EraseTable':
        this.forget();
        return applyEraseTable(this, instruction);
      case 'AddColumn':
        this.forget();
        return applyAddColumn(this, instruction);
      case 'EraseColumn':
        this.forget();
        return applyEraseColumn(this, instruction);
    }
  }

  /** Brings the cursor to the first `length` elements of the instruction's path. */
  private walk({ table, object, field, path }: PathInstruction, length: number): Failure | null {
    const failed = this.open(table, object);
    if (failed !== null) return failed;
    if (path.length > limits.pathElements)
      return failure(
        'path-too-long',
        `found ${path.length} path elements, expected at most ${limits.pathElements}`,
      );
    const at = this.cursor.enter(this.object as ObjectNode, this.table as Table, field);
    if (at !== null) return at;
    for (let i = 0; i < length; i++) {
      const stuck = this.cursor.step(this.draft, path[i] as number | string);
      if (stuck !== null) return stuck;
    }
    return null;
  }

  /** Makes the class the current one, without owning it. */
  private find(name: string): Table | undefined {
    return this.table !== null && this.table.name === name ? this.table : get(this.draft.tables, name);
  }

  private own(table: Table): Table {
    if (table.owner === this.owner) {
      this.table = table;
      return table;
    }
    const { name, spec, columns, byName, slots, objects } = table;
    const own = new Table(this.owner, name, spec, columns, byName, slots, objects);
    this.draft.tables = set(this.draft.tables, name, own, this.owner);
    this.table = own;
    return own;
  }

  /** Makes the object the current one, ready to be changed. */
  private open(name: string, key: Key): Failure | null {
    if (this.object !== null && this.key === key && this.table?.name === name) {
      this.object.digest = null;
      return null;
    }
    const found = this.find(name);
    if (found === undefined) return noTable(name);
    const object = get(found.objects, key);
    if (object === undefined)
      return keyFits(found.spec, key) ?? failure('no-such-object', 'there is no such object');
    const table = this.own(found);
    const own = ownObject(object, this.owner);
    if (own !== object) table.objects = set(table.objects, key, own, this.owner);
    this.object = own;
    this.key = key;
    return null;
  }

  private createObject({ table: name, object: key }: CreateObject): Failure | null {
    const found = this.find(name);
    if (found === undefined) return noTable(name);
    const unfit = keyFits(found.spec, key);
    if (unfit !== null) return unfit;
    if (get(found.objects, key) !== undefined) return null;
    const table = this.own(found);
    const object = new ObjectNode(this.owner, []);
    table.objects = set(table.objects, key, object, this.owner);
    this.object = object;
    this.key = key;
    return null;
  }

  private eraseObject({ table: name, object: key }: EraseObject): Failure | null {
    const found = this.find(name);
    if (found === undefined) return noTable(name);
    const unfit = keyFits(found.spec, key);
    if (unfit !== null) return unfit;
    if (get(found.objects, key) === undefined) return null;
    const table = this.own(found);
    table.objects = remove(table.objects, key, this.owner);
    this.object = null;
    this.key = null;
    return null;
  }
}

const noTable = (name: string): Failure => failure('no-such-table', `there is no class ${name}`);

/** Opens a draft on `state`. */
export const edit = (state: State, rules: ApplyRules = synclineApplyRules): Draft => new Draft(state, rules);

export const apply = (
  state: State,
  instruction: Instruction,
  rules: ApplyRules = synclineApplyRules,
): E.Either<ApplyError, State> => applyAll(state, [instruction], rules);

/** All of them or none: the error is that of the first instruction that cannot be applied. */
export const applyAll = (
  state: State,
  instructions: Iterable<Instruction>,
  rules: ApplyRules = synclineApplyRules,
): E.Either<ApplyError, State> => {
  const draft = edit(state, rules);
  for (const instruction of instructions) {
    const error = draft.apply(instruction);
    if (error !== null) return E.left(error);
  }
  return E.right(draft.finish());
};
