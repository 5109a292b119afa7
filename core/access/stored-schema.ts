/**
 * The classes of the synced objects as JSON, in which they are stored and shown: the configuration that an
 * application would write (`schema-config.ts`), in its shortest form.
 *
 * Defaults are left out: they are what an application gives to the objects that it makes, and may be of types
 * that JSON has not.
 */
import type { ClassSchema, Property, Schema } from '../model/class-schema.js';
import type { ColumnSpec, PrimaryKey } from '../model/schema.js';
import type { ClassConfig } from '../model/schema-config.js';
import type { PropertyConfig } from '../model/schema-property.js';
import { readShorthand } from '../model/shorthand.js';

const endings = { single: '', list: '[]', set: '<>', dictionary: '{}' } as const;

/** Reading it with `decodeSchema` gives the schema again, without its defaults. */
export const schemaConfig = (schema: Schema): readonly ClassConfig[] => schema.classes.map(classConfig);

const classConfig = ({ name, spec, properties }: ClassSchema): ClassConfig => {
  const written = properties.map(({ name: field, column }): [string, string | PropertyConfig] => [
    field,
    propertyConfig(column),
  ]);
  // A property may have any name, `__proto__` too, which an assignment would not take for one.
  if (spec.type === 'embedded') return { name, kind: 'embedded', properties: Object.fromEntries(written) };
  const { primaryKey, asymmetric } = spec;
  if (primaryKey === null) return { name, properties: Object.fromEntries(written) };
  const keyed: [string, string | PropertyConfig][] = [[primaryKey.name, keyConfig(primaryKey)], ...written];
  return {
    name,
    ...(asymmetric ? { kind: 'asymmetric' as const } : {}),
    primaryKey: primaryKey.name,
    properties: Object.fromEntries(keyed),
  };
};

const keyConfig = ({ type, nullable }: PrimaryKey): string => `${type}${nullable ? '?' : ''}`;

const propertyConfig = ({ type, nullable, collection, target }: ColumnSpec): string | PropertyConfig => {
  const ending = endings[collection];
  if (type === 'link') return target === null ? `link${ending}` : linkConfig(target, collection);
  return `${type}${nullable && type !== 'mixed' ? '?' : ''}${ending}`;
};

/** Names of classes may be such that a shorthand would read as something else. */
const linkConfig = (target: string, collection: ColumnSpec['collection']): string | PropertyConfig => {
  const short = `${target}${endings[collection]}`;
  const read = readShorthand(short);
  if (read.name === target && read.collection === collection && !read.optional) return short;
  return collection === 'single' ? { type: 'link', target } : { type: 'link', target, collection };
};

/** Without what an application gives to its new objects. */
export const withoutDefaults = (property: Property): Property => ({ ...property, default: undefined });

/** The same classes in one value: byName goes with the list. */
export const schemaOf = (classes: readonly ClassSchema[]): Schema => ({
  classes,
  byName: new Map(classes.map((shape) => [shape.name, shape])),
});

export const emptySchema: Schema = schemaOf([]);
