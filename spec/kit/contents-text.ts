/**
 * How the contents of a state are written as lines of text: one for each class, column, object and
 * property. States of vectors and ours are compared in this form.
 */
import type { Key } from '../../core/model/key.js';
import { printColumnSpec, printKey, printName, printTableSpec } from '../../core/model/notation.js';
import type { ColumnSpec, TableSpec } from '../../core/model/schema.js';

/** What a state and its schema hold, sorted. */
export type Contents = readonly string[];

const sortedEntries = (pairs: readonly (readonly [string, string])[]): string =>
  pairs
    .map(([key, text]) => `${JSON.stringify(key)}: ${text}`)
    .sort()
    .join(', ');

export const listText = (items: readonly string[]): string => `[${items.join(', ')}]`;
export const setText = (members: readonly string[]): string => `<${[...members].sort().join(', ')}>`;
export const dictionaryText = (pairs: readonly (readonly [string, string])[]): string =>
  `{${sortedEntries(pairs)}}`;
export const objectText = (pairs: readonly (readonly [string, string])[]): string =>
  `object{${sortedEntries(pairs)}}`;

export const tableLine = (table: string, spec: TableSpec): string =>
  `class ${printName(table)} ${printTableSpec(spec)}`;
/** Our states refuse a property without a name, which a test of the reference has. It gets this one. */
export const nameOf = (field: string): string => (field === '' ? 'unnamed' : field);
export const columnLine = (table: string, field: string, spec: ColumnSpec): string =>
  `class ${printName(table)} has ${printName(nameOf(field))}: ${printColumnSpec(spec)}`;
export const objectLine = (table: string, key: Key): string => `${printName(table)}[${printKey(key)}]`;
export const propertyLine = (table: string, key: Key, field: string, text: string): string =>
  `${objectLine(table, key)}.${printName(nameOf(field))} = ${text}`;
