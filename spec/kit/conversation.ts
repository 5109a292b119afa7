/**
 * Devices and one server, machines only: no driver, no link, no clock. Every message passes through the
 * codec and a queue per direction; whoever drives decides which queue moves next, who loses its
 * connection, and who crashes and starts again from its records. The production machines, step by step, in
 * any order: the smallest thing that can show a law of the whole.
 */
import * as E from 'fp-ts/lib/Either.js';
import { loadClientFile } from '../../core/history/client-records.js';
import { defaultMaxOffline } from '../../core/history/horizon.js';
import { LogRewrite, type Rewritten } from '../../core/history/log-rewrite.js';
import type { Partition } from '../../core/history/partition.js';
import { rewritePlan } from '../../core/history/rewrite-commit.js';
import { extended, loadPartition, openingSpaces, readEntries } from '../../core/history/server-records.js';
import { syncline } from '../../core/merge/rule-set.js';
import { digest } from '../../core/model/digest.js';
import type { Instruction } from '../../core/model/instruction.js';
import type { State } from '../../core/model/state.js';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from '../../core/protocol/codec.js';
import { isConnectionCode } from '../../core/protocol/errors.js';
import type { ClientMessage, ServerMessage } from '../../core/protocol/messages.js';
import { clientStep } from '../../core/session/client.js';
import {
  type ClientConfig,
  type ClientEffect,
  type ClientEvent,
  type ClientSession,
  defaultTiming,
  newClientSession,
} from '../../core/session/client-session.js';
import { type Connection, newConnection, route, withoutNumber } from '../../core/session/connection.js';
import { serverStep } from '../../core/session/server.js';
import { connectedFiles } from '../../core/session/server-retention.js';
import type {
  ServerConfig,
  ServerEffect,
  ServerEvent,
  ServerMachine,
} from '../../core/session/server-session.js';
import { newServerMachine } from '../../core/session/server-session.js';
import { Records } from '../../transports/stores/records.js';
import { pick, type Random } from './random.js';

const EVERYTHING = Number.MAX_SAFE_INTEGER;

type Timeless<Event> = Event extends unknown ? Omit<Event, 'now'> : never;

const orThrow = <L extends { readonly message: string }, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(either.left.message);
  return either.right;
};

export type Effect = ClientEffect | ServerEffect;

/** The event, with a message of its own that went through the codec once more. */
const copied = <Event extends ClientEvent | ServerEvent>(event: Event): Event => {
  if (event.type !== 'message') return { ...event };
  const bytes = encodeMessage(event.message);
  const message = 'connection' in event ? decodeClientMessage(bytes) : decodeServerMessage(bytes);
  return { ...event, message: orThrow<{ message: string }, unknown>(message) };
};

export class Device {
  readonly name: string;
  readonly records = new Records();
  readonly config: ClientConfig;
  session: ClientSession;
  /** Connection at the server; 0 for none. */
  connection = 0;
  readonly upward: Uint8Array[] = [];
  readonly downward: Uint8Array[] = [];
  readonly settled = new Map<number, string | null>();
  readonly failures: string[] = [];

  constructor(name: string, explain = false) {
    this.name = name;
    // At once, so that what the server may forget depends on nothing but the events.
    const acknowledgeEvery = 1;
    this.config = { partition: 'p', rules: syncline, explain, timing: defaultTiming, acknowledgeEvery };
    this.session = newClientSession(this.config, orThrow(loadClientFile([])));
  }

  get state(): State {
    return this.session.file.state;
  }
}

/** A connection that no machine stands behind: whoever drives says what it likes. */
export interface Stranger {
  /** 0 once the server has ended it. */
  connection: number;
  /** What the server has sent, oldest first; whoever drives may empty it. */
  readonly heard: ServerMessage[];
}

export class Conversation {
  readonly devices: readonly Device[];
  readonly records = new Records();
  readonly config: ServerConfig = { rules: syncline, explain: false, maxOffline: defaultMaxOffline };
  readonly random: Random;
  readonly notes: string[] = [];
  readonly strangers: Stranger[] = [];
  /** Called after each commit of the server. */
  onServerCommit: () => void = () => undefined;
  /** Sees each step of a machine before it counts: the step itself, and the same event taken once more. */
  onStep: (first: readonly Effect[], again: () => readonly Effect[]) => void = () => undefined;
  server: ServerMachine;
  now = 1_000_000;
  #connections = new Map<number, Connection>();
  #reads: { readonly id: number; readonly answer: () => void }[] = [];
  #drains: (() => void)[] = [];
  #rewrite: LogRewrite | null = null;
  #rewritten: Rewritten | null = null;
  #nextConnection = 1;

  constructor(random: Random, devices: number) {
    this.random = random;
    this.devices = Array.from({ length: devices }, (_, i) => new Device(String.fromCharCode(65 + i)));
    this.server = this.#loadServer();
  }

  #salt(): number {
    return 1 + this.random.int(1_000_000_000);
  }

  /** The partition as a server would find it that starts now. */
  stored(): Partition {
    const opened = orThrow(loadPartition(this.records.entries(openingSpaces), this.#salt()));
    const log = this.records.read('log', opened.snapshotVersion + 1, opened.head + 1, EVERYTHING);
    return orThrow(extended(opened, log));
  }

  #loadServer(): ServerMachine {
    return newServerMachine(this.config, this.stored());
  }

  /** Steps a device and performs what it decides. */
  tell(device: Device, event: Timeless<ClientEvent>): void {
    const { session } = device;
    const timed = { ...event, now: this.now } as ClientEvent;
    const next = clientStep(session, timed);
    this.onStep(next.effects, () => clientStep(session, copied(timed)).effects);
    device.session = next.session;
    for (const effect of next.effects) {
      switch (effect.type) {
        case 'commit':
          device.records.apply(effect.batch);
          break;
        case 'connect':
          this.#connect(device);
          break;
        case 'authorize':
          this.#opening.push(device);
          break;
        case 'disconnect':
          this.#forget(device);
          break;
        case 'send':
          device.upward.push(encodeMessage(effect.message));
          break;
        case 'settled':
          device.settled.set(effect.id, effect.failure?.name ?? null);
          break;
        case 'failed':
          device.failures.push(`${effect.failure.name}: ${effect.failure.message}`);
          break;
        default:
      }
    }
  }

  /** A local transaction that is already made: `instructions` lead to `state`. */
  write(device: Device, instructions: readonly Instruction[], state: State): void {
    if (instructions.length > 0) this.tell(device, { type: 'write', instructions, state });
  }

  #connect(device: Device): void {
    this.#forget(device);
    device.connection = this.#nextConnection++;
    this.#connections.set(device.connection, newConnection);
    this.#opening.push(device);
  }

  /** Devices whose link is about to open. */
  readonly #opening: Device[] = [];

  #forget(device: Device): void {
    const { connection } = device;
    device.connection = 0;
    device.upward.length = 0;
    device.downward.length = 0;
    const at = this.#opening.indexOf(device);
    if (at >= 0) this.#opening.splice(at, 1);
    if (connection === 0) return;
    this.#connections.delete(connection);
    this.#tellServer({ type: 'gone', connection });
  }

  #tellServer(event: Timeless<ServerEvent>): void {
    const machine = this.server;
    const timed = { ...event, now: this.now } as ServerEvent;
    const next = serverStep(machine, timed);
    this.onStep(next.effects, () => serverStep(machine, copied(timed)).effects);
    this.server = next.machine;
    for (const effect of next.effects) {
      switch (effect.type) {
        case 'commit':
          this.records.apply(effect.batch);
          this.onServerCommit();
          break;
        case 'send': {
          this.strangers.find((each) => each.connection === effect.connection)?.heard.push(effect.message);
          const device = this.devices.find((each) => each.connection === effect.connection);
          const { message } = effect;
          if (message.type === 'error' || message.type === 'unbound') {
            const connection = this.#connections.get(effect.connection);
            if (connection !== undefined)
              this.#connections.set(effect.connection, withoutNumber(connection, message.session));
          }
          device?.downward.push(encodeMessage(message));
          break;
        }
        case 'read': {
          const { id, range } = effect;
          const read = () =>
            this.records.read(range.space, range.from, range.to, effect.maxBytes ?? EVERYTHING);
          const answer = () => this.#tellServer({ type: 'read', id, entries: read() });
          this.#reads.push({ id, answer });
          break;
        }
        case 'drain': {
          const { connection, number } = effect;
          this.#drains.push(() => this.#tellServer({ type: 'drained', connection, number }));
          break;
        }
        case 'quarantined':
          this.notes.push(`quarantined ${effect.version} of ${effect.ident}: ${effect.message}`);
          break;
        default:
      }
    }
  }

  /** Servers hear of the passing of time now and then. */
  tick(): void {
    this.#tellServer({ type: 'tick' });
  }

  /**
   * One stage of a compaction that runs beside everything else: it is planned and the log is read; it is worked
   * out; it is committed, if that can be done still. Answers what the server then has by the last stage.
   */
  compactStep(): Rewritten | null {
    if (this.#rewritten !== null) {
      const rewritten = this.#rewritten;
      const { partition } = this.server;
      this.#rewritten = null;
      this.#tellServer({ type: 'rewritten', rewritten });
      return this.server.partition === partition ? null : rewritten;
    }
    if (this.#rewrite !== null) {
      for (let done = this.#rewrite.step(); ; done = this.#rewrite.step()) {
        if (done === null) continue;
        if (E.isLeft(done)) throw new Error(done.left);
        this.#rewritten = done.right;
        break;
      }
      this.#rewrite = null;
      return null;
    }
    const { partition } = this.server;
    if (partition.head === 0) return null;
    const plan = rewritePlan(partition, this.now, defaultMaxOffline, connectedFiles(this.server));
    this.#rewrite = new LogRewrite(plan);
    this.#rewrite.take(orThrow(readEntries(this.records.entries(['log']))));
    return null;
  }

  #deliverUp(device: Device): void {
    const frame = device.upward.shift();
    if (frame === undefined) return;
    const message = orThrow(decodeClientMessage(frame));
    const connection = this.#connections.get(device.connection);
    if (connection === undefined) return;
    const routed = route(connection, message);
    this.#connections.set(device.connection, routed.connection);
    if (routed.route.type === 'refuse') throw new Error(`refused: ${routed.route.message}`);
    if (routed.route.type === 'deliver')
      this.#tellServer({ type: 'message', connection: device.connection, message, chance: this.#salt() });
  }

  /** A connection of its own, open at once. */
  stranger(): Stranger {
    const stranger = { connection: this.#nextConnection++, heard: [] };
    this.#connections.set(stranger.connection, newConnection);
    this.strangers.push(stranger);
    return stranger;
  }

  /** The message passes through the codec, as everything does. What breaks the protocol ends the connection. */
  say(stranger: Stranger, said: ClientMessage): void {
    const connection = this.#connections.get(stranger.connection);
    if (connection === undefined) return;
    const message = orThrow(decodeClientMessage(encodeMessage(said)));
    const routed = route(connection, message);
    this.#connections.set(stranger.connection, routed.connection);
    if (routed.route.type === 'refuse') {
      this.hangUp(stranger);
      return;
    }
    if (routed.route.type === 'drop') return;
    const heard = stranger.heard.length;
    this.#tellServer({ type: 'message', connection: stranger.connection, message, chance: this.#salt() });
    const ends = stranger.heard
      .slice(heard)
      .some((answer) => answer.type === 'error' && isConnectionCode(answer.code));
    if (ends) this.hangUp(stranger);
  }

  hangUp(stranger: Stranger): void {
    const { connection } = stranger;
    if (connection === 0) return;
    stranger.connection = 0;
    this.#connections.delete(connection);
    this.#tellServer({ type: 'gone', connection });
  }

  #deliverDown(device: Device): void {
    const frame = device.downward.shift();
    if (frame === undefined) return;
    this.tell(device, { type: 'message', message: orThrow(decodeServerMessage(frame)), chance: 0 });
  }

  /** Everything that could happen next without anybody's doing: one of these is one step of the world. */
  moves(): (() => void)[] {
    const moves: (() => void)[] = [];
    for (const device of this.devices) {
      if (this.#opening.includes(device)) moves.push(() => this.#open(device));
      if (device.upward.length > 0 && !this.#opening.includes(device))
        moves.push(() => this.#deliverUp(device));
      if (device.downward.length > 0) moves.push(() => this.#deliverDown(device));
    }
    this.#drains.forEach((drain, i) => {
      moves.push(() => {
        this.#drains.splice(i, 1);
        drain();
      });
    });
    this.#reads.forEach((read, i) => {
      moves.push(() => {
        this.#reads.splice(i, 1);
        read.answer();
      });
    });
    return moves;
  }

  #open(device: Device): void {
    this.#opening.splice(this.#opening.indexOf(device), 1);
    this.tell(device, { type: 'opened', token: '' });
  }

  /** One random move; false if nothing can happen. */
  move(): boolean {
    const moves = this.moves();
    if (moves.length === 0) return false;
    this.now += 1 + this.random.int(3);
    pick(this.random, moves)();
    return true;
  }

  /** The link is lost with everything on its way. */
  disconnect(device: Device): void {
    if (device.connection === 0) return;
    this.#forget(device);
    this.tell(device, { type: 'closed', reason: 'lost', chance: 0 });
  }

  /** The device's process dies and starts again from its records. */
  crash(device: Device): void {
    this.#forget(device);
    device.session = newClientSession(device.config, orThrow(loadClientFile(device.records.entries())));
  }

  /** The server's process dies and starts again from its records: every link is lost. */
  crashServer(): void {
    this.#reads = [];
    this.#drains = [];
    this.#rewrite = null;
    this.#rewritten = null;
    for (const stranger of this.strangers) this.hangUp(stranger);
    for (const device of this.devices) this.disconnect(device);
    this.server = this.#loadServer();
  }

  /** A device that must not go on with its file takes a new one, as after a client reset without recovery. */
  begin(device: Device): void {
    this.#forget(device);
    const everything = device.records.entries();
    device.records.apply({
      deletes: everything.map(({ space, index }) => ({ space, from: index, to: index + 1 })),
      puts: [],
    });
    device.failures.length = 0;
    device.session = newClientSession(device.config, orThrow(loadClientFile([])));
  }

  /** Connects everybody and moves until nothing happens any more. Throws if that takes too long. */
  heal(limit = 100_000): void {
    for (const device of this.devices)
      if (device.session.phase !== 'failed') this.tell(device, { type: 'resume' });
    for (let i = 0; this.move(); i++)
      if (i > limit) throw new Error('the conversation does not come to rest');
  }

  /** Digests by name, of all devices and the server. */
  digests(): ReadonlyMap<string, string> {
    return new Map([
      ['server', digest(this.server.partition.state)],
      ...this.devices.map((device) => [device.name, digest(device.state)] as const),
    ]);
  }
}
