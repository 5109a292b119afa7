/**
 * Shapes of classes and properties, as instructions carry them and states hold them.
 *
 * The names of the field differ between worlds: what an app calls class and property the reference calls
 * table and column. The engine says table and column (field, where an instruction names one) below the
 * API, class and property at its edge (`schema-config.ts`).
 *
 * Source: merge-semantics, sections 1.2 and 1.3.
 */
import type { KeyType } from './key.js';
import type { ScalarType } from './value.js';

export interface PrimaryKey {
  readonly name: string;
  readonly type: KeyType;
  readonly nullable: boolean;
}

/**
 * `primaryKey` is null only for classes of old Realm files whose objects are known by global keys.
 * An asymmetric class is insert-only and upload-only (data ingest).
 */
export type TableSpec =
  | { readonly type: 'topLevel'; readonly primaryKey: PrimaryKey | null; readonly asymmetric: boolean }
  | { readonly type: 'embedded' };

export type ElementType = 'mixed' | ScalarType;
export type CollectionType = 'single' | 'list' | 'set' | 'dictionary';

export interface ColumnSpec {
  /** Type of the value, or of the elements where the column is a collection. */
  readonly type: ElementType;
  /** Of the value or the elements; a collection itself is never null. */
  readonly nullable: boolean;
  readonly collection: CollectionType;
  /** Class that a `link` column points to; null for the other types, and for links to any class. */
  readonly target: string | null;
}

export const sameTableSpec = (a: TableSpec, b: TableSpec): boolean => {
  if (a.type !== 'topLevel' || b.type !== 'topLevel') return a.type === b.type;
  if (a.asymmetric !== b.asymmetric) return false;
  const p = a.primaryKey;
  const q = b.primaryKey;
  if (p === null || q === null) return p === q;
  return p.name === q.name && p.type === q.type && p.nullable === q.nullable;
};

export const sameColumnSpec = (a: ColumnSpec, b: ColumnSpec): boolean =>
  a.type === b.type &&
  a.nullable === b.nullable &&
  a.collection === b.collection &&
  (a.type !== 'link' || a.target === b.target);
