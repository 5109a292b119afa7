/**
 * A peer in the fan-out of the transports benchmark: `node transports.mjs PEER CONTROL_MODULE JOB_MODULE`.
 * Started twice, once as the server and once as the writer with its readers; `../transports.ts` says how.
 */
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { WebSocket, WebSocketServer } from 'ws';

const require = createRequire(import.meta.url);
const [peer, controlModule, jobModule] = process.argv.slice(2);
const { answerCommands, paced, usage } = await import(pathToFileURL(controlModule).href);
const { keyOf, partition, textOf, things } = await import(pathToFileURL(jobModule).href);

const settled = async (what, holds) => {
  const until = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > until) throw new Error(`not within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

const listening = (attach) =>
  new Promise((resolve) => {
    const http = createServer();
    const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
    sockets.on('connection', attach);
    http.listen(0, '127.0.0.1', () => resolve({ webSocket: http.address().port, longPoll: 0 }));
  });

const sharedb = {
  listen: () => {
    const Backend = require('sharedb');
    const { Duplex } = require('node:stream');
    const backend = new Backend();
    return listening((socket) => {
      // A stream of JSON objects over the socket, as the package websocket-json-stream makes it.
      const stream = new Duplex({
        objectMode: true,
        read: () => undefined,
        write: (message, _, done) => {
          socket.send(JSON.stringify(message));
          done();
        },
      });
      socket.on('message', (data) => stream.push(JSON.parse(String(data))));
      socket.on('close', () => {
        stream.push(null);
        stream.destroy();
      });
      backend.listen(stream);
    });
  },
  open: async (port, readers) => {
    const { Connection } = require('sharedb/lib/client');
    const connect = () =>
      new Connection(new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false })).get(
        'jobs',
        partition,
      );
    const asked = (call) =>
      new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())));
    const document = connect();
    await asked((done) => document.create(Object.fromEntries(Array.from({ length: things }, (_, i) => [keyOf(i), ''])), done));
    // Each change stays one, as it does with the others.
    document.preventCompose = true;
    await asked((done) => document.subscribe(done));
    const reading = Array.from({ length: readers }, connect);
    for (const reader of reading) await asked((done) => reader.subscribe(done));
    return {
      write: (index) => {
        const key = keyOf(index);
        document.submitOp([{ p: [key], od: document.data[key], oi: textOf(index) }]);
      },
      converged: async () => {
        await asked((done) => document.whenNothingPending(done));
        const written = JSON.stringify(document.data);
        for (const reader of reading)
          await settled('a reader has what was written', () => JSON.stringify(reader.data) === written);
      },
    };
  },
};

const yWebsocket = {
  listen: async () => {
    const { setupWSConnection } = await import('@y/websocket-server/utils');
    return listening((socket, request) => setupWSConnection(socket, request));
  },
  open: async (port, readers) => {
    const Y = await import('yjs');
    const { WebsocketProvider } = await import('y-websocket');
    const connect = async () => {
      const doc = new Y.Doc();
      const options = { WebSocketPolyfill: WebSocket, disableBc: true };
      const provider = new WebsocketProvider(`ws://127.0.0.1:${port}`, partition, doc, options);
      await settled('synced', () => provider.synced);
      return doc;
    };
    const doc = await connect();
    const texts = doc.getMap('texts');
    doc.transact(() => {
      for (let i = 0; i < things; i++) texts.set(keyOf(i), '');
    });
    const reading = [];
    for (let i = 0; i < readers; i++) reading.push(await connect());
    return {
      write: (index) => texts.set(keyOf(index), textOf(index)),
      converged: async () => {
        for (const reader of reading)
          await settled('a reader has what was written', () => {
            const read = reader.getMap('texts');
            return Array.from({ length: things }, (_, i) => keyOf(i)).every((key) => read.get(key) === texts.get(key));
          });
      },
    };
  },
};

const { listen, open } = { sharedb, 'y-websocket': yWebsocket }[peer];
let writing;

answerCommands({
  listen,
  usage,
  open: async ({ port, readers }) => {
    writing = await open(port, readers);
  },
  write: ({ count, every }) => paced(count, every, (index) => writing.write(index)),
  converged: () => writing.converged(),
});
