/**
 * Digests of steps: 32 bits over all effects and over where the step has led. What is saved counts byte for byte.
 * Of what is sent it counts how far it gets, and in a deep digest every byte: encoding messages once more takes longer
 * than everything else here, and what they carry was saved before. Tokens are left out: they are not recorded.
 *
 * A digest is made at every step, between two pieces of other work, so that what it takes is mostly the time to get
 * to its code: there is little of it, in one function a side, which looks at few objects.
 */
import type { RecordBatch } from '../base/record.js';
import type { Decision } from '../merge/recorder.js';
import { encodeMessage } from '../protocol/codec.js';
import type { Message } from '../protocol/messages.js';
import type { ClientEffect, ClientSession } from '../session/client-session.js';
import type { ServerEffect, ServerMachine } from '../session/server-session.js';
import { begun, done, withBytes, withNumber, withText, withWord } from './checksum.js';

/** Short names of spaces differ in their lengths and first letters. */
const withSpace = (sum: number, space: string): number =>
  space.length > 8 ? withText(sum, space) : withWord(sum, (space.length << 8) | space.charCodeAt(0));

const withBatch = (sum: number, { deletes, puts }: RecordBatch): number => {
  let mixed = withWord(sum, (deletes.length << 16) | puts.length);
  for (let i = 0; i < deletes.length; i++) {
    const { space, from, to } = deletes[i] as RecordBatch['deletes'][number];
    mixed = withWord(withWord(withSpace(mixed, space), from), to);
  }
  for (let i = 0; i < puts.length; i++) {
    const { space, index, bytes } = puts[i] as RecordBatch['puts'][number];
    mixed = withBytes(withWord(withSpace(mixed, space), index), bytes);
  }
  return mixed;
};

/** A message as it is recorded: without its token. */
export const tokenless = <M extends Message>(message: M): M =>
  message.type === 'bind' ? { ...message, token: '' } : message;

const withDecisions = (sum: number, made: readonly Decision[]): number => {
  let mixed = withWord(sum, made.length);
  for (const { rule, outcome } of made) mixed = withText(withText(mixed, rule), outcome);
  return mixed;
};

const withMessage = (sum: number, message: Message, isDeep: boolean): number => {
  const mixed = withWord(sum, message.session);
  if (!isDeep && message.type === 'upload') {
    const { progress, changesets } = message;
    return withWord(withWord(withWord(mixed, progress.clientVersion), changesets.length), 1);
  }
  if (!isDeep && message.type === 'download') {
    const { upload, download, changesets } = message;
    const upTo = withWord(withWord(mixed, upload.clientVersion), download.serverVersion);
    return withWord(withWord(upTo, changesets.length), 2);
  }
  return withBytes(mixed, encodeMessage(tokenless(message)));
};

/** By their positions here effects are told apart. */
const withClientEffect = (sum: number, effect: ClientEffect, isDeep: boolean): number => {
  switch (effect.type) {
    case 'commit':
      return withBatch(withWord(sum, 1), effect.batch);
    case 'send':
      return withMessage(withWord(sum, 2), effect.message, isDeep);
    case 'changed':
      return withText(withWord(sum, 3), effect.cause);
    case 'timer':
      return withNumber(withWord(sum, 4), effect.at ?? -1);
    case 'settled':
      return withWord(withWord(withWord(sum, 5), effect.id), effect.failure?.code ?? 0);
    case 'connect':
      return withWord(withWord(sum, 6), (effect.refused ? 1 : 0) + (effect.urgent ? 2 : 0));
    case 'authorize':
      return withWord(sum, 7);
    case 'disconnect':
      return withText(withText(withWord(sum, 8), effect.cause), effect.message);
    case 'decided':
      return withDecisions(withWord(sum, 9), effect.decisions);
    case 'failed':
      return withText(withWord(withWord(sum, 10), effect.failure.code), effect.failure.message);
    case 'refused':
      return withText(withWord(sum, 11), effect.message);
  }
};

export const clientDigest = (
  session: ClientSession,
  effects: readonly ClientEffect[],
  isDeep: boolean,
): number => {
  let sum = begun(effects.length);
  for (let i = 0; i < effects.length; i++) sum = withClientEffect(sum, effects[i] as ClientEffect, isDeep);
  const { phase, file, number, sent, attempts, deadline, waiters } = session;
  // Phases differ in their first two letters.
  sum = withWord(sum, (phase.charCodeAt(0) << 8) | phase.charCodeAt(1));
  sum = withWord(sum, (waiters.length << 16) ^ attempts);
  sum = withWord(withWord(withWord(sum, file.version), number), sent);
  return done(deadline === null ? sum : withNumber(sum, deadline));
};

const withServerEffect = (sum: number, effect: ServerEffect, isDeep: boolean): number => {
  switch (effect.type) {
    case 'commit':
      return withBatch(withWord(sum, 1), effect.batch);
    case 'send':
      return withMessage(withWord(withWord(sum, 2), effect.connection), effect.message, isDeep);
    case 'read': {
      const { id, range, maxBytes } = effect;
      const mixed = withText(withWord(withWord(sum, 3), id), range.space);
      return withNumber(withNumber(withNumber(mixed, range.from), range.to), maxBytes ?? -1);
    }
    case 'drain':
      return withWord(withWord(withWord(sum, 4), effect.connection), effect.number);
    case 'decided':
      return withDecisions(withWord(withWord(sum, 5), effect.ident), effect.decisions);
    case 'quarantined':
      return withText(withWord(withWord(withWord(sum, 6), effect.ident), effect.version), effect.message);
    case 'reported':
      return withText(withWord(withWord(withWord(sum, 7), effect.ident), effect.code), effect.message);
  }
};

export const serverDigest = (
  machine: ServerMachine,
  effects: readonly ServerEffect[],
  isDeep: boolean,
): number => {
  let sum = begun(effects.length);
  for (let i = 0; i < effects.length; i++) sum = withServerEffect(sum, effects[i] as ServerEffect, isDeep);
  const { partition, sessions, nextRead, isBehind } = machine;
  sum = withWord(withWord(withWord(sum, partition.head), partition.nextIdent), partition.log.bytes);
  return done(withWord(withWord(sum, (sessions.size << 1) | (isBehind ? 1 : 0)), nextRead));
};
