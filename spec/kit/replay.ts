/**
 * Replaying one merge vector, under the reference's rules and under ours.
 *
 * Under `realm` everything must come out as it was recorded: both merged sides instruction for instruction,
 * in either role; the states at the end of both orders; failures of the transformation and of application,
 * by their kind.
 *
 * Under `syncline` the same is required, except that
 * - where the reference does not converge (`anomaly`), or takes two valid sequences for inconsistent, ours
 *   must merge, apply and converge;
 * - where the merge met a cell in which the rule sets differ and came out differently, it must converge,
 *   and the cell is reported, so that nothing differs unnoticed; the rest of the cells is shared, so
 *   nothing else can differ.
 */
import * as E from 'fp-ts/lib/Either.js';
import { columnsOf } from '../../core/merge/column-lookup.js';
import type { Decision } from '../../core/merge/recorder.js';
import type { ColumnLookup, RuleSet } from '../../core/merge/rule.js';
import { syncline } from '../../core/merge/rule-set.js';
import { type TransformError, type Transformed, transform } from '../../core/merge/transform.js';
import { isSchemaMismatch } from '../../core/merge/transform-error.js';
import { edit } from '../../core/model/apply.js';
import { realmApplyRules, synclineApplyRules } from '../../core/model/apply-rules.js';
import type { Changeset } from '../../core/model/changeset.js';
import type { Instruction, Update } from '../../core/model/instruction.js';
import { printInstruction } from '../../core/model/notation.js';
import { read } from '../../core/model/read.js';
import { toInstructions } from '../../core/model/snapshot.js';
import { emptyState, type State } from '../../core/model/state.js';
import { erased, objectValue } from '../../core/model/value.js';
import { contentsOf, schemaOf } from './contents.js';
import type { Contents } from './contents-text.js';
import { diff } from './diff.js';
import { marked } from './foreign.js';
import { decodeReference, encodeReference, type Positions } from './reference-codec.js';
import { applied, applyReasonOf, endInRealm, realmBy, reasonOf } from './reference-twin.js';
import type { Vector, VectorChangeset } from './vectors.js';

export interface Replay {
  /** What is wrong, with the lines that show it; empty where the vector passes. */
  readonly failures: readonly Failure[];
  /** Rules through which ours differs from what was recorded; empty almost always. */
  readonly differences: readonly string[];
}

export interface Failure {
  readonly what: string;
  readonly lines: readonly string[];
}

/** What merges: the engine's, or whatever is to be measured against the vectors. */
export type Merge = typeof transform;

/** Replays one vector completely. Never throws on a vector that is well formed. */
export const replay = (vector: Vector, merge: Merge = transform): Replay => {
  const replaying = new Replaying(vector, merge);
  replaying.run();
  return replaying;
};

class Replaying implements Replay {
  readonly failures: Failure[] = [];
  readonly differences: string[] = [];
  private readonly vector: Vector;
  private readonly positions: Positions = new WeakMap();

  private readonly merge: Merge;

  constructor(vector: Vector, merge: Merge) {
    this.vector = vector;
    this.merge = merge;
  }

  run(): void {
    const { vector } = this;
    this.same('decoded base', decodeReference(vector.baseEncoded), vector.base);
    const left = this.decoded('left', vector.left);
    const right = this.decoded('right', vector.right);
    const base = this.base();
    if (base === null) return;
    if (typeof base !== 'string') this.equal('schema of the base', schemaOf(base).sort(), vector.schema);
    this.asRecorded(left, right, base);
    if (vector.third !== null) this.third(this.decoded('third', vector.third), left, right, base);
    const ourBase = base === 'no state' ? base : converted(base);
    this.ours(ourBase, left, right);
    if (vector.third !== null && ourBase !== 'no state') this.oursThree(ourBase, left, right, vector.third);
  }

  /** `no state` where the vector was observed in the middle of a history. */
  private base(): State | 'no state' | null {
    const { base, left, right } = this.vector;
    const state = applied(emptyState, [{ instructions: base }], realmApplyRules);
    if (typeof state === 'string') {
      this.fail('the base cannot be applied', [state]);
      return null;
    }
    if (base.length > 0) return state;
    const whole = [left, right].every((side) => typeof applied(state, side, realmApplyRules) !== 'string');
    return whole ? state : 'no state';
  }

  /** The changesets as read from their binary forms, which must say the same. */
  private decoded(what: string, changesets: readonly VectorChangeset[]): Changeset[] {
    return changesets.map((changeset, i) => {
      const instructions = decodeReference(changeset.encoded, this.positions);
      this.same(`decoded ${what} ${i}`, instructions, changeset.instructions);
      this.same(
        `encoded and decoded ${what} ${i}`,
        decodeReference(encodeReference(instructions)),
        instructions,
      );
      return { ...changeset, instructions };
    });
  }

  private asRecorded(
    left: readonly Changeset[],
    right: readonly Changeset[],
    base: State | 'no state',
  ): void {
    const { merged, error, errorReversed } = this.vector;
    const rules = realmBy(this.positions);
    const result = this.merge(left, right, { rules });
    const reversed = this.merge(right, left, { rules });
    if (merged === null) {
      this.failed('realm', result, error);
      this.failed('realm, sides exchanged', reversed, errorReversed);
      return;
    }
    this.decoded('merged left', merged.left);
    this.decoded('merged right', merged.right);
    if (!this.merges('realm', result) || !this.merges('realm, sides exchanged', reversed)) return;
    this.sameSides('realm, merged left', result.right.left, merged.left);
    this.sameSides('realm, merged right', result.right.right, merged.right);
    if (merged.symmetric) {
      this.sameSides('realm, sides exchanged, merged left', reversed.right.right, merged.left);
      this.sameSides('realm, sides exchanged, merged right', reversed.right.left, merged.right);
    }
    if (base === 'no state') return;
    this.ends('realm, left first', endInRealm(base, [...left, ...result.right.right]), merged.end);
    this.ends('realm, right first', endInRealm(base, [...right, ...result.right.left]), merged.endRight);
  }

  private third(
    third: readonly Changeset[],
    left: readonly Changeset[],
    right: readonly Changeset[],
    base: State | 'no state',
  ): void {
    const { merged, thirdMerged, errorThree, associative } = this.vector;
    const ends = [
      [left, right, third],
      [left, third, right],
      [right, left, third],
      [right, third, left],
      [third, left, right],
      [third, right, left],
    ].map((order) => this.arriving(base, order));
    const broken = ends.some((end) => typeof end === 'string' && end.startsWith(NOT_MERGED));
    if (errorThree !== null && !broken) this.fail('realm: all orders of three merge', [errorThree]);
    if (associative) {
      const [first = '', ...others] = ends;
      for (const end of others)
        this.equal('realm: end of another order of three', [end].flat(), [first].flat());
    }
    if (merged === null || thirdMerged === null) return;
    const before = [...left, ...this.decoded('merged right', merged.right)];
    const result = this.merge(third, before, { rules: realmBy(this.positions) });
    this.decoded('merged third', thirdMerged.changesets);
    if (!this.merges('realm, third', result)) return;
    this.sameSides('realm, merged third', result.right.left, thirdMerged.changesets);
    if (base === 'no state') return;
    const end = endInRealm(base, [...before, ...result.right.left]);
    this.ends('realm, third', end, thirdMerged.end);
  }

  /** What the reference's server holds when the sides arrive in this order; or why it does not. */
  private arriving(base: State | 'no state', order: readonly (readonly Changeset[])[]): Contents | string {
    let history: readonly Changeset[] = [];
    for (const side of order) {
      const result = this.merge(side, history, { rules: realmBy(this.positions) });
      if (E.isLeft(result)) return `${NOT_MERGED} ${result.left.message}`;
      history = [...history, ...result.right.left];
    }
    return base === 'no state' ? [] : endInRealm(base, history);
  }

  private ours(base: State | 'no state', left: readonly Changeset[], right: readonly Changeset[]): void {
    const { merged, error, anomaly } = this.vector;
    const columns = base === 'no state' ? undefined : columnsOf(base);
    const [a, b] = base === 'no state' ? [left, right] : [marked(base, left), marked(base, right)];
    const result = this.merge(a, b, optionsWith(syncline, columns));
    if (error?.startsWith('Schema mismatch') === true) {
      this.failed('syncline', result, error);
      return;
    }
    const reversed = this.merge(b, a, optionsWith(syncline, columns));
    if (!this.merges('syncline', result) || !this.merges('syncline, sides exchanged', reversed)) return;
    this.sameSides('syncline, sides exchanged, left', reversed.right.right, result.right.left);
    this.sameSides('syncline, sides exchanged, right', reversed.right.left, result.right.right);
    const asRecorded =
      merged !== null &&
      sameText(texts(result.right.left), texts(merged.left)) &&
      sameText(texts(result.right.right), texts(merged.right));
    if (!asRecorded && anomaly === null && error === null) {
      const rule = this.firstDifference(a, b, columns);
      if (rule !== null) this.differences.push(rule);
      else if (merged !== null) {
        this.sameSides('syncline, merged left', result.right.left, merged.left);
        this.sameSides('syncline, merged right', result.right.right, merged.right);
      }
    }
    if (base === 'no state') return;
    const end = this.converges('syncline', base, this.sent(base, left), this.sent(base, right));
    if (
      end === null ||
      !asRecorded ||
      merged === null ||
      !merged.convergent ||
      typeof merged.end === 'string'
    )
      return;
    // The merge is as recorded and so is the end under the reference's application, which was checked: what
    // differs now is by our rules of application.
    if (!sameText(end, merged.end)) this.differences.push('application');
  }

  private oursThree(
    base: State,
    left: readonly Changeset[],
    right: readonly Changeset[],
    third: readonly Changeset[],
  ): void {
    const [a, b, c] = [this.sent(base, left), this.sent(base, right), this.sent(base, third)];
    const first = this.merge(a, b, optionsWith(syncline, columnsOf(base)));
    // The sides may disagree about the schema, and other failures have been reported.
    if (E.isRight(first)) this.converges('syncline, third', base, c, [...a, ...first.right.right]);
  }

  /** The changesets as our emitter would have sent them. */
  private sent(base: State, changesets: readonly Changeset[]): readonly Changeset[] {
    const plain = marked(base, changesets);
    if (typeof applied(base, plain, synclineApplyRules) !== 'string') return plain;
    return marked(base, withErasures(base, changesets));
  }

  /** Merged by our rules, applied by our rules, both orders must end alike. Answers the end. */
  private converges(
    what: string,
    base: State,
    left: readonly Changeset[],
    right: readonly Changeset[],
  ): Contents | null {
    const merged = this.merge(left, right, optionsWith(syncline, columnsOf(base)));
    if (E.isLeft(merged) && isSchemaMismatch(merged.left.reason)) return null;
    if (!this.merges(what, merged)) return null;
    const leftFirst = applied(base, [...left, ...merged.right.right], synclineApplyRules);
    const rightFirst = applied(base, [...right, ...merged.right.left], synclineApplyRules);
    if (typeof leftFirst === 'string') this.fail(`${what}: cannot be applied, left first`, [leftFirst]);
    if (typeof rightFirst === 'string') this.fail(`${what}: cannot be applied, right first`, [rightFirst]);
    if (typeof leftFirst === 'string' || typeof rightFirst === 'string') return null;
    const end = contentsOf(leftFirst);
    this.equal(`${what}: ends of the two orders`, contentsOf(rightFirst), end);
    return end;
  }

  /** The rule of the first decision that the two rule sets take differently; null where there is none. */
  private firstDifference(
    left: readonly Changeset[],
    right: readonly Changeset[],
    columns: ColumnLookup | undefined,
  ): string | null {
    const decisions = (rules: RuleSet): Decision[] => {
      const all: Decision[] = [];
      const recorder = { decided: (decision: Decision) => void all.push(decision) };
      this.merge(left, right, { ...optionsWith(rules, columns), recorder });
      return all;
    };
    const ours = decisions(syncline);
    const theirs = decisions(realmBy(this.positions));
    for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
      const a = ours[i];
      const b = theirs[i];
      if (a === undefined || b === undefined || decisionText(a) !== decisionText(b))
        return (a ?? b)?.rule ?? null;
    }
    return null;
  }

  private merges(
    what: string,
    result: E.Either<TransformError, Transformed>,
  ): result is E.Right<Transformed> {
    if (E.isRight(result)) return true;
    this.fail(`${what}: does not merge`, [result.left.message]);
    return false;
  }

  private failed(what: string, result: E.Either<TransformError, Transformed>, text: string | null): void {
    if (text === null) {
      this.merges(what, result);
      return;
    }
    const expected = reasonOf(text);
    if (E.isRight(result)) this.fail(`${what}: merges, but should fail`, [text]);
    else if (expected !== null && result.left.reason !== expected)
      this.fail(`${what}: fails for another reason`, [`- ${text}`, `+ ${result.left.message}`]);
  }

  private ends(what: string, end: Contents | string, recorded: Contents | string): void {
    if (typeof end === 'string') {
      if (typeof recorded !== 'string') this.fail(`${what}: cannot be applied`, [end]);
      else if (!end.startsWith(applyReasonOf(recorded) ?? ''))
        this.fail(`${what}: cannot be applied for another reason`, [`- ${recorded}`, `+ ${end}`]);
    } else if (typeof recorded === 'string')
      this.fail(`${what}: can be applied, but should fail`, [recorded]);
    else this.equal(`${what}: end`, end, recorded);
  }

  private sameSides(what: string, found: readonly Changeset[], expected: readonly Changeset[]): void {
    this.equal(what, texts(found), texts(expected));
  }

  private same(what: string, found: readonly Instruction[], expected: readonly Instruction[]): void {
    this.equal(what, found.map(printInstruction), expected.map(printInstruction));
  }

  private equal(what: string, found: readonly string[], expected: readonly string[]): void {
    if (!sameText(found, expected)) this.fail(what, diff(expected, found));
  }

  private fail(what: string, lines: readonly string[]): void {
    this.failures.push({ what, lines });
  }
}

const NOT_MERGED = 'not merged:';

const optionsWith = (rules: RuleSet, columns: ColumnLookup | undefined) =>
  columns === undefined ? { rules } : { rules, columns };

const sameText = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((line, i) => line === b[i]);

/** A line for each changeset and instruction. */
const texts = (changesets: readonly Changeset[]): string[] =>
  changesets.flatMap(({ version, timestamp, origin, instructions }) => [
    `changeset ${version} at ${timestamp} from ${origin}`,
    ...instructions.map((instruction) => `  ${printInstruction(instruction)}`),
  ]);

/** The same state under our rules of application. */
const converted = (state: State): State => {
  const ours = applied(emptyState, [{ instructions: toInstructions(state) }], synclineApplyRules);
  if (typeof ours === 'string') throw new Error(ours);
  return ours;
};

/**
 * The changesets with an erasure in front of each Update that replaces an embedded object in a dictionary.
 * The reference replaces it without; our emitter erases it first.
 */
const withErasures = (base: State, changesets: readonly Changeset[]): readonly Changeset[] => {
  const draft = edit(base, realmApplyRules);
  return changesets.map((changeset) => ({
    ...changeset,
    instructions: changeset.instructions.flatMap((instruction) => {
      const replaces = instruction.kind === 'Update' && replacesEntry(draft.state, instruction);
      draft.apply(instruction);
      return replaces ? [{ ...instruction, value: erased }, instruction] : [instruction];
    }),
  }));
};

const replacesEntry = (state: State, { table, object, field, path, value }: Update): boolean =>
  value === objectValue &&
  path.length > 0 &&
  read(state, table, object, field, path).kind === 'embedded' &&
  read(state, table, object, field, path.slice(0, -1)).kind === 'dictionary';

const decisionText = ({ rule, outcome, winner, loser, result, reason }: Decision): string =>
  [
    rule,
    outcome,
    reason,
    printInstruction(winner.instruction),
    printInstruction(loser.instruction),
    result === null ? '' : printInstruction(result),
  ].join(' | ');
