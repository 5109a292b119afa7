/**
 * Cases of recovery: what a server had, what a device wrote on top of it, and what the server has become.
 */
import type { LocalWrite } from '../../core/history/client-file.js';
import { syncline } from '../../core/merge/rule-set.js';
import { edit } from '../../core/model/apply.js';
import type { Instruction } from '../../core/model/instruction.js';
import { toInstructions } from '../../core/model/snapshot.js';
import type { State } from '../../core/model/state.js';
import { type Recovered, Recovery, type RecoveryInput } from '../../core/reset/recovery.js';
import { instructions } from './notation.js';
import { build } from './worlds.js';

export interface ResetCase {
  readonly base: State;
  readonly writes: readonly LocalWrite[];
  readonly state: State;
  readonly fresh: State;
}

/** A write as the file keeps it, with nothing downloaded since. */
export const localWrite = (version: number, made: readonly Instruction[]): LocalWrite => {
  const original = { version, base: 0, timestamp: 1000 + version, origin: 0, instructions: made };
  return { version, original, current: original, bytes: 0 };
};

/** The same contents without a node in common. */
export const rebuilt = (state: State): State => build(toInstructions(state));

/** `transactions` lead from the base to the device's state, `server` to the server's. */
export const resetCase = (
  base: State,
  transactions: readonly (readonly Instruction[])[],
  server: State,
): ResetCase => ({
  base,
  writes: transactions.map((made, at) => localWrite(at + 1, made)),
  state: build(transactions.flat(), base),
  fresh: rebuilt(server),
});

/** All three in the notation; transactions are separated by a line `--`. */
export const resetCaseOf = (base: string, device: string, server: string): ResetCase => {
  const before = build(instructions(base));
  return resetCase(
    before,
    device.split(/^\s*--\s*$/m).map((text) => instructions(text)),
    build(instructions(server), before),
  );
};

export const runToEnd = <Result>(work: Generator<undefined, Result, undefined>): Result => {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
};

/** Recovers in pieces of the given sizes (in writes), the rest at once. */
export const recover = (
  { base, writes, state, fresh }: ResetCase,
  options: Partial<RecoveryInput> & { readonly integrated?: number } = {},
  pieces: readonly number[] = [],
): Recovered & Pick<Recovery, 'touched'> => {
  const recovery = new Recovery({
    base,
    fresh,
    state,
    ident: 7,
    rules: syncline,
    rejected: null,
    ...options,
  });
  const integrated = options.integrated ?? 0;
  runToEnd(recovery.compare(writes.filter(({ version }) => version <= integrated)));
  let rest = writes.filter(({ version }) => version > integrated);
  for (const size of pieces) {
    runToEnd(recovery.carry(rest.slice(0, size)));
    rest = rest.slice(size);
  }
  runToEnd(recovery.carry(rest));
  return { ...recovery.finish(), touched: recovery.touched };
};

/** The state after `writes`; throws where one cannot be applied. */
export const replayed = ({ base, writes }: Pick<Recovered, 'base' | 'writes'>): State => {
  const draft = edit(base);
  for (const { version, instructions: made } of writes)
    for (const instruction of made) {
      const error = draft.apply(instruction);
      if (error !== null) throw new Error(`write ${version}: ${error.message}`);
    }
  return draft.finish();
};
