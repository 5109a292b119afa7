/**
 * Superseding as it is defined: every instruction against every later one that stays, and every one in
 * between, without any thought of cost. It stays dumb: the real one is compared with it.
 *
 * Source: merge-semantics, section 6.6; `spec/compaction.md` for where ours is narrower.
 */
import { type Changeset, isOlder } from '../../core/model/changeset.js';
import type {
  ArrayErase,
  ArrayInsert,
  Instruction,
  Path,
  PathInstruction,
} from '../../core/model/instruction.js';
import { memberId } from '../../core/model/member.js';
import type { ColumnSpec } from '../../core/model/schema.js';
import { addWrapping, isMarker, type Payload } from '../../core/model/value.js';

type Columns = (table: string, field: string) => ColumnSpec | null;

interface Item {
  readonly changeset: Changeset;
  readonly instruction: Instruction;
}

export const twinSupersede = (history: readonly Changeset[], columns: Columns): readonly Changeset[] => {
  const items = history.flatMap((changeset) =>
    changeset.instructions.map((instruction): Item => ({ changeset, instruction })),
  );
  let kept: Item[] = [];
  for (const item of items.reverse()) if (!isAbsorbed(item, kept, columns)) kept = [item, ...kept];
  return history.map((changeset) => ({
    ...changeset,
    instructions: folded(
      kept.filter((item) => item.changeset === changeset).map(({ instruction }) => instruction),
    ),
  }));
};

const isAbsorbed = (item: Item, later: readonly Item[], columns: Columns): boolean => {
  const { instruction: one } = item;
  if (!('object' in one)) return false;
  return later.some((other, at) => {
    const two = other.instruction;
    const between = later.slice(0, at).map(({ instruction }) => instruction);
    if (between.some(({ kind }) => kind === 'EraseTable' || kind === 'EraseColumn')) return false;
    if (!('object' in two) || two.object !== one.object || two.table !== one.table) return false;
    const inOrder = !isOlder(other.changeset, item.changeset);
    if (two.kind === 'EraseObject') return one.kind !== 'EraseObject' || inOrder;
    if (!('path' in one) || !('path' in two) || two.field !== one.field) return false;
    if (!absorbs(one, two, inOrder, columns)) return false;
    return !between.some((third) => {
      if (!('object' in third) || third.object !== one.object || third.table !== one.table) return false;
      if (!('path' in third)) return true;
      return third.field === one.field && isInTheWay(third, two);
    });
  });
};

const isListOperation = ({ kind }: Instruction): boolean =>
  kind === 'ArrayInsert' || kind === 'ArrayMove' || kind === 'ArrayErase';
const isSetOperation = ({ kind }: Instruction): boolean => kind === 'SetInsert' || kind === 'SetErase';
const isWithin = (path: Path, outer: Path): boolean => outer.every((element, i) => path[i] === element);
const isStrictlyWithin = (path: Path, outer: Path): boolean =>
  path.length > outer.length && isWithin(path, outer);

/** Whether what stays of an instruction between ends the reach of the absorber. */
const isInTheWay = (third: PathInstruction, absorber: PathInstruction): boolean => {
  if (isStrictlyWithin(absorber.path, third.path)) return true;
  if (isListOperation(third) && isWithin(absorber.path, third.path.slice(0, -1))) {
    if (absorber.path.length > third.path.length - 1) return true;
  }
  if (isSetOperation(third) && isSetOperation(absorber)) {
    const sameSet = isWithin(third.path, absorber.path) && isWithin(absorber.path, third.path);
    return sameSet && valueId(third) === valueId(absorber);
  }
  return isWithin(third.path, absorber.path);
};

const valueId = (operation: PathInstruction): string =>
  'value' in operation && !isMarker(operation.value) ? memberId(operation.value) : '';

const isIntegerOrNull = (value: Payload): boolean => value === null || typeof value === 'bigint';

/** Whether `two` does to everything concurrent what `one` does, were there nothing in between. */
const absorbs = (one: PathInstruction, two: PathInstruction, inOrder: boolean, columns: Columns): boolean => {
  const same = one.path.length === two.path.length && isWithin(one.path, two.path);
  const inside = isStrictlyWithin(one.path, two.path);
  switch (two.kind) {
    case 'Update': {
      if (isMarker(two.value) && two.value.type !== 'erased') return false;
      if (inside) return typeAt(one, two.path.length, columns) === 'other';
      if (!same || !inOrder) return false;
      if (one.kind === 'AddInteger') return !two.isDefault;
      if (one.kind !== 'Update' || (two.isDefault && !one.isDefault)) return false;
      if (isMarker(one.value) && (one.value.type === 'list' || one.value.type === 'dictionary')) return false;
      const lets = !isIntegerOrNull(one.value) && isIntegerOrNull(two.value);
      return !lets || typeof one.path[one.path.length - 1] === 'number' || !mayAdd(one, columns);
    }
    case 'Clear':
      if (isSetOperation(one)) return same || inside;
      if (inside) {
        const kind = typeof one.path[two.path.length] === 'number' ? 'list' : 'dictionary';
        return (
          two.collection === 'single' ||
          two.collection === kind ||
          (two.collection === 'set' && kind !== 'list')
        );
      }
      return same && inOrder && one.kind === 'Clear' && one.collection === two.collection;
    case 'ArrayErase':
      return inside || (same && (one.kind === 'Update' || one.kind === 'Clear'));
    case 'SetInsert':
    case 'SetErase':
      if (!same || !inOrder || !isSetOperation(one) || valueId(one) !== valueId(two)) return false;
      return isPlainMember(two.value);
    default:
      return false;
  }
};

/** No float or double that is a NaN. */
const isPlainMember = (value: Payload): boolean => {
  if (typeof value === 'number') return !Number.isNaN(value);
  if (typeof value !== 'object' || value === null) return true;
  if (value.type === 'float') return (value.bits & 0x7fffffff) <= 0x7f800000;
  return value.type !== 'double';
};

/** What is known of the slot at the first `length` elements of the path. */
const typeAt = (one: PathInstruction, length: number, columns: Columns): 'mixed' | 'other' | null => {
  let column = columns(one.table, one.field);
  let rest = one.path.slice(0, length);
  while (column !== null && rest.length > 0 && column.type !== 'mixed') {
    if (column.collection !== 'single') rest = rest.slice(1);
    const [field] = rest;
    if (field === undefined) break;
    if (typeof field !== 'string' || column.target === null) return null;
    column = columns(column.target, field);
    rest = rest.slice(1);
  }
  if (column === null) return null;
  return column.type === 'mixed' ? 'mixed' : 'other';
};

/** Whether an AddInteger can be made at the place while it holds no integer: at mixed properties only. */
const mayAdd = (one: PathInstruction, columns: Columns): boolean => {
  const type = typeAt(one, one.path.length, columns);
  if (type !== 'mixed') return type === null;
  // Elements and entries of collections cannot be added to.
  let column = columns(one.table, one.field);
  let rest = one.path;
  for (;;) {
    if (column === null) return true;
    if (column.type === 'mixed') return rest.length === 0 && column.collection === 'single';
    if (column.collection !== 'single') rest = rest.slice(1);
    column = columns(column.target ?? '', String(rest[0]));
    rest = rest.slice(1);
  }
};

/** One pair is folded after the other, until there is none. */
const folded = (instructions: readonly Instruction[]): readonly Instruction[] => {
  for (let later = 0; later < instructions.length; later++)
    for (let earlier = later - 1; earlier >= 0; earlier--) {
      const next = fold(instructions, earlier, later);
      if (next !== null) return folded(next);
    }
  return instructions;
};

const fold = (all: readonly Instruction[], i: number, j: number): readonly Instruction[] | null => {
  const one = all[i] as Instruction;
  const two = all[j] as Instruction;
  if (!('path' in one) || !('path' in two)) return null;
  if (one.table !== two.table || one.object !== two.object || one.field !== two.field) return null;
  const between = all.slice(i + 1, j);
  const ends = (x: Instruction): boolean =>
    !('path' in x) && (!('object' in x) || (x.table === one.table && x.object === one.object));
  if (between.some(ends)) return null;
  const onProperty = between.filter(
    (x): x is PathInstruction =>
      'path' in x && x.table === one.table && x.object === one.object && x.field === one.field,
  );
  const same = one.path.length === two.path.length && isWithin(one.path, two.path);
  const replaced = (a: Instruction | null, b: Instruction | null): readonly Instruction[] =>
    all.map((x, at) => (at === i ? a : at === j ? b : x)).filter((x) => x !== null);
  if (two.kind === 'AddInteger' && same) {
    const disturbed = onProperty.some((x) => {
      const place = isListOperation(x) ? x.path.slice(0, -1) : x.path;
      return isWithin(place, two.path) || isWithin(two.path, place);
    });
    if (disturbed) return null;
    if (one.kind === 'AddInteger')
      return replaced(null, { ...two, value: addWrapping(one.value, two.value) });
    if (one.kind === 'Update' && !one.isDefault && typeof one.value === 'bigint')
      return replaced({ ...one, value: addWrapping(one.value, two.value) }, null);
  }
  if (one.kind !== 'ArrayInsert') return null;
  if (two.kind === 'Update' && same && onProperty.length === 0)
    return isMarker(two.value) ? null : replaced({ ...one, value: two.value }, null);
  return two.kind === 'ArrayErase' ? cancelled(all, i, j, one, two) : null;
};

/** The element that `insert` makes is followed through the insertions between to its erasure. */
const cancelled = (
  all: readonly Instruction[],
  i: number,
  j: number,
  insert: ArrayInsert,
  erase: ArrayErase,
): readonly Instruction[] | null => {
  const list = insert.path.slice(0, -1);
  if (insert.path.length !== erase.path.length || !isWithin(erase.path, list)) return null;
  let index = insert.path[list.length] as number;
  const out = all.slice(0, i);
  for (const x of all.slice(i + 1, j)) {
    if (
      !('path' in x) ||
      x.table !== insert.table ||
      x.object !== insert.object ||
      x.field !== insert.field
    ) {
      out.push(x);
      continue;
    }
    if (!isWithin(x.path, list)) return null;
    const at = x.path[list.length];
    if (x.kind === 'ArrayInsert' && x.path.length === list.length + 1) {
      const behind = (at as number) > index;
      const path = behind ? [...list, (at as number) - 1] : x.path;
      out.push({ ...x, path, priorSize: x.priorSize - 1 });
      if (!behind) index++;
    } else if (at !== index) return null;
    else if (x.path.length === list.length + 1 && x.kind !== 'Update' && x.kind !== 'Clear') return null;
  }
  return index === erase.path[list.length] ? [...out, ...all.slice(j + 1)] : null;
};
