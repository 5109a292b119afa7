/**
 * Loaded before a program, as `node --import` does: counts the cells of the merge matrix and the pairs of phase and
 * event that the program meets, and leaves them in a file of the folder `SYNCLINE_COUNTS` when it ends.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { type Counts, countCells, countPairs } from './counted.js';

const folder = process.env['SYNCLINE_COUNTS'];

if (folder !== undefined && isMainThread) {
  const all: Readonly<Record<string, Counts>> = { cells: countCells(), pairs: countPairs() };
  process.on('exit', () => {
    const counts = Object.fromEntries(Object.entries(all).map(([what, each]) => [what, [...each]]));
    writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(counts));
  });
}
