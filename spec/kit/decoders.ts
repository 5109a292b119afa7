/**
 * Everything that reads bytes or text of others, each as a function of bytes alone, so that one input can be kept,
 * made small and tried again: by the fuzzer, which makes them, and by the corpus, which keeps them.
 *
 * What a decoder takes it takes for good: encoded and decoded again it says the same.
 */
import * as E from 'fp-ts/lib/Either.js';
import { decodePartitionConfig } from '../../core/access/config.js';
import { type DocumentFilter, documentFilter, elementFilter } from '../../core/access/document-filter.js';
import { Scalar } from '../../core/access/document-form.js';
import { parseExpression } from '../../core/access/parse-expression.js';
import { decodeSyncRecord, encodeSyncRecord } from '../../core/access/sync-record.js';
import type { RecordEntry } from '../../core/base/record.js';
import { loadClientFile, recordsBySpace } from '../../core/history/client-records.js';
import { changesetsOf, decodeSegment } from '../../core/history/segment.js';
import { extended, loadPartition, openingSpaces } from '../../core/history/server-records.js';
import { decodeChangeset, encodeChangeset, unpack } from '../../core/model/codec.js';
import { printChangesets } from '../../core/model/notation.js';
import { decodeSchema } from '../../core/model/schema-config.js';
import { Findings } from '../../core/model/schema-findings.js';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from '../../core/protocol/codec.js';
import { anonymized } from '../../core/replay/anonymize.js';
import { decodeRecording } from '../../core/replay/recording.js';
import { Replay } from '../../core/replay/replay.js';
import { printStep } from '../../core/replay/transcript.js';
import { loadClient, loadFreshFile } from '../../core/reset/reset-records.js';
import { documentReplacement, documentUpdate } from '../../core/session/document-update.js';
import {
  commonHeaderBytes,
  decodeAnswer,
  decodeRequest,
  decodeType,
  encodeRequest,
  requestHeaderBytes,
} from '../../transports/links/long-poll-wire.js';

/** `says` is the reason of a refusal, and what is wrong where the decoder breaks its law. */
export interface Reading {
  readonly outcome: 'taken' | 'refused' | 'wrong';
  readonly says: string;
}

/** Throws nothing but what the decoder throws, which it must not. */
export type Decoder = (bytes: Uint8Array) => Reading;

const taken: Reading = { outcome: 'taken', says: '' };
const refused = (says: unknown): Reading => ({ outcome: 'refused', says: reasonOf(says) });
const wrong = (says: string): Reading => ({ outcome: 'wrong', says });

const reasonOf = (error: unknown): string => {
  if (Array.isArray(error)) return reasonOf(error[0]);
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return String(error);
};

const judged = (decoded: E.Either<unknown, unknown>): Reading =>
  E.isLeft(decoded) ? refused(decoded.left) : taken;

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

const message =
  (decode: (bytes: Uint8Array) => E.Either<unknown, Parameters<typeof encodeMessage>[0]>): Decoder =>
  (bytes) => {
    const first = decode(bytes);
    if (E.isLeft(first)) return refused(first.left);
    if ('damaged' in first.right && first.right.damaged !== undefined) return refused(first.right.damaged);
    const again = encodeMessage(first.right);
    const second = decode(again);
    if (E.isLeft(second)) return wrong('what was decoded cannot be encoded and decoded again');
    return sameBytes(again, encodeMessage(second.right))
      ? taken
      : wrong('decoded again it says something else');
  };

/** Records as one row of bytes: for each its space behind a length, its index, and its bytes behind a length. */
export const framedRecords = (entries: readonly RecordEntry[]): Uint8Array => {
  const parts: number[] = [];
  const word = (value: number): void => {
    for (let shift = 24; shift >= 0; shift -= 8) parts.push((value >>> shift) & 0xff);
  };
  for (const { space, index, bytes } of entries) {
    parts.push(space.length, ...new TextEncoder().encode(space));
    word(Math.floor(index / 2 ** 32));
    word(index >>> 0);
    word(bytes.length);
    for (const byte of bytes) parts.push(byte);
  }
  return Uint8Array.from(parts);
};

/** Whatever the bytes are: what is cut off counts as zeros or as nothing. */
const recordsOf = (framed: Uint8Array): readonly RecordEntry[] => {
  const entries: RecordEntry[] = [];
  let at = 0;
  const part = (length: number): Uint8Array => {
    const bytes = framed.subarray(at, at + length);
    at += bytes.length;
    return bytes;
  };
  const word = (): number => part(4).reduce((sum, byte) => sum * 256 + byte, 0);
  while (at < framed.length) {
    const space = String.fromCharCode(...part(framed[at++] ?? 0));
    const index = (word() % 2 ** 21) * 2 ** 32 + word();
    entries.push({ space, index, bytes: part(word()) });
  }
  return entries;
};

const recording: Decoder = (bytes) => {
  const decoded = decodeRecording(bytes);
  if (E.isLeft(decoded)) return refused(decoded.left);
  // Whatever the steps are, they come to an end, and other content can be put in the place of theirs.
  for (const step of new Replay(decoded.right).steps()) printStep(step);
  anonymized(decoded.right, { salt: 5 });
  return taken;
};

/** A decoder of what is text of JSON; other text is none of its inputs. */
const json =
  (read: (value: unknown) => Reading): Decoder =>
  (bytes) => {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      return refused('no JSON');
    }
    return read(value);
  };

const schema = (() => {
  const decoded = decodeSchema([
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
  ]);
  if (E.isLeft(decoded)) throw new Error(reasonOf(decoded.left));
  return decoded.right;
})();

const word = (value: string): Scalar => new Scalar('string', value);

const document = {
  '=_id': word('a'),
  '=votes': null,
  '=tags': [word('x'), word('y')],
  '=marks': {},
  '=place': { '=street': null },
  '=region': null,
};

const used = ({ accepts, valuesOf }: DocumentFilter): void => {
  accepts(document);
  accepts({});
  valuesOf('region');
};

/** A filter, and one of elements, whichever it may be. Any value, also such as JSON has not. */
export const readFilter = (input: unknown): Reading => {
  const filter = documentFilter('Task filter', input);
  if (E.isRight(filter)) used(filter.right);
  const element = elementFilter('Task update.$pull.tags', input);
  if (E.isRight(element)) element.right(word('x'));
  return E.isRight(filter) ? taken : judged(element);
};

/** An update, or what a document is replaced by. Any value, also such as JSON has not. */
export const readUpdate = (input: unknown): Reading => {
  const [shape] = schema.classes;
  if (shape === undefined) return wrong('the schema has no class');
  const update = documentUpdate(schema, shape, 'region', input);
  const replacement = documentReplacement(schema, shape, 'region', input);
  return E.isRight(replacement) ? taken : judged(update);
};

export const decoders = {
  'client messages': message(decodeClientMessage),
  'server messages': message(decodeServerMessage),
  changesets: (bytes) => {
    const first = decodeChangeset(bytes);
    if (E.isLeft(first)) return refused(first.left);
    const changeset = unpack(first.right);
    const second = decodeChangeset(encodeChangeset(changeset));
    if (E.isLeft(second)) return wrong('what was decoded cannot be encoded and decoded again');
    return printChangesets([unpack(second.right)]) === printChangesets([changeset])
      ? taken
      : wrong('decoded again it says something else');
  },
  segments: (bytes) => {
    const decoded = decodeSegment(bytes);
    // A checksum is over everything: what passes for a segment is one.
    if (E.isRight(decoded)) changesetsOf(decoded.right);
    return judged(decoded);
  },
  'records of a device': (bytes) => judged(loadClientFile(recordsOf(bytes))),
  'records of a server': (bytes) => {
    const entries = recordsOf(bytes);
    const opened = loadPartition(
      entries.filter(({ space }) => openingSpaces.includes(space)),
      1,
    );
    if (E.isLeft(opened)) return refused(opened.left);
    const { snapshotVersion, head } = opened.right;
    return judged(
      extended(
        opened.right,
        entries.filter(({ space, index }) => space === 'log' && index > snapshotVersion && index <= head),
      ),
    );
  },
  'records of resets': (bytes) => {
    const entries = recordsOf(bytes);
    const loaded = loadClient(entries);
    if (E.isRight(loaded)) loadFreshFile(loaded.right.file, recordsBySpace(entries));
    return judged(loaded);
  },
  'records of sync': (bytes) => {
    const first = decodeSyncRecord(bytes);
    if (E.isLeft(first)) return refused(first.left);
    const again = encodeSyncRecord(first.right);
    const second = decodeSyncRecord(again);
    if (E.isLeft(second)) return wrong('what was read cannot be saved and read again');
    return sameBytes(encodeSyncRecord(second.right), again) ? taken : wrong('read again it differs');
  },
  'long-poll requests': (bytes) => {
    const type = decodeType(bytes.subarray(0, commonHeaderBytes));
    if (E.isLeft(type)) return refused(type.left);
    const length = requestHeaderBytes(type.right);
    if (bytes.length < length) return refused('a header that is cut short');
    const header = decodeRequest(type.right, bytes.subarray(0, length));
    const again = decodeRequest(type.right, encodeRequest(header));
    return JSON.stringify(header) === JSON.stringify(again)
      ? taken
      : wrong('decoded again it says something else');
  },
  'long-poll answers': (bytes) => judged(decodeAnswer(bytes)),
  recordings: recording,
  'class configurations': json((value) => judged(decodeSchema(value))),
  'partition configurations': json((value) => judged(decodePartitionConfig(value))),
  rules: json((value) => {
    const findings = new Findings();
    const expression = parseExpression(value, 'rule', new Set(['known']), findings);
    return expression === null ? refused(findings.errors) : taken;
  }),
  filters: json(readFilter),
  updates: json(readUpdate),
} satisfies Readonly<Record<string, Decoder>>;

export type DecoderName = keyof typeof decoders;

export const decoderNames = Object.keys(decoders) as readonly DecoderName[];

/** Null, or what is wrong with what a decoder makes of `bytes`. */
export const faultOf = (name: DecoderName, bytes: Uint8Array): string | null => {
  try {
    const { outcome, says } = decoders[name](bytes);
    return outcome === 'wrong' ? says : null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
};
