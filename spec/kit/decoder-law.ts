/**
 * The law of decoders: whatever bytes come, a decoder answers with a value or with an error, in a time that the
 * bytes account for; it never throws. What it takes it takes for good: encoded and decoded again it says the same.
 *
 * The bytes are those of a life, every message and record that a random conversation makes, or of the kept inputs,
 * and then some damage.
 */
import * as E from 'fp-ts/lib/Either.js';
import { encodeSyncRecord } from '../../core/access/sync-record.js';
import type { RecordEntry } from '../../core/base/record.js';
import { newClientFile } from '../../core/history/client-file.js';
import { newPartition } from '../../core/history/partition.js';
import { encodeSegment } from '../../core/history/segment.js';
import { syncline } from '../../core/merge/rule-set.js';
import { decodeChangeset, unpack } from '../../core/model/codec.js';
import { addTable } from '../../core/model/instruction.js';
import { decodeSchema } from '../../core/model/schema-config.js';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from '../../core/protocol/codec.js';
import { droppedRecord, drops } from '../../core/reset/dropped.js';
import type { ResetCause } from '../../core/reset/mode.js';
import { parkedRecord } from '../../core/reset/parked.js';
import { pendingRecord } from '../../core/reset/reset-records.js';
import { decodeText, encodeText } from '../../core/reset/text-record.js';
import { type ClientEvent, defaultTiming, newClientSession } from '../../core/session/client-session.js';
import { serverStep } from '../../core/session/server.js';
import { newServerMachine } from '../../core/session/server-session.js';
import { encodeAnswer, encodeRequest } from '../../transports/links/long-poll-wire.js';
import { memoryRecording } from '../../transports/recording.js';
import { randomLife } from './conversation-law.js';
import { type DecoderName, decoderNames, faultOf, framedRecords } from './decoders.js';
import type { KeptInput } from './kept-inputs.js';
import { damaged, jsonText, mangledJson } from './mangled.js';
import { processorTime } from './processor-time.js';
import { once, pick, type Random } from './random.js';
import { reframed } from './recordings.js';
import { filters, partitionConfig, updates } from './samples.js';
import { configOf } from './transactions.js';
import { withLimits } from './with-limits.js';
import { randomWorld } from './worlds.js';

/** Milliseconds of the processor that a decoder may take for a few thousand bytes. */
const patience = 2_000;

/** Everything that was said and stored in it. */
interface Life {
  readonly up: readonly Uint8Array[];
  readonly down: readonly Uint8Array[];
  readonly device: readonly RecordEntry[];
  readonly server: readonly RecordEntry[];
}

const lifeOf = (random: Random): Life => {
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

const damagedEntries = (random: Random, entries: readonly RecordEntry[]): Uint8Array => {
  if (entries.length === 0) return framedRecords(entries);
  const at = random.int(entries.length);
  const entry = entries[at] as RecordEntry;
  const left = once(random, 6)
    ? entries.toSpliced(at, 1)
    : entries.with(at, { ...entry, bytes: damaged(random, entry.bytes) });
  return framedRecords(left);
};

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const jsonOf = (random: Random, value: unknown): Uint8Array => {
  const bytes = utf8(JSON.stringify(mangledJson(random, value)));
  return once(random, 4) ? damaged(random, bytes) : bytes;
};

const changesetsIn = ({ server }: Life): readonly Uint8Array[] =>
  server.filter(({ space }) => space === 'log').map(({ bytes }) => bytes);

/** What each is tried on. Takes chance for the damage, too. */
const samples: Readonly<Record<DecoderName, (random: Random, life: Life) => Uint8Array>> = {
  'client messages': (random, { up }) => damaged(random, pick(random, up)),
  'server messages': (random, { down }) => damaged(random, pick(random, down)),
  changesets: (random, life) => damaged(random, pick(random, [Uint8Array.of(), ...changesetsIn(life)])),
  segments: (random, life) => {
    const history = changesetsIn(life).flatMap((bytes) => {
      const decoded = decodeChangeset(bytes);
      return E.isRight(decoded) ? [unpack(decoded.right)] : [];
    });
    return damaged(random, encodeSegment(history));
  },
  'records of a device': (random, { device }) => damagedEntries(random, device),
  'records of a server': (random, { server }) => damagedEntries(random, server),
  'records of resets': (random, { device }) =>
    framedRecords([
      ...device,
      ...resetRecords
        .filter(() => !once(random, 4))
        .map((entry) => ({
          ...entry,
          bytes: once(random, 2) ? damaged(random, entry.bytes) : mangledText(random, entry.bytes),
        })),
    ]),
  'records of sync': (random) => {
    const original = someSyncRecord(random);
    return once(random, 2)
      ? damaged(random, original)
      : utf8(JSON.stringify(mangledJson(random, JSON.parse(new TextDecoder().decode(original)))));
  },
  'long-poll requests': (random) => damaged(random, someRequest(random)),
  'long-poll answers': (random) =>
    damaged(random, encodeAnswer({ ...someId(random), type: 'send', acknowledged: random.int(1000) })),
  recordings: (random, life) => {
    const original = someRecording(random, life);
    if (once(random, 2)) return damaged(random, original);
    // With checksums that are right: whoever means harm can make them.
    return reframed(original, (body) => (once(random, 4) ? damaged(random, body) : body));
  },
  'class configurations': (random) => {
    const classes = configOf(randomWorld(random, { steps: 1 }), random);
    // Most of them whole, since a single thing that is wrong refuses all.
    return utf8(jsonText(classes.map((each) => (once(random, 8) ? mangledJson(random, each) : each))));
  },
  'partition configurations': (random) => jsonOf(random, partitionConfig),
  rules: (random) => jsonOf(random, partitionConfig.partition.permissions.read),
  filters: (random) => jsonOf(random, pick(random, filters)),
  updates: (random) => jsonOf(random, pick(random, updates)),
};

/** How often each is tried on a life; thirty times where nothing is said. Recordings are large. */
const times: Readonly<Partial<Record<DecoderName, number>>> = { recordings: 15 };

const cause: ResetCause = {
  action: 'clientReset',
  code: 208,
  name: 'badClientFileIdent',
  message: 'the file is gone',
  isRecoveryDisabled: false,
  integrated: 3,
  rejected: [4, 7],
};

const resetRecords: readonly RecordEntry[] = [
  pendingRecord({
    performs: 'recovery',
    stage: 'downloading',
    cause,
    firstCause: cause,
    attempts: 2,
    fallback: null,
  }),
  droppedRecord(drops.map((drop, i) => ({ from: 3 * i + 1, to: 3 * i + 2, drop }))),
  parkedRecord({
    id: 1,
    version: 4,
    timestamp: 5,
    instructions: [{ instruction: addTable('Task', { type: 'embedded' }), why: 'rejected', reason: 'no' }],
  }),
];

const read = <A>(decoded: E.Either<unknown, A>): A => {
  if (E.isLeft(decoded)) throw new Error(`refused: ${JSON.stringify(decoded.left)}`);
  return decoded.right;
};

const mangledText = (random: Random, bytes: Uint8Array): Uint8Array =>
  encodeText(mangledJson(random, read(decodeText(bytes))));

const syncSchema = read(
  decodeSchema([{ name: 'Task', primaryKey: '_id', properties: { _id: 'string', region: 'string?' } }]),
);

const someSyncRecord = (random: Random): Uint8Array =>
  encodeSyncRecord({
    state: pick(random, ['enabled', 'disabled', 'terminated'] as const),
    epoch: 2,
    building: once(random, 2) ? null : 3,
    config: { type: 'partition', partition: { key: 'region', permissions: { read: true } } },
    schema: syncSchema,
    lastDisabled: 1,
  });

/** A client and a server that are told something of what was said in that life. */
const someRecording = (random: Random, life: Life): Uint8Array => {
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
    const down = pick(random, life.down);
    const message = decodeServerMessage(down);
    if (E.isRight(message)) {
      const told = { ...message.right, session: session.number };
      tell({ type: 'message', message: told, chance: 0, bytes: down.length, now }, down);
    }
    const up = decodeClientMessage(pick(random, life.up));
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

export interface HostileBytes {
  /** What inputs are made from now and then, instead of the life. */
  readonly kept?: readonly KeptInput[];
  /** In the place of the decoders themselves. */
  readonly faultOf?: (name: DecoderName, bytes: Uint8Array) => string | null;
  /** All by default. */
  readonly only?: readonly DecoderName[];
  /** Told the input that broke the law. */
  readonly found?: (name: DecoderName, bytes: Uint8Array, fault: string) => unknown;
}

/** Each decoder some thirty times, on the bytes of one life. Null where the law holds. */
export const hostileBytes = (random: Random, options: HostileBytes = {}): string | null => {
  const { kept = [], only = decoderNames, found } = options;
  const life = lifeOf(random);
  for (const name of only) {
    const own = kept.filter(({ decoder }) => decoder === name);
    for (let left = times[name] ?? 30; left > 0; left--) {
      const bytes =
        own.length > 0 && once(random, 4)
          ? damaged(random, pick(random, own).bytes)
          : samples[name](random, life);
      const fault = slowFaultOf(name, bytes, options.faultOf);
      if (fault === null) continue;
      found?.(name, bytes, fault);
      return `${name}: ${fault}\n${Buffer.from(bytes).toString('hex')}`;
    }
  }
  return null;
};

/** Null, or what is wrong with what a decoder makes of `bytes`, or with the time that it takes. */
export const slowFaultOf = (name: DecoderName, bytes: Uint8Array, judge = faultOf): string | null => {
  const start = processorTime();
  const fault = judge(name, bytes);
  const took = processorTime() - start;
  return fault ?? (took > patience ? `took ${Math.round(took)} ms` : null);
};
