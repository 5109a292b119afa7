/**
 * A line: one file's way to talk to its server, in messages. Behind it is a link of its own (`directLines`),
 * or its share of one that several files use (`SharedConnection`); the file does not know which.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  type ClientMessage,
  decodeServerMessage,
  encodeClientMessage,
  type ServerMessage,
} from '../../core/client.js';
import type { CloseReason, Connector } from '../ports.js';

/** As `Link`: no event comes from within a call. */
export interface Line {
  send(message: ClientMessage): void;
  /** Nothing is reported after it. */
  close(reason: CloseReason): void;
}

export interface LineEvents {
  opened(): void;
  /** `frame`: what it has come in; not to be written to. */
  message(message: ServerMessage, frame: Uint8Array): void;
  /** A frame that is no message. */
  garbage(why: string): void;
  closed(reason: CloseReason): void;
}

export interface Lines {
  /** `urgent`: now, whatever was learned of the server before. */
  connect(events: LineEvents, urgent: boolean): Line;
}

/** Each line on a link of its own. */
export const directLines = (connector: Connector): Lines => ({
  connect: (events) => {
    const link = connector.connect({
      opened: () => events.opened(),
      frame: (frame) => {
        const message = decodeServerMessage(frame);
        if (E.isLeft(message)) events.garbage(message.left.message);
        else events.message(message.right, frame);
      },
      closed: (reason) => events.closed(reason),
    });
    return {
      send: (message) => link.send(encodeClientMessage(message)),
      close: (reason) => link.close(reason),
    };
  },
});
