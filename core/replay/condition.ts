/**
 * Conditions on steps, as a person writes them, and the search for the first step at which one holds.
 *
 *     phase=failed              the client is in that phase afterwards
 *     event=download            what came: an event, or a message, of that type
 *     effect=disconnect         what was done, or sent
 *     decision=U2               a merge decided by that rule
 *     code=212                  an error of that code came, was sent, or ended the session
 *     version>=7                of the client's file, or of the partition, afterwards
 *     Task["a"]                 the object exists afterwards
 *     Task["a"].title = "x"     the property has that value afterwards
 *     !…                        it does not
 *
 * Objects, properties and versions last: whoever looks for the first step at which they hold halves the
 * recording again and again, as long as they hold at its end and not at its beginning. The others come and go,
 * and every step is looked at.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { CreateObject, Update } from '../model/instruction.js';
import { parseInstruction } from '../model/notation.js';
import { read } from '../model/read.js';
import { hasObject } from '../model/state.js';
import { identical, isMarker } from '../model/value.js';
import type { Message } from '../protocol/messages.js';
import type { Replay, ReplayedStep } from './replay.js';

export interface Condition {
  readonly text: string;
  /** Whether it holds on once it holds, as a rule. */
  readonly isLasting: boolean;
  holds(step: ReplayedStep, replay: Replay): boolean;
}

const ofType = (message: Message | null, type: string): boolean => message?.type === type;

const messageIn = (step: ReplayedStep): Message | null =>
  step.type !== 'lost' && step.event.type === 'message' ? step.event.message : null;

const effectsOf = (step: ReplayedStep): readonly { readonly type: string; readonly message?: unknown }[] =>
  step.type === 'lost' ? [] : (step.after?.effects ?? []);

const messagesOut = (step: ReplayedStep): readonly Message[] =>
  step.type === 'lost' || step.after === null
    ? []
    : [...step.after.effects].flatMap((effect) => (effect.type === 'send' ? [effect.message] : []));

const hasCode = (message: Message | null, code: number): boolean =>
  message !== null && 'code' in message && message.code === code;

const failureCode = (step: ReplayedStep): number | null =>
  step.type === 'client' ? (step.after?.machine.failure?.code ?? null) : null;

const versionAfter = (step: ReplayedStep): number => {
  if (step.type === 'lost' || step.after === null) return 0;
  return step.type === 'client' ? step.after.machine.file.version : step.after.machine.partition.head;
};

const equals: Readonly<Record<string, (value: string) => Condition['holds']>> = {
  phase: (value) => (step) => step.type === 'client' && step.after?.machine.phase === value,
  event: (value) => (step) =>
    (step.type !== 'lost' && step.event.type === value) || ofType(messageIn(step), value),
  effect: (value) => (step) =>
    effectsOf(step).some(({ type }) => type === value) ||
    messagesOut(step).some((message) => ofType(message, value)),
  decision: (value) => (step, replay) => replay.decisions(step).some(({ rule }) => rule === value),
  code: (value) => (step) =>
    failureCode(step) === Number(value) ||
    hasCode(messageIn(step), Number(value)) ||
    messagesOut(step).some((message) => hasCode(message, Number(value))),
};

const expected =
  'phase=, event=, effect=, decision=, code=, version>=, an object such as Task["a"], or a property such as Task["a"].title = "x"';

const objectHolds =
  ({ table, object }: CreateObject): Condition['holds'] =>
  (step, replay) => {
    const state = replay.state(step);
    return state !== null && hasObject(state, table, object);
  };

const valueHolds =
  ({ table, object, field, path, value }: Update): Condition['holds'] =>
  (step, replay) => {
    const state = replay.state(step);
    if (state === null) return false;
    const found = read(state, table, object, field, path);
    if (found.kind === 'value') return identical(found.value, value);
    return typeof value === 'object' && value !== null && isMarker(value) && found.kind === value.type;
  };

const condition = (
  text: string,
  isNegated: boolean,
  isLasting: boolean,
  holds: Condition['holds'],
): Condition => ({
  text,
  isLasting,
  holds: (step, replay) => step.type !== 'lost' && holds(step, replay) !== isNegated,
});

/** Left with what is wrong with it, for people. */
export const parseCondition = (text: string): E.Either<string, Condition> => {
  const isNegated = text.startsWith('!');
  const bare = (isNegated ? text.slice(1) : text).trim();
  const [, name = '', value = ''] = /^([a-z]+)=(.+)$/.exec(bare) ?? [];
  const made = equals[name];
  if (made !== undefined) return E.right(condition(text, isNegated, false, made(value)));
  const version = /^version>=(\d+)$/.exec(bare)?.[1];
  if (version !== undefined)
    return E.right(condition(text, isNegated, true, (step) => versionAfter(step) >= Number(version)));
  const object = parseInstruction(`CreateObject ${bare}`);
  if (E.isRight(object) && object.right.kind === 'CreateObject')
    return E.right(condition(text, isNegated, true, objectHolds(object.right)));
  const update = parseInstruction(`Update ${bare}`);
  if (E.isRight(update) && update.right.kind === 'Update')
    return E.right(condition(text, isNegated, true, valueHolds(update.right)));
  return E.left(`${text}: expected ${expected}`);
};

/** Where something was looked for, and found. */
export interface Found {
  /** Null where it holds at no step. */
  readonly number: number | null;
  /** Steps at which it was asked for. */
  readonly looks: number;
}

/** The first of the steps, in ascending order of numbers, at which the condition holds. */
export const firstWhere = (
  replay: Replay,
  steps: readonly number[],
  { isLasting, holds }: Condition,
): Found => {
  let looks = 0;
  const holdsAt = (i: number): boolean => {
    looks++;
    return holds(replay.at(steps[i] as number), replay);
  };
  const last = steps.length - 1;
  if (isLasting && last > 0 && holdsAt(last) && !holdsAt(0)) {
    let low = 0;
    let high = last;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (holdsAt(middle)) high = middle;
      else low = middle;
    }
    return { number: steps[high] as number, looks };
  }
  for (let i = 0; i <= last; i++) if (holdsAt(i)) return { number: steps[i] as number, looks };
  return { number: null, looks };
};

/** The first step that is not as it was recorded, or that throws. */
export const firstBad = (replay: Replay): Found => {
  let looks = 0;
  for (const step of replay.steps()) {
    looks++;
    if (step.differences.length > 0 || (step.type !== 'lost' && step.threw !== null))
      return { number: step.number, looks };
  }
  return { number: null, looks };
};
