/** The scenarios of the protocol pass on the production server and client, and find what they are there to find. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from '../core/protocol/codec.js';
import type { ClientMessage, Download, ServerMessage, Upload } from '../core/protocol/messages.js';
import { openClient } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import type { Connector } from '../transports/ports.js';
import { startServer } from '../transports/server.js';
import { MemoryFile, memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { type ClientProtocolSetup, clientProtocolConformance } from './conformance/client-protocol.js';
import { serverProtocolConformance } from './conformance/server-protocol.js';
import type { ConformanceTest } from './conformance/test.js';
import { suite } from './kit/suite.js';

const server = async () => {
  const network = memoryNetwork();
  const server = await startServer({ store: memoryServerStore(), listeners: [network.listener] });
  return { connector: network.connector, partition: 'p', dispose: () => server.close() };
};

const client = async (): Promise<ClientProtocolSetup> => {
  const file = new MemoryFile();
  const schema = [{ name: 'Note', primaryKey: '_id', properties: { _id: 'int' } }];
  let serial = 0;
  return {
    open: async (connector) => {
      const client = await openClient({
        schema,
        store: memoryClientStore(file),
        connector,
        partition: 'p',
        timing: { retryFirst: 3, retryMost: 10 },
      });
      return {
        write: () => void client.write((tx) => tx.create('Note', { _id: serial++ })),
        close: () => client.close(),
      };
    },
    dispose: async () => undefined,
  };
};

const servers = suite('the protocol of servers');
for (const { name, run } of serverProtocolConformance(server)) servers(name, run);
servers.run();

const clients = suite('the protocol of clients');
for (const { name, run } of clientProtocolConformance(client)) clients(name, run);
clients.run();

/** What passes between a client and a server, spoiled: each message becomes none, one or several. */
interface Spoiling {
  readonly up?: (message: ClientMessage, link: number) => readonly ClientMessage[];
  readonly down?: (message: ServerMessage) => readonly ServerMessage[];
}

const spoiled = (connector: Connector, { up, down }: Spoiling): Connector => {
  let links = 0;
  return {
    connect: (events) => {
      const number = ++links;
      const frame = (bytes: Uint8Array): void => {
        const message = decodeServerMessage(bytes);
        if (down === undefined || E.isLeft(message)) events.frame(bytes);
        else for (const each of down(message.right)) events.frame(encodeMessage(each));
      };
      const link = connector.connect({ ...events, frame });
      return {
        get bufferedBytes() {
          return link.bufferedBytes;
        },
        close: (reason) => link.close(reason),
        send: (bytes) => {
          const message = decodeClientMessage(bytes);
          if (up === undefined || E.isLeft(message)) link.send(bytes);
          else for (const each of up(message.right, number)) link.send(encodeMessage(each));
        },
      };
    },
  };
};

/** Names of the tests that fail; all run at once, for each has its own server or client. */
const failing = async (tests: readonly ConformanceTest[]): Promise<readonly string[]> => {
  const outcomes = await Promise.all(
    tests.map(({ name, run }) =>
      run().then(
        () => null,
        () => name,
      ),
    ),
  );
  return outcomes.filter((name) => name !== null);
};

/** Milliseconds: what does not come for a defect is waited for as long. */
const short = 150;

const without =
  (type: string) =>
  <Message extends ClientMessage | ServerMessage>(message: Message): readonly Message[] =>
    message.type === type ? [] : [message];

const download =
  (change: (message: Download) => readonly Download[]) =>
  (message: ServerMessage): readonly ServerMessage[] =>
    message.type === 'download' ? change(message) : [message];

const upload =
  (change: (message: Upload, link: number) => readonly Upload[]) =>
  (message: ClientMessage, link: number): readonly ClientMessage[] =>
    message.type === 'upload' ? change(message, link) : [message];

const serverDefects: Readonly<Record<string, Spoiling>> = {
  'gives everybody one ident': {
    down: (message) => [message.type === 'ident' ? { ...message, ident: 2 } : message],
  },
  'gives an ident to whoever binds': {
    up: (message) => [message.type === 'bind' ? { ...message, needIdent: true } : message],
  },
  'does not look at salts': {
    down: (message) => (message.type === 'error' && message.code === 211 ? [] : [message]),
  },
  'sends downloads twice': { down: download((message) => [message, message]) },
  'sends no downloads': { down: without('download') },
  'acknowledges nothing': {
    down: download((message) => [
      { ...message, upload: { clientVersion: 0, lastIntegratedServerVersion: 0 } },
    ]),
  },
  'does not say who wrote': {
    down: download((message) => [
      { ...message, changesets: message.changesets.map((each) => ({ ...each, origin: 1 })) },
    ]),
  },
  'does not say what a write stands on': {
    down: download((message) => [
      { ...message, changesets: message.changesets.map((each) => ({ ...each, base: 0 })) },
    ]),
  },
  'sends what is not wanted': {
    up: (message) => {
      if (message.type !== 'identify') return [message];
      const { uploadsOnly: _, ...identify } = message;
      return [identify];
    },
  },
  'does not answer marks': { down: without('mark') },
  'does not answer unbinds': { down: without('unbound') },
  'says nothing of errors': { down: without('error') },
  'gives one code for everything': {
    down: (message) => [message.type === 'error' ? { ...message, code: 101 } : message],
  },
  'takes an error of a session for one of the link': {
    down: (message) => [message.type === 'error' ? { ...message, session: 0 } : message],
  },
};

const clientDefects: Readonly<Record<string, Spoiling>> = {
  'wants an ident each time': {
    up: (message) => [message.type === 'bind' ? { ...message, needIdent: true } : message],
  },
  'forgets its salt': {
    up: (message) => [message.type === 'identify' ? { ...message, salt: message.salt + 1 } : message],
  },
  'forgets its position': {
    up: (message) => [
      message.type === 'identify'
        ? { ...message, download: { serverVersion: 0, lastIntegratedClientVersion: 0 } }
        : message,
    ],
  },
  'uploads everything twice': { up: upload((message) => [message, message]) },
  'uploads over the first link only': { up: upload((message, link) => (link === 1 ? [message] : [])) },
  'does not know what it writes on': {
    up: upload((message) => [
      { ...message, changesets: message.changesets.map((each) => ({ ...each, base: 0 })) },
    ]),
  },
  'names itself as the origin': {
    up: upload((message) => [
      { ...message, changesets: message.changesets.map((each) => ({ ...each, origin: 2 })) },
    ]),
  },
  'counts versions per link': {
    up: upload((message, link) => [
      { ...message, changesets: message.changesets.map((each) => ({ ...each, version: link })) },
    ]),
  },
  'hears no acknowledgement': {
    down: download((message) => (message.changesets.length === 0 ? [] : [message])),
  },
  'tries again whatever it is told': {
    down: (message) => [
      message.type === 'error' ? { ...message, code: 201, tryAgain: true, action: 'Transient' } : message,
    ],
  },
  'gives up at the first error': {
    down: (message) => [
      message.type === 'error'
        ? { ...message, code: 206, tryAgain: false, action: 'ApplicationBug' }
        : message,
    ],
  },
  'keeps its own errors to itself': { up: without('clientError') },
};

const defects = suite('the scenarios of the protocol');

for (const [name, spoiling] of Object.entries(serverDefects))
  defects(`find a server that ${name}`, async () => {
    const tests = serverProtocolConformance(async () => {
      const setup = await server();
      return { ...setup, connector: spoiled(setup.connector, spoiling) };
    }, short);
    assert.is.not((await failing(tests)).length, 0, 'all pass');
  });

for (const [name, spoiling] of Object.entries(clientDefects))
  defects(`find a client that ${name}`, async () => {
    const tests = clientProtocolConformance(async () => {
      const setup = await client();
      return { ...setup, open: (connector) => setup.open(spoiled(connector, spoiling)) };
    }, short);
    assert.is.not((await failing(tests)).length, 0, 'all pass');
  });

defects.run();
