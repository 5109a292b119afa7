/**
 * One property of a class configuration: its shorthand or spelled-out form, by the rules of columns.
 *
 * Source: merge-semantics, section 1.2.
 */
import type { Property } from './class-schema.js';
import { describeFound, isPlainObject } from './edge-kinds.js';
import type { CollectionType, ColumnSpec, ElementType } from './schema.js';
import type { Findings } from './schema-findings.js';
import { readShorthand, type Shorthand, typeList } from './shorthand.js';

export interface PropertyConfig {
  /** A shorthand: a type or a class, perhaps with `?` and the collection. */
  readonly type: string;
  /** Whether the value, or the elements, can be null. */
  readonly optional?: boolean;
  readonly collection?: Exclude<CollectionType, 'single'>;
  /** With type `link`: the class that it points to. */
  readonly target?: string;
  /** A value as `create` takes it. */
  readonly default?: unknown;
}

/** All classes of the configuration, and their kinds. */
export type ClassNames = ReadonlyMap<string, 'object' | 'embedded' | 'asymmetric'>;

/** A configuration with everything spelled out. `optional` is undefined where nothing was said. */
interface Wanted {
  readonly type: ElementType;
  readonly target: string | null;
  readonly collection: CollectionType;
  readonly optional: boolean | undefined;
}

/** Null where it was found wrong. The default is not read yet. */
export const readProperty = (
  name: string,
  config: unknown,
  path: string,
  classes: ClassNames,
  findings: Findings,
): Property | null => {
  const before = findings.errors.length;
  const wanted = readConfig(config, path, classes, findings);
  if (wanted === null) return null;
  const column = readColumn(wanted, path, classes, findings);
  if (findings.errors.length > before) return null;
  const isEmbedded = column.target !== null && classes.get(column.target) === 'embedded';
  return { name, column, embedded: isEmbedded ? column.target : null, default: undefined };
};

const readConfig = (
  config: unknown,
  path: string,
  classes: ClassNames,
  findings: Findings,
): Wanted | null => {
  if (typeof config === 'string') return resolve(readShorthand(config), {}, path, path, classes, findings);
  if (!isPlainObject(config)) {
    findings.add(path, describeFound(config), 'a type such as "int?", or { type, optional, collection, … }');
    return null;
  }
  findings.unknownNames(config, ['type', 'optional', 'collection', 'target', 'default'], path);
  const { type } = config;
  if (typeof type !== 'string') {
    findings.add(`${path}.type`, describeFound(type), `a class or one of ${typeList}`);
    return null;
  }
  return resolve(readShorthand(type), config, path, `${path}.type`, classes, findings);
};

/** Joins the shorthand with what is spelled out beside it; `typePath` is where the shorthand stands. */
const resolve = (
  short: Shorthand,
  config: Readonly<Record<string, unknown>>,
  path: string,
  typePath: string,
  classes: ClassNames,
  findings: Findings,
): Wanted | null => {
  const { optional, target, collection: kind } = config;
  if (optional !== undefined && typeof optional !== 'boolean')
    findings.add(`${path}.optional`, describeFound(optional), 'true or false');
  if (short.optional && optional === false)
    findings.add(`${path}.optional`, 'false', 'true, as the "?" of the type says');
  const isOptional = short.optional
    ? true
    : optional === true
      ? true
      : optional === false
        ? false
        : undefined;
  const collection = readCollection(short.collection, kind, `${path}.collection`, findings);
  if (short.type === null) {
    if (target !== undefined)
      findings.add(`${path}.target`, describeFound(target), 'none: the type names the class');
    if (!classes.has(short.name)) {
      findings.add(typePath, `"${short.name}"`, `a class of this configuration or one of ${typeList}`);
      return null;
    }
    return { type: 'link', target: short.name, collection, optional: isOptional };
  }
  if (target === undefined) return { type: short.type, target: null, collection, optional: isOptional };
  if (short.type !== 'link')
    findings.add(
      `${path}.target`,
      describeFound(target),
      `none: only a link has a target, not ${short.name}`,
    );
  else if (typeof target !== 'string' || !classes.has(target))
    findings.add(`${path}.target`, describeFound(target), 'a class of this configuration');
  else return { type: 'link', target, collection, optional: isOptional };
  return null;
};

const readCollection = (
  short: CollectionType,
  value: unknown,
  path: string,
  findings: Findings,
): CollectionType => {
  if (value === undefined) return short;
  if (value !== 'list' && value !== 'set' && value !== 'dictionary') {
    findings.add(path, describeFound(value), '"list", "set" or "dictionary"');
    return short;
  }
  if (short !== 'single' && short !== value)
    findings.add(path, `"${value}"`, `"${short}", as the type says already`);
  return value;
};

/** Applies the rules of columns. What it answers after adding a finding has no meaning. */
const readColumn = (
  { type, target, collection, optional }: Wanted,
  path: string,
  classes: ClassNames,
  findings: Findings,
): ColumnSpec => {
  if (type === 'mixed') {
    if (optional === false) findings.add(`${path}.optional`, 'false', 'true: mixed values can be null');
    return { type, nullable: true, collection, target };
  }
  if (type !== 'link') return { type, nullable: optional === true, collection, target };
  const kind = target === null ? undefined : classes.get(target);
  if (kind === 'asymmetric')
    findings.add(path, `a link to ${target}, which is asymmetric`, 'a class whose objects can be linked to');
  if (kind === 'embedded' && collection === 'set')
    findings.add(path, `a set of ${target}, which is embedded`, 'a list or a dictionary of them');
  if (target === null && (collection === 'set' || collection === 'dictionary'))
    findings.add(path, `a ${collection} of links to any class`, 'a single link, a list, or a target');
  const nullable = collection === 'single' || collection === 'dictionary';
  if (optional !== undefined && optional !== nullable)
    findings.add(
      path,
      nullable ? 'a link that is not optional' : `a ${collection} of optional links`,
      nullable
        ? 'no mention of it: single links and links in dictionaries can always be null'
        : 'no mention of it: links in lists and sets are never null',
    );
  return { type, nullable, collection, target };
};
