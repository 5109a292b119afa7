/**
 * What compaction knows of one place in an object, and the rules by which a later write there makes an
 * earlier one superfluous.
 *
 * Compaction walks a history from its end to its beginning. At each place it remembers the nearest later
 * write that stays and that *absorbs*: one that does to every concurrent instruction all that an earlier
 * one would have done, and more. An earlier instruction that meets such an absorber may go, and no merge
 * with any device at any position can tell. An instruction that has to stay ends the reach of the
 * absorbers that it stands behind, and may become one itself. So at most one absorber is in force on any
 * path at a time.
 *
 * The rules, by the names of the reference (`spec/compaction.md` tells them with their reasons):
 *
 *     U    a resetting Update absorbs what was written to its place before, and everything inside
 *     C    a Clear absorbs everything inside its collection, and the operations on its set
 *     C2   a Clear absorbs an earlier Clear
 *     S    a set operation absorbs an earlier one on the same value
 *     AE   an ArrayErase absorbs what was written to its element and inside it
 *     E    an EraseObject absorbs all lives of its object so far
 *     E2   an EraseObject absorbs an earlier one
 *
 * Where a concurrent write would have been measured against the earlier instruction's time, the later one
 * must not be older (U at its place, C2, S, E2).
 *
 * Some rules are narrower here than in the reference. Two Updates that make collections of one kind in one
 * place both live, and whether such an Update still owns its place depends on what it has met inside
 * (`core/merge/shared.ts`): so nothing goes because a mixed value was overwritten by a plain one that has
 * made a collection there, emptied it or written into it, and no Clear because of a Clear of another kind.
 * And of NaNs no two insertions and no two erasures ever meet in the merge, so they absorb nothing.
 *
 * Source: merge-semantics, sections 6.6, 6.7 and 6.9.
 */
import type { ColumnLookup } from '../merge/rule.js';
import { samePayload } from '../merge/same-payload.js';
import { isOlder } from '../model/changeset.js';
import type { PathElement, PathInstruction } from '../model/instruction.js';
import { memberId } from '../model/member.js';
import type { CollectionType, ElementType } from '../model/schema.js';
import { isMarker, type Payload } from '../model/value.js';

/** When and where a changeset was made: what decides conflicts. */
export interface Stamp {
  readonly timestamp: number;
  readonly origin: number;
}

/** No absorber. */
export const NONE = 0;
/** An Update with a value that leaves nothing of what was there. */
export const RESET = 1;
/** A Clear. */
export const CLEAR = 2;
/** The erasure of the list element that this place is. */
export const ERASED = 3;
export type Absorber = typeof NONE | typeof RESET | typeof CLEAR | typeof ERASED;

const never: Stamp = { timestamp: 0, origin: 0 };

/** A property, a list element or a dictionary entry. */
export class Place {
  absorber: Absorber = NONE;
  /** Of the absorber. */
  stamp: Stamp = never;
  isDefault = false;
  /** The absorber wrote an integer or null, which lets additions live. */
  isAddable = false;
  /** What the absorbing Clear clears. */
  collection: CollectionType = 'single';
  /** Of the earliest later operation that stays, by member of a set. */
  members: Map<string, Stamp> | null = null;
  inside: Map<PathElement, Place> | null = null;

  become(absorber: Absorber, stamp: Stamp): void {
    this.absorber = absorber;
    this.stamp = stamp;
    this.members = null;
    this.inside = null;
  }

  at(element: PathElement): Place {
    this.inside ??= new Map();
    let place = this.inside.get(element);
    if (place === undefined) {
      place = new Place();
      this.inside.set(element, place);
    }
    return place;
  }
}

/** What is known of one object. */
export class ObjectTrack {
  /** The earliest later erasure that stays. */
  eraser: Stamp | null = null;
  /** By number of the property; numbers are the caller's. */
  places: (Place | undefined)[] = [];
}

/** Whether an EraseObject has to stay (rule E2). */
export const keepsErase = (track: ObjectTrack, stamp: Stamp): boolean => {
  if (track.eraser !== null && !isOlder(track.eraser, stamp)) return false;
  track.eraser = stamp;
  track.places = [];
  return true;
};

/** Whether a CreateObject has to stay (rule E). It begins a lifetime, behind which nothing later reaches. */
export const keepsCreate = (track: ObjectTrack): boolean => {
  if (track.eraser !== null) return false;
  track.places = [];
  return true;
};

/** Whether the value puts an end to all that was there, and does not merely make sure that something is there. */
export const isResetting = (value: Payload): boolean => !isMarker(value) || value.type === 'erased';

const makesCollection = (value: Payload): boolean =>
  isMarker(value) && (value.type === 'list' || value.type === 'dictionary');

const isAddable = (value: Payload): boolean => value === null || typeof value === 'bigint';

/**
 * Whether an instruction on `field`, which has the number `number`, has to stay. Must be asked from the last
 * instruction to the first. O(path).
 */
export const keepsPath = (
  track: ObjectTrack,
  number: number,
  instruction: PathInstruction,
  stamp: Stamp,
  columns: ColumnLookup,
): boolean => {
  if (track.eraser !== null) return false;
  let place = track.places[number];
  if (place === undefined) {
    place = new Place();
    track.places[number] = place;
  }
  const { path } = instruction;
  const onList =
    instruction.kind === 'ArrayInsert' ||
    instruction.kind === 'ArrayMove' ||
    instruction.kind === 'ArrayErase';
  const depth = onList ? path.length - 1 : path.length;
  for (let i = 0; i < path.length; i++) {
    if (place.absorber !== NONE) {
      if (absorbsInside(place, instruction, i, columns)) return false;
      place.absorber = NONE;
    }
    if (i < depth) place = place.at(path[i] as PathElement);
  }
  return keepsAt(place, instruction, stamp, columns);
};

/** Whether the absorber at `place`, which the first `depth` elements of the path lead to, takes what is inside. */
const absorbsInside = (
  place: Place,
  instruction: PathInstruction,
  depth: number,
  columns: ColumnLookup,
): boolean => {
  const next = instruction.path[depth];
  switch (place.absorber) {
    case RESET: {
      // What held a list and could be overwritten is a mixed value.
      if (typeof next === 'number') return false;
      const slot = slotOf(instruction, depth, columns);
      return slot !== null && slot.type !== 'mixed';
    }
    case CLEAR:
      return place.collection === 'single' || (place.collection === 'list') === (typeof next === 'number');
    default:
      return true;
  }
};

/** `place` is the instruction's own, or the list that an array instruction works on. */
const keepsAt = (
  place: Place,
  instruction: PathInstruction,
  stamp: Stamp,
  columns: ColumnLookup,
): boolean => {
  switch (instruction.kind) {
    case 'Update': {
      const { value, isDefault } = instruction;
      const addable = isAddable(value);
      if (place.absorber === ERASED) return false;
      if (
        place.absorber === RESET &&
        !isOlder(place.stamp, stamp) &&
        !makesCollection(value) &&
        (isDefault || !place.isDefault) &&
        (addable || !place.isAddable || !mayBeAddedTo(instruction, columns))
      )
        return false;
      place.become(isResetting(value) ? RESET : NONE, stamp);
      place.isDefault = isDefault;
      place.isAddable = addable;
      return true;
    }
    case 'AddInteger':
      if (place.absorber === RESET && !isOlder(place.stamp, stamp) && !place.isDefault) return false;
      place.become(NONE, stamp);
      return true;
    case 'Clear':
      if (place.absorber === ERASED) return false;
      if (
        place.absorber === CLEAR &&
        !isOlder(place.stamp, stamp) &&
        place.collection === instruction.collection
      )
        return false;
      place.become(CLEAR, stamp);
      place.collection = instruction.collection;
      return true;
    case 'SetInsert':
    case 'SetErase':
      return place.absorber !== CLEAR && keepsMember(place, instruction.value, stamp);
    case 'ArrayErase':
      place.inside = null;
      place.at(instruction.path[instruction.path.length - 1] as number).become(ERASED, stamp);
      return true;
    default:
      place.inside = null;
      return true;
  }
};

const keepsMember = (place: Place, value: Payload, stamp: Stamp): boolean => {
  if (isMarker(value)) return true;
  place.members ??= new Map();
  const id = memberId(value);
  const later = place.members.get(id);
  if (later !== undefined && !isOlder(later, stamp) && samePayload(value, value)) return false;
  place.members.set(id, stamp);
  return true;
};

interface Slot {
  readonly type: ElementType;
  readonly isProperty: boolean;
}

/** What the schema says of the slot that the first `depth` elements of the path lead to; null where it is not known. */
const slotOf = (instruction: PathInstruction, depth: number, columns: ColumnLookup): Slot | null => {
  const { path } = instruction;
  let column = columns(instruction.table, instruction.field);
  // Whether the path so far leads to a whole collection, whose elements come next.
  let isCollection = column !== null && column.collection !== 'single';
  let isProperty = true;
  for (let i = 0; i < depth; i++) {
    if (column === null) return null;
    if (isCollection) {
      isCollection = false;
      isProperty = false;
    } else if (column.type === 'mixed') isProperty = false;
    else {
      const element = path[i];
      if (column.target === null || typeof element !== 'string') return null;
      column = columns(column.target, element);
      isCollection = column !== null && column.collection !== 'single';
      isProperty = true;
    }
  }
  return column === null ? null : { type: column.type, isProperty };
};

/** Whether an AddInteger could be made at the instruction's place while it holds something else than an integer. */
const mayBeAddedTo = (instruction: PathInstruction, columns: ColumnLookup): boolean => {
  const { path } = instruction;
  if (typeof path[path.length - 1] === 'number') return false;
  const slot = slotOf(instruction, path.length, columns);
  return slot === null || (slot.isProperty && slot.type === 'mixed');
};
