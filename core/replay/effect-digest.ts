/**
 * Digests of steps: 32 bits over all effects and over where the step has led, in a few numbers. What is saved
 * counts byte for byte. Of what is sent the numbers count, and in a deep digest every byte: encoding messages once
 * more takes longer than everything else here, and what they carry was saved before. Tokens are left out: they are
 * not recorded.
 */
import type { RecordBatch } from '../base/record.js';
import type { Decision } from '../merge/recorder.js';
import type { Changeset } from '../model/changeset.js';
import type { UploadCursor } from '../model/progress.js';
import { encodeMessage } from '../protocol/codec.js';
import type { Message } from '../protocol/messages.js';
import type { ClientEffect, ClientSession } from '../session/client-session.js';
import { clientPhases } from '../session/phases.js';
import type { ServerEffect, ServerMachine } from '../session/server-session.js';
import { Checksum } from './checksum.js';

/** A name of ours: short ones by their length and first letters, which is what they differ in. */
const name = (to: Checksum, text: string): void => {
  if (text.length > 10) to.text(text);
  else to.word((text.length << 16) | (text.charCodeAt(0) << 8) | text.charCodeAt(1));
};

const batch = (to: Checksum, { deletes, puts }: RecordBatch): void => {
  to.word(deletes.length);
  for (const { space, from, to: end } of deletes) {
    name(to, space);
    to.number(from);
    to.number(end);
  }
  to.word(puts.length);
  for (const { space, index, bytes } of puts) {
    name(to, space);
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

const cursor = (to: Checksum, { clientVersion, lastIntegratedServerVersion }: UploadCursor): void => {
  to.number(clientVersion);
  to.number(lastIntegratedServerVersion);
};

const changesetsOf = (to: Checksum, changesets: readonly Changeset[]): void => {
  to.word(changesets.length);
  for (const { version, base, timestamp, origin, instructions } of changesets) {
    to.number(version);
    to.number(base);
    to.number(timestamp);
    to.word(origin);
    to.word(instructions.length);
  }
};

const sent = (to: Checksum, message: Message, isDeep: boolean): void => {
  to.number(message.session);
  if (isDeep) to.bytes(encodeMessage(tokenless(message)));
  else if (message.type === 'upload') {
    cursor(to, message.progress);
    to.number(message.lockedServerVersion);
    changesetsOf(to, message.changesets);
  } else if (message.type === 'download') {
    cursor(to, message.upload);
    to.number(message.download.serverVersion);
    to.number(message.download.lastIntegratedClientVersion);
    to.number(message.latest.version);
    to.number(message.downloadableBytes);
    changesetsOf(to, message.changesets);
  } else to.bytes(encodeMessage(tokenless(message)));
};

const clientEffect = (to: Checksum, effect: ClientEffect, isDeep: boolean): void => {
  name(to, effect.type);
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
      sent(to, effect.message, isDeep);
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

const to = new Checksum();

export const clientDigest = (
  session: ClientSession,
  effects: readonly ClientEffect[],
  isDeep: boolean,
): number => {
  to.begin();
  for (const effect of effects) clientEffect(to, effect, isDeep);
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

const serverEffect = (to: Checksum, effect: ServerEffect, isDeep: boolean): void => {
  name(to, effect.type);
  switch (effect.type) {
    case 'commit':
      batch(to, effect.batch);
      return;
    case 'send':
      to.number(effect.connection);
      sent(to, effect.message, isDeep);
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

export const serverDigest = (
  machine: ServerMachine,
  effects: readonly ServerEffect[],
  isDeep: boolean,
): number => {
  to.begin();
  for (const effect of effects) serverEffect(to, effect, isDeep);
  const { partition, sessions, nextRead, isBehind } = machine;
  to.number(partition.head);
  to.number(partition.nextIdent);
  to.number(partition.log.bytes);
  to.word(sessions.size);
  to.number(nextRead);
  to.word(isBehind ? 1 : 0);
  return to.done();
};
