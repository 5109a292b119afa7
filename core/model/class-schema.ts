/**
 * The classes of an application, as its configuration says (`schema-config.ts`) and its writes are checked
 * against. A state may know more classes and properties than one application does.
 */
import type { Input } from './input.js';
import type { ColumnSpec, TableSpec } from './schema.js';

export interface Property {
  readonly name: string;
  /** Nullable where the rules of the type say so, whatever the configuration spelled out. */
  readonly column: ColumnSpec;
  /** Class of the embedded objects that it holds; null where it holds something else. */
  readonly embedded: string | null;
  /** What a new object gets where the application gives nothing; undefined where there is no default. */
  readonly default: Input | undefined;
}

export interface ClassSchema {
  readonly name: string;
  readonly spec: TableSpec;
  /** In declared order, without the primary key. */
  readonly properties: readonly Property[];
  readonly byName: ReadonlyMap<string, Property>;
}

export interface Schema {
  /** In declared order. */
  readonly classes: readonly ClassSchema[];
  readonly byName: ReadonlyMap<string, ClassSchema>;
}

/** What elements and entries of collections inside mixed values are. */
export const nestedProperty: Property = {
  name: '',
  column: { type: 'mixed', nullable: true, collection: 'single', target: null },
  embedded: null,
  default: undefined,
};

/** A value or element of the property in words: `int or null`, `link to Airport`, `embedded Address`. */
export const describeValue = ({ column, embedded }: Property): string => {
  const { type, target, nullable } = column;
  const name =
    embedded !== null
      ? `embedded ${embedded}`
      : type !== 'link'
        ? type
        : target === null
          ? 'link to any class'
          : `link to ${target}`;
  return nullable && type !== 'mixed' ? `${name} or null` : name;
};
