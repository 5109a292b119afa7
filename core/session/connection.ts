/**
 * One connection as the server sees it: which sessions it carries, and to which partition each belongs.
 *
 * Session numbers ascend on a connection and are never used twice. So a number tells what to do with a
 * message: a present session gets it; a number that was used before belongs to a session that has ended,
 * and the message has crossed with its end: it is dropped; any other number breaks the protocol.
 */
import { limits } from '../base/limits.js';
import type { ErrorCode } from '../protocol/errors.js';
import type { ClientMessage } from '../protocol/messages.js';

export interface Connection {
  /** Partition by session number. */
  readonly sessions: ReadonlyMap<number, string>;
  /** The highest session number seen. */
  readonly highest: number;
  /** Binds that asked for an ident, each of which costs the server a record for good. */
  readonly idents: number;
}

export const newConnection: Connection = { sessions: new Map(), highest: 0, idents: 0 };

export type Route =
  | { readonly type: 'deliver'; readonly partition: string }
  | { readonly type: 'drop' }
  /** The connection ends with this error. */
  | { readonly type: 'refuse'; readonly code: ErrorCode; readonly message: string };

export const route = (
  connection: Connection,
  message: ClientMessage,
): { readonly connection: Connection; readonly route: Route } => {
  const refused = (code: ErrorCode, why: string) =>
    ({ connection, route: { type: 'refuse', code, message: why } }) as const;
  const number = message.session;
  const partition = connection.sessions.get(number);
  if (message.type !== 'bind') {
    if (partition !== undefined)
      return {
        // The machine forgets a session that has failed at its client, and says nothing of it.
        connection: message.type === 'clientError' ? withoutNumber(connection, number) : connection,
        route: { type: 'deliver', partition },
      };
    return number <= connection.highest
      ? { connection, route: { type: 'drop' } }
      : refused(106, `${message.type} for session ${number}, which was never bound`);
  }
  if (number <= connection.highest)
    return refused(107, `session number ${number} was used before, ${connection.highest + 1} is the next`);
  if (connection.sessions.size >= limits.sessionsPerConnection)
    return refused(104, `more than ${limits.sessionsPerConnection} sessions on one connection`);
  const idents = connection.idents + (message.needIdent ? 1 : 0);
  if (idents > limits.sessionsPerConnection)
    return refused(104, `more than ${limits.sessionsPerConnection} idents for one connection`);
  const sessions = new Map(connection.sessions).set(number, message.partition);
  return {
    connection: { sessions, highest: number, idents },
    route: { type: 'deliver', partition: message.partition },
  };
};

/** After the session has ended: its number is not used again. */
export const withoutNumber = (connection: Connection, number: number): Connection => {
  if (!connection.sessions.has(number)) return connection;
  const sessions = new Map(connection.sessions);
  sessions.delete(number);
  return { ...connection, sessions };
};

/** Numbers of the sessions that the connection carries. */
export const numbersByPartition = ({ sessions }: Connection): ReadonlyMap<string, readonly number[]> => {
  const numbers = new Map<string, number[]>();
  for (const [number, partition] of sessions) {
    const present = numbers.get(partition);
    if (present === undefined) numbers.set(partition, [number]);
    else present.push(number);
  }
  return numbers;
};
