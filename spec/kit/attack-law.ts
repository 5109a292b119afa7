/**
 * The laws of a machine under attack. Each plays one random attack and answers null where the law holds,
 * else what happened.
 */
import * as E from 'fp-ts/lib/Either.js';
import { limits } from '../../core/base/limits.js';
import { entriesOf } from '../../core/base/run.js';
import { forEach, get } from '../../core/base/trie.js';
import type { ClientFile } from '../../core/history/client-file.js';
import { loadClientFile } from '../../core/history/client-records.js';
import { saltOf } from '../../core/history/partition.js';
import { digest } from '../../core/model/digest.js';
import { decodeServerMessage, encodeMessage } from '../../core/protocol/codec.js';
import type { ClientMessage } from '../../core/protocol/messages.js';
import { type ServerSession, sessionKey } from '../../core/session/server-session.js';
import type { Conversation, Device, Effect, Stranger } from './conversation.js';
import { peopled, randomLife, randomWrite } from './conversation-law.js';
import { strangeClientMessage, strangeServerMessage, type Target } from './hostile.js';
import { pick, type Random } from './random.js';
import { withLimits } from './with-limits.js';

/** A stranger who knows the numbers of everything and the salts of its own files. */
class Attacker {
  readonly #conversation: Conversation;
  readonly #random: Random;
  readonly #own = new Set<number>();
  #stranger: Stranger;
  #session = 0;

  constructor(conversation: Conversation, random: Random) {
    this.#conversation = conversation;
    this.#random = random;
    this.#stranger = conversation.stranger();
  }

  /** Says one thing: as often as not what gets it further, otherwise whatever. */
  act(): void {
    const { server } = this.#conversation;
    if (this.#stranger.connection === 0) {
      this.#stranger = this.#conversation.stranger();
      this.#session = 0;
    }
    const key = sessionKey(this.#stranger.connection, this.#session);
    const session = get(server.sessions, key);
    if (session === undefined && this.#random.int(4) > 0) this.#enter();
    else this.#say(strangeClientMessage(this.#random, this.#target(session), this.#session));
  }

  #say(message: ClientMessage): void {
    if (message.type === 'bind') this.#session = message.session;
    this.#conversation.say(this.#stranger, message);
  }

  #enter(): void {
    const session = this.#session + 1;
    const { partition } = this.#conversation.server;
    const known = [...this.#own].map((ident) => get(partition.files, String(ident)));
    const needIdent = known.length === 0 || this.#random.int(4) === 0;
    this.#say({ type: 'bind', session, partition: 'p', token: '', needIdent });
    const given = this.#stranger.heard.findLast((message) => message.type === 'ident');
    if (given?.type === 'ident') this.#own.add(given.ident);
    const ident = needIdent && given?.type === 'ident' ? given.ident : pick(this.#random, [...this.#own, 0]);
    const file = get(this.#conversation.server.partition.files, String(ident));
    if (file === undefined) return;
    const serverVersion = this.#random.int(2) === 0 ? partition.head : file.baseVersion;
    this.#say({
      type: 'identify',
      session,
      ident,
      salt: file.salt,
      latest: { version: partition.head, salt: saltOf(partition, partition.head) },
      download: { serverVersion, lastIntegratedClientVersion: file.clientVersion },
    });
  }

  #target(session: ServerSession | undefined): Target {
    const { partition } = this.#conversation.server;
    const versions = [0, 1, partition.head];
    const salts = [0, 1, ...partition.salts.map((range) => range.salt)];
    const idents = [0, 1, ...this.#own];
    forEach(partition.files, (file) => {
      versions.push(file.clientVersion, file.baseVersion);
      if (this.#own.has(file.ident)) salts.push(file.salt);
      else idents.push(file.ident);
    });
    const version = session?.upload.clientVersion ?? 0;
    const base = session?.upload.lastIntegratedServerVersion ?? 0;
    const stored = get(partition.files, String(session?.ident));
    const next = {
      // Now and then it repeats what has been integrated.
      version: Math.max(version, this.#random.int(6) === 0 ? 0 : (stored?.clientVersion ?? 0)),
      base: Math.max(base, stored?.baseVersion ?? 0),
      most: session?.download.serverVersion ?? 0,
    };
    return { state: partition.state, versions, salts, idents, next };
  }
}

/** What one session holds in memory must stay within bounds, whatever it does. */
const unbounded = (conversation: Conversation): string | null => {
  let found: string | null = null;
  forEach(conversation.server.sessions, (session, key) => {
    if (session.queue.length > limits.queuedUploads)
      found = `${key} has ${session.queue.length} uploads queued`;
    if (session.marks.length > limits.pendingMarks)
      found = `${key} has ${session.marks.length} marks pending`;
  });
  return found;
};

export const sameStored = (conversation: Conversation): string | null => {
  const held = conversation.server.partition;
  const stored = conversation.stored();
  if (stored.head !== held.head) return `head ${held.head}, stored ${stored.head}`;
  if (digest(stored.state) !== digest(held.state)) return 'the stored state differs';
  if (stored.nextIdent !== held.nextIdent) return 'the next ident differs';
  let found: string | null = null;
  forEach(held.files, (file, ident) => {
    const other = get(stored.files, ident);
    if (JSON.stringify(other) !== JSON.stringify(file))
      found = `file ${JSON.stringify(file)}, stored ${JSON.stringify(other)}`;
  });
  return found;
};

/**
 * Strangers who say anything do not make the server throw, lose what it has stored, or keep honest devices
 * from writing and converging.
 */
export const hostileClients = (random: Random): string | null => {
  const conversation = peopled(random, 1 + random.int(2));
  conversation.heal();
  const attackers = Array.from({ length: 1 + random.int(2) }, () => new Attacker(conversation, random));
  for (let steps = 10 + random.int(40); steps > 0; steps--) {
    const device = pick(random, conversation.devices);
    switch (random.int(6)) {
      case 0:
        randomWrite(conversation, device, random);
        break;
      case 1:
        for (let moves = 1 + random.int(6); moves > 0; moves--) conversation.move();
        break;
      case 2:
        if (random.int(8) === 0) conversation.disconnect(device);
        break;
      default:
        pick(random, attackers).act();
    }
    const fault = unbounded(conversation) ?? (random.int(20) === 0 ? sameStored(conversation) : null);
    if (fault !== null) return fault;
  }
  const stored = sameStored(conversation);
  if (stored !== null) return stored;
  conversation.heal();
  for (const device of conversation.devices) {
    if (device.session.phase !== 'streaming')
      return `${device.name} is ${device.session.phase}: ${device.failures.join('; ')}`;
    if (device.session.file.writes.to > device.session.file.writes.from) return `${device.name} keeps writes`;
    if (digest(device.state) !== digest(conversation.server.partition.state)) return `${device.name} differs`;
  }
  return null;
};

/** Everything that must be the same in a file and in what its records hold. */
const essence = (file: ClientFile): string =>
  JSON.stringify(
    [
      file.ident,
      file.salt,
      file.version,
      file.progress,
      file.stamp,
      file.journal,
      digest(file.state),
      entriesOf(file.writes).map((write) => [
        write.version,
        write.original,
        write.current.instructions,
        write.bytes,
      ]),
    ],
    (_, value) => (typeof value === 'bigint' ? String(value) : value),
  );

export const reloaded = (device: Device): string | null => {
  const loaded = loadClientFile(device.records.entries());
  if (E.isLeft(loaded)) return loaded.left.message;
  const [held, stored] = [essence(device.session.file), essence(loaded.right)];
  return held === stored ? null : `held   ${held}\nstored ${stored}`;
};

/** A server that says anything does not make a device throw, nor drop a write that it has not acknowledged. */
export const hostileServer = (random: Random): string | null => {
  const conversation = peopled(random, 2);
  const [device] = conversation.devices as [Device];
  if (random.int(2) === 0) conversation.heal();
  conversation.tell(device, { type: 'resume' });
  for (let moves = random.int(10); moves > 0; moves--) conversation.move();
  for (let steps = 5 + random.int(30); steps > 0; steps--) {
    const { file } = device.session;
    const pending = entriesOf(file.writes).map((write) => write.version);
    switch (device.session.phase === 'failed' ? 1 : random.int(6)) {
      case 0:
        randomWrite(conversation, device, random);
        break;
      case 1:
        if (random.int(3) === 0) conversation.disconnect(device);
        conversation.tell(device, { type: 'resume' });
        conversation.tell(device, { type: 'opened', token: '' });
        conversation.tell(device, {
          type: 'message',
          message: { type: 'mark', session: device.session.number, request: device.session.marks.sent },
          chance: 0,
        });
        break;
      default: {
        const { download, upload, latest } = file.progress;
        const target: Target = {
          state: file.state,
          versions: [
            0,
            file.version,
            latest.version,
            download.serverVersion,
            download.lastIntegratedClientVersion,
            upload.clientVersion,
          ],
          salts: [0, 1, latest.salt],
          idents: [file.ident, 0, 1, 2, 3],
          next: {
            version: download.serverVersion,
            base: download.lastIntegratedClientVersion,
            most: random.int(2) === 0 ? upload.clientVersion : file.version,
          },
        };
        const said = strangeServerMessage(random, target, device.session.number);
        const message = decodeServerMessage(encodeMessage(said));
        if (E.isLeft(message)) throw new Error(message.left.message);
        conversation.tell(device, { type: 'message', message: message.right, chance: 0 });
      }
    }
    const after = device.session.file;
    const kept = new Set(entriesOf(after.writes).map((write) => write.version));
    for (const version of pending)
      if (!kept.has(version) && version > after.progress.upload.clientVersion)
        return `write ${version} is gone, acknowledged ${after.progress.upload.clientVersion}`;
    const fault = random.int(4) === 0 ? reloaded(device) : null;
    if (fault !== null) return fault;
  }
  return reloaded(device);
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Everything of an effect that can leave the process. */
const printed = (effect: Effect): string => {
  switch (effect.type) {
    case 'send':
      return `send ${hex(encodeMessage(effect.message))}`;
    case 'commit':
      return `commit ${JSON.stringify([
        effect.batch.deletes,
        effect.batch.puts.map((put) => [put.space, put.index, hex(put.bytes)]),
      ])}`;
    case 'changed':
      return `changed ${digest(effect.before)} ${digest(effect.after)}`;
    case 'decided':
      return `decided ${effect.decisions.length}`;
    default:
      return JSON.stringify(effect);
  }
};

/** What every step of a small life should show: snapshots and all. */
export interface Seen {
  clientSnapshots: number;
  serverSnapshots: number;
}

/**
 * A life with small limits: after every third step each device and the server, started again from their records,
 * are what they were, the server after every single commit; and every step, taken twice, gives the same bytes.
 */
export const recordedLife = (random: Random, seen: Seen): string | null =>
  withLimits(
    { journalBytes: 400, tailEntries: 4, downloadBytes: 300, uploadBytes: 200, snapshotChunk: 50 },
    () => {
      let fault: string | null = null;
      let step = 0;
      const check = (conversation: Conversation): string | null => {
        if (step++ % 3 > 0) return fault;
        for (const device of conversation.devices) {
          if (device.session.file.journal.snapshotChunks > 0) seen.clientSnapshots++;
          fault ??= reloaded(device);
        }
        if (conversation.server.partition.journal.snapshotChunks > 0) seen.serverSnapshots++;
        return fault ?? sameStored(conversation);
      };
      return randomLife(random, check, (conversation) => {
        conversation.onServerCommit = () => void conversation.stored();
        conversation.onStep = (first, again) => {
          const [once, twice] = [first.map(printed), again().map(printed)];
          if (once.join('\n') !== twice.join('\n'))
            fault ??= `a step taken twice differs:\n${once.join('\n')}\n${twice.join('\n')}`;
        };
      });
    },
  );
