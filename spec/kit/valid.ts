/**
 * Random instructions that can be applied to a given state, under our rules and under the reference's.
 *
 * One object is chosen, all its places are listed, and a kind that has a meaning somewhere in it. Every
 * choice has a way out, so a source of chance that answers nothing but zeros ends too.
 */
import { get, sortedKeys } from '../../core/base/trie.js';
import { edit } from '../../core/model/apply.js';
import type { Changeset } from '../../core/model/changeset.js';
import {
  addColumn,
  addInteger,
  addTable,
  arrayErase,
  arrayInsert,
  arrayMove,
  clear,
  createObject,
  eraseColumn,
  eraseObject,
  eraseTable,
  type Instruction,
  type Kind,
  type Path,
  setErase,
  setInsert,
  update,
  updateElement,
} from '../../core/model/instruction.js';
import type { Key } from '../../core/model/key.js';
import type { ColumnSpec, TableSpec } from '../../core/model/schema.js';
import {
  type Column,
  type Content,
  DictionaryNode,
  ListNode,
  nestedColumn,
  ObjectNode,
  property,
  SetNode,
  type State,
  type Table,
} from '../../core/model/state.js';
import {
  dictionary,
  erased,
  link,
  list,
  objectValue,
  type Payload,
  type Value,
} from '../../core/model/value.js';
import { columnSpecs, tableKeys, tableSpecs, valuesOf } from './alphabet.js';
import { once, pick, type Random } from './random.js';

export interface ValidOptions {
  /** How often each kind is tried, relative to each other; kinds not named have weight 0. */
  readonly weights?: Partial<Readonly<Record<Kind, number>>>;
  /** Lists are not made longer than this; by default 5. */
  readonly listSize?: number;
  /**
   * Instructions come in the combinations that an emitter makes: a mixed value that is made a collection
   * is cleared at once, and an embedded object is erased before another takes its place.
   */
  readonly emitted?: boolean;
}

/** Contents only; schemas stay. */
export const contentWeights: Partial<Readonly<Record<Kind, number>>> = {
  CreateObject: 6,
  EraseObject: 2,
  Update: 12,
  AddInteger: 4,
  ArrayInsert: 8,
  ArrayMove: 4,
  ArrayErase: 4,
  Clear: 3,
  SetInsert: 5,
  SetErase: 3,
};

/** Contents and schemas. */
export const allWeights: Partial<Readonly<Record<Kind, number>>> = {
  ...contentWeights,
  AddTable: 1,
  EraseTable: 1,
  AddColumn: 2,
  EraseColumn: 1,
};

/** A place in an object. `content` is undefined for a dictionary key that is not there. */
interface Site {
  readonly table: string;
  readonly object: Key;
  readonly field: string;
  readonly path: Path;
  readonly at: 'property' | 'element' | 'entry';
  readonly column: Column;
  readonly content: Content | undefined;
  /** Of the list whose element it is. */
  readonly size: number;
}

const ENTRY_KEYS = ['k', 'l', ''];
const DEPTH = 4;

const sitesOf = (state: State, table: Table, object: ObjectNode, key: Key): Site[] => {
  const sites: Site[] = [];
  for (const column of table.columns)
    collect(state, sites, {
      table: table.name,
      object: key,
      field: column.name,
      path: [],
      at: 'property',
      column,
      content: property(object, column),
      size: 0,
    });
  return sites;
};

const collect = (state: State, sites: Site[], site: Site): void => {
  sites.push(site);
  const { content, path, column } = site;
  if (path.length >= DEPTH) return;
  const inner = isSingle(site) ? nestedColumn : column;
  if (content instanceof ObjectNode) {
    const table = get(state.tables, column.spec.target ?? '') as Table;
    for (const field of table.columns)
      collect(state, sites, {
        ...site,
        path: [...path, field.name],
        at: 'property',
        column: field,
        content: property(content, field),
      });
  } else if (content instanceof ListNode) {
    content.items.forEach((item, index) => {
      const size = content.items.length;
      collect(state, sites, {
        ...site,
        path: [...path, index],
        at: 'element',
        column: inner,
        content: item,
        size,
      });
    });
  } else if (content instanceof DictionaryNode) {
    for (const key of new Set([...sortedKeys(content.entries), ...ENTRY_KEYS])) {
      const entry = get(content.entries, key);
      collect(state, sites, { ...site, path: [...path, key], at: 'entry', column: inner, content: entry });
    }
  }
};

const isSingle = ({ at, column }: Site): boolean => at !== 'property' || column.spec.collection === 'single';

const randomLink = (random: Random, state: State, target: string | null): Value => {
  const names = (target === null ? ['A', 'B', 'C', 'G'] : [target]).filter(
    (name) => get(state.tables, name)?.spec.type === 'topLevel',
  );
  if (names.length === 0) return null;
  const name = pick(random, names);
  return link(name, pick(random, tableKeys.get(name) as readonly Key[]));
};

/** A value that the column takes; undefined where there is none but an embedded object. */
const randomValue = (random: Random, state: State, column: Column): Value | undefined => {
  const { type, target } = column.spec;
  if (column.nullable && once(random, 5)) return null;
  if (column.embedded) return column.nullable ? null : undefined;
  if (type === 'link') {
    const value = randomLink(random, state, target);
    return value === null && !column.nullable ? undefined : value;
  }
  if (type !== 'mixed') return pick(random, valuesOf[type]);
  if (once(random, 6)) return randomLink(random, state, null);
  // Mostly few types, so that equal values of different types meet.
  const scalars = once(random, 4)
    ? Object.values(valuesOf)
    : [valuesOf.int, valuesOf.string, valuesOf.double];
  return pick(random, pick(random, scalars));
};

/** What a single slot, an element or an entry can be set to. */
const randomPayload = (random: Random, state: State, site: Site): Payload | undefined => {
  const { column, at, path } = site;
  if (at === 'entry' && once(random, 4)) return erased;
  if (column.embedded && (at === 'element' || !once(random, 4))) return objectValue;
  if (column.spec.type === 'mixed' && path.length < DEPTH && once(random, 3))
    return pick(random, [list, dictionary]);
  return randomValue(random, state, column);
};

const topLevelTables = (state: State): Table[] =>
  sortedKeys(state.tables)
    .map((name) => get(state.tables, name) as Table)
    .filter(({ name, spec }) => spec.type === 'topLevel' && tableKeys.has(name));

type Made = readonly Instruction[] | null;

const updates = (random: Random, state: State, sites: readonly Site[], options: ValidOptions): Made => {
  const candidates = sites.filter(isSingle);
  if (candidates.length === 0) return null;
  const site = pick(random, candidates);
  const { table, object, field, path, at } = site;
  const value = randomPayload(random, state, site);
  if (value === undefined) return null;
  if (at === 'element') {
    const set = updateElement(table, object, field, path, value, site.size);
    return withClear(options, set, value, site);
  }
  const isDefault = at === 'property' && once(random, 4);
  const set = update(table, object, field, path, value, isDefault);
  if (
    value === objectValue &&
    (at === 'entry' || options.emitted === true) &&
    site.content instanceof ObjectNode
  )
    return [update(table, object, field, path, at === 'entry' ? erased : null), set];
  return withClear(options, set, value, site);
};

const withClear = (options: ValidOptions, set: Instruction, value: Payload, site: Site): Made => {
  if (options.emitted !== true || (value !== list && value !== dictionary)) return [set];
  const { table, object, field, path } = site;
  return [set, clear(table, object, field, path, value === list ? 'list' : 'dictionary')];
};

const listsOf = (sites: readonly Site[], from: number, to: number): { site: Site; node: ListNode }[] =>
  sites.flatMap((site) => {
    const node = site.content;
    return node instanceof ListNode && node.items.length >= from && node.items.length <= to
      ? [{ site, node }]
      : [];
  });

const onLists = (
  random: Random,
  state: State,
  sites: readonly Site[],
  kind: Kind,
  options: ValidOptions,
): Made => {
  const inserting = kind === 'ArrayInsert';
  const least = inserting ? 0 : kind === 'ArrayMove' ? 2 : 1;
  const most = inserting ? (options.listSize ?? 5) - 1 : Number.POSITIVE_INFINITY;
  const candidates = listsOf(sites, least, most);
  if (candidates.length === 0) return null;
  const { site, node } = pick(random, candidates);
  const { table, object, field, path } = site;
  const size = node.items.length;
  if (inserting) {
    const column = isSingle(site) ? nestedColumn : site.column;
    const place: Site = { ...site, column, at: 'element', path: [...path, random.int(size + 1)] };
    const value = randomPayload(random, state, place);
    if (value === undefined) return null;
    return [arrayInsert(table, object, field, place.path, value, size)];
  }
  const index = random.int(size);
  if (kind === 'ArrayErase') return [arrayErase(table, object, field, [...path, index], size)];
  const to = (index + 1 + random.int(size - 1)) % size;
  return [arrayMove(table, object, field, [...path, index], to, size)];
};

const clears = (random: Random, sites: readonly Site[]): Made => {
  const candidates = sites.filter(
    (site) => !isSingle(site) || (site.column.spec.type === 'mixed' && site.content !== undefined),
  );
  if (candidates.length === 0) return null;
  const site = pick(random, candidates);
  const { table, object, field, path, column } = site;
  const kind = isSingle(site) ? pick(random, ['list', 'dictionary'] as const) : column.spec.collection;
  return [clear(table, object, field, path, kind)];
};

const onSets = (random: Random, state: State, sites: readonly Site[], kind: Kind): Made => {
  const candidates = sites.filter(({ content }) => content instanceof SetNode);
  if (candidates.length === 0) return null;
  const { table, object, field, path, column } = pick(random, candidates);
  const value = randomValue(random, state, column);
  if (value === undefined) return null;
  if (kind === 'SetInsert') return [setInsert(table, object, field, path, value)];
  // The reference cannot erase null from a typed set.
  if (value === null && column.spec.type !== 'mixed') return null;
  return [setErase(table, object, field, path, value)];
};

const additions = (random: Random, sites: readonly Site[]): Made => {
  const candidates = sites.filter(({ at, column: { spec }, content }) => {
    if (at !== 'property' || spec.collection !== 'single') return false;
    return (
      spec.type === 'int' || (spec.type === 'mixed' && (content === null || typeof content === 'bigint'))
    );
  });
  if (candidates.length === 0) return null;
  const { table, object, field, path } = pick(random, candidates);
  return [addInteger(table, object, field, path, pick(random, valuesOf.int) as bigint)];
};

const onSchema = (random: Random, state: State, kind: Kind): Made => {
  const tables = sortedKeys(state.tables);
  const instruction = ((): Instruction | null => {
    if (kind === 'AddTable') {
      const name = pick(random, [...tableSpecs.keys()]);
      return addTable(name, tableSpecs.get(name) as TableSpec);
    }
    if (tables.length === 0) return null;
    const table = pick(random, tables);
    if (kind === 'EraseTable') return eraseTable(table);
    if (kind === 'AddColumn') {
      const field = pick(random, [...columnSpecs.keys()]);
      return addColumn(table, field, columnSpecs.get(field) as ColumnSpec);
    }
    const { columns } = get(state.tables, table) as Table;
    return columns.length === 0 ? null : eraseColumn(table, pick(random, columns).name);
  })();
  return instruction === null || edit(state).apply(instruction) !== null ? null : [instruction];
};

const onObjects = (random: Random, state: State, kind: Kind): Made => {
  const tables = topLevelTables(state);
  if (tables.length === 0) return null;
  const { name } = pick(random, tables);
  const key = pick(random, tableKeys.get(name) as readonly Key[]);
  return [kind === 'CreateObject' ? createObject(name, key) : eraseObject(name, key)];
};

const make = (random: Random, state: State, kind: Kind, options: ValidOptions): Made => {
  switch (kind) {
    case 'AddTable':
    case 'EraseTable':
    case 'AddColumn':
    case 'EraseColumn':
      return onSchema(random, state, kind);
    case 'CreateObject':
    case 'EraseObject':
      return onObjects(random, state, kind);
    default:
  }
  const tables = topLevelTables(state).filter(({ objects }) => objects.size > 0);
  if (tables.length === 0) return null;
  const table = pick(random, tables);
  const key = pick(random, sortedKeys(table.objects));
  const sites = sitesOf(state, table, get(table.objects, key) as ObjectNode, key as Key);
  switch (kind) {
    case 'Update':
      return updates(random, state, sites, options);
    case 'AddInteger':
      return additions(random, sites);
    case 'Clear':
      return clears(random, sites);
    case 'SetInsert':
    case 'SetErase':
      return onSets(random, state, sites, kind);
    default:
      return onLists(random, state, sites, kind, options);
  }
};

const pickWeighted = (random: Random, weights: readonly (readonly [Kind, number])[]): Kind => {
  let at = random.int(weights.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [kind, weight] of weights) {
    if (at < weight) return kind;
    at -= weight;
  }
  throw new Error('unreachable: the weights sum up to more than the choice');
};

/**
 * What an application might do next: one instruction, or a few that belong together, to be applied in
 * order. Always at least one.
 */
export const randomAction = (
  random: Random,
  state: State,
  options: ValidOptions = {},
): readonly Instruction[] => {
  let left = (Object.entries(options.weights ?? contentWeights) as [Kind, number][]).filter(([, w]) => w > 0);
  while (left.length > 0) {
    const kind = pickWeighted(random, left);
    const made = make(random, state, kind, options);
    if (made !== null) return made;
    // The kind has no meaning in this state.
    left = left.filter(([other]) => other !== kind);
  }
  return onObjects(random, state, 'CreateObject') ?? [addTable('A', tableSpecs.get('A') as TableSpec)];
};

/** A single instruction that can be applied to `state`. */
export const randomInstruction = (random: Random, state: State, options: ValidOptions = {}): Instruction =>
  randomAction(random, state, options)[0] as Instruction;

export interface Run {
  readonly instructions: readonly Instruction[];
  /** After all of them. */
  readonly state: State;
}

/** `actions` actions in a row, each valid after those before it. */
export const randomInstructions = (
  random: Random,
  state: State,
  actions: number,
  options: ValidOptions = {},
): Run => {
  const draft = edit(state);
  const instructions: Instruction[] = [];
  for (let i = 0; i < actions; i++)
    for (const instruction of randomAction(random, draft.state, options)) {
      const error = draft.apply(instruction);
      if (error !== null)
        throw new Error(`the generator made an instruction that cannot be applied: ${error.message}`);
      instructions.push(instruction);
    }
  return { instructions, state: draft.finish() };
};

/** A changeset of up to `actions` actions on `state`, and the state that it makes. */
export const randomChangeset = (
  random: Random,
  state: State,
  head: Omit<Changeset, 'instructions'>,
  actions: number,
  options: ValidOptions = {},
): { readonly changeset: Changeset; readonly state: State } => {
  const run = randomInstructions(random, state, random.int(actions + 1), options);
  return { changeset: { ...head, instructions: run.instructions }, state: run.state };
};
