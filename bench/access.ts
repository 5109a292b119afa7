/** Partition-based sync: what rules, partitions and the back end's documents cost. */
import { documentFigures } from './access-moves.js';
import type { Suite } from './suite.js';

export const suite: Suite = {
  name: 'access',
  question: 'What do moves between partitions, and many partitions, cost a back end?',
  parts: ['moves', 'partitions'],
  run: documentFigures,
};
