/** Which partition a file is of, as an application says it. */
import * as E from 'fp-ts/lib/Either.js';
import { type PartitionProperty, partitionName, readPartitionValue, type Schema } from '../../core/client.js';
import type { FileOptions } from './client-options.js';
import { SynclineError } from './error.js';

/** What a client's objects are, and where. */
export interface Shape {
  readonly schema: Schema;
  readonly key: PartitionProperty | null;
}

/** Where a file's objects are. Throws a SynclineError where that is not said, or twice. */
export const placeOf = ({
  partition,
  partitionValue,
  partitionKey,
}: FileOptions): { readonly partition: string; readonly key: PartitionProperty | null } => {
  if ((partition === undefined) === (partitionValue === undefined))
    throw new SynclineError('schema', 'found no partition, or two: expected `partition` or `partitionValue`');
  if (partition !== undefined) {
    if (partitionKey !== undefined)
      throw new SynclineError('schema', '`partitionKey` has a meaning with `partitionValue` only');
    if (typeof partition !== 'string')
      throw new SynclineError(
        'schema',
        `found a ${typeof partition} for \`partition\`, expected a string; other values go into \`partitionValue\``,
      );
    return { partition, key: null };
  }
  const value = readPartitionValue(partitionValue);
  if (E.isLeft(value)) throw new SynclineError('schema', value.left);
  const name = partitionName(value.right);
  const key =
    partitionKey === undefined ? null : { name: partitionKey, value: partitionValue, partition: name };
  return { partition: name, key };
};

/** Of a file that is only read. */
export const noShape: Shape = { schema: { classes: [], byName: new Map() }, key: null };
