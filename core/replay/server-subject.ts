/** Servers as subjects of recording: one partition each. */
import type { Writer } from '../base/bytes.js';
import { writeUint } from '../base/msgpack.js';
import { runFirst, runLast } from '../base/run.js';
import { forEach } from '../base/trie.js';
import type { Decision } from '../merge/recorder.js';
import { decodeClientMessage, encodeMessage } from '../protocol/codec.js';
import { serverStep } from '../session/server.js';
import type { ServerEffect, ServerEvent, ServerMachine } from '../session/server-session.js';
import { accepted, leastBytes } from './data-form.js';
import { serverDigest, tokenless } from './effect-digest.js';
import { type RecordedServerEvent, serverEventForm, serverForm } from './server-form.js';
import type { FindRules, Step, Subject } from './subject.js';

/** Its position in the form of events. */
const MESSAGE = 0;

export type ServerSubject = Subject<ServerMachine, ServerEvent, RecordedServerEvent, ServerEffect>;

const record = (
  event: ServerEvent,
  _after: Step<ServerMachine, ServerEffect> | null,
  frame: Uint8Array | null,
): RecordedServerEvent => {
  if (event.type !== 'message') return event;
  const { type, now, connection, chance, message, canWrite } = event;
  const hasToken = message.type === 'bind';
  const said = frame === null || hasToken ? encodeMessage(tokenless(message)) : frame;
  return { type, now, connection, chance, frame: said, ...(canWrite === undefined ? {} : { canWrite }) };
};

/** As the forms say: what comes most often is written without them. */
const write = (
  to: Writer,
  event: ServerEvent,
  after: Step<ServerMachine, ServerEffect> | null,
  frame: Uint8Array | null,
): void => {
  if (event.type !== 'message' || frame === null || event.message.type === 'bind') {
    serverEventForm.write(to, record(event, after, frame));
    return;
  }
  to.reserve(40);
  to.byte(MESSAGE);
  to.float64(event.now);
  writeUint(to, event.connection);
  to.varint(frame.length);
  to.raw(frame);
  to.reserve(11);
  writeUint(to, event.chance);
  to.byte(event.canWrite === undefined ? 0 : 1);
  if (event.canWrite !== undefined) to.byte(event.canWrite ? 1 : 0);
};

const eventOf = (recorded: RecordedServerEvent): ServerEvent => {
  if (recorded.type !== 'message') return recorded;
  const { type, now, connection, chance, frame, canWrite } = recorded;
  const message = accepted(decodeClientMessage(frame), 0);
  return { type, now, connection, chance, message, ...(canWrite === undefined ? {} : { canWrite }) };
};

const decisions = (machine: ServerMachine, event: ServerEvent, isMoreComing: boolean): readonly Decision[] =>
  serverStep(
    { ...machine, config: { ...machine.config, explain: true } },
    event,
    isMoreComing,
  ).effects.flatMap((effect) => (effect.type === 'decided' ? effect.decisions : []));

const size = ({ partition, sessions }: ServerMachine): number => {
  const { journal, tail, files } = partition;
  const newest = runLast(tail);
  const oldest = runFirst(tail);
  const held = newest === undefined || oldest === undefined ? 0 : newest.through - oldest.through;
  let bytes = leastBytes(journal) + held + (oldest?.bytes ?? 0) + 10 * files.size;
  forEach(sessions, (session) => {
    bytes += 20 + 20 * session.reciprocals.size + 20 * session.queue.length;
  });
  return bytes;
};

export const serverSubject = (find: FindRules): ServerSubject => ({
  machine: serverForm(find),
  recorded: serverEventForm,
  write,
  event: eventOf,
  step: serverStep,
  digest: ({ machine, effects }, isDeep) => serverDigest(machine, effects, isDeep),
  state: ({ partition }) => partition.state,
  size,
  decisions,
});
