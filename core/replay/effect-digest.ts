/**
 * Digests of steps: 32 bits over all effects, byte for byte, and over where the step has led, in a few numbers.
 * Tokens are left out: they are not recorded.
 */
import type { RecordBatch } from '../base/record.js';
import type { Decision } from '../merge/recorder.js';
import { encodeMessage } from '../protocol/codec.js';
import type { Message } from '../protocol/messages.js';
import type { ClientEffect, ClientSession } from '../session/client-session.js';
import { clientPhases } from '../session/phases.js';
import type { ServerEffect, ServerMachine } from '../session/server-session.js';
import { Checksum } from './checksum.js';

const batch = (to: Checksum, { deletes, puts }: RecordBatch): void => {
  to.word(deletes.length);
  for (const { space, from, to: end } of deletes) {
    to.text(space);
    to.number(from);
    to.number(end);
  }
  to.word(puts.length);
  for (const { space, index, bytes } of puts) {
    to.text(space);
    to.number(index);
    to.bytes(bytes);
  }
};

/** A message as it is recorded: without its token. */
export const tokenless = <M extends Message>(message: M): M =>
  message.type === 'bind' ? { ...message, token: '' } : message;

const decisions = (to: Checksum, made: readonly Decision[]): void => {
  to.word(made.length);
  for (const { rule, outcome } of made) {
    to.text(rule);
    to.text(outcome);
  }
};

const clientEffect = (to: Checksum, effect: ClientEffect): void => {
  to.text(effect.type);
  switch (effect.type) {
    case 'commit':
      batch(to, effect.batch);
      return;
    case 'connect':
      to.word((effect.refused ? 1 : 0) + (effect.urgent ? 2 : 0));
      return;
    case 'authorize':
      return;
    case 'disconnect':
      to.text(effect.cause);
      to.text(effect.message);
      return;
    case 'send':
      to.bytes(encodeMessage(tokenless(effect.message)));
      return;
    case 'timer':
      to.number(effect.at ?? -1);
      return;
    case 'changed':
      to.text(effect.cause);
      return;
    case 'decided':
      decisions(to, effect.decisions);
      return;
    case 'settled':
      to.number(effect.id);
      to.number(effect.failure?.code ?? 0);
      return;
    case 'failed':
      to.word(effect.failure.code);
      to.text(effect.failure.message);
      return;
    case 'refused':
      to.text(effect.message);
      return;
  }
};

export const clientDigest = (session: ClientSession, effects: readonly ClientEffect[]): number => {
  const to = new Checksum();
  for (const effect of effects) clientEffect(to, effect);
  const { phase, file, number, sent, attempts, deadline, waiters } = session;
  to.word(clientPhases.indexOf(phase));
  to.number(file.version);
  to.number(number);
  to.number(sent);
  to.word(attempts);
  to.number(deadline ?? -1);
  to.word(waiters.length);
  return to.done();
};

const serverEffect = (to: Checksum, effect: ServerEffect): void => {
  to.text(effect.type);
  switch (effect.type) {
    case 'commit':
      batch(to, effect.batch);
      return;
    case 'send':
      to.number(effect.connection);
      to.bytes(encodeMessage(effect.message));
      return;
    case 'read':
      to.number(effect.id);
      to.text(effect.range.space);
      to.number(effect.range.from);
      to.number(effect.range.to);
      to.number(effect.maxBytes ?? -1);
      return;
    case 'drain':
      to.number(effect.connection);
      to.number(effect.number);
      return;
    case 'decided':
      to.number(effect.ident);
      decisions(to, effect.decisions);
      return;
    case 'quarantined':
      to.number(effect.ident);
      to.number(effect.version);
      to.text(effect.message);
      return;
    case 'reported':
      to.number(effect.ident);
      to.word(effect.code);
      to.text(effect.message);
      return;
  }
};

export const serverDigest = (machine: ServerMachine, effects: readonly ServerEffect[]): number => {
  const to = new Checksum();
  for (const effect of effects) serverEffect(to, effect);
  const { partition, sessions, nextRead, isBehind } = machine;
  to.number(partition.head);
  to.number(partition.nextIdent);
  to.number(partition.log.bytes);
  to.word(sessions.size);
  to.number(nextRead);
  to.word(isBehind ? 1 : 0);
  return to.done();
};
