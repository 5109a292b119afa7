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
  /** Without a session at the last look. */
  isIdle: boolean;
}

export const newPeer = (id: number, link: Link): Peer => ({
  id,
  link,
  connection: newConnection,
  turn: Promise.resolve(),
  inflow: new Inflow(link),
  handed: 0,
  isIdle: false,
});

/** Of a link that is sent away. */
export const deaf: Omit<LinkEvents, 'opened'> = { frame: () => undefined, closed: () => undefined };
