/**
 * Explanations: for each place that was written while the session ran, which write gave it its present
 * value, and which writes lost there, to whom and by which rule.
 *
 * A place is an object, or a property of it, or what lies inside by names; everything inside a list is
 * explained with the list, since indices move. Explanations are kept for as long as the process runs, in
 * two generations of bounded size: when the younger one is full it becomes the older one, and what was not
 * written since is forgotten.
 */
import { limits } from '../base/limits.js';
import { emptyTrie, get, set, type Trie } from '../base/trie.js';
import type { RuleCode } from '../merge/outcome.js';
import type { Decision } from '../merge/recorder.js';
import type { Changeset } from '../model/changeset.js';
import type { Instruction, Path } from '../model/instruction.js';
import type { Key } from '../model/key.js';

/** Who wrote, and when: `file` is the ident of the device's file, `timestamp` milliseconds since 1970. */
export interface WriteOrigin {
  readonly file: number;
  readonly timestamp: number;
}

/** A write of which nothing is left, because another one overruled it. */
export interface LostWrite {
  readonly by: WriteOrigin;
  readonly instruction: Instruction;
  readonly winner: WriteOrigin & { readonly instruction: Instruction };
  readonly rule: RuleCode;
  /** One sentence. */
  readonly reason: string;
}

export interface PresentWrite {
  readonly by: WriteOrigin;
  readonly instruction: Instruction;
}

export interface Explanation {
  /** The last write that took effect here; null where none did since the session began. */
  readonly present: PresentWrite | null;
  /** In the order in which they lost; the newest ones only where there were many. */
  readonly lost: readonly LostWrite[];
}

interface Known extends Explanation {
  /** Counts writes, so that of several places on a path the one written last is known. */
  readonly order: number;
}

export interface Explanations {
  readonly younger: Trie<Known>;
  readonly older: Trie<Known>;
  readonly order: number;
}

export const noExplanations: Explanations = { younger: emptyTrie(), older: emptyTrie(), order: 0 };

const nothing: Known = { present: null, lost: [], order: 0 };

/** The names on a path, up to the first list index. */
const named = (path: Path): readonly string[] => {
  const end = path.findIndex((element) => typeof element === 'number');
  return (end < 0 ? path : path.slice(0, end)) as readonly string[];
};

const placeId = (table: string, object: Key, steps: readonly string[]): string =>
  JSON.stringify([table, object, ...steps]);

const placeOf = (instruction: Instruction): string | null => {
  if (!('object' in instruction)) return null;
  const steps = 'path' in instruction ? [instruction.field, ...named(instruction.path)] : [];
  return placeId(instruction.table, instruction.object, steps);
};

const find = (explanations: Explanations, place: string): Known | undefined =>
  get(explanations.younger, place) ?? get(explanations.older, place);

const put = (explanations: Explanations, place: string, known: Known): Explanations => {
  const { younger, older, order } = explanations;
  const isFull = younger.size >= limits.explainedPlaces;
  return {
    younger: set(isFull ? emptyTrie<Known>() : younger, place, known),
    older: isFull ? younger : older,
    order: order + 1,
  };
};

/** Notes what took effect here: a local write, or a download as it was applied. `ident` stands for origin 0. */
export const tookEffect = (explanations: Explanations, changeset: Changeset, ident: number): Explanations => {
  const by = { file: changeset.origin === 0 ? ident : changeset.origin, timestamp: changeset.timestamp };
  let after = explanations;
  for (const instruction of changeset.instructions) {
    const place = placeOf(instruction);
    if (place === null) continue;
    const known = find(after, place) ?? nothing;
    after = put(after, place, { present: { by, instruction }, lost: known.lost, order: after.order + 1 });
  }
  return after;
};

const originOf = (party: Decision['winner']): WriteOrigin => ({
  file: party.changeset.origin,
  timestamp: party.changeset.timestamp,
});

/** The write that a decision discarded; null where nothing was lost. */
export const lostBy = (decision: Decision): LostWrite | null =>
  decision.outcome === 'discarded'
    ? {
        by: originOf(decision.loser),
        instruction: decision.loser.instruction,
        winner: { ...originOf(decision.winner), instruction: decision.winner.instruction },
        rule: decision.rule,
        reason: decision.reason,
      }
    : null;

/** Notes which writes lost. */
export const tookLosses = (explanations: Explanations, decisions: readonly Decision[]): Explanations => {
  let after = explanations;
  for (const decision of decisions) {
    const lost = lostBy(decision);
    const place = lost === null ? null : placeOf(lost.instruction);
    if (lost === null || place === null) continue;
    const known = find(after, place) ?? nothing;
    const kept = known.lost.slice(-(limits.explainedLosses - 1));
    after = put(after, place, { ...known, lost: [...kept, lost] });
  }
  return after;
};

/**
 * What is known of a property, or, with an empty `steps`, of an object. The present value may have been
 * given by a write further out: whatever was written last on the way.
 */
export const explain = (explanations: Explanations, table: string, object: Key, steps: Path): Explanation => {
  const names = named(steps);
  let present: Known = nothing;
  const lost: LostWrite[] = [];
  for (let length = 0; length <= names.length; length++) {
    const known = find(explanations, placeId(table, object, names.slice(0, length)));
    if (known === undefined) continue;
    // Creating an object that exists changes nothing inside it.
    const isOverriding = length === names.length || known.present?.instruction.kind !== 'CreateObject';
    if (isOverriding && known.present !== null && known.order >= present.order) present = known;
    if (length === names.length) for (const write of known.lost) lost.push(write);
  }
  return { present: present.present, lost };
};
