/**
 * Theory of operation of a conversation, and the tables that hold it.
 *
 * Everything about transitions is here: which event may move which machine from which phase to which. The
 * machines (`client.ts`, `server.ts`) decide *which* of the permitted next phases an event leads to, and
 * check themselves against the tables: a transition that is not written here is a bug, and throws.
 *
 * A client session is made once per file and lives as long as the file is open. It is `paused` until the
 * app wants it, and then tries to have a link:
 *
 *     disconnected → connecting → binding → catchingUp → streaming
 *
 * In `binding` a file without an ident asks for one. In `catchingUp` the file has identified itself and
 * asked for a mark; uploads wait until the mark is answered, so that most merging is done on the device.
 * In `streaming` writes go up as they are made. Every loss of the link leads back to `disconnected`, from
 * where it is tried again after a growing pause. An error from the server ends the link and leads to
 * `suspended` (it is tried again, after a pause) or to `failed` (only the app can try again, by `resume`).
 * `unbinding` waits for the server's farewell after a pause, for a while. An error that asks for a client reset
 * leads to `resetting`: a fresh file is downloaded beside the old one, and takes its place (`client-reset.ts`).
 *
 * The app may pause one direction only. A session whose uploads are held talks on and sends no writes. For
 * downloads the server must know: holding them, and letting go, leads through `unbinding` to another binding
 * on the same link. In one that is held nothing comes down but acknowledgements, so that it does not wait to be
 * caught up before it uploads. With both held it is `paused`. A token that is about to expire is replaced by
 * another binding, too; and so is one whose downloads do not go together (`core/history/ahead.ts`).
 *
 * Silence: where the server has not been heard for a while in `catchingUp` or `streaming` it is asked for a
 * mark, and where that is not answered the link is given up: it may be half open, and nobody else would notice.
 *
 * A server session is made by a bind and lives on one connection: `bound` until the client has identified
 * itself, `opening` while what the store holds for that file is read, then `active`. It ends by unbind, by
 * an error, or with its connection; messages for an ended session are ignored, since they may have crossed
 * with its end.
 *
 * For each pair of phase and event the table gives the phases that may follow, `'ignored'` (nothing
 * happens), or `'violation'`: the peer has broken the protocol. A violation never wedges: the client ends
 * the link and fails the session, the server answers with an error and forgets it.
 */

export const clientPhases = [
  'paused',
  'disconnected',
  'connecting',
  'binding',
  'catchingUp',
  'streaming',
  'unbinding',
  'suspended',
  'resetting',
  'failed',
] as const;
export type ClientPhase = (typeof clientPhases)[number];

export const clientEvents = [
  'resume',
  'pause',
  'reconnect',
  'renewed',
  'opened',
  'closed',
  'timer',
  'write',
  'await',
  'reset',
  'switched',
  'resetFailed',
  'garbage',
  'ident',
  'download',
  'mark',
  'unbound',
  'error',
] as const;
export type ClientEventType = (typeof clientEvents)[number];

export const serverPhases = ['bound', 'opening', 'active'] as const;
export type ServerPhase = (typeof serverPhases)[number];

export const serverEvents = ['identify', 'upload', 'mark', 'unbind', 'clientError', 'read'] as const;
export type ServerEventType = (typeof serverEvents)[number];

export type Row<Phase extends string, Event extends string> = Readonly<
  Record<Event, readonly Phase[] | 'ignored' | 'violation'>
>;
export type Table<Phase extends string, Event extends string> = Readonly<Record<Phase, Row<Phase, Event>>>;

/** Messages of a session that the client has not begun, or has left: they may have crossed with its end. */
const noConversation = {
  garbage: 'ignored',
  ident: 'ignored',
  download: 'ignored',
  mark: 'ignored',
  unbound: 'ignored',
  error: 'ignored',
} as const;

/** Where no client reset is under way, or could be asked for. */
const noReset = { reset: 'ignored', switched: 'ignored', resetFailed: 'ignored' } as const;

/** Local events that never change the phase. */
const local = <Phase extends ClientPhase>(phase: Phase) => ({ write: [phase], await: [phase] }) as const;

export const clientTable: Table<ClientPhase, ClientEventType> = {
  paused: {
    ...noConversation,
    ...local('paused'),
    ...noReset,
    resume: ['connecting', 'resetting'],
    pause: 'ignored',
    reconnect: 'ignored',
    renewed: 'ignored',
    opened: 'ignored',
    closed: 'ignored',
    timer: 'ignored',
  },
  disconnected: {
    ...noConversation,
    ...local('disconnected'),
    ...noReset,
    resume: ['connecting'],
    pause: ['paused', 'disconnected'],
    reconnect: ['connecting'],
    renewed: 'ignored',
    opened: 'ignored',
    closed: 'ignored',
    timer: ['connecting', 'disconnected'],
  },
  connecting: {
    ...noConversation,
    ...local('connecting'),
    ...noReset,
    resume: ['connecting'],
    pause: ['paused', 'connecting'],
    reconnect: ['connecting'],
    renewed: 'ignored',
    opened: ['binding', 'catchingUp', 'streaming'],
    closed: ['disconnected'],
    timer: ['disconnected', 'connecting'],
  },
  binding: {
    ...local('binding'),
    ...noReset,
    resume: ['binding'],
    pause: ['unbinding', 'binding'],
    reconnect: ['connecting'],
    renewed: 'ignored',
    opened: 'ignored',
    closed: ['disconnected'],
    timer: ['disconnected', 'binding'],
    garbage: 'violation',
    ident: ['catchingUp', 'streaming'],
    download: 'violation',
    mark: 'violation',
    unbound: 'violation',
    error: ['connecting', 'suspended', 'resetting', 'failed'],
  },
  catchingUp: {
    ...local('catchingUp'),
    ...noReset,
    resume: ['catchingUp'],
    pause: ['unbinding', 'catchingUp'],
    reconnect: ['catchingUp'],
    renewed: ['unbinding'],
    opened: 'ignored',
    closed: ['disconnected', 'failed'],
    timer: ['disconnected', 'catchingUp'],
    garbage: 'violation',
    ident: 'violation',
    download: ['catchingUp', 'unbinding', 'failed'],
    mark: ['catchingUp', 'streaming'],
    unbound: 'violation',
    error: ['connecting', 'suspended', 'resetting', 'failed'],
  },
  streaming: {
    ...local('streaming'),
    ...noReset,
    resume: ['streaming', 'unbinding'],
    pause: ['unbinding', 'streaming'],
    reconnect: ['streaming'],
    renewed: ['unbinding'],
    opened: 'ignored',
    closed: ['disconnected', 'failed'],
    timer: ['disconnected', 'streaming'],
    garbage: 'violation',
    ident: 'violation',
    download: ['streaming', 'unbinding', 'failed'],
    mark: ['streaming'],
    unbound: 'violation',
    error: ['connecting', 'suspended', 'resetting', 'failed'],
  },
  unbinding: {
    ...local('unbinding'),
    ...noReset,
    resume: ['unbinding'],
    pause: ['unbinding'],
    reconnect: 'ignored',
    renewed: 'ignored',
    opened: 'ignored',
    closed: ['paused', 'connecting'],
    timer: ['paused', 'connecting', 'unbinding'],
    garbage: ['paused', 'connecting'],
    ident: 'ignored',
    download: 'ignored',
    mark: 'ignored',
    unbound: ['paused', 'connecting'],
    error: ['paused', 'connecting'],
  },
  suspended: {
    ...noConversation,
    ...local('suspended'),
    ...noReset,
    resume: ['connecting'],
    pause: ['paused', 'suspended'],
    reconnect: ['connecting'],
    renewed: 'ignored',
    opened: 'ignored',
    closed: 'ignored',
    timer: ['connecting', 'suspended'],
  },
  resetting: {
    ...noConversation,
    ...local('resetting'),
    reset: 'ignored',
    switched: ['connecting'],
    resetFailed: ['failed'],
    resume: ['resetting'],
    pause: ['paused', 'resetting'],
    reconnect: 'ignored',
    renewed: 'ignored',
    opened: 'ignored',
    closed: 'ignored',
    timer: 'ignored',
  },
  failed: {
    ...noConversation,
    ...local('failed'),
    reset: ['resetting', 'failed'],
    switched: 'ignored',
    resetFailed: 'ignored',
    resume: ['connecting', 'resetting'],
    pause: ['paused', 'failed'],
    reconnect: 'ignored',
    renewed: 'ignored',
    opened: 'ignored',
    closed: 'ignored',
    timer: 'ignored',
  },
};

export const serverTable: Table<ServerPhase, ServerEventType> = {
  bound: {
    identify: ['opening'],
    upload: 'violation',
    mark: 'violation',
    unbind: [],
    clientError: 'violation',
    read: 'ignored',
  },
  opening: {
    identify: 'violation',
    upload: ['opening'],
    mark: ['opening'],
    unbind: [],
    clientError: [],
    read: ['active'],
  },
  active: {
    identify: 'violation',
    upload: ['active'],
    mark: ['active'],
    unbind: [],
    clientError: [],
    read: ['active'],
  },
};

/** The permitted answer of a table to an event; the machines act on it and on nothing else. */
export const permitted = <Phase extends string, Event extends string>(
  table: Table<Phase, Event>,
  phase: Phase,
  event: Event,
): readonly Phase[] | 'ignored' | 'violation' => table[phase][event];

/** Throws where a machine has taken a transition that its table does not have: a bug. */
export const checkTransition = <Phase extends string, Event extends string>(
  table: Table<Phase, Event>,
  from: Phase,
  event: Event,
  to: Phase,
): void => {
  const answer = permitted(table, from, event);
  if (typeof answer !== 'string' && answer.includes(to)) return;
  if (answer === 'ignored' && from === to) return;
  throw new Error(`bug: ${event} moved a session from ${from} to ${to}, which its table does not permit`);
};

/** The table as a diagram in the DOT language: one arrow per pair of phases, labelled with its events. */
export const toDot = <Phase extends string, Event extends string>(
  name: string,
  table: Table<Phase, Event>,
): string => {
  const arrows = new Map<string, Event[]>();
  for (const from of Object.keys(table) as Phase[]) {
    for (const event of Object.keys(table[from]) as Event[]) {
      const answer = table[from][event];
      if (typeof answer === 'string') continue;
      for (const to of answer) {
        if (to === from) continue;
        const arrow = `${from} -> ${to}`;
        const events = arrows.get(arrow);
        if (events === undefined) arrows.set(arrow, [event]);
        else events.push(event);
      }
    }
  }
  const lines = [...arrows].map(([arrow, events]) => `  ${arrow} [label="${events.join(', ')}"];`);
  return [`digraph ${name} {`, ...lines, '}', ''].join('\n');
};
