/** What a recording holds of machines and events, with other content in the place of the user's. */
import * as E from 'fp-ts/lib/Either.js';
import type { UploadPolicy } from '../access/upload-policy.js';
import { Reader, Writer } from '../base/bytes.js';
import type { RecordEntry } from '../base/record.js';
import { entriesOf, runOf } from '../base/run.js';
import { entries, set, type Trie } from '../base/trie.js';
import type { ClientFile } from '../history/client-file.js';
import type { RewrittenEntry } from '../history/log-rewrite.js';
import type { Partition } from '../history/partition.js';
import type { Changeset } from '../model/changeset.js';
import {
  decodeChangeset,
  decodeInstructions,
  encodeChangeset,
  encodeInstructions,
  unpack,
} from '../model/codec.js';
import type { Instruction } from '../model/instruction.js';
import { toInstructions } from '../model/snapshot.js';
import { emptyState, type State } from '../model/state.js';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from '../protocol/codec.js';
import type { ClientMessage, DamagedChangeset, ServerMessage } from '../protocol/messages.js';
import type { PendingReset, ResetCause } from '../reset/mode.js';
import type { ParkedWrite } from '../reset/parked.js';
import type { ClientSession, SessionFailure } from '../session/client-session.js';
import type { ServerMachine, ServerSession } from '../session/server-session.js';
import type { RecordedClientEvent } from './client-form.js';
import { accepted, applied, fileForm } from './data-form.js';
import type { RecordedServerEvent } from './server-form.js';

/** What becomes of the parts. All of them the same for the same. */
export interface Substitution {
  instruction(instruction: Instruction): Instruction;
  partition(name: string): string;
  /** Of a class or property. */
  name(name: string): string;
  salt(salt: number): number;
  /** A sentence. */
  note(text: string): string;
}

const mapped = <V>(trie: Trie<V>, change: (value: V) => V): Trie<V> => {
  let after = trie;
  for (const [key, value] of entries(trie)) after = set(after, key, change(value));
  return after;
};

export class Anonymizer {
  readonly #by: Substitution;
  readonly #changesets = new WeakMap<Changeset, Changeset>();
  readonly #writer = new Writer();

  constructor(by: Substitution) {
    this.#by = by;
  }

  #instructions(instructions: readonly Instruction[]): readonly Instruction[] {
    return instructions.map((instruction) => this.#by.instruction(instruction));
  }

  /** The same object for the same: whether a write's forms differ is a question of reference. */
  #changeset<C extends Changeset>(changeset: C): C {
    const known = this.#changesets.get(changeset);
    if (known !== undefined) return known as C;
    const made = { ...changeset, instructions: this.#instructions(changeset.instructions) };
    this.#changesets.set(changeset, made);
    return made;
  }

  #state(state: State): State {
    return applied(emptyState, this.#instructions(toInstructions(state)));
  }

  /** Bytes of a changeset; nothing of them where they are none. */
  #changesetBytes(bytes: Uint8Array): Uint8Array {
    const decoded = decodeChangeset(bytes);
    return E.isLeft(decoded) ? blank(bytes) : encodeChangeset(this.#changeset(unpack(decoded.right)));
  }

  #entry = (entry: RecordEntry): RecordEntry => ({ ...entry, bytes: this.#changesetBytes(entry.bytes) });

  #file(file: ClientFile): ClientFile {
    const { progress } = file;
    const latest = { ...progress.latest, salt: this.#by.salt(progress.latest.salt) };
    const writes = entriesOf(file.writes).map((write) => ({
      ...write,
      original: this.#changeset(write.original),
      current: this.#changeset(write.current),
    }));
    const base = this.#state(file.base);
    const made = {
      ...file,
      salt: this.#by.salt(file.salt),
      progress: { ...progress, latest },
      base,
      state: base,
      writes: runOf(writes),
    };
    // What base and writes come to is found out by reading it back.
    this.#writer.begin();
    fileForm.write(this.#writer, made);
    const { bytes, start, position } = this.#writer;
    return fileForm.read(new Reader(bytes.slice(start, position)));
  }

  #cause = (cause: ResetCause): ResetCause => ({ ...cause, message: this.#by.note(cause.message) });

  #pending = (pending: PendingReset): PendingReset => ({
    ...pending,
    cause: this.#cause(pending.cause),
    firstCause: this.#cause(pending.firstCause),
    fallback: pending.fallback === null ? null : this.#by.note(pending.fallback),
  });

  #failure = (failure: SessionFailure): SessionFailure => ({
    ...failure,
    message: this.#by.note(failure.message),
  });

  #parked = (write: ParkedWrite): ParkedWrite => ({
    ...write,
    instructions: write.instructions.map((part) => ({
      ...part,
      instruction: this.#by.instruction(part.instruction),
      reason: this.#by.note(part.reason),
    })),
  });

  client(session: ClientSession): ClientSession {
    const { config, failure, reset, asked, parked, file } = session;
    return {
      ...session,
      config: { ...config, partition: this.#by.partition(config.partition) },
      failure: failure === null ? null : this.#failure(failure),
      reset: reset === null ? null : this.#pending(reset),
      asked: asked === null ? null : this.#cause(asked),
      parked: parked.map(this.#parked),
      file: this.#file(file),
    };
  }

  #serverMessage(message: ServerMessage): ServerMessage {
    switch (message.type) {
      case 'ident':
        return { ...message, salt: this.#by.salt(message.salt) };
      case 'download':
        return {
          ...message,
          latest: { ...message.latest, salt: this.#by.salt(message.latest.salt) },
          changesets: message.changesets.map((changeset) => this.#changeset(changeset)),
        };
      case 'error':
        return { ...message, message: this.#by.note(message.message) };
      default:
        return message;
    }
  }

  #clientMessage(message: ClientMessage): ClientMessage {
    switch (message.type) {
      case 'bind':
        return { ...message, partition: this.#by.partition(message.partition) };
      case 'identify':
        return {
          ...message,
          salt: this.#by.salt(message.salt),
          latest: { ...message.latest, salt: this.#by.salt(message.latest.salt) },
        };
      case 'upload': {
        const { damaged, ...sound } = message;
        const changesets = message.changesets.map((changeset) => this.#changeset(changeset));
        if (damaged === undefined) return { ...sound, changesets };
        const undecodable = damaged.changesets.map(
          (each): DamagedChangeset => ({ ...each, body: blank(each.body) }),
        );
        return { ...sound, changesets, damaged: { ...damaged, changesets: undecodable } };
      }
      case 'clientError':
        return { ...message, message: this.#by.note(message.message) };
      default:
        return message;
    }
  }

  clientEvent(event: RecordedClientEvent): RecordedClientEvent {
    switch (event.type) {
      case 'message': {
        const message = accepted(decodeServerMessage(event.frame), 0);
        return { ...event, frame: encodeMessage(this.#serverMessage(message)) };
      }
      case 'write': {
        const instructions = accepted(decodeInstructions(event.instructions.subarray(event.skipped)), 0);
        return { ...event, skipped: 0, instructions: encodeInstructions(this.#instructions(instructions)) };
      }
      case 'switched':
        return { ...event, file: this.#file(event.file), parked: event.parked.map(this.#parked) };
      case 'closed':
      case 'resetFailed':
        return { ...event, reason: this.#by.note(event.reason) };
      case 'garbage':
        return { ...event, message: this.#by.note(event.message) };
      default:
        return event;
    }
  }

  #partition(partition: Partition): Partition {
    return {
      ...partition,
      salts: partition.salts.map(({ from, salt }) => ({ from, salt: this.#by.salt(salt) })),
      salt: this.#by.salt(partition.salt),
      files: mapped(partition.files, (file) => ({ ...file, salt: this.#by.salt(file.salt) })),
      tail: runOf(entriesOf(partition.tail).map((entry) => this.#changeset(entry))),
      state: this.#state(partition.state),
    };
  }

  #session = (session: ServerSession): ServerSession => ({
    ...session,
    reciprocals: new Map([...session.reciprocals].map(([version, form]) => [version, this.#changeset(form)])),
    queue: session.queue.map((upload) => this.#clientMessage(upload) as typeof upload),
  });

  #policy = (policy: UploadPolicy): UploadPolicy => ({
    ...policy,
    key: this.#by.name(policy.key),
    partition: this.#by.partition(policy.partition),
  });

  server(machine: ServerMachine): ServerMachine {
    const { policy } = machine.config;
    return {
      ...machine,
      config: policy === undefined ? machine.config : { ...machine.config, policy: this.#policy(policy) },
      partition: this.#partition(machine.partition),
      sessions: mapped(machine.sessions, this.#session),
      reads: mapped(machine.reads, (read) => ({ ...read, before: read.before.map(this.#entry) })),
    };
  }

  #rewritten = (entry: RewrittenEntry): RewrittenEntry => {
    const changeset = this.#changeset(entry.changeset);
    return { ...entry, changeset, bytes: encodeChangeset(changeset) };
  };

  serverEvent(event: RecordedServerEvent): RecordedServerEvent {
    switch (event.type) {
      case 'message': {
        const message = accepted(decodeClientMessage(event.frame), 0);
        const chance = this.#by.salt(event.chance);
        return { ...event, chance, frame: encodeMessage(this.#clientMessage(message)) };
      }
      case 'read':
        return { ...event, entries: event.entries.map(this.#entry) };
      case 'expelled':
        return { ...event, message: this.#by.note(event.message) };
      case 'refreshed':
        return { ...event, partition: this.#partition(event.partition) };
      case 'written': {
        const { instructions, records } = event.write;
        const puts = records.puts.map((put) => ({ ...put, bytes: blank(put.bytes) }));
        const write = { instructions: this.#instructions(instructions), records: { ...records, puts } };
        return { ...event, write };
      }
      case 'rewritten': {
        const { snapshot, changed, certificate } = event.rewritten;
        const unsaid = { digestAtCut: '0'.repeat(32), digestAtHead: '0'.repeat(32) };
        return {
          ...event,
          rewritten: {
            ...event.rewritten,
            snapshot: snapshot.map(this.#rewritten),
            changed: changed.map(this.#rewritten),
            certificate: { ...certificate, ...unsaid },
          },
        };
      }
      default:
        return event;
    }
  }
}

/** As many bytes, and no changeset. */
const blank = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.length).fill(0xff);
