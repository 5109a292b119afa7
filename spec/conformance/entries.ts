/** Batches and answers as short text, for the store suites. */
import type { RecordBatch, RecordEntry, RecordRange } from '../../core/index.js';
import { digest } from './test.js';

export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

export const entry = (space: string, index: number, content: Uint8Array): RecordEntry => ({
  space,
  index,
  bytes: content,
});

export const range = (space: string, from: number, to: number): RecordRange => ({ space, from, to });

export const batch = (puts: readonly RecordEntry[], deletes: readonly RecordRange[] = []): RecordBatch => ({
  deletes,
  puts,
});

/** Every entry as `space/index=bytes`, or with a digest where the bytes are many. */
export const show = (entries: readonly RecordEntry[]): readonly string[] =>
  entries.map(
    ({ space, index, bytes: content }) =>
      `${space}/${index}=${content.length <= 8 ? [...content].join(',') : digest(content)}`,
  );

/** Batches that are malformed, each in one place, beside a good put that must not be performed either. */
export const malformed = (): readonly { readonly what: string; readonly batch: RecordBatch }[] => {
  const good = entry('a', 0, bytes(1));
  const put = (what: string, space: string, index: number) => ({
    what,
    batch: batch([good, entry(space, index, bytes(2))]),
  });
  const deletion = (what: string, space: string, from: number, to: number) => ({
    what,
    batch: batch([good], [range(space, from, to)]),
  });
  return [
    put('an empty space', '', 0),
    put('a space that is not ASCII', 'ä', 0),
    put('a space with a control character', 'a\0', 0),
    put('a space that is too long', 'x'.repeat(65), 0),
    put('a negative index', 'a', -1),
    put('a fraction as index', 'a', 0.5),
    put('NaN as index', 'a', Number.NaN),
    put('an index of 2^53', 'a', 2 ** 53),
    deletion('a range of a space that is not ASCII', 'é', 0, 1),
    deletion('a range from -1', 'a', -1, 1),
    deletion('a range to a fraction', 'a', 0, 1.5),
    deletion('a range beyond 2^53', 'a', 0, 2 ** 53 + 2),
  ];
};
