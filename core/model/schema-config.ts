/**
 * The configuration of an application's classes, as a person writes it, checked as a whole.
 *
 *     [
 *       { name: 'Airport', primaryKey: '_id', properties: {
 *           _id: 'string', name: 'string', visits: { type: 'int', default: 0 }, hub: 'Airport',
 *           tags: 'string[]', codes: 'int<>', notes: 'mixed{}', address: 'Address' } },
 *       { name: 'Address', kind: 'embedded', properties: { street: 'string?' } },
 *     ]
 *
 * A property is a shorthand (`shorthand.ts`) or spelled out: `type` is a shorthand too, `optional` and
 * `collection` say what it leaves open, `target` is the class that a `link` points to (without it, any
 * class), `default` is what new objects get. Where null is allowed by the rules of the type (single links
 * and links in dictionaries always, links in lists and sets never, mixed always) the configuration need not
 * say so, and must not say otherwise.
 *
 * Source of the rules: merge-semantics, sections 1.2, 1.3 and 10.
 */
import * as E from 'fp-ts/lib/Either.js';
import { limits } from '../base/limits.js';
import { isWellFormed, utf8Length } from '../base/utf8.js';
import type { ClassSchema, Property, Schema } from './class-schema.js';
import { describeFound, isPlainObject } from './edge-kinds.js';
import type { PrimaryKey, TableSpec } from './schema.js';
import { defaultOf, withDefaults } from './schema-defaults.js';
import { type ConfigError, Findings, pathOf } from './schema-findings.js';
import { type ClassNames, type PropertyConfig, readProperty } from './schema-property.js';
import { isTypeName } from './shorthand.js';

export type ClassKind = 'object' | 'embedded' | 'asymmetric';

export interface ClassConfig {
  readonly name: string;
  /** Default `object`. */
  readonly kind?: ClassKind;
  /** Name of the property that identifies objects; for all kinds but `embedded`. */
  readonly primaryKey?: string;
  readonly properties: { readonly [name: string]: string | PropertyConfig };
}

/** Reads a configuration: the classes, or everything that is wrong with it, each with its place. */
export const decodeSchema = (input: unknown): E.Either<readonly ConfigError[], Schema> => {
  const findings = new Findings();
  if (!Array.isArray(input)) {
    findings.add('classes', describeFound(input), 'an array of class configurations');
    return E.left(findings.errors);
  }
  const configs: readonly unknown[] = input;
  const kinds = kindsByName(configs);
  const classes: ClassSchema[] = [];
  const seen = new Map<string, number>();
  for (let i = 0; i < configs.length; i++) {
    const path = `classes[${i}]`;
    const shape = readClass(configs[i], path, kinds, findings);
    if (shape === null) continue;
    const earlier = seen.get(shape.name);
    if (earlier !== undefined)
      findings.add(`${path}.name`, `"${shape.name}" again`, `a name other than that of classes[${earlier}]`);
    seen.set(shape.name, i);
    classes.push(shape);
  }
  // Defaults are read by the rules of the classes, which therefore have to be right.
  if (findings.errors.length > 0) return E.left(findings.errors);
  const schema = withDefaults(classes, configs, findings);
  return findings.errors.length > 0 ? E.left(findings.errors) : E.right(schema);
};

const kindsByName = (configs: readonly unknown[]): ClassNames => {
  const kinds = new Map<string, ClassKind>();
  for (const config of configs) {
    const { name, kind }: Readonly<Record<string, unknown>> = isPlainObject(config) ? config : {};
    if (typeof name === 'string')
      kinds.set(name, kind === 'embedded' || kind === 'asymmetric' ? kind : 'object');
  }
  return kinds;
};

const checkName = (name: string, most: number, path: string, findings: Findings): void => {
  const size = utf8Length(name);
  if (size === 0) findings.add(path, 'an empty name', 'a name');
  else if (size > most) findings.add(path, `a name of ${size} bytes`, `at most ${most} bytes of UTF-8`);
  else if (!isWellFormed(name)) findings.add(path, 'a name with half a surrogate pair', 'valid Unicode');
};

const readKind = (value: unknown, path: string, findings: Findings): ClassKind => {
  if (value === undefined || value === 'object') return 'object';
  if (value === 'embedded' || value === 'asymmetric') return value;
  findings.add(path, describeFound(value), '"object", "embedded" or "asymmetric"');
  return 'object';
};

const readClass = (
  config: unknown,
  path: string,
  kinds: ClassNames,
  findings: Findings,
): ClassSchema | null => {
  if (!isPlainObject(config)) {
    findings.add(path, describeFound(config), 'a class configuration: { name, primaryKey, properties }');
    return null;
  }
  findings.unknownNames(config, ['name', 'kind', 'primaryKey', 'properties'], path);
  const { name, kind: kindName, primaryKey, properties: configs } = config;
  const kind = readKind(kindName, `${path}.kind`, findings);
  if (typeof name !== 'string') findings.add(`${path}.name`, describeFound(name), 'the name of the class');
  else if (isTypeName(name))
    findings.add(`${path}.name`, `"${name}", which is a type of values`, 'another name');
  else checkName(name, limits.classNameBytes, `${path}.name`, findings);
  if (!isPlainObject(configs)) {
    findings.add(`${path}.properties`, describeFound(configs), 'an object of properties by name');
    return null;
  }
  const properties: Property[] = [];
  for (const field of Object.keys(configs)) {
    const at = pathOf(`${path}.properties`, field);
    checkName(field, limits.nameBytes, at, findings);
    const property = readProperty(field, configs[field], at, kinds, findings);
    if (property !== null) properties.push(property);
  }
  const spec = readTable(kind, primaryKey, configs, properties, path, findings);
  if (typeof name !== 'string' || spec === null) return null;
  const others = properties.filter(
    (property) => spec.type === 'embedded' || property.name !== spec.primaryKey?.name,
  );
  return {
    name,
    spec,
    properties: others,
    byName: new Map(others.map((property) => [property.name, property])),
  };
};

const readTable = (
  kind: ClassKind,
  name: unknown,
  configs: Readonly<Record<string, unknown>>,
  properties: readonly Property[],
  path: string,
  findings: Findings,
): TableSpec | null => {
  const at = `${path}.primaryKey`;
  if (kind === 'embedded') {
    if (name !== undefined) findings.add(at, describeFound(name), 'none: objects of the class are embedded');
    return { type: 'embedded' };
  }
  if (typeof name !== 'string') {
    findings.add(at, describeFound(name), 'the name of the property that identifies objects');
    return null;
  }
  if (!Object.hasOwn(configs, name)) {
    findings.add(at, `"${name}"`, `one of the properties: ${Object.keys(configs).join(', ')}`);
    return null;
  }
  const property = properties.find((one) => one.name === name);
  // Its own configuration has been found wrong already.
  if (property === undefined) return null;
  const primaryKey = readKey(property, configs[name], pathOf(`${path}.properties`, name), findings);
  return primaryKey === null ? null : { type: 'topLevel', primaryKey, asymmetric: kind === 'asymmetric' };
};

const readKey = (
  { name, column }: Property,
  config: unknown,
  path: string,
  findings: Findings,
): PrimaryKey | null => {
  const { type, nullable, collection } = column;
  if (defaultOf(config) !== undefined)
    findings.add(`${path}.default`, 'a default', 'none: a primary key is given when an object is created');
  if (
    collection === 'single' &&
    (type === 'int' || type === 'string' || type === 'objectId' || type === 'uuid')
  )
    return { name, type, nullable };
  findings.add(
    path,
    collection === 'single' ? type : `a ${collection} of ${type}`,
    'int, string, objectId or uuid, as primary keys are',
  );
  return null;
};
