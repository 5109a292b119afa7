/**
 * Rewriting a server's log: everything up to the cut is folded, and above it goes what later instructions
 * have overwritten; in slices, so that nobody waits, and not a byte of it without verification.
 *
 * No rule of compaction looks at two objects at once. So the log is divided by objects, in groups of a bounded
 * number of instructions; each is compacted by itself, together with all that concerns the schema, and the
 * result is checked (`verify.ts`) before the next is begun. What remains of the groups is put together again,
 * and replayed as a whole: it has to lead to the very state that the server has. An object with more
 * instructions than a slice may have is divided by versions, too: of what spans two divisions something stays.
 *
 * What is folded becomes one snapshot in canonical form: the groups are taken in the order in which a snapshot
 * has its objects. In the log it stands in chunks at the versions up to the cut, for a download carries so much
 * at a time; whoever joins the chunks (`joinedLog`) has what the certificate speaks of.
 *
 * Cost: two or three times that of reading the log, and memory in proportion to it.
 */
import * as E from 'fp-ts/lib/Either.js';
import { limits } from '../base/limits.js';
import { compareStrings } from '../base/order.js';
import { edit } from '../model/apply.js';
import type { Changeset } from '../model/changeset.js';
import { encodeChangeset } from '../model/codec.js';
import { digest } from '../model/digest.js';
import type { Instruction } from '../model/instruction.js';
import { emptyState, type State } from '../model/state.js';
import { type Certificate, compact } from './certificate.js';
import { LogReplay } from './log-replay.js';
import { type ServerEntry, serverIdent } from './partition.js';
import { verifyCompaction } from './verify.js';

/** What is to be done, decided from a partition at one moment. */
export interface RewritePlan {
  /** Fold everything up to here: the present cut or above it. */
  readonly cut: number;
  /** The newest version that is looked at, and the state there. */
  readonly head: number;
  readonly state: State;
  /** Compactions before this one. If another server makes one meanwhile, this one is in vain. */
  readonly compactions: number;
  /** Bytes of the log at that moment. */
  readonly bytes: number;
}

export interface RewrittenEntry {
  readonly changeset: Changeset;
  readonly bytes: Uint8Array;
  /** Bytes of the entry that it replaces; 0 for a chunk of the snapshot. */
  readonly replaces: number;
}

export interface Rewritten {
  readonly plan: RewritePlan;
  /** What stands for everything up to the cut, at versions up to there. */
  readonly snapshot: readonly RewrittenEntry[];
  /** Entries above the cut that have lost something. */
  readonly changed: readonly RewrittenEntry[];
  /** Names no clients: who is passed is known when it is committed. */
  readonly certificate: Certificate;
  /** Bytes of the log up to the plan's head, as it will be stored. */
  readonly bytes: number;
}

/** Instructions of one group, except where one object or the schema alone has more. */
const GROUP = 100;
/** Instructions above the cut that are compacted together where one object has more. */
const WINDOW = 2000;

interface Located {
  /** Counts the instructions of the log. */
  readonly at: number;
  /** Of its entry. */
  readonly position: number;
  readonly instruction: Instruction;
}

interface Group {
  readonly objects: readonly (readonly Located[])[];
}

export class LogRewrite {
  private readonly plan: RewritePlan;
  private readonly entries: ServerEntry[] = [];
  private count = 0;
  private readonly tables = new Map<string, Map<string, Located[]>>();
  private readonly schema: Located[] = [];
  /** Position of the entry at the cut; -1 where nothing is folded. */
  private atCut = -1;
  private groups: Group[] | null = null;
  private nextGroup = 0;
  /** Of each entry above the cut, by position: what the groups say. */
  private readonly contents = new Map<number, (readonly Instruction[])[]>();
  private readonly changed = new Set<number>();
  private readonly folded: Instruction[] = [];
  private replay: LogReplay | null = null;
  private done: E.Either<string, Rewritten> | null = null;

  constructor(plan: RewritePlan) {
    this.plan = plan;
  }

  /** Takes the log in, from its first entry to the plan's head, in as many pieces as there are. */
  take(entries: readonly ServerEntry[]): void {
    for (const entry of entries) {
      if (entry.version > this.plan.head) return;
      const position = this.entries.push(entry) - 1;
      for (const instruction of entry.instructions) {
        const located = { at: this.count++, position, instruction };
        if (!('object' in instruction)) {
          this.schema.push(located);
          continue;
        }
        let objects = this.tables.get(instruction.table);
        if (objects === undefined) {
          objects = new Map();
          this.tables.set(instruction.table, objects);
        }
        const object = objects.get(instruction.object);
        if (object === undefined) objects.set(instruction.object, [located]);
        else object.push(located);
      }
    }
  }

  /** Does one slice of the work. Null while there is more; left, with a sentence, where nothing is to be changed. */
  step(): E.Either<string, Rewritten> | null {
    if (this.done !== null) return this.done;
    if (this.groups === null) {
      const fault = this.gap();
      if (fault !== null) return this.failed(fault);
      this.groups = this.grouped();
    } else if (this.nextGroup < this.groups.length) {
      const fault = this.compactGroup(this.groups[this.nextGroup++] as Group);
      if (fault !== null) return this.failed(fault);
    } else if (this.replay === null) {
      this.replay = new LogReplay(this.folded, this.compactedRest());
    } else if (!this.replay.step()) {
      return null;
    } else {
      this.done = this.finished(this.replay);
    }
    return this.done;
  }

  private failed(fault: string): E.Either<string, Rewritten> {
    this.done = E.left(fault);
    return this.done;
  }

  /** What is wrong with the log, and on the way, which entry is at the cut. */
  private gap(): string | null {
    let expected = this.plan.head + 1;
    for (let i = this.entries.length - 1; i >= 0; i--) {
      const { version } = this.entries[i] as ServerEntry;
      if (version !== --expected) return `the log has entry ${version} where ${expected} was expected`;
      if (version !== this.plan.cut) continue;
      this.atCut = i;
      return null;
    }
    return this.plan.cut === 0 && expected === 1 ? null : `the log has no entry ${this.plan.cut}`;
  }

  /** In the order of a snapshot; at least one. */
  private grouped(): Group[] {
    const groups: Group[] = [];
    const most = Math.max(GROUP, 4 * this.schema.length);
    let objects: (readonly Located[])[] = [];
    let size = 0;
    for (const table of [...this.tables.keys()].sort(compareStrings)) {
      const present = this.tables.get(table) as Map<string, Located[]>;
      for (const key of [...present.keys()].sort(compareStrings)) {
        const object = present.get(key) as Located[];
        if (size > 0 && size + object.length > most) {
          groups.push({ objects });
          objects = [];
          size = 0;
        }
        objects.push(object);
        size += object.length;
      }
    }
    if (size > 0 || groups.length === 0) groups.push({ objects });
    return groups;
  }

  /** What the log says of a group: its entries, with their positions. Empty ones are left out, but for that at the cut. */
  private historyOf(group: Group): { readonly positions: number[]; readonly history: Changeset[] } {
    const located = [this.schema, ...group.objects].flat().sort((a, b) => a.at - b.at);
    const contents = new Map<number, Instruction[]>();
    for (const { position, instruction } of located) {
      const content = contents.get(position);
      if (content === undefined) contents.set(position, [instruction]);
      else content.push(instruction);
    }
    if (this.atCut >= 0 && !contents.has(this.atCut)) contents.set(this.atCut, []);
    const positions = [...contents.keys()].sort((a, b) => a - b);
    const history = positions.map((position) => {
      const { version, base, timestamp, origin } = this.entries[position] as ServerEntry;
      return { version, base, timestamp, origin, instructions: contents.get(position) as Instruction[] };
    });
    return { positions, history };
  }

  private compactGroup(group: Group): string | null {
    const { positions, history } = this.historyOf(group);
    const { cut } = this.plan;
    let from: State = emptyState;
    for (let start = 0; start < history.length; ) {
      const end = endOfWindow(history, start, cut);
      const part = history.slice(start, end);
      const horizon = (part[0] as Changeset).version <= cut ? cut : 0;
      const compacted = compact(part, { horizon, from });
      if (E.isLeft(compacted)) return `the log cannot be replayed: ${compacted.left.message}`;
      const { history: after, certificate } = compacted.right;
      const [finding] = verifyCompaction(part, after, certificate, { from });
      if (finding !== undefined) return `the compaction does not hold: ${finding.message}`;
      const folds = horizon > 0 ? 1 : 0;
      if (folds === 1) this.fold(after[0] as Changeset);
      const dropped = part.length - (after.length - folds);
      for (let i = folds; i < after.length; i++) {
        const at = start + dropped + i - folds;
        const position = positions[at] as number;
        const { instructions } = after[i] as Changeset;
        const contents = this.contents.get(position);
        if (contents === undefined) this.contents.set(position, [instructions]);
        else contents.push(instructions);
        if (instructions !== (history[at] as Changeset).instructions) this.changed.add(position);
      }
      if (end < history.length) from = stateAfter(from, part);
      start = end;
    }
    return null;
  }

  /** Every group builds the schema; once is enough. */
  private fold({ instructions }: Changeset): void {
    const isFirst = this.folded.length === 0;
    for (const instruction of instructions)
      if (isFirst || 'object' in instruction) this.folded.push(instruction);
  }

  /** Every entry above the cut with what is left of it, in order; those that lost nothing as they were. */
  private compactedRest(): Changeset[] {
    const rest: Changeset[] = [];
    this.entries.forEach((entry, i) => {
      if (entry.version <= this.plan.cut) return;
      rest.push(
        this.changed.has(i)
          ? {
              version: entry.version,
              base: entry.base,
              timestamp: entry.timestamp,
              origin: entry.origin,
              instructions: joined(this.contents.get(i) as (readonly Instruction[])[]),
            }
          : entry,
      );
    });
    return rest;
  }

  private finished({ atCut, atHead, rest, failure }: LogReplay): E.Either<string, Rewritten> {
    const { plan, entries } = this;
    if (failure !== null) return E.left(`the compacted log cannot be replayed: ${failure}`);
    const digestAtHead = digest(atHead);
    if (digestAtHead !== digest(plan.state)) return E.left('the compacted log leads to another state');
    const isFolded = plan.cut > 0;
    if (this.folded.length > limits.changesetInstructions)
      return E.left(
        `the state at ${plan.cut} is too large for a snapshot: ${this.folded.length} instructions`,
      );
    const chunks = isFolded ? this.chunks() : [];
    const changed: RewrittenEntry[] = [];
    const first = entries.length - rest.length;
    rest.forEach((changeset, i) => {
      const before = entries[first + i] as ServerEntry;
      if (changeset === before) return;
      changed.push({ changeset, bytes: encodeChangeset(changeset), replaces: before.bytes });
    });
    const before = { changesets: entries.length, instructions: this.count, bytes: bytesOf(entries) };
    const prefix = entries.slice(0, first);
    let instructions = this.folded.length;
    for (const changeset of rest) instructions += changeset.instructions.length;
    let restBytes = before.bytes - bytesOf(prefix);
    for (const entry of changed) restBytes += entry.bytes.length - entry.replaces;
    const whole = isFolded ? encodeChangeset(this.snapshotAt(plan.cut, this.folded)).length : 0;
    return E.right({
      plan,
      snapshot: chunks,
      changed,
      bytes: restBytes + chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0),
      certificate: {
        first: entries[0]?.version ?? 0,
        head: plan.head,
        cut: plan.cut,
        before,
        after: {
          changesets: rest.length + (isFolded ? 1 : 0),
          instructions,
          bytes: restBytes + whole,
        },
        digestAtCut: digest(atCut),
        digestAtHead,
        safeFrom: plan.cut,
        expires: [],
      },
    });
  }

  private snapshotAt(version: number, instructions: readonly Instruction[]): Changeset {
    let timestamp = 0;
    for (const entry of this.entries) {
      if (entry.version > this.plan.cut) break;
      timestamp = Math.max(timestamp, entry.timestamp);
    }
    return { version, base: 0, timestamp, origin: serverIdent, instructions };
  }

  /** The snapshot in pieces, the last one at the cut. */
  private chunks(): RewrittenEntry[] {
    const { cut } = this.plan;
    const changesetOf = (instructions: readonly Instruction[]): Changeset =>
      this.snapshotAt(cut, instructions);
    let bodies = chunked(this.folded, changesetOf);
    if (bodies.length > cut) {
      // Few versions for a large state: they take as much as it needs.
      const each = Math.ceil(this.folded.length / cut);
      bodies = Array.from({ length: cut }, (_, i) =>
        changesetOf(this.folded.slice(i * each, (i + 1) * each)),
      );
    }
    return bodies.map((changeset, i) => {
      const placed = { ...changeset, version: cut - bodies.length + 1 + i };
      return { changeset: placed, bytes: encodeChangeset(placed), replaces: 0 };
    });
  }
}

/** Where a part ends that starts at `start`: behind the cut, and once it has the instructions of a slice above it. */
const endOfWindow = (history: readonly Changeset[], start: number, cut: number): number => {
  let size = 0;
  for (let i = start; i < history.length; i++) {
    const { version, instructions } = history[i] as Changeset;
    if (version <= cut) continue;
    if (size > 0 && size + instructions.length > WINDOW) return i;
    size += instructions.length;
  }
  return history.length;
};

/** The history has been replayed before, so it can be. */
const stateAfter = (from: State, history: readonly Changeset[]): State => {
  const draft = edit(from);
  for (const { instructions } of history) for (const instruction of instructions) draft.apply(instruction);
  return draft.finish();
};

/** What groups say of one changeset. Each has all that concerns the schema, which divides the rest. */
const joined = (contents: readonly (readonly Instruction[])[]): Instruction[] => {
  const result: Instruction[] = [];
  const places = contents.map(() => 0);
  for (let isMore = true; isMore; ) {
    isMore = false;
    let schema: Instruction | null = null;
    contents.forEach((instructions, i) => {
      for (let at = places[i] as number; ; at++) {
        const instruction = instructions[at];
        places[i] = at + 1;
        if (instruction === undefined) return;
        if ('object' in instruction) result.push(instruction);
        else {
          schema = instruction;
          return;
        }
      }
    });
    if (schema === null) continue;
    result.push(schema);
    isMore = true;
  }
  return result;
};

const bytesOf = (entries: readonly ServerEntry[]): number =>
  entries.reduce((sum, entry) => sum + entry.bytes, 0);

/** At least one changeset; each of no more bytes than a download has, unless it is a single instruction. */
export const chunked = (
  instructions: readonly Instruction[],
  changesetOf: (instructions: readonly Instruction[]) => Changeset,
): Changeset[] => {
  const changeset = changesetOf(instructions);
  const { length } = instructions;
  if (
    length <= 1 ||
    (length <= limits.snapshotChunk && encodeChangeset(changeset).length <= limits.downloadBytes)
  )
    return [changeset];
  const middle = length >>> 1;
  return [
    ...chunked(instructions.slice(0, middle), changesetOf),
    ...chunked(instructions.slice(middle), changesetOf),
  ];
};

/**
 * A server's log in the form that certificates speak of: what stands for everything up to `cut` in one
 * changeset. `log` are all entries.
 */
export const joinedLog = (log: readonly Changeset[], cut: number): readonly Changeset[] => {
  const chunks = log.filter(({ version }) => version <= cut);
  const last = chunks[chunks.length - 1];
  if (last === undefined) return log;
  const { version, base, timestamp, origin } = last;
  const instructions = chunks.flatMap((chunk) => chunk.instructions);
  return [{ version, base, timestamp, origin, instructions }, ...log.slice(chunks.length)];
};
