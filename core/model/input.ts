/**
 * What an application gives to be written, checked against its classes and turned into values of the
 * engine: the contents of a property, an element or an entry, however deep. `InputReader` makes them.
 */
import type { Path } from './instruction.js';
import type { Value } from './value.js';

/** An embedded object. Properties that are not given get the defaults of the class. */
export class ObjectInput {
  readonly className: string;
  readonly given: ReadonlyMap<string, Input>;

  constructor(className: string, given: ReadonlyMap<string, Input>) {
    this.className = className;
    this.given = given;
  }
}

export class ListInput {
  readonly items: readonly SlotInput[];

  constructor(items: readonly SlotInput[]) {
    this.items = items;
  }
}

export class SetInput {
  readonly members: readonly Value[];

  constructor(members: readonly Value[]) {
    this.members = members;
  }
}

export class DictionaryInput {
  readonly entries: ReadonlyMap<string, SlotInput>;

  constructor(entries: ReadonlyMap<string, SlotInput>) {
    this.entries = entries;
  }
}

/** What a single property, an element or an entry can get. */
export type SlotInput = Value | ObjectInput | ListInput | DictionaryInput;
/** What a property can get. */
export type Input = SlotInput | SetInput;

export type ProblemCode =
  | 'wrong-type'
  | 'null-not-allowed'
  | 'unknown-property'
  | 'unknown-class'
  | 'no-such-object'
  | 'too-deep';

export interface Problem {
  /** From the input down: names, keys and indices. */
  readonly path: Path;
  readonly code: ProblemCode;
  readonly found: string;
  readonly expected: string;
}
