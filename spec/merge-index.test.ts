/** Law 3, the index is invisible: merging through it gives what comparing every pair gives. */
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { columnsOf } from '../core/merge/column-lookup.js';
import { transformIndexed } from '../core/merge/index-transform.js';
import type { RuleSet } from '../core/merge/rule.js';
import { realm, syncline } from '../core/merge/rule-set.js';
import { transform } from '../core/merge/transform.js';
import type { Changeset } from '../core/model/changeset.js';
import {
  addInteger,
  arrayErase,
  arrayInsert,
  arrayMove,
  clear,
  createObject,
  eraseObject,
  type Instruction,
  type Path,
  setErase,
  setInsert,
  update,
  updateElement,
} from '../core/model/instruction.js';
import { intKey, stringKey } from '../core/model/key.js';
import { printChangesets } from '../core/model/notation.js';
import { emptyState, type State } from '../core/model/state.js';
import { dictionary, erased, list, objectValue, type Payload } from '../core/model/value.js';
import { naiveTransform } from './kit/naive.js';
import { fromChoices, once, pick, type Random, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { contentWeights, randomInstructions, type ValidOptions } from './kit/valid.js';
import { randomWorld } from './kit/worlds.js';

type Changesets = readonly Changeset[];

const show = (changesets: Changesets): string => printChangesets(changesets);

/** Whatever the naive merge left alone is the same reference. */
const keepsReferences = (before: Changesets, after: Changesets, naive: Changesets): boolean => {
  const isSame = (changeset: Changeset, c: number): boolean => {
    const { instructions } = before[c] as Changeset;
    return (
      changeset.instructions.length === instructions.length &&
      changeset.instructions.every((instruction, k) => instruction === instructions[k])
    );
  };
  const isKept = (changeset: Changeset, c: number): boolean => {
    const original = before[c] as Changeset;
    const known = new Set(original.instructions);
    const ours = (after[c] as Changeset).instructions;
    return (
      changeset.instructions.every((instruction, k) => !known.has(instruction) || ours[k] === instruction) &&
      (!isSame(changeset, c) || after[c] === original)
    );
  };
  return naive.every(isKept) && (!naive.every(isSame) || after === before);
};

const check = (left: Changesets, right: Changesets, base: State, rules: RuleSet): void => {
  const columns = columnsOf(base);
  const naive = naiveTransform(left, right, { rules, columns });
  const story = `\nleft\n${show(left)}\nright\n${show(right)}\n`;
  for (const fewPairs of [0, 3]) {
    const merged = transformIndexed(left, right, rules, { columns }, fewPairs);
    if (E.isLeft(naive)) {
      assert.is(merged, null, `${naive.left}, but not through the index${story}`);
      continue;
    }
    if (merged === null) throw new Error(`fails through the index${story}`);
    assert.is(show(merged.left), show(naive.right.left), story);
    assert.is(show(merged.right), show(naive.right.right), story);
    assert.equal(merged, naive.right, story);
    assert.ok(keepsReferences(left, merged.left, naive.right.left), `left copied${story}`);
    assert.ok(keepsReferences(right, merged.right, naive.right.right), `right copied${story}`);
  }
  const result = transform(left, right, { rules, columns });
  if (E.isLeft(naive)) assert.is(E.isLeft(result) && result.left.reason, naive.left, story);
  else assert.equal(result, naive, story);
};

/** Cuts a sequence into changesets with timestamps in order or not. */
const changesets = (random: Random, origin: number, instructions: readonly Instruction[]): Changesets => {
  const inOrder = random.int(2) === 0;
  const result: Changeset[] = [];
  let now = 0;
  for (let k = 0; k < instructions.length; ) {
    const end = k + 1 + random.int(3);
    now = inOrder ? now + random.int(3) : random.int(8);
    const version = result.length + 1;
    result.push({ version, base: 0, timestamp: now, origin, instructions: instructions.slice(k, end) });
    k = end;
  }
  return result;
};

const index = suite('merge index');

const worlds: Readonly<Record<string, { columns?: string[]; weights: ValidOptions['weights'] }>> = {
  'all contents': { weights: contentWeights },
  'lists of embedded objects': {
    columns: ['l_embedded', 'int'],
    weights: {
      ...contentWeights,
      ArrayInsert: 20,
      ArrayMove: 10,
      ArrayErase: 10,
      Update: 30,
      EraseObject: 1,
    },
  },
  'mixed values': { columns: ['mixed', 'l_mixed', 'd_mixed', 's_mixed'], weights: contentWeights },
  counters: {
    columns: ['int', 'int_null', 'mixed'],
    weights: { Update: 2, AddInteger: 2, EraseObject: 0.2 },
  },
};

for (const [name, { columns, weights }] of Object.entries(worlds))
  index(`valid histories: ${name}`, () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1023 }), { minLength: 60, maxLength: 400 }), (choices) => {
        const random = fromChoices(choices);
        const options = { weights: weights ?? contentWeights, ...(columns && { columns, tables: [] }) };
        const base = randomWorld(random, { ...options, steps: 8 });
        const side = (origin: number) =>
          changesets(
            random,
            origin,
            randomInstructions(random, base, 2 + random.int(12), options).instructions,
          );
        check(side(2), side(3), base, random.int(4) === 0 ? realm : syncline);
      }),
      { numRuns: 400, includeErrorInReport: true },
    );
  });

// Instructions that need not make sense.

const objects = [intKey(1n), intKey(2n)];
const values: readonly Payload[] = [1n, 'a', null, 1.5, 0, -0, objectValue, list, dictionary, erased];

interface Soup {
  readonly fields: readonly string[];
  readonly steps: readonly (number | string)[];
  readonly depth: number;
  readonly kinds: readonly string[];
}

const spoonful = (random: Random, { fields, steps, depth, kinds }: Soup): Instruction => {
  const place = ['A', pick(random, objects), pick(random, fields)] as const;
  const path: Path = Array.from({ length: random.int(depth + 1) }, () => pick(random, steps));
  const at: Path = [...path, random.int(4)];
  switch (pick(random, kinds)) {
    case 'CreateObject':
      return createObject('A', place[1]);
    case 'EraseObject':
      return eraseObject('A', place[1]);
    case 'ArrayInsert':
      return arrayInsert(...place, at, pick(random, values), 4);
    case 'ArrayErase':
      return arrayErase(...place, at, 4);
    case 'ArrayMove':
      return arrayMove(...place, at, random.int(4), 4);
    case 'Element':
      return updateElement(...place, at, pick(random, values), 4);
    case 'AddInteger':
      return addInteger(...place, path, BigInt(random.int(5)));
    case 'Clear':
      return clear(...place, path, pick(random, ['list', 'dictionary', 'set'] as const));
    case 'SetInsert':
      return setInsert(...place, path, pick(random, values));
    case 'SetErase':
      return setErase(...place, path, pick(random, values));
    default: {
      const isElement = typeof path[path.length - 1] === 'number';
      return isElement
        ? updateElement(...place, path, pick(random, values), 4)
        : update(...place, path, pick(random, values), once(random, 4));
    }
  }
};

const soups: Readonly<Record<string, Soup>> = {
  'keys and fields': {
    fields: ['x', 'y'],
    steps: ['j', 'k'],
    depth: 2,
    kinds: [
      'Update',
      'Update',
      'Update',
      'AddInteger',
      'Clear',
      'SetInsert',
      'SetErase',
      'EraseObject',
      'CreateObject',
    ],
  },
  'indices without order': {
    fields: ['x'],
    steps: [0, 1, 2],
    depth: 3,
    kinds: ['Update', 'Update', 'Element', 'AddInteger', 'Clear', 'SetInsert', 'SetErase'],
  },
  anything: {
    fields: ['x', 'y'],
    steps: [0, 1, 'k'],
    depth: 2,
    kinds: [
      'Update',
      'Element',
      'AddInteger',
      'Clear',
      'SetInsert',
      'ArrayInsert',
      'ArrayErase',
      'ArrayMove',
    ],
  },
};

for (const [name, soup] of Object.entries(soups))
  index(`soup: ${name}`, () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1023 }), { minLength: 20, maxLength: 300 }), (choices) => {
        const random = fromChoices(choices);
        const side = (origin: number): Changesets => {
          const length = 1 + random.int(12);
          return changesets(
            random,
            origin,
            Array.from({ length }, () => spoonful(random, soup)),
          );
        };
        check(side(2), side(3), emptyState, random.int(4) === 0 ? realm : syncline);
      }),
      { numRuns: 600, includeErrorInReport: true },
    );
  });

// Lists whose sizes are right, with all that can be at and inside their elements.

/** `flat`: nothing but what is done to whole elements. */
const onLists = (random: Random, length: number, flat = false): Instruction[] => {
  const place = ['A', intKey(1n), 'l'] as const;
  let size = 3;
  return Array.from({ length }, () => {
    if (!flat && once(random, 30)) {
      size = 0;
      return clear(...place, [], 'list');
    }
    const kind = size < 2 ? 0 : random.int(flat ? 4 : 6);
    const index = random.int(kind === 0 ? size + 1 : size);
    const before = size;
    switch (kind) {
      case 0:
        size++;
        return arrayInsert(...place, [index], pick(random, values), before);
      case 1:
        size--;
        return arrayErase(...place, [index], before);
      case 2:
        return arrayMove(...place, [index], (index + 1 + random.int(size - 1)) % size, size);
      case 3:
        return updateElement(...place, [index], pick(random, flat ? [1n, 'a', objectValue] : values), size);
      case 4:
        return once(random, 2)
          ? clear(...place, [index], 'list')
          : addInteger(...place, [index, pick(random, ['j', 'k'])], 1n);
      default:
        return update(...place, [index, pick(random, ['j', 'k'])], pick(random, values));
    }
  });
};

index('lists with contents', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1023 }), { minLength: 20, maxLength: 300 }), (choices) => {
      const random = fromChoices(choices);
      const side = (origin: number): Changesets =>
        changesets(random, origin, onLists(random, 1 + random.int(14)));
      check(side(2), side(3), emptyState, random.int(8) === 0 ? realm : syncline);
    }),
    { numRuns: 1000, includeErrorInReport: true },
  );
});

for (const flat of [true, false])
  index(`long lists ${flat ? 'of plain values' : 'with contents'}`, () => {
    const random = seeded(11);
    for (let run = 0; run < 15; run++)
      check(
        changesets(random, 2, onLists(random, 60 + random.int(60), flat)),
        changesets(random, 3, onLists(random, 60 + random.int(60), flat)),
        emptyState,
        run % 3 === 0 ? realm : syncline,
      );
  });

index('very many objects meet their like, whatever their keys end in', () => {
  // All writes of the right are newer. Its objects are the second half of the left's, and as many others.
  for (const key of [(n: number) => stringKey(`${n}`), (n: number) => stringKey(`${n % 7}, ${n} of many`)]) {
    const side = (origin: number, first: number): Changeset => ({
      version: 1,
      base: 0,
      timestamp: origin,
      origin,
      instructions: Array.from({ length: 6000 }, (_, n) => update('A', key(first + n), 'x', [], 1n)),
    });
    const left = [side(2, 0)];
    const right = [side(3, 3000)];
    const merged = transform(left, right, { rules: syncline });
    if (E.isLeft(merged)) throw new Error(merged.left.message);
    const kept = left.map((changeset) => ({
      ...changeset,
      instructions: changeset.instructions.slice(0, 3000),
    }));
    assert.equal(merged.right, { left: kept, right });
  }
});

index.run();
