/**
 * Vectors of client resets, one JSON object a line. All instructions are in the notation:
 *
 *     kind       "reset"
 *     id         names the case
 *     base       what the server had when the device heard of it last, from nothing
 *     device     its unsynced writes, each a list, on top of the base
 *     server     what the server did meanwhile, on top of the base
 *     outcomes   what the report says of each of the device's instructions, in order
 *     plus       lines of the canonical snapshot that the recovered state has and the server's has not
 *     minus      the other way round
 */
import { printInstruction } from '../../core/model/notation.js';
import { toInstructions } from '../../core/model/snapshot.js';
import type { State } from '../../core/model/state.js';
import { instructions } from './notation.js';
import type { Failure } from './replay.js';
import { recover, replayed, resetCase } from './reset-case.js';
import { outcomeWord } from './reset-page.js';
import { build } from './worlds.js';

export interface ResetVector {
  readonly kind: 'reset';
  readonly id: string;
  readonly base: readonly string[];
  readonly device: readonly (readonly string[])[];
  readonly server: readonly string[];
  readonly outcomes: readonly string[];
  readonly plus: readonly string[];
  readonly minus: readonly string[];
}

/** Null for a line that is another kind of vector. */
export const parseResetVector = (line: string): ResetVector | null => {
  const value: unknown = JSON.parse(line);
  const isReset = typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'reset';
  return isReset ? (value as ResetVector) : null;
};

const snapshotOf = (state: State): readonly string[] => toInstructions(state).map(printInstruction).sort();

const without = (lines: readonly string[], others: readonly string[]): readonly string[] => {
  const known = new Set(others);
  return lines.filter((line) => !known.has(line));
};

/** What comes out: the last three fields. */
export const playedVector = ({
  base,
  device,
  server,
}: Pick<ResetVector, 'base' | 'device' | 'server'>): Pick<ResetVector, 'outcomes' | 'plus' | 'minus'> => {
  const before = build(instructions(base.join('\n')));
  const transactions = device.map((lines) => instructions(lines.join('\n')));
  const given = resetCase(before, transactions, build(instructions(server.join('\n')), before));
  const done = recover(given);
  const [fresh, after] = [snapshotOf(given.fresh), snapshotOf(replayed(done))];
  return {
    outcomes: done.report.flatMap((write) => write.instructions.map(({ outcome }) => outcomeWord(outcome))),
    plus: without(after, fresh),
    minus: without(fresh, after),
  };
};

export const replayReset = (vector: ResetVector): readonly Failure[] => {
  const found = playedVector(vector);
  return (['outcomes', 'plus', 'minus'] as const).flatMap((what) => {
    const [is, should] = [found[what].join('\n'), vector[what].join('\n')];
    return is === should
      ? []
      : [{ what, lines: [...vector[what].map((l) => `- ${l}`), ...found[what].map((l) => `+ ${l}`)] }];
  });
};
