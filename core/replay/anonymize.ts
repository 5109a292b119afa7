/**
 * Anonymizing: a recording of the same steps on other content, to be shared.
 *
 * Content is replaced in what comes in from outside: the first checkpoint of each machine, and its events. The
 * machines then step through that, and what they do is what is recorded. A step that was not reproduced when the
 * original was replayed is not reproduced in the result either.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Writer } from '../base/bytes.js';
import { Reader } from '../base/bytes.js';
import { answer, type DecodeError } from '../base/decode-error.js';
import type { RuleSet } from '../merge/rule.js';
import { digest } from '../model/digest.js';
import { Anonymizer, type Substitution } from './anonymized-data.js';
import { joinSegments } from './container.js';
import type { Kind } from './entry.js';
import { EntryWriter } from './entry-writer.js';
import type { Form } from './form.js';
import { Pseudonyms, Vocabulary } from './pseudonyms.js';
import type { RecordedEntry, Recording } from './recording.js';
import { Replay, type ReplayedStep } from './replay.js';
import type { Step } from './subject.js';
import { type AnySubject, subjectsFor } from './subjects.js';

export interface AnonymizeOptions {
  /** An integer from 1 to 2^53 - 1, drawn for this once. */
  readonly salt: number;
  /** Whether names of classes and properties are content, too. */
  readonly names?: boolean;
  readonly rules?: readonly RuleSet[];
}

export interface Anonymized {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The first step that does something else than the original; null where all go the same way. */
  readonly astray: number | null;
}

const SEQUENCE = 1;

const read = <T>(form: Form<T>, { rest }: RecordedEntry): T => form.read(new Reader(rest));

class Rewriting {
  readonly #subjects: Readonly<Record<Kind, AnySubject>>;
  readonly #anonymizer: Anonymizer;
  readonly #by: Substitution;
  readonly #writer = new EntryWriter();
  readonly #kinds = new Map<number, Kind>();
  /** Undefined where a track has none, or has lost it. */
  readonly #machines = new Map<number, unknown>();
  astray: number | null = null;

  constructor(subjects: Readonly<Record<Kind, AnySubject>>, by: Substitution) {
    this.#subjects = subjects;
    this.#by = by;
    this.#anonymizer = new Anonymizer(by);
    this.#writer.begin(SEQUENCE);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    const writer = this.#writer;
    writer.end();
    const { bytes, start, length } = writer;
    return joinSegments([{ sequence: SEQUENCE, blocks: bytes.subarray(start, start + length) }]);
  }

  #put(head: RecordedEntry['head'], rest?: (to: Writer) => void): void {
    this.#writer.entry(head, rest);
    this.#writer.keep();
  }

  #machine(kind: Kind, entry: RecordedEntry): unknown {
    const machine = read(this.#subjects[kind].machine, entry);
    return kind === 'client'
      ? this.#anonymizer.client(machine as Parameters<Anonymizer['client']>[0])
      : this.#anonymizer.server(machine as Parameters<Anonymizer['server']>[0]);
  }

  #event(kind: Kind, entry: RecordedEntry): unknown {
    const event = read(this.#subjects[kind].recorded, entry);
    return kind === 'client'
      ? this.#anonymizer.clientEvent(event as Parameters<Anonymizer['clientEvent']>[0])
      : this.#anonymizer.serverEvent(event as Parameters<Anonymizer['serverEvent']>[0]);
  }

  /** An entry that is no step. `isSame`: whether the last step's data were those that were recorded. */
  between(entry: RecordedEntry, isSame: boolean): void {
    const { head } = entry;
    switch (head.type) {
      case 'about':
        this.#put(head);
        return;
      case 'leftOut':
        this.#put({ ...head, name: this.#by.partition(head.name) });
        return;
      case 'gap':
        this.#machines.delete(head.track);
        this.#put(head);
        return;
      case 'state': {
        const kind = this.#kinds.get(head.track);
        const machine = this.#machines.get(head.track);
        if (kind === undefined || machine === undefined) return;
        const found = isSame ? digest(this.#subjects[kind].state(machine)) : 'another';
        this.#put({ ...head, digest: found });
        return;
      }
      case 'checkpoint': {
        const { kind, track } = head;
        this.#kinds.set(track, kind);
        const machine = this.#machines.get(track) ?? this.#machine(kind, entry);
        this.#machines.set(track, machine);
        const subject = this.#subjects[kind];
        this.#put({ ...head, name: this.#by.partition(head.name) }, (to) =>
          subject.machine.write(to, machine),
        );
        return;
      }
      default:
        throw new Error('bug: a step that is taken for something else');
    }
  }

  step(entry: RecordedEntry, original: ReplayedStep): void {
    const { head } = entry;
    if (head.type !== 'step' && head.type !== 'threw') throw new Error('bug: a step that is none');
    const { track } = head;
    const kind = this.#kinds.get(track);
    const machine = this.#machines.get(track);
    if (kind === undefined || machine === undefined || original.type === 'lost') {
      this.#machines.delete(track);
      return;
    }
    const subject = this.#subjects[kind];
    const recorded = this.#event(kind, entry);
    const event = subject.event(recorded, machine);
    const writeEvent = (to: Writer): void => subject.recorded.write(to, recorded);
    const { isMoreComing } = head;
    let after: Step<unknown, unknown> | null = null;
    let message = '';
    try {
      after = subject.step(machine, event, isMoreComing);
    } catch (error) {
      message = error instanceof Error ? error.message : String(error);
    }
    if (kindsOf(after) !== kindsOf(original.after)) this.astray ??= original.number;
    if (after === null) this.#machines.delete(track);
    else this.#machines.set(track, after.machine);
    if (head.type === 'threw' || after === null) {
      this.#put({ type: 'threw', track, isMoreComing, message }, writeEvent);
      return;
    }
    const isSame = original.differences.length === 0;
    const { isDeep } = head;
    const found = subject.digest(after, isDeep);
    this.#put(
      { type: 'step', track, isMoreComing, isDeep, digest: isSame ? found : (found ^ 1) >>> 0 },
      writeEvent,
    );
  }
}

/** What a step did, in kind. */
const kindsOf = (after: Step<unknown, unknown> | null): string => {
  if (after === null) return 'throws';
  const phase = (after.machine as { readonly phase?: string }).phase ?? '';
  const effects = after.effects as readonly {
    readonly type: string;
    readonly message?: { readonly type?: string };
    readonly decisions?: readonly { readonly rule: string; readonly outcome: string }[];
  }[];
  const kinds = effects.map(({ type, message, decisions }) => [
    type,
    typeof message === 'object' ? message.type : null,
    decisions?.map(({ rule, outcome }) => [rule, outcome]),
  ]);
  return JSON.stringify([phase, kinds]);
};

/** Left where the recording cannot be read. Takes a few times as long as replaying it. */
export const anonymized = (
  recording: Recording,
  { salt, names = false, rules = [] }: AnonymizeOptions,
): E.Either<DecodeError, Anonymized> => {
  const subjects = subjectsFor(rules);
  const walk = (by: Substitution): Rewriting => {
    const rewriting = new Rewriting(subjects, by);
    const replay = new Replay(recording, { rules });
    let number = 0;
    let last: ReplayedStep | null = null;
    for (const entry of recording.entries) {
      const { type } = entry.head;
      if (type === 'step' || type === 'threw') {
        last = replay.at(++number);
        rewriting.step(entry, last);
      } else rewriting.between(entry, last === null || last.differences.length === 0);
    }
    return rewriting;
  };
  try {
    const vocabulary = new Vocabulary();
    const same = <T>(value: T): T => value;
    walk({
      instruction: (each) => vocabulary.take(each),
      partition: same,
      name: same,
      salt: same,
      note: same,
    });
    const done = walk(new Pseudonyms(salt, vocabulary, names));
    return E.right({ bytes: done.bytes, astray: done.astray });
  } catch (thrown) {
    return answer(thrown);
  }
};
