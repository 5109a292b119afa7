/**
 * A changeset: the instructions of one write transaction, with what the merge needs to know of their
 * origin. Source: merge-semantics, sections 3.1 and 3.2.
 */
import type { Instruction } from './instruction.js';

export interface Changeset {
  /** The version it produced on the side that sends it: a client version going up, a server version coming down. */
  readonly version: number;
  /** The newest version of the receiver's numbering that the sender had integrated when it was made. */
  readonly base: number;
  /** Milliseconds since 1970 on the clock of the device that made it. Never changed by a merge. */
  readonly timestamp: number;
  /** Ident of the file that made it; 0 stands for the sending file itself. Never changed by a merge. */
  readonly origin: number;
  /** In order of execution. May be empty: a changeset that merged away keeps its version. */
  readonly instructions: readonly Instruction[];
}

/**
 * The order that decides conflicts: `a` is older than `b`. Timestamps first, then file idents; the newer
 * wins every last-writer-wins rule. Total on changesets of different files.
 */
export const isOlder = (
  a: { readonly timestamp: number; readonly origin: number },
  b: { readonly timestamp: number; readonly origin: number },
): boolean => a.timestamp < b.timestamp || (a.timestamp === b.timestamp && a.origin < b.origin);
