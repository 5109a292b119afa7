/** Listening in on links: each frame is decoded as it leaves its program. */
import * as E from 'fp-ts/lib/Either.js';
import { decodeClientMessage, decodeServerMessage } from '../../core/protocol/codec.js';
import type { Connector, Link, Listener } from '../../transports/ports.js';
import type { Observation } from './observation.js';

const sending = (link: Link, heard: (frame: Uint8Array) => void): Link => ({
  send: (frame) => {
    heard(frame);
    link.send(frame);
  },
  get bufferedBytes() {
    return link.bufferedBytes;
  },
  close: (reason) => link.close(reason),
});

export const tappedConnector = (
  inner: Connector,
  device: string,
  observe: (observation: Observation) => void,
): Connector => ({
  connect: (events) =>
    sending(inner.connect(events), (frame) => {
      const message = decodeClientMessage(frame);
      if (E.isLeft(message))
        observe({ type: 'fault', where: device, message: `sent ${message.left.message}` });
      else observe({ type: 'clientSent', device, message: message.right });
    }),
});

export const tappedListener = (
  inner: Listener,
  server: string,
  observe: (observation: Observation) => void,
): Listener => ({
  listen: (accept) =>
    inner.listen((link) =>
      accept(
        sending(link, (frame) => {
          const message = decodeServerMessage(frame);
          if (E.isLeft(message))
            observe({ type: 'fault', where: server, message: `sent ${message.left.message}` });
          else observe({ type: 'serverSent', server, message: message.right });
        }),
      ),
    ),
  close: () => inner.close(),
});
