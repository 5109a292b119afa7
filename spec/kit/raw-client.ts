/** A client that says what a test wants, over a link of its own. */
import * as E from 'fp-ts/lib/Either.js';
import { decodeServerMessage, encodeMessage } from '../../core/protocol/codec.js';
import type { ClientMessage, ServerMessage } from '../../core/protocol/messages.js';
import type { CloseReason, Connector, Link } from '../../transports/ports.js';

export class RawClient {
  readonly link: Link;
  readonly heard: ServerMessage[] = [];
  reason: CloseReason | undefined;
  #wake: () => void = () => undefined;

  constructor(connector: Connector) {
    this.link = connector.connect({
      opened: () => undefined,
      frame: (frame) => {
        const message = decodeServerMessage(frame);
        if (E.isRight(message)) this.heard.push(message.right);
        this.#wake();
      },
      closed: (reason) => {
        this.reason = reason;
      },
    });
  }

  say(message: ClientMessage): void {
    this.link.send(encodeMessage(message));
  }

  /** Codes of the errors heard. */
  get codes(): number[] {
    return this.heard.flatMap((message) => (message.type === 'error' ? [message.code] : []));
  }

  /** One at a time; woken by each frame, so that thousands may wait. */
  async #hears(type: ServerMessage['type']): Promise<void> {
    while (!this.heard.some((message) => message.type === type))
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  /** Binds session 1 as a new file, and identifies itself as one that has nothing. */
  async enter(partition: string): Promise<void> {
    this.say({ type: 'bind', session: 1, partition, token: '', needIdent: true });
    await this.#hears('ident');
    const given = this.heard.find((message) => message.type === 'ident');
    if (given?.type !== 'ident') throw new Error('no ident was given');
    this.say({
      type: 'identify',
      session: 1,
      ident: given.ident,
      salt: given.salt,
      latest: { version: 0, salt: 0 },
      download: { serverVersion: 0, lastIntegratedClientVersion: 0 },
    });
    this.say({ type: 'mark', session: 1, request: 1 });
    await this.#hears('mark');
  }
}
