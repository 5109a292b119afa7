/**
 * The merge pair by pair, in the order of its definition: each instruction of the left over all of the right
 * that it may meet.
 *
 * This is the way of merges that the index is not for:
 *
 * - where somebody listens, since decisions are told in the order in which they are taken. On a list there
 *   are as many of them as pairs: every insertion moves what the other side does behind it;
 * - where the schema is erased, since that meets everything and puts instructions in front of others;
 * - where a rule reports a problem, so that it is the first one that is found, whatever order the index goes
 *   in.
 *
 * Source: merge-semantics, section 5.3.
 */
import { type Changeset, isOlder } from '../model/changeset.js';
import type { Instruction } from '../model/instruction.js';
import { mergePair } from './merge-pair.js';
import { type Fate, type Outcome, unchanged } from './outcome.js';
import { type Party, type Recorder, report } from './recorder.js';
import type { Context, RuleSet } from './rule.js';
import { type ErrorSide, type TransformError, transformError } from './transform-error.js';

/** An instruction on its way through the merge; null once it is discarded. */
interface Traveller {
  instruction: Instruction | null;
  /** Position of its changeset among those of its side. */
  readonly index: number;
  /** A number for its object; 0 for an instruction on the schema. */
  readonly object: number;
}

type Side = 'left' | 'right';

export class PairwiseMerge {
  problem: TransformError | null = null;
  private readonly left: Traveller[];
  private readonly right: Traveller[];
  private readonly lefts: readonly Changeset[];
  private readonly rights: readonly Changeset[];
  private readonly rules: RuleSet;
  private readonly context: Context;
  private readonly recorder: Recorder | undefined;
  private readonly objects = new Objects();

  constructor(
    lefts: readonly Changeset[],
    rights: readonly Changeset[],
    rules: RuleSet,
    context: Context,
    recorder: Recorder | undefined,
  ) {
    this.lefts = lefts;
    this.rights = rights;
    this.left = this.travellers(lefts);
    this.right = this.travellers(rights);
    this.rules = rules;
    this.context = context;
    this.recorder = recorder;
  }

  /** Stops at the first problem, with `problem` set. */
  run(): void {
    const partners = erasesSchema(this.lefts) || erasesSchema(this.rights) ? null : new Partners(this.right);
    // What rules put in front of a left instruction is carried at once, so the walk goes over a copy.
    for (const traveller of this.left.slice()) {
      const instruction = traveller.instruction as Instruction;
      this.carry(traveller, partners === null ? this.right : partners.of(instruction), 0);
      if (this.problem !== null) return;
    }
  }

  private traveller(instruction: Instruction, index: number): Traveller {
    return { instruction, index, object: this.objects.numberOf(instruction) };
  }

  private travellers(changesets: readonly Changeset[]): Traveller[] {
    return changesets.flatMap(({ instructions }, index) =>
      instructions.map((instruction) => this.traveller(instruction, index)),
    );
  }

  /** Both sides as they are now. */
  result(): { readonly left: readonly Changeset[]; readonly right: readonly Changeset[] } {
    return { left: rebuilt(this.lefts, this.left), right: rebuilt(this.rights, this.right) };
  }

  /** Carries one left instruction over `partners`, from position `from`. */
  private carry(traveller: Traveller, partners: Traveller[], from: number): void {
    let gone = 0;
    for (let j = from; j < partners.length; j++) {
      const partner = partners[j] as Traveller;
      const left = traveller.instruction;
      const right = partner.instruction;
      if (left === null || this.problem !== null) break;
      if (right === null) {
        gone++;
        continue;
      }
      // What is on different objects never meets, and neither do two additions.
      if (traveller.object !== partner.object && traveller.object !== 0 && partner.object !== 0) continue;
      if (left.kind === 'AddInteger' && right.kind === 'AddInteger') continue;
      const leftChangeset = this.lefts[traveller.index] as Changeset;
      const rightChangeset = this.rights[partner.index] as Changeset;
      const leftIsNewer = !isOlder(leftChangeset, rightChangeset);
      const outcome = mergePair(left, right, leftIsNewer, this.rules, this.context);
      if (outcome === unchanged) continue;
      this.settle(outcome, traveller, partner, left, right);
      const { beforeFirst, beforeSecond } = outcome;
      if (beforeSecond !== null) {
        // What is being carried has its part of the rule already, and meets neither of the two again.
        partners.splice(j, 0, this.traveller(beforeSecond, partner.index));
        j++;
      }
      if (beforeFirst !== null) {
        // It has to pass what comes behind the instruction that caused it.
        const front = this.traveller(beforeFirst, traveller.index);
        this.left.splice(this.left.indexOf(traveller), 0, front);
        this.carry(front, partners, j + 1);
      }
    }
    // What is discarded is met no more, except that the whole right side keeps its places.
    if (partners !== this.right && 2 * gone > partners.length) dropDiscarded(partners);
  }

  private settle(
    outcome: Outcome,
    traveller: Traveller,
    partner: Traveller,
    left: Instruction,
    right: Instruction,
  ): void {
    if (outcome.problem !== null) {
      const theirs = this.party('right', partner, right);
      this.problem = transformError(outcome.problem, this.party('left', traveller, left), theirs);
      return;
    }
    if (this.recorder !== undefined) {
      const theirs = this.party('right', partner, right);
      report(this.recorder, outcome, this.party('left', traveller, left), theirs);
    }
    traveller.instruction = after(left, outcome.first);
    partner.instruction = after(right, outcome.second);
  }

  private party(side: Side, { index }: Traveller, instruction: Instruction): ErrorSide & Party {
    const changesets = side === 'left' ? this.lefts : this.rights;
    return { side, index, changeset: changesets[index] as Changeset, instruction };
  }
}

const after = (instruction: Instruction, fate: Fate): Instruction | null =>
  fate === 'stays' ? instruction : fate === 'goes' ? null : fate;

const dropDiscarded = (partners: Traveller[]): void => {
  let kept = 0;
  for (const partner of partners) if (partner.instruction !== null) partners[kept++] = partner;
  partners.length = kept;
};

const erasesSchema = (changesets: readonly Changeset[]): boolean =>
  changesets.some(({ instructions }) =>
    instructions.some(({ kind }) => kind === 'EraseTable' || kind === 'EraseColumn'),
  );

/** Numbers for objects, from 1. */
class Objects {
  private readonly classes = new Map<string, Map<string, number>>();
  private count = 0;

  numberOf(instruction: Instruction): number {
    if (!('object' in instruction)) return 0;
    const { table, object } = instruction;
    let objects = this.classes.get(table);
    if (objects === undefined) {
      objects = new Map();
      this.classes.set(table, objects);
    }
    let number = objects.get(object);
    if (number === undefined) {
      number = ++this.count;
      objects.set(object, number);
    }
    return number;
  }
}

/** What a side does to one object. */
interface OnObject {
  readonly all: Traveller[];
  /** Creations and erasures. */
  readonly whole: Traveller[];
  /** By property, together with creations and erasures. */
  readonly fields: Map<string, Traveller[]>;
}

/**
 * The right instructions that a left one can meet, in order: those on the same property of the same object,
 * with those that create or erase the object; or those that add to the schema of the same class.
 */
class Partners {
  private readonly classes = new Map<string, Map<string, OnObject>>();

  constructor(right: readonly Traveller[]) {
    for (const traveller of right) {
      const instruction = traveller.instruction as Instruction;
      const { all, whole, fields } = this.objectOf(instruction);
      all.push(traveller);
      if ('path' in instruction) {
        const field = fields.get(instruction.field);
        if (field === undefined) fields.set(instruction.field, [...whole, traveller]);
        else field.push(traveller);
      } else {
        whole.push(traveller);
        for (const field of fields.values()) field.push(traveller);
      }
    }
  }

  of(instruction: Instruction): Traveller[] {
    const { all, whole, fields } = this.objectOf(instruction);
    return 'path' in instruction ? (fields.get(instruction.field) ?? whole) : all;
  }

  private objectOf(instruction: Instruction): OnObject {
    let objects = this.classes.get(instruction.table);
    if (objects === undefined) {
      objects = new Map();
      this.classes.set(instruction.table, objects);
    }
    // Keys of objects are never empty.
    const key = 'object' in instruction ? instruction.object : '';
    let found = objects.get(key);
    if (found === undefined) {
      found = { all: [], whole: [], fields: new Map() };
      objects.set(key, found);
    }
    return found;
  }
}

/** The changesets with what has become of their instructions; the same reference where nothing did. */
const rebuilt = (changesets: readonly Changeset[], side: readonly Traveller[]): readonly Changeset[] => {
  const contents: Instruction[][] = changesets.map(() => []);
  for (const { instruction, index } of side)
    if (instruction !== null) (contents[index] as Instruction[]).push(instruction);
  let changed = false;
  const result = changesets.map((changeset, index) => {
    const instructions = contents[index] as Instruction[];
    const same =
      instructions.length === changeset.instructions.length &&
      instructions.every((instruction, i) => instruction === changeset.instructions[i]);
    if (same) return changeset;
    changed = true;
    return { ...changeset, instructions };
  });
  return changed ? result : changesets;
};
