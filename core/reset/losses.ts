/** What a report comes to for the file: the writes that it parks, and the client versions that it drops. */
import type { Drop, DroppedRange } from './dropped.js';
import type { ParkedInstruction, ParkedWrite } from './parked.js';
import type { WriteReport } from './report.js';

/** What the parked parts of a report are, with ids from `nextId` on. */
export const parkedOf = (writes: readonly WriteReport[], nextId: number): readonly ParkedWrite[] => {
  const out: ParkedWrite[] = [];
  for (const { version, timestamp, instructions } of writes) {
    const lost: ParkedInstruction[] = [];
    for (const { instruction, outcome } of instructions)
      if (outcome.type === 'parked') lost.push({ instruction, why: outcome.why, reason: outcome.reason });
      else if (outcome.type === 'superseded' && outcome.by !== null)
        lost.push({ instruction, why: 'superseded', reason: outcome.reason });
    if (lost.length > 0) out.push({ id: nextId + out.length, version, timestamp, instructions: lost });
  }
  return out;
};

const dropOf = ({ instructions }: WriteReport): Drop | null => {
  if (instructions.some(({ outcome }) => outcome.type === 'parked')) return 'parked';
  return instructions.some(({ outcome }) => outcome.type === 'superseded' && outcome.by === null)
    ? 'discarded'
    : null;
};

/** What one reset drops, ascending. O(report). */
export const droppedIn = (writes: readonly WriteReport[]): readonly DroppedRange[] => {
  const ranges: DroppedRange[] = [];
  let last: Drop | null = null;
  for (const write of writes) {
    const drop = dropOf(write);
    const before = ranges[ranges.length - 1];
    if (drop !== null && drop === last && before !== undefined)
      ranges[ranges.length - 1] = { ...before, to: write.version };
    else if (drop !== null) ranges.push({ from: write.version, to: write.version, drop });
    last = drop;
  }
  return ranges;
};
