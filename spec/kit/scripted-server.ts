/** A server that a test plays, message by message, behind a connector. */
import * as E from 'fp-ts/lib/Either.js';
import { decodeClientMessage, encodeMessage } from '../../core/protocol/codec.js';
import type { ClientMessage, ServerMessage } from '../../core/protocol/messages.js';
import type { CloseReason, Connector, Link, LinkEvents } from '../../transports/ports.js';

export interface ScriptedLink {
  readonly heard: readonly ClientMessage[];
  /** Why the client has closed it; null while it has not. */
  readonly closed: CloseReason | null;
  say(message: ServerMessage): void;
  noise(): void;
  end(reason: CloseReason): void;
}

export interface Script {
  /** A link is asked for: open it, or end it with the reason. `attempt` counts from 1. */
  readonly opening?: (attempt: number) => CloseReason | null;
  readonly heard?: (message: ClientMessage, link: ScriptedLink) => void;
}

class Scripted implements Link, ScriptedLink {
  readonly heard: ClientMessage[] = [];
  readonly bufferedBytes = 0;
  closed: CloseReason | null = null;
  readonly #events: LinkEvents;
  readonly #script: Script;
  #hasEnded = false;

  constructor(events: LinkEvents, script: Script) {
    this.#events = events;
    this.#script = script;
  }

  send(frame: Uint8Array): void {
    const message = decodeClientMessage(frame);
    if (E.isLeft(message)) throw new Error(message.left.message);
    this.heard.push(message.right);
    queueMicrotask(() => {
      if (!this.#hasEnded) this.#script.heard?.(message.right, this);
    });
  }

  close(reason: CloseReason): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.closed = reason;
    queueMicrotask(() => this.#events.closed(reason));
  }

  say(message: ServerMessage): void {
    if (!this.#hasEnded) this.#events.frame(encodeMessage(message));
  }

  noise(): void {
    if (!this.#hasEnded) this.#events.frame(Uint8Array.of(0xff));
  }

  end(reason: CloseReason): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#events.closed(reason);
  }

  open(): void {
    if (!this.#hasEnded) this.#events.opened();
  }
}

export class ScriptedServer implements Connector {
  readonly links: ScriptedLink[] = [];
  readonly #script: Script;

  constructor(script: Script = {}) {
    this.#script = script;
  }

  connect(events: LinkEvents): Link {
    const link = new Scripted(events, this.#script);
    this.links.push(link);
    const attempt = this.links.length;
    queueMicrotask(() => {
      const refusal = this.#script.opening?.(attempt) ?? null;
      if (refusal === null) link.open();
      else link.end(refusal);
    });
    return link;
  }
}

/** What an honest server says to a bind and a mark of a file that is up to date; nothing to anything else. */
export const courteous = (message: ClientMessage, link: ScriptedLink): void => {
  const { session } = message;
  if (message.type === 'bind' && message.needIdent) link.say({ type: 'ident', session, ident: 2, salt: 5 });
  if (message.type === 'mark') link.say({ type: 'mark', session, request: message.request });
  if (message.type === 'unbind') link.say({ type: 'unbound', session });
};
