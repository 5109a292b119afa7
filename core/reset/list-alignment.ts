/**
 * Alignment: which elements of a list are the same ones in a later version of it, when all that is known is
 * what both hold.
 *
 * Elements are the same where their contents are; a link's content is its target, so that lists of links are
 * aligned by identity. What keeps its order comes from a longest common subsequence, or, where the lists are
 * too long for one, from the longest increasing run of the contents that both have once. What is left over on
 * both sides under one content has moved. Between two aligned neighbours, what is left over may be one element
 * that was changed in place: as many on one side as on the other, or what is alike.
 *
 * What has no partner was erased here, or inserted there.
 */

/** Cells of the table of common subsequences: beyond, an alignment by unique contents has to do. */
const TABLE = 1_000_000;

/** How alike two elements of different contents are: 0 for not the same element, whatever stands around. */
export type Likeness = (before: number, after: number) => number;

/**
 * For each element of `after` the position in `before` of the one that it goes on from, or -1; no position
 * twice. `before` and `after` are the contents, as texts that are equal where contents are.
 * Time O(n + m) plus that of the differing middle: at most `TABLE` cells, or O(n log n).
 */
export const align = (
  before: readonly string[],
  after: readonly string[],
  likeness: Likeness,
): Int32Array => {
  const from = new Int32Array(after.length).fill(-1);
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) {
    from[start] = start;
    start++;
  }
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  ) {
    from[after.length - 1 - end] = before.length - 1 - end;
    end++;
  }
  const oldEnd = before.length - end;
  const newEnd = after.length - end;
  if (start < oldEnd && start < newEnd) {
    if ((oldEnd - start) * (newEnd - start) <= TABLE)
      alignByTable(before, after, start, oldEnd, newEnd, from);
    else alignByUnique(before, after, start, oldEnd, newEnd, from);
    // Elements that changed in place stand between those that did not: before moves are looked for.
    const anchors = from.slice();
    alignMoved(before, after, start, oldEnd, newEnd, from);
    alignChanged(anchors, before.length, from, likeness);
  }
  return from;
};

const alignByTable = (
  before: readonly string[],
  after: readonly string[],
  start: number,
  oldEnd: number,
  newEnd: number,
  from: Int32Array,
): void => {
  const n = oldEnd - start;
  const m = newEnd - start;
  const width = m + 1;
  // common[i, j]: the longest common subsequence of what follows i here and j there.
  const common = new Uint32Array((n + 1) * width);
  for (let i = n - 1; i >= 0; i--)
    for (let j = m - 1; j >= 0; j--)
      common[i * width + j] =
        before[start + i] === after[start + j]
          ? (common[(i + 1) * width + j + 1] as number) + 1
          : Math.max(common[(i + 1) * width + j] as number, common[i * width + j + 1] as number);
  for (let i = 0, j = 0; i < n && j < m; ) {
    if (before[start + i] === after[start + j]) from[start + j++] = start + i++;
    else if ((common[(i + 1) * width + j] as number) >= (common[i * width + j + 1] as number)) i++;
    else j++;
  }
};

/** Positions of the contents that occur once within the bounds. */
const uniquePositions = (contents: readonly string[], start: number, end: number): Map<string, number> => {
  const positions = new Map<string, number>();
  for (let i = start; i < end; i++) {
    const content = contents[i] as string;
    positions.set(content, positions.has(content) ? -1 : i);
  }
  return positions;
};

const alignByUnique = (
  before: readonly string[],
  after: readonly string[],
  start: number,
  oldEnd: number,
  newEnd: number,
  from: Int32Array,
): void => {
  const old = uniquePositions(before, start, oldEnd);
  const places: number[] = [];
  const targets: number[] = [];
  for (const [content, j] of uniquePositions(after, start, newEnd)) {
    const i = old.get(content) ?? -1;
    if (i < 0 || j < 0) continue;
    places.push(j);
    targets.push(i);
  }
  for (const at of increasing(targets)) from[places[at] as number] = targets[at] as number;
};

/** Positions of a longest increasing subsequence of `values`, ascending. O(n log n). */
export const increasing = (values: readonly number[]): number[] => {
  const tails: number[] = [];
  const previous = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((values[tails[middle] as number] as number) < (values[i] as number)) low = middle + 1;
      else high = middle;
    }
    previous[i] = low > 0 ? (tails[low - 1] as number) : -1;
    tails[low] = i;
  }
  const out: number[] = [];
  for (let at = tails[tails.length - 1] ?? -1; at >= 0; at = previous[at] as number) out.push(at);
  return out.reverse();
};

const isTaken = (from: Int32Array, size: number): Uint8Array => {
  const taken = new Uint8Array(size);
  for (const i of from) if (i >= 0) taken[i] = 1;
  return taken;
};

/** Left over on both sides under one content: moved. Several of one content are taken in their order. */
const alignMoved = (
  before: readonly string[],
  after: readonly string[],
  start: number,
  oldEnd: number,
  newEnd: number,
  from: Int32Array,
): void => {
  const taken = isTaken(from, before.length);
  const left = new Map<string, number[]>();
  for (let i = oldEnd - 1; i >= start; i--) {
    if (taken[i] === 1) continue;
    const content = before[i] as string;
    const positions = left.get(content);
    if (positions === undefined) left.set(content, [i]);
    else positions.push(i);
  }
  for (let j = start; j < newEnd; j++)
    if (from[j] === -1) from[j] = left.get(after[j] as string)?.pop() ?? -1;
};

/** Within each gap between two anchors: as many on both sides are pairs in order, others if they are alike. */
const alignChanged = (anchors: Int32Array, size: number, from: Int32Array, likeness: Likeness): void => {
  const taken = isTaken(from, size);
  let i = 0;
  let j = 0;
  while (j <= anchors.length) {
    let next = j;
    while (next < anchors.length && anchors[next] === -1) next++;
    const oldEnd = next < anchors.length ? (anchors[next] as number) : size;
    const old: number[] = [];
    for (let at = i; at < oldEnd; at++) if (taken[at] === 0) old.push(at);
    const fresh: number[] = [];
    for (let at = j; at < next; at++) if (from[at] === -1) fresh.push(at);
    pairUp(old, fresh, from, likeness);
    i = oldEnd + 1;
    j = next + 1;
  }
};

const pairUp = (
  old: readonly number[],
  fresh: readonly number[],
  from: Int32Array,
  likeness: Likeness,
): void => {
  if (old.length === fresh.length) {
    old.forEach((i, at) => {
      const j = fresh[at] as number;
      if (likeness(i, j) > 0) from[j] = i;
    });
    return;
  }
  // One partner is not enough to be sure that it is the same element: something must be the same.
  const open = new Set(old);
  for (const j of fresh) {
    let best = -1;
    let most = 1;
    for (const i of open) {
      const alike = likeness(i, j);
      if (alike > most) {
        most = alike;
        best = i;
      }
    }
    if (best < 0) continue;
    from[j] = best;
    open.delete(best);
  }
};
