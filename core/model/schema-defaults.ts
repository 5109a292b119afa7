/**
 * The default values of a class configuration: read as `create` would read them, once all classes are known.
 *
 * A default may hold embedded objects, whose own properties get their defaults in turn; a configuration in
 * which that never ends is refused. Links have no place in defaults: they need objects.
 */
import type { ClassSchema, Property, Schema } from './class-schema.js';
import { isPlainObject } from './edge-kinds.js';
import { DictionaryInput, type Input, ListInput, ObjectInput } from './input.js';
import { InputReader, type LinkRules } from './input-reader.js';
import { printPath } from './print.js';
import { type Findings, pathOf } from './schema-findings.js';

const noLinks: LinkRules = {
  mixed: false,
  linkProblem: (className) => ({
    code: 'wrong-type',
    found: `a link to ${className}`,
    expected: 'a default without links',
  }),
};

type Fields = Readonly<Record<string, unknown>>;

/** What the configuration of a property gives as default; undefined where there is none. */
export const defaultOf = (config: unknown): unknown => {
  const { default: value }: Fields = isPlainObject(config) ? config : {};
  return value;
};

const propertiesOf = (config: unknown): Fields => {
  const { properties }: Fields = isPlainObject(config) ? config : {};
  return isPlainObject(properties) ? properties : {};
};

/** The classes with their defaults. `configs[i]` is what `classes[i]` was read from. */
export const withDefaults = (
  classes: readonly ClassSchema[],
  configs: readonly unknown[],
  findings: Findings,
): Schema => {
  const bare = new Map(classes.map((shape) => [shape.name, shape]));
  const whole = classes.map((shape, i) => {
    const fields = propertiesOf(configs[i]);
    const properties = shape.properties.map((property) => {
      const path = pathOf(`classes[${i}].properties`, property.name);
      return withDefault(property, fields[property.name], path, bare, findings);
    });
    const byName = new Map(properties.map((property) => [property.name, property]));
    return { ...shape, properties, byName };
  });
  const schema = { classes: whole, byName: new Map(whole.map((shape) => [shape.name, shape])) };
  if (findings.errors.length === 0) findEndless(schema, findings);
  return schema;
};

const withDefault = (
  property: Property,
  config: unknown,
  path: string,
  classes: ReadonlyMap<string, ClassSchema>,
  findings: Findings,
): Property => {
  const value = defaultOf(config);
  if (value === undefined) return property;
  const reader = new InputReader(classes, noLinks, 0);
  const input = reader.property(property, value);
  for (const problem of reader.problems)
    findings.add(`${path}.default${printPath(problem.path)}`, problem.found, problem.expected);
  return { ...property, default: input };
};

/** Finds defaults that hold, or lead by defaults to, an object that gets the same default again. */
const findEndless = (schema: Schema, findings: Findings): void => {
  const open = new Set<Property>();
  const done = new Set<Property>();
  const expand = (property: Property, path: string): void => {
    if (done.has(property) || property.default === undefined) return;
    if (open.has(property)) {
      findings.add(
        `${path}.default`,
        'an object that by its own defaults holds another, without end',
        'an end',
      );
      return;
    }
    open.add(property);
    visit(property.default);
    open.delete(property);
    done.add(property);
  };
  const visit = (input: Input): void => {
    if (input instanceof ListInput) input.items.forEach(visit);
    else if (input instanceof DictionaryInput) input.entries.forEach(visit);
    else if (input instanceof ObjectInput) {
      input.given.forEach(visit);
      const shape = schema.byName.get(input.className);
      if (shape !== undefined) expandClass(shape, input.given);
    }
  };
  const expandClass = (shape: ClassSchema, given: ReadonlyMap<string, Input>): void => {
    const path = `classes[${schema.classes.indexOf(shape)}].properties`;
    for (const property of shape.properties)
      if (!given.has(property.name)) expand(property, pathOf(path, property.name));
  };
  for (const shape of schema.classes) expandClass(shape, new Map());
};
