/**
 * The law of inputs: whatever is given where text, JSON or a value of the language is read, it is refused with an
 * error or read, in a time that has an end, and nothing is thrown. What is read from a store and saved again is
 * read the same.
 */
import * as E from 'fp-ts/lib/Either.js';
import { type DocumentFilter, documentFilter, elementFilter } from '../../core/access/document-filter.js';
import { Scalar } from '../../core/access/document-form.js';
import { decodeSyncRecord, encodeSyncRecord } from '../../core/access/sync-record.js';
import type { RecordEntry } from '../../core/base/record.js';
import { newClientFile } from '../../core/history/client-file.js';
import { addTable } from '../../core/model/instruction.js';
import { decodeSchema } from '../../core/model/schema-config.js';
import { droppedRecord, drops } from '../../core/reset/dropped.js';
import type { ResetCause } from '../../core/reset/mode.js';
import { parkedRecord } from '../../core/reset/parked.js';
import { loadClient, newFreshFile, pendingRecord } from '../../core/reset/reset-records.js';
import { decodeText, encodeText } from '../../core/reset/text-record.js';
import { documentReplacement, documentUpdate } from '../../core/session/document-update.js';
import { chosenSubprotocol, subprotocols } from '../../transports/links/websocket-codes.js';
import { damaged, mangled } from './decoder-law.js';
import { processorTime } from './processor-time.js';
import { once, pick, type Random } from './random.js';

/** Milliseconds of the processor that one of them may take. */
const patience = 2_000;

const read = <A>(decoded: E.Either<unknown, A>): A => {
  if (E.isLeft(decoded)) throw new Error(`refused: ${JSON.stringify(decoded.left)}`);
  return decoded.right;
};

const classes = [
  {
    name: 'Task',
    primaryKey: '_id',
    properties: {
      _id: 'string',
      votes: 'int',
      tags: 'string[]',
      marks: 'int{}',
      place: 'Place?',
      region: 'string?',
    },
  },
  { name: 'Place', kind: 'embedded', properties: { street: 'string?' } },
];
const schema = read(decodeSchema(classes));

const word = (value: string): Scalar => new Scalar('string', value);

const document = {
  '=_id': word('a'),
  '=votes': null,
  '=tags': [word('x'), word('y')],
  '=marks': {},
  '=place': { '=street': null },
  '=region': null,
};

const filters: readonly unknown[] = [
  { votes: { $gt: 3, $lte: 10 }, region: { $in: ['n', 's', null] } },
  { $and: [{ _id: 'a' }, { $or: [{ votes: null }, { 'place.street': { $exists: true } }] }] },
  { tags: { $all: ['x'], $size: 2 }, _id: { $regex: '^a+$', $options: 'i' } },
  { tags: { $elemMatch: { $nin: ['z'] } }, $nor: [{ votes: { $not: { $eq: 1 } } }] },
];

const updates: readonly unknown[] = [
  { $set: { votes: 3, 'place.street': 'x', region: 'n' }, $unset: { tags: '' } },
  { $inc: { votes: -2 }, $push: { tags: { $each: ['x', 'y'] } }, $addToSet: { tags: 'z' } },
  { $pull: { tags: { $in: ['x'] } }, $set: { 'marks.a': 1 } },
  { votes: 1, tags: ['x'], place: { street: 'y' }, region: 's' },
];

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

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const encoded = (value: string): Uint8Array => new TextEncoder().encode(value);

/** As JSON that has been through other hands. Undefined is null there. */
const mangledJson = (random: Random, value: unknown): unknown => {
  const numbers = (_: string, each: unknown): unknown => (typeof each === 'bigint' ? Number(each) : each);
  return JSON.parse(JSON.stringify(mangled(random, value, 0), numbers) ?? 'null');
};

const used = ({ accepts, valuesOf }: DocumentFilter): void => {
  accepts(document);
  accepts({});
  valuesOf('region');
};

const trials: Readonly<Record<string, (random: Random) => string | null>> = {
  filters: (random) => {
    const input = mangled(random, pick(random, filters), 0);
    const filter = documentFilter('Task filter', input);
    if (E.isRight(filter)) used(filter.right);
    const element = elementFilter('Task update.$pull.tags', input);
    if (E.isRight(element)) element.right(word('x'));
    return null;
  },
  updates: (random) => {
    const input = mangled(random, pick(random, updates), 0);
    const [shape] = schema.classes;
    if (shape === undefined) return 'the schema has no class';
    documentUpdate(schema, shape, 'region', input);
    documentReplacement(schema, shape, 'region', input);
    return null;
  },
  'records of sync': (random) => {
    const config = { type: 'partition', partition: { key: 'region', permissions: { read: true } } };
    const original = encodeSyncRecord({
      state: pick(random, ['enabled', 'disabled', 'terminated'] as const),
      epoch: 2,
      building: once(random, 2) ? null : 3,
      config,
      schema,
      lastDisabled: 1,
    });
    const first = decodeSyncRecord(
      once(random, 2)
        ? damaged(random, original)
        : encoded(JSON.stringify(mangledJson(random, JSON.parse(text(original))))),
    );
    if (E.isLeft(first)) return null;
    const again = encodeSyncRecord(first.right);
    const second = decodeSyncRecord(again);
    if (E.isLeft(second)) return `what was read cannot be saved and read again: ${text(again)}`;
    return text(encodeSyncRecord(second.right)) === text(again)
      ? null
      : `read again it differs: ${text(again)}`;
  },
  'records of resets': (random) => {
    const entries = resetRecords
      .filter(() => !once(random, 4))
      .map((entry) => ({
        ...entry,
        bytes: once(random, 2)
          ? damaged(random, entry.bytes)
          : encodeText(mangledJson(random, read(decodeText(entry.bytes)))),
      }));
    const loaded = loadClient(entries);
    if (E.isRight(loaded)) newFreshFile(newClientFile);
    return null;
  },
  subprotocols: (random) => {
    const oldest = 1 + random.int(3);
    const range = { oldest, newest: oldest + random.int(3) };
    const offered = Array.from({ length: random.int(5) }, () =>
      text(damaged(random, encoded(`syncline.${random.int(8)}`))),
    );
    const chosen = chosenSubprotocol(range, offered);
    const isFair = chosen === undefined || (offered.includes(chosen) && subprotocols(range).includes(chosen));
    return isFair ? null : `chose ${chosen} of ${offered.join(', ')}`;
  },
};

/** Each input some fifty times. Null where the law holds. */
export const hostileInputs = (random: Random): string | null => {
  for (const [name, trial] of Object.entries(trials))
    for (let times = 0; times < 50; times++) {
      const start = processorTime();
      let found: string | null;
      try {
        found = trial(random);
      } catch (error) {
        found = error instanceof Error ? (error.stack ?? error.message) : String(error);
      }
      const took = processorTime() - start;
      if (found !== null) return `${name}: ${found}`;
      if (took > patience) return `${name}: took ${Math.round(took)} ms`;
    }
  return null;
};
