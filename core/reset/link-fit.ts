/**
 * Links to classes. A link may lead to an object that does not exist, but not to a class that does not.
 *
 * Source: client-reset, section 6.4.
 */
import { keyFits } from '../model/fits.js';
import type { Instruction } from '../model/instruction.js';
import { findTable, hasObject, type State } from '../model/state.js';
import { isLink, type Link } from '../model/value.js';
import type { InstructionReport, WriteReport } from './report.js';

const hasClass = (state: State, { table, key }: Link): boolean => {
  const found = findTable(state, table);
  return found !== undefined && found.spec.type === 'topLevel' && !found.spec.asymmetric
    ? keyFits(found.spec, key) === null
    : false;
};

/**
 * The instruction with null in place of a link whose class `state` does not have: a mixed value, since typed
 * links go with their class. Null itself where that would put a null into a set.
 */
export const withFittingLink = (instruction: Instruction, state: State): Instruction | null => {
  switch (instruction.kind) {
    case 'Update':
    case 'ArrayInsert':
      return isLink(instruction.value) && !hasClass(state, instruction.value)
        ? { ...instruction, value: null }
        : instruction;
    case 'SetInsert':
    case 'SetErase':
      return isLink(instruction.value) && !hasClass(state, instruction.value) ? null : instruction;
    default:
      return instruction;
  }
};

const leadsNowhere = ({ instruction, outcome }: InstructionReport, before: State, after: State): boolean => {
  if (outcome.type !== 'recovered' || !('value' in instruction)) return false;
  const { value } = instruction;
  if (typeof value === 'bigint' || !isLink(value)) return false;
  return !hasObject(after, value.table, value.key) && hasObject(before, value.table, value.key);
};

/** The report, in which links that were recovered are told whose target was there `before`, and is not `after`. */
export const withBrokenLinks = (write: WriteReport, before: State, after: State): WriteReport => {
  if (!write.instructions.some((report) => leadsNowhere(report, before, after))) return write;
  const instructions = write.instructions.map((report): InstructionReport => {
    if (!leadsNowhere(report, before, after)) return report;
    const { instruction } = report;
    return {
      instruction,
      outcome: {
        type: 'transformed',
        how: 'unresolvedLink',
        result: [instruction],
        reason: 'what it links to is gone from the server',
      },
    };
  });
  return { ...write, instructions };
};
