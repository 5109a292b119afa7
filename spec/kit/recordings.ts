/** Recordings to try things on: those of simulated programs, and such that were tampered with. */
import * as E from 'fp-ts/lib/Either.js';
import { Reader, Writer } from '../../core/base/bytes.js';
import type { limits } from '../../core/base/limits.js';
import { joinSegments, type RawSegment, splitSegments } from '../../core/replay/container.js';
import { headForm } from '../../core/replay/entry.js';
import { EntryWriter } from '../../core/replay/entry-writer.js';
import { decodeRecording, type Recording } from '../../core/replay/recording.js';
import { type MemoryRecording, memoryRecording, type RecordingOptions } from '../../transports/recording.js';
import { type SimulationOptions, simulate } from '../simulation/simulate.js';
import { withLimits } from './with-limits.js';

export const readRecording = (bytes: Uint8Array): Recording => {
  const decoded = decodeRecording(bytes);
  if (E.isLeft(decoded)) throw new Error(decoded.left.message);
  return decoded.right;
};

/** Lives through a world; the recordings of its programs, by their names. Throws where the life itself fails. */
export const recordedLives = async (
  options: SimulationOptions,
  recording: RecordingOptions = {},
): Promise<ReadonlyMap<string, MemoryRecording>> => {
  const recorders = new Map<string, MemoryRecording>();
  const recorder = (name: string): MemoryRecording => {
    const made = memoryRecording(recording);
    recorders.set(name, made);
    return made;
  };
  const { failure } = await simulate({ ...options, recorder });
  if (failure !== null) throw new Error(`${failure.checker}: ${failure.message}`);
  return recorders;
};

/** Runs `body` under the limits that were in force when it was recorded. */
export const underItsLimits = <T>({ about }: Recording, body: () => T): T =>
  withLimits(
    Object.fromEntries(about.limits.map(({ name, value }) => [name, value])) as Partial<typeof limits>,
    body,
  );

/** The recording with other bodies of entries, framed as they should be; null leaves one out. */
export const reframed = (
  recording: Uint8Array,
  change: (body: Uint8Array, index: number) => Uint8Array | null,
): Uint8Array => {
  const split = splitSegments(recording);
  if (E.isLeft(split)) throw new Error(split.left.message);
  const writer = new EntryWriter();
  let index = 0;
  const segments = split.right.map(({ sequence, bodies }): RawSegment => {
    writer.begin(sequence);
    for (const body of bodies) {
      const changed = change(body, index++);
      if (changed === null) continue;
      writer.beginEntry().raw(changed);
      writer.finish();
      writer.keep();
    }
    writer.end();
    return { sequence, blocks: writer.bytes.slice(writer.start, writer.start + writer.length) };
  });
  return joinSegments(segments);
};

/** The recording with the digest of its n-th step changed: as if the engine had done something else there. */
export const withDigestChanged = (recording: Uint8Array, n: number): Uint8Array => {
  const writer = new Writer();
  let steps = 0;
  return reframed(recording, (body) => {
    const reader = new Reader(body);
    const head = headForm.read(reader);
    if (head.type !== 'step' || ++steps !== n) return body;
    writer.begin();
    headForm.write(writer, { ...head, digest: (head.digest ^ 1) >>> 0 });
    writer.raw(body.subarray(reader.position));
    return writer.finish();
  });
};
