/**
 * Recovery: carrying the unsynced writes of a file over to a fresh state of the server, to which there is no
 * history.
 *
 * The history is replaced by the difference of two states: what the server had when it was heard last (the
 * file's base), and what it has now. That difference is a changeset like any other, and the writes are merged
 * with it by the rules of the merge. So recovery is element by element, in lists too; an unchanged server
 * leaves every write as it is; and what the server has erased stays erased. The difference counts as older than
 * every write, so that the writes of this device win, as the reference's recovery has it, except that of two
 * insertions at one place of a list this device's comes first.
 *
 * Every instruction is merged on its own, so that its fate is known. Only objects that are written to are
 * compared for that. The states themselves are compared to make the new base out of the old one: what has not
 * changed is shared, so that telling the app what has is cheap.
 *
 * A write that the server has refused cannot be merged: it is set aside, and what was written after it is
 * merged with the difference between the state that it was made for and what has been recovered so far.
 *
 * Everything is a generator that yields now and then, so that whoever runs it can let others get on: all cost
 * lies before the switch. Laws: the state is that of `base`, then the `writes`; with `fresh` equal to the old
 * base the writes are what they were; every instruction is in the report once.
 *
 * Source: client-reset, sections 6 and 7; merge-semantics, section 7.6.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { LocalWrite } from '../history/client-file.js';
import { withoutIngested } from '../history/ingested.js';
import { columnsOf } from '../merge/column-lookup.js';
import type { Decision } from '../merge/recorder.js';
import type { RuleSet } from '../merge/rule.js';
import { transform } from '../merge/transform.js';
import { type Draft, edit } from '../model/apply.js';
import type { Changeset } from '../model/changeset.js';
import type { Instruction } from '../model/instruction.js';
import type { Key } from '../model/key.js';
import type { State } from '../model/state.js';
import { fatesOf } from './fate.js';
import { withBrokenLinks, withFittingLink } from './link-fit.js';
import { type InstructionReport, type Outcome, parked, recovered, type WriteReport } from './report.js';
import { SchemaDifference } from './schema-difference.js';
import { schemaMisfit } from './schema-fit.js';
import { differingObjects, objectDifference } from './state-difference.js';

export interface RecoveryInput {
  /** What the server had, and what it has now. */
  readonly base: State;
  readonly fresh: State;
  /** The device's state: `base` and all its writes. */
  readonly state: State;
  readonly ident: number;
  readonly rules: RuleSet;
  /** The writes that the server has refused, and why; null for none. */
  readonly rejected: { readonly versions: readonly number[]; readonly reason: string } | null;
}

/** What is left of a write: to be uploaded again, with its version and time. Never empty. */
export interface RecoveredWrite {
  readonly version: number;
  readonly timestamp: number;
  readonly instructions: readonly Instruction[];
}

export interface Recovered {
  /** The fresh state; shares with the old base what did not change. */
  readonly base: State;
  readonly state: State;
  readonly writes: readonly RecoveredWrite[];
  readonly report: readonly WriteReport[];
}

/** Nothing yields for longer than it takes to merge so many instructions. */
const SLICE = 64;

/** Pairs of instructions on one object that are compared for the sake of the reason. */
const PAIRS = 100_000;

/** Older than anything that a device has written, and newer. */
const EARLY = -1;
const LATE = Number.MAX_SAFE_INTEGER;
const SERVER = 1;

interface Gap {
  early: Instruction[];
  late: Instruction[];
}

/** One instruction on its way. */
interface Passage {
  readonly instruction: Instruction;
  /** What it is merged as: itself, or without a link that has no class. */
  readonly given: Instruction;
  outcome: Outcome | null;
  result: readonly Instruction[];
}

const isErasureOfSchema = ({ kind }: Instruction): boolean => kind === 'EraseTable' || kind === 'EraseColumn';
const isSchema = (instruction: Instruction): boolean => !('object' in instruction);

const objectId = (table: string, key: Key): string => `${table.length}:${table}${key}`;

export class Recovery {
  readonly #input: RecoveryInput;
  #schemas: SchemaDifference;
  /** What the server has, out of what it had. */
  #base: State | null = null;
  #draft: Draft | null = null;
  /** What the writes so far were made for; null until a refused write asks for it. */
  #local: Draft | null = null;
  #gaps = new Map<string, Gap>();
  readonly #writes: RecoveredWrite[] = [];
  readonly #reports: WriteReport[] = [];
  #through = 0;
  readonly #refused: ReadonlySet<number>;
  /** Objects that may read differently afterwards; null where that may be all. */
  #touched: Map<string, Set<Key>> | null = new Map();

  constructor(input: RecoveryInput) {
    this.#input = input;
    this.#refused = new Set(input.rejected?.versions);
    this.#schemas = new SchemaDifference(input.base, input.fresh);
  }

  /** Compares the states. To be run to its end before `carry`. `integratedWrites` are part of `fresh`. */
  *compare(integratedWrites: readonly LocalWrite[]): Generator<undefined, void, undefined> {
    const { base, fresh } = this.#input;
    let from = base;
    if (integratedWrites.length > 0) {
      const draft = edit(base);
      for (const { current } of integratedWrites)
        for (const instruction of current.instructions) draft.apply(instruction);
      from = withoutIngested(draft.finish());
      this.#schemas = new SchemaDifference(from, fresh);
    }
    if (this.#schemas.isDestructive) {
      this.#base = fresh;
      this.#touched = null;
    } else {
      const differing = yield* differingObjects(this.#schemas);
      const draft = edit(from);
      for (const instruction of this.#schemas.additions) draft.apply(instruction);
      let count = 0;
      for (const { table, key } of differing) {
        this.#touch(table, key);
        const { early, late } = objectDifference(this.#schemas, table, key);
        for (const instruction of early) draft.apply(instruction);
        for (const instruction of late) draft.apply(instruction);
        count += early.length + late.length + 1;
        if (count > SLICE) {
          count = 0;
          yield;
        }
      }
      this.#base = draft.finish();
    }
    this.#draft = edit(this.#base);
    if (this.#input.rejected !== null) this.#local = edit(from);
  }

  /** Carries writes over, in their order: those above all that were carried before. */
  *carry(writes: readonly LocalWrite[]): Generator<undefined, void, undefined> {
    let slice: LocalWrite[] = [];
    let size = 0;
    // The erasure of a class or property meets what was written to any object: all is merged at once then.
    const isWhole = writes.some(({ current }) => current.instructions.some(isErasureOfSchema));
    for (const write of writes) {
      if (this.#refused.has(write.version)) {
        this.#pass(slice);
        slice = [];
        size = 0;
        this.#setAside(write);
        continue;
      }
      slice.push(write);
      size += write.current.instructions.length;
      if (size < SLICE || isWhole) continue;
      this.#pass(slice);
      slice = [];
      size = 0;
      yield;
    }
    this.#pass(slice);
  }

  /** What is left of the writes so far; grows with `carry`. */
  get writes(): readonly RecoveredWrite[] {
    return this.#writes;
  }

  /**
   * The objects, by class, that may read differently before and after the reset; null where all may.
   */
  get touched(): ReadonlyMap<string, ReadonlySet<Key>> | null {
    return this.#touched;
  }

  /** The last write that was carried over, or not; 0 for none. */
  get through(): number {
    return this.#through;
  }

  /** What has become of everything that was carried so far. */
  finish(): Recovered {
    const draft = this.#draft;
    if (draft === null || this.#base === null)
      throw new Error('bug: finished before the states were compared');
    const state = withoutIngested(draft.finish());
    const report = this.#reports.map((write) => withBrokenLinks(write, this.#input.state, state));
    return { base: this.#base, state, writes: this.#writes.slice(), report };
  }

  #touch(table: string, key: Key): void {
    const keys = this.#touched?.get(table);
    if (keys === undefined) this.#touched?.set(table, new Set([key]));
    else keys.add(key);
  }

  /** Where anything but an object changes, all may. */
  #touchAll({ current }: LocalWrite): void {
    for (const instruction of current.instructions)
      if ('object' in instruction) this.#touch(instruction.table, instruction.object);
      else if (isErasureOfSchema(instruction)) this.#touched = null;
  }

  #pass(writes: readonly LocalWrite[]): void {
    if (writes.length === 0) return;
    const isWhole = writes.some(({ current }) => current.instructions.some(isErasureOfSchema));
    const byWrite = writes.map(({ current }) =>
      current.instructions.map((instruction) => this.#entering(instruction, isWhole)),
    );
    const passages = byWrite.flat();
    this.#merge(passages.filter(({ outcome }) => outcome === null));
    this.#apply(passages.filter(({ given, outcome }) => isWhole || !isSchema(given) || outcome === null));
    writes.forEach((write, at) => {
      this.#touchAll(write);
      if (this.#local !== null)
        for (const instruction of write.current.instructions) this.#local.apply(instruction);
      this.#conclude(write, byWrite[at] as readonly Passage[]);
    });
  }

  /** Looks whether there is a place for an instruction at all. */
  #entering(instruction: Instruction, isWhole: boolean): Passage {
    const fresh = (this.#draft as Draft).state;
    if (isWhole) return { instruction, given: instruction, outcome: null, result: [] };
    // What is added to the schema must be there for what is written into it.
    if (isSchema(instruction)) {
      const passage: Passage = { instruction, given: instruction, outcome: null, result: [instruction] };
      passage.outcome = this.#applied(passage) ?? recovered;
      return passage;
    }
    const misfit = this.#schemas.isDestructive ? schemaMisfit(instruction, this.#input.state, fresh) : null;
    const given = misfit === null ? withFittingLink(instruction, fresh) : instruction;
    if (given === null)
      return {
        instruction,
        given: instruction,
        outcome: parked('classGone', 'it puts a link into a set, and the class that it leads to is gone'),
        result: [],
      };
    return { instruction, given, outcome: misfit, result: [] };
  }

  /** Merges with what the server has done to the objects in question, and keeps that for what comes later. */
  #merge(merging: readonly Passage[]): void {
    if (merging.length === 0) return;
    const isWhole = merging.some(({ given }) => isErasureOfSchema(given));
    const gaps = new Map<string, Gap>();
    for (const { given } of merging) {
      if (!('object' in given)) continue;
      const id = objectId(given.table, given.object);
      if (!gaps.has(id)) gaps.set(id, this.#gapOf(id, given.table, given.object));
    }
    const met = isWhole ? new Map(this.#gaps) : gaps;
    const left = this.#asChangesets([...met.values()]);
    const options = { rules: this.#input.rules, columns: columnsOf(this.#input.base) };
    const right = merging.map(({ given }, at) => this.#asChangeset(given, at));
    const merged = transform(left, right, options);
    if (E.isLeft(merged)) {
      const offender = merging[merged.left.right.index] as Passage;
      offender.outcome = parked('notMergeable', merged.left.message);
      this.#merge(merging.filter((passage) => passage !== offender));
      return;
    }
    merging.forEach((passage, at) => {
      passage.result = (merged.right.right[at] as Changeset).instructions;
    });
    this.#explain(merging, gaps);
    for (const gap of met.values()) {
      gap.early = [];
      gap.late = [];
    }
    this.#putBack(merged.right.left[0] as Changeset, 'early');
    this.#putBack(merged.right.left[1] as Changeset, 'late');
  }

  #gapOf(id: string, table: string, key: Key): Gap {
    const known = this.#gaps.get(id);
    if (known !== undefined) return known;
    const { early, late } = objectDifference(this.#schemas, table, key);
    const gap = { early: [...early], late: [...late] };
    this.#gaps.set(id, gap);
    return gap;
  }

  #putBack({ instructions }: Changeset, part: keyof Gap): void {
    for (const instruction of instructions) {
      if (!('object' in instruction)) continue;
      this.#gaps.get(objectId(instruction.table, instruction.object))?.[part].push(instruction);
    }
  }

  #asChangesets(gaps: readonly Gap[]): Changeset[] {
    const made = (timestamp: number, part: keyof Gap, version: number): Changeset => ({
      version,
      base: 0,
      timestamp,
      origin: SERVER,
      instructions: gaps.flatMap((gap) => gap[part]),
    });
    return [made(EARLY, 'early', 1), made(LATE, 'late', 2)];
  }

  #asChangeset(instruction: Instruction, at: number): Changeset {
    return {
      version: at + 1,
      base: 0,
      timestamp: 0,
      origin: Math.max(this.#input.ident, SERVER + 1),
      instructions: [instruction],
    };
  }

  /** Says of each passage what became of it; asks the rules again for the reasons, object by object. */
  #explain(passages: readonly Passage[], gaps: ReadonlyMap<string, Gap>): void {
    const lost = new Map<string, Passage[]>();
    for (const passage of passages) {
      if (passage.result.length === 1 && passage.result[0] === passage.given) continue;
      const { given } = passage;
      const id = 'object' in given ? objectId(given.table, given.object) : '';
      lost.set(id, []);
    }
    if (lost.size === 0) return;
    for (const passage of passages) {
      const { given } = passage;
      lost.get('object' in given ? objectId(given.table, given.object) : '')?.push(passage);
    }
    for (const [id, own] of lost) {
      const gap = gaps.get(id);
      const decisions: Decision[] = [];
      const left = this.#asChangesets(gap === undefined ? [] : [gap]);
      const pairs = own.length * left.reduce((sum, { instructions }) => sum + instructions.length, 0);
      // Listening makes the merge compare every pair.
      if (pairs <= PAIRS)
        transform(
          left,
          own.map(({ given }, at) => this.#asChangeset(given, at)),
          {
            rules: this.#input.rules,
            columns: columnsOf(this.#input.base),
            recorder: { decided: (decision) => void decisions.push(decision) },
          },
        );
      const given = own.map((passage) => passage.given);
      const fates = fatesOf(
        given,
        own.map(({ result }) => result),
        decisions,
        gap === undefined ? [] : [...gap.early, ...gap.late],
      );
      own.forEach((passage, at) => {
        const fate = fates[at] as Outcome;
        if (fate.type !== 'recovered') passage.outcome = fate;
      });
    }
  }

  #apply(passages: readonly Passage[]): void {
    for (const passage of passages) {
      const failed = this.#applied(passage);
      if (failed !== null) passage.outcome = failed;
      else if (passage.given !== passage.instruction && passage.outcome === null)
        passage.outcome = {
          type: 'transformed',
          how: 'withoutLink',
          result: passage.result,
          reason: 'the class that it links to is gone from the server',
        };
      passage.outcome ??= recovered;
    }
  }

  /** Applies what an instruction has become; where that fails, only what came before the failure stays. */
  #applied(passage: Passage): Outcome | null {
    const draft = this.#draft as Draft;
    for (let at = 0; at < passage.result.length; at++) {
      const instruction = passage.result[at] as Instruction;
      const error = draft.apply(instruction);
      if (error === null) continue;
      passage.result = passage.result.slice(0, at);
      return parked(isSchema(instruction) ? 'schemaConflict' : 'notMergeable', error.message);
    }
    return null;
  }

  #conclude({ version, original, current }: LocalWrite, passages: readonly Passage[]): void {
    const instructions = passages.flatMap(({ result }) => result);
    if (instructions.length > 0) this.#writes.push({ version, timestamp: original.timestamp, instructions });
    this.#tell(
      version,
      original,
      current,
      passages.map(({ instruction, outcome }) => ({ instruction, outcome: outcome ?? recovered })),
    );
  }

  #tell(
    version: number,
    original: Changeset,
    current: Changeset,
    instructions: readonly InstructionReport[],
  ): void {
    const mergedBefore = Math.max(0, original.instructions.length - current.instructions.length);
    this.#reports.push({ version, timestamp: original.timestamp, mergedBefore, instructions });
    this.#through = version;
  }

  /** Leaves a refused write out: what comes after it starts from what has been recovered so far. */
  #setAside(write: LocalWrite): void {
    const { version, original, current } = write;
    const reason = this.#input.rejected?.reason ?? '';
    this.#touchAll(write);
    this.#tell(
      version,
      original,
      current,
      current.instructions.map((instruction) => ({ instruction, outcome: parked('rejected', reason) })),
    );
    const local = this.#local as Draft;
    for (const instruction of current.instructions) local.apply(instruction);
    const draft = this.#draft as Draft;
    this.#schemas = new SchemaDifference(local.finish(), draft.finish());
    this.#gaps = new Map();
  }
}
