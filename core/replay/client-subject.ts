/** Clients as subjects of recording. */
import type { Writer } from '../base/bytes.js';
import { writeUint } from '../base/msgpack.js';
import { entriesOf } from '../base/run.js';
import { writeRecord } from '../history/client-records.js';
import { withoutIngested } from '../history/ingested.js';
import type { Decision } from '../merge/recorder.js';
import { decodeInstructions, encodeInstructions } from '../model/codec.js';
import { decodeServerMessage, encodeMessage } from '../protocol/codec.js';
import { reportOf } from '../reset/report.js';
import { clientStep } from '../session/client.js';
import type { ClientEffect, ClientEvent, ClientSession } from '../session/client-session.js';
import { clientEventForm, type RecordedClientEvent, sessionForm } from './client-form.js';
import { accepted, applied, leastBytes } from './data-form.js';
import { clientDigest } from './effect-digest.js';
import type { FindRules, Step, Subject } from './subject.js';

/** Their positions in the form of events. */
const MESSAGE = 0;
const WRITE = 1;

export type ClientSubject = Subject<ClientSession, ClientEvent, RecordedClientEvent, ClientEffect>;

/** The record that the step has made of a write, at whose end its instructions stand; null where there is none. */
const localRecord = (after: Step<ClientSession, ClientEffect> | null): Uint8Array | null => {
  const commit = after?.effects[0];
  if (commit?.type !== 'commit') return null;
  const { puts } = commit.batch;
  for (let i = puts.length - 1; i >= 0; i--) if (puts[i]?.space === 'local') return puts[i]?.bytes ?? null;
  return null;
};

/** Bytes of the instructions of the write that was made last. */
const lastWriteBytes = ({ file: { writes } }: ClientSession): number =>
  writes.backing[writes.to - 1]?.bytes ?? 0;

const record = (event: ClientEvent, frame: Uint8Array | null): RecordedClientEvent => {
  switch (event.type) {
    case 'opened':
      return { type: 'opened', now: event.now };
    case 'write': {
      const { type, now, unparks } = event;
      const instructions = encodeInstructions(event.instructions);
      const written = { type, now, skipped: 0, instructions };
      return unparks === undefined ? written : { ...written, unparks };
    }
    case 'message': {
      const { type, now, chance, message, bytes } = event;
      const said = {
        type,
        now,
        chance,
        session: message.session,
        frame: frame ?? encodeMessage(message),
      };
      return bytes === undefined ? said : { ...said, bytes };
    }
    case 'switched': {
      const { fresh, base, state, writes, parked, dropped, through } = event.prepared;
      const made = writes.map(({ write }) => write);
      const file = { ...fresh, base, state, writes: { backing: made, from: 0, to: made.length } };
      return { type: 'switched', now: event.now, file, parked, dropped, through };
    }
    default:
      return event;
  }
};

/** As the forms say: what comes most often is written without them, which takes a fraction of the time. */
const write = (
  to: Writer,
  event: ClientEvent,
  after: Step<ClientSession, ClientEffect> | null,
  frame: Uint8Array | null,
): void => {
  if (event.type === 'message' && frame !== null) {
    to.reserve(50);
    to.byte(MESSAGE);
    to.float64(event.now);
    writeUint(to, event.message.session);
    to.varint(frame.length);
    to.raw(frame);
    to.reserve(20);
    to.float64(event.chance);
    to.byte(event.bytes === undefined ? 0 : 1);
    if (event.bytes !== undefined) writeUint(to, event.bytes);
    return;
  }
  const local = event.type === 'write' && event.unparks === undefined ? localRecord(after) : null;
  if (local === null || after === null) {
    clientEventForm.write(to, record(event, frame));
    return;
  }
  to.reserve(30);
  to.byte(WRITE);
  to.float64(event.now);
  writeUint(to, local.length - lastWriteBytes(after.machine));
  to.varint(local.length);
  to.raw(local);
  to.reserve(1);
  to.byte(0);
};

const eventOf = (recorded: RecordedClientEvent, session: ClientSession): ClientEvent => {
  switch (recorded.type) {
    case 'opened':
      return { ...recorded, token: '' };
    case 'write': {
      const { now, type, unparks, skipped } = recorded;
      const instructions = accepted(decodeInstructions(recorded.instructions.subarray(skipped)), 0);
      const state = withoutIngested(applied(session.file.state, instructions));
      const write = { type, now, instructions, state };
      return unparks === undefined ? write : { ...write, unparks };
    }
    case 'message': {
      const { now, type, chance, session: number, bytes } = recorded;
      const decoded = accepted(decodeServerMessage(recorded.frame), 0);
      const message = decoded.session === number ? decoded : { ...decoded, session: number };
      const said = { type, now, chance, message };
      return bytes === undefined ? said : { ...said, bytes };
    }
    case 'switched': {
      const { now, type, file, parked, dropped, through } = recorded;
      const writes = entriesOf(file.writes).map((write) => ({ write, record: writeRecord(write.original) }));
      const { base, state } = file;
      const prepared = { fresh: file, base, state, writes, parked, dropped, through };
      return { type, now, prepared: { ...prepared, report: reportOf([]) } };
    }
    default:
      return recorded;
  }
};

const step = (session: ClientSession, event: ClientEvent): Step<ClientSession, ClientEffect> => {
  const next = clientStep(session, event);
  return { machine: next.session, effects: next.effects };
};

const decisions = (session: ClientSession, event: ClientEvent): readonly Decision[] =>
  clientStep({ ...session, isRecording: true }, event).effects.flatMap((effect) =>
    effect.type === 'decided' ? effect.decisions : [],
  );

const size = ({ file, parked }: ClientSession): number => {
  let bytes = leastBytes(file.journal) + 100 * (parked.length + 1);
  for (const write of entriesOf(file.writes)) bytes += write.bytes;
  return bytes;
};

export const clientSubject = (find: FindRules): ClientSubject => ({
  machine: sessionForm(find),
  recorded: clientEventForm,
  write,
  event: eventOf,
  step,
  digest: ({ machine, effects }, isDeep) => clientDigest(machine, effects, isDeep),
  state: ({ file }) => file.state,
  size,
  decisions,
});
