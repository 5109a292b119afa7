/**
 * What a device may not write into its partition, whoever it is: the partition key, which only the server sets,
 * and links to objects that are not in the partition. And what it may write at all that may only read: its schema.
 *
 * A link leads out of the partition where another one has its target, and this one has not, nor had it when the link
 * was made: what has been erased or moved since then leaves a link that leads nowhere, as anywhere. So does what a
 * client reset has carried over to a server that has lost the target.
 *
 * Source: the page on partition-based sync, partition keys and permissions.
 */
import type { Changeset } from '../model/changeset.js';
import type { Instruction } from '../model/instruction.js';
import type { Key } from '../model/key.js';
import { printObject } from '../model/print.js';
import { hasObject, type State } from '../model/state.js';
import { isLink, isMarker, type Link, type Payload } from '../model/value.js';
import { type PartitionType, partitionName, partitionOfField } from './partition-value.js';

export interface UploadPolicy {
  /** The property that holds the partition's value, in the classes that have one. */
  readonly key: string;
  readonly type: PartitionType;
  /** The partition's name (`partitionName`). */
  readonly partition: string;
}

/** Writes that are refused, ascending by version, and why the first is. */
export interface RefusedWrites {
  readonly versions: readonly number[];
  readonly message: string;
}

/** What can be told without the partition's state; null where there is nothing to refuse. O(instructions). */
export const refusedWrites = (
  policy: UploadPolicy,
  canWrite: boolean,
  changesets: readonly Changeset[],
): RefusedWrites | null => {
  const versions: number[] = [];
  let message = '';
  for (const { version, instructions } of changesets) {
    const why = refusal(policy, canWrite, instructions);
    if (why === null) continue;
    if (versions.length === 0) message = `write ${version} is refused: ${why}`;
    versions.push(version);
  }
  return versions.length === 0 ? null : { versions, message };
};

const refusal = (
  policy: UploadPolicy,
  canWrite: boolean,
  instructions: readonly Instruction[],
): string | null => {
  for (const instruction of instructions) {
    if (!('object' in instruction)) continue;
    if (!canWrite) return 'this user may only read the partition';
    if (!('field' in instruction) || instruction.field !== policy.key || instruction.path.length > 0)
      continue;
    // A device that creates an object may say where it is.
    if (instruction.kind === 'Update' && isOwnValue(policy, instruction.value)) continue;
    return `it writes ${printObject(instruction.table, instruction.object)}.${policy.key}, the partition key, which is the server's to set`;
  }
  return null;
};

const isOwnValue = ({ type, partition }: UploadPolicy, payload: Payload): boolean => {
  if (isMarker(payload)) return false;
  const value = partitionOfField(payload, type);
  return value !== undefined && partitionName(value) === partition;
};

const linkId = (table: string, key: Key): string => `${table.length}:${table}${key}`;

/** A link whose target the partition does not have, and the version of the write that has it. */
export interface LooseLink {
  readonly version: number;
  readonly link: Link;
}

/**
 * Links to what is neither in the state, nor made by the changesets before, nor was erased since they were made.
 * `met`: what has been integrated since their base. O(instructions).
 */
export const looseLinks = (
  changesets: readonly Changeset[],
  state: State,
  met: readonly Changeset[],
): readonly LooseLink[] => {
  const known = new Set<string>();
  for (const { instructions } of met)
    for (const instruction of instructions)
      if (instruction.kind === 'EraseObject') known.add(linkId(instruction.table, instruction.object));
  const found: LooseLink[] = [];
  for (const { version, instructions } of changesets)
    for (const instruction of instructions) {
      if (instruction.kind === 'CreateObject') known.add(linkId(instruction.table, instruction.object));
      // A device may take away a link that leads nowhere.
      if (!('value' in instruction) || instruction.kind === 'SetErase') continue;
      const { value } = instruction;
      if (typeof value === 'bigint' || !isLink(value)) continue;
      if (!hasObject(state, value.table, value.key) && !known.has(linkId(value.table, value.key)))
        found.push({ version, link: value });
    }
  return found;
};

/** The writes with such links, once it is known that others have what they lead to; null where there are none. */
export const crossingWrites = (links: readonly LooseLink[]): RefusedWrites | null => {
  const [first] = links;
  if (first === undefined) return null;
  const target = printObject(first.link.table, first.link.key);
  return {
    versions: [...new Set(links.map(({ version }) => version))],
    message: `write ${first.version} is refused: it links to ${target}, which is in another partition`,
  };
};
