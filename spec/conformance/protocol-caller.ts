/** One end of a link, under the hands of a scenario that plays the client, message by message. */
import * as E from 'fp-ts/lib/Either.js';
import type { Changeset } from '../../core/model/changeset.js';
import { addTable } from '../../core/model/instruction.js';
import { decodeServerMessage, encodeMessage } from '../../core/protocol/codec.js';
import type { ClientMessage, Download, ServerIdent, ServerMessage } from '../../core/protocol/messages.js';
import type { CloseReason, Connector, Link } from '../../transports/ports.js';
import { holds, within } from './test.js';

type Named<Type extends ServerMessage['type']> = Extract<ServerMessage, { readonly type: Type }>;

export interface IdentifyAs {
  readonly ident: number;
  readonly salt: number;
  readonly serverVersion?: number;
  readonly uploadsOnly?: true;
}

/** A changeset that adds one class; every class is added once, so that it can be told from others. */
export const adding = (version: number, className: string, base = 0): Changeset => ({
  version,
  base,
  timestamp: 1,
  origin: 0,
  instructions: [addTable(className, { type: 'embedded' })],
});

export class ProtocolCaller {
  readonly #link: Link;
  readonly #patience: number;
  /** In order of arrival. */
  readonly heard: ServerMessage[] = [];
  /** Null while the link has not ended. */
  closed: CloseReason | null = null;
  #wake: () => void = () => undefined;
  /** What a frame that is no message said of itself. */
  #noise: string | null = null;

  /** `patience`: milliseconds to wait for an answer that is owed. */
  constructor(connector: Connector, patience: number) {
    this.#patience = patience;
    this.#link = connector.connect({
      opened: () => undefined,
      frame: (frame) => {
        const message = decodeServerMessage(frame);
        if (E.isRight(message)) this.heard.push(message.right);
        else this.#noise ??= message.left.message;
        this.#wake();
      },
      closed: (reason) => {
        this.closed = reason;
        this.#wake();
      },
    });
  }

  say(message: ClientMessage): this {
    this.#link.send(encodeMessage(message));
    return this;
  }

  /** Sends a frame as it is. */
  sendFrame(frame: Uint8Array): this {
    this.#link.send(frame);
    return this;
  }

  hangUp(): void {
    this.#link.close({ code: 'normal', message: 'the scenario is over' });
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    const waiting = async (): Promise<void> => {
      while (!condition())
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    };
    await within(what, waiting(), this.#patience);
    holds(`each frame is a message: ${this.#noise}`, this.#noise === null);
  }

  /** All messages of a type so far, of one session where one is given. */
  all<Type extends ServerMessage['type']>(type: Type, session?: number): readonly Named<Type>[] {
    const isNamed = (message: ServerMessage): message is Named<Type> => message.type === type;
    return this.heard
      .filter(isNamed)
      .filter((message) => session === undefined || message.session === session);
  }

  /** The first message of the type and session, now or when it comes. */
  async hears<Type extends ServerMessage['type']>(type: Type, session: number): Promise<Named<Type>> {
    await this.until(`${type} for session ${session}`, () => this.all(type, session).length > 0);
    const [message] = this.all(type, session);
    if (message === undefined) throw new Error(`no ${type} for session ${session}`);
    return message;
  }

  bind(session: number, partition: string, needIdent: boolean): this {
    return this.say({ type: 'bind', session, partition, token: '', needIdent });
  }

  /** Binds a new file, and answers what it was given. */
  async begin(session: number, partition: string): Promise<ServerIdent> {
    this.bind(session, partition, true);
    return this.hears('ident', session);
  }

  identify(session: number, { ident, salt, serverVersion = 0, uploadsOnly }: IdentifyAs): this {
    const position = { serverVersion, lastIntegratedClientVersion: 0 };
    return this.say({
      type: 'identify',
      session,
      ident,
      salt,
      latest: { version: 0, salt: 0 },
      download: position,
      ...(uploadsOnly === undefined ? {} : { uploadsOnly }),
    });
  }

  /** Binds a new file and identifies it. */
  async enter(session: number, partition: string): Promise<ServerIdent> {
    const given = await this.begin(session, partition);
    this.identify(session, given);
    return given;
  }

  upload(session: number, changesets: readonly Changeset[], lastIntegratedServerVersion = 0): this {
    const clientVersion = changesets.at(-1)?.version ?? 0;
    return this.say({
      type: 'upload',
      session,
      progress: { clientVersion, lastIntegratedServerVersion },
      lockedServerVersion: 0,
      changesets,
    });
  }

  /** Asks for a mark, and waits until it is answered: what the server had before is here then. */
  async mark(session: number, request: number): Promise<void> {
    this.say({ type: 'mark', session, request });
    await this.until(`mark ${request} of session ${session}`, () =>
      this.all('mark', session).some((mark) => mark.request === request),
    );
  }

  /** Waits until uploads of the session are acknowledged up to this version. */
  async acknowledged(session: number, clientVersion: number): Promise<void> {
    await this.until(`the acknowledgement of version ${clientVersion}`, () =>
      this.all('download', session).some(({ upload }) => upload.clientVersion >= clientVersion),
    );
  }

  /** What has come down, in order. */
  downloaded(session: number): readonly Changeset[] {
    return this.all('download', session).flatMap((download: Download) => download.changesets);
  }
}

/** Names of the classes that the changesets add, in order. */
export const classesOf = (changesets: readonly Changeset[]): readonly string[] =>
  changesets.flatMap(({ instructions }) =>
    instructions.flatMap((instruction) => (instruction.kind === 'AddTable' ? [instruction.table] : [])),
  );
