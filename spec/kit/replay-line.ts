/** Replaying one line of a file of vectors, whatever it is a vector of. */
import { type Failure, type Merge, replay } from './replay.js';
import { parseResetVector, replayReset } from './reset-vector.js';
import { parseVector } from './vectors.js';

export interface ReplayedLine {
  readonly id: string;
  readonly profile: string;
  readonly failures: readonly Failure[];
  /** Rules through which ours differs from what was recorded. */
  readonly differences: readonly string[];
}

/** A line that is no vector fails as `unreadable`. */
export const replayLine = (line: string, merge?: Merge): ReplayedLine => {
  try {
    const reset = parseResetVector(line);
    if (reset !== null)
      return { id: reset.id, profile: 'reset', failures: replayReset(reset), differences: [] };
    const vector = parseVector(line);
    const { failures, differences } = replay(vector, merge);
    return { id: vector.id, profile: vector.profile, failures, differences };
  } catch (error) {
    const lines = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
    return {
      id: line.slice(0, 60),
      profile: 'unreadable',
      failures: [{ what: 'threw', lines }],
      differences: [],
    };
  }
};
