/** A device with several files over real sockets that are cut, or that fall silent without an end. */
import { connect, createServer, type Server as NetServer, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import { WebSocket, WebSocketServer } from 'ws';
import { openDevice } from '../transports/client.js';
import { webSocketConnector } from '../transports/links/websocket.js';
import { webSocketListener } from '../transports/links/websocket-server.js';
import { startServer } from '../transports/server.js';
import { memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { eventually } from './kit/async.js';
import { add, nothingUnhandled, schema, soon } from './kit/driver-world.js';
import { suite } from './kit/suite.js';

/** Carries bytes between a device and a server, as long as it is let. */
class Wire {
  port = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: NetServer;

  constructor(target: () => number) {
    this.#server = createServer((near) => {
      const far = connect(target(), '127.0.0.1');
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.on('close', () => {
          this.#sockets.delete(socket);
          (socket === near ? far : near).destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address();
        this.port = typeof address === 'object' && address !== null ? address.port : 0;
        resolve();
      });
    });
  }

  /** Everything that is connected now hears nothing more, and no end either. */
  freeze(): void {
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

const partitions = ['a', 'b', 'c'];

const world = async (silence = 150) => {
  const listener = webSocketListener({ WebSocketServer, path: '/sync' });
  const server = await startServer({ store: memoryServerStore(), listeners: [listener] });
  const wire = new Wire(() => listener.port);
  await wire.listen();
  const timing = { retryFirst: 5, retryMost: 50, silence, patience: 150, urgency: 150 };
  const connector = webSocketConnector({ url: `ws://127.0.0.1:${wire.port}/sync`, WebSocket });
  const device = openDevice({ connector, timing });
  const clients = await Promise.all(
    partitions.map((partition) => device.open({ schema, store: memoryClientStore(), partition })),
  );
  const end = async (): Promise<void> => {
    await device.close();
    await server.close();
    await wire.close();
    await nothingUnhandled();
  };
  return { server, wire, device, clients, end };
};

const sockets = suite('a device over real sockets');

sockets('that are cut over and over loses nothing', async () => {
  const { server, wire, clients, end } = await world();
  for (let i = 0; i < 15; i++) {
    const receipts = clients.map(add);
    if (i % 3 === 0) wire.cut();
    await soon(`round ${i}`, Promise.all(receipts.map((receipt) => receipt.integrated())));
  }
  for (const [i, client] of clients.entries()) {
    assert.is(client.objects('Task').size, 15);
    assert.is(await server.digest(partitions[i] as string), client.digest());
  }
  await end();
});

sockets('that fall silent notices, and goes on with another', async () => {
  const { wire, clients, end } = await world();
  await Promise.all(clients.map((client) => client.session.waitForDownload()));
  wire.freeze();
  const receipts = clients.map(add);
  await soon('integrated', Promise.all(receipts.map((receipt) => receipt.integrated())));
  for (const client of clients) {
    const { links } = client.session.describe();
    assert.is(links.opened, 2);
    assert.match(String(links.lastReason), 'silent');
  }
  await end();
});

sockets('that fall silent is told by the app, and need not wait', async () => {
  const { wire, device, clients, end } = await world(60_000);
  await Promise.all(clients.map((client) => client.session.waitForDownload()));
  wire.freeze();
  device.reconnect();
  await eventually('again', () => clients.every((client) => client.session.describe().links.opened === 2));
  await end();
});

sockets.run();
