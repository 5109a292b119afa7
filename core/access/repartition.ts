/**
 * What is synced, divided anew: the objects of all partitions of one epoch, by the partition key and the schema of
 * the next.
 *
 * Where the key stays the same an object stays in its partition, whether or not its class has a property for it.
 * Else the new key's property says where it goes; objects without a valid value go nowhere (`unassigned`) where the
 * key is required, and to the null partition otherwise. A property that has the old key's name is given its old
 * partition's value, so that nobody has to remember it.
 *
 * Classes and properties that the schema does not name end here, and so do values that do not fit a property
 * that is another now; it is told which, and how many. Links keep the names of their targets: to an object that
 * has gone elsewhere they read as null.
 *
 * One class cannot have two objects of one key in a partition. Where that came of it, nothing is done.
 */
import * as E from 'fp-ts/lib/Either.js';
import { type Draft, edit } from '../model/apply.js';
import type { Property, Schema } from '../model/class-schema.js';
import { type CreateObject, type ObjectInstruction, update } from '../model/instruction.js';
import { printObject } from '../model/print.js';
import { type ConfigError, Findings } from '../model/schema-findings.js';
import { schemaInstructions } from '../model/schema-instructions.js';
import { toInstructions } from '../model/snapshot.js';
import {
  type Column,
  defaultValue,
  emptyState,
  findColumn,
  findObject,
  findTable,
  isDefault,
  isNode,
  property,
  type State,
} from '../model/state.js';
import { identical, type Value } from '../model/value.js';
import type { PartitionConfig } from './config.js';
import { unassigned } from './epoch-name.js';
import { type PartitionValue, partitionName, partitionOfField } from './partition-value.js';

export type PartitionKey = Pick<PartitionConfig['partition'], 'key' | 'type' | 'isRequired'>;

/** What did not fit in the new schema: a class, or values of a property. */
export interface Dropped {
  readonly class: string;
  /** Null where the class is not synced any more. */
  readonly property: string | null;
  /** Objects, or values. */
  readonly count: number;
}

export interface Repartitioned {
  /** By name; `unassigned` for those that are in none. */
  readonly states: ReadonlyMap<string, State>;
  readonly objects: number;
  readonly unassigned: number;
  readonly dropped: readonly Dropped[];
}

export interface RepartitionOptions {
  readonly before: PartitionKey;
  readonly after: PartitionKey;
  readonly schema: Schema;
  /** Code units that a partition's name may have; an object whose partition's is longer is unassigned. */
  readonly longestName: number;
}

/** Findings are told up to here; a person does not read more. */
const MOST_FINDINGS = 100;

export class Repartition {
  private readonly options: RepartitionOptions;
  private readonly drafts = new Map<string, Draft>();
  private readonly origins = new Map<string, string>();
  private readonly dropped = new Map<string, Dropped>();
  private readonly findings = new Findings();
  private readonly empty: State;
  private objects = 0;
  private strays = 0;

  constructor(options: RepartitionOptions) {
    this.options = options;
    this.empty = withSchema(options.schema);
  }

  /** The partition is there even if it has no objects. */
  keep(name: string): void {
    this.draft(name);
  }

  /** Adds the objects of a partition; `value` is undefined for those that were unassigned. O(state). */
  take(name: string, value: PartitionValue | undefined, state: State): void {
    const { key } = this.options.before;
    const isKnown = value !== undefined && value !== null;
    let draft: Draft | null = null;
    // An object's instructions stand together, its creation first.
    for (const instruction of toInstructions(state)) {
      switch (instruction.kind) {
        case 'AddTable':
        case 'AddColumn':
        case 'EraseTable':
        case 'EraseColumn':
          break;
        case 'CreateObject':
          draft = this.begun(name, value, state, instruction);
          break;
        default:
          // The partition itself says better what the key is.
          if (draft !== null && !(isKnown && instruction.kind === 'Update' && instruction.field === key))
            this.apply(draft, instruction);
      }
    }
  }

  /** All that was taken; or the objects that cannot be where they would have to. */
  finish(): E.Either<readonly ConfigError[], Repartitioned> {
    if (this.findings.errors.length > 0) return E.left(this.findings.errors);
    return E.right({
      states: new Map([...this.drafts].map(([name, draft]) => [name, draft.finish()])),
      objects: this.objects,
      unassigned: this.strays,
      dropped: [...this.dropped.values()],
    });
  }

  private begun(
    from: string,
    value: PartitionValue | undefined,
    state: State,
    created: CreateObject,
  ): Draft | null {
    const { table, object } = created;
    const shape = this.options.schema.byName.get(table);
    const to = this.target(value, state, created);
    const draft = this.draft(to);
    const id = `${to}\n${table}\n${object}`;
    const other = this.origins.get(id);
    if (other !== undefined) {
      if (this.findings.errors.length < MOST_FINDINGS)
        this.findings.add(
          printObject(table, object),
          `it in the partitions ${other} and ${from}`,
          to === unassigned
            ? 'one of them, since neither has a value of the partition key'
            : `one of them, since both would be in ${to}`,
        );
      return null;
    }
    if (shape === undefined || draft.apply(created) !== null) {
      this.drop(table, null);
      return null;
    }
    this.origins.set(id, from);
    this.objects++;
    if (to === unassigned) this.strays++;
    this.keepDefaults(draft, state, created);
    this.keepPartition(draft, value, created);
    return draft;
  }

  /** What the old schema gave to an unset property the new one might not. */
  private keepDefaults(draft: Draft, state: State, { table, object }: CreateObject): void {
    const before = findTable(state, table);
    const node = findObject(state, table, object);
    for (const { name, column } of this.options.schema.byName.get(table)?.properties ?? []) {
      const known = before === undefined ? undefined : findColumn(before, name);
      if (known === undefined || node === undefined || !isSingle(known, column)) continue;
      if (identical(known.fallback, defaultValue(column)) || !isDefault(known, property(node, known)))
        continue;
      this.apply(draft, update(table, object, name, [], known.fallback));
    }
  }

  private keepPartition(draft: Draft, value: PartitionValue | undefined, created: CreateObject): void {
    const { table, object } = created;
    const { key } = this.options.before;
    if (
      value === undefined ||
      value === null ||
      this.options.schema.byName.get(table)?.byName.has(key) !== true
    )
      return;
    this.apply(draft, update(table, object, key, [], value));
  }

  private apply(draft: Draft, instruction: ObjectInstruction): void {
    if (draft.apply(instruction) !== null && 'field' in instruction)
      this.drop(instruction.table, instruction.field);
  }

  private drop(name: string, field: string | null): void {
    const id = `${name}\n${field ?? ''}`;
    const count = (this.dropped.get(id)?.count ?? 0) + 1;
    this.dropped.set(id, { class: name, property: field, count });
  }

  private draft(name: string): Draft {
    const present = this.drafts.get(name);
    if (present !== undefined) return present;
    const draft = edit(this.empty);
    this.drafts.set(name, draft);
    return draft;
  }

  private target(value: PartitionValue | undefined, state: State, { table, object }: CreateObject): string {
    const { before, after, longestName } = this.options;
    const isKept = value !== undefined && before.key === after.key && before.type === after.type;
    const next = isKept ? value : fieldOf(state, table, object, after);
    if (next === undefined || (next === null && after.isRequired)) return unassigned;
    const name = partitionName(next);
    return name.length <= longestName ? name : unassigned;
  }
}

const withSchema = (schema: Schema): State => {
  const draft = edit(emptyState);
  const instructions = schemaInstructions(emptyState, schema);
  if (E.isLeft(instructions)) throw new Error('bug: a schema contradicts a state without classes');
  for (const instruction of instructions.right) {
    const error = draft.apply(instruction);
    if (error !== null) throw new Error(`bug: a schema does not apply: ${error.message}`);
  }
  return draft.finish();
};

const isSingle = (known: Column, column: Property['column']): boolean =>
  known.spec.collection === 'single' && column.collection === 'single' && !known.embedded;

/** The partition that an object's own property names: null where it has none, undefined where that is no value of the key. */
const fieldOf = (
  state: State,
  table: string,
  object: CreateObject['object'],
  { key, type }: PartitionKey,
): PartitionValue | undefined => {
  const found = findTable(state, table);
  const column = found === undefined ? undefined : findColumn(found, key);
  const node = findObject(state, table, object);
  if (column === undefined || node === undefined) return null;
  const content = property(node, column);
  return isNode(content) ? undefined : partitionOfField(content as Value, type);
};
