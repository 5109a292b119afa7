/**
 * A compacted log, replayed as a whole, so many instructions at a time: what nothing of the compaction is
 * trusted with. It shows the state at the cut and that at the head, or what cannot be applied.
 */
import { type Draft, edit } from '../model/apply.js';
import type { Changeset } from '../model/changeset.js';
import type { Instruction } from '../model/instruction.js';
import { emptyState, type State } from '../model/state.js';

/** Instructions that are replayed at a time. */
const REPLAYED = 1000;

export class LogReplay {
  readonly rest: readonly Changeset[];
  atCut: State = emptyState;
  atHead: State = emptyState;
  failure: string | null = null;
  private readonly parts: readonly (readonly Instruction[])[];
  private part = 0;
  private at = 0;
  private draft: Draft = edit(emptyState);

  constructor(folded: readonly Instruction[], rest: readonly Changeset[]) {
    this.rest = rest;
    this.parts = [folded, ...rest.map(({ instructions }) => instructions)];
  }

  /** Whether it is done. */
  step(): boolean {
    for (let budget = REPLAYED; budget > 0; budget--) {
      const part = this.parts[this.part];
      if (part === undefined) {
        this.atHead = this.draft.finish();
        return true;
      }
      const instruction = part[this.at++];
      if (instruction !== undefined) {
        const error = this.draft.apply(instruction);
        if (error === null) continue;
        this.failure = error.message;
        return true;
      }
      if (this.part === 0) {
        this.atCut = this.draft.finish();
        this.draft = edit(this.atCut);
      }
      this.part++;
      this.at = 0;
    }
    return false;
  }
}
