/**
 * What is different between two histories of the same changesets, and has no explanation.
 *
 * Every changeset is taken apart by objects. What is there in both stayed; what is missing is justified by
 * something that stayed behind it, or is one of several that were folded; what is new must come of folding.
 */
import type { Changeset } from '../model/changeset.js';
import { type Instruction, isPathInstruction, type PathInstruction } from '../model/instruction.js';
import { printInstruction } from '../model/print.js';
import { saysTheSame } from './verify-fold.js';
import { isJustified, type Located, type Shapes } from './verify-removal.js';

/** Of one changeset, what nothing explains. */
export interface Unexplained {
  readonly changeset: Changeset;
  readonly gone: readonly Instruction[];
  readonly come: readonly Instruction[];
}

/** Instructions on one object in one changeset, or those on the schema. */
interface ObjectChange {
  readonly before: readonly Located[];
  /** Each has the place of the instruction that it was before, or that it has come from. */
  readonly after: readonly Located[];
  readonly missing: ReadonlySet<Located>;
  readonly surplus: readonly Located[];
}

/** The part of what belongs to no object. */
const SCHEMA = '';

/** Both histories have the same changesets in the same order, but for the instructions. */
export const unexplained = (
  before: readonly Changeset[],
  after: readonly Changeset[],
  shapes: Shapes,
): readonly Unexplained[] => {
  const stayed = new Map<string, Located[]>();
  const changes: { readonly object: string; readonly change: ObjectChange }[] = [];
  /** Where the schema lost something. */
  const losses: number[] = [];
  let start = 0;
  before.forEach((changeset, i) => {
    const other = after[i] as Changeset;
    const ours = parts(changeset, start);
    const theirs = other === changeset ? ours : parts(other, start);
    start += changeset.instructions.length;
    for (const { at, instruction } of ours.get(SCHEMA) ?? []) if (loses(instruction)) losses.push(at);
    for (const part of new Set([...ours.keys(), ...theirs.keys()])) {
      const object = part.slice(part.indexOf(' ') + 1);
      const change = compared(ours.get(part) ?? [], theirs.get(part) ?? []);
      if (change.missing.size > 0 || change.surplus.length > 0) changes.push({ object, change });
      if (part !== SCHEMA) added(stayed, object).push(...change.after);
    }
  });
  return changes.flatMap(({ object, change }) => {
    const behind = stayed.get(object) ?? [];
    const result = checked(change, behind, losses, shapes);
    return result === null || isCoincidence(change, behind, losses, shapes) ? [] : [result];
  });
};

/**
 * Whether all is explained once what was folded is not taken for what it happens to look like: `x = 1`, `x = 0`
 * and `x += 1` make an `x = 1` that is not the first.
 */
const isCoincidence = (
  change: ObjectChange,
  stayed: readonly Located[],
  losses: readonly number[],
  shapes: Shapes,
): boolean => {
  const other = compared(change.before, change.after, false);
  const [anchor] = change.after;
  if (anchor === undefined) return false;
  const first = stayed.indexOf(anchor);
  const moved = [...stayed.slice(0, first), ...other.after, ...stayed.slice(first + change.after.length)];
  return checked(other, moved, losses, shapes) === null;
};

const added = <T>(lists: Map<string, T[]>, key: string): T[] => {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
};

const loses = ({ kind }: Instruction): boolean => kind === 'EraseTable' || kind === 'EraseColumn';

/** By object and by what the changeset has taken from the schema so far: nothing is folded across that. */
const parts = (changeset: Changeset, start: number): Map<string, Located[]> => {
  const result = new Map<string, Located[]>();
  let taken = 0;
  changeset.instructions.forEach((instruction, i) => {
    if (loses(instruction)) taken++;
    const part =
      'object' in instruction
        ? `${taken} ${instruction.table.length}:${instruction.table}${instruction.object}`
        : SCHEMA;
    added(result, part).push({ at: start + i, changeset, instruction });
  });
  return result;
};

/** With `literally`, what is the same is taken for the same; otherwise, the last that was written to the same place. */
const compared = (before: readonly Located[], after: readonly Located[], literally = true): ObjectChange => {
  if (before === after) return { before, after, missing: new Set(), surplus: [] };
  const places = new Map<string, number[]>();
  const name = literally ? printInstruction : placeOf;
  for (const [i, { instruction }] of before.entries()) added(places, name(instruction)).push(i);
  const missing = new Set(before);
  const surplus: Located[] = [];
  const located: Located[] = [];
  // From the end, since of equal instructions the last is the one that stays.
  const reached = new Map<string, number>();
  let at = Number.POSITIVE_INFINITY;
  for (const item of [...after].reverse()) {
    const property = propertyOf(item.instruction);
    // Nothing of one life is looked for in the next.
    const life = reached.get('') ?? before.length;
    const next = Math.min(life, reached.get(property) ?? life);
    const found = places.get(name(item.instruction))?.findLast((i) => i < next);
    const origin = found ?? originOf(item.instruction, before, next);
    const original = before[origin];
    at = Math.min(at, original?.at ?? item.at);
    const placed = { ...item, at };
    located.push(placed);
    const isSame =
      original !== undefined && printInstruction(original.instruction) === printInstruction(item.instruction);
    if (isSame) missing.delete(original);
    else surplus.push(placed);
    reached.set(property, origin);
  }
  return { before, after: located.reverse(), missing, surplus: surplus.reverse() };
};

/**
 * Position of what the instruction may have been before: the last in front of `next` that is written to the
 * same place in the same way, or to the same property.
 */
const originOf = (instruction: Instruction, before: readonly Located[], next: number): number => {
  const find = (name: (instruction: Instruction) => string): number =>
    before.findLastIndex((item, i) => i < next && name(item.instruction) === name(instruction));
  const same = find(placeOf);
  return Math.max(0, same >= 0 ? same : find((other) => `${other.kind} ${propertyOf(other)}`));
};

const placeOf = (instruction: Instruction): string =>
  'path' in instruction
    ? JSON.stringify([instruction.kind, instruction.field, instruction.path, isDefault(instruction)])
    : printInstruction(instruction);

const isDefault = (instruction: Instruction): boolean =>
  instruction.kind === 'Update' && instruction.isDefault;

const propertyOf = (instruction: Instruction): string => ('field' in instruction ? instruction.field : '');

const checked = (
  { before, after, missing, surplus }: ObjectChange,
  stayed: readonly Located[],
  losses: readonly number[],
  shapes: Shapes,
): Unexplained | null => {
  const justified = new Set<Located>();
  for (const item of missing) {
    const end = losses.find((loss) => loss > item.at) ?? Number.POSITIVE_INFINITY;
    if (isJustified(item, behind(stayed, item.at), end, shapes)) justified.add(item);
  }
  const isWrong = wrongParts(before, after, justified, new Set(surplus.map(({ at }) => at)));
  if (isWrong === null) return null;
  return {
    changeset: (before[0] ?? (after[0] as Located)).changeset,
    gone: [...missing].filter((item) => !justified.has(item) && isWrong(item)).map(instructionOf),
    come: surplus.filter(isWrong).map(instructionOf),
  };
};

const instructionOf = ({ instruction }: Located): Instruction => instruction;

/** From the first behind the place. O(log n) before the first. */
function* behind(stayed: readonly Located[], at: number): Generator<Located> {
  let low = 0;
  let high = stayed.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((stayed[middle] as Located).at <= at) low = middle + 1;
    else high = middle;
  }
  for (; low < stayed.length; low++) yield stayed[low] as Located;
}

type Test = (item: Located) => boolean;

/** Which items belong to something that does not say the same before and after; null where everything does. */
const wrongParts = (
  before: readonly Located[],
  after: readonly Located[],
  justified: ReadonlySet<Located>,
  changed: ReadonlySet<number>,
): Test | null => {
  const ones = lives(before, justified);
  const others = lives(after, new Set());
  if (ones.bounds.join('\n') !== others.bounds.join('\n')) return () => true;
  const wrong = new Set<string>();
  for (const key of new Set([...ones.properties.keys(), ...others.properties.keys()])) {
    const one = ones.properties.get(key) ?? [];
    const other = paths(others.properties.get(key) ?? []);
    if (!readings(one, justified, changed).some((reading) => saysTheSame(reading, other)))
      wrong.add(key.slice(key.indexOf(' ') + 1));
  }
  return wrong.size === 0 ? null : ({ instruction }) => wrong.has(propertyOf(instruction));
};

/**
 * What may have been left to be folded. What is justified may be missing because something behind makes it
 * superfluous, or because it was folded before that something could: one reading without it; one with as much
 * of it as stood where something has changed; and one with all of it.
 */
const readings = (
  items: readonly Located[],
  justified: ReadonlySet<Located>,
  changed: ReadonlySet<number>,
): readonly (readonly PathInstruction[])[] => {
  const left = items.filter((item) => !justified.has(item));
  if (left.length === items.length) return [paths(left)];
  const places = new Set(paths(items.filter(({ at }) => changed.has(at))).map(({ path }) => path.join('\n')));
  const isFolded: Test = ({ instruction }) =>
    'path' in instruction &&
    (instruction.kind === 'Update' || instruction.kind === 'AddInteger') &&
    places.has(instruction.path.join('\n'));
  return [left, items.filter((item) => !justified.has(item) || isFolded(item)), items].map(paths);
};

const paths = (items: readonly Located[]): readonly PathInstruction[] =>
  items.map(({ instruction }) => instruction).filter(isPathInstruction);

interface Lives {
  /** What is not written to a property, printed. */
  readonly bounds: readonly string[];
  /** By number of the life and name of the property. */
  readonly properties: ReadonlyMap<string, Located[]>;
}

/** Without the ends and beginnings of lives among `dropped`. */
const lives = (items: readonly Located[], dropped: ReadonlySet<Located>): Lives => {
  const bounds: string[] = [];
  const properties = new Map<string, Located[]>();
  for (const item of items) {
    const { instruction } = item;
    if (isPathInstruction(instruction)) added(properties, `${bounds.length} ${instruction.field}`).push(item);
    else if (!dropped.has(item)) bounds.push(printInstruction(instruction));
  }
  return { bounds, properties };
};
