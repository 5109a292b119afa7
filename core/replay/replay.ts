/**
 * Replay: lives through a recording again, step by step, forward and back, and compares each step with what was
 * recorded of it.
 *
 * Machines are values, so going back is having kept them: some of them, from which those in between are reached
 * by a few steps. Where a step differs the replay goes on from where it has led here, and takes up what was
 * recorded again at the next checkpoint.
 */
import * as E from 'fp-ts/lib/Either.js';
import { Reader, Writer } from '../base/bytes.js';
import { answer } from '../base/decode-error.js';
import type { Decision } from '../merge/recorder.js';
import type { RuleSet } from '../merge/rule.js';
import { digest } from '../model/digest.js';
import type { State } from '../model/state.js';
import type { ClientEffect, ClientEvent, ClientSession } from '../session/client-session.js';
import type { ServerEffect, ServerEvent, ServerMachine } from '../session/server-session.js';
import type { EntryHead, Kind } from './entry.js';
import type { Form } from './form.js';
import type { RecordedEntry, Recording } from './recording.js';
import type { Step } from './subject.js';
import { type AnySubject, subjectsFor } from './subjects.js';

interface Common<Machine, Event, Effect> {
  /** From 1, over the whole recording. */
  readonly number: number;
  readonly track: number;
  readonly name: string;
  readonly before: Machine;
  readonly event: Event;
  readonly isMoreComing: boolean;
  /** Null where the machine has thrown. */
  readonly after: Step<Machine, Effect> | null;
  /** What the machine has thrown, here. */
  readonly threw: string | null;
  /** In what it is not as it was recorded; empty where all is the same. */
  readonly differences: readonly string[];
}

/** A step that could not be taken: `differences` says why. */
export interface LostStep {
  readonly type: 'lost';
  readonly number: number;
  readonly track: number;
  readonly name: string;
  readonly differences: readonly string[];
}

export type ReplayedStep =
  | (Common<ClientSession, ClientEvent, ClientEffect> & { readonly type: 'client' })
  | (Common<ServerMachine, ServerEvent, ServerEffect> & { readonly type: 'server' })
  | LostStep;

interface TrackState {
  readonly kind: Kind;
  readonly name: string;
  /** Null where it is not known, and why. */
  readonly machine: { readonly value: unknown } | null;
  readonly lost: string;
}

type Tracks = ReadonlyMap<number, TrackState>;

interface Keyframe {
  /** Of the step that comes next. */
  readonly number: number;
  /** The entry that comes next. */
  readonly at: number;
  readonly tracks: Tracks;
}

/** Steps from one kept machine to the next. */
const KEPT_EVERY = 64;

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What `read` gives, or why it gives nothing: a refusal, or a bug that damaged bytes have led to. */
const attempted = <T>(read: () => T): E.Either<string, T> => {
  try {
    return E.right(read());
  } catch (thrown) {
    try {
      return E.left((answer(thrown) as E.Left<{ readonly message: string }>).left.message);
    } catch (bug) {
      return E.left(textOf(bug));
    }
  }
};

const readWhole = <T>(form: Form<T>, bytes: Uint8Array): T => {
  const reader = new Reader(bytes);
  const value = form.read(reader);
  reader.end('an entry');
  return value;
};

const isStep = (head: EntryHead): boolean => head.type === 'step' || head.type === 'threw';

export interface ReplayOptions {
  /** Rule sets beside ours and the reference's, which recordings name. */
  readonly rules?: readonly RuleSet[];
}

export class Replay {
  readonly recording: Recording;
  /** Steps of the recording. */
  readonly length: number;
  readonly #subjects: Readonly<Record<Kind, AnySubject>>;
  readonly #writer = new Writer();
  /** Before step 64 k + 1, for each k. */
  readonly #keyframes: Keyframe[];
  /** Behind the step that was taken last. */
  #next: Keyframe;
  /** Entry of each step. */
  readonly #entries: readonly number[];

  constructor(recording: Recording, { rules = [] }: ReplayOptions = {}) {
    this.recording = recording;
    this.#subjects = subjectsFor(rules);
    const entries: number[] = [];
    recording.entries.forEach(({ head }, i) => {
      if (isStep(head)) entries.push(i);
    });
    this.#entries = entries;
    this.length = entries.length;
    this.#next = { number: 1, at: 0, tracks: new Map() };
    this.#keyframes = [this.#next];
  }

  /** One step; from 1 to `length`. Takes the steps from the last machine that was kept. */
  at(number: number): ReplayedStep {
    if (!Number.isInteger(number) || number < 1 || number > this.length)
      throw new RangeError(`step ${number}: there are steps 1 to ${this.length}`);
    const kept = Math.min(Math.floor((number - 1) / KEPT_EVERY), this.#keyframes.length - 1);
    let frame = this.#keyframes[kept] as Keyframe;
    if (this.#next.number <= number && this.#next.number > frame.number) frame = this.#next;
    for (;;) {
      if ((frame.number - 1) % KEPT_EVERY === 0) this.#keyframes[(frame.number - 1) / KEPT_EVERY] ??= frame;
      const { step, at, tracks } = this.#take(frame);
      frame = { number: frame.number + 1, at, tracks };
      this.#next = frame;
      if (step.number === number) return step;
    }
  }

  /** Machines that have steps, in the order of their first ones, with the numbers of their steps. */
  get machines(): ReadonlyMap<number, readonly number[]> {
    const machines = new Map<number, number[]>();
    this.#entries.forEach((entry, i) => {
      const { head } = this.recording.entries[entry] as RecordedEntry;
      if (!('track' in head)) return;
      const steps = machines.get(head.track);
      if (steps === undefined) machines.set(head.track, [i + 1]);
      else steps.push(i + 1);
    });
    return machines;
  }

  /** All steps in order, from number `from` on. */
  *steps(from = 1): Generator<ReplayedStep, void, undefined> {
    for (let number = from; number <= this.length; number++) yield this.at(number);
  }

  /** What merges decided in the step. */
  decisions(step: ReplayedStep): readonly Decision[] {
    if (step.type === 'lost' || step.after === null) return [];
    return this.#subjects[step.type].decisions(step.before, step.event, step.isMoreComing);
  }

  /** The data after the step; null where they are not known. */
  state(step: ReplayedStep): State | null {
    if (step.type === 'lost') return null;
    return this.#subjects[step.type].state(step.after === null ? step.before : step.after.machine);
  }

  /** Takes the entries up to the step that comes next, and that step. */
  #take({ number, at: from, tracks: before }: Keyframe): {
    readonly step: ReplayedStep;
    readonly at: number;
    readonly tracks: Tracks;
  } {
    const entries = this.recording.entries;
    const end = this.#entries[number - 1] as number;
    const tracks = new Map(before);
    const found: { readonly track: number; readonly text: string }[] = [];
    for (let i = from; i < end; i++) this.#between(entries[i] as RecordedEntry, tracks, found);
    const { head, rest } = entries[end] as RecordedEntry;
    if (head.type !== 'step' && head.type !== 'threw') throw new Error('bug: a step that is none');
    const { track } = head;
    const differences = found.filter((each) => each.track === track).map(({ text }) => text);
    const state = tracks.get(track);
    const name = state?.name ?? '';
    if (state === undefined || state.machine === null) {
      const why = state?.lost ?? 'no checkpoint comes before it';
      differences.push(`it cannot be taken: ${why}`);
      return { step: { type: 'lost', number, track, name, differences }, at: end + 1, tracks };
    }
    const subject = this.#subjects[state.kind];
    const machine = state.machine.value;
    const lost = (why: string): void => void tracks.set(track, { ...state, machine: null, lost: why });
    const event = attempted(() => subject.event(readWhole(subject.recorded, rest), machine));
    if (E.isLeft(event)) {
      differences.push(`its event cannot be read: ${event.left}`);
      lost(`step ${number} could not be taken`);
      return { step: { type: 'lost', number, track, name, differences }, at: end + 1, tracks };
    }
    let after: Step<unknown, unknown> | null = null;
    let threw: string | null = null;
    try {
      after = subject.step(machine, event.right, head.isMoreComing);
    } catch (error) {
      threw = textOf(error);
    }
    let at = end + 1;
    if (after === null) {
      lost(`step ${number} has thrown`);
      if (head.type === 'step') differences.push(`it throws, and did not: ${threw}`);
      else if (head.message !== threw) differences.push(`it has thrown something else: ${head.message}`);
    } else {
      tracks.set(track, { ...state, machine: { value: after.machine } });
      if (head.type === 'threw') differences.push(`it does not throw, and has: ${head.message}`);
      else {
        const found = this.#digestOf(subject, after, head.isDeep);
        if (found !== head.digest)
          differences.push(
            'its effects, or the phase and versions it leads to, are not those that were recorded',
          );
      }
      const next = entries[at]?.head;
      if (next?.type === 'state' && next.track === track) {
        at++;
        if (digest(subject.state(after.machine)) !== next.digest)
          differences.push('the data after it are not those that were recorded');
      }
    }
    const common = { number, track, name, before: machine, event: event.right, after, threw, differences };
    const step = { ...common, type: state.kind, isMoreComing: head.isMoreComing } as ReplayedStep;
    return { step, at, tracks };
  }

  /** Null where what was done cannot even be written down. */
  #digestOf(subject: AnySubject, after: Step<unknown, unknown>, isDeep: boolean): number | null {
    const made = attempted(() => subject.digest(after, isDeep));
    return E.isLeft(made) ? null : made.right;
  }

  /** An entry that is no step. */
  #between(
    { head, rest }: RecordedEntry,
    tracks: Map<number, TrackState>,
    found: { readonly track: number; readonly text: string }[],
  ): void {
    if (head.type === 'gap') {
      const state = tracks.get(head.track);
      if (state !== undefined) tracks.set(head.track, { ...state, machine: null, lost: head.reason });
    } else if (head.type === 'leftOut') {
      const { track, kind, name, bytes } = head;
      const lost = `its state of ${bytes} bytes is more than a checkpoint may have`;
      tracks.set(track, { kind, name, machine: null, lost });
    } else if (head.type === 'checkpoint') {
      const { track, kind, name } = head;
      const present = tracks.get(track)?.machine ?? null;
      const subject = this.#subjects[kind];
      const read = attempted(() => readWhole(subject.machine, rest));
      if (E.isLeft(read)) {
        tracks.set(track, { kind, name, machine: null, lost: `its checkpoint cannot be read: ${read.left}` });
        return;
      }
      if (present !== null && !this.#isAt(subject, present.value, rest))
        found.push({ track, text: 'what came before has not led to the checkpoint that was recorded' });
      tracks.set(track, { kind, name, machine: { value: read.right }, lost: '' });
    }
  }

  /** Whether the machine is that of the checkpoint, byte for byte. */
  #isAt(subject: AnySubject, machine: unknown, checkpoint: Uint8Array): boolean {
    const written = attempted(() => {
      this.#writer.begin();
      subject.machine.write(this.#writer, machine);
      const { bytes, start, position } = this.#writer;
      return bytes.subarray(start, position);
    });
    if (E.isLeft(written)) return false;
    const bytes = written.right;
    return bytes.length === checkpoint.length && bytes.every((byte, i) => byte === checkpoint[i]);
  }
}
