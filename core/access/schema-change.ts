/**
 * How the schema of the synced objects may change. New classes and properties pass at any time; what takes
 * something away, or makes it another, would leave devices with data that nobody else can read: that needs a
 * new beginning, which terminating and enabling sync is.
 *
 * Everything that stands in the way is found at once, each with its place.
 *
 * Source: the page on partition-based sync, partition keys and development mode.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { ClassSchema, Property, Schema } from '../model/class-schema.js';
import type { AddColumn, AddTable, Instruction } from '../model/instruction.js';
import { printColumnSpec, printTableSpec } from '../model/print.js';
import { sameColumnSpec, sameTableSpec } from '../model/schema.js';
import { decodeSchema } from '../model/schema-config.js';
import { type ConfigError, Findings, pathOf } from '../model/schema-findings.js';
import type { PartitionConfig } from './config.js';
import type { PartitionType } from './partition-value.js';
import { schemaConfig, schemaOf, withoutDefaults } from './stored-schema.js';

const classPath = (name: string): string => pathOf('schema', name);
const propertyPath = (name: string, property: string): string => pathOf(classPath(name), property);

/** What `after` takes away from `before` or makes another; empty where it only adds. */
export const destructiveChanges = (before: Schema, after: Schema): readonly ConfigError[] => {
  const findings = new Findings();
  for (const shape of before.classes) {
    const later = after.byName.get(shape.name);
    if (later === undefined) {
      findings.add(classPath(shape.name), 'no such class', 'the class, which is synced');
      continue;
    }
    contradictions(shape, later, findings);
    if (!sameTableSpec(shape.spec, later.spec)) continue;
    for (const { name } of shape.properties)
      if (!later.byName.has(name))
        findings.add(propertyPath(shape.name, name), 'no such property', 'the property, which is synced');
  }
  return findings.errors;
};

/** Where the two say different things of the same class. */
const contradictions = (before: ClassSchema, after: ClassSchema, findings: Findings): void => {
  if (!sameTableSpec(before.spec, after.spec)) {
    findings.add(classPath(before.name), printTableSpec(after.spec), printTableSpec(before.spec));
    return;
  }
  for (const { name, column } of after.properties) {
    const known = before.byName.get(name);
    if (known !== undefined && !sameColumnSpec(known.column, column))
      findings.add(
        propertyPath(before.name, name),
        printColumnSpec(column),
        `${printColumnSpec(known.column)}, as it is synced`,
      );
  }
};

/** Both together, those of `before` first; or all that they say differently. `before` itself where nothing is added. */
export const joinedSchema = (before: Schema, after: Schema): E.Either<readonly ConfigError[], Schema> => {
  const findings = new Findings();
  const classes = [...before.classes];
  let isSame = true;
  for (const shape of after.classes) {
    const at = classes.findIndex(({ name }) => name === shape.name);
    const known = classes[at];
    if (known === undefined) {
      classes.push(withProperties(shape, shape.properties.map(withoutDefaults)));
      isSame = false;
      continue;
    }
    contradictions(known, shape, findings);
    const added = shape.properties.filter(({ name }) => !known.byName.has(name)).map(withoutDefaults);
    if (added.length === 0) continue;
    classes[at] = withProperties(known, [...known.properties, ...added]);
    isSame = false;
  }
  if (findings.errors.length > 0) return E.left(findings.errors);
  return E.right(isSame ? before : schemaOf(classes));
};

const withProperties = (shape: ClassSchema, properties: readonly Property[]): ClassSchema => ({
  ...shape,
  properties,
  byName: new Map(properties.map((property) => [property.name, property])),
});

/**
 * The schema with what instructions add to it, as those of devices in development mode; or all that does not fit.
 * The same schema where they add nothing.
 */
export const extendedSchema = (
  schema: Schema,
  instructions: Iterable<Instruction>,
): E.Either<readonly ConfigError[], Schema> => {
  const findings = new Findings();
  const classes = new Map(schema.classes.map((shape) => [shape.name, shape]));
  let isSame = true;
  const put = (shape: ClassSchema): void => {
    classes.set(shape.name, shape);
    isSame = false;
  };
  for (const instruction of instructions) {
    const { table } = instruction;
    const known = classes.get(table);
    switch (instruction.kind) {
      case 'AddTable':
        addTable(known, instruction, put, findings);
        break;
      case 'AddColumn':
        addColumn(known, instruction, classes, put, findings);
        break;
      case 'EraseTable':
        if (known !== undefined)
          findings.add(classPath(table), 'the removal of the class', 'the class, which is synced');
        break;
      case 'EraseColumn':
        if (known?.byName.has(instruction.field) === true)
          findings.add(
            propertyPath(table, instruction.field),
            'the removal of the property',
            'the property, which is synced',
          );
        break;
    }
  }
  if (findings.errors.length > 0) return E.left(findings.errors);
  if (isSame) return E.right(schema);
  const extended = schemaOf([...classes.values()]);
  // A device can say what no configuration can: names that are types, classes without a primary key.
  const read = decodeSchema(schemaConfig(extended));
  return E.isLeft(read) ? read : E.right(extended);
};

const addTable = (
  known: ClassSchema | undefined,
  { table, spec }: AddTable,
  put: (shape: ClassSchema) => void,
  findings: Findings,
): void => {
  if (known === undefined) put({ name: table, spec, properties: [], byName: new Map() });
  else if (!sameTableSpec(known.spec, spec))
    findings.add(classPath(table), printTableSpec(spec), printTableSpec(known.spec));
};

const addColumn = (
  known: ClassSchema | undefined,
  { table, field, column }: AddColumn,
  classes: ReadonlyMap<string, ClassSchema>,
  put: (shape: ClassSchema) => void,
  findings: Findings,
): void => {
  const path = propertyPath(table, field);
  if (known === undefined) {
    findings.add(path, `a property of ${table}`, 'a class that is there');
    return;
  }
  const primaryKey = known.spec.type === 'topLevel' ? known.spec.primaryKey : null;
  const present =
    primaryKey?.name === field
      ? ({
          type: primaryKey.type,
          nullable: primaryKey.nullable,
          collection: 'single',
          target: null,
        } as const)
      : known.byName.get(field)?.column;
  if (present === undefined) {
    const target = column.target === null ? undefined : classes.get(column.target);
    const embedded = target?.spec.type === 'embedded' ? target.name : null;
    const property: Property = { name: field, column, embedded, default: undefined };
    put(withProperties(known, [...known.properties, property]));
  } else if (!sameColumnSpec(present, column))
    findings.add(path, printColumnSpec(column), `${printColumnSpec(present)}, as it is synced`);
};

/** What the values of a partition key are, as a property. */
const typeOfKey = (type: PartitionType): 'int' | 'string' | 'objectId' | 'uuid' =>
  type === 'long' ? 'int' : type;

/**
 * Where classes and partition key contradict each other. A class need not have the key's property, since its
 * objects' partition is known without it; one that has a property of that name must mean the key by it.
 */
export const keyCollisions = (
  schema: Schema,
  { key, type, isRequired }: Pick<PartitionConfig['partition'], 'key' | 'type' | 'isRequired'>,
): readonly ConfigError[] => {
  const findings = new Findings();
  const expected = typeOfKey(type);
  for (const { name, spec, byName } of schema.classes) {
    if (spec.type === 'embedded') continue;
    const path = propertyPath(name, key);
    if (spec.primaryKey?.name === key)
      findings.add(path, 'the primary key', 'a property of its own: it has the name of the partition key');
    const property = byName.get(key);
    if (property === undefined) continue;
    const { column } = property;
    if (column.type !== expected || column.collection !== 'single')
      findings.add(path, printColumnSpec(column), `${expected}, as the partition key is`);
    else if (isRequired && column.nullable)
      findings.add(path, printColumnSpec(column), `${expected}, since the partition key is required`);
  }
  return findings.errors;
};
