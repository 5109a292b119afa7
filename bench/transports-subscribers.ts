/**
 * Many light subscribers of one subject, in a process of their own: bare sockets that speak as much of the
 * subject's protocol as it takes to be sent every change, and count the changes by what frames them.
 *
 *     syncline            binds and identifies; reads the server version at the head of each download, and
 *                         acknowledges downloads as rarely as a client does
 *     sharedb             subscribes; counts messages that begin as an operation does
 *     y-websocket         counts frames of the type update; asks for the state once
 *     floors              counts frames, or the bytes of them
 *
 * No subscriber of any subject decodes the changes themselves: beside them, real clients of each subject do,
 * and are looked at for convergence. Changes come in order, so the n-th that comes is the n-th that was written.
 */
import * as E from 'fp-ts/lib/Either.js';
import { type RawData, WebSocket } from 'ws';
import { Reader } from '../core/base/bytes.js';
import { limits } from '../core/base/limits.js';
import { readUint } from '../core/base/msgpack.js';
import { decodeServerMessage, encodeMessage } from '../core/index.js';
import { acknowledgedAfter } from '../core/session/client-traffic.js';
import { answerCommands, percentile, sharedNow, usage } from './transports-control.js';
import { oneChange, partition } from './transports-job.js';

interface OpenOptions {
  readonly subject: string;
  readonly port: number;
  readonly count: number;
}

/** What a subscriber knows of its subject. */
interface Protocol {
  readonly subprotocol: string | undefined;
  readonly path: string;
  /** Begins the conversation, and calls `ready` once every later change will come. */
  begin(socket: WebSocket, ready: () => void): (data: Buffer) => number;
}

/** Position of the server version in a download: behind the array, the type and a session of one byte. */
const VERSION_OFFSET = 3;
const DOWNLOAD = 18;

const syncline: Protocol = {
  subprotocol: 'syncline.1',
  path: '',
  begin: (socket, ready) => {
    const session = 1;
    let seen = 0;
    let acknowledged = 0;
    // A client counts each download that it integrates.
    let clientVersion = 0;
    let patience: number = limits.acknowledgedVersions;
    let isReady = false;
    socket.send(encodeMessage({ type: 'bind', session, partition, token: '', needIdent: true }));
    return (data) => {
      if (data[1] === DOWNLOAD) {
        const version = readUint(new Reader(data.subarray(VERSION_OFFSET)), 'the server version');
        const count = version - seen;
        seen = version;
        clientVersion++;
        if (version - acknowledged < patience) return isReady ? count : 0;
        acknowledged = version;
        const progress = { clientVersion, lastIntegratedServerVersion: version };
        socket.send(
          encodeMessage({ type: 'upload', session, progress, lockedServerVersion: version, changesets: [] }),
        );
        return isReady ? count : 0;
      }
      const message = decodeServerMessage(data);
      if (E.isLeft(message)) throw new Error(message.left.message);
      if (message.right.type === 'ident') {
        const { ident, salt } = message.right;
        patience = acknowledgedAfter(ident);
        const latest = { version: 0, salt: 0 };
        const download = { serverVersion: 0, lastIntegratedClientVersion: 0 };
        socket.send(encodeMessage({ type: 'identify', session, ident, salt, latest, download }));
        socket.send(encodeMessage({ type: 'mark', session, request: 1 }));
      } else if (message.right.type === 'mark') {
        isReady = true;
        ready();
      } else throw new Error(`a subscriber was sent ${JSON.stringify(message.right)}`);
      return 0;
    };
  },
};

const sharedb: Protocol = {
  subprotocol: undefined,
  path: '',
  begin: (socket, ready) => {
    socket.send(JSON.stringify({ a: 'hs', id: null, protocol: 1, protocolMinor: 2 }));
    socket.send(JSON.stringify({ a: 's', c: 'jobs', d: partition, v: null }));
    return (data) => {
      if (data.includes('"a":"op"')) return 1;
      if (data.includes('"a":"s"')) ready();
      return 0;
    };
  },
};

const yWebsocket: Protocol = {
  subprotocol: undefined,
  path: partition,
  begin: (socket, ready) => {
    let isReady = false;
    // Sync, step 1, with a state vector of nothing: the answer is step 2, the whole state.
    socket.send(Uint8Array.of(0, 0, 1, 0));
    return (data) => {
      if (data[0] !== 0) return 0;
      if (data[1] === 2) return isReady ? 1 : 0;
      if (data[1] === 1) {
        isReady = true;
        ready();
      }
      return 0;
    };
  },
};

const floor = (count: (data: Buffer) => number): Protocol => ({
  subprotocol: undefined,
  path: '',
  begin: (_, ready) => {
    ready();
    return count;
  },
});

const protocols: Readonly<Record<string, Protocol>> = {
  syncline,
  sharedb,
  'y-websocket': yWebsocket,
  'floor-ws': floor(() => 1),
  'floor-ws-batched': floor((data) => data.length / oneChange.length),
};

/** What has come to one subscriber since the counting began. */
class Subscriber {
  socket: WebSocket | undefined;
  arrivals: Float64Array = new Float64Array(0);
  received = 0;

  take(count: number): void {
    this.arrivals.fill(sharedNow(), this.received, this.received + count);
    this.received += count;
  }
}

const subscribers: Subscriber[] = [];
let expected = 0;
let missing = 0;
let frames = 0;
let whenComplete: () => void = () => undefined;
let broken: Error | undefined;

const connect = ({ subject, port }: OpenOptions): Promise<void> => {
  const protocol = protocols[subject];
  if (protocol === undefined) throw new Error(`no subject is called ${subject}`);
  const subscriber = new Subscriber();
  subscribers.push(subscriber);
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      broken = error;
      reject(error);
      whenComplete();
    };
    const socket = new WebSocket(
      `ws://127.0.0.1:${port}/${protocol.path}`,
      protocol.subprotocol === undefined ? [] : [protocol.subprotocol],
      { perMessageDeflate: false },
    );
    subscriber.socket = socket;
    let read: (data: Buffer) => number = () => 0;
    socket.on('open', () => {
      read = protocol.begin(socket, resolve);
    });
    socket.on('message', (data: RawData) => {
      try {
        const count = read(data as Buffer);
        if (count === 0) return;
        frames++;
        subscriber.take(count);
        missing -= count;
        if (missing === 0) whenComplete();
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('error', fail);
    socket.on('close', (code, reason) => fail(new Error(`a subscriber was closed: ${code} ${reason}`)));
  });
};

interface Delivery {
  /** When the last change came to the last subscriber, on the shared clock. */
  readonly last: number;
  readonly frames: number;
  /** Milliseconds from the write to a subscriber. */
  readonly p50: number;
  readonly p99: number;
}

answerCommands({
  usage,
  /** Opens `count` more subscribers, a few at a time; all are caught up when it answers. */
  open: async (options: OpenOptions) => {
    for (let opened = 0; opened < options.count; opened += 50) {
      const some = Array.from({ length: Math.min(50, options.count - opened) }, () => connect(options));
      await Promise.all(some);
    }
  },
  /** Counts from here on, up to `count` for each subscriber. */
  expect: (count: number) => {
    expected = count;
    missing = count * subscribers.length;
    frames = 0;
    for (const subscriber of subscribers) {
      subscriber.received = 0;
      subscriber.arrivals = new Float64Array(count);
    }
  },
  /** Waits until all have come. `times`: when each was written. */
  delivered: async (times: readonly number[]): Promise<Delivery> => {
    if (missing > 0 && broken === undefined)
      await new Promise<void>((resolve) => {
        whenComplete = resolve;
      });
    if (broken !== undefined) throw broken;
    const latencies = new Float64Array(expected * subscribers.length);
    let last = 0;
    subscribers.forEach(({ arrivals, received }, s) => {
      if (received !== expected) throw new Error(`${received} changes came, expected ${expected}`);
      arrivals.forEach((arrival, i) => {
        last = Math.max(last, arrival);
        latencies[s * expected + i] = arrival - (times[i] ?? 0);
      });
    });
    return { last, frames, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
  },
});
