/**
 * What compaction knows of plain objects: those with nothing but plain properties. Of each property it is
 * enough to know the last write that stays, and of the object the earliest later erasure that does. The rules
 * are those of `compact-place.ts`, U, E and E2, on a few numbers for each object.
 */
import type { ColumnLookup } from '../merge/rule.js';
import * as format from '../model/codec-format.js';
import type { Numbers } from './compact-numbers.js';
import { ObjectTrack, Place, RESET, type Stamp } from './compact-place.js';

// A module's own constants cost nothing, whereas imported ones are looked up whenever they are used.
const { TAG_INT, TAG_MASK, TAG_NULL } = format;

/** What kind of value a write has: it is a default; additions may be made to it. */
const IS_DEFAULT = 1;
const IS_ADDABLE = 2;
const FLAGS = IS_DEFAULT | IS_ADDABLE;
/** The part plus 1 of a write stands in the higher bits. */
const SHIFT = 2;

/** Properties have smaller numbers than this in their class; what writes to others makes its object not plain. */
export const MOST_PLACES = 63;

/** What `keepsUpdate` has to know of a value: whether it is an integer or null, and whether a default. */
export const flagsOf = (isAddable: boolean, isDefault: boolean): number =>
  (isAddable ? IS_ADDABLE : 0) | (isDefault ? IS_DEFAULT : 0);

/** The same of the head of an encoded value: its tag, and above it whether it is a default. */
export const flagsOfHead = (head: number): number => {
  const tag = head & TAG_MASK;
  return flagsOf(tag === TAG_NULL || tag === TAG_INT, head > TAG_MASK);
};

/** What has to be known of the parts of a history, by their numbers. */
export abstract class PartStamps {
  protected readonly timestamps: number[];
  protected readonly origins: number[];

  constructor(timestamps: number[], origins: number[]) {
    this.timestamps = timestamps;
    this.origins = origins;
  }

  /** No part so far is older than one before it. */
  abstract readonly isOrdered: boolean;

  isNotOlder(later: number, part: number): boolean {
    const a = this.timestamps[later] as number;
    const b = this.timestamps[part] as number;
    return a > b || (a === b && (this.origins[later] as number) >= (this.origins[part] as number));
  }

  stampOf(part: number): Stamp {
    return { timestamp: this.timestamps[part] as number, origin: this.origins[part] as number };
  }
}

/** To be asked from the last instruction to the first. */
export class PlainWrites {
  private readonly order: PartStamps;
  private readonly numbers: Numbers;
  private readonly columns: ColumnLookup;
  /**
   * Rows of `stride` numbers, one for each object: the part plus 1 of the earliest erasure that stays, then for
   * each property its last write that stays. They stand together because they are needed together.
   */
  private stride = 8;
  private known = new Int32Array(1024);

  constructor(order: PartStamps, numbers: Numbers, columns: ColumnLookup) {
    this.order = order;
    this.numbers = numbers;
    this.columns = columns;
  }

  /** Whether the Update stays; `has`: what `flagsOf` says of what it writes. */
  keepsUpdate(object: number, field: number, has: number, part: number): boolean {
    const place = this.numbers.fieldPlaces[field] as number;
    if (place + 1 >= this.stride) this.widen();
    const row = object * this.stride;
    if (row >= this.known.length) this.lengthen(row);
    const { known, order } = this;
    if (known[row] !== 0) return false;
    const write = known[row + place + 1] as number;
    if (write !== 0) {
      // Neither a value goes for a default, nor what stops additions for what lets them live.
      const more = write & FLAGS & ~has;
      const may = more === 0 || this.mayOverwrite(field, more);
      if (may && (order.isOrdered || order.isNotOlder((write >> SHIFT) - 1, part))) return false;
    }
    known[row + place + 1] = ((part + 1) << SHIFT) | has;
    return true;
  }

  keepsCreate(object: number): boolean {
    const row = object * this.stride;
    if (row >= this.known.length) this.lengthen(row);
    if (this.known[row] !== 0) return false;
    this.known.fill(0, row, row + this.stride);
    return true;
  }

  keepsErase(object: number, part: number): boolean {
    const row = object * this.stride;
    if (row >= this.known.length) this.lengthen(row);
    const eraser = this.known[row] as number;
    if (eraser !== 0 && this.order.isNotOlder(eraser - 1, part)) return false;
    this.known.fill(0, row, row + this.stride);
    this.known[row] = part + 1;
    return true;
  }

  /** The same in the form for objects that are not plain. */
  track(object: number): ObjectTrack {
    const { known, order } = this;
    const track = new ObjectTrack();
    const row = object * this.stride;
    const eraser = known[row] ?? 0;
    if (eraser !== 0) track.eraser = order.stampOf(eraser - 1);
    for (let place = 0; place < this.stride - 1; place++) {
      const write = known[row + place + 1] ?? 0;
      if (write === 0) continue;
      const written = new Place();
      written.become(RESET, order.stampOf((write >> SHIFT) - 1));
      written.isDefault = (write & IS_DEFAULT) !== 0;
      written.isAddable = (write & IS_ADDABLE) !== 0;
      track.places[place] = written;
    }
    return track;
  }

  private mayOverwrite(field: number, more: number): boolean {
    if ((more & IS_DEFAULT) !== 0) return false;
    const { fieldTables, fieldNames } = this.numbers;
    const column = this.columns(fieldTables[field] as string, fieldNames[field] as string);
    return column !== null && column.type !== 'mixed';
  }

  private lengthen(row: number): void {
    const known = new Int32Array(2 * (row + this.stride));
    known.set(this.known);
    this.known = known;
  }

  private widen(): void {
    const { stride, known } = this;
    const rows = Math.ceil(known.length / stride);
    this.stride = MOST_PLACES + 1;
    this.known = new Int32Array(rows * this.stride);
    for (let row = 0; row < rows; row++)
      this.known.set(known.subarray(row * stride, (row + 1) * stride), row * this.stride);
  }
}
