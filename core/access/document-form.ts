/**
 * Documents in the form in which filters compare them.
 *
 * What the library `sift` walks through must reach nothing but the document: a path such as `name.length` or
 * `tags.constructor` would find what every JavaScript value has. So values are held in objects without properties,
 * and names carry a sign before them that no name of the platform has. Digits stand as they are, since they are
 * indices of lists as well.
 *
 * Values are ordered within their kind only, as in MongoDB. Numbers of all types are one kind, and are compared
 * exactly; a decimal with a fraction counts as the double nearest to it.
 */
import { toEdge } from '../model/edge.js';
import { describeFound, isMap, isPlainObject, isSet } from '../model/edge-kinds.js';
import { Mismatch, mixedFromEdge } from '../model/edge-read.js';
import { LinkView } from '../model/edge-types.js';
import { floatToNumber, type Value, valueId } from '../model/value.js';

const kinds = ['number', 'string', 'binary', 'objectId', 'uuid', 'bool', 'timestamp', 'link'] as const;
type Kind = (typeof kinds)[number];
type Comparable = number | bigint | string | boolean;

/** A value that is not null. Has no property that a path could name. */
export class Scalar {
  readonly #kind: Kind;
  readonly #value: Comparable;

  constructor(kind: Kind, value: Comparable) {
    this.#kind = kind;
    this.#value = value;
  }

  get kind(): Kind {
    return this.#kind;
  }

  /** Below 0, 0 or above 0; null for values of different kinds. */
  order(other: Scalar): number | null {
    if (this.#kind !== other.#kind) return null;
    const a = this.#value;
    const b = other.#value;
    if (a < b) return -1;
    if (a > b) return 1;
    // Of what is neither, only NaN is not equal: it comes before all numbers, and equals itself.
    return Number(other.isNaN) - Number(this.isNaN);
  }

  get isNaN(): boolean {
    return Number.isNaN(this.#value);
  }

  /** Where it is a text. */
  get text(): string | undefined {
    return this.#kind === 'string' && typeof this.#value === 'string' ? this.#value : undefined;
  }
}

export interface FormRecord {
  readonly [name: string]: Form;
}

export type Form = null | Scalar | readonly Form[] | FormRecord;

/** A name as forms, and paths into them, have it. */
export const formName = (name: string): string => (/^[0-9]+$/.test(name) ? name : `=${name}`);

export const recordForm = (entries: Iterable<readonly [string, Form]>): FormRecord => {
  const record: Record<string, Form> = {};
  for (const [name, form] of entries) record[formName(name)] = form;
  return record;
};

const numberForm = (value: number | bigint): Scalar =>
  new Scalar(
    'number',
    typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value,
  );

export const scalarForm = (value: Value): Scalar | null => {
  switch (typeof value) {
    case 'number':
    case 'bigint':
      return numberForm(value);
    case 'string':
      return new Scalar('string', value);
    case 'boolean':
      return new Scalar('bool', value);
    default:
  }
  if (value === null) return null;
  switch (value.type) {
    case 'float':
      return numberForm(floatToNumber(value));
    case 'double':
      return numberForm(Number.NaN);
    case 'decimal': {
      const text = String(toEdge(value, false));
      return numberForm(/^-?[0-9]+$/.test(text) ? BigInt(text) : Number(text));
    }
    case 'timestamp':
      return new Scalar('timestamp', value.seconds * 1_000_000_000n + BigInt(value.nanoseconds));
    case 'objectId':
    case 'uuid':
      return new Scalar(value.type, value.hex);
    case 'binary':
    case 'link':
      return new Scalar(value.type, valueId(value));
  }
};

/**
 * The form of what an application gives. Bare numbers are numbers here, whatever their type. `depth`: levels that
 * it may have.
 */
export const edgeForm = (value: unknown, depth: number): Form | Mismatch => {
  if (value === null) return null;
  if (typeof value === 'number') return numberForm(value);
  if (value instanceof LinkView) return linkForm(value);
  const isList = Array.isArray(value) || (typeof value === 'object' && isSet(value));
  if (!isList && !isMap(value) && !isPlainObject(value)) {
    const read = mixedFromEdge(value);
    return read instanceof Mismatch ? read : scalarForm(read);
  }
  if (depth === 0) return new Mismatch('another level', 'a value of fewer levels');
  if (isList) {
    const items: Form[] = [];
    for (const item of value as Iterable<unknown>) {
      const form = edgeForm(item, depth - 1);
      if (form instanceof Mismatch) return form;
      items.push(form);
    }
    return items;
  }
  const entries: [string, Form][] = [];
  for (const [name, entry] of isMap(value) ? value : Object.entries(value)) {
    if (typeof name !== 'string') return new Mismatch(describeFound(name), 'keys that are strings');
    const form = edgeForm(entry, depth - 1);
    if (form instanceof Mismatch) return form;
    entries.push([name, form]);
  }
  return recordForm(entries);
};

/** Of links to any class; links to one class are told by the keys of their targets. */
const linkForm = ({ class: name, key }: LinkView): Scalar | Mismatch => {
  const form = edgeForm(key, 0);
  if (form instanceof Mismatch) return form;
  const id = mixedFromEdge(Number.isSafeInteger(key) ? BigInt(key as number) : key);
  return id instanceof Mismatch ? id : new Scalar('link', linkId(name, valueId(id)));
};

/** As `valueId` has it for links: keys begin with the letters that values do. */
const linkId = (table: string, key: string): string => `l${table.length}:${table}${key}`;

/** Whether two forms are equal, as `$eq` has it: null is what is not there, too. */
export const sameForm = (a: unknown, b: unknown): boolean => {
  if (a === null || a === undefined || b === null || b === undefined) return (a ?? null) === (b ?? null);
  if (a instanceof Scalar || b instanceof Scalar)
    return a instanceof Scalar && b instanceof Scalar && a.order(b) === 0;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, i) => sameForm(item, b[i]))
    );
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  const names = Object.keys(a);
  const [x, y] = [a as FormRecord, b as FormRecord];
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameForm(x[name], y[name]))
  );
};

/** As `$lt` and the others order: null for what cannot be compared. NaN is neither below nor above any number. */
export const orderOfForms = (a: unknown, b: unknown): number | null => {
  if (a instanceof Scalar && b instanceof Scalar) return a.isNaN === b.isNaN ? a.order(b) : null;
  return (a ?? null) === null && (b ?? null) === null ? 0 : null;
};

/** In which order a sort by one field has two documents: null comes first, NaN before numbers, kinds in an order of their own. */
export const compareDocuments = (
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
  field: string,
): number => {
  const x = edgeForm(a[field] ?? null, 0);
  const y = edgeForm(b[field] ?? null, 0);
  const order = x instanceof Scalar && y instanceof Scalar ? x.order(y) : null;
  return order ?? rankOf(x) - rankOf(y);
};

const rankOf = (form: Form | Mismatch): number =>
  form === null ? 0 : form instanceof Scalar ? 1 + kinds.indexOf(form.kind) : kinds.length + 1;
