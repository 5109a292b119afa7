/** A link with a client, as the server has it. */
import { type Connection, newConnection } from '../../core/index.js';
import type { Link, LinkEvents } from '../ports.js';
import { Inflow } from './inflow.js';

export interface Peer {
  readonly id: number;
  readonly link: Link;
  connection: Connection;
  /** Binds are authorized in order; messages wait behind them. */
  turn: Promise<void>;
  readonly inflow: Inflow;
  /** Bytes handed on since the last look. */
  handed: number;
  /** Bytes that wait to leave at most; see `isOverfull`. */
  waiting: number;
  /** Without a session at the last look. */
  isIdle: boolean;
}

/** What a link puts round a frame at most, as it counts bytes that wait. */
const FRAMING_BYTES = 64;

/**
 * Whether more than `most` bytes wait, a frame of so many included that was just sent. The link is asked only where
 * it could be so by what was sent since it was asked last: the answer takes as long as sending a short frame.
 */
export const isOverfull = (peer: Peer, frameBytes: number, most: number): boolean => {
  peer.waiting += frameBytes + FRAMING_BYTES;
  if (peer.waiting <= most) return false;
  peer.waiting = peer.link.bufferedBytes;
  return peer.waiting > most;
};

export const newPeer = (id: number, link: Link): Peer => ({
  id,
  link,
  connection: newConnection,
  turn: Promise.resolve(),
  inflow: new Inflow(link),
  handed: 0,
  waiting: 0,
  isIdle: false,
});

/** Of a link that is sent away. */
export const deaf: Omit<LinkEvents, 'opened'> = { frame: () => undefined, closed: () => undefined };
