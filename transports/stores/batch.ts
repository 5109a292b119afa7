/**
 * What a store takes: the form that `RecordEntry` and `RecordRange` promise, checked before anything is
 * changed.
 */
import type { RecordBatch, RecordRange } from '../../core/client.js';
import { maxPartitionName } from '../ports.js';

const spaceForm = /^[\x20-\x7e]{1,64}$/;

/** @throws RangeError unless a space may have this name. */
export const checkSpace = (space: string): void => {
  if (!spaceForm.test(space)) {
    throw new RangeError(`the space ${JSON.stringify(space)} is not 1 to 64 characters of printable ASCII`);
  }
};

/** @throws RangeError that names the malformed range. */
export const checkRange = ({ space, from, to }: RecordRange): void => {
  checkSpace(space);
  if (!Number.isSafeInteger(from) || from < 0 || !Number.isInteger(to) || to < 0 || to > 2 ** 53) {
    throw new RangeError(`the range ${from} to ${to} of the space ${space} is not within 0 to 2^53`);
  }
};

/** @throws RangeError that names the malformed entry or range. O(batch), whatever the bytes. */
export const checkBatch = (batch: RecordBatch): void => {
  for (const range of batch.deletes) checkRange(range);
  for (const { space, index } of batch.puts) {
    checkSpace(space);
    if (!Number.isSafeInteger(index) || index < 0) {
      throw new RangeError(`the index ${index} of the space ${space} is not an integer from 0 to 2^53 - 1`);
    }
  }
};

/** @throws RangeError unless a partition may have this name. */
export const checkPartitionName = (name: string): void => {
  if (name.length > maxPartitionName) {
    throw new RangeError(
      `the partition name ${JSON.stringify(`${name.slice(0, 40)}…`)} has ${name.length} code units, at most ${maxPartitionName} are taken`,
    );
  }
};
