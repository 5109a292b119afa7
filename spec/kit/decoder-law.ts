/**
 * The law of decoders: whatever bytes come, a decoder answers with a value or with an error, in a time that the
 * bytes account for; it never throws. What it takes it takes for good: encoded and decoded again it says the same.
 *
 * The bytes are those of a life: every message and record that a random conversation makes, and then some damage.
 */
import * as E from 'fp-ts/lib/Either.js';
import { decodePartitionConfig } from '../../core/access/config.js';
import type { RecordEntry } from '../../core/base/record.js';
import { newClientFile } from '../../core/history/client-file.js';
import { loadClientFile } from '../../core/history/client-records.js';
import { newPartition } from '../../core/history/partition.js';
import { changesetsOf, decodeSegment, encodeSegment } from '../../core/history/segment.js';
import { extended, loadPartition, openingSpaces } from '../../core/history/server-records.js';
import { syncline } from '../../core/merge/rule-set.js';
import { decodeChangeset, encodeChangeset, unpack } from '../../core/model/codec.js';
import { printChangesets } from '../../core/model/notation.js';
import { decodeSchema } from '../../core/model/schema-config.js';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from '../../core/protocol/codec.js';
import { anonymized } from '../../core/replay/anonymize.js';
import { decodeRecording, type Recording } from '../../core/replay/recording.js';
import { Replay } from '../../core/replay/replay.js';
import { printStep } from '../../core/replay/transcript.js';
import { type ClientEvent, defaultTiming, newClientSession } from '../../core/session/client-session.js';
import { serverStep } from '../../core/session/server.js';
import { newServerMachine } from '../../core/session/server-session.js';
import {
  commonHeaderBytes,
  decodeAnswer,
  decodeRequest,
  decodeType,
  encodeAnswer,
  encodeRequest,
  requestHeaderBytes,
} from '../../transports/links/long-poll-wire.js';
import { memoryRecording } from '../../transports/recording.js';
import { randomLife } from './conversation-law.js';
import { processorTime } from './processor-time.js';
import { once, pick, type Random } from './random.js';
import { reframed } from './recordings.js';
import { configOf } from './transactions.js';
import { withLimits } from './with-limits.js';
import { randomWorld } from './worlds.js';

/** Milliseconds of the processor that a decoder may take for a few thousand bytes. */
const patience = 2_000;

const nasty = [0, 1, 2, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xf8, 0xff];

/** `original` with one to three things done to it; now and then untouched. */
export const damaged = (random: Random, original: Uint8Array): Uint8Array => {
  const bytes = [...original];
  for (let times = random.int(4); times > 0; times--) {
    const at = random.int(Math.max(1, bytes.length));
    const byte = once(random, 2) ? pick(random, nasty) : random.int(256);
    switch (random.int(8)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(8));
        break;
      case 1:
        bytes[at] = byte;
        break;
      case 2:
        bytes[at] = ((bytes[at] ?? 0) + pick(random, [-2, -1, 1, 2])) & 0xff;
        break;
      case 3:
        bytes.splice(at, 0, byte);
        break;
      case 4:
        bytes.splice(at, 1 + random.int(4));
        break;
      case 5:
        bytes.length = at;
        break;
      case 6:
        bytes.splice(random.int(bytes.length + 1), 0, ...bytes.slice(at, at + random.int(20)));
        break;
      default:
        // A length or a count grows by far more than there is.
        bytes.splice(at, 1, 0xff, 0xff, 0xff, 0x07);
    }
  }
  return Uint8Array.from(bytes);
};

interface Corpus {
  readonly up: readonly Uint8Array[];
  readonly down: readonly Uint8Array[];
  readonly device: readonly RecordEntry[];
  readonly server: readonly RecordEntry[];
}

const corpusOf = (random: Random): Corpus => {
  const up: Uint8Array[] = [];
  const down: Uint8Array[] = [];
  let device: readonly RecordEntry[] = [];
  let server: readonly RecordEntry[] = [];
  withLimits({ journalBytes: 500, tailEntries: 6, snapshotChunk: 40 }, () =>
    randomLife(
      random,
      (conversation) => {
        device = pick(random, conversation.devices).records.entries();
        server = conversation.records.entries();
        return null;
      },
      (conversation) => {
        conversation.onStep = (effects) => {
          for (const effect of effects) {
            if (effect.type !== 'send') continue;
            ('connection' in effect ? down : up).push(encodeMessage(effect.message));
          }
        };
      },
    ),
  );
  return { up, down, device, server };
};

/** Null, or what is wrong. */
type Trial = (random: Random, corpus: Corpus) => string | null;

const message =
  (of: 'up' | 'down'): Trial =>
  (random, corpus) => {
    const decode = (bytes: Uint8Array): E.Either<unknown, Parameters<typeof encodeMessage>[0]> =>
      of === 'up' ? decodeClientMessage(bytes) : decodeServerMessage(bytes);
    const bytes = damaged(random, pick(random, corpus[of]));
    const first = decode(bytes);
    if (E.isLeft(first) || ('damaged' in first.right && first.right.damaged !== undefined)) return null;
    const again = encodeMessage(first.right);
    const second = decode(again);
    if (E.isLeft(second)) return 'what was decoded cannot be encoded and decoded again';
    return sameBytes(again, encodeMessage(second.right)) ? null : 'decoded again it says something else';
  };

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

const damagedEntry = (random: Random, entries: readonly RecordEntry[]): readonly RecordEntry[] => {
  if (entries.length === 0) return entries;
  const at = random.int(entries.length);
  const entry = entries[at] as RecordEntry;
  if (once(random, 6)) return entries.toSpliced(at, 1);
  return entries.with(at, { ...entry, bytes: damaged(random, entry.bytes) });
};

const trials: Readonly<Record<string, Trial>> = {
  'client messages': message('up'),
  'server messages': message('down'),
  changesets: (random, corpus) => {
    const logs = corpus.server.filter(({ space }) => space === 'log');
    if (logs.length === 0) return null;
    const first = decodeChangeset(damaged(random, pick(random, logs).bytes));
    if (E.isLeft(first)) return null;
    const changeset = unpack(first.right);
    const second = decodeChangeset(encodeChangeset(changeset));
    if (E.isLeft(second)) return 'what was decoded cannot be encoded and decoded again';
    return printChangesets([unpack(second.right)]) === printChangesets([changeset])
      ? null
      : 'decoded again it says something else';
  },
  segments: (random, corpus) => {
    const history = corpus.server
      .filter(({ space }) => space === 'log')
      .flatMap(({ bytes }) => {
        const decoded = decodeChangeset(bytes);
        return E.isRight(decoded) ? [unpack(decoded.right)] : [];
      });
    const original = encodeSegment(history);
    const bytes = damaged(random, original);
    const first = decodeSegment(bytes);
    if (sameBytes(bytes, original)) return E.isRight(first) ? null : 'an encoding is refused';
    // A checksum is over everything: what passes for a segment is one.
    if (E.isRight(first)) changesetsOf(first.right);
    return null;
  },
  'records of a device': (random, corpus) => {
    loadClientFile(damagedEntry(random, corpus.device));
    return null;
  },
  'records of a server': (random, corpus) => {
    const entries = damagedEntry(random, corpus.server);
    const opened = loadPartition(
      entries.filter(({ space }) => openingSpaces.includes(space)),
      1,
    );
    if (E.isLeft(opened)) return null;
    const { snapshotVersion, head } = opened.right;
    extended(
      opened.right,
      entries.filter(({ space, index }) => space === 'log' && index > snapshotVersion && index <= head),
    );
    return null;
  },
  'long-poll requests': (random) => {
    const bytes = damaged(random, someRequest(random));
    const type = decodeType(bytes.subarray(0, commonHeaderBytes));
    if (E.isLeft(type) || bytes.length < requestHeaderBytes(type.right)) return null;
    const header = decodeRequest(type.right, bytes.subarray(0, requestHeaderBytes(type.right)));
    const again = decodeRequest(type.right, encodeRequest(header));
    return JSON.stringify(header) === JSON.stringify(again) ? null : 'decoded again it says something else';
  },
  'long-poll answers': (random) => {
    const { tag, attempt } = someId(random);
    const original = encodeAnswer({ type: 'send', tag, attempt, acknowledged: random.int(1000) });
    decodeAnswer(damaged(random, original));
    return null;
  },
  recordings: (random, corpus) => {
    if (!once(random, 4)) return null;
    const bytes = damaged(random, someRecording(random, corpus));
    const decoded = decodeRecording(bytes);
    return E.isLeft(decoded) ? null : replayed(decoded.right);
  },
  'entries of recordings': (random, corpus) => {
    if (!once(random, 4)) return null;
    // With checksums that are right: whoever means harm can make them.
    const original = someRecording(random, corpus);
    const bytes = reframed(original, (body) => (once(random, 4) ? damaged(random, body) : body));
    const decoded = decodeRecording(bytes);
    return E.isLeft(decoded) ? null : replayed(decoded.right);
  },
  'class configurations': (random) => {
    const config = configOf(randomWorld(random, { steps: 1 }), random);
    decodeSchema(mangled(random, config, 0));
    return null;
  },
  'partition configurations': (random) => {
    decodePartitionConfig(mangled(random, somePartition, 0));
    return null;
  },
};

/** A client and a server that are told something of what was said in that life. */
const someRecording = (random: Random, corpus: Corpus): Uint8Array => {
  const recorder = memoryRecording();
  const config = { partition: 'p', rules: syncline, explain: false, timing: defaultTiming };
  const client = recorder.client('p');
  let session = newClientSession(config, newClientFile);
  const tell = (event: ClientEvent, frame: Uint8Array | null = null): void => {
    session = client.take(session, event, frame).session;
  };
  const server = recorder.server('p');
  let machine = newServerMachine({ rules: syncline, explain: false }, newPartition(1));
  tell({ type: 'resume', now: 1 });
  tell({ type: 'opened', token: 'secret', now: 2 });
  for (let now = 3; now < 13; now++) {
    const down = pick(random, corpus.down);
    const message = decodeServerMessage(down);
    if (E.isRight(message)) {
      const told = { ...message.right, session: session.number };
      tell({ type: 'message', message: told, chance: 0, bytes: down.length, now }, down);
    }
    const up = decodeClientMessage(pick(random, corpus.up));
    if (E.isLeft(up)) continue;
    const event = { type: 'message', connection: 1, message: up.right, chance: now, now } as const;
    // What comes first is in the checkpoint.
    if (now < 8) ({ machine } = serverStep(machine, event));
    else {
      ({ machine } = server.attempt(machine, event, once(random, 2)));
      server.keep();
    }
  }
  return recorder.bytes();
};

/** Whatever the steps are, they come to an end, and other content can be put in the place of theirs. */
const replayed = (recording: Recording): null => {
  for (const step of new Replay(recording).steps()) printStep(step);
  anonymized(recording, { salt: 5 });
  return null;
};

const someId = (random: Random): { readonly tag: number; readonly attempt: number } => ({
  tag: 1 + random.int(2 ** 31),
  attempt: random.int(100),
});

const someRequest = (random: Random): Uint8Array => {
  const id = someId(random);
  const session = 'sixteen letters.';
  switch (random.int(3)) {
    case 0:
      return encodeRequest({
        ...id,
        type: 'open',
        nonce: session,
        maxFrameBytes: random.int(2 ** 31),
        versions: { oldest: 1, newest: 1 },
      });
    case 1:
      return encodeRequest({
        ...id,
        type: 'poll',
        session,
        acknowledged: random.int(1000),
        maxBytes: random.int(2 ** 31),
      });
    default:
      return encodeRequest({
        ...id,
        type: 'send',
        session,
        offset: random.int(1000),
        acknowledged: random.int(1000),
      });
  }
};

const rule = { $or: [{ '%%user.id': '%%partition' }, { '%%user.data.role': { $in: ['admin', 'owner'] } }] };

const somePartition = {
  type: 'partition',
  state: 'enabled',
  development_mode_enabled: true,
  service_name: 'mongodb-atlas',
  database_name: 'db',
  partition: { key: 'owner', type: 'string', permissions: { read: rule, write: { '%%true': true } } },
  last_disabled: 1,
  client_max_offline_days: 30,
  is_recovery_mode_disabled: false,
};

const oddities: readonly unknown[] = [
  null,
  undefined,
  true,
  Number.NaN,
  -1,
  1e300,
  '',
  '__proto__',
  'constructor',
  '%%partition',
  '$or',
  [],
  {},
  [[[]]],
  { $regex: '(a+)+$' },
  JSON.parse('{ "__proto__": { "x": 1 } }'),
  Symbol('s'),
  () => 1,
  10n,
];

/** `value` with things in it replaced, renamed, left out or doubled. */
export const mangled = (random: Random, value: unknown, depth: number): unknown => {
  if (once(random, 12)) return pick(random, oddities);
  if (depth > 12 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value))
    return value.flatMap((each) => {
      const made = mangled(random, each, depth + 1);
      return once(random, 15) ? [] : once(random, 15) ? [made, made] : [made];
    });
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) => {
      if (once(random, 20)) return [];
      const key = once(random, 20) ? String(pick(random, ['', '__proto__', '$and', 'type', 'x'])) : name;
      return [[key, mangled(random, each, depth + 1)]];
    }),
  );
};

/** Each decoder some thirty times, on the bytes of one life. Null where the law holds. */
export const hostileBytes = (random: Random): string | null => {
  const corpus = corpusOf(random);
  for (const [name, trial] of Object.entries(trials))
    for (let times = 0; times < 30; times++) {
      const start = processorTime();
      let found: string | null;
      try {
        found = trial(random, corpus);
      } catch (error) {
        found = error instanceof Error ? (error.stack ?? error.message) : String(error);
      }
      const took = processorTime() - start;
      if (found !== null) return `${name}: ${found}`;
      if (took > patience) return `${name}: took ${Math.round(took)} ms`;
    }
  return null;
};
