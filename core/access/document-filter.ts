/**
 * Filters: which documents are meant, in MongoDB's match language. Understood are
 *
 *     { field: value }  { field: /pattern/ }  { 'embedded.field': … }  { 'list.0': … }
 *     $eq $ne $gt $gte $lt $lte $in $nin $all $elemMatch $size $exists $not $regex $options
 *     $and $or $nor
 *
 * and nothing that runs code. Each filter is read whole before a document is looked at, and what is not understood
 * is refused, because it would mean something else to whoever wrote it. The comparing is that of the library `sift`
 * on `document-form.ts`, with regular expressions of RE2.
 *
 * Every property of a class is in its documents, and is null where nothing was ever set: `$exists` tells which
 * properties a class has.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  $all,
  $and,
  $elemMatch,
  $eq,
  $exists,
  $in,
  $ne,
  $nin,
  $nor,
  $not,
  $or,
  $size,
  createEqualsOperation,
  createQueryTester,
} from 'sift/lib/index.js';
import { describeFound, isPlainObject } from '../model/edge-kinds.js';
import { Mismatch } from '../model/edge-read.js';
import { pathOf } from '../model/schema-findings.js';
import { DocumentError } from './document-error.js';
import {
  edgeForm,
  type Form,
  type FormRecord,
  formName,
  orderOfForms,
  Scalar,
  sameForm,
} from './document-form.js';
import { expressionLimits } from './expression.js';
import { compilePattern } from './parse-expression.js';

export interface DocumentFilter {
  readonly accepts: (document: FormRecord) => boolean;
  /** What the field is one of in all documents that are accepted; undefined where that is not fixed. */
  readonly valuesOf: (field: string) => readonly unknown[] | undefined;
}

/** What a filter may be at most. */
export const filterLimits = {
  /** Levels, from the filter to its deepest value. */
  depth: 30,
  /** Operators, fields and values of lists, all together. */
  nodes: 100_000,
} as const;

/** Reads a filter for a class. `place`: what errors call it. */
export const documentFilter = (place: string, input: unknown): E.Either<DocumentError, DocumentFilter> =>
  reading((reader) => {
    const query = reader.query(input, place, 0);
    const accepts = createQueryTester<unknown>(query, options);
    return { accepts, valuesOf: (field) => reader.fixed.get(field) };
  });

/** Reads what elements of a list are to be like, as `$pull` takes it: a value, operators, or fields of an embedded object. */
export const elementFilter = (
  place: string,
  input: unknown,
): E.Either<DocumentError, (element: Form) => boolean> =>
  reading((reader) => {
    const isQuery = isPlainObject(input) && !isOperators(input);
    const query = {
      '=e': isQuery ? { $elemMatch: reader.query(input, place, 0) } : reader.condition(input, place, 0),
    };
    const accepts = createQueryTester<unknown>(query, options);
    return (element) => accepts({ '=e': isQuery ? [element] : element });
  });

const reading = <A>(read: (reader: Reader) => A): E.Either<DocumentError, A> => {
  try {
    return E.right(read(new Reader()));
  } catch (error) {
    if (error instanceof DocumentError) return E.left(error);
    throw error;
  }
};

type Options = Parameters<typeof createEqualsOperation>[2];
type Test = (value: unknown) => boolean;

/** What `sift` takes: names are those of forms, and values forms, or functions that test one. */
type Query = Record<string, unknown>;

const ordering =
  (accepts: (order: number) => boolean) => (operand: Form, owner: unknown, options: Options) => {
    const test: Test = (value) => {
      const order = orderOfForms(value, operand);
      return order !== null && accepts(order);
    };
    return createEqualsOperation(test, owner, options);
  };

const operations = {
  $all,
  $and,
  $elemMatch,
  $eq,
  $exists,
  $gt: ordering((order) => order > 0),
  $gte: ordering((order) => order >= 0),
  $in,
  $lt: ordering((order) => order < 0),
  $lte: ordering((order) => order <= 0),
  $ne,
  $nin,
  $nor,
  $not,
  $or,
  $regex: (test: Test, owner: unknown, given: Options) => createEqualsOperation(test, owner, given),
  $size,
};

const options = { operations, compare: sameForm };

const groups: ReadonlySet<string> = new Set(['$and', '$or', '$nor']);
const isOperators = (input: object): boolean =>
  Object.keys(input).some((name) => name.startsWith('$') && !groups.has(name));

const isPattern = (input: unknown): input is RegExp =>
  Object.prototype.toString.call(input) === '[object RegExp]';

class Reader {
  /** What fields are fixed to, by what all documents have to fulfil. */
  readonly fixed = new Map<string, readonly unknown[]>();
  private nodes = 0;

  /** `isNecessary`: whether all that is accepted has to fulfil it, as it has not in a branch of `$or`. */
  query(input: unknown, place: string, depth: number, isNecessary = true): Query {
    this.enter(place, depth);
    if (!isPlainObject(input)) return this.fail('bad-filter', place, describeFound(input), 'a plain object');
    const query: Query = {};
    for (const name of Object.keys(input)) {
      const at = pathOf(place, name);
      if (groups.has(name)) query[name] = this.group(input[name], at, depth, isNecessary && name === '$and');
      else if (name.startsWith('$'))
        this.fail('unsupported-operator', at, `the operator ${name}`, 'a field, $and, $or or $nor');
      else {
        if (isNecessary) this.fix(name, input[name]);
        query[this.field(name, at)] = this.condition(input[name], at, depth + 1);
      }
    }
    return query;
  }

  private group(input: unknown, place: string, depth: number, isNecessary: boolean): Query[] {
    if (!Array.isArray(input) || input.length === 0)
      return this.fail('bad-filter', place, describeFound(input), 'an array of at least one filter');
    return input.map((each: unknown, i) => this.query(each, `${place}[${i}]`, depth + 1, isNecessary));
  }

  private field(name: string, place: string): string {
    const names = name.split('.');
    if (names.includes('')) this.fail('bad-filter', place, 'an empty name', 'names between dots');
    return names.map(formName).join('.');
  }

  private fix(name: string, input: unknown): void {
    if (this.fixed.has(name) || isPattern(input)) return;
    if (!isPlainObject(input) || !Object.keys(input).some((each) => each.startsWith('$')))
      this.fixed.set(name, [input]);
    else if ('$eq' in input) this.fixed.set(name, [input['$eq']]);
    else {
      const members: unknown = input['$in'];
      if (Array.isArray(members) && !members.some(isPattern)) this.fixed.set(name, members);
    }
  }

  condition(input: unknown, place: string, depth: number): unknown {
    if (isPattern(input)) return this.pattern(input.source, input.flags, place);
    if (isPlainObject(input) && Object.keys(input).some((name) => name.startsWith('$')))
      return this.operators(input, place, depth);
    return this.value(input, place, depth);
  }

  private operators(input: Readonly<Record<string, unknown>>, place: string, depth: number): Query {
    this.enter(place, depth);
    const query: Query = {};
    for (const name of Object.keys(input)) {
      if (name === '$options' && '$regex' in input) continue;
      query[name] = this.operand(name, input, pathOf(place, name), depth + 1);
    }
    return query;
  }

  private operand(
    name: string,
    operators: Readonly<Record<string, unknown>>,
    place: string,
    depth: number,
  ): unknown {
    const input = operators[name];
    switch (name) {
      case '$eq':
      case '$ne':
      case '$gt':
      case '$gte':
      case '$lt':
      case '$lte':
        return this.value(input, place, depth);
      case '$in':
      case '$nin':
        return this.values(input, place, depth, true);
      case '$all':
        return this.values(input, place, depth, false);
      case '$size':
        if (typeof input === 'number' && Number.isSafeInteger(input) && input >= 0) return input;
        return this.fail('bad-filter', place, describeFound(input), 'how many elements: an integer from 0');
      case '$exists':
        if (typeof input === 'boolean') return input;
        return this.fail('bad-filter', place, describeFound(input), 'true or false');
      case '$not':
        if (isPattern(input)) return this.pattern(input.source, input.flags, place);
        if (isPlainObject(input) && isOperators(input)) return this.operators(input, place, depth);
        return this.fail('bad-filter', place, describeFound(input), 'operators, or a regular expression');
      case '$elemMatch':
        if (isPlainObject(input) && isOperators(input)) return this.operators(input, place, depth);
        return this.query(input, place, depth, false);
      case '$regex':
        return this.regex(input, operators['$options'], place);
      default:
        return this.fail(
          'unsupported-operator',
          place,
          name.startsWith('$') ? `the operator ${name}` : 'a field among operators',
          `one of ${Object.keys(operations).join(', ')}`,
        );
    }
  }

  private regex(input: unknown, flags: unknown, place: string): Test {
    if (flags !== undefined && typeof flags !== 'string')
      return this.fail('bad-filter', place, `${describeFound(flags)} as $options`, 'letters of i, m and s');
    if (isPattern(input)) return this.pattern(input.source, flags ?? input.flags, place);
    if (typeof input === 'string') return this.pattern(input, flags ?? '', place);
    return this.fail('bad-filter', place, describeFound(input), 'a regular expression');
  }

  private pattern(source: string, flags: string, place: string): Test {
    this.enter(place, 0);
    if (!/^[imsgu]*$/.test(flags))
      return this.fail('bad-filter', place, `the options ${JSON.stringify(flags)}`, 'letters of i, m and s');
    if (source.length > expressionLimits.pattern)
      return this.fail(
        'bad-filter',
        place,
        'a long pattern',
        `at most ${expressionLimits.pattern} code units`,
      );
    try {
      const compiled = compilePattern(source, flags);
      return (value) => {
        const text = value instanceof Scalar ? value.text : undefined;
        return (
          text !== undefined && text.length <= expressionLimits.searchedText && compiled.matcher(text).find()
        );
      };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return this.fail(
        'bad-filter',
        place,
        `the pattern ${JSON.stringify(source)} (${why})`,
        'a pattern of RE2',
      );
    }
  }

  private values(input: unknown, place: string, depth: number, withPatterns: boolean): unknown[] {
    if (!Array.isArray(input)) return this.fail('bad-filter', place, describeFound(input), 'an array');
    return input.map((each: unknown, i) =>
      withPatterns && isPattern(each)
        ? this.pattern(each.source, each.flags, `${place}[${i}]`)
        : this.value(each, `${place}[${i}]`, depth),
    );
  }

  private value(input: unknown, place: string, depth: number): Form {
    this.enter(place, depth);
    const form = edgeForm(input, filterLimits.depth - depth);
    return form instanceof Mismatch ? this.fail('wrong-type', place, form.found, form.expected) : form;
  }

  private enter(place: string, depth: number): void {
    this.nodes++;
    if (depth > filterLimits.depth)
      this.fail('bad-filter', place, 'another level', `at most ${filterLimits.depth} levels`);
    if (this.nodes > filterLimits.nodes)
      this.fail('bad-filter', place, 'another value', `at most ${filterLimits.nodes} values in a filter`);
  }

  private fail(code: DocumentError['code'], place: string, found: string, expected: string): never {
    throw new DocumentError(code, place, found, expected);
  }
}
