/**
 * Vectors of merges and client resets as tests: what a merge owes, whoever made it. The engine's own merge is
 * tested, or any other of its form: one that was changed, ported or wrapped.
 */
import { fileURLToPath } from 'node:url';
import type { Merge } from '../kit/replay.js';
import { replayLine } from '../kit/replay-line.js';
import { readVectorLines } from '../kit/vectors.js';
import type { ConformanceTest } from './test.js';

/** Lines of a difference that an error shows. */
const shown = 20;

/** The vectors that come with the package, one line each: merges, and resets. */
export const sampleVectors = (): readonly string[] =>
  ['sample', 'reset'].flatMap((name) =>
    readVectorLines(fileURLToPath(new URL(`../../../spec/vectors/${name}.jsonl.gz`, import.meta.url))),
  );

/** One test for each line, by the id of its vector; it fails with the difference in the notation. */
export const vectorConformance = (lines: readonly string[], merge?: Merge): readonly ConformanceTest[] =>
  lines.map((line, i) => ({
    name: `vector ${i + 1}: ${/"id":\s*"([^"]*)"/.exec(line)?.[1] ?? 'without an id'}`,
    run: async () => {
      const [failure] = replayLine(line, merge).failures;
      if (failure !== undefined) throw new Error([failure.what, ...failure.lines.slice(0, shown)].join('\n'));
    },
  }));
