import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { mergeAllUpdates, mergeLists, transcribeAll, weaveLists } from '../core/merge/list-merge.js';
import { ERASE, INSERT, type ListOps, listOps, MOVE, UPDATE } from '../core/merge/list-ops.js';
import { mergePairs } from '../core/merge/list-pairs.js';
import { fromChoices, type Random, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

// The dumb twin: one record for each operation, every pair in turn, every rule as it is written down.

interface Op {
  readonly kind: 'insert' | 'erase' | 'move' | 'update';
  at: number;
  to: number;
  size: number;
  readonly stamp: number;
  readonly creates: boolean;
  gone: boolean;
}

const kinds = ['insert', 'erase', 'move', 'update'] as const;
const numbers = { insert: INSERT, erase: ERASE, move: MOVE, update: UPDATE };

const mapMove = (index: number, from: number, to: number): number => {
  if (index === from) return to;
  const without = index > from ? index - 1 : index;
  return without >= to ? without + 1 : without;
};

const naivePair = (a: Op, b: Op, aIsNewer: boolean): void => {
  switch (`${a.kind} ${b.kind}`) {
    case 'insert insert': // L4
      a.size++;
      b.size++;
      if (a.at > b.at || (a.at === b.at && aIsNewer)) a.at++;
      else b.at++;
      return;
    case 'insert update': // L1
      b.size++;
      if (b.at >= a.at) b.at++;
      return;
    case 'move update': // L2
      b.at = mapMove(b.at, a.at, a.to);
      return;
    case 'erase update': // L3
      b.size--;
      if (b.at === a.at) b.gone = true;
      else if (b.at > a.at) b.at--;
      return;
    case 'update update': // U1
      if (a.at !== b.at) return;
      if (a.creates !== b.creates) (a.creates ? a : b).gone = true;
      else (aIsNewer ? b : a).gone = true;
      return;
    case 'move insert': // L5
      a.size++;
      if (b.at > a.at) b.at--;
      else a.at++;
      if (b.at < a.to || (b.at === a.to && !aIsNewer)) a.to++;
      else b.at++;
      return;
    case 'erase insert': // L6
      a.size++;
      b.size--;
      if (b.at <= a.at) a.at++;
      else b.at--;
      return;
    case 'move move': // L7
      if (a.at === b.at) {
        const [older, newer] = aIsNewer ? [b, a] : [a, b];
        older.gone = true;
        newer.at = older.to;
        if (newer.at === newer.to) newer.gone = true;
        return;
      }
      if (a.at > b.at) a.at--;
      else b.at--;
      if (a.to > b.at) a.to--;
      else b.at++;
      if (a.at < b.to) b.to--;
      else a.at++;
      if (a.to < b.to || (a.to === b.to && !aIsNewer)) b.to++;
      else a.to++;
      if (a.at === a.to) a.gone = true;
      if (b.at === b.to) b.gone = true;
      return;
    case 'erase move': // L8
      b.size--;
      if (a.at === b.at) {
        a.at = b.to;
        b.gone = true;
        return;
      }
      if (a.at > b.at) a.at--;
      else b.at--;
      if (a.at >= b.to) a.at++;
      else b.to--;
      if (b.at === b.to) b.gone = true;
      return;
    case 'erase erase': // L9
      a.size--;
      b.size--;
      if (a.at === b.at) {
        a.gone = true;
        b.gone = true;
      } else if (a.at > b.at) a.at--;
      else b.at--;
      return;
    default:
      naivePair(b, a, !aIsNewer);
  }
};

const naive = (left: readonly Op[], right: readonly Op[]): [Op[], Op[]] => {
  const ours = left.map((op) => ({ ...op }));
  const theirs = right.map((op) => ({ ...op }));
  for (const a of ours)
    for (const b of theirs) {
      if (a.gone) break;
      if (b.gone) continue;
      naivePair(a, b, a.stamp > b.stamp);
    }
  return [ours, theirs];
};

const columns = (ops: readonly Op[]): ListOps => {
  const result = listOps(ops.length);
  ops.forEach((op, k) => {
    result.kind[k] = numbers[op.kind];
    result.index[k] = op.at;
    result.to[k] = op.to;
    result.priorSize[k] = op.size;
    result.stamp[k] = op.stamp;
    result.creates[k] = op.creates ? 1 : 0;
  });
  return result;
};

const print = ({ kind, at, to, size, stamp, creates, gone }: Op): string =>
  gone ? '-' : `${kind}${creates ? '*' : ''} ${at}${kind === 'move' ? `→${to}` : ''} of ${size} @${stamp}`;

const isWanted = (ops: ListOps, wanted: readonly Op[]): boolean => {
  for (const [k, { kind, at, to, size, gone }] of wanted.entries()) {
    if ((ops.gone[k] === 1) !== gone) return false;
    if (gone) continue;
    if (ops.index[k] !== at || ops.priorSize[k] !== size) return false;
    if (kind === 'move' && ops.to[k] !== to) return false;
  }
  return true;
};

const read = (ops: ListOps, like: readonly Op[]): string[] =>
  like.map(({ kind, creates }, k) =>
    print({
      kind,
      at: ops.index[k] as number,
      to: ops.to[k] as number,
      size: ops.priorSize[k] as number,
      stamp: ops.stamp[k] as number,
      creates,
      gone: ops.gone[k] === 1,
    }),
  );

type Merge = (left: ListOps, right: ListOps) => unknown;

const weave: Merge = (left, right) => {
  const woven = weaveLists(left, right, Number.POSITIVE_INFINITY);
  if (woven === null) throw new Error('the weave gave up');
  mergeAllUpdates(woven.left, woven.right);
  transcribeAll(woven);
};
const ways: readonly Merge[] = [weave, mergePairs, mergeLists];

const check = (left: readonly Op[], right: readonly Op[], merges: readonly Merge[]): void => {
  const [wantedLeft, wantedRight] = naive(left, right);
  for (const merge of merges) {
    const ours = columns(left);
    const theirs = columns(right);
    merge(ours, theirs);
    if (isWanted(ours, wantedLeft) && isWanted(theirs, wantedRight)) continue;
    const message = `${left.map(print).join(', ')}  against  ${right.map(print).join(', ')}`;
    assert.equal(read(ours, left), wantedLeft.map(print), message);
    assert.equal(read(theirs, right), wantedRight.map(print), message);
    assert.unreachable(message);
  }
};

/** One random operation on a list of `size` elements. `weights` are those of the kinds. */
const draw = (random: Random, size: number, weights: readonly number[], stamp: number): Op => {
  let ticket = random.int(weights.reduce((sum, weight) => sum + weight, 0));
  let number = 0;
  while (ticket >= (weights[number] as number)) ticket -= weights[number++] as number;
  const wanted = kinds[number] ?? 'insert';
  const kind = size === 0 || (wanted === 'move' && size === 1) ? 'insert' : wanted;
  const at = random.int(kind === 'insert' ? size + 1 : size);
  const to = kind === 'move' ? (at + 1 + random.int(size - 1)) % size : 0;
  return { kind, at, to, size, stamp, creates: kind === 'update' && random.int(3) === 2, gone: false };
};

const drawAll = (
  random: Random,
  length: number,
  size: number,
  weights: readonly number[],
  stampOf: (k: number) => number,
): Op[] =>
  Array.from({ length }, (_, k) => {
    const op = draw(random, size, weights, stampOf(k));
    size += op.kind === 'insert' ? 1 : op.kind === 'erase' ? -1 : 0;
    return op;
  });

/** All sequences of `length` operations on a list of `size` elements, with updates that create objects or without. */
const sequences = (length: number, size: number, creating: boolean): Omit<Op, 'stamp'>[][] => {
  if (length === 0) return [[]];
  const first: Omit<Op, 'stamp'>[] = [];
  const op = (kind: Op['kind'], at: number, to = 0, creates = false) =>
    first.push({ kind, at, to, size, creates, gone: false });
  for (let at = 0; at <= size; at++) op('insert', at);
  for (let at = 0; at < size; at++) {
    op('erase', at);
    op('update', at);
    if (creating) op('update', at, 0, true);
    for (let to = 0; to < size; to++) if (to !== at) op('move', at, to);
  }
  return first.flatMap((head) => {
    const after = size + (head.kind === 'insert' ? 1 : head.kind === 'erase' ? -1 : 0);
    return sequences(length - 1, after, creating).map((tail) => [head, ...tail]);
  });
};

/** Stamps for two sequences, one for each way in which the pairs can be ordered. */
const stampings = (lefts: number, rights: number): [number[], number[]][] => {
  const choices = (length: number, values: readonly number[]): number[][] =>
    length === 0
      ? [[]]
      : choices(length - 1, values).flatMap((rest) => values.map((value) => [...rest, value]));
  const different = new Map<string, [number[], number[]]>();
  for (const left of choices(lefts, [0, 2, 4]))
    for (const right of choices(rights, [1, 3]))
      different.set(left.map((a) => right.map((b) => (a < b ? '<' : '>'))).join(), [left, right]);
  return [...different.values()];
};

const lists = suite('list merge');

for (const [lefts, rights, size] of [
  [1, 1, 4],
  [1, 2, 3],
  [2, 1, 3],
  [2, 2, 1],
  [2, 2, 2],
] as const) {
  lists(`${lefts} against ${rights} operations on ${size} elements: each, in each order of age`, () => {
    const lefties = sequences(lefts, size, lefts + rights < 4);
    const righties = sequences(rights, size, lefts + rights < 4);
    for (const [leftStamps, rightStamps] of stampings(lefts, rights)) {
      const stamped = (ops: Omit<Op, 'stamp'>[], stamps: number[]): Op[] =>
        ops.map((op, k) => ({ ...op, stamp: stamps[k] as number }));
      const against = righties.map((right) => stamped(right, rightStamps));
      for (const left of lefties) {
        const ours = stamped(left, leftStamps);
        for (const theirs of against) check(ours, theirs, [weave]);
      }
    }
  });
}

const profiles = {
  'inserts and erasures': [3, 2, 0, 0],
  'moves among others': [4, 3, 2, 1],
  'moves alone': [0, 0, 1, 0],
  'updates and erasures': [1, 2, 1, 4],
} as const;

for (const [name, weights] of Object.entries(profiles)) {
  lists(`short sequences merge as pair by pair: ${name}`, () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 59 }), { maxLength: 60 }), (choices) => {
        const random = fromChoices(choices);
        const size = random.int(6);
        const inOrder = random.int(2) === 0;
        const side = (parity: number): Op[] => {
          let stamp = parity;
          return drawAll(random, 1 + random.int(6), size, weights, () => {
            stamp = 2 * random.int(4) + (inOrder ? stamp : parity);
            return stamp;
          });
        };
        check(side(0), side(1), ways);
      }),
      { numRuns: 1500 },
    );
  });

  lists(`long sequences merge as pair by pair: ${name}`, () => {
    const random = seeded(weights[0] + 10 * weights[3]);
    for (let run = 0; run < 40; run++) {
      const size = random.int(60);
      const stamps = [
        (k: number) => 2 * k,
        (k: number) => 2 * k + 1,
        (k: number) => 2 * k + 1001,
        () => 2 * random.int(30),
        () => 2 * random.int(30) + 1,
      ];
      const [ours, theirs] = [
        [0, 1],
        [0, 2],
        [3, 4],
        [0, 4],
      ][run % 4] as [number, number];
      const left = drawAll(random, 80, size, weights, stamps[ours] as () => number);
      const right = drawAll(random, 60, size, weights, stamps[theirs] as () => number);
      check(left, right, ways);
    }
  });
}

lists('untouched elements cost nothing, however many there are', () => {
  const size = 1_000_000_000;
  const random = seeded(5);
  const left = drawAll(random, 50, size, [3, 2, 1, 1], (k) => 2 * k);
  const right = drawAll(random, 50, size, [3, 2, 1, 1], (k) => 2 * k + 1);
  check(left, right, ways);
});

lists('few operations among many elements cut these apart as often as can be', () => {
  const move = (at: number, to: number, stamp: number): Op => ({
    kind: 'move',
    at,
    to,
    size: 9,
    stamp,
    creates: false,
    gone: false,
  });
  for (let at = 0; at < 9; at++)
    for (let to = 0; to < 9; to++) if (at !== to) check([move(at, to, 0)], [move(6, 2, 1)], [weave]);
});

lists('what costs too much is left to the pairs, with the same result', () => {
  const side = (parity: number): Op[] => {
    let size = 20;
    return Array.from({ length: 400 }, (_, k): Op => {
      const kind = k % 2 === 0 ? 'insert' : 'erase';
      const stamp = 2 * ((k * 7919) % 1000) + parity;
      const op: Op = { kind, at: 10, to: 0, size, stamp, creates: false, gone: false };
      size += k % 2 === 0 ? 1 : -1;
      return op;
    });
  };
  const ours = columns(side(0));
  assert.is(weaveLists(ours, columns(side(1)), 1000), null);
  assert.equal(ours, columns(side(0)));
  check(side(0), side(1), ways);
});

lists('sequences that cannot be performed are refused and left alone', () => {
  const op = (kind: Op['kind'], at: number, size: number, to = 0): Op => ({
    kind,
    at,
    to,
    size,
    stamp: 2,
    creates: false,
    gone: false,
  });
  const good = [{ ...op('insert', 0, 3), stamp: 1 }];
  for (const bad of [
    [op('insert', 4, 3)],
    [op('erase', 3, 3)],
    [op('update', 3, 3)],
    [op('move', 3, 3, 0)],
    [op('move', 0, 3, 3)],
    [op('move', 1, 3, 1)],
    [op('insert', 0, 2)],
    [op('insert', 0, 3), op('insert', 0, 3)],
    [op('erase', 0, 3), op('update', 2, 2)],
  ]) {
    for (const [left, right] of [
      [good, bad],
      [bad, good],
    ] as const) {
      const ours = columns(left);
      const theirs = columns(right);
      assert.not(mergeLists(ours, theirs));
      assert.equal(ours, columns(left));
      assert.equal(theirs, columns(right));
    }
  }
  assert.ok(mergeLists(columns([]), columns(good)));
});

lists.run();
