/**
 * The flight recorder: takes down what machines are told, with its time and chance, and a digest of what they do
 * about it. Since machines are pure, that is all it takes to live through the same again (`replay.ts`).
 *
 * A recording is bounded: it has two segments, and when the second is full the first gives way. In each segment
 * every machine begins with a checkpoint, taken before its first step there. Checkpoints may take half of a
 * segment: machines that do not fit are left out of it, so that what is spent on checkpoints stays within what
 * is recorded of steps; their steps count as if they were recorded, and the next segment has room for them again. A step that is larger than a quarter of a segment leaves a gap.
 *
 * Tokens are never recorded. Whatever goes wrong in here ends the recording, and nothing else.
 */
import type { Writer } from '../base/bytes.js';
import { limits } from '../base/limits.js';
import { forEach } from '../base/trie.js';
import { digest } from '../model/digest.js';
import type { State } from '../model/state.js';
import { PROTOCOL_VERSION } from '../protocol/version.js';
import { clientStep } from '../session/client.js';
import type { ClientEffect, ClientEvent, ClientSession, ClientStep } from '../session/client-session.js';
import type { ServerEffect, ServerEvent, ServerMachine } from '../session/server-session.js';
import type { RecordedClientEvent } from './client-form.js';
import { clientSubject } from './client-subject.js';
import { segmentHeadBytes } from './container.js';
import type { EntryHead, Kind } from './entry.js';
import { EntryWriter } from './entry-writer.js';
import type { RecordedServerEvent } from './server-form.js';
import { serverSubject } from './server-subject.js';
import { noRules, type Step, type Subject } from './subject.js';
import { LIBRARY_VERSION } from './version.js';

/** Where the bytes go. No method throws for what the bytes are; what one throws ends the recording. */
export interface RecordingSink {
  /** Bytes of each of the two segments, with its head: `leastSegmentBytes` or more. */
  readonly segmentBytes: number;
  /** From here on a new segment, in the place of the older of the two. */
  begin(sequence: number): void;
  /** Entries begin to wait. They are appended when they are many, or when `write` is called. */
  waits(): void;
  /**
   * Takes the bytes in [start, end), of whole blocks, before it returns: they are written over afterwards. Four bytes
   * of 0 follow them in `bytes`: the end of a segment, until more comes.
   */
  append(bytes: Uint8Array, start: number, end: number): void;
  /** Makes what was taken as durable as it gets: something went wrong. */
  flush(): void;
}

/** What each segment begins with, the largest checkpoint and the largest step fit in a segment together from here on. */
export const leastSegmentBytes = 8192;

/** Steps from one deep digest of effects to the next. */
const STEPS_PER_DEEP_DIGEST = 64;

/** What a step without a frame is taken for, where it is not recorded. */
const SKIPPED_BYTES = 100;

/** Steps between two digests of the data; more where there are many objects, whose sum each of them takes. */
const STEPS_PER_DIGEST = 1024;
const STEPS_PER_OBJECT = 16;

/** Bytes that wait to be appended at most. */
const WAITING_BYTES = 64 * 1024;

const objectsIn = (state: State): number => {
  let count = 0;
  forEach(state.tables, (table) => {
    count += table.objects.size;
  });
  return count;
};

/** The entries of all tracks, in the order in which they come. */
class Log {
  readonly #sink: RecordingSink;
  readonly #writer = new EntryWriter();
  #sequence = 0;
  /** Bytes of this segment that were appended, and those of checkpoints. */
  #appended = 0;
  #checkpoints = 0;
  #tracks = 0;
  /** Why nothing is recorded any more. */
  failure: Error | null = null;

  constructor(sink: RecordingSink) {
    this.#sink = sink;
  }

  /** Makes sure that there is a segment, be it empty. */
  begin(): void {
    if (this.#sequence === 0) this.rotate();
  }

  get sequence(): number {
    return this.#sequence;
  }

  nextTrack(): number {
    return ++this.#tracks;
  }

  /** Bytes that are left for checkpoints in this segment. */
  get checkpointRoom(): number {
    return this.#sink.segmentBytes / 2 - this.#checkpoints;
  }

  isTooLarge(size: number): boolean {
    return size > this.#sink.segmentBytes / 4;
  }

  /** Makes an entry, which is dropped unless it is kept next, and answers its size. */
  entry(head: EntryHead, rest?: (to: Writer) => void): number {
    return this.#writer.entry(head, rest);
  }

  beginStep(track: number, isMoreComing: boolean, isDeep: boolean, digestOfStep: number): Writer {
    return this.#writer.beginStep(track, isMoreComing, isDeep, digestOfStep);
  }

  /** Ends the step that was begun, and answers its size. */
  end(): number {
    return this.#writer.finish();
  }

  /** Keeps the entry that was made last. Whether there was room: else another segment is to begin. */
  keep(): boolean {
    const writer = this.#writer;
    if (this.#appended + writer.lengthWithEntry > this.#sink.segmentBytes) return false;
    const isFirst = writer.length === 0;
    writer.keep();
    if (writer.length > WAITING_BYTES) this.write();
    else if (isFirst) this.#sink.waits();
    return true;
  }

  keepCheckpoint(size: number): boolean {
    const isKept = this.keep();
    if (isKept) this.#checkpoints += size;
    return isKept;
  }

  /** As if so many bytes had been recorded: whoever is left out of this segment has another chance in the next. */
  skip(bytes: number): void {
    this.#appended += bytes;
    if (this.#appended + this.#writer.length > this.#sink.segmentBytes) this.rotate();
  }

  rotate(): void {
    if (this.#sequence > 0) this.write();
    this.#sequence++;
    this.#appended = segmentHeadBytes;
    this.#checkpoints = 0;
    this.#sink.begin(this.#sequence);
    this.#writer.begin(this.#sequence);
    const known = Object.entries(limits).map(([name, value]) => ({ name, value }));
    const about = { library: LIBRARY_VERSION, protocol: PROTOCOL_VERSION, limits: known };
    this.entry({ type: 'about', ...about });
    this.keep();
  }

  /** Hands all that waits to the sink. */
  write(): void {
    const writer = this.#writer;
    const { length } = writer;
    if (length === 0) return;
    writer.end();
    this.#appended += length;
    this.#sink.append(writer.bytes, writer.start, writer.start + length);
    writer.begin(this.#sequence);
  }

  failed(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
  }

  /** Runs `record`, whose failure is nobody's but this recording's. */
  guarded(record: () => void): void {
    if (this.failure !== null) return;
    try {
      record();
    } catch (error) {
      this.failed(error);
    }
  }

  flush(): void {
    this.guarded(() => {
      this.write();
      this.#sink.flush();
    });
  }
}

interface Taken<Machine, Event, Effect> {
  readonly before: Machine;
  readonly event: Event;
  readonly isMoreComing: boolean;
  readonly after: Step<Machine, Effect>;
  readonly frame: Uint8Array | null;
}

/** Never added to. */
const nothing: never[] = [];

/** One machine's part of a recording. Takes the machine's steps for it. */
export class Track<Machine, Event extends object, Recorded, Effect> {
  readonly #log: Log;
  readonly #subject: Subject<Machine, Event, Recorded, Effect>;
  readonly #kind: Kind;
  readonly #name: string;
  readonly #number: number;
  #taken: Taken<Machine, Event, Effect>[] = nothing;
  /** The segment that has its checkpoint, or says that there is none. */
  #segment = 0;
  #isLeftOut = false;
  #sinceDigest = 0;
  #digestAfter = STEPS_PER_DIGEST;
  #sinceDeep = 0;

  constructor(log: Log, subject: Subject<Machine, Event, Recorded, Effect>, kind: Kind, name: string) {
    this.#log = log;
    this.#subject = subject;
    this.#kind = kind;
    this.#name = name;
    this.#number = log.nextTrack();
  }

  /**
   * Takes a step that counts once it is kept. Throws what the machine throws. `frame`: that which the event's message
   * has come in, where it is at hand: it need not be encoded again.
   */
  attempt(
    before: Machine,
    event: Event,
    isMoreComing: boolean,
    frame: Uint8Array | null = null,
  ): Step<Machine, Effect> {
    let after: Step<Machine, Effect>;
    try {
      after = this.#subject.step(before, event, isMoreComing);
    } catch (error) {
      this.keep();
      this.threw(before, event, isMoreComing, error, frame);
      throw error;
    }
    if (this.#log.failure === null) {
      const taken = { before, event, isMoreComing, after, frame };
      if (this.#taken.length === 0) this.#taken = [taken];
      else this.#taken.push(taken);
    }
    return after;
  }

  /** All steps since the last call count. */
  keep(): void {
    const taken = this.#taken;
    if (taken.length === 0) return;
    this.#taken = nothing;
    for (const { before, event, isMoreComing, after, frame } of taken)
      this.took(before, event, isMoreComing, after, frame);
  }

  /** None of them do. */
  drop(): void {
    this.#taken = nothing;
  }

  /** Takes down a step that counts. */
  protected took(
    before: Machine,
    event: Event,
    isMoreComing: boolean,
    after: Step<Machine, Effect>,
    frame: Uint8Array | null,
  ): void {
    const log = this.#log;
    if (log.failure !== null) return;
    try {
      this.#record(before, event, isMoreComing, after, frame);
    } catch (error) {
      log.failed(error);
    }
  }

  /** Takes down a step that the machine has thrown at, at once. */
  protected threw(
    before: Machine,
    event: Event,
    isMoreComing: boolean,
    error: unknown,
    frame: Uint8Array | null,
  ): void {
    this.#log.guarded(() => this.#recordThrow(before, event, isMoreComing, error, frame));
    this.#log.flush();
  }

  #record(
    before: Machine,
    event: Event,
    isMoreComing: boolean,
    after: Step<Machine, Effect>,
    frame: Uint8Array | null,
  ): void {
    const log = this.#log;
    const isDeep = this.#sinceDeep++ % STEPS_PER_DEEP_DIGEST === 0;
    const found = this.#subject.digest(after, isDeep);
    while (this.#isBegun(before)) {
      const to = log.beginStep(this.#number, isMoreComing, isDeep, found);
      this.#subject.write(to, event, after, frame);
      if (this.#isGap(log.end())) return;
      if (log.keep()) {
        this.#digestNowAndThen(after.machine);
        return;
      }
      log.rotate();
    }
    log.skip((frame?.length ?? 0) + SKIPPED_BYTES);
  }

  #recordThrow(
    before: Machine,
    event: Event,
    isMoreComing: boolean,
    error: unknown,
    frame: Uint8Array | null,
  ): void {
    const message = error instanceof Error ? error.message : String(error);
    const head = { type: 'threw', track: this.#number, isMoreComing, message } as const;
    const rest = (to: Writer): void => this.#subject.write(to, event, null, frame);
    const log = this.#log;
    while (this.#isBegun(before)) {
      if (this.#isGap(log.entry(head, rest)) || log.keep()) return;
      log.rotate();
    }
  }

  /** Whether the step is too large to be recorded: what comes behind it begins anew. */
  #isGap(size: number): boolean {
    const log = this.#log;
    if (!log.isTooLarge(size)) return false;
    const reason = `a step of ${size} bytes is more than a quarter of a segment`;
    log.entry({ type: 'gap', track: this.#number, reason });
    if (!log.keep()) log.rotate();
    this.#segment = 0;
    return true;
  }

  /** Makes sure that there is a checkpoint in this segment; false where it has no room for one. */
  #isBegun(machine: Machine): boolean {
    const log = this.#log;
    if (this.#segment === log.sequence && this.#segment > 0) return !this.#isLeftOut;
    log.begin();
    for (;;) {
      const room = log.checkpointRoom;
      const { kind, name, track } = { kind: this.#kind, name: this.#name, track: this.#number };
      let size = this.#subject.size(machine);
      if (size <= room) {
        const head = { type: 'checkpoint', track, kind, name } as const;
        size = log.entry(head, (to) => this.#subject.machine.write(to, machine));
        if (size <= room) {
          if (!log.keepCheckpoint(size)) {
            log.rotate();
            continue;
          }
          this.#segment = log.sequence;
          this.#isLeftOut = false;
          this.#sinceDigest = 0;
          return true;
        }
      }
      log.entry({ type: 'leftOut', track, kind, name, bytes: size });
      if (!log.keep()) {
        log.rotate();
        continue;
      }
      this.#segment = log.sequence;
      this.#isLeftOut = true;
      return false;
    }
  }

  #digestNowAndThen(machine: Machine): void {
    if (++this.#sinceDigest < this.#digestAfter) return;
    const state = this.#subject.state(machine);
    this.#sinceDigest = 0;
    this.#digestAfter = Math.max(STEPS_PER_DIGEST, STEPS_PER_OBJECT * objectsIn(state));
    this.#log.entry({ type: 'state', track: this.#number, digest: digest(state) });
    // Where it does not fit the checkpoint of the next segment says the same.
    this.#log.keep();
  }
}

export class ClientTrack extends Track<ClientSession, ClientEvent, RecordedClientEvent, ClientEffect> {
  /** In the place of `clientStep`: throws what that throws. `frame`: that of the event's message. */
  take(session: ClientSession, event: ClientEvent, frame: Uint8Array | null = null): ClientStep {
    let next: ClientStep;
    try {
      next = clientStep(session, event);
    } catch (error) {
      this.threw(session, event, false, error, frame);
      throw error;
    }
    this.took(session, event, false, { machine: next.session, effects: next.effects }, frame);
    return next;
  }
}

/** `attempt` in the place of `serverStep`; then `keep` or `drop`. */
export type ServerTrack = Track<ServerMachine, ServerEvent, RecordedServerEvent, ServerEffect>;

/** What a client, a device or a server is given to be recorded. One may serve several. */
export class FlightRecorder {
  readonly #log: Log;

  /** @throws RangeError where the segments of the sink are too small to hold anything. */
  constructor(sink: RecordingSink) {
    if (!(sink.segmentBytes >= leastSegmentBytes))
      throw new RangeError(`segments of ${sink.segmentBytes} bytes: expected ${leastSegmentBytes} or more`);
    this.#log = new Log(sink);
  }

  /** Hands all that waits to the sink. A recording of nothing is one, too. */
  protected write(): void {
    this.#log.guarded(() => {
      this.#log.begin();
      this.#log.write();
    });
  }

  /** As `write`, and makes it as durable as it gets. */
  flush(): void {
    this.#log.guarded(() => this.#log.begin());
    this.#log.flush();
  }

  /** Why it has stopped; null while it goes on. */
  get failure(): Error | null {
    return this.#log.failure;
  }

  /** For a client's driver. `name`: of its partition. */
  client(name: string): ClientTrack {
    return new ClientTrack(this.#log, clientSubject(noRules), 'client', name);
  }

  /** For a partition of a server. */
  server(name: string): ServerTrack {
    return new Track(this.#log, serverSubject(noRules), 'server', name);
  }
}
