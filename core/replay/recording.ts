/** A recording that was read: its entries in order, up to the first that is damaged. */
import * as E from 'fp-ts/lib/Either.js';
import { Reader } from '../base/bytes.js';
import { answer, type DecodeError, refuse, within } from '../base/decode-error.js';
import { splitSegments } from './container.js';
import { type About, type EntryHead, headForm } from './entry.js';

export interface RecordedEntry {
  readonly head: EntryHead;
  /** The form of the event or machine that follows the head. */
  readonly rest: Uint8Array;
}

export interface Recording {
  readonly about: About;
  readonly entries: readonly RecordedEntry[];
  /** Segments that there were, those that have given way included. */
  readonly segments: number;
  /** Why it ends where it ends, where that is not of itself. */
  readonly damage: string | null;
}

/**
 * The recording that the bytes hold. What it says of machines and events is read when it is replayed. Memory in
 * proportion to the bytes, which are not to be written to afterwards.
 */
export const decodeRecording = (given: Uint8Array): E.Either<DecodeError, Recording> => {
  // A plain view, whatever kind of array was given: entries are views on it.
  const bytes = new Uint8Array(given.buffer, given.byteOffset, given.length);
  const split = splitSegments(bytes);
  if (E.isLeft(split)) return split;
  try {
    const entries: RecordedEntry[] = [];
    let about: About | null = null;
    let damage: string | null = null;
    let last = 0;
    for (const segment of split.right) {
      // Later ones continue what was cut off.
      damage = segment.damage;
      last = segment.sequence;
      for (const body of segment.bodies) {
        const entry = within(body.byteOffset - bytes.byteOffset, () => entryOf(body));
        if (entry.head.type === 'about') about = entry.head;
        entries.push(entry);
      }
    }
    if (about === null) return refuse('truncated', bytes.length, 'a recording that does not say who made it');
    return E.right({ about, entries, segments: last, damage });
  } catch (thrown) {
    return answer(thrown);
  }
};

const entryOf = (body: Uint8Array): RecordedEntry => {
  const reader = new Reader(body);
  const head = headForm.read(reader);
  return { head, rest: body.subarray(reader.position) };
};
