/**
 * The law of compaction as a question about one case: a device at one position with pending changesets, and
 * a history and a compacted form of it.
 */
import * as E from 'fp-ts/lib/Either.js';
import { columnsOf } from '../../core/merge/column-lookup.js';
import { syncline } from '../../core/merge/rule-set.js';
import { transform } from '../../core/merge/transform.js';
import { edit } from '../../core/model/apply.js';
import type { Changeset } from '../../core/model/changeset.js';
import { digest } from '../../core/model/digest.js';
import type { State } from '../../core/model/state.js';

type Changesets = readonly Changeset[];

/** The state after the changesets; null where one cannot be applied. */
export const stateAfter = (base: State, changesets: Changesets): State | null => {
  const draft = edit(base);
  for (const { instructions } of changesets)
    for (const instruction of instructions) if (draft.apply(instruction) !== null) return null;
  return draft.finish();
};

export interface Ends {
  readonly server: string;
  readonly device: string;
}

/**
 * Digests of the server and of the device, once `pending` (made on `deviceState`) has met `rest`, which leads
 * from the server's state at the device's position to `serverState`; or what failed.
 */
export const meet = (
  deviceState: State,
  rest: Changesets,
  pending: Changesets,
  serverState: State,
): Ends | string => {
  const merged = transform(rest, pending, { rules: syncline, columns: columnsOf(deviceState) });
  if (E.isLeft(merged)) return merged.left.message;
  const server = stateAfter(serverState, merged.right.right);
  if (server === null) return 'the server cannot apply what was pending';
  const device = stateAfter(deviceState, [...pending, ...merged.right.left]);
  if (device === null) return 'the device cannot apply the history';
  return { server: digest(server), device: digest(device) };
};

/** A history and a form of it that claims to be as good. */
export class LawCase {
  readonly history: Changesets;
  readonly compacted: Changesets;
  /** By position: so many changesets from the start. */
  private readonly states: readonly State[];
  private readonly compactedStates: readonly State[];
  /** What is wrong without anybody else's doing. */
  readonly problem: string | null;

  constructor(base: State, history: Changesets, compacted: Changesets) {
    this.history = history;
    this.compacted = compacted;
    this.states = statesAlong(base, history);
    this.compactedStates = statesAlong(base, compacted);
    if (this.states.length <= history.length) throw new Error('the history itself cannot be applied');
    if (this.compactedStates.length <= compacted.length)
      this.problem = 'the compacted history cannot be applied';
    else
      this.problem =
        digest(this.head) === digest(this.compactedHead)
          ? null
          : 'the compacted history leads to another state';
  }

  private get head(): State {
    return this.states[this.history.length] as State;
  }

  private get compactedHead(): State {
    return this.compactedStates[this.compacted.length] as State;
  }

  /** What a device holds that has got so many changesets of the history as it was. */
  at(position: number): State {
    return this.states[position] as State;
  }

  /**
   * Null where the law holds for a device at `position` that had `pending` on top of the history as it was;
   * 'divergent' where the two ends differ with the whole history already, which is a matter of the merge; what
   * is wrong otherwise.
   */
  breach(position: number, pending: Changesets): string | null {
    if (this.problem !== null) return this.problem;
    const full = meet(this.at(position), this.history.slice(position), pending, this.head);
    if (typeof full === 'string' || full.server !== full.device) return 'divergent';
    const other = meet(this.at(position), this.compacted.slice(position), pending, this.compactedHead);
    if (typeof other === 'string') return other;
    if (other.server !== full.server) return 'the server ends in another state';
    return other.device === full.device ? null : 'the device ends in another state';
  }

  /**
   * The same for a device that had got the compacted history up to `position`, and is therefore in a state that
   * nobody was in before: it has to end as the server does. Null, too, where nothing like `pending` can be
   * made there.
   */
  breachInside(position: number, pending: Changesets): string | null {
    if (this.problem !== null) return this.problem;
    const at = this.compactedStates[position] as State;
    if (stateAfter(at, pending) === null) return null;
    const ends = meet(at, this.compacted.slice(position), pending, this.compactedHead);
    if (typeof ends === 'string') return ends;
    return ends.server === ends.device ? null : 'the device differs from the server';
  }
}

/** As many as can be reached. */
const statesAlong = (base: State, changesets: Changesets): State[] => {
  const states = [base];
  for (const changeset of changesets) {
    const next = stateAfter(states[states.length - 1] as State, [changeset]);
    if (next === null) break;
    states.push(next);
  }
  return states;
};
