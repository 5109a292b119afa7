/**
 * The server of one subject of the transports benchmark, in a process of its own:
 *
 *     syncline            the server driver on a memory store, behind WebSocket and long-poll
 *     floor-ws            `ws` alone: sends each frame that comes to everybody else
 *     floor-ws-batched    the same, but that what comes within one turn of the event loop leaves as one frame
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { longPollListener, nodeHandler } from 'syncline/long-poll';
import { memoryServerStore } from 'syncline/memory';
import { type Server, startServer } from 'syncline/server';
import { webSocketListener } from 'syncline/websocket';
import { WebSocket, WebSocketServer } from 'ws';
import { answerCommands, usage } from './transports-control.js';

interface Ports {
  readonly webSocket: number;
  /** 0 where there is none. */
  readonly longPoll: number;
}

let server: Server | undefined;

const listenOurs = async (): Promise<Ports> => {
  const sockets = webSocketListener({ WebSocketServer });
  const polls = longPollListener();
  server = await startServer({ store: memoryServerStore(), listeners: [sockets, polls] });
  const http = createServer(nodeHandler(polls));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return { webSocket: sockets.port, longPoll: (http.address() as AddressInfo).port };
};

const listenFloor = async (isBatched: boolean): Promise<Ports> => {
  const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  const broadcast = (frame: Buffer, but: ReadonlySet<WebSocket>): void => {
    for (const socket of sockets.clients)
      if (!but.has(socket) && socket.readyState === WebSocket.OPEN) socket.send(frame);
  };
  let waiting: Buffer[] = [];
  let writers = new Set<WebSocket>();
  const flush = (): void => {
    broadcast(Buffer.concat(waiting), writers);
    waiting = [];
    writers = new Set();
  };
  sockets.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      if (!isBatched) broadcast(data, new Set([socket]));
      else {
        if (waiting.length === 0) setImmediate(flush);
        waiting.push(data);
        writers.add(socket);
      }
    });
  });
  await new Promise<void>((resolve) => sockets.once('listening', resolve));
  return { webSocket: (sockets.address() as AddressInfo).port, longPoll: 0 };
};

answerCommands({
  listen: (subject: string): Promise<Ports> =>
    subject === 'syncline' ? listenOurs() : listenFloor(subject === 'floor-ws-batched'),
  digest: (partition: string): Promise<string> | string => server?.digest(partition) ?? '',
  usage,
});
