/**
 * Which objects, and which parts of the schema, both sides touch.
 *
 * Instructions on different objects never meet. Those that add to the schema meet only their like, on the
 * same class or the same property. Those that erase from it are not for the index: where there is one, the
 * merge goes pair by pair (`pairwise.ts`).
 *
 * The smaller side is indexed and the larger looked up, so that the cost is that of one look-up for each
 * instruction, whatever the other side does elsewhere.
 */
import type { Instruction } from '../model/instruction.js';
import type { Positions } from './index-merge.js';
import { Subjects } from './index-subjects.js';
import type { Track } from './index-track.js';

export interface Table {
  readonly rows: Positions;
  readonly columns: Positions;
}

/** The tables of instructions that can meet. */
export const meetings = (left: Track, right: Track): Table[] => {
  if (left.instructions.length < right.instructions.length)
    return contested(left, right).map(([rows, columns]) => ({ rows, columns }));
  return contested(right, left).map(([columns, rows]) => ({ rows, columns }));
};

/** The name of an instruction's subject within its class. Keys of objects start with a letter. */
const subjectOf = (instruction: Instruction): string => {
  if ('object' in instruction) return instruction.object;
  return 'field' in instruction ? ` ${instruction.field}` : ' ';
};

const contested = (indexed: Track, other: Track): [number[], number[]][] => {
  const limit = indexed.instructions.length;
  const classes = new Map<string, Subjects>();
  // A group is a chain of positions.
  const firsts: number[] = [];
  const lasts: number[] = [];
  const next = new Int32Array(indexed.instructions.length);
  let table = '';
  let subjects = new Subjects(limit);
  let subject = '';
  let group: number | undefined;
  for (let k = 0; k < indexed.instructions.length; k++) {
    const instruction = indexed.instructions[k] as Instruction;
    const named = subjectOf(instruction);
    if (group === undefined || named !== subject || instruction.table !== table) {
      if (group === undefined || instruction.table !== table) {
        table = instruction.table;
        const known = classes.get(table);
        if (known === undefined) {
          subjects = new Subjects(limit);
          classes.set(table, subjects);
        } else subjects = known;
      }
      subject = named;
      group = subjects.numberOf(subject);
      if (group === undefined) {
        group = firsts.length;
        subjects.add(subject, group);
        firsts.push(k);
        lasts.push(k);
        continue;
      }
    }
    next[lasts[group] as number] = k;
    lasts[group] = k;
  }

  // Groups that the other side touches are numbered from 1 in the order in which it does.
  const numbers = new Int32Array(firsts.length);
  const met: [number[], number[]][] = [];
  let others: Subjects | undefined;
  let isFirst = true;
  for (let k = 0; k < other.instructions.length; k++) {
    const instruction = other.instructions[k] as Instruction;
    const named = subjectOf(instruction);
    if (isFirst || named !== subject || instruction.table !== table) {
      if (isFirst || instruction.table !== table) {
        table = instruction.table;
        others = classes.get(table);
      }
      isFirst = false;
      subject = named;
      group = others?.numberOf(subject);
    }
    if (group === undefined) continue;
    const number = numbers[group] as number;
    if (number > 0) {
      (met[number - 1] as [number[], number[]])[1].push(k);
      continue;
    }
    const positions: number[] = [];
    const last = lasts[group] as number;
    for (let at = firsts[group] as number; at !== last; at = next[at] as number) positions.push(at);
    positions.push(last);
    numbers[group] = met.push([positions, [k]]);
  }
  return met;
};
