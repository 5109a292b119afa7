/**
 * Reads what an application gives to be written. A whole input is checked before any of it is written, so
 * a write that is refused has changed nothing.
 */
import { limits } from '../base/limits.js';
import {
  type ClassSchema,
  describeValue,
  nestedProperty,
  type Property,
  type Schema,
} from './class-schema.js';
import { keyFromEdge } from './edge.js';
import { describeFound, isMap, isPlainObject, isSet } from './edge-kinds.js';
import { fromEdge, Mismatch, mixedFromEdge } from './edge-read.js';
import { LinkView } from './edge-types.js';
import {
  DictionaryInput,
  type Input,
  ListInput,
  ObjectInput,
  type Problem,
  type ProblemCode,
  SetInput,
  type SlotInput,
} from './input.js';
import type { Key } from './key.js';
import { link, type Value } from './value.js';

/**
 * Which links are taken: `linkProblem` answers what is wrong with one to an object, or null. `mixed` tells
 * whether mixed values can be links.
 */
export interface LinkRules {
  readonly mixed: boolean;
  readonly linkProblem: (className: string, key: Key) => Pick<Problem, 'code' | 'found' | 'expected'> | null;
}

/** Reads inputs; what does not fit is added to `problems`, and reads as undefined. */
export class InputReader {
  readonly problems: Problem[] = [];
  private readonly classes: Schema['byName'];
  private readonly links: LinkRules;
  private readonly depth: number;
  private readonly path: (string | number)[] = [];

  /** `depth`: how many elements the path to the place has that the inputs are for. */
  constructor(classes: Schema['byName'], links: LinkRules, depth: number) {
    this.classes = classes;
    this.links = links;
    this.depth = depth;
  }

  /** The contents of a whole property. */
  property(property: Property, value: unknown): Input | undefined {
    switch (property.column.collection) {
      case 'single':
        return this.value(property, value);
      case 'list':
        return this.list(property, value);
      case 'set':
        return this.set(property, value);
      case 'dictionary':
        return this.dictionary(property, value);
    }
  }

  /** A single value, an element, a member or the value of an entry. */
  value(property: Property, value: unknown): SlotInput | undefined {
    if (property.column.type === 'mixed') return this.mixed(value);
    if (value === null) {
      if (property.column.nullable) return null;
      return this.problem('null-not-allowed', 'null', describeValue(property));
    }
    return property.embedded === null
      ? this.scalar(property, value)
      : this.embedded(property, property.embedded, value);
  }

  /** A value that is neither object nor collection, as sets hold them. */
  scalar(property: Property, value: unknown): Value | undefined {
    const { type } = property.column;
    if (type === 'link') return this.link(property, value);
    if (value === null)
      return property.column.nullable
        ? null
        : this.problem('null-not-allowed', 'null', describeValue(property));
    if (type !== 'mixed') return this.fitting(fromEdge(type, value));
    if (value instanceof LinkView) return this.mixedLink(value);
    if (value !== undefined && (Array.isArray(value) || isPlainObject(value) || isMap(value) || isSet(value)))
      return this.problem('wrong-type', describeFound(value), 'a value that is no collection');
    return this.fitting(mixedFromEdge(value));
  }

  /**
   * Properties by name, as `create` and embedded objects take them. Undefined ones count as not given; the
   * one called `skipped` is not looked at.
   */
  fields(shape: ClassSchema, value: Readonly<Record<string, unknown>>, skipped?: string): Map<string, Input> {
    const given = new Map<string, Input>();
    for (const name of Object.keys(value)) {
      const found = value[name];
      if (found === undefined || name === skipped) continue;
      this.path.push(name);
      const property = shape.byName.get(name);
      if (property === undefined)
        this.problem('unknown-property', 'a property that the class does not have', propertiesOf(shape));
      else {
        const input = this.property(property, found);
        if (input !== undefined) given.set(name, input);
      }
      this.path.pop();
    }
    return given;
  }

  private problem(code: ProblemCode, found: string, expected: string): undefined {
    this.problems.push({ path: this.path.slice(), code, found, expected });
  }

  private fitting(read: Value | Mismatch): Value | undefined {
    return read instanceof Mismatch ? this.problem('wrong-type', read.found, read.expected) : read;
  }

  private embedded(property: Property, className: string, value: unknown): SlotInput | undefined {
    const shape = this.classes.get(className);
    if (shape === undefined || !isPlainObject(value))
      return this.problem('wrong-type', describeFound(value), `${describeValue(property)} (a plain object)`);
    if (this.isTooDeep()) return undefined;
    return new ObjectInput(className, this.fields(shape, value));
  }

  private list(property: Property, value: unknown): Input | undefined {
    if (!Array.isArray(value))
      return this.problem('wrong-type', describeFound(value), `an array of ${describeValue(property)}`);
    return this.items(property, value);
  }

  private items(property: Property, values: readonly unknown[]): SlotInput | undefined {
    if (this.isTooDeep()) return undefined;
    const items: SlotInput[] = [];
    for (let i = 0; i < values.length; i++) {
      this.path.push(i);
      const input = this.value(property, values[i]);
      if (input !== undefined) items.push(input);
      this.path.pop();
    }
    return new ListInput(items);
  }

  private set(property: Property, value: unknown): Input | undefined {
    if (!Array.isArray(value) && !isSet(value))
      return this.problem(
        'wrong-type',
        describeFound(value),
        `an array or Set of ${describeValue(property)}`,
      );
    const members: Value[] = [];
    let i = 0;
    for (const member of value) {
      this.path.push(i++);
      const input = this.scalar(property, member);
      if (input !== undefined) members.push(input);
      this.path.pop();
    }
    return new SetInput(members);
  }

  private dictionary(property: Property, value: unknown): Input | undefined {
    if (!isMap(value) && !isPlainObject(value))
      return this.problem(
        'wrong-type',
        describeFound(value),
        `a plain object or Map of ${describeValue(property)}`,
      );
    return this.entries(property, isMap(value) ? value : Object.entries(value));
  }

  private entries(property: Property, values: Iterable<readonly [unknown, unknown]>): SlotInput | undefined {
    if (this.isTooDeep()) return undefined;
    const entries = new Map<string, SlotInput>();
    for (const [key, value] of values) {
      if (typeof key !== 'string') {
        this.problem('wrong-type', `${describeFound(key)} as a key`, 'keys that are strings');
        continue;
      }
      this.path.push(key);
      const input = this.value(property, value);
      if (input !== undefined) entries.set(key, input);
      this.path.pop();
    }
    return new DictionaryInput(entries);
  }

  private mixed(value: unknown): SlotInput | undefined {
    if (Array.isArray(value)) return this.items(nestedProperty, value);
    if (isMap(value)) return this.entries(nestedProperty, value);
    if (isPlainObject(value)) return this.entries(nestedProperty, Object.entries(value));
    return this.scalar(nestedProperty, value);
  }

  private mixedLink(value: LinkView): Value | undefined {
    if (this.links.mixed) return this.linkTo(value.class, value.key);
    return this.problem(
      'wrong-type',
      describeFound(value),
      'a value without links, as mixed properties have here',
    );
  }

  private link(property: Property, value: unknown): Value | undefined {
    const { target } = property.column;
    if (value === null || value === undefined)
      return value === null && property.column.nullable
        ? null
        : this.problem('null-not-allowed', describeFound(value), describeValue(property));
    if (!(value instanceof LinkView) && !isPlainObject(value)) {
      if (target !== null) return this.linkTo(target, value);
      return this.problem('wrong-type', describeFound(value), 'a link with its class: linkTo(class, key)');
    }
    const unknown = Object.keys(value).find((name) => name !== 'class' && name !== 'key');
    const { class: named = target, key } = value;
    if (unknown !== undefined || typeof named !== 'string')
      return this.problem(
        'wrong-type',
        unknown === undefined ? 'a link without a class' : `a plain object with "${unknown}"`,
        `${describeValue(property)}: linkTo(class, key), or { class, key }`,
      );
    if (target !== null && named !== target)
      return this.problem('wrong-type', `a link to ${named}`, describeValue(property));
    return this.linkTo(named, key);
  }

  private linkTo(className: string, key: unknown): Value | undefined {
    const shape = this.classes.get(className);
    if (shape === undefined) return this.problem('unknown-class', `a link to ${className}`, 'a known class');
    const { spec } = shape;
    if (spec.type === 'embedded' || spec.asymmetric)
      return this.problem(
        'wrong-type',
        `a link to ${className}, which is ${spec.type === 'embedded' ? 'embedded' : 'asymmetric'}`,
        'a class whose objects can be linked to',
      );
    const read = keyFromEdge(spec, key);
    if (read instanceof Mismatch)
      return this.problem(
        'wrong-type',
        `${read.found} as key of a link to ${className}`,
        `a primary key: ${read.expected}`,
      );
    const wrong = this.links.linkProblem(className, read);
    return wrong === null ? link(className, read) : this.problem(wrong.code, wrong.found, wrong.expected);
  }

  /** Whether what lies inside the present place would be out of reach of a path. */
  private isTooDeep(): boolean {
    if (this.depth + this.path.length < limits.pathElements) return false;
    this.problem(
      'too-deep',
      `a value nested ${this.depth + this.path.length + 1} deep`,
      `at most ${limits.pathElements}`,
    );
    return true;
  }
}

export const propertiesOf = ({ name, properties }: ClassSchema): string =>
  `one of ${name}'s properties: ${properties.map((property) => property.name).join(', ')}`;
