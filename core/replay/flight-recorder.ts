/**
 * The flight recorder: takes down what machines are told, with its time and chance, and a digest of what they do
 * about it. Since machines are pure, that is all it takes to live through the same again (`replay.ts`).
 *
 * A recording is bounded: it has two segments, and when the second is full the first gives way. In each segment
 * every machine begins with a checkpoint, taken before its first step there. Checkpoints may take half of a
 * segment: machines that do not fit are left out of it, so that what is spent on checkpoints stays within what
 * is recorded of steps. A step that is larger than a quarter of a segment leaves a gap.
 *
 * Tokens are never recorded. Whatever goes wrong in here ends the recording, and nothing else.
 */
import type { Writer } from '../base/bytes.js';
import { limits } from '../base/limits.js';
import { forEach } from '../base/trie.js';
import { digest } from '../model/digest.js';
import type { State } from '../model/state.js';
import { PROTOCOL_VERSION } from '../protocol/version.js';
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
  /** Bytes of each of the two segments, with its head. */
  readonly segmentBytes: number;
  /** From here on a new segment, in the place of the older of the two. */
  begin(sequence: number): void;
  /** Takes the bytes, of whole entries, before it returns: they are written over afterwards. */
  append(bytes: Uint8Array): void;
  /** Makes what was taken as durable as it gets: something went wrong. */
  flush(): void;
}

/** Steps between two digests of the data; more where there are many objects, whose sum each of them takes. */
const STEPS_PER_DIGEST = 256;

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
  #used = 0;
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

  get #size(): number {
    return this.#sink.segmentBytes;
  }

  nextTrack(): number {
    return ++this.#tracks;
  }

  /** Bytes that are left for checkpoints in this segment. */
  get checkpointRoom(): number {
    return this.#size / 2 - this.#checkpoints;
  }

  isTooLarge(bytes: Uint8Array): boolean {
    return bytes.length > this.#size / 4;
  }

  entry(head: EntryHead, rest?: (to: Writer) => void): Uint8Array {
    return this.#writer.entry(this.#sequence, head, rest);
  }

  /** Whether there was room: else another segment is to begin. */
  append(bytes: Uint8Array, isCheckpoint = false): boolean {
    if (this.#used + bytes.length > this.#size) return false;
    this.#sink.append(bytes);
    this.#used += bytes.length;
    if (isCheckpoint) this.#checkpoints += bytes.length;
    return true;
  }

  rotate(): void {
    this.#sequence++;
    this.#used = segmentHeadBytes;
    this.#checkpoints = 0;
    this.#sink.begin(this.#sequence);
    const known = Object.entries(limits).map(([name, value]) => ({ name, value }));
    const about = { library: LIBRARY_VERSION, protocol: PROTOCOL_VERSION, limits: known };
    this.append(this.entry({ type: 'about', ...about }));
  }

  /** Runs `record`, whose failure is nobody's but this recording's. */
  guarded(record: () => void): void {
    if (this.failure !== null) return;
    try {
      record();
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error));
    }
  }

  flush(): void {
    this.guarded(() => this.#sink.flush());
  }
}

interface Taken<Machine, Event, Effect> {
  readonly before: Machine;
  readonly event: Event;
  readonly isMoreComing: boolean;
  readonly after: Step<Machine, Effect>;
}

/** One machine's part of a recording. Takes the machine's steps for it. */
export class Track<Machine, Event extends object, Recorded, Effect> {
  readonly #log: Log;
  readonly #subject: Subject<Machine, Event, Recorded, Effect>;
  readonly #kind: Kind;
  readonly #name: string;
  readonly #number: number;
  readonly #frames = new WeakMap<Event, Uint8Array>();
  #taken: Taken<Machine, Event, Effect>[] = [];
  /** The segment that has its checkpoint, or says that there is none. */
  #segment = 0;
  #isLeftOut = false;
  #sinceDigest = 0;

  constructor(log: Log, subject: Subject<Machine, Event, Recorded, Effect>, kind: Kind, name: string) {
    this.#log = log;
    this.#subject = subject;
    this.#kind = kind;
    this.#name = name;
    this.#number = log.nextTrack();
  }

  /** The frame that the event's message has come in: it need not be encoded again. */
  framed(event: Event, frame: Uint8Array): void {
    this.#frames.set(event, frame);
  }

  /** Takes a step that counts once it is kept. Throws what the machine throws. */
  attempt(before: Machine, event: Event, isMoreComing: boolean): Step<Machine, Effect> {
    let after: Step<Machine, Effect>;
    try {
      after = this.#subject.step(before, event, isMoreComing);
    } catch (error) {
      this.keep();
      this.#log.guarded(() => this.#threw(before, event, isMoreComing, error));
      this.#log.flush();
      throw error;
    }
    if (this.#log.failure === null) this.#taken.push({ before, event, isMoreComing, after });
    return after;
  }

  /** All steps since the last call count. */
  keep(): void {
    const taken = this.#taken;
    if (taken.length === 0) return;
    this.#taken = [];
    this.#log.guarded(() => {
      for (const each of taken) this.#record(each);
    });
  }

  /** None of them do. */
  drop(): void {
    this.#taken = [];
  }

  #record({ before, event, isMoreComing, after }: Taken<Machine, Event, Effect>): void {
    const digestOfStep = this.#subject.digest(after);
    const recorded = this.#subject.record(event, after, this.#frames.get(event) ?? null);
    const head = { type: 'step', track: this.#number, isMoreComing, digest: digestOfStep } as const;
    if (this.#append(before, head, recorded)) this.#digestNowAndThen(after.machine);
  }

  #threw(before: Machine, event: Event, isMoreComing: boolean, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const recorded = this.#subject.record(event, null, this.#frames.get(event) ?? null);
    this.#append(before, { type: 'threw', track: this.#number, isMoreComing, message }, recorded);
  }

  /** Whether it is there. */
  #append(before: Machine, head: EntryHead, recorded: Recorded): boolean {
    const log = this.#log;
    for (;;) {
      if (!this.#isBegun(before)) return false;
      const bytes = log.entry(head, (to) => this.#subject.recorded.write(to, recorded));
      if (log.isTooLarge(bytes)) {
        const reason = `a step of ${bytes.length} bytes is more than a quarter of a segment`;
        if (!log.append(log.entry({ type: 'gap', track: this.#number, reason }))) log.rotate();
        this.#segment = 0;
        return false;
      }
      if (log.append(bytes)) return true;
      log.rotate();
    }
  }

  /** Makes sure that there is a checkpoint in this segment; false where it has no room for one. */
  #isBegun(machine: Machine): boolean {
    const log = this.#log;
    log.begin();
    for (;;) {
      const room = log.checkpointRoom;
      if (this.#segment === log.sequence) return !this.#isLeftOut;
      const { kind, name, track } = { kind: this.#kind, name: this.#name, track: this.#number };
      let size = this.#subject.size(machine);
      if (size <= room) {
        const head = { type: 'checkpoint', track, kind, name } as const;
        const bytes = log.entry(head, (to) => this.#subject.machine.write(to, machine));
        size = bytes.length;
        if (size <= room) {
          if (!log.append(bytes, true)) {
            log.rotate();
            continue;
          }
          this.#segment = log.sequence;
          this.#isLeftOut = false;
          this.#sinceDigest = 0;
          return true;
        }
      }
      if (!log.append(log.entry({ type: 'leftOut', track, kind, name, bytes: size }))) {
        log.rotate();
        continue;
      }
      this.#segment = log.sequence;
      this.#isLeftOut = true;
      return false;
    }
  }

  #digestNowAndThen(machine: Machine): void {
    if (++this.#sinceDigest < STEPS_PER_DIGEST) return;
    const state = this.#subject.state(machine);
    if (this.#sinceDigest < objectsIn(state)) return;
    this.#sinceDigest = 0;
    const entry = this.#log.entry({ type: 'state', track: this.#number, digest: digest(state) });
    // Where it does not fit the checkpoint of the next segment says the same.
    this.#log.append(entry);
  }
}

export class ClientTrack extends Track<ClientSession, ClientEvent, RecordedClientEvent, ClientEffect> {
  /** In the place of `clientStep`. */
  take(session: ClientSession, event: ClientEvent, frame?: Uint8Array): ClientStep {
    if (frame !== undefined) this.framed(event, frame);
    const { machine, effects } = this.attempt(session, event, false);
    this.keep();
    return { session: machine, effects };
  }
}

/** `attempt` in the place of `serverStep`; then `keep` or `drop`. */
export type ServerTrack = Track<ServerMachine, ServerEvent, RecordedServerEvent, ServerEffect>;

/** What a client, a device or a server is given to be recorded. One may serve several. */
export class FlightRecorder {
  readonly #log: Log;

  constructor(sink: RecordingSink) {
    this.#log = new Log(sink);
  }

  /** A recording of nothing is one, too: for those that end it. */
  protected begin(): void {
    this.#log.guarded(() => this.#log.begin());
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
