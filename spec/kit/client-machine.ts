/** One client machine under the hands of a test, which plays the server, the network and the time. */
import { newClientFile } from '../../core/history/client-file.js';
import { syncline } from '../../core/merge/rule-set.js';
import type { Changeset } from '../../core/model/changeset.js';
import { addTable } from '../../core/model/instruction.js';
import type { ClientMessage, Download, ServerMessage } from '../../core/protocol/messages.js';
import { clientStep } from '../../core/session/client.js';
import {
  type ClientEffect,
  type ClientEvent,
  type ClientSession,
  defaultTiming,
  newClientSession,
  type Timing,
} from '../../core/session/client-session.js';
import { build } from './worlds.js';

type Timeless<Event> = Event extends unknown ? Omit<Event, 'now'> : never;
type Sessionless<Message> = Message extends unknown ? Omit<Message, 'session'> : never;

export class Machine {
  session: ClientSession;
  now = 1_000_000;
  /** Of the last step. */
  effects: readonly ClientEffect[] = [];
  #tables = 0;

  constructor(timing: Partial<Timing> = {}, ident = 2) {
    const config = {
      partition: 'p',
      rules: syncline,
      explain: false,
      timing: { ...defaultTiming, ...timing },
    };
    this.session = newClientSession(config, { ...newClientFile, ident, salt: ident });
  }

  tell(event: Timeless<ClientEvent>): this {
    const next = clientStep(this.session, { ...event, now: this.now } as ClientEvent);
    this.session = next.session;
    this.effects = next.effects;
    return this;
  }

  /** A message of the server, for the present binding. */
  hear(message: Sessionless<ServerMessage>): this {
    const { number } = this.session;
    return this.tell({
      type: 'message',
      message: { ...message, session: number } as ServerMessage,
      chance: 0,
    });
  }

  get phase(): ClientSession['phase'] {
    return this.session.phase;
  }

  /** Types of the last step's effects, but for timers. */
  get did(): readonly string[] {
    return this.effects.flatMap((effect) => (effect.type === 'timer' ? [] : [effect.type]));
  }

  get sent(): readonly ClientMessage[] {
    return this.effects.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []));
  }

  /** Bound and caught up. */
  stream(): this {
    return this.tell({ type: 'resume' }).tell({ type: 'opened', token: 't' }).answerMark();
  }

  answerMark(): this {
    return this.hear({ type: 'mark', request: this.session.marks.sent });
  }

  write(): this {
    const instructions = [addTable(`T${this.#tables++}`, { type: 'embedded' })];
    const all = Array.from({ length: this.#tables }, (_, i) => addTable(`T${i}`, { type: 'embedded' }));
    return this.tell({ type: 'write', instructions, state: build(all) });
  }

  /** A download of what others wrote (one class each), with the acknowledgement of uploads up to `through`. */
  download(foreign: readonly string[] = [], through = 0, downloadableBytes = 0): this {
    const { progress } = this.session.file;
    const before = progress.download.serverVersion;
    const base = progress.download.lastIntegratedClientVersion;
    const changesets = foreign.map(
      (name, i): Changeset => ({
        version: before + i + 1,
        base,
        timestamp: 5,
        origin: 99,
        instructions: [addTable(name, { type: 'embedded' })],
      }),
    );
    const clientVersion = Math.max(through, progress.upload.clientVersion);
    const serverVersion = before + foreign.length + (through > 0 ? 1 : 0);
    const message: Omit<Download, 'session'> = {
      type: 'download',
      download: { serverVersion, lastIntegratedClientVersion: Math.max(base, through) },
      upload: { clientVersion, lastIntegratedServerVersion: progress.upload.lastIntegratedServerVersion },
      latest: { version: serverVersion, salt: 3 },
      downloadableBytes,
      changesets,
    };
    return this.hear(message);
  }

  /** The deadline comes, `late` milliseconds after its time. */
  wake(late = 0): this {
    this.now = (this.session.deadline ?? this.now) + late;
    return this.tell({ type: 'timer', chance: 0 });
  }
}
